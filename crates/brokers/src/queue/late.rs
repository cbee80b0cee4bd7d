//! A word about a delivery that its client does not hold.
//!
//! > **The rule.** Who says it once more is not to blame: the answer to the first word may be what
//! > was lost. Who says it too late has no say, in most systems. What becomes of either is a
//! > setting; a word about what the client never held is always refused.

use entrega_model::ClientId;
use entrega_model::event::SettleAct;
use entrega_model::queue::{DeliveryTag, Settlement};

use super::bound_queue::{BoundQueue, Step, Word, tell_acked, tell_settled};
use super::consumers::Standing;
use super::dead_letter::GivenUp;
use super::ready::Stored;
use super::settings::{LateSettle, RepeatedSettle};

impl BoundQueue {
    /// What becomes of a word about a delivery that is not in flight to its client; `false` if it
    /// is refused.
    #[cold]
    pub(super) fn settle_unheld(
        &mut self,
        from: ClientId,
        tag: DeliveryTag,
        word: Word,
        step: &mut Step<'_>,
    ) -> bool {
        if self.in_flight.find(tag).is_some() {
            return false;
        }
        let rules = &step.settings.rules;
        match self.consumers.standing(from, tag, word.settlement) {
            Standing::Repeated => match rules.repeated_settle {
                RepeatedSettle::Idempotent => true,
                RepeatedSettle::Refused => false,
                RepeatedSettle::ClosesChannel => {
                    self.release(from, step);
                    false
                }
            },
            Standing::Late { sequence, by_lease } => match rules.late_settle_after(by_lease) {
                LateSettle::Refused => false,
                LateSettle::Ignored => true,
                LateSettle::Honoured => {
                    self.honour(from, sequence, word, step);
                    true
                }
            },
            Standing::Foreign => false,
        }
    }

    /// Carries a late word out, whoever holds the message by now. Nothing happens if it is gone.
    fn honour(&mut self, from: ClientId, sequence: u64, word: Word, step: &mut Step<'_>) {
        let held = self.in_flight.iter().find(|delivery| delivery.stored.sequence == sequence);
        let tag = held.map(|delivery| delivery.tag);
        if let Some(slot) = tag.and_then(|tag| self.in_flight.find(tag)) {
            return self.obey(from, slot, word, step);
        }
        let (id, trigger) = (self.id, word.trigger);
        match word.settlement {
            Settlement::Ack => {
                if let Some(stored) = self.take_out(sequence) {
                    tell_acked(id, stored, from, trigger, step);
                }
            }
            Settlement::Reject => {
                if let Some(stored) = self.take_out(sequence) {
                    tell_settled(id, stored, from, SettleAct::Reject, trigger, step);
                    self.give_up(stored, GivenUp::Rejected, step);
                }
            }
            Settlement::Requeue | Settlement::Extend => {}
        }
    }

    /// Takes a message out that is not in flight, wherever it waits.
    fn take_out(&mut self, sequence: u64) -> Option<Stored> {
        let waiting = self.ready.remove(sequence).or_else(|| self.delayed.remove(sequence));
        waiting.or_else(|| {
            let kept = self.kept.iter().position(|stored| stored.sequence == sequence)?;
            Some(self.kept.remove(kept))
        })
    }
}
