//! What the lines of a record show besides what happens: that a message is stored, whether a
//! consumer learnt what became of its settle, and how little an effect says of its delivery.

use entrega_model::event::{RemoveReason, SettleAct, SettleOutcome};
use entrega_model::{Kind, MessageId, ProcessId};

use super::SubscriptionFold;
use crate::Cause;
use crate::message::{Flag, NONE};

impl SubscriptionFold {
    /// Something is about to happen.
    pub(crate) fn witness(&mut self, kind: &Kind) {
        match *kind {
            Kind::Removed { reason: RemoveReason::Unroutable, .. }
            | Kind::Stored { .. }
            | Kind::Faulted { .. } => return,
            Kind::Removed { message, reason: RemoveReason::Settled, .. } => {
                self.entry(message).note_loss(Cause::Unknown);
            }
            Kind::SettleInvoked { message, consumer, act, .. } => {
                self.asks(message, consumer, act, false);
            }
            Kind::SettleEnded { message, consumer, act, outcome, .. }
                if outcome != SettleOutcome::Info =>
            {
                self.asks(message, consumer, act, true);
            }
            _ => {}
        }
        let is_of_storage = matches!(
            kind,
            Kind::Removed { .. }
                | Kind::Retrievable { .. }
                | Kind::SendInvoked { .. }
                | Kind::SendEnded { .. }
        );
        if let Some(message) = kind.message() {
            let message = self.entry(message);
            message.set(Flag::WasThere);
            if !is_of_storage {
                message.set(Flag::Handled);
            }
        }
    }

    /// A consumer asks for a final settle, or learns what became of the one that it asked for last:
    /// this one was not lost, then, and the answer to a commit speaks for all before it.
    fn asks(&mut self, id: MessageId, consumer: ProcessId, act: SettleAct, answered: bool) {
        let message = self.messages.entry(id.0.into());
        let Some(tenure) = self.owners.of_consumer(message.tenure, consumer) else { return };
        if !act.is_final() {
            return;
        }
        if answered {
            message.set(Flag::Answered);
            if tenure.asked_for == id.0 {
                tenure.asked_upto = 0;
            }
        } else {
            message.unset(Flag::Answered);
        }
    }

    /// An effect did not name its delivery, and is taken for one of the latest. Of a message that
    /// was delivered more than once that does not show that two effects come from one delivery.
    pub(crate) fn note_guess(&mut self, message: MessageId) {
        let message = self.entry(message);
        if message.previous != NONE && message.duplicate == Some(Cause::HandlerRetry) {
            message.duplicate = Some(Cause::Unknown);
        }
    }
}
