//! Consumers at work: what is delivered, how handlers end, what the sink says.

use entrega_model::event::{
    AbortReason, DeadLetterReason, EffectVerdict, NO_POSITION, ProcessingResult,
};
use entrega_model::{DeliveryId, Instant, MessageId, PartitionId};

use super::{Handed, SubscriptionFold, Totals, change};
use crate::duplicate::By;
use crate::message::{Flag, Message};
use crate::owners::Owners;
use crate::partitions::Partitions;
use crate::sends::SendFold;
use crate::{Cause, Counter};

impl SubscriptionFold {
    #[inline]
    pub(crate) fn delivered(&mut self, handed: Handed, partitions: &Partitions) {
        let tenure = if partitions.is_log {
            self.polled(handed, partitions)
        } else {
            self.owners.current(handed.consumer, handed.partition)
        };
        let settled = partitions.is_log && self.covers(handed.partition, handed.position);
        let message = self.messages.entry(handed.message.0.into());
        if message.was_delivered() || message.has_outcome() || message.has(Flag::MovedBack) {
            return self.delivered_again(handed, tenure, partitions);
        }
        message.last = handed.delivery.0;
        message.tenure = tenure;
        message.begin_anew();
        if !partitions.is_log {
            message.number(handed.attempt, handed.message, &mut self.high_numbers);
        }
        begin(message, settled, &mut self.owners, &mut self.totals);
        self.note_in_time(handed.message);
    }

    /// A message goes from its last holder to a new delivery.
    #[cold]
    fn delivered_again(&mut self, handed: Handed, tenure: u32, partitions: &Partitions) {
        if self.entry(handed.message).has(Flag::MovedBack) && self.delivered_aside(handed) {
            return;
        }
        let settled = partitions.is_log && self.covers(handed.partition, handed.position);
        let mut message = *self.entry(handed.message);
        if let Some(last) = self.owners.get_mut(message.tenure) {
            last.held.remove(message.marks());
        }
        let why = self.why_again(&message, handed, tenure, partitions);
        message.note_unheard(why);
        message.forget_expired();
        message.handed_over(handed.delivery.0, tenure, Some(why));
        message.begin_anew();
        if !partitions.is_log {
            message.number(handed.attempt, handed.message, &mut self.high_numbers);
        }
        begin(&mut message, settled, &mut self.owners, &mut self.totals);
        *self.entry(handed.message) = message;
        self.note_in_time(handed.message);
    }

    /// Whether a commit has covered what stands there.
    #[inline]
    fn covers(&self, partition: PartitionId, position: u64) -> bool {
        let progress = self.progress.get(partition.0.into());
        progress.is_some_and(|progress| position < progress.committed)
    }

    /// Takes the tenure of a consumer of a log, and compares with the delivery before, within one
    /// assignment.
    #[inline]
    fn polled(&mut self, handed: Handed, partitions: &Partitions) -> u32 {
        let Handed { consumer, partition, position, .. } = handed;
        if position == NO_POSITION {
            return self.owners.current(consumer, partition);
        }
        let (tenure, next) = self.owners.current_at(consumer, partition, position);
        if let Some(next) = next
            && next != position
        {
            self.check_poll(partition, next, position, partitions);
        }
        tenure
    }

    #[cold]
    fn check_poll(
        &mut self,
        partition: PartitionId,
        next: u64,
        position: u64,
        partitions: &Partitions,
    ) {
        if position < next {
            self.order.found.nonmonotonic_polls += 1;
            return;
        }
        let is_there = |id: MessageId| {
            !self.messages.get(id.0.into()).is_some_and(|message| message.has(Flag::Removed))
        };
        let skipped = partitions.between(partition, next, position).any(|(_, id)| is_there(id));
        self.order.found.poll_skips += u64::from(skipped);
    }

    /// A handler that had failed before begins anew.
    #[inline]
    pub(crate) fn processing_started(&mut self, delivery: DeliveryId, message: MessageId) {
        let message = self.messages.entry(message.0.into());
        if message.has(Flag::Failed) && message.last == delivery.0 {
            change(message, &mut self.owners, |message| message.unset(Flag::Failed));
        }
    }

    /// A handler ended without success.
    #[cold]
    pub(crate) fn failed(&mut self, delivery: DeliveryId, id: MessageId, result: ProcessingResult) {
        let message = self.messages.entry(id.0.into());
        self.counters.add(window_of(message, delivery, result), 1);
        if result == ProcessingResult::Poison && !message.has(Flag::Poison) {
            message.set(Flag::Poison);
            self.counters.add(Counter::PoisonMessages, 1);
        }
        if message.last == delivery.0 {
            change(message, &mut self.owners, |message| message.set(Flag::Failed));
        }
    }

    /// The sink decided. Only what it rejects is as if it had never been asked.
    #[inline]
    pub(crate) fn effect(
        &mut self,
        at: Instant,
        delivery: DeliveryId,
        id: MessageId,
        verdict: EffectVerdict,
        sends: &SendFold,
    ) {
        if verdict == EffectVerdict::Rejected {
            return;
        }
        let message = self.messages.entry(id.0.into());
        if message.last == delivery.0 {
            change(message, &mut self.owners, |message| message.set(Flag::HadEffect));
        }
        if verdict == EffectVerdict::Suppressed {
            return self.counters.add(Counter::EffectsSuppressed, 1);
        }
        message.note_outcome(By::Delivery(delivery.0), self.stays.those_of(id), || None);
        message.effects = message.effects.saturating_add(1);
        self.totals.effects += 1;
        let (is_again, moved_back) = (message.effects > 1, message.has(Flag::MovedBack));
        if moved_back {
            self.applied_redriven(delivery, id);
        }
        if is_again {
            self.applied_again(id, sends);
        } else if let Some(send) = sends.get(id) {
            if self.keeps_latencies && send.invoked_at() != Instant::NEVER {
                self.latency.record(at.since(send.invoked_at()).as_nanos());
            }
            self.order.first_effect(id, send);
            if let Some(lateness) = &mut self.lateness {
                lateness.first_effect(id, send.invoked_at(), at);
            }
        }
    }

    /// The transaction of an effect was aborted, maybe after that had been `seen`. If it was
    /// prepared by then, its consumer has gone on behind the message.
    #[cold]
    pub(crate) fn aborted(
        &mut self,
        delivery: DeliveryId,
        id: MessageId,
        seen: bool,
        reason: AbortReason,
    ) {
        let message = self.messages.entry(id.0.into());
        if seen && message.effects == 1 && message.outcome == delivery.0 {
            message.set(Flag::AbortedSeen);
        }
        let may_be_prepared = self.resumes || (self.is_record && !message.has(Flag::SettleInvoked));
        if reason == AbortReason::Expired && may_be_prepared && message.last == delivery.0 {
            message.note_expired();
        }
    }

    /// An effect that is not the first of its message.
    #[cold]
    fn applied_again(&mut self, id: MessageId, sends: &SendFold) {
        let message = self.messages.entry(id.0.into());
        self.totals.excess += 1;
        self.totals.repeated += u64::from(message.effects == 2);
        let Some(send) = sends.get(id) else { return };
        if self.order.is_replay(id, send) && !message.has(Flag::Replayed) {
            message.set(Flag::Replayed);
            self.order.replayed(id);
        }
    }

    /// A message took effect in a record that leaves things out. If it was a dead letter before,
    /// and nothing else explains it, a copy was moved back from the dead letters.
    pub(crate) fn note_redriven(&mut self, id: MessageId) {
        let may_be = !self.kinds.are_complete();
        let message = self.messages.entry(id.0.into());
        let is_second = may_be && message.effects == 1 && message.dead_letters > 0;
        if is_second && message.duplicate == Some(Cause::Unexplained) {
            message.duplicate = Some(Cause::Redriven);
        }
    }

    /// Why a message comes again that becomes a dead letter now: in a record that leaves things
    /// out, unless something else took it from its holder, because a copy is moved back.
    fn after_dead_letter(&self, message: &Message, cause: Cause) -> Cause {
        let is_over =
            matches!(cause, Cause::SettleLost | Cause::RedeliveredAfterSettle | Cause::Unexplained);
        let may_be = self.is_record && !self.kinds.are_complete();
        if may_be && is_over && !message.has_outcome() { Cause::Redriven } else { cause }
    }

    /// Why a message that becomes a dead letter now, and was delivered, is taken from its holder.
    fn why_dead(&self, message: &Message, reason: DeadLetterReason) -> Cause {
        match reason {
            DeadLetterReason::Overflow => Cause::RemovedOverflow,
            DeadLetterReason::Ttl => Cause::RemovedTtl,
            _ => {
                let cause = self.evidence(message, None).cause();
                self.unless_denied(self.after_dead_letter(message, cause))
            }
        }
    }

    pub(crate) fn dead_lettered(&mut self, id: MessageId, reason: DeadLetterReason) {
        let mut message = *self.entry(id);
        let by = match reason {
            DeadLetterReason::Client => By::Delivery(message.last),
            DeadLetterReason::Rejected => By::Reject,
            _ => By::Broker,
        };
        let why_now = message.was_delivered().then(|| self.why_dead(&message, reason));
        message.note_outcome(by, self.stays.those_of(id), || why_now);
        message.dead_letters = message.dead_letters.saturating_add(1);
        if matches!(reason, DeadLetterReason::Overflow | DeadLetterReason::Ttl) {
            message.take_moved_back();
        }
        self.totals.dead_letters += 1;
        self.totals.dlq_excess += u64::from(message.dead_letters >= 2);
        *self.entry(id) = message;
        let is_settled = reason != DeadLetterReason::Client;
        self.change(id, |message| {
            message.set(Flag::HadEffect);
            if is_settled {
                message.set(Flag::Settled);
            }
        });
        self.note_in_time(id);
    }
}

/// What the end of a handler without success is counted as: the death of a worker as the crash that
/// it is, of the one delivery that the worker had. Of one that its message has been taken from no
/// window is known.
fn window_of(message: &Message, delivery: DeliveryId, result: ProcessingResult) -> Counter {
    if message.last != delivery.0 {
        return Counter::HandlerErrors;
    }
    match (result, message.has(Flag::Settled), message.has(Flag::HadEffect)) {
        (ProcessingResult::WorkerLost, false, false) => Counter::CrashesBeforeEffect,
        (ProcessingResult::WorkerLost, false, true) => Counter::CrashesBetweenEffectAndSettle,
        (ProcessingResult::WorkerLost, true, false) => Counter::CrashesBetweenSettleAndEffect,
        (ProcessingResult::WorkerLost, true, true) => Counter::CrashesAfterSettle,
        _ => Counter::HandlerErrors,
    }
}

/// A delivery begins, which may be settled already.
#[inline]
fn begin(message: &mut Message, settled: bool, owners: &mut Owners, totals: &mut Totals) {
    if settled || message.has(Flag::SettledAhead) {
        message.unset(Flag::SettledAhead);
        message.set(Flag::Settled);
    }
    if let Some(tenure) = owners.get_mut(message.tenure) {
        tenure.held.add(message.marks());
    }
    totals.delivered(message);
}
