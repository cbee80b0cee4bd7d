//! The evidence about a redelivery, gathered from message, owners and offsets.
//!
//! Mostly a message comes again because its last delivery lost it. But a consumer with a buffer may
//! deliver what had been taken from it long before: then the *new* delivery is the one that lost
//! it, and the last one got it for that reason. On a queue the delivery number tells; on a log it
//! is the older tenure.

use entrega_model::PartitionId;
use entrega_model::event::NO_POSITION;

use super::{Handed, SubscriptionFold};
use crate::message::{Flag, Message};
use crate::partitions::Partitions;
use crate::record::Copy;
use crate::redelivery::Evidence;
use crate::{Cause, Counter};

impl SubscriptionFold {
    /// Why a message that was delivered before is delivered again, under `tenure`.
    pub(super) fn why_again(
        &self,
        message: &Message,
        handed: Handed,
        tenure: u32,
        partitions: &Partitions,
    ) -> Cause {
        let stale = if partitions.is_log {
            self.why_stale_on_log(message, tenure)
        } else {
            self.why_stale_on_queue(message, handed)
        };
        let at = partitions.is_log.then_some((handed.partition, handed.position));
        let sought = partitions.is_log && self.sought_back(message, handed.position, tenure);
        let cause = stale.unwrap_or_else(|| {
            let evidence = Evidence { sought, ..self.evidence(message, at) };
            evidence.cause()
        });
        let may_be_buffered = self.is_record && partitions.is_log && tenure < message.tenure;
        if may_be_buffered && cause == Cause::RedeliveredAfterSettle {
            return Cause::Unknown;
        }
        self.unless_another_copy(self.unless_denied(cause))
    }

    /// A cause, unless the lines of a record contradict it: what was taken back after its settle,
    /// or is not the next delivery, did not come again because of nothing.
    pub(super) fn unless_denied(&self, cause: Cause) -> Cause {
        let is_denied = self.is_settle_denied && cause == Cause::RedeliveredAfterSettle;
        if is_denied { Cause::Unknown } else { cause }
    }

    /// A cause of the delivery of a message, unless this is one of another copy, or may be: then
    /// what befell the delivery before need not be the reason. That two copies are stored is known
    /// if two are recorded; that there is only one is not.
    fn unless_another_copy(&self, cause: Cause) -> Cause {
        let is_of_offsets = matches!(cause, Cause::OffsetReset | Cause::OffsetRewind);
        let is_of_a_copy = matches!(cause, Cause::Redriven | Cause::RetryCopy);
        match self.copy {
            Copy::Other => Cause::StoredTwice,
            Copy::Same => cause,
            _ if is_of_offsets || is_of_a_copy => cause,
            Copy::ProbablyOther => Cause::Unknown,
            Copy::PerhapsOther if cause == Cause::RedeliveredAfterSettle => Cause::Unknown,
            Copy::PerhapsOther => cause,
        }
    }

    /// Whether a seek under `tenure` brought the message again: it had it before, or no
    /// consumer would have received it any more, since it was settled.
    fn sought_back(&self, message: &Message, position: u64, tenure: u32) -> bool {
        let owner = self.owners.get(tenure);
        let back = owner.and_then(|(owner, _)| owner.sought).is_some_and(|to| to <= position);
        position != NO_POSITION && back && (message.tenure == tenure || message.has(Flag::Settled))
    }

    /// Why a tenure older than that of the last delivery is over. What a consumer delivers after
    /// its partition was taken away comes from its buffer, and so from such a tenure: it is a
    /// zombie, and the log has not handed out again what was settled.
    fn why_stale_on_log(&self, message: &Message, tenure: u32) -> Option<Cause> {
        let former = self.owners.get(tenure)?.0.former;
        let tenure = if tenure < message.tenure { tenure } else { former? };
        let (tenure, _) = self.owners.get(tenure)?;
        let over = Evidence {
            session_expired: tenure.session_expired,
            moved: tenure.moved,
            forgotten: tenure.forgotten,
            ..Evidence::default()
        };
        Some(over.cause()).filter(|cause| *cause != Cause::Unexplained)
    }

    /// Why the broker took a delivery back before it reached the application, if a later one has
    /// come before it: that is why there was a later one. If an earlier one has, the delivery came
    /// because of what befell that, whatever befell it in its turn.
    fn why_stale_on_queue(&self, message: &Message, handed: Handed) -> Option<Cause> {
        let Handed { message: id, attempt, .. } = handed;
        let is_below = message.numbers.is_below(attempt, id, &self.high_numbers);
        let is_first = !message.was_delivered();
        if !(is_below || is_first) || !message.is_stale(attempt, id, &self.high_numbers) {
            return None;
        }
        if message.has(Flag::LeaseRanOutAhead) {
            return Some(Cause::LeaseExpired);
        }
        if message.has(Flag::RequeuedAhead) {
            return Some(Cause::ClosedWithoutSettle);
        }
        self.has_restarted().then_some(Cause::BrokerForgot)
    }

    /// What is known of the last delivery of a message; `at` is where it stands on a log.
    pub(super) fn evidence(&self, message: &Message, at: Option<(PartitionId, u64)>) -> Evidence {
        let Some((tenure, life)) = self.owners.get(message.tenure) else {
            let (moved_back, restarted) = (message.moved_back > 0, self.has_restarted());
            return Evidence { moved_back, restarted, ..Evidence::default() };
        };
        let is_log = at.is_some();
        let at = at.filter(|(_, position)| *position != NO_POSITION);
        let position = at.map(|(_, position)| position);
        let progress = at.and_then(|(partition, _)| self.progress.get(partition.0.into()));
        let progress = progress.copied().unwrap_or_default();
        let settled = message.has(Flag::Settled);
        let restarted = self.has_restarted();
        let refused = message.has(Flag::SettleRefused);
        let in_time = message.has(Flag::SettledInTime);
        let answered = message.has(Flag::Answered);
        let refused_after_restart = !is_log && restarted && refused;
        let lease_ran_out = message.has(Flag::LeaseRanOutUnsettled)
            || message.has(Flag::SettledLate)
            || (answered && !settled && !refused_after_restart && message.has(Flag::LeaseRanOut));
        let nack_asked = message.has(Flag::Nacked) && !refused;
        let asked = message.has(Flag::SettleInvoked)
            || position.is_some_and(|position| tenure.asked_upto > position);
        Evidence {
            settled,
            crashed: life.crashed && !in_time,
            ended_unseen: life.ended_unseen && !in_time,
            lease_ran_out,
            session_expired: tenure.session_expired && !in_time,
            moved: tenure.moved && !in_time,
            settle_invoked: asked && !answered,
            refused_after_restart,
            nacked: message.has(Flag::GivenBack) || (nack_asked && !self.knows_settles()),
            nack_asked,
            returned_with_batch: settled && self.returned_with_batch,
            moved_back: message.moved_back > 0,
            redriven: self.is_record && message.dead_letters > 0 && !self.kinds.are_complete(),
            parted: message.has(Flag::RequeuedUnsettled),
            closed: life.exited || message.has(Flag::Requeued),
            forgotten: tenure.forgotten,
            restarted,
            reset: message.tenure < progress.reset_before
                && position.is_some_and(|position| position >= progress.reset_to),
            rewound: self.has_truth
                && settled
                && position.is_some_and(|position| {
                    (progress.committed..progress.most_committed).contains(&position)
                }),
            copied: message.has(Flag::Copied),
            sought: false,
        }
    }

    /// Whether a settle that a queue records would be known.
    pub(crate) fn knows_settles(&self) -> bool {
        self.has_truth || !self.is_record || self.kinds.are_complete()
    }

    pub(crate) fn has_restarted(&self) -> bool {
        self.counters.get(Counter::BrokerRestarts) > 0
    }
}
