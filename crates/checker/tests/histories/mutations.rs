//! A history in which all is well, spoilt in one place, must be found out: the checker's own
//! negative controls (semantics.md 5.6, point 8).

use entrega_checker::{Class, End, Reason, SubscriptionReport, Verdict};
use entrega_model::event::{EffectVerdict, SendOutcome};
use entrega_model::{Event, Kind, MessageId};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::dsl::{Handed, History, judge, log, queue, strict};

/// Messages with keys, and the order in which what is to do is done.
#[derive(Clone, Debug)]
struct Plan {
    is_log: bool,
    keys: Vec<u32>,
    /// Which key goes on next; exhausted keys are passed over.
    turns: Vec<Index>,
    settle_first: bool,
    consumers: u16,
}

fn plans() -> impl Strategy<Value = Plan> {
    let keys = prop::collection::vec(0_u32..3, 2..12);
    (any::<bool>(), keys, any::<bool>(), 1_u16..4).prop_flat_map(
        |(is_log, keys, settle_first, consumers)| {
            let turns = prop::collection::vec(any::<Index>(), keys.len());
            turns.prop_map(move |turns| Plan {
                is_log,
                keys: keys.clone(),
                turns,
                settle_first,
                consumers,
            })
        },
    )
}

impl Plan {
    /// Every message is sent, acknowledged, processed once and settled, in order within its key.
    fn history(&self) -> History {
        let mut history = if self.is_log { log() } else { queue() };
        for (id, key) in (0..).zip(&self.keys) {
            history = history.invoked(id, *key, 1).stored(id, id.into()).ended(id, SendOutcome::Ok);
        }
        let mut waiting: Vec<u32> = (0..self.keys.len() as u32).collect();
        for (delivery, turn) in (100..).zip(&self.turns) {
            let key = self.keys[waiting[turn.index(waiting.len())] as usize];
            let next = waiting.iter().position(|id| self.keys[*id as usize] == key).unwrap();
            let id = waiting.remove(next);
            let handed = Handed(delivery, id, 1 + delivery as u16 % self.consumers);
            history = history.delivered(handed).started(handed);
            history = if self.settle_first {
                history.settled(handed).applied(handed)
            } else {
                history.applied(handed).settled(handed)
            };
        }
        history
    }
}

fn judged(events: &[Event]) -> SubscriptionReport {
    judge(events, strict(), End::Quiescent).subscriptions.remove(0)
}

/// Where the applied effects are, and of which message.
fn effects(events: &[Event]) -> Vec<(usize, MessageId)> {
    let effect = |(index, event): (usize, &Event)| match event.kind {
        Kind::Effect { message, verdict: EffectVerdict::Applied, .. } => Some((index, message)),
        _ => None,
    };
    events.iter().enumerate().filter_map(effect).collect()
}

proptest! {
    #[test]
    fn all_is_well(plan in plans()) {
        let report = judged(&plan.history().events);
        prop_assert_eq!(report.verdict, Verdict::Valid);
        prop_assert_eq!(report.classes.get(Class::Exact), plan.keys.len() as u64);
        prop_assert!(report.causes.is_empty());
    }

    #[test]
    fn a_dropped_effect_is_found(plan in plans(), which: Index) {
        let mut events = plan.history().events;
        let (index, message) = *which.get(&effects(&events));
        events.remove(index);
        let report = judged(&events);
        prop_assert_eq!(&report.reasons, &[Reason::Lost]);
        prop_assert_eq!(report.firsts.get(&Class::Lost), Some(&message));
    }

    #[test]
    fn a_doubled_effect_is_found(plan in plans(), which: Index, later: Index) {
        let mut events = plan.history().events;
        let (index, message) = *which.get(&effects(&events));
        let copy = events[index];
        events.insert(index + 1 + later.index(events.len() - index), copy);
        let report = judged(&events);
        prop_assert_eq!(report.reasons.first(), Some(&Reason::Duplicated));
        prop_assert_eq!(report.firsts.get(&Class::Duplicated), Some(&message));
        prop_assert_eq!(report.excess, 1);
    }

    #[test]
    fn two_swapped_effects_of_one_key_are_found(plan in plans(), which: Index, other: Index) {
        let mut events = plan.history().events;
        let effects = effects(&events);
        let (early, message) = *which.get(&effects);
        let key = plan.keys[message.index()];
        let rivals: Vec<_> = effects
            .iter()
            .filter(|(index, rival)| *index > early && plan.keys[rival.index()] == key)
            .collect();
        prop_assume!(!rivals.is_empty());
        events.swap(early, other.get(&rivals).0);
        let report = judged(&events);
        prop_assert_eq!(&report.reasons, &[Reason::Reordered]);
        prop_assert!(report.order.reordered > 0);
    }
}
