//! Dead letters that are moved back.
//!
//! > **The rule** (semantics.md 5.2, 5.3). Q(m) counts the copies that are in the dead letters at
//! > the end. One that was moved back is in the queue again: it is delivered anew, and what becomes
//! > of it counts. So a message that took effect once, was dead-lettered and came back is *exact*
//! > if nothing becomes of it the second time, and *duplicated* if it takes effect again.

use entrega_model::{DeliveryId, MessageId};

use super::{Handed, SubscriptionFold};
use crate::Cause;
use crate::message::{Flag, Message, NONE};
use crate::numbers::Numbers;

impl SubscriptionFold {
    /// A dead letter was moved back, and deliveries from `tag` on come after that. What ended the
    /// message before does not hold any more, and neither do the numbers of its deliveries, which
    /// begin anew.
    #[cold]
    pub(crate) fn redriven(&mut self, id: MessageId, tag: u64) {
        let mut message = *self.entry(id);
        let why = why_lost(&message);
        if message.dead_letters > 0 {
            self.totals.dead_letters -= 1;
            self.totals.dlq_excess -= u64::from(message.dead_letters >= 2);
            message.dead_letters -= 1;
        }
        message.numbers = Numbers::default();
        self.high_numbers.forget(id);
        message.loss = None;
        for of_the_stay in [Flag::Removed, Flag::LeaseRanOutAhead, Flag::RequeuedAhead] {
            message.unset(of_the_stay);
        }
        message.set(Flag::Redriven);
        message.set(Flag::MovedBack);
        message.moved_back = message.moved_back.saturating_add(1);
        if message.effects.saturating_add(message.dead_letters) < 2 {
            message.duplicate = None;
        }
        if !message.has_outcome() {
            (message.outcome, message.why_outcome) = (NONE, None);
        }
        self.stays.end(id, &message, tag, why);
        *self.entry(id) = message;
    }

    /// An effect, counted already, of a message of which a dead letter was moved back at some time.
    #[cold]
    pub(super) fn applied_redriven(&mut self, delivery: DeliveryId, id: MessageId) {
        let is_excess = self.entry(id).effects > 1;
        let Some(is_first_excess) = self.stays.took_effect(id, delivery, is_excess) else { return };
        let redriven = &mut self.totals.redriven;
        redriven.effects += 1;
        redriven.excess += u64::from(is_excess);
        redriven.messages += u64::from(is_first_excess);
    }

    /// A delivery was handed out before its message was dead-lettered and moved back, and is
    /// reported now. It is counted, and changes nothing about the last one.
    pub(super) fn delivered_aside(&mut self, handed: Handed) -> bool {
        let Handed { message, delivery, position, .. } = handed;
        let is_aside = self.stays.delivered(message, delivery, position);
        if is_aside {
            let message = self.messages.entry(message.0.into());
            self.totals.delivered(message);
        }
        is_aside
    }
}

/// Why deliveries lost a message during the stay that ends now: first what was taken from a
/// consumer's buffer, which that may still report.
fn why_lost(message: &Message) -> Option<Cause> {
    let ahead = [
        (Flag::LeaseRanOutAhead, Cause::LeaseExpired),
        (Flag::RequeuedAhead, Cause::ClosedWithoutSettle),
    ];
    let ahead = ahead.into_iter().find(|(flag, _)| message.has(*flag)).map(|(_, cause)| cause);
    ahead.or(message.why_last.filter(|cause| *cause != Cause::Redriven))
}
