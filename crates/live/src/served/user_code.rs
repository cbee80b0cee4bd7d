//! Code of a user that a served broker runs: an observer may fail, and may use the broker; a waker
//! too. Each event is shown once.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Wake, Waker};

use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_clients::Link;
use entrega_model::event::SettleTrigger;
use entrega_model::queue::{Request, Settlement};
use entrega_model::{Event, Instant, Key, Kind, MessageId, Observer, ProcessId, Record};

use crate::{Clock, Served};

fn served(observer: impl Observer + Send + 'static) -> Served<QueueBroker> {
    Served::new(QueueBroker::new(QueueSettings::default()), Clock::new(), observer)
}

fn publish(message: u32) -> Request {
    let record = Record { message: MessageId(message), key: Key(0), bytes: 1 };
    Request::Publish { records: vec![record], confirm: true, id: 0 }
}

fn receive() -> Request {
    Request::Receive {
        queue: Default::default(),
        max: 1,
        settle_at_delivery: false,
        buffer: Vec::new(),
        deadline: Instant::NEVER,
    }
}

/// Panics at what it does not like, after it has noted it.
struct Picky<F> {
    seen: Arc<Mutex<Vec<Event>>>,
    dislikes: F,
}

impl<F: Fn(&Kind) -> bool> Observer for Picky<F> {
    fn observe(&mut self, events: &[Event]) {
        self.seen.lock().expect("the lock is not held in a panic").extend_from_slice(events);
        assert!(!events.iter().any(|event| (self.dislikes)(&event.kind)), "it does not like this");
    }
}

/// A client whose call panics, which drops its link; then the broker goes on. Returns how many
/// events of that client were shown.
fn check_panicking(dislikes: impl Fn(&Kind) -> bool + Send + 'static) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let served = served(Picky { seen: Arc::clone(&seen), dislikes });
    let publishes = || {
        let link = served.connect(ProcessId(0));
        link.start(publish(7));
    };
    assert!(catch_unwind(AssertUnwindSafe(publishes)).is_err());
    assert_eq!(served.look(|broker| broker.ready_count(Default::default())), 1);
    let _ = catch_unwind(AssertUnwindSafe(|| served.record(Kind::BrokerRestarted)));
    let seen = seen.lock().expect("the lock is not held in a panic");
    let count = |of: fn(&Kind) -> bool| seen.iter().filter(|event| of(&event.kind)).count();
    assert_eq!(count(|kind| matches!(kind, Kind::Stored { .. })), 1);
    assert_eq!(count(|kind| matches!(kind, Kind::Crashed { .. })), 1, "it died of the panic");
    assert_eq!(count(|kind| matches!(kind, Kind::BrokerRestarted)), 1);
}

#[test]
fn an_observer_that_panics_sees_each_event_once_and_the_broker_goes_on() {
    check_panicking(|kind| matches!(kind, Kind::Stored { .. }));
}

/// It panics again while the thread unwinds from its first panic.
#[test]
fn an_observer_that_panics_at_everything_aborts_nothing() {
    check_panicking(|kind| !matches!(kind, Kind::Started { .. }));
}

/// Uses the broker at every event that is not its own.
struct Curious {
    served: Arc<OnceLock<Served<QueueBroker>>>,
    seen: Arc<Mutex<Vec<Kind>>>,
}

impl Observer for Curious {
    fn observe(&mut self, events: &[Event]) {
        for event in events {
            self.seen.lock().expect("the lock is not held in a panic").push(event.kind);
            if matches!(event.kind, Kind::Stored { .. })
                && let Some(served) = self.served.get()
            {
                assert_eq!(served.look(|broker| broker.ready_count(Default::default())), 1);
                served.record(Kind::BrokerRestarted);
            }
        }
    }
}

#[test]
fn an_observer_may_use_the_broker() {
    let (later, seen) = (Arc::new(OnceLock::new()), Arc::new(Mutex::new(Vec::new())));
    let served = served(Curious { served: Arc::clone(&later), seen: Arc::clone(&seen) });
    assert!(later.set(served.clone()).is_ok());
    let link = served.connect(ProcessId(0));
    link.start(publish(7));
    let seen = seen.lock().expect("the lock is not held in a panic");
    let has = |kind: &Kind| matches!(kind, Kind::BrokerRestarted);
    assert_eq!(seen.iter().filter(|kind| has(kind)).count(), 1, "it sees what it records");
    assert!(seen.last().is_some_and(has), "after what it was shown");
}

/// A waker that uses the broker, and fails.
struct Failing(Served<QueueBroker>, Arc<AtomicUsize>);

impl Wake for Failing {
    fn wake(self: Arc<Self>) {
        assert_eq!(self.0.look(|broker| broker.in_flight_count(Default::default())), 1);
        self.1.fetch_add(1, Ordering::SeqCst);
        panic!("the waker fails");
    }
}

#[test]
fn a_waker_may_use_the_broker_and_may_panic() {
    let (served, woken) = (served(()), Arc::new(AtomicUsize::new(0)));
    let [producer, consumer] = [0, 1].map(|process| served.connect(ProcessId(process)));
    let call = consumer.start(receive());
    for _ in 0..2 {
        let waker = Waker::from(Arc::new(Failing(served.clone(), Arc::clone(&woken))));
        assert!(consumer.poll_answer(call, &mut Context::from_waker(&waker)).is_pending());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| producer.start(publish(7)))).is_err());
    assert_eq!(woken.load(Ordering::SeqCst), 2, "the first does not keep the second asleep");
    assert!(consumer.poll_answer(call, &mut Context::from_waker(Waker::noop())).is_ready());
}

/// Two deliveries never have the same number: the last one there is ends in a panic, and the broker
/// goes on.
#[test]
fn delivery_numbers_do_not_wrap() {
    let served = served(());
    served.with(|core| core.skip_deliveries(u32::MAX - 1));
    assert_eq!(served.with(|core| core.next_delivery()).0, u32::MAX);
    for _ in 0..2 {
        let next = || served.with(|core| core.next_delivery());
        assert!(catch_unwind(AssertUnwindSafe(next)).is_err());
    }
    assert_eq!(served.look(|broker| broker.ready_count(Default::default())), 0);
}

/// An observer that panics at every event for as long as it is told to.
#[derive(Clone, Default)]
struct Moody {
    is_cross: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<Kind>>>,
}

impl Observer for Moody {
    fn observe(&mut self, events: &[Event]) {
        let kinds = events.iter().map(|event| event.kind);
        self.seen.lock().expect("the lock is not held in a panic").extend(kinds);
        assert!(!self.is_cross.load(Ordering::SeqCst), "it is cross");
    }
}

/// A broker, and a function that makes a call while its observer is cross: the call panics.
fn moody() -> (Served<QueueBroker>, Moody, impl Fn(&dyn Fn())) {
    let moody = Moody::default();
    let is_cross = Arc::clone(&moody.is_cross);
    let fails = move |call: &dyn Fn()| {
        is_cross.store(true, Ordering::SeqCst);
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
        is_cross.store(false, Ordering::SeqCst);
    };
    (served(moody.clone()), moody, fails)
}

/// Nobody holds the link: the life is over, and the broker can rest.
#[tokio::test(start_paused = true)]
async fn a_life_that_begins_with_a_panic_ends() {
    let (served, moody, fails) = moody();
    fails(&|| drop(served.connect(ProcessId(0))));
    let seen = moody.seen.lock().expect("the lock is not held in a panic").clone();
    assert!(matches!(seen[..], [Kind::Started { .. }, Kind::Crashed { .. }]), "{seen:?}");
    assert!(rests(&served).await);
}

/// A lease ends, and who becomes busy at that moment is shown it.
#[tokio::test(start_paused = true)]
async fn who_fails_to_become_busy_is_not_busy() {
    let (served, _, fails) = moody();
    let link = served.connect(ProcessId(0));
    link.start(publish(7));
    link.start(receive());
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    fails(&|| drop(served.busy()));
    drop(link);
    assert!(rests(&served).await);
}

/// A call that panics when it is started has no name; it is forgotten.
#[tokio::test(start_paused = true)]
async fn a_call_that_fails_to_start_is_forgotten() {
    let (served, _, fails) = moody();
    let link = served.connect(ProcessId(0));
    fails(&|| assert_eq!(link.start(publish(7)).0, u32::MAX, "it has a name"));
    let waits = link.call(receive());
    assert!(waits.await.is_ok());
    let again = link.start(receive());
    tokio::spawn(served.keep_time());
    assert!(link.answer(again).await.is_ok(), "it comes back with its lease");
    let last = link.start(receive());
    let ack = Request::Settle {
        queue: Default::default(),
        tags: vec![2],
        settlement: Settlement::Ack,
        multiple: false,
        trigger: SettleTrigger::Application,
    };
    assert!(link.call(ack).await.is_ok());
    assert!(rests(&served).await);
    link.forget(last);
}

/// A call whose poll panics is over once: no two calls get its place.
#[tokio::test(start_paused = true)]
async fn a_call_that_fails_to_be_polled_is_forgotten_once() {
    let (served, _, fails) = moody();
    let [holder, other] = [0, 1].map(|process| served.connect(ProcessId(process)));
    let call = Cell::new(Some(other.call(publish(8))));
    holder.start(receive());
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    fails(&|| {
        let mut call = pin!(call.take().expect("it is polled once"));
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    });
    let [first, second] = [&holder, &other].map(|link| link.start(receive()));
    assert_ne!(first, second, "two clients share a call");
}

async fn rests(served: &Served<QueueBroker>) -> bool {
    let hour = std::time::Duration::from_secs(3_600);
    tokio::time::timeout(hour, served.rest()).await.is_ok()
}
