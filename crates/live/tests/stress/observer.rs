//! The observer: it records everything, and sometimes uses the broker, is slow, or panics.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Waiting, Poll, Waker};
use std::thread;
use std::time::Duration;

use entrega_brokers::QueueBroker;
use entrega_clients::Link;
use entrega_live::Served;
use entrega_model::event::SendOutcome;
use entrega_model::{Event, Kind, MessageId, Observer, ProcessId};

use crate::config::{Config, OWN, Random};
use crate::producers::{invoked, publish};
use crate::record::author;

/// What the observer panics with.
pub(crate) struct Expected;

thread_local! {
    /// How often the observer has panicked on this thread.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn panic_as_expected() -> ! {
    PANICS.set(PANICS.get() + 1);
    resume_unwind(Box::new(Expected))
}

/// Makes a call; `None` if the observer panicked. It must have panicked on this thread, and if it
/// has, this call must say so.
pub(crate) fn caught<R>(call: impl FnOnce() -> R) -> Option<R> {
    let before = PANICS.get();
    let result = catch_unwind(AssertUnwindSafe(call));
    let has_panicked = PANICS.get() > before;
    match result {
        Ok(result) => {
            assert!(!has_panicked, "the observer panicked here, and the call did not");
            Some(result)
        }
        Err(panic) if panic.is::<Expected>() => {
            assert!(has_panicked, "the call panicked, and the observer did not panic here");
            None
        }
        Err(panic) => resume_unwind(panic),
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was shown, and what clients noted, by process.
pub(crate) struct Seen {
    pub(crate) events: Mutex<Vec<Event>>,
    /// How many notes of each process were shown.
    shown: Vec<AtomicUsize>,
    pub(crate) notes: Vec<Mutex<Vec<Kind>>>,
    /// The observer only records from now on, and may panic.
    pub(crate) is_calm: AtomicBool,
    /// A handle to the broker, for the observer and for whoever keeps its time.
    pub(crate) broker: Mutex<Option<Served<QueueBroker>>>,
}

impl Seen {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        let processes = config.processes();
        Arc::new(Self {
            events: Mutex::default(),
            shown: (0..processes).map(|_| AtomicUsize::new(0)).collect(),
            notes: (0..processes).map(|_| Mutex::default()).collect(),
            is_calm: AtomicBool::new(false),
            broker: Mutex::default(),
        })
    }

    /// Notes something of a process; only its own thread does. Returns when that was shown.
    pub(crate) fn note(&self, served: &Served<QueueBroker>, process: ProcessId, kind: Kind) {
        lock(&self.notes[process.index()]).push(kind);
        caught(|| served.record(kind));
        let noted = lock(&self.notes[process.index()]).len();
        let shown = self.shown[process.index()].load(SeqCst);
        assert_eq!(shown, noted, "a call returns when its events are shown");
    }

    fn keep(&self, events: &[Event]) {
        lock(&self.events).extend_from_slice(events);
        for process in events.iter().filter_map(|event| author(&event.kind)) {
            self.shown[process.index()].fetch_add(1, SeqCst);
        }
    }
}

/// See the module.
pub(crate) struct Watcher {
    seen: Arc<Seen>,
    config: Config,
    random: Random,
    is_watching: Arc<AtomicBool>,
    published: usize,
    recorded: u16,
}

impl Watcher {
    pub(crate) fn new(config: &Config, seen: Arc<Seen>) -> Self {
        let (random, config) = (Random::new(config.seed ^ 0x0B5E), config.clone());
        Self { seen, config, random, is_watching: Arc::default(), published: 0, recorded: 0 }
    }

    fn own(&self) -> ProcessId {
        ProcessId(self.config.processes() as u16 - 1)
    }

    /// Its calls return before what came of them is shown: it sees that next.
    fn use_the_broker(&mut self, served: &Served<QueueBroker>) {
        let process = self.own();
        match self.random.below(4) {
            0 => {
                served.look(|broker| broker.ready_count(Default::default()));
            }
            1 => {
                self.recorded += 1;
                let (point, alternative, message) = (self.recorded, 0, None);
                self.note(served, Kind::Faulted { point, alternative, process, message });
            }
            _ if self.published == OWN => served.close_if_closing(),
            _ => self.publish(served),
        }
    }

    /// Lives a whole life: connects, publishes, and leaves or crashes.
    fn publish(&mut self, served: &Served<QueueBroker>) {
        let first = self.config.producers * self.config.each;
        let message = MessageId((first + self.published) as u32);
        self.published += 1;
        let link = served.connect(self.own());
        self.note(served, invoked(message, self.own()));
        let call = link.start(publish([message], true));
        let answer = link.poll_answer(call, &mut Waiting::from_waker(Waker::noop()));
        let outcome = match answer {
            Poll::Ready(answer) => crate::producers::outcome_of(Some(answer)),
            Poll::Pending => {
                link.forget(call);
                SendOutcome::Info
            }
        };
        self.note(served, Kind::SendEnded { message, producer: self.own(), outcome });
        if self.random.once_in(2) {
            link.leave(false);
        }
    }

    fn note(&self, served: &Served<QueueBroker>, kind: Kind) {
        lock(&self.seen.notes[self.own().index()]).push(kind);
        served.record(kind);
    }
}

impl Observer for Watcher {
    fn observe(&mut self, events: &[Event]) {
        let alone = !self.is_watching.swap(true, SeqCst);
        assert!(alone && !events.is_empty(), "it is shown something, one batch at a time");
        self.seen.keep(events);
        let own = self.own();
        let is_news = events.iter().any(|event| author(&event.kind) != Some(own));
        let habits = self.config.observer;
        if is_news && !self.seen.is_calm.load(SeqCst) {
            let served = lock(&self.seen.broker).clone();
            if let Some(served) = served
                && self.random.once_in(habits.uses_the_broker)
            {
                self.use_the_broker(&served);
            }
            if self.random.once_in(habits.is_slow) {
                thread::sleep(Duration::from_micros(self.random.below(500)));
            }
        }
        self.is_watching.store(false, SeqCst);
        if self.random.once_in(habits.panics) {
            panic_as_expected();
        }
    }
}

trait CloseIfClosing {
    fn close_if_closing(&self);
}

impl CloseIfClosing for Served<QueueBroker> {
    /// Closing again changes nothing.
    fn close_if_closing(&self) {
        if self.is_closing() {
            self.close();
        }
    }
}

/// The two ways in which a panic can go astray are caught.
mod broken {
    use super::*;

    #[test]
    #[should_panic(expected = "the observer panicked here, and the call did not")]
    fn a_panic_that_is_lost() {
        caught(|| drop(catch_unwind(|| panic_as_expected())));
    }

    #[test]
    #[should_panic(expected = "the call panicked, and the observer did not panic here")]
    fn a_panic_that_arrives_elsewhere() {
        caught(|| resume_unwind(Box::new(Expected)));
    }

    #[test]
    #[should_panic(expected = "a call returns when its events are shown")]
    fn a_call_that_returns_too_early() {
        let served = Served::new(QueueBroker::new(Default::default()), Default::default(), ());
        let seen = Seen::new(&Config::random(1));
        seen.note(&served, ProcessId(0), invoked(MessageId(0), ProcessId(0)));
    }

    #[test]
    #[should_panic(expected = "one batch at a time")]
    fn a_second_batch_before_the_first_is_done() {
        let config = Config::random(1);
        let mut watcher = Watcher::new(&config, Seen::new(&config));
        watcher.is_watching.store(true, SeqCst);
        watcher.observe(&[]);
    }
}
