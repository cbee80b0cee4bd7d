//! By what a settle was made, where only the line that asks for it says so.
//!
//! > **The rule.** A settle that is recorded or learnt of, and whose own line names no trigger, has
//! > that of the latest line in which its consumer asked for it. A committed offset belongs to the
//! > latest commit in its partition: to one of this offset, whoever the line says has committed,
//! > or to one of the same consumer that does not say its offset.

use std::collections::BTreeMap;

use entrega_model::event::SettleTrigger::{self, Application};
use entrega_model::event::{NO_POSITION, SettleAct};
use entrega_model::history::Origin;
use entrega_model::{Kind, MessageId, PartitionId, ProcessId};

use crate::table::Table;

/// What consumers have asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Triggers {
    messages: Table<Option<Asked>>,
    commits: BTreeMap<PartitionId, Asked>,
}

/// The latest time that somebody asked.
#[derive(Clone, Copy, Debug)]
struct Asked {
    consumer: ProcessId,
    trigger: SettleTrigger,
    /// Of a commit: the offset that it asked to record, if that is known.
    upto: Option<u64>,
}

impl Triggers {
    /// Takes note of a line that asks for a settle that is final.
    pub(super) fn note(&mut self, kind: &Kind) {
        let &Kind::SettleInvoked { message, consumer, partition, position, act, trigger, .. } =
            kind
        else {
            return;
        };
        if matches!(act, SettleAct::Requeue | SettleAct::Extend) {
            return;
        }
        let upto = (position != NO_POSITION).then(|| position.saturating_add(1));
        let asked = Asked { consumer, trigger, upto };
        *self.messages.entry(message.0.into()) = Some(asked);
        if act == SettleAct::Commit {
            self.commits.insert(partition, asked);
        }
    }

    /// By what this consumer asked for a settle of this message; as an application does, unless
    /// the record says more.
    pub(super) fn of_message(&self, message: MessageId, consumer: ProcessId) -> SettleTrigger {
        let asked = self.messages.get(message.0.into()).copied().flatten();
        trigger_of(asked.filter(|asked| asked.consumer == consumer))
    }

    fn of_commit(&self, partition: PartitionId, consumer: ProcessId, to: u64) -> SettleTrigger {
        let is_it =
            |asked: &Asked| asked.upto.map_or(asked.consumer == consumer, |upto| upto == to);
        trigger_of(self.commits.get(&partition).copied().filter(is_it))
    }

    /// An event with the trigger that its line leaves out.
    pub(super) fn completed(&self, mut kind: Kind, origin: Origin) -> Kind {
        match &mut kind {
            _ if origin.names_trigger => {}
            Kind::Settled { message, consumer, trigger: left_out @ Application, .. } => {
                *left_out = self.of_message(*message, *consumer);
            }
            Kind::Committed {
                partition, consumer, upto, trigger: left_out @ Application, ..
            } => {
                *left_out = self.of_commit(*partition, *consumer, *upto);
            }
            _ => {}
        }
        kind
    }
}

fn trigger_of(asked: Option<Asked>) -> SettleTrigger {
    asked.map_or(Application, |asked| asked.trigger)
}

#[cfg(test)]
mod tests {
    use entrega_model::SubscriptionId;

    use super::*;

    const SUBSCRIPTION: SubscriptionId = SubscriptionId(0);
    const PARTITION: PartitionId = PartitionId(0);
    const ONE: ProcessId = ProcessId(1);
    const OTHER: ProcessId = ProcessId(2);

    fn asks(act: SettleAct, trigger: SettleTrigger, position: u64) -> Kind {
        let (message, subscription, consumer) = (MessageId(0), SUBSCRIPTION, ONE);
        let partition = PARTITION;
        Kind::SettleInvoked { message, subscription, consumer, partition, position, act, trigger }
    }

    fn settled(consumer: ProcessId) -> Kind {
        let (message, subscription) = (MessageId(0), SUBSCRIPTION);
        let (act, trigger) = (SettleAct::Ack, Application);
        Kind::Settled { message, subscription, consumer, act, trigger }
    }

    fn committed(consumer: ProcessId, upto: u64) -> Kind {
        let (subscription, partition, trigger) = (SUBSCRIPTION, PARTITION, Application);
        Kind::Committed { subscription, consumer, partition, upto, previous: 0, trigger }
    }

    fn trigger(kind: Kind) -> SettleTrigger {
        match kind {
            Kind::Settled { trigger, .. } | Kind::Committed { trigger, .. } => trigger,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_line_leaves_out_its_asking_says() {
        use SettleTrigger::{Close, Timer};
        let check = |asked: &[Kind], kind: Kind, expect: SettleTrigger| {
            let mut triggers = Triggers::default();
            asked.iter().for_each(|kind| triggers.note(kind));
            let silent = Origin::default();
            assert_eq!(trigger(triggers.completed(kind, silent)), expect, "{asked:?} {kind:?}");
            let naming = Origin { names_trigger: true, ..silent };
            assert_eq!(triggers.completed(kind, naming), kind, "{asked:?}");
        };
        let (by_timer, by_close) =
            (asks(SettleAct::Ack, Timer, NO_POSITION), asks(SettleAct::Ack, Close, NO_POSITION));
        check(&[], settled(ONE), Application);
        check(&[by_timer], settled(ONE), Timer);
        check(&[by_timer, by_close], settled(ONE), Close);
        check(&[by_timer], settled(OTHER), Application);
        check(&[asks(SettleAct::Extend, Timer, NO_POSITION)], settled(ONE), Application);
        let commit = asks(SettleAct::Commit, Timer, 4);
        check(&[commit], committed(ONE, 5), Timer);
        check(&[commit], committed(ONE, 4), Application);
        check(&[commit], committed(OTHER, 5), Timer);
        let somewhere = asks(SettleAct::Commit, Timer, NO_POSITION);
        check(&[somewhere], committed(ONE, 9), Timer);
        check(&[somewhere], committed(OTHER, 9), Application);
        check(&[by_timer], committed(ONE, 5), Application);
    }
}
