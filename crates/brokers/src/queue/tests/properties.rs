//! Properties that hold whatever clients do, against an independent account of every copy.
//!
//! Goal: conservation (a copy is exactly one of ready, in flight and gone), one holder at a time,
//! queue order, true flags, unique tags, exact deadlines, and no panic on nonsense. Method: random
//! operations; an [`Account`] follows the truth and the answers, and is compared with the broker
//! after every step. The last tests show that the account catches a broker that breaks a rule.

use proptest::prelude::*;
use proptest::sample::select;

use super::account::Account;
use super::*;

/// What may happen. Processes are 0 to 2; `age` 0 is the present life, 1 the one before.
#[derive(Clone, Debug)]
enum Operation {
    Publish { count: u32 },
    Receive { queue: u8, process: u16, age: u32, max: u32, settle_at_delivery: bool },
    Settle { queue: u8, process: u16, age: u32, back: u64, word: Settlement, multiple: bool },
    Close { queue: u8, process: u16, age: u32 },
    Disconnect { process: u16 },
    Restart,
    Pass { seconds: u64 },
}

fn operations() -> impl Strategy<Value = Operation> {
    use Settlement::{Ack, Extend, Reject, Requeue};
    let words = select(vec![Ack, Ack, Ack, Requeue, Requeue, Reject, Extend]);
    let who = || (0..3u8, 0..3u16, select(vec![0, 0, 0, 0, 1]));
    let back = prop_oneof![20 => 0..12u64, 1 => Just(u64::MAX)];
    prop_oneof![
        6 => (0..4u32).prop_map(|count| Operation::Publish { count }),
        8 => (who(), 0..5u32, prop::bool::weighted(0.1)).prop_map(
            |((queue, process, age), max, settle_at_delivery)| {
                Operation::Receive { queue, process, age, max, settle_at_delivery }
            }
        ),
        10 => (who(), back, words, any::<bool>()).prop_map(
            |((queue, process, age), back, word, multiple)| {
                Operation::Settle { queue, process, age, back, word, multiple }
            }
        ),
        1 => who().prop_map(|(queue, process, age)| Operation::Close { queue, process, age }),
        1 => (0..3u16).prop_map(|process| Operation::Disconnect { process }),
        1 => Just(Operation::Restart),
        3 => (0..15u64).prop_map(|seconds| Operation::Pass { seconds }),
    ]
}

fn settings() -> impl Strategy<Value = QueueSettings> {
    let lease = select(vec![Duration::ZERO, Duration::from_secs(10), Duration::MAX]);
    let limit = select(vec![None, Some(0), Some(1), Some(3)]);
    let length = select(vec![None, None, Some(0), Some(3)]);
    let overflow = select(vec![Overflow::DropHead, Overflow::RejectPublish]);
    (1..3u8, lease, 0..4u32, limit, any::<[bool; 2]>(), length, overflow).prop_map(
        |(queues, visibility_timeout, prefetch, delivery_limit, flags, max_length, overflow)| {
            let [dead_letter, requeue_on_disconnect] = flags;
            QueueSettings {
                queues,
                visibility_timeout,
                prefetch,
                delivery_limit,
                dead_letter,
                requeue_on_disconnect,
                max_length,
                overflow,
                ..QueueSettings::default()
            }
        },
    )
}

/// A broker, its account, and the lives of its clients.
struct Trial {
    bench: Bench,
    account: Account,
    published: u32,
    lives: [u32; 3],
}

impl Trial {
    fn new(settings: &QueueSettings) -> Self {
        let (bench, account) = (Bench::new(settings.clone()), Account::new(settings));
        Self { bench, account, published: 0, lives: [1; 3] }
    }

    fn client(&self, process: u16, age: u32) -> ClientId {
        let incarnation = Incarnation(self.lives[usize::from(process)] - age);
        ClientId { process: ProcessId(process), incarnation }
    }

    /// The first two lives overlap; later ones begin when the one before has ended.
    fn is_alive(&self, client: ClientId) -> bool {
        let life = self.lives[client.process.index()];
        life == 1 || client.incarnation.0 == life
    }

    /// Hands the truth so far to the account.
    fn note(&mut self) -> Result<(), String> {
        self.account.observe(&mem::take(&mut self.bench.ground_truth))
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), String> {
        match *operation {
            Operation::Publish { count } => self.publish(count),
            Operation::Receive { queue, process, age, max, settle_at_delivery } => {
                let client = self.client(process, age);
                self.receive(client, SubscriptionId(queue), max, settle_at_delivery)
            }
            Operation::Settle { queue, process, age, back, word, multiple } => {
                let client = self.client(process, age);
                self.settle(client, SubscriptionId(queue), back, word, multiple)
            }
            Operation::Close { queue, process, age } => {
                let client = self.client(process, age);
                let queue = SubscriptionId(queue);
                if self.bench.handle(client, Request::Close { queue }) == Some(Response::Closed) {
                    self.account.forget(client, queue.index()..queue.index() + 1);
                }
                Ok(())
            }
            Operation::Disconnect { process } => {
                let client = self.client(process, 0);
                self.lives[usize::from(process)] += 1;
                self.bench.disconnect(client);
                let queues = self.account.ledgers.len();
                self.account.forget(client, 0..queues);
                Ok(())
            }
            Operation::Restart => {
                self.bench.restart();
                Ok(())
            }
            Operation::Pass { seconds } => {
                self.bench.pass(seconds);
                Ok(())
            }
        }?;
        self.note()?;
        self.account.compare(&self.bench.broker)
    }

    fn publish(&mut self, count: u32) -> Result<(), String> {
        let messages: Vec<_> = (self.published..self.published + count).collect();
        self.published += count;
        let QueueSettings { max_length, overflow, .. } = self.account.settings;
        let full = self.account.ledgers.iter().any(|ledger| {
            max_length.is_some_and(|max| ledger.ready.len() + messages.len() > max as usize)
        });
        let refused = overflow == Overflow::RejectPublish && full;
        let expect = if refused { "refused" } else { "published" };
        let answer = self.bench.publish(&messages);
        let stores = !self.bench.ground_truth.is_empty();
        if answer != expect || (refused && stores) {
            return Err(format!("{answer}, but {expect}"));
        }
        Ok(())
    }

    fn receive(
        &mut self,
        client: ClientId,
        queue: SubscriptionId,
        max: u32,
        settle_at_delivery: bool,
    ) -> Result<(), String> {
        let (buffer, deadline) = (Vec::new(), Instant::NEVER);
        let request = Request::Receive { queue, max, settle_at_delivery, buffer, deadline };
        let answer = self.bench.handle(client, request);
        let alive = self.is_alive(client);
        let Some(ledger) = self.account.ledgers.get(queue.index()) else {
            return (answer == Some(Response::UnknownQueue)).then_some(()).ok_or("no queue".into());
        };
        let credit = match self.account.settings.prefetch as usize {
            0 => usize::MAX,
            _ if settle_at_delivery => usize::MAX,
            prefetch => prefetch - ledger.unsettled(client),
        };
        let expect = ledger.ready.len().min(credit).min(max as usize);
        match answer {
            Some(Response::Received { deliveries }) if alive && deliveries.len() == expect => {
                if expect == 0 {
                    return Err("it should be parked".into());
                }
                self.note()?;
                let now = self.bench.now;
                self.account.delivered(now, client, queue.index(), settle_at_delivery, &deliveries)
            }
            Some(Response::Received { deliveries }) if !alive && deliveries.is_empty() => Ok(()),
            None if alive && expect == 0 => Ok(()),
            other => Err(format!("{other:?}, but {expect} deliveries")),
        }
    }

    fn settle(
        &mut self,
        client: ClientId,
        queue: SubscriptionId,
        back: u64,
        settlement: Settlement,
        multiple: bool,
    ) -> Result<(), String> {
        let last = self.account.ledgers.get(queue.index()).map_or(0, |ledger| ledger.last_tag);
        let tag = if back == u64::MAX { back } else { (last + 1).saturating_sub(back) };
        let (tags, trigger) = (vec![tag], SettleTrigger::Application);
        let request = Request::Settle { queue, tags, settlement, multiple, trigger };
        let answer = self.bench.handle(client, request);
        if queue.index() >= self.account.ledgers.len() {
            return (answer == Some(Response::UnknownQueue)).then_some(()).ok_or("no queue".into());
        }
        let expect = self.account.expect_settled(client, queue.index(), tag, settlement);
        let settled = match &answer {
            Some(Response::Settled { tags }) if tags.is_empty() => true,
            Some(Response::Stale { tags }) if tags == &[tag] => false,
            other => return Err(format!("{other:?}")),
        };
        if expect.is_some_and(|expect| expect != settled) {
            return Err(format!("{answer:?} to {settlement:?} of {tag} by {client:?}"));
        }
        let ledger = &self.account.ledgers[queue.index()];
        let acts_on = |message: &MessageId| {
            ledger.held.get(&message.0).is_some_and(|holder| {
                holder.client == client && (holder.tag == tag || multiple && holder.tag < tag)
            })
        };
        for event in &self.bench.ground_truth {
            if let Kind::Settled { message, .. } = &event.kind
                && !acts_on(message)
            {
                return Err(format!("{settlement:?} of {tag} settled {message}"));
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_copy_is_accounted_for(
        settings in settings(),
        operations in prop::collection::vec(operations(), 1..150),
    ) {
        let mut trial = Trial::new(&settings);
        for (index, operation) in operations.iter().enumerate() {
            if let Err(why) = trial.perform(operation) {
                prop_assert!(false, "operation {index}, {operation:?}: {why}");
            }
        }
    }
}

/// A queue with two messages, one of them in flight to A, and its account.
fn sound() -> (Trial, Vec<Received>) {
    let mut trial = Trial::new(&QueueSettings::default());
    trial.bench.publish(&[0, 1]);
    trial.note().expect("a publish is sound");
    let request = Request::Receive {
        queue: QUEUE,
        max: 1,
        settle_at_delivery: false,
        buffer: Vec::new(),
        deadline: Instant::NEVER,
    };
    let Some(Response::Received { deliveries }) = trial.bench.handle(A, request) else {
        panic!("there is a message");
    };
    trial.account.delivered(trial.bench.now, A, 0, false, &deliveries).expect("it is sound");
    trial.account.compare(&trial.bench.broker).expect("it is sound");
    (trial, deliveries)
}

/// Does something unsound to the account, as a broker that breaks the rule would.
fn check_caught(
    break_a_rule: impl Fn(&mut Trial, &[Received]) -> Result<(), String>,
    expect: &str,
) {
    let (mut trial, deliveries) = sound();
    let caught = break_a_rule(&mut trial, &deliveries)
        .and_then(|()| trial.note())
        .and_then(|()| trial.account.compare(&trial.bench.broker))
        .expect_err(expect);
    assert!(caught.contains(expect), "{caught}");
}

#[test]
fn the_account_catches_a_broker_that_breaks_a_rule() {
    let redeliver = |tag, redelivered| {
        move |trial: &mut Trial, deliveries: &[Received]| {
            let again = [Received { tag, redelivered, ..deliveries[0] }];
            trial.account.delivered(trial.bench.now, B, 0, false, &again)
        }
    };
    check_caught(redeliver(2, true), "not the first that is ready");
    check_caught(redeliver(2, false), "marked redelivered");
    check_caught(redeliver(1, true), "tag 1 after 1");
    check_caught(
        |trial, _| {
            trial.bench.settle(A, &[1], Settlement::Ack);
            trial.bench.ground_truth.pop();
            Ok(())
        },
        "ready and in flight",
    );
    check_caught(
        |trial, _| {
            trial.bench.settle(A, &[1], Settlement::Ack);
            trial.bench.ground_truth.extend_from_within(1..);
            Ok(())
        },
        "removed from 0 places",
    );
    check_caught(
        |trial, _| {
            trial.bench.settle(A, &[1], Settlement::Extend);
            trial.bench.ground_truth[0].at += Duration::from_secs(1);
            Ok(())
        },
        "is not",
    );
}
