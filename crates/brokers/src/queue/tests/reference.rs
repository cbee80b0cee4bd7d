//! A deliberately naive model of a queue, and a broker that must answer as it does.
//!
//! Goal: whatever the settings and the requests, both give the same answers and tell the same
//! truth. Method: the model is written from `semantics.md` 3.6 to 3.10: one list of copies, one of
//! deliveries, searched from end to end; no tag index, no slab, no ring of leases, no notes. Its
//! settings are those of the broker. What fails shrinks.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use super::*;

mod features;
mod model;

use model::Model;

/// What may happen. A delivery is named by how many deliveries ago it was made to the client.
#[derive(Clone, Debug)]
enum Operation {
    Publish,
    Receive {
        process: u16,
        max: u32,
        settle_at_delivery: bool,
    },
    Settle {
        process: u16,
        ago: usize,
        word: Settlement,
        multiple: bool,
    },
    /// A copy of what was published so long ago.
    Retry {
        process: u16,
        ago: u32,
        tried: u16,
        seconds: u64,
    },
    Close {
        process: u16,
    },
    Disconnect {
        process: u16,
    },
    Restart,
    Pass {
        seconds: u64,
    },
}

fn operations() -> impl Strategy<Value = Operation> {
    use Settlement::{Ack, Extend, Reject, RejectAndRequeue, Requeue};
    let words = select(vec![Ack, Ack, Ack, Requeue, Requeue, RejectAndRequeue, Reject, Extend]);
    let who = || 1..3_u16;
    prop_oneof![
        5 => Just(Operation::Publish),
        8 => (who(), 1..4_u32, prop::bool::weighted(0.1)).prop_map(
            |(process, max, settle_at_delivery)| {
                Operation::Receive { process, max, settle_at_delivery }
            }
        ),
        10 => (who(), 0..6_usize, words, prop::bool::weighted(0.2)).prop_map(
            |(process, ago, word, multiple)| Operation::Settle { process, ago, word, multiple }
        ),
        2 => (who(), 0..4_u32, 1..4_u16, 0..9_u64).prop_map(|(process, ago, tried, seconds)| {
            Operation::Retry { process, ago, tried, seconds }
        }),
        1 => who().prop_map(|process| Operation::Close { process }),
        1 => who().prop_map(|process| Operation::Disconnect { process }),
        1 => Just(Operation::Restart),
        5 => (1..12_u64).prop_map(|seconds| Operation::Pass { seconds }),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let late = select(vec![LateSettle::Refused, LateSettle::Ignored, LateSettle::Honoured]);
    let repeated = select(vec![
        RepeatedSettle::Idempotent,
        RepeatedSettle::Refused,
        RepeatedSettle::ClosesChannel,
    ]);
    let position =
        select(vec![RequeuePosition::Same, RequeuePosition::Front, RequeuePosition::End]);
    let at_lease_end = select(vec![
        AtLeaseEnd::ReturnMessage,
        AtLeaseEnd::CloseChannel,
        AtLeaseEnd::CancelConsumer,
    ]);
    let checked = select(vec![LimitChecked::AtReturn, LimitChecked::AtDelivery]);
    let counts = any::<[bool; 5]>().prop_map(|counted| {
        let [deliveries, nacks, rejects, expiries, disconnects] = counted;
        LimitCounts { deliveries, nacks, rejects, expiries, disconnects }
    });
    let delay = (select(vec![0, 0, 3, 7]), any::<[bool; 5]>()).prop_map(|(seconds, flags)| {
        let [linear, on_nack, on_reject, on_expiry, on_disconnect] = flags;
        let [after, most] = [seconds, 10].map(Duration::from_secs);
        RedeliveryDelay { after, linear, most, on_nack, on_reject, on_expiry, on_disconnect }
    });
    (late, repeated, position, at_lease_end, checked, counts, delay, any::<[bool; 2]>()).prop_map(
        |(
            late_settle,
            repeated_settle,
            requeue_position,
            at_lease_end,
            limit_checked,
            limit_counts,
            redelivery_delay,
            [keeps_at_limit, counts_survive_restart],
        )| Rules {
            late_settle,
            repeated_settle,
            limit_counts,
            limit_checked,
            keeps_at_limit,
            counts_survive_restart,
            requeue_position,
            at_lease_end,
            redelivery_delay,
        },
    )
}

fn settings() -> impl Strategy<Value = QueueSettings> {
    let lease = select(vec![Duration::from_secs(10), Duration::MAX]);
    let limit = select(vec![None, Some(1), Some(3)]);
    let length = select(vec![None, None, Some(2)]);
    (lease, 0..3_u32, limit, length, any::<[bool; 2]>(), rules()).prop_map(
        |(visibility_timeout, prefetch, delivery_limit, max_length, flags, rules)| {
            let [dead_letter, requeue_on_disconnect] = flags;
            QueueSettings {
                queues: 1,
                visibility_timeout,
                prefetch,
                delivery_limit,
                dead_letter,
                requeue_on_disconnect,
                max_length,
                overflow: Overflow::DropHead,
                rules,
                ..QueueSettings::default()
            }
        },
    )
}

/// What becomes of a dead letter: at some seconds it is lost, or doubled.
fn fate(message: u32, now: Instant) -> Transferred {
    let seconds = now.as_nanos() / 1_000_000_000;
    match (seconds + u64::from(message)) % 3 {
        0 => Transferred::Lost,
        1 => Transferred::Arrived,
        _ => Transferred::Twice,
    }
}

/// The broker and its model, side by side.
struct Pair {
    bench: Bench,
    model: Model,
    published: u32,
    lives: [u32; 3],
}

impl Pair {
    fn new(settings: &QueueSettings) -> Self {
        let (bench, model) = (Bench::new(settings.clone()), Model::new(settings.clone()));
        Self { bench, model, published: 0, lives: [0; 3] }
    }

    fn client(&self, process: u16) -> ClientId {
        let incarnation = Incarnation(self.lives[usize::from(process)]);
        ClientId { process: ProcessId(process), incarnation }
    }

    /// What both say about an operation.
    fn perform(&mut self, operation: &Operation) -> [String; 2] {
        let said = self.carry_out(operation);
        while let Some(transfer) = self.bench.broker.next_transfer() {
            let how = fate(transfer.message.0, self.bench.now);
            self.bench.broker.end_transfer(self.bench.now, how);
        }
        said
    }

    fn carry_out(&mut self, operation: &Operation) -> [String; 2] {
        match *operation {
            Operation::Publish => {
                self.published += 1;
                self.model.publish(self.published);
                [self.bench.publish(&[self.published]), "published"].map(str::to_owned)
            }
            Operation::Receive { process, max, settle_at_delivery } => {
                let client = self.client(process);
                let got = self.bench.receive_in(QUEUE, client, max, settle_at_delivery);
                [got, self.model.receive(client, max, settle_at_delivery)]
            }
            Operation::Settle { process, ago, word, multiple } => {
                let client = self.client(process);
                let Some(tag) = self.model.tag_given(client, ago) else {
                    return Default::default();
                };
                let got = self.bench.settle_with(client, &[tag], word, multiple);
                let is_settled = if multiple {
                    self.model.settle_up_to(client, tag, word)
                } else {
                    self.model.settle(client, tag, word)
                };
                [got, if is_settled { "settled".to_owned() } else { format!("stale [{tag}]") }]
            }
            Operation::Retry { process, ago, tried, seconds } => {
                let Some(message) = self.published.checked_sub(ago).filter(|one| *one > 0) else {
                    return Default::default();
                };
                let (record, after) = (record(message), Duration::from_secs(seconds));
                let request = Request::Retry { queue: QUEUE, record, tried, after };
                let got = self.bench.handle(self.client(process), request);
                let is_stored = matches!(got, Some(Response::Published { .. }));
                [is_stored, self.model.retry(message, tried, seconds)].map(|it| it.to_string())
            }
            Operation::Close { process } => {
                let client = self.client(process);
                self.bench.handle(client, Request::Close { queue: QUEUE });
                self.model.release(client, false);
                Default::default()
            }
            Operation::Disconnect { process } => {
                let client = self.client(process);
                self.lives[usize::from(process)] += 1;
                self.bench.disconnect(client);
                self.model.disconnect(client);
                Default::default()
            }
            Operation::Restart => {
                self.bench.restart();
                self.model.restart();
                Default::default()
            }
            Operation::Pass { seconds } => {
                self.bench.pass(seconds);
                self.model.pass(seconds);
                Default::default()
            }
        }
    }

    /// What is left, how much of it is ready and in flight, and when time changes something.
    fn compare(&mut self) -> [String; 2] {
        self.model.drop_expired();
        let broker = &self.bench.broker;
        let (ready, in_flight) = (broker.ready_count(QUEUE), broker.in_flight_count(QUEUE));
        let left = self.bench.audit();
        let (next, window) = (broker.next_deadline(), broker.window(QUEUE));
        [format!("{left}; {ready} {in_flight} {next:?} {window:?}"), self.model.state()]
    }
}

/// The first difference between broker and model, if there is one.
fn difference(settings: &QueueSettings, operations: &[Operation]) -> Option<String> {
    let mut pair = Pair::new(settings);
    operations.iter().enumerate().find_map(|(index, operation)| {
        let [answer, expect] = pair.perform(operation);
        let [state, expect_state] = pair.compare();
        (answer != expect || state != expect_state).then(|| {
            format!(
                "operation {index}, {operation:?}:\n{answer} but {expect}\n{state} but \
                 {expect_state}"
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_queue_answers_as_its_naive_model_does(
        settings in settings(),
        operations in prop::collection::vec(operations(), 1..60),
    ) {
        let found = difference(&settings, &operations);
        prop_assert!(found.is_none(), "{}", found.unwrap_or_default());
    }
}

/// Long walks, always the same ones.
fn walks(count: usize) -> Vec<Vec<Operation>> {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut walk = || prop::collection::vec(operations(), 60).new_tree(&mut runner);
    (0..count).map(|_| walk().expect("a walk").current()).collect()
}

/// Whether some walk tells a broker from a model with other settings.
fn is_caught(walks: &[Vec<Operation>], broker: &QueueSettings, model: &QueueSettings) -> bool {
    walks.iter().any(|walk| {
        let mut pair = Pair::new(broker);
        pair.model = Model::new(model.clone());
        walk.iter().any(|operation| {
            let [answer, expect] = pair.perform(operation);
            let [state, expect_state] = pair.compare();
            answer != expect || state != expect_state
        })
    })
}

/// A model with other settings than the broker is caught by random operations, so every rule makes
/// a difference to them.
#[test]
fn a_model_with_another_rule_is_caught() {
    let strict = Rules { late_settle: LateSettle::Honoured, ..Rules::default() };
    let others = [
        Rules { late_settle: LateSettle::Ignored, ..strict },
        Rules { late_settle: LateSettle::Refused, ..strict },
        Rules { repeated_settle: RepeatedSettle::Refused, ..strict },
        Rules { repeated_settle: RepeatedSettle::ClosesChannel, ..strict },
        Rules { limit_counts: LimitCounts { deliveries: false, ..strict.limit_counts }, ..strict },
        Rules { limit_checked: LimitChecked::AtDelivery, ..strict },
        Rules { keeps_at_limit: true, ..strict },
        Rules { counts_survive_restart: false, ..strict },
        Rules { requeue_position: RequeuePosition::Front, ..strict },
        Rules { requeue_position: RequeuePosition::End, ..strict },
        Rules { at_lease_end: AtLeaseEnd::CloseChannel, ..strict },
        Rules {
            redelivery_delay: RedeliveryDelay {
                after: Duration::from_secs(3),
                on_nack: true,
                ..RedeliveryDelay::NONE
            },
            ..strict
        },
        Rules {
            redelivery_delay: RedeliveryDelay {
                after: Duration::from_secs(3),
                on_reject: true,
                ..RedeliveryDelay::NONE
            },
            ..strict
        },
    ];
    let settings = |rules| QueueSettings {
        visibility_timeout: Duration::from_secs(10),
        delivery_limit: Some(3),
        rules,
        ..QueueSettings::default()
    };
    let walks = walks(300);
    for other in others {
        assert!(is_caught(&walks, &settings(strict), &settings(other)), "{other:?}");
    }
    let none = LimitCounts { deliveries: false, ..LimitCounts::DELIVERIES };
    let counting = |limit_counts| settings(Rules { limit_counts, ..strict });
    let [nacks, rejects] = [
        counting(LimitCounts { nacks: true, ..none }),
        counting(LimitCounts { rejects: true, ..none }),
    ];
    assert!(is_caught(&walks, &nacks, &rejects));
}
