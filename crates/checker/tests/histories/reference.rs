//! The formulas of semantics.md 5.2, 5.3 and 5.5, written down naively over a stored history,
//! against the fold. Slow and simple on purpose: every pair is looked at.

use std::collections::{BTreeMap, BTreeSet};

use entrega_checker::{Checker, Class, Config, End, Sends, SubscriptionReport};
use entrega_model::event::{DeadLetterReason, EffectVerdict, SendOutcome};
use entrega_model::{
    DeliveryId, Event, Instant, Key, Kind, MessageId, Observer, PartitionId, ProcessId,
    SubscriptionId,
};
use proptest::prelude::*;

use crate::dsl::strict;

const SUBSCRIPTIONS: u8 = 2;
const KEYS: u32 = 2;

/// One step of a history; numbers are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Sends the next message, or the last one again.
    Send {
        producer: u16,
        key: u32,
        again: bool,
    },
    End {
        message: u32,
        outcome: SendOutcome,
    },
    Store {
        message: u32,
    },
    Deliver {
        message: u32,
        subscription: u8,
    },
    Decide {
        message: u32,
        subscription: u8,
        verdict: EffectVerdict,
    },
    DeadLetter {
        message: u32,
        subscription: u8,
    },
    Retrievable {
        message: u32,
        subscription: u8,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![3 => Just(SendOutcome::Ok), 1 => Just(SendOutcome::Fail), 1 => Just(SendOutcome::Info)];
    let verdict = prop_oneof![
        4 => Just(EffectVerdict::Applied),
        1 => Just(EffectVerdict::Suppressed),
        1 => Just(EffectVerdict::Rejected),
    ];
    let message = 0_u32..9;
    let subscription = 0..SUBSCRIPTIONS;
    let at = (message.clone(), subscription);
    let step = prop_oneof![
        3 => (0_u16..2, 0..KEYS, prop::bool::weighted(0.2))
            .prop_map(|(producer, key, again)| Step::Send { producer, key, again }),
        4 => (message.clone(), outcome)
            .prop_map(|(message, outcome)| Step::End { message, outcome }),
        3 => message.prop_map(|message| Step::Store { message }),
        3 => at.clone().prop_map(|(message, subscription)| Step::Deliver { message, subscription }),
        8 => (at.clone(), verdict).prop_map(|((message, subscription), verdict)| {
            Step::Decide { message, subscription, verdict }
        }),
        1 => at.clone().prop_map(|(message, subscription)| {
            Step::DeadLetter { message, subscription }
        }),
        1 => at.prop_map(|(message, subscription)| Step::Retrievable { message, subscription }),
    ];
    prop::collection::vec(step, 0..80)
}

/// The history of these steps. Nothing happens to a message before it is sent, except that message
/// 8 is never sent and has effects all the same.
fn history(steps: &[Step], is_log: bool) -> Vec<Event> {
    let mut senders = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    for step in steps {
        let sent = senders.len() as u32;
        let index = events.len() as u64;
        let kinds: Vec<Kind> = match *step {
            Step::Send { again: true, .. } if sent > 0 => {
                let (producer, key) = senders[sent as usize - 1];
                let message = MessageId(sent - 1);
                vec![Kind::SendInvoked { message, key, producer, attempt: 2 }]
            }
            Step::Send { producer, key, .. } if sent < 8 => {
                let (producer, key) = (ProcessId(producer), Key(key));
                senders.push((producer, key));
                vec![Kind::SendInvoked { message: MessageId(sent), key, producer, attempt: 1 }]
            }
            Step::End { message, outcome } if message < sent => {
                let producer = senders[message as usize].0;
                vec![Kind::SendEnded { message: MessageId(message), producer, outcome }]
            }
            Step::Store { message } if message < sent => {
                let partition = PartitionId(senders[message as usize].1.0 as u16);
                let stored = |subscription| Kind::Stored {
                    message: MessageId(message),
                    subscription,
                    partition,
                    position: index,
                    copy: 1,
                };
                match is_log {
                    true => vec![stored(None)],
                    false => {
                        (0..SUBSCRIPTIONS).map(|id| stored(Some(SubscriptionId(id)))).collect()
                    }
                }
            }
            Step::Deliver { message, subscription } if is_known(message, sent) => {
                vec![Kind::Delivered {
                    delivery: DeliveryId(index as u32),
                    message: MessageId(message),
                    subscription: SubscriptionId(subscription),
                    consumer: ProcessId(5),
                    partition: PartitionId(0),
                    position: index,
                    attempt: 1,
                    redelivered: false,
                }]
            }
            Step::Decide { message, subscription, verdict } if is_known(message, sent) => {
                vec![Kind::Effect {
                    delivery: DeliveryId(0),
                    message: MessageId(message),
                    key: Key(0),
                    subscription: SubscriptionId(subscription),
                    consumer: ProcessId(5),
                    verdict,
                }]
            }
            Step::DeadLetter { message, subscription } if is_known(message, sent) => {
                let (message, reason) = (MessageId(message), DeadLetterReason::Client);
                let subscription = SubscriptionId(subscription);
                vec![Kind::DeadLettered { message, subscription, reason }]
            }
            Step::Retrievable { message, subscription } if is_known(message, sent) => {
                let (message, subscription) = (MessageId(message), SubscriptionId(subscription));
                vec![Kind::Retrievable { message, subscription }]
            }
            _ => continue,
        };
        let at = Instant::from_nanos(index);
        events.extend(kinds.into_iter().map(|kind| Event { at, kind }));
    }
    events
}

fn is_known(message: u32, sent: u32) -> bool {
    message < sent || message == 8
}

/// A history looked at as a whole: positions in it, by message.
#[derive(Default)]
struct Naive {
    invoked: BTreeMap<MessageId, (usize, Key, ProcessId)>,
    /// When the last attempt began.
    attempted: BTreeMap<MessageId, usize>,
    ended: BTreeMap<MessageId, Vec<(usize, SendOutcome)>>,
    stored: Vec<(usize, MessageId, PartitionId)>,
    delivered: Vec<MessageId>,
    applied: Vec<(usize, MessageId)>,
    dead: Vec<MessageId>,
    retrievable: BTreeSet<MessageId>,
    retries: u64,
    /// Copies have offsets.
    is_log: bool,
    /// The order of a producer's program is promised.
    program_order: bool,
}

impl Naive {
    /// What concerns one subscription.
    fn of(events: &[Event], of: SubscriptionId, is_log: bool, program_order: bool) -> Self {
        let mut naive = Self { is_log, program_order, ..Self::default() };
        for (index, event) in events.iter().enumerate() {
            match event.kind {
                Kind::SendInvoked { message, key, producer, attempt } => {
                    naive.retries += u64::from(attempt > 1);
                    naive.invoked.entry(message).or_insert((index, key, producer));
                    naive.attempted.insert(message, index);
                }
                Kind::SendEnded { message, outcome, .. } => {
                    naive.ended.entry(message).or_default().push((index, outcome));
                }
                Kind::Stored { message, subscription, partition, .. }
                    if subscription.is_none_or(|id| id == of) =>
                {
                    naive.stored.push((index, message, partition));
                }
                Kind::Delivered { message, subscription, .. } if subscription == of => {
                    naive.delivered.push(message);
                }
                Kind::Effect { message, subscription, verdict: EffectVerdict::Applied, .. }
                    if subscription == of =>
                {
                    naive.applied.push((index, message));
                }
                Kind::DeadLettered { message, subscription, .. } if subscription == of => {
                    naive.dead.push(message);
                }
                Kind::Retrievable { message, subscription } if subscription == of => {
                    naive.retrievable.insert(message);
                }
                _ => {}
            }
        }
        naive
    }

    fn e(&self, m: MessageId) -> usize {
        self.applied.iter().filter(|(_, message)| *message == m).count()
    }

    fn q(&self, m: MessageId) -> usize {
        self.dead.iter().filter(|message| **message == m).count()
    }

    fn d(&self, m: MessageId) -> usize {
        self.delivered.iter().filter(|message| **message == m).count()
    }

    fn s(&self, m: MessageId) -> usize {
        self.stored.iter().filter(|(_, message, _)| *message == m).count()
    }

    /// The outcomes that a producer learnt since it began to send.
    fn outcomes(&self, m: MessageId) -> Vec<(usize, SendOutcome)> {
        let first = self.invoked.get(&m).map_or(usize::MAX, |(index, ..)| *index);
        let all = self.ended.get(&m).into_iter().flatten().copied();
        all.filter(|(index, _)| *index > first).collect()
    }

    /// When it learnt that the message is stored.
    fn acknowledged(&self, m: MessageId) -> Option<usize> {
        let outcomes = self.outcomes(m).into_iter();
        outcomes.filter(|(_, told)| *told == SendOutcome::Ok).map(|(index, _)| index).min()
    }

    /// Whether every attempt was refused.
    fn refused(&self, m: MessageId) -> bool {
        let (outcomes, attempted) = (self.outcomes(m), self.attempted.get(&m));
        let is_open = outcomes.last().map(|(index, _)| index) < attempted;
        !is_open && outcomes.iter().all(|(_, told)| *told == SendOutcome::Fail)
    }

    /// Every class whose condition holds, in the order in which the first one counts.
    fn class(&self, m: MessageId) -> Option<Class> {
        let a = self.invoked.contains_key(&m);
        let ok = a && self.acknowledged(m).is_some();
        let fail = a && self.refused(m);
        let info = a && !ok && !fail;
        let (e, q, p) = (self.e(m), self.q(m), self.retrievable.contains(&m));
        let rows = [
            (Class::Phantom, e >= 1 && (!a || fail)),
            (Class::Refused, fail && e == 0),
            (Class::Split, a && !fail && e >= 1 && q >= 1),
            (Class::Duplicated, a && !fail && e >= 2),
            (Class::Exact, ok && e == 1 && q == 0),
            (Class::Recovered, info && (e == 1 || q >= 1)),
            (Class::DeadLettered, ok && e == 0 && q >= 1),
            (Class::Pending, ok && e == 0 && q == 0 && p),
            (Class::Lost, ok && e == 0 && q == 0 && !p),
            (Class::Absent, info && e == 0 && q == 0),
        ];
        rows.into_iter().find(|(_, holds)| *holds).map(|(class, _)| class)
    }

    /// m1 ≺ m2.
    fn precedes(&self, m1: MessageId, m2: MessageId) -> bool {
        let (Some((begun, key, producer)), Some((invoked, other_key, other_producer))) =
            (self.invoked.get(&m1), self.invoked.get(&m2))
        else {
            return false;
        };
        let before = self.acknowledged(m1).is_some_and(|index| {
            if self.program_order { begun < invoked } else { index < *invoked }
        });
        key == other_key && producer == other_producer && before
    }

    fn first_effect(&self, m: MessageId) -> Option<usize> {
        self.applied.iter().find(|(_, message)| *message == m).map(|(index, _)| *index)
    }

    fn all(&self) -> Vec<MessageId> {
        (0..9).map(MessageId).collect()
    }

    fn count(&self, holds: impl Fn(MessageId) -> bool) -> u64 {
        self.all().into_iter().filter(|m| holds(*m)).count() as u64
    }

    fn sum(&self, term: impl Fn(MessageId) -> usize) -> u64 {
        self.all().into_iter().map(term).sum::<usize>() as u64
    }

    fn reordered(&self, m: MessageId) -> bool {
        let Some(first) = self.first_effect(m) else { return false };
        let earlier = |m2| self.first_effect(m2).is_some_and(|other| other < first);
        self.all().into_iter().any(|m2| self.precedes(m, m2) && earlier(m2))
    }

    fn replayed(&self, m: MessageId) -> bool {
        let again = self.applied.iter().filter(|(_, message)| *message == m).skip(1);
        again.into_iter().any(|(index, _)| {
            self.applied.iter().any(|(other, m2)| other < index && self.precedes(m, *m2))
        })
    }

    fn write_inversions(&self) -> u64 {
        let inverted = |(index, m, partition): &&(usize, MessageId, PartitionId)| {
            self.stored.iter().any(|(other, m2, other_lane)| {
                other < index && partition == other_lane && self.precedes(*m, *m2)
            })
        };
        self.stored.iter().filter(|_| self.is_log).filter(inverted).count() as u64
    }

    fn adjacent_pairs(&self) -> u64 {
        let mut chains = BTreeMap::<_, u64>::new();
        for (m, (_, key, producer)) in &self.invoked {
            if self.e(*m) > 0 {
                *chains.entry((*key, *producer)).or_default() += 1;
            }
        }
        chains.values().map(|count| count - 1).sum()
    }

    fn sends(&self) -> Sends {
        let was_sent = |m: &MessageId| self.invoked.contains_key(m);
        let ok = self.count(|m| was_sent(&m) && self.acknowledged(m).is_some());
        let fail = self.count(|m| was_sent(&m) && self.refused(m));
        let invoked = self.invoked.len() as u64;
        Sends { invoked, ok, fail, info: invoked - ok - fail, retries: self.retries }
    }
}

fn compare(naive: &Naive, report: &SubscriptionReport) {
    for class in Class::ALL {
        let members: Vec<_> =
            naive.all().into_iter().filter(|m| naive.class(*m) == Some(*class)).collect();
        assert_eq!(report.classes.get(*class), members.len() as u64, "{class}");
        assert_eq!(report.firsts.get(class), members.first(), "{class}");
    }
    assert_eq!(report.effects, naive.applied.len() as u64);
    assert_eq!(report.excess, naive.sum(|m| naive.e(m).saturating_sub(1)));
    assert_eq!(report.repeated, naive.count(|m| naive.e(m) >= 2));
    assert_eq!(report.dlq_excess, naive.sum(|m| naive.q(m).saturating_sub(1)));
    assert_eq!(report.deliveries, Some(naive.delivered.len() as u64));
    let again = naive.sum(|m| naive.d(m).saturating_sub(naive.s(m)));
    assert_eq!(report.redeliveries, Some(again));
    assert_eq!(report.order.reordered, naive.count(|m| naive.reordered(m)));
    assert_eq!(report.order.replayed, naive.count(|m| naive.replayed(m)));
    assert_eq!(report.order.write_inversions, naive.write_inversions());
    assert_eq!(report.order.adjacent_pairs, naive.adjacent_pairs());
    let example = naive.all().into_iter().find(|m| naive.reordered(*m));
    assert_eq!(report.order.reordered_example, example);
    let applied = naive.count(|m| naive.invoked.contains_key(&m) && naive.e(m) > 0);
    assert_eq!(report.latency.count(), applied);
    let explained: u64 = report.causes.values().sum();
    assert_eq!(explained, report.lost() + report.duplicated());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_fold_agrees_with_the_formulas(
        steps in steps(),
        is_log: bool,
        program_order: bool,
    ) {
        let events = history(&steps, is_log);
        let subscriptions = vec![strict(); SUBSCRIPTIONS.into()];
        let config = Config { processes: 2, messages: 4, program_order, ..Config::default() };
        let mut checker = Checker::new(Config { subscriptions, ..config });
        checker.observe(&events);
        let report = checker.finish(End::Quiescent);
        for (id, subscription) in (0..).map(SubscriptionId).zip(&report.subscriptions) {
            let naive = Naive::of(&events, id, is_log, program_order);
            prop_assert_eq!(report.sends, naive.sends());
            compare(&naive, subscription);
        }
    }
}
