//! Code of a user that a served broker runs: an observer may fail, and may use the broker; a waker
//! too. Each event is shown once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Wake, Waker};

use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_clients::Link;
use entrega_model::queue::Request;
use entrega_model::{Event, Instant, Key, Kind, MessageId, Observer, ProcessId, Record};

use crate::{Clock, Served};

fn served(observer: impl Observer + Send + 'static) -> Served<QueueBroker> {
    Served::new(QueueBroker::new(QueueSettings::default()), Clock::new(), observer)
}

fn publish(message: u32) -> Request {
    let record = Record { message: MessageId(message), key: Key(0), bytes: 1 };
    Request::Publish { records: vec![record], confirm: true }
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
