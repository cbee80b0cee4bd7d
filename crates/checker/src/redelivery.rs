//! Why a message was delivered again: the evidence about one delivery, and the rule.
//!
//! > **The rule** (semantics.md 5.4). The first that matches, in the order of [`Cause`]: crash,
//! > lease, session, rebalance, lost settle, nack, close, batch, broker restart, reset, rewind,
//! > nothing at all after a settle, and at last a nack that was asked for and never recorded.
//!
//! A settle that was asked for and not recorded was lost, unless its consumer learnt what became of
//! it after the lease had ended: then it arrived, too late, and the lease is the cause. A nack that
//! was refused or lost has returned nothing: the cause is what did. Only where nothing else can be,
//! or where a record does not hold what brokers record, is a nack taken for one that arrived.
//!
//! What befell a consumer after it had settled the message, in time or too late, is no cause. A
//! life whose end is not recorded may have ended by a crash or in peace, so what comes after it is
//! unknown.
//!
//! Three refinements keep the first match honest. A delivery whose settle *was* recorded can only
//! come again because the broker forgot or a position moved back, so those are looked at first. And
//! a settle that was *refused*, with neither lease nor connection to blame, was refused because the
//! broker had restarted; a restart is also the last resort when nothing else is known. And
//! within one assignment a log delivers a message once: if its consumer sought back over it,
//! that is why it came again, and nothing else needs to be looked for. The same holds of a queue if
//! a dead letter of the message was moved back: whatever had brought it there is over. Of a message
//! of which a consumer has published another copy, one that was settled comes again as the other.

use crate::Cause;

/// What is known of a delivery when its message is delivered again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// A final settle was recorded.
    pub(crate) settled: bool,
    /// Its consumer died.
    pub(crate) crashed: bool,
    /// Of a record: its consumer's life is over, and the record does not show how it ended.
    pub(crate) ended_unseen: bool,
    /// Its lease ran out before its consumer asked for a settle, or before that arrived: its
    /// consumer has learnt that it came too late.
    pub(crate) lease_ran_out: bool,
    /// Its consumer's session expired.
    pub(crate) session_expired: bool,
    /// Its partition was revoked, lost or assigned anew.
    pub(crate) moved: bool,
    /// Its consumer asked for a final settle, and never learnt what became of it.
    pub(crate) settle_invoked: bool,
    /// A queue refused it, and nothing but a restart of the broker can be the reason.
    pub(crate) refused_after_restart: bool,
    /// Its consumer gave it back, and the queue took it.
    pub(crate) nacked: bool,
    /// Its consumer asked to give it back, and is not known to have been refused.
    pub(crate) nack_asked: bool,
    /// The end of its connection returned it before its consumer asked for a final settle, or
    /// before that arrived.
    pub(crate) parted: bool,
    /// Its consumer left, or the end of its connection returned it.
    pub(crate) closed: bool,
    /// It was settled, and its consumer gave another delivery back that it had before.
    pub(crate) returned_with_batch: bool,
    /// A dead letter of it was moved back since.
    pub(crate) moved_back: bool,
    /// A record: it was a dead letter before it was delivered again.
    pub(crate) redriven: bool,
    /// Another copy of its message was published to be tried later, by any consumer.
    pub(crate) copied: bool,
    /// The broker restarted while it was held.
    pub(crate) forgotten: bool,
    /// The broker has restarted at some time.
    pub(crate) restarted: bool,
    /// A reset moved a position back over it.
    pub(crate) reset: bool,
    /// The committed offset covered it and does not any more.
    pub(crate) rewound: bool,
    /// Its consumer, or the next one although it was settled, moved its own position back over it.
    pub(crate) sought: bool,
}

impl Evidence {
    /// The cause.
    pub(crate) fn cause(&self) -> Cause {
        let after_settle = [
            (self.forgotten, Cause::BrokerForgot),
            (self.reset, Cause::OffsetReset),
            (self.rewound, Cause::OffsetRewind),
            (self.copied, Cause::RetryCopy),
        ];
        let in_order = [
            (self.crashed, Cause::RedeliveredAfterCrash),
            (self.ended_unseen, Cause::Unknown),
            (self.lease_ran_out, Cause::LeaseExpired),
            (self.parted, Cause::ClosedWithoutSettle),
            (self.session_expired, Cause::SessionExpired),
            (self.moved, Cause::Rebalanced),
            (self.refused_after_restart, Cause::BrokerForgot),
            (self.settle_invoked && !self.settled, Cause::SettleLost),
            (self.nacked, Cause::NackedAfterEffect),
            (self.closed && !self.settled, Cause::ClosedWithoutSettle),
            (self.returned_with_batch, Cause::ReturnedWithBatch),
            (self.forgotten, Cause::BrokerForgot),
            (self.reset, Cause::OffsetReset),
            (self.rewound, Cause::OffsetRewind),
            (self.redriven, Cause::Redriven),
            (self.settled, Cause::RedeliveredAfterSettle),
            (self.copied, Cause::RetryCopy),
            (self.nack_asked, Cause::NackedAfterEffect),
            (self.restarted, Cause::BrokerForgot),
        ];
        if self.sought {
            return Cause::OffsetRewind;
        }
        if self.moved_back {
            return Cause::Redriven;
        }
        let first = |rules: &[(bool, Cause)]| {
            rules.iter().find(|(holds, _)| *holds).map(|(_, cause)| *cause)
        };
        let settled = if self.settled { first(&after_settle) } else { None };
        settled.or_else(|| first(&in_order)).unwrap_or(Cause::Unexplained)
    }
}
