//! Why a message was lost, duplicated or split.
//!
//! > **The rule** (semantics.md 5.4). The first cause that matches counts, in the order of
//! > [`Cause`]; the broker's ground truth is the evidence. `unexplained` means a bug of simulator
//! > or checker; in a history from elsewhere, which need not record all, the cause is `unknown`.
//!
//! An acknowledged message that has no effect was *settled without effect* in most cases; what made
//! the client settle is then the cause.

use std::collections::BTreeMap;

use entrega_model::event::{RemoveReason, SettleTrigger};

use crate::tally::words;

/// Messages for each cause; a cause that was not seen has no entry.
pub type Causes = BTreeMap<Cause, u64>;

words! {
    /// Why a message was lost (the first half) or duplicated or split (the second half).
    Cause {
        /// Lost: acknowledged, and stored nowhere (fire and forget, unroutable).
        NeverStoredButAcked => "never_stored_but_acked",
        /// Lost: its time to live ended.
        RemovedTtl => "removed_ttl",
        /// Lost: the queue was full.
        RemovedOverflow => "removed_overflow",
        /// Lost: retention deleted it.
        RemovedRetention => "removed_retention",
        /// Lost: a newer value of its key replaced it.
        RemovedCompaction => "removed_compaction",
        /// Lost: delivered too often, and there is no dead-letter target.
        RemovedDeliveryLimit => "removed_delivery_limit",
        /// Lost: a failover cut the log's tail.
        RemovedTruncation => "removed_truncation",
        /// Lost: the queue was purged.
        RemovedPurge => "removed_purge",
        /// Lost: the broker lost its storage.
        RemovedBrokerLoss => "removed_broker_loss",
        /// Lost: no queue was bound.
        RemovedUnroutable => "removed_unroutable",
        /// Lost: it was given up, and did not reach the dead letters.
        RemovedDeadLettering => "removed_dead_lettering",
        /// Lost: a reset moved the position past it.
        SkippedByReset => "skipped_by_reset",
        /// Lost: the transaction that held its effect was prepared, and so its consumer went on
        /// behind it; but it had been open for too long and was aborted.
        TransactionExpired => "transaction_expired",
        /// Lost: the application settled it, or one behind it on a log, before its effect.
        SettledBeforeProcess => "settled_before_process",
        /// Lost: the auto-commit timer settled it before its effect.
        SettledByTimer => "settled_by_timer",
        /// Lost: the delivery itself settled it.
        SettledAtDelivery => "settled_at_delivery",
        /// Lost: the next receive settled it.
        SettledByNextReceive => "settled_by_next_receive",
        /// Lost: `close()` settled it, as after an error of its handler.
        SettledByClose => "settled_by_close",
        /// Lost: a rebalance settled it.
        SettledOnRevoke => "settled_on_revoke",
        /// Lost: the worker that had it died before its effect, and its supervisor settled it.
        SettledForLostWorker => "settled_for_lost_worker",
        /// Lost: its dead letter expired unread. Reserved: no event reports it yet.
        DlqExpired => "dlq_expired",
        /// Duplicated: the broker stored it twice (a producer's retry).
        StoredTwice => "stored_twice",
        /// Duplicated: the transaction of its first effect was aborted, and readers downstream had
        /// seen that effect. It stands before what brought the message again, which would have done
        /// no harm otherwise.
        AbortedVisible => "aborted_visible",
        /// Duplicated: its consumer crashed, unsettled.
        RedeliveredAfterCrash => "redelivered_after_crash",
        /// Duplicated: its lease ran out before a settle was asked for, or before that arrived: its
        /// consumer learnt that it came too late.
        LeaseExpired => "lease_expired",
        /// Duplicated: its consumer's session expired.
        SessionExpired => "session_expired",
        /// Duplicated: its partition moved to another assignment.
        Rebalanced => "rebalanced",
        /// Duplicated: its settle was asked for, and never recorded; nobody learnt what became of
        /// it.
        SettleLost => "settle_lost",
        /// Duplicated: its consumer gave it back or rejected it, although the effect had happened.
        /// Not if that was refused or lost: then it is what did bring the message back.
        NackedAfterEffect => "nacked_after_effect",
        /// Duplicated: its consumer closed, or its connection broke, without a settle.
        ClosedWithoutSettle => "closed_without_settle",
        /// Duplicated: settled, then delivered again, because its consumer gave back or rejected
        /// another delivery that it had before it settled this one.
        ReturnedWithBatch => "returned_with_batch",
        /// Duplicated: settled, then delivered again although nothing took it back.
        RedeliveredAfterSettle => "redelivered_after_settle",
        /// Duplicated: a copy was moved back from the dead letters.
        Redriven => "redriven",
        /// Duplicated: its consumer had published another copy of it to be tried later, and the one
        /// before had its effect, or came back and had it too.
        RetryCopy => "retry_copy",
        /// Duplicated: the broker restarted and forgot what was in flight.
        BrokerForgot => "broker_forgot",
        /// Duplicated: a reset moved the position back over it.
        OffsetReset => "offset_reset",
        /// Duplicated: a commit moved the committed offset, or a seek the position, back over it.
        OffsetRewind => "offset_rewind",
        /// Duplicated within one delivery: its handler tried again, as after an answer of the sink
        /// that was lost; or its request to the sink arrived twice.
        HandlerRetry => "handler_retry",
        /// A bug of simulator or checker.
        Unexplained => "unexplained",
        /// Of a history from elsewhere: what it records does not say.
        Unknown => "unknown",
    }
}

impl Cause {
    /// The cause of a loss by a removal. A removal that follows a settle counts as the
    /// application's.
    pub(crate) const fn of_removal(reason: RemoveReason) -> Self {
        match reason {
            RemoveReason::Settled => Self::SettledBeforeProcess,
            RemoveReason::Ttl => Self::RemovedTtl,
            RemoveReason::Overflow => Self::RemovedOverflow,
            RemoveReason::Retention => Self::RemovedRetention,
            RemoveReason::Compaction => Self::RemovedCompaction,
            RemoveReason::DeliveryLimit => Self::RemovedDeliveryLimit,
            RemoveReason::Truncation => Self::RemovedTruncation,
            RemoveReason::Purge => Self::RemovedPurge,
            RemoveReason::BrokerLoss => Self::RemovedBrokerLoss,
            RemoveReason::Unroutable => Self::RemovedUnroutable,
            RemoveReason::DeadLettering => Self::RemovedDeadLettering,
        }
    }

    /// The cause of a loss by a settle without effect.
    pub(crate) const fn of_settle(trigger: SettleTrigger) -> Self {
        match trigger {
            SettleTrigger::Application => Self::SettledBeforeProcess,
            SettleTrigger::Timer => Self::SettledByTimer,
            SettleTrigger::Delivery => Self::SettledAtDelivery,
            SettleTrigger::NextReceive => Self::SettledByNextReceive,
            SettleTrigger::Close => Self::SettledByClose,
            SettleTrigger::Revoke => Self::SettledOnRevoke,
            SettleTrigger::WorkerLost => Self::SettledForLostWorker,
        }
    }

    /// Whether it is a settle without effect, which a rewind of the committed offset undoes.
    pub(crate) const fn is_settle(self) -> bool {
        matches!(
            self,
            Self::SettledBeforeProcess
                | Self::SettledByTimer
                | Self::SettledAtDelivery
                | Self::SettledByNextReceive
                | Self::SettledByClose
                | Self::SettledOnRevoke
                | Self::SettledForLostWorker
        )
    }
}
