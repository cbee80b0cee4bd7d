//! Which kinds of events a history records: what it does not record is unknown.

use entrega_model::Kind;

use crate::tally::{Tally, words};

/// How many events of each kind there were.
pub type EventKinds = Tally<EventKind, { EventKind::COUNT }>;

words! {
    /// A kind of event that is evidence for a count or a cause, by the name that histories give it.
    EventKind {
        /// A copy was stored.
        Store => "store",
        /// A copy is gone.
        Remove => "remove",
        /// A message was delivered.
        Deliver => "deliver",
        /// A consumer asked to settle.
        SettleInvoke => "settle.invoke",
        /// A queue recorded a settle.
        Settled => "settled",
        /// A log recorded a committed offset.
        Committed => "committed",
        /// A lease ran out.
        LeaseExpired => "lease_expired",
        /// The end of a connection returned a message.
        Requeued => "requeued",
        /// A member was removed.
        SessionExpired => "session_expired",
        /// A partition was assigned.
        Assign => "assign",
        /// A position was moved by the reset policy.
        Reset => "reset",
        /// A process died.
        Crash => "crash",
    }
}

impl EventKinds {
    /// Takes note of an event.
    pub(crate) fn see(&mut self, kind: &Kind) {
        if let Some(kind) = EventKind::of(kind) {
            self.add(kind, 1);
        }
    }

    /// Whether there was one of every kind, or the record says that nothing is left out.
    pub(crate) fn are_complete(&self) -> bool {
        EventKind::ALL.iter().all(|kind| self.get(*kind) > 0)
    }

    /// The kinds of a log, or of a queue, of which there was none.
    pub(crate) fn missing(&self, is_log: bool) -> Vec<EventKind> {
        let all = EventKind::ALL.iter().copied();
        all.filter(|kind| kind.is_of(is_log) && self.get(*kind) == 0).collect()
    }
}

impl EventKind {
    /// Those from which most critical windows follow.
    pub(crate) const OPEN_WINDOWS: [Self; 3] =
        [Self::LeaseExpired, Self::SessionExpired, Self::Crash];

    const fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Stored { .. } => Self::Store,
            Kind::Removed { .. } => Self::Remove,
            Kind::Delivered { .. } => Self::Deliver,
            Kind::SettleInvoked { .. } => Self::SettleInvoke,
            Kind::Settled { .. } => Self::Settled,
            Kind::Committed { .. } => Self::Committed,
            Kind::LeaseExpired { .. } => Self::LeaseExpired,
            Kind::Requeued { .. } => Self::Requeued,
            Kind::SessionExpired { .. } => Self::SessionExpired,
            Kind::Assigned { .. } => Self::Assign,
            Kind::OffsetReset { .. } => Self::Reset,
            Kind::Crashed { .. } => Self::Crash,
            _ => return None,
        })
    }

    /// Whether a log, or a queue, has events of this kind.
    const fn is_of(self, is_log: bool) -> bool {
        match self {
            Self::Committed | Self::SessionExpired | Self::Assign | Self::Reset => is_log,
            Self::Settled | Self::LeaseExpired | Self::Requeued => !is_log,
            Self::Store | Self::Remove | Self::Deliver | Self::SettleInvoke | Self::Crash => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entrega_model::event::{RemoveReason, SettleAct, SettleTrigger};
    use entrega_model::{
        DeliveryId, Generation, Incarnation, MessageId, PartitionId, ProcessId, SubscriptionId,
    };

    const SUBSCRIPTION: SubscriptionId = SubscriptionId(0);
    const PARTITION: PartitionId = PartitionId(0);
    const CONSUMER: ProcessId = ProcessId(1);
    const MESSAGE: MessageId = MessageId(0);

    #[test]
    fn a_kind_is_missed_where_it_is_expected_and_was_not_seen() {
        use EventKind::{Assign, Committed, Crash, Deliver, LeaseExpired, Remove, Requeued, Reset};
        use EventKind::{SessionExpired, SettleInvoke, Settled, Store};
        let mut kinds = EventKinds::default();
        let of_queue =
            [Store, Remove, Deliver, SettleInvoke, Settled, LeaseExpired, Requeued, Crash];
        assert_eq!(kinds.missing(false), of_queue);
        let of_log =
            [[Store, Remove, Deliver, SettleInvoke], [Committed, SessionExpired, Assign, Reset]];
        assert_eq!(kinds.missing(true), [&of_log.concat()[..], &[Crash]].concat());
        for kind in of_both().into_iter().chain(of_a_queue()).chain(of_a_log()) {
            kinds.see(&kind);
        }
        assert_eq!((kinds.missing(false), kinds.missing(true)), (vec![], vec![]));
    }

    /// Each alone, in the order of their names above, and what is no evidence.
    #[test]
    fn a_kind_is_seen_as_what_it_is() {
        let seen = |kind: &Kind| {
            let mut kinds = EventKinds::default();
            kinds.see(kind);
            kinds.iter().filter(|(_, count)| *count > 0).map(|(kind, _)| kind).collect::<Vec<_>>()
        };
        let all = [&of_both()[..4], &of_a_queue()[..1], &of_a_log()[..1], &of_a_queue()[1..]];
        let all = [&all.concat()[..], &of_a_log()[1..], &of_both()[4..]].concat();
        assert_eq!(all.iter().flat_map(seen).collect::<Vec<_>>(), EventKind::ALL);
        assert_eq!(seen(&Kind::BrokerRestarted), []);
    }

    fn of_both() -> [Kind; 5] {
        let (message, subscription, consumer) = (MESSAGE, SUBSCRIPTION, CONSUMER);
        let (partition, position, act) = (PARTITION, 0, SettleAct::Ack);
        let trigger = SettleTrigger::Application;
        let (attempt, redelivered, delivery) = (1, false, DeliveryId(0));
        [
            Kind::Stored { message, subscription: None, partition, position, copy: 1 },
            Kind::Removed { message, subscription: None, reason: RemoveReason::Ttl },
            Kind::Delivered {
                delivery,
                message,
                subscription,
                consumer,
                partition,
                position,
                attempt,
                redelivered,
            },
            Kind::SettleInvoked {
                message,
                subscription,
                consumer,
                partition,
                position,
                act,
                trigger,
            },
            Kind::Crashed { process: consumer, incarnation: Incarnation(0) },
        ]
    }

    fn of_a_queue() -> [Kind; 3] {
        let (message, subscription, consumer) = (MESSAGE, SUBSCRIPTION, CONSUMER);
        let (act, trigger) = (SettleAct::Ack, SettleTrigger::Application);
        [
            Kind::Settled { message, subscription, consumer, act, trigger },
            Kind::LeaseExpired { message, subscription, consumer },
            Kind::Requeued { message, subscription, consumer },
        ]
    }

    fn of_a_log() -> [Kind; 4] {
        let (subscription, consumer, partition) = (SUBSCRIPTION, CONSUMER, PARTITION);
        let (generation, position, trigger) = (Generation(1), 0, SettleTrigger::Application);
        [
            Kind::Committed { subscription, consumer, partition, upto: 1, previous: 0, trigger },
            Kind::SessionExpired { subscription, consumer },
            Kind::Assigned { subscription, consumer, partition, generation, position },
            Kind::OffsetReset { subscription, consumer, partition, from: None, to: 0 },
        ]
    }
}
