//! Dead letters that are moved back.
//!
//! > **The rule** (semantics.md 5.2, 5.3). Q(m) counts the copies that are in the dead letters at
//! > the end. One that was moved back is in the queue again: it is delivered anew, and what becomes
//! > of it counts. So a message that took effect once, was dead-lettered and came back is *exact*
//! > if nothing becomes of it the second time, and *duplicated* if it takes effect again.

use entrega_model::MessageId;

use super::SubscriptionFold;
use crate::message::{Flag, NONE, Numbers};

impl SubscriptionFold {
    /// A dead letter was moved back. What ended the message before does not hold any more, and
    /// neither do the numbers of its deliveries, which begin anew.
    #[cold]
    pub(crate) fn redriven(&mut self, id: MessageId) {
        let mut message = *self.entry(id);
        if message.dead_letters > 0 {
            self.totals.dead_letters -= 1;
            self.totals.dlq_excess -= u64::from(message.dead_letters >= 2);
            message.dead_letters -= 1;
        }
        message.numbers = Numbers::default();
        message.loss = None;
        message.unset(Flag::Removed);
        message.set(Flag::Redriven);
        message.moved_back = message.moved_back.saturating_add(1);
        if message.effects.saturating_add(message.dead_letters) < 2 {
            message.duplicate = None;
        }
        if message.has_outcome() {
            message.set(Flag::RedrivenSince);
        } else {
            (message.outcome, message.why_outcome) = (NONE, None);
            message.unset(Flag::RedrivenSince);
        }
        *self.entry(id) = message;
    }
}
