//! A word about a delivery that its client does not hold.
//!
//! > **The rule.** A client that repeats a settle is not at fault: the answer to the first one may
//! > be what was lost. A settle that comes too late does not count, in most systems. What becomes
//! > of either is a setting; a settle of what the client never held is always refused.

use entrega_model::ClientId;
use entrega_model::event::SettleAct;
use entrega_model::queue::{DeliveryTag, Settlement};

use super::bound_queue::{BoundQueue, Step, Word, tell_acked, tell_settled};
use super::consumers::Standing;
use super::dead_letter::GivenUp;
use super::ready::Stored;
use super::rules::Return;
use super::settings::{LateSettle, RepeatedSettle, RequeuePosition};

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
                    self.honour(from, sequence, word, step)
                        || rules.repeated_settle == RepeatedSettle::Idempotent
                }
            },
            Standing::Foreign => false,
        }
    }

    /// Carries a late word out, whoever holds the message by now; `false` if it is gone.
    fn honour(&mut self, from: ClientId, sequence: u64, word: Word, step: &mut Step<'_>) -> bool {
        let held = self.in_flight.iter().find(|delivery| delivery.stored.sequence == sequence);
        let tag = held.map(|delivery| delivery.tag);
        if let Some(slot) = tag.and_then(|tag| self.in_flight.find(tag)) {
            self.obey(from, slot, word, step);
            return true;
        }
        let (id, trigger) = (self.id, word.trigger);
        if !matches!(word.settlement, Settlement::Ack | Settlement::Reject) {
            return true;
        }
        let Some(stored) = self.take_out(sequence) else { return false };
        if word.settlement == Settlement::Ack {
            tell_acked(id, stored, from, trigger, step);
            self.finish(&stored, step);
        } else {
            tell_settled(id, stored, from, SettleAct::Reject, trigger, step);
            self.give_up(stored, GivenUp::Rejected, step);
        }
        self.drop_expired(step);
        true
    }

    /// Takes the oldest copy out, wherever it is. One that is in flight is taken from its consumer.
    /// Of what was never delivered the first is the oldest, unless what comes back, what is due
    /// later, or a copy that is tried again is put behind.
    pub(super) fn take_oldest(&mut self, step: &mut Step<'_>) -> Option<Stored> {
        let is_mixed = step.settings.rules.requeue_position == RequeuePosition::End
            || step.settings.not_before.is_some()
            || step.settings.features.takes_retries;
        let fresh = self.ready.fresh().take(if is_mixed { usize::MAX } else { 1 });
        let waiting = fresh.chain(self.ready.returned()).chain(self.delayed.iter());
        let aside = self.extras.iter().flat_map(|extras| extras.put_aside()).chain(&self.kept);
        let in_flight = self.in_flight.iter().map(|delivery| &delivery.stored);
        let all = waiting.chain(aside).chain(in_flight);
        let oldest = all.map(|stored| stored.sequence).min()?;
        let held = self.in_flight.iter().find(|one| one.stored.sequence == oldest);
        match held.and_then(|delivery| self.in_flight.find(delivery.tag)) {
            Some(slot) => Some(self.end_silently(slot, Return::Disconnect, step)),
            None => self.take_out(oldest),
        }
    }

    /// Takes a message out that is not in flight, wherever it waits.
    pub(super) fn take_out(&mut self, sequence: u64) -> Option<Stored> {
        let waiting = self.ready.remove(sequence).or_else(|| self.delayed.remove(sequence));
        waiting.or_else(|| {
            let kept = self.kept.iter().position(|stored| stored.sequence == sequence);
            let kept = kept.map(|place| self.kept.remove(place));
            kept.or_else(|| self.extras.as_mut()?.take_aside(sequence))
        })
    }
}
