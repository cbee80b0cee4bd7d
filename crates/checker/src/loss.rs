//! Why a message will have no effect.
//!
//! > **The rule** (semantics.md 5.4). What ended the message first, in time: it was removed, a
//! > reset skipped it, or it was settled although it had no effect. Stored nowhere at all comes
//! > before all of these.
//!
//! In time, because a log removes every message in the end, also those that a commit had given up
//! long before. A commit that moves the offset back undoes its settles too, and a consumer that
//! begins before a message undoes that a reset skipped it.
//!
//! That the broker lost a copy, by cutting off the end of a log or losing its storage, ends nothing
//! if the message is stored again afterwards: its producer has tried again.
//!
//! A consumer that publishes another copy of a message to be tried later takes back what had ended
//! it, and of several copies the end of the last one counts.
//!
//! An audit of a log reads from where a new consumer would begin. What it does not find, and
//! nothing else had ended, is skipped by the reset of whoever comes next.

use crate::Cause;
use crate::message::{Flag, Message};

impl Message {
    /// Notes what may have ended it, unless something had before. It counts only if no outcome
    /// follows and none came before.
    #[inline]
    pub(crate) fn note_loss(&mut self, cause: Cause) {
        if self.loss.is_none() {
            self.loss = Some(cause);
        } else if self.has(Flag::Copied) {
            self.note_end_of_copy(cause);
        }
    }

    /// Of several copies the end of the last one counts. That a copy is removed by its settle says
    /// no more than the settle.
    #[cold]
    fn note_end_of_copy(&mut self, cause: Cause) {
        let is_settled = self.loss.is_some_and(Cause::is_settle);
        if cause != Cause::SettledBeforeProcess || !is_settled {
            self.loss = Some(cause);
        }
    }

    /// Another copy is stored, to be tried later: what ended the message before does not.
    #[cold]
    pub(crate) fn is_copied(&mut self) {
        self.loss = None;
        self.unset(Flag::Removed);
        self.set(Flag::Copied);
    }

    /// Notes that it was lost on its way to the dead letters: that it was rejected before, to get
    /// there, did not end it.
    #[cold]
    pub(crate) fn note_lost_letter(&mut self) {
        self.loss = Some(Cause::RemovedDeadLettering);
    }

    /// One more copy is stored: that the broker lost one before ends nothing.
    #[cold]
    pub(crate) fn is_stored_again(&mut self) {
        let was_lost =
            |cause: &Cause| matches!(cause, Cause::RemovedTruncation | Cause::RemovedBrokerLoss);
        if self.loss.as_ref().is_some_and(was_lost) {
            self.loss = None;
            self.unset(Flag::Removed);
        }
    }

    /// Notes that the transaction which held its effect has expired, and that nobody will make
    /// another: a settle in between did not end it, for until now it could still be committed.
    #[cold]
    pub(crate) fn note_expired(&mut self) {
        if self.loss.is_none_or(Cause::is_settle) {
            self.loss = Some(Cause::TransactionExpired);
        }
    }

    /// It is delivered again, so there will be another transaction.
    #[cold]
    pub(crate) fn forget_expired(&mut self) {
        self.loss = self.loss.filter(|cause| *cause != Cause::TransactionExpired);
    }

    /// The settle that ended it does not hold any more.
    #[inline]
    pub(crate) fn forget_settle_loss(&mut self) {
        self.loss = self.loss.filter(|cause| !cause.is_settle());
    }

    /// A consumer has begun before it, so that no reset skips it any more.
    #[inline]
    pub(crate) fn forget_skip(&mut self) {
        self.loss = self.loss.filter(|cause| *cause != Cause::SkippedByReset);
    }

    /// Whether it was removed while it waited in a queue that nobody had got it from: its time was
    /// over, or no queue took it. A queue that is full may take a message out of a buffer.
    pub(crate) fn was_removed_unread(&self) -> bool {
        let went = matches!(self.loss, Some(Cause::RemovedTtl | Cause::RemovedUnroutable));
        went && self.copies <= 1 && !self.was_delivered() && !self.may_be_held()
    }

    /// Why it is lost; `stores_are_known` says whether a store of it would be recorded, and
    /// `audited`, whether a log was read to its end and does not have it any more for whoever comes
    /// next.
    pub(crate) fn cause_of_loss(&self, stores_are_known: bool, audited: bool) -> Cause {
        if stores_are_known && self.copies == 0 && !self.was_stored_unseen() {
            return Cause::NeverStoredButAcked;
        }
        let otherwise = if audited { Cause::SkippedByReset } else { Cause::Unexplained };
        self.loss.unwrap_or(otherwise)
    }

    /// Why it had a second outcome.
    pub(crate) fn cause_of_duplicate(&self) -> Cause {
        if self.copies >= 2 {
            return Cause::StoredTwice;
        }
        self.duplicate.unwrap_or(Cause::Unexplained)
    }
}
