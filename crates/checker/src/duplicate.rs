//! Which cause belongs to a second outcome.
//!
//! > **The rule.** Two outcomes come from two deliveries (or from one, then its handler tried
//! > twice). The message was delivered a second time because the *earlier delivery* had lost it:
//! > that is the cause, whichever of the two had its effect first. So a zombie that wakes up late
//! > and a quick crash follow one rule.
//!
//! A first effect whose transaction was aborted, and which was seen all the same, is the cause by
//! itself, whatever brought the message again: it would have done no harm otherwise.
//!
//! A dead letter that was moved back is no outcome any more. Of two outcomes before and after it
//! that is the cause, whatever had made the message a dead letter ([`crate::stays`]).
//!
//! An outcome is an applied effect or a dead letter; one of each is a split (semantics.md 5.3,
//! 5.4).

use crate::Cause;
use crate::message::{Flag, Message, NONE};
use crate::stays::StaysOf;

/// Who brought an outcome about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A consumer, with a delivery.
    Delivery(u32),
    /// A consumer's reject.
    Reject,
    /// The broker gave the message up.
    Broker,
}

impl Message {
    /// Notes why the message is delivered again, and by which delivery.
    pub(crate) fn handed_over(&mut self, delivery: u32, tenure: u32, why: Option<Cause>) {
        if self.has_outcome() {
            self.why_outcome = self.why_outcome.or(why);
        }
        self.previous = self.last;
        self.why_previous = self.why_last;
        self.last = delivery;
        self.why_last = why;
        self.tenure = tenure;
    }

    /// Notes, before the message is delivered again for this reason, whether its consumer may still
    /// learn that a settle came too late.
    pub(crate) fn note_unheard(&mut self, why: Cause) {
        let waits = self.has(Flag::LeaseRanOut) && !self.has(Flag::GivenUp);
        let may_be_late = why == Cause::SettleLost && waits;
        self.unset(Flag::SettleUnheard);
        if may_be_late && self.duplicate.is_none() {
            self.set(Flag::SettleUnheard);
        }
    }

    /// The settle of the delivery before the last one has arrived too late, as it turns out: what
    /// took the message from it is the end of its lease, and no settle that was lost.
    #[cold]
    pub(crate) fn settle_came_late(&mut self) {
        self.unset(Flag::SettleUnheard);
        let is_mended = |cause: Option<Cause>| match cause {
            Some(Cause::SettleLost) => Some(Cause::LeaseExpired),
            other => other,
        };
        self.why_last = is_mended(self.why_last);
        if self.outcome == self.previous {
            self.why_outcome = is_mended(self.why_outcome);
        }
        if self.outcome == self.previous || self.outcome == self.last {
            self.duplicate = is_mended(self.duplicate);
        }
    }

    /// Notes an outcome before it is counted. `why_now` is why the message would be delivered
    /// again at this moment.
    #[inline]
    pub(crate) fn note_outcome(
        &mut self,
        by: By,
        stays: StaysOf<'_>,
        why_now: impl FnOnce() -> Option<Cause>,
    ) {
        if self.has_outcome() {
            return self.note_another(by, stays, why_now);
        }
        match by {
            By::Delivery(delivery) => {
                self.outcome = delivery;
                self.why_outcome = self.why_after(delivery);
            }
            By::Reject | By::Broker => {
                self.outcome = NONE;
                self.why_outcome = why_now();
            }
        }
    }

    /// Notes an outcome after the first; the second has a cause.
    #[cold]
    fn note_another(
        &mut self,
        by: By,
        stays: StaysOf<'_>,
        why_now: impl FnOnce() -> Option<Cause>,
    ) {
        if self.duplicate.is_none() {
            let aborted = self.has(Flag::AbortedSeen).then_some(Cause::AbortedVisible);
            let cause = aborted.or_else(|| stays.why(self, by));
            let cause = cause.or_else(|| self.second(by, why_now));
            let cause = cause.or_else(|| self.last_resort());
            self.duplicate = Some(cause.unwrap_or(Cause::Unexplained));
        }
    }

    /// When stale deliveries from several buffers have hidden which delivery lost the message: a
    /// lease on it ran out at some time, so two consumers had it at once.
    fn last_resort(&self) -> Option<Cause> {
        self.has(Flag::LeaseRanOutOnce).then_some(Cause::LeaseExpired)
    }

    /// The cause of a second outcome.
    fn second(&self, by: By, why_now: impl FnOnce() -> Option<Cause>) -> Option<Cause> {
        match by {
            By::Delivery(delivery) if delivery == self.outcome => Some(Cause::HandlerRetry),
            By::Delivery(delivery) if self.age(delivery) > self.age(self.outcome) => {
                self.why_after(delivery)
            }
            By::Reject if self.last == self.outcome => Some(Cause::NackedAfterEffect),
            By::Broker if self.last == self.outcome => why_now(),
            _ => self.why_outcome,
        }
    }

    /// Why a delivery lost the message to the one after it; of older ones only the outline is
    /// known.
    fn why_after(&self, delivery: u32) -> Option<Cause> {
        match self.age(delivery) {
            0 => None,
            1 => self.why_last,
            _ => self.why_previous.or(self.why_last),
        }
    }

    /// How many deliveries came after this one; two stands for two or more.
    fn age(&self, delivery: u32) -> u8 {
        match delivery {
            _ if delivery == self.last => 0,
            _ if delivery == self.previous => 1,
            _ => 2,
        }
    }
}
