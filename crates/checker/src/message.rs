//! All that is remembered of a message in one subscription: 32 bytes.
//!
//! A duplicate is explained by why the delivery that made the earlier effect *lost its message*,
//! judged when the message was delivered the next time. So besides counts there are three
//! delivery names (the last one, the one before, and the one that made the first outcome) and, for
//! each, the cause of the delivery that followed it.

use entrega_model::MessageId;

use crate::Cause;
use crate::numbers::{HighNumbers, Numbers};
use crate::windows::{FIRST_MARK, Marks};

/// No delivery, tenure or message.
pub(crate) const NONE: u32 = u32::MAX;

/// A message in one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(16))]
pub(crate) struct Message {
    /// The last delivery.
    pub(crate) last: u32,
    /// Under which tenure it was delivered; [`crate::owners`].
    pub(crate) tenure: u32,
    /// The delivery before the last one.
    pub(crate) previous: u32,
    /// The delivery that made the first outcome: effect or dead letter.
    pub(crate) outcome: u32,
    /// Deliveries minus stored copies, saturating.
    pub(crate) surplus: i16,
    pub(crate) flags: u32,
    /// Stored copies, saturating.
    pub(crate) copies: u8,
    /// Applied effects, saturating.
    pub(crate) effects: u8,
    /// Copies in the dead-letter sink, saturating.
    pub(crate) dead_letters: u8,
    /// Copies that were moved back from the dead letters and not delivered since, saturating.
    pub(crate) moved_back: u8,
    /// Delivery numbers of a queue.
    pub(crate) numbers: Numbers,
    /// Why the previous delivery lost the message, so that there was a last one.
    pub(crate) why_last: Option<Cause>,
    /// Why there was a previous delivery.
    pub(crate) why_previous: Option<Cause>,
    /// Why the delivery that made the first outcome lost the message.
    pub(crate) why_outcome: Option<Cause>,
    /// Why there was a second outcome.
    pub(crate) duplicate: Option<Cause>,
    /// Why there will be no outcome, as far as one can tell now.
    pub(crate) loss: Option<Cause>,
}

/// One bit of what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Flag {
    /// About the message: the audit found it.
    Retrievable = 1 << 0,
    /// About the message: a copy was removed.
    Removed = 1 << 1,
    /// About the message: every attempt fails.
    Poison = 1 << 2,
    /// About the message: it had an effect again after one of a later message.
    Replayed = 1 << 3,
    /// About the message: settled by its delivery, which the consumer has not reported yet.
    SettledAhead = 1 << 4,
    /// About the message: a lease ran out while it waited in its consumer's buffer.
    LeaseRanOutAhead = 1 << 5,
    /// About the last delivery: it had its effect, or became a dead letter. The first of the four
    /// from which its window follows ([`crate::windows`]).
    HadEffect = 1 << FIRST_MARK,
    /// About the last delivery: a final settle is recorded.
    Settled = 1 << (FIRST_MARK + 1),
    /// About the last delivery: its handler failed and has not started again.
    Failed = 1 << (FIRST_MARK + 2),
    /// About the last delivery: its consumer asked to give it back, and works on it no more.
    Nacked = 1 << (FIRST_MARK + 3),
    /// About the last delivery: its consumer asked for a final settle.
    SettleInvoked = 1 << 10,
    /// About the last delivery: its settle was refused, although nothing is known to have taken it
    /// back.
    SettleRefused = 1 << 11,
    /// About the last delivery: its lease ran out.
    LeaseRanOut = 1 << 12,
    /// About the last delivery: its lease ran out before a final settle was asked for.
    LeaseRanOutUnsettled = 1 << 13,
    /// About the last delivery: the end of its consumer's connection returned it.
    Requeued = 1 << 14,
    /// About the message: a lease on it ran out at some time.
    LeaseRanOutOnce = 1 << 15,
    /// About the last delivery, in a record or after the message was taken back at some time: it
    /// was settled, or its consumer has learnt that it came too late, before anything befell that.
    SettledInTime = 1 << 16,
    /// About the last delivery: its consumer learnt what became of the final settle that it asked
    /// for last, so that this was not lost.
    Answered = 1 << 17,
    /// About the message, in a record: a line is about it that only a stored one can have.
    WasThere = 1 << 18,
    /// About the message: the end of a connection returned it from its consumer's buffer.
    RequeuedAhead = 1 << 19,
    /// About the last delivery: the end of its consumer's connection returned it before a final
    /// settle was asked for, or before that arrived.
    RequeuedUnsettled = 1 << 20,
    /// About the message: the transaction of its first effect was aborted, after that was seen.
    AbortedSeen = 1 << 21,
    /// About the last delivery: since then a dead letter of the message was moved back.
    Redriven = 1 << 22,
    /// About the message: a dead letter of it was moved back at some time.
    MovedBack = 1 << 23,
    /// About the message: a consumer has published another copy of it to be tried later.
    Copied = 1 << 24,
    /// About the last delivery: the broker took it back by a word of its consumer.
    GivenBack = 1 << 25,
    /// About the last delivery: a final settle was recorded, or its consumer has learnt what became
    /// of it, after its lease had ended, so that came too late.
    SettledLate = 1 << 26,
    /// About the message: the lease of the delivery before the last one ended while a final settle
    /// was on its way, and its consumer has not learnt yet what became of that.
    SettleUnheard = 1 << 27,
    /// About the last delivery: its consumer has given up waiting for an answer to its final
    /// settle.
    GivenUp = 1 << 28,
    /// About the message, in a record: a line says what somebody did with it, or with a delivery.
    Handled = 1 << 29,
}

/// The bits that are about the last delivery.
pub(crate) const ABOUT_LAST: u32 = (!0 << FIRST_MARK)
    & !(Flag::LeaseRanOutOnce as u32
        | Flag::WasThere as u32
        | Flag::RequeuedAhead as u32
        | Flag::AbortedSeen as u32
        | Flag::MovedBack as u32
        | Flag::Copied as u32
        | Flag::Handled as u32
        | Flag::SettleUnheard as u32);

impl Message {
    #[inline]
    pub(crate) const fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u32 != 0
    }

    #[inline]
    pub(crate) const fn set(&mut self, flag: Flag) {
        self.flags |= flag as u32;
    }

    #[inline]
    pub(crate) const fn unset(&mut self, flag: Flag) {
        self.flags &= !(flag as u32);
    }

    /// From which the window of the last delivery follows.
    #[inline]
    pub(crate) const fn marks(&self) -> Marks {
        (self.flags >> FIRST_MARK) as Marks
    }

    /// Takes note of a queue's delivery number, and whether the delivery was stale from the start.
    #[inline]
    pub(crate) fn number(&mut self, attempt: u16, id: MessageId, high: &mut HighNumbers) {
        let is_stale = self.is_stale(attempt, id, high);
        if is_stale && self.has(Flag::LeaseRanOutAhead) {
            self.set(Flag::LeaseRanOut);
            self.set(Flag::LeaseRanOutUnsettled);
        }
        if is_stale && self.has(Flag::RequeuedAhead) {
            self.set(Flag::Requeued);
            self.set(Flag::RequeuedUnsettled);
        }
        self.numbers.delivered(attempt, id, high);
    }

    /// Whether a delivery had been taken back before its consumer had it. Numbers of several copies
    /// do not say.
    pub(crate) fn is_stale(&self, attempt: u16, id: MessageId, high: &HighNumbers) -> bool {
        self.numbers.is_stale(attempt, id, high) && !self.has(Flag::Copied)
    }

    /// Forgets what is known of the last delivery, because there is a new one. That takes a copy
    /// that was moved back, if there is one.
    #[inline]
    pub(crate) const fn begin_anew(&mut self) {
        self.forget_last();
        self.take_moved_back();
    }

    /// A copy is delivered, or gone before: if one was moved back, it is that one.
    #[inline]
    pub(crate) const fn take_moved_back(&mut self) {
        self.moved_back = self.moved_back.saturating_sub(1);
    }

    /// Forgets what is known of the last delivery.
    #[inline]
    pub(crate) const fn forget_last(&mut self) {
        self.flags &= !ABOUT_LAST;
    }

    /// Its consumer asks for a final settle of the last delivery, and has no answer yet.
    #[inline]
    pub(crate) const fn asks_for_settle(&mut self) {
        self.set(Flag::SettleInvoked);
        self.unset(Flag::Answered);
        self.unset(Flag::GivenUp);
    }

    /// Whether the broker has taken the last delivery back, as far as it reports.
    #[inline]
    pub(crate) const fn was_returned(&self) -> bool {
        self.has(Flag::LeaseRanOut) || self.has(Flag::Requeued) || self.has(Flag::GivenBack)
    }

    /// Whether the broker has reported something of a delivery that no consumer has reported, or,
    /// in a record, somebody has done something with it: a buffer may hold it still.
    pub(crate) const fn may_be_held(&self) -> bool {
        let ended = self.has(Flag::LeaseRanOutAhead) || self.has(Flag::RequeuedAhead);
        let settled = self.has(Flag::SettledAhead) || self.has(Flag::Handled);
        ended || settled || self.numbers.has_returned()
    }

    /// Whether the broker has taken any delivery of it back, as far as it reports.
    pub(crate) const fn came_back(&self) -> bool {
        let ahead = self.has(Flag::RequeuedAhead) || self.has(Flag::LeaseRanOutOnce);
        ahead || self.was_returned()
    }

    /// Whether it had an effect or became a dead letter.
    #[inline]
    pub(crate) const fn has_outcome(&self) -> bool {
        self.effects > 0 || self.dead_letters > 0
    }

    /// Whether it had one effect and did not become a dead letter.
    #[inline]
    pub(crate) const fn has_one_effect(&self) -> bool {
        self.effects == 1 && self.dead_letters == 0
    }

    /// Of a record: whether it must have been stored, although no line says where and when.
    pub(crate) const fn was_stored_unseen(&self) -> bool {
        self.copies == 0 && (self.was_delivered() || self.has_outcome() || self.has(Flag::WasThere))
    }

    /// Whether it was ever delivered.
    #[inline]
    pub(crate) const fn was_delivered(&self) -> bool {
        self.tenure != NONE
    }
}

impl Default for Message {
    fn default() -> Self {
        Self {
            last: NONE,
            tenure: NONE,
            previous: NONE,
            outcome: NONE,
            surplus: 0,
            flags: 0,
            copies: 0,
            effects: 0,
            dead_letters: 0,
            moved_back: 0,
            numbers: Numbers::default(),
            why_last: None,
            why_previous: None,
            why_outcome: None,
            duplicate: None,
            loss: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_small() {
        assert!(size_of::<Message>() <= 32, "{}", size_of::<Message>());
    }
}
