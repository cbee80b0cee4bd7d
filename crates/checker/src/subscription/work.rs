//! Consumers at work: what is handed over, how handlers end, what the sink says.

use entrega_model::event::{DeadLetterReason, EffectVerdict, ProcessingResult};
use entrega_model::{DeliveryId, Instant, LaneId, MessageId};

use super::{Handed, SubscriptionFold};
use crate::Counter;
use crate::duplicate::By;
use crate::lanes::Lanes;
use crate::message::Flag;
use crate::sends::SendFold;
use crate::windows;

impl SubscriptionFold {
    #[inline]
    pub(crate) fn delivered(&mut self, handed: Handed, lanes: &Lanes) {
        let Handed { delivery, message: id, consumer, lane, position, attempt } = handed;
        let tenure = self.owners.current(consumer, lane);
        let mut message = *self.entry(id);
        if let Some(life) = self.owners.life_of(message.tenure) {
            life.shift(windows::state_of(&message), None);
        }
        let why = (message.was_delivered() || message.has_outcome())
            .then(|| self.why_again(&message, handed, tenure, lanes));
        message.handed_over(delivery.0, tenure, why);
        message.forget_last();
        if !lanes.is_log {
            message.number(attempt);
        }
        if message.has(Flag::SettledAhead) || self.covers(lanes, lane, position) {
            message.unset(Flag::SettledAhead);
            message.set(Flag::Settled);
        }
        if let Some(life) = self.owners.life_of(tenure) {
            life.shift(None, windows::state_of(&message));
        }
        self.totals.deliveries += 1;
        self.totals.redeliveries += u64::from(message.surplus >= 0);
        message.surplus = message.surplus.saturating_add(1);
        *self.entry(id) = message;
        if lanes.is_log {
            self.check_poll(handed, lanes);
        }
    }

    #[inline]
    fn covers(&self, lanes: &Lanes, lane: LaneId, position: u64) -> bool {
        let progress = self.progress.get(lane.0.into());
        lanes.is_log && progress.is_some_and(|progress| position < progress.committed)
    }

    /// Compares with the delivery before, within one assignment.
    #[inline]
    fn check_poll(&mut self, handed: Handed, lanes: &Lanes) {
        let Handed { consumer, lane, position, .. } = handed;
        let Some(next) = self.owners.advance(consumer, lane, position) else { return };
        if position < next {
            self.order.found.nonmonotonic_polls += 1;
        } else if position > next {
            let is_there = |id: MessageId| {
                !self.messages.get(id.0.into()).is_some_and(|message| message.has(Flag::Removed))
            };
            let skipped = lanes.between(lane, next, position).any(is_there);
            self.order.found.poll_skips += u64::from(skipped);
        }
    }

    #[inline]
    pub(crate) fn processing_started(&mut self, delivery: DeliveryId, message: MessageId) {
        self.change(message, |message| {
            if message.last == delivery.0 {
                message.unset(Flag::Failed);
            }
        });
    }

    #[inline]
    pub(crate) fn processing_ended(
        &mut self,
        delivery: DeliveryId,
        message: MessageId,
        result: ProcessingResult,
    ) {
        if result == ProcessingResult::Ok {
            return;
        }
        self.counters.add(Counter::HandlerErrors, 1);
        if result == ProcessingResult::Poison && !self.entry(message).has(Flag::Poison) {
            self.entry(message).set(Flag::Poison);
            self.counters.add(Counter::PoisonMessages, 1);
        }
        self.change(message, |message| {
            if message.last == delivery.0 {
                message.set(Flag::Failed);
            }
        });
    }

    #[inline]
    pub(crate) fn effect(
        &mut self,
        at: Instant,
        delivery: DeliveryId,
        id: MessageId,
        verdict: EffectVerdict,
        sends: &SendFold,
    ) {
        match verdict {
            EffectVerdict::Rejected => return,
            EffectVerdict::Suppressed => self.counters.add(Counter::EffectsSuppressed, 1),
            EffectVerdict::Applied => self.applied(at, delivery, id, sends),
        }
        self.change(id, |message| {
            if message.last == delivery.0 {
                message.set(Flag::HadEffect);
            }
        });
    }

    #[inline]
    fn applied(&mut self, at: Instant, delivery: DeliveryId, id: MessageId, sends: &SendFold) {
        let message = self.messages.entry(id.0.into());
        message.note_outcome(By::Delivery(delivery.0), || None);
        message.effects = message.effects.saturating_add(1);
        self.totals.effects += 1;
        self.totals.excess += u64::from(message.effects >= 2);
        self.totals.repeated += u64::from(message.effects == 2);
        let Some(send) = sends.get(id) else { return };
        if message.effects == 1 {
            if self.keeps_latencies {
                self.latency.record(at.since(send.invoked_at()).as_nanos());
            }
            self.order.first_effect(id, send);
        } else if self.order.is_replay(send) && !message.has(Flag::Replayed) {
            message.set(Flag::Replayed);
            self.order.replayed(id);
        }
    }

    pub(crate) fn dead_lettered(&mut self, id: MessageId, reason: DeadLetterReason) {
        let mut message = *self.entry(id);
        let by = match reason {
            DeadLetterReason::Client => By::Delivery(message.last),
            DeadLetterReason::Rejected => By::Reject,
            _ => By::Broker,
        };
        let why_now = message.was_delivered().then(|| self.evidence(&message, None).cause());
        message.note_outcome(by, || why_now);
        message.dead_letters = message.dead_letters.saturating_add(1);
        self.totals.dead_letters += 1;
        self.totals.dlq_excess += u64::from(message.dead_letters >= 2);
        *self.entry(id) = message;
        self.change(id, |message| message.set(Flag::HadEffect));
    }
}
