//! For any requests and any passage of time, the core answers as a naive driver does, which offers
//! everything again after every step.
//!
//! The naive driver is the rule of `entrega_brokers` in a few lines. The core offers again only
//! after a change, keeps deadlines sorted and reuses its slots; none of that may be observable.

use std::collections::BTreeMap;
use std::task::{Poll, Waker};

use entrega_brokers::Broker;
use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_clients::CallId;
use entrega_model::event::SettleTrigger;
use entrega_model::queue::{Request, Response, Settlement};
use entrega_model::{
    ClientId, Duration, Event, Incarnation, Instant, Key, MessageId, ProcessId, Record,
    SubscriptionId,
};
use proptest::prelude::*;

use super::core::{CallOutcome, Core};

const QUEUE: SubscriptionId = SubscriptionId(0);

/// Something that happens, to one of three clients.
#[derive(Clone, Copy, Debug)]
enum Step {
    Publish,
    /// With a deadline this many seconds ahead, or without one.
    Receive(u16, Option<u64>),
    Ack(u16, u64),
    /// The connection ends, and the next life begins.
    Reconnect(u16),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let process = 0..3_u16;
    let step = prop_oneof![
        3 => Just(Step::Publish),
        4 => (process.clone(), prop::option::of(1..20_u64)).prop_map(|(p, d)| Step::Receive(p, d)),
        3 => (process.clone(), 1..12_u64).prop_map(|(p, tag)| Step::Ack(p, tag)),
        1 => process.prop_map(Step::Reconnect),
        2 => (1..20_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..40)
}

/// The core under test, or the driver it is compared with.
trait Driver {
    /// A request, with a number.
    fn start(&mut self, now: Instant, number: usize, client: ClientId, request: Request);
    fn disconnect(&mut self, now: Instant, client: ClientId);
    fn come_to(&mut self, now: Instant);
    /// The answers that have come, and the history.
    fn finish(self) -> (BTreeMap<usize, Response>, Vec<Event>);
}

fn broker() -> QueueBroker {
    QueueBroker::new(QueueSettings { prefetch: 3, ..QueueSettings::default() })
}

struct Naive {
    broker: QueueBroker,
    parked: Vec<(usize, ClientId, Request)>,
    answers: BTreeMap<usize, Response>,
    ground_truth: Vec<Event>,
    /// The known-bad variant does not.
    offers_again: bool,
}

impl Naive {
    fn new(offers_again: bool) -> Self {
        let (parked, answers, ground_truth) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { broker: broker(), parked, answers, ground_truth, offers_again }
    }

    fn offer_all(&mut self, now: Instant) {
        let Self { broker, parked, answers, ground_truth, .. } = self;
        for _ in 0..3 {
            parked.retain_mut(|(number, client, request)| {
                let answer = broker.handle(now, *client, request, ground_truth);
                answer.map(|answer| answers.insert(*number, answer)).is_none()
            });
        }
    }
}

impl Driver for Naive {
    fn start(&mut self, now: Instant, number: usize, client: ClientId, mut request: Request) {
        match self.broker.handle(now, client, &mut request, &mut self.ground_truth) {
            Some(answer) => drop(self.answers.insert(number, answer)),
            None => self.parked.push((number, client, request)),
        }
        self.come_to(now);
    }

    fn disconnect(&mut self, now: Instant, client: ClientId) {
        self.parked.retain(|(_, parked, _)| *parked != client);
        self.broker.disconnected(now, client, &mut self.ground_truth);
        self.come_to(now);
    }

    fn come_to(&mut self, now: Instant) {
        while self.broker.next_deadline().is_some_and(|due| due <= now) {
            self.broker.advance(now, &mut self.ground_truth);
        }
        if self.offers_again {
            self.offer_all(now);
        }
    }

    fn finish(self) -> (BTreeMap<usize, Response>, Vec<Event>) {
        (self.answers, self.ground_truth)
    }
}

struct Tested {
    core: Core<QueueBroker>,
    history: Vec<Event>,
    calls: Vec<(usize, ClientId, CallId)>,
    answers: BTreeMap<usize, Response>,
}

impl Tested {
    fn new() -> Self {
        let (core, history) = (Core::new(broker()), Vec::new());
        Self { core, history, calls: Vec::new(), answers: BTreeMap::new() }
    }

    /// Takes every answer, as woken clients do.
    fn take(&mut self) {
        let Self { core, history, calls, answers } = self;
        calls.retain(|(number, _, call)| match core.poll_answer(*call, Waker::noop().clone()) {
            Poll::Ready(Ok(answer)) => answers.insert(*number, answer).is_some(),
            Poll::Ready(Err(_)) => false,
            Poll::Pending => true,
        });
        history.append(&mut core.take_events());
    }
}

impl Driver for Tested {
    fn start(&mut self, now: Instant, number: usize, client: ClientId, request: Request) {
        self.core.come_to(now);
        let call = self.core.start(client, request, CallOutcome::Answered, Duration::ZERO);
        self.calls.push((number, client, call));
        self.take();
    }

    fn disconnect(&mut self, now: Instant, client: ClientId) {
        self.core.come_to(now);
        self.core.disconnect(client);
        self.calls.retain(|(_, of, _)| *of != client);
        self.take();
    }

    fn come_to(&mut self, now: Instant) {
        self.core.come_to(now);
        self.take();
    }

    fn finish(self) -> (BTreeMap<usize, Response>, Vec<Event>) {
        (self.answers, self.history)
    }
}

/// Runs all steps.
fn run(mut driver: impl Driver, steps: &[Step]) -> (BTreeMap<usize, Response>, Vec<Event>) {
    let (mut now, mut lives) = (Instant::START, [0; 3]);
    for (number, step) in steps.iter().enumerate() {
        let client = |process: u16| {
            let incarnation = Incarnation(lives[usize::from(process)]);
            ClientId { process: ProcessId(process), incarnation }
        };
        match *step {
            Step::Publish => {
                let (message, key) = (MessageId(number as u32), Key(0));
                let records = vec![Record { message, key, bytes: 1 }];
                driver.start(
                    now,
                    number,
                    client(0),
                    Request::Publish { records, confirm: true, id: 0 },
                );
            }
            Step::Receive(process, within) => {
                let secs = |secs| now + Duration::from_secs(secs);
                let deadline = within.map_or(Instant::NEVER, secs);
                let (queue, max, settle_at_delivery) = (QUEUE, 2, false);
                let buffer = Vec::new();
                let request = Request::Receive { queue, max, settle_at_delivery, buffer, deadline };
                driver.start(now, number, client(process), request);
            }
            Step::Ack(process, tag) => {
                let (queue, tags, multiple) = (QUEUE, vec![tag], false);
                let (settlement, trigger) = (Settlement::Ack, SettleTrigger::Application);
                let request = Request::Settle { queue, tags, settlement, multiple, trigger };
                driver.start(now, number, client(process), request);
            }
            Step::Reconnect(process) => {
                driver.disconnect(now, client(process));
                lives[usize::from(process)] += 1;
            }
            Step::Pass(secs) => {
                now += Duration::from_secs(secs);
                driver.come_to(now);
            }
        }
    }
    driver.finish()
}

proptest! {
    #[test]
    fn the_core_answers_as_the_naive_driver_does(steps in steps()) {
        prop_assert_eq!(run(Tested::new(), &steps), run(Naive::new(true), &steps));
    }
}

/// The property catches a driver that forgets its parked requests.
#[test]
fn who_forgets_what_is_parked_is_told_apart() {
    let steps = [Step::Receive(1, None), Step::Publish];
    let right = run(Naive::new(true), &steps);
    assert_eq!(run(Tested::new(), &steps), right);
    assert_ne!(run(Naive::new(false), &steps), right);
}
