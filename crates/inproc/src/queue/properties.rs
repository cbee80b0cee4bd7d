//! The queue compared with the sans-IO broker: after any sequence of sends, takes, settlements,
//! extensions, crashes and leases, both have delivered the same messages in the same order with the
//! same counts.
//!
//! The broker's clients have no buffer: what they receive is what the application is given. With
//! one consumer the queue's windows must not show at all. With two they show in one thing only, in
//! which order what no consumer was given goes out (`tests/edges` has that); so there the window is
//! one message long, or what the consumer asks for.

use std::sync::atomic::AtomicU64;

use entrega_brokers::{Broker, QueueBroker};
use entrega_model::event::SettleTrigger;
use entrega_model::queue::{Received, Request, Response, Settlement};
use entrega_model::{
    ClientId, Duration, Event, Incarnation, Instant, Key, Kind, MessageId, ProcessId, Record,
    SubscriptionId,
};
use proptest::prelude::*;

use super::*;

const QUEUE: SubscriptionId = SubscriptionId(0);

/// One step; consumers and deliveries are counted modulo their number.
#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Take(usize, usize),
    Settle(usize, usize, Settlement),
    Drop(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let word = prop_oneof![
        4 => Just(Settlement::Ack),
        1 => Just(Settlement::Requeue),
        1 => Just(Settlement::RejectAndRequeue),
        1 => Just(Settlement::Reject),
        1 => Just(Settlement::Extend),
    ];
    let step = prop_oneof![
        3 => (1_usize..9).prop_map(Step::Send),
        4 => (0_usize..2, 1_usize..5).prop_map(|(consumer, max)| Step::Take(consumer, max)),
        6 => (0_usize..2, 0_usize..9, word).prop_map(|(c, nth, word)| Step::Settle(c, nth, word)),
        1 => (0_usize..2).prop_map(Step::Drop),
        1 => (1_u64..20).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..120)
}

fn options() -> impl Strategy<Value = QueueOptions> {
    let limit = prop_oneof![Just(None), (1_u16..4).prop_map(Some)];
    let lease = prop_oneof![Just(Duration::MAX), Just(Duration::from_nanos(30))];
    (limit, lease, any::<(bool, bool)>(), 0_u32..6, (1_usize..6, 1_usize..5)).prop_map(
        |(
            delivery_limit,
            visibility_timeout,
            (dead_letter, requeue_on_disconnect),
            prefetch,
            sizes,
        )| {
            let settings = QueueSettings {
                delivery_limit,
                visibility_timeout,
                dead_letter,
                requeue_on_disconnect,
                prefetch,
                ..QueueSettings::default()
            };
            let (segment, window) = sizes;
            QueueOptions { settings, capacity: 24, segment, window, rotation: 0 }
        },
    )
}

/// The broker, and the names of its consumers.
struct Reference {
    broker: QueueBroker,
    ground_truth: Vec<Event>,
    clients: [ClientId; 2],
    now: Instant,
}

impl Reference {
    fn new(settings: &QueueSettings) -> Self {
        let client = |number| ClientId { process: ProcessId(number), ..ClientId::default() };
        Self {
            broker: QueueBroker::new(settings.clone()),
            ground_truth: Vec::new(),
            clients: [client(0), client(1)],
            now: Instant::START,
        }
    }

    fn ask(&mut self, from: usize, mut request: Request) -> Option<Response> {
        self.broker.handle(self.now, self.clients[from], &mut request, &mut self.ground_truth)
    }

    fn send(&mut self, message: u32) {
        let record = Record { message: MessageId(message), key: Key(0), bytes: 0 };
        self.ask(0, Request::Publish { records: vec![record], confirm: true, id: 0 });
    }

    fn receive(&mut self, consumer: usize, max: usize) -> Vec<Received> {
        let request = Request::Receive {
            queue: QUEUE,
            max: max as u32,
            settle_at_delivery: false,
            buffer: Vec::new(),
            deadline: self.now,
        };
        match self.ask(consumer, request) {
            Some(Response::Received { deliveries }) => deliveries,
            _ => Vec::new(),
        }
    }

    fn settle(&mut self, consumer: usize, tag: u64, settlement: Settlement) -> bool {
        let (tags, trigger) = (vec![tag], SettleTrigger::Application);
        let request = Request::Settle { queue: QUEUE, tags, settlement, multiple: false, trigger };
        matches!(self.ask(consumer, request), Some(Response::Settled { .. }))
    }

    fn drop(&mut self, consumer: usize) {
        let client = self.clients[consumer];
        self.broker.disconnected(self.now, client, &mut self.ground_truth);
        self.clients[consumer].incarnation = Incarnation(client.incarnation.0 + 1);
    }

    fn dead(&self) -> Vec<u32> {
        let dead = self.ground_truth.iter().filter_map(|event| match event.kind {
            Kind::DeadLettered { message, .. } => Some(message.0),
            _ => None,
        });
        dead.collect()
    }

    fn unsettled(&self) -> usize {
        self.broker.ready_count(QUEUE) + self.broker.in_flight_count(QUEUE)
    }
}

/// Both, step by step.
struct Both {
    queue: LiveQueue<u32>,
    consumers: [Option<Consumer<u32>>; 2],
    /// What the application of each has been given and has not settled, with both tags.
    given: [Vec<(Tag, u64)>; 2],
    clock: Arc<AtomicU64>,
    reference: Reference,
    sent: u32,
    /// Crashes that are not reported: a queue that forgets what a dead consumer had.
    forgets: bool,
}

impl Both {
    fn new(options: QueueOptions, forgets: bool) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let reference = Reference::new(&options.settings);
        let queue = LiveQueue::with_time(options, Time::Manual(Arc::clone(&clock)));
        let consumers = [0, 1].map(|_| Some(queue.consumer()));
        let given = Default::default();
        Self { queue, consumers, given, clock, reference, sent: 0, forgets }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Send(count) => self.send(count)?,
            Step::Take(consumer, max) => self.take(consumer, max)?,
            Step::Settle(consumer, nth, word) => self.settle(consumer, nth, word)?,
            Step::Drop(consumer) => {
                let gone = self.consumers[consumer].take();
                if self.forgets {
                    std::mem::forget(gone)
                } else {
                    drop(gone)
                }
                self.consumers[consumer] = Some(self.queue.consumer());
                self.reference.drop(consumer);
                self.given[consumer].clear();
            }
            Step::Wait(nanos) => {
                self.reference.now += Duration::from_nanos(nanos);
                self.clock.fetch_add(nanos, Ordering::Relaxed);
                self.queue.end_due_leases();
                self.reference.broker.advance(self.reference.now, &mut self.reference.ground_truth);
            }
        }
        Ok(())
    }

    /// Sends until the queue is full, which it must not be without a reason.
    fn send(&mut self, count: usize) -> Result<(), TestCaseError> {
        let mut producer = self.queue.producer();
        for _ in 0..count {
            let sent = producer.try_send(self.sent);
            let is_empty = self.reference.unsettled() + self.reference.dead().len() == 0;
            prop_assert!(!is_empty || sent.is_ok(), "everything is settled, so there is room");
            if sent.is_err() {
                break;
            }
            self.reference.send(self.sent);
            self.sent += 1;
        }
        Ok(())
    }

    fn take(&mut self, index: usize, max: usize) -> Result<(), TestCaseError> {
        let Some(consumer) = &mut self.consumers[index] else { return Ok(()) };
        let taken = match consumer.try_take_batch(max) {
            Err(ended) => {
                prop_assert_eq!(ended, Ended::PrefetchUsedUp);
                Vec::new()
            }
            Ok(batch) => batch.map_or(Vec::new(), |batch| {
                let count = batch.delivery_count();
                let each = batch.iter().enumerate();
                each.map(|(nth, body)| (*body, count, batch.tag(nth))).collect()
            }),
        };
        let received = self.reference.receive(index, taken.len().max(1));
        let ours: Vec<_> = taken.iter().map(|(message, count, _)| (*message, *count)).collect();
        let name = |one: &Received| (one.record.message.0, one.delivery_count);
        prop_assert_eq!(ours, received.iter().map(name).collect::<Vec<_>>());
        let tags = taken.into_iter().map(|(_, _, tag)| tag);
        self.given[index].extend(tags.zip(received.iter().map(|one| one.tag)));
        Ok(())
    }

    fn settle(&mut self, index: usize, nth: usize, word: Settlement) -> Result<(), TestCaseError> {
        let given = &mut self.given[index];
        let Some(consumer) = self.consumers[index].as_mut().filter(|_| !given.is_empty()) else {
            return Ok(());
        };
        let nth = nth % given.len();
        let (tag, theirs) = match word {
            Settlement::Extend => given[nth],
            _ => given.swap_remove(nth),
        };
        let ours = consumer.settle(tag, word).is_ok();
        prop_assert_eq!(ours, self.reference.settle(index, theirs, word), "{:?} {:?}", tag, word);
        Ok(())
    }

    /// What consumers have lost to leases and not looked at since is memory too, and was theirs at
    /// their last look: no more than the queue may hold.
    fn compare(&self) -> Result<(), TestCaseError> {
        let dead = self.reference.dead();
        prop_assert_eq!(self.queue.unsettled(), self.reference.unsettled() + dead.len());
        let segments = self.queue.segments();
        prop_assert!(segments <= 2 * 24 + 2, "{segments} segments: the queue's, and as many again");
        Ok(())
    }

    /// Which of two leases ends first that end at the same nanosecond, the queue does not promise;
    /// only an extended one can end with one that was given later.
    fn compare_dead(&self, any_order: bool) -> Result<(), TestCaseError> {
        let letters = std::iter::from_fn(|| self.queue.dead_letter());
        let mut ours: Vec<u32> = letters.map(|letter| *letter).collect();
        let mut theirs = self.reference.dead();
        if any_order {
            ours.sort_unstable();
            theirs.sort_unstable();
        }
        prop_assert_eq!(ours, theirs);
        Ok(())
    }
}

fn run(options: QueueOptions, steps: &[Step], forgets: bool) -> Result<(), TestCaseError> {
    let mut both = Both::new(options, forgets);
    for step in steps {
        both.step(step)?;
        both.compare()?;
    }
    let extends = |step: &Step| matches!(step, Step::Settle(_, _, Settlement::Extend));
    both.compare_dead(steps.iter().any(extends))
}

/// The same steps by one consumer.
fn alone(steps: &[Step]) -> Vec<Step> {
    let by_one = |step: &Step| match *step {
        Step::Take(_, max) => Step::Take(0, max),
        Step::Settle(_, nth, word) => Step::Settle(0, nth, word),
        Step::Drop(_) => Step::Drop(0),
        Step::Send(count) => Step::Send(count),
        Step::Wait(nanos) => Step::Wait(nanos),
    };
    steps.iter().map(by_one).collect()
}

proptest! {
    #[test]
    fn the_queue_does_what_the_broker_does(options in options(), steps in steps()) {
        run(QueueOptions { window: 1, ..options }, &steps, false)?;
    }

    #[test]
    fn one_consumer_does_not_see_its_windows(options in options(), steps in steps()) {
        run(options, &alone(&steps), false)?;
    }
}

/// The opposite: a queue that forgets what a dead consumer had in flight is caught.
#[test]
fn a_queue_that_forgets_on_drop_is_caught() {
    let steps = [Step::Send(3), Step::Take(0, 1), Step::Drop(0), Step::Take(1, 1)];
    assert!(run(QueueOptions::default(), &steps, false).is_ok());
    assert!(run(QueueOptions::default(), &steps, true).is_err());
}
