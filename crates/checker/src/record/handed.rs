//! Deliveries that a record should have and has not, because what it says of later ones, of effects
//! and of settles needs them.
//!
//! > **The rule** (semantics.md 5.6). Who takes effect or settles was given the message before. A
//! > delivery that calls itself the n-th comes after n − 1 others, and one that calls itself a
//! > redelivery after one; what a queue took back it had handed out, even if its consumer never
//! > saw it. A broker that has restarted may have forgotten what it had handed out. In a record
//! > that leaves out nothing a queue may settle what nobody was given: a consumer's word about
//! > another message, and all that came before it, covers what was lost on its way.

use std::collections::{BTreeMap, BTreeSet};

use entrega_model::event::{EffectVerdict, SettleAct, SettleTrigger};
use entrega_model::history::Origin;
use entrega_model::{
    DeliveryId, Duration, Event, Instant, Kind, MessageId, PartitionId, ProcessId,
};

use super::{Gap, GapKind, Gaps};
use crate::table::Table;

/// What is recorded of the deliveries of one subscription.
#[derive(Clone, Debug, Default)]
pub(super) struct Handed {
    messages: Table<Given>,
    /// What each delivery hands over: the message, to whom, and from where.
    deliveries: Table<Option<(MessageId, ProcessId, PartitionId, u64)>>,
    /// Consumers that were given a message before its latest.
    earlier: BTreeSet<(MessageId, ProcessId)>,
    /// Whether the line of a delivery does not name its consumer.
    is_anonymous: bool,
    /// Whether the line of a delivery does not name the delivery.
    is_nameless: bool,
    /// Whether a message took effect that had been delivered.
    has_whole: bool,
    has_restarted: bool,
    /// Whether the record leaves out nothing.
    is_complete: bool,
    /// In such a record what each consumer has asked to settle last.
    asked: BTreeMap<ProcessId, MessageId>,
    /// Whether the latest line says that the message was not simply handed out again after it was
    /// settled: it was taken back, or this is not the delivery that comes next.
    denies_settle: bool,
    /// Lines that lack a delivery before them.
    lacking: BTreeMap<MessageId, Vec<Lacking>>,
}

/// What is known of the deliveries of a message.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    /// How many times it was handed out, as far as lines show it.
    times: u16,
    /// It was delivered, and not taken back since.
    is_held: bool,
    /// A line took it back since it was delivered, whoever held it.
    is_taken_back: bool,
    /// To whom it was delivered last.
    consumer: Option<ProcessId>,
    /// A consumer settles it before it reports the delivery.
    is_settled_ahead: bool,
    /// A dead letter of it was moved back, and what has a lower tag was handed out before that.
    moved_back_at: u64,
}

impl Given {
    /// It is handed out; whether as many deliveries came before as this one says. What was handed
    /// out before its message was moved back counts from another beginning.
    fn hand(&mut self, before: u16, tag: u64) -> bool {
        if tag < self.moved_back_at {
            return true;
        }
        let was_given = self.times >= before;
        self.times = self.times.max(before).saturating_add(1);
        (self.is_held, self.is_taken_back) = (true, false);
        was_given
    }
}

/// A line that lacks a delivery before it.
#[derive(Clone, Copy, Debug)]
struct Lacking {
    kind: GapKind,
    line: u64,
    at: Instant,
    /// To this consumer, if the line names one.
    to: Option<ProcessId>,
    /// Of this delivery, if that is known.
    delivery: Option<DeliveryId>,
}

impl Handed {
    /// The record leaves out nothing.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Whether a delivery of this name was recorded before: its line stands there twice.
    pub(super) fn is_recorded(&self, kind: &Kind) -> bool {
        let Kind::Delivered { delivery, message, consumer, partition, position, .. } = *kind else {
            return false;
        };
        let known = self.deliveries.get(delivery.0.into()).copied().flatten();
        known == Some((message, consumer, partition, position))
    }

    fn has_delivery(&self, delivery: DeliveryId) -> bool {
        self.deliveries.get(delivery.0.into()).is_some_and(Option::is_some)
    }

    /// Something happened. Clocks differ by `skew`.
    pub(super) fn note(&mut self, event: &Event, origin: Origin, skew: Duration) {
        let to = |consumer| origin.names_consumer.then_some(consumer);
        self.denies_settle = self.denies_settle(&event.kind, origin);
        match event.kind {
            Kind::Delivered { .. } => self.delivered(event, origin, skew),
            Kind::Effect {
                delivery, message, consumer, verdict: EffectVerdict::Applied, ..
            } => {
                let is_named = origin.names_delivery && !self.is_nameless;
                let is_it = !is_named || self.has_delivery(delivery);
                let was_given = is_it && self.was_given(message, to(consumer));
                self.has_whole |= was_given;
                let kind = GapKind::EffectWithoutDelivery;
                self.needs(kind, was_given, event, message, to(consumer), origin);
            }
            Kind::SettleInvoked { message, consumer, act, trigger, .. }
            | Kind::Settled { message, consumer, act, trigger, .. }
                if act.is_final() =>
            {
                let given = self.messages.entry(message.0.into());
                given.is_settled_ahead |= trigger == SettleTrigger::Delivery;
                if given.is_settled_ahead {
                    return;
                }
                let is_covered = self.is_covered(&event.kind, message, consumer);
                let was_given = is_covered || self.was_given(message, to(consumer));
                let kind = GapKind::SettleWithoutDelivery;
                self.needs(kind, was_given, event, message, to(consumer), origin);
            }
            Kind::LeaseExpired { message, .. }
            | Kind::Requeued { message, .. }
            | Kind::Settled { message, act: SettleAct::Requeue, .. } => {
                let given = self.messages.entry(message.0.into());
                given.times = given.times.saturating_add(u16::from(!given.is_held));
                (given.is_held, given.is_taken_back) = (false, true);
            }
            Kind::Redriven { message, tag, .. } => {
                let given = self.messages.entry(message.0.into());
                (given.times, given.is_held, given.is_taken_back) = (0, false, false);
                given.moved_back_at = tag;
            }
            _ => {}
        }
    }

    /// Of a record that leaves out nothing: whether a settle is of a message because of a
    /// consumer's word about another one. A commit is about a position, up to which not all need
    /// be handed out.
    fn is_covered(&mut self, kind: &Kind, message: MessageId, consumer: ProcessId) -> bool {
        let asked = self.asked.get(&consumer).copied();
        if self.is_complete
            && let Kind::SettleInvoked { act, .. } = kind
        {
            self.asked.insert(consumer, message);
            return *act == SettleAct::Commit;
        }
        asked.is_some_and(|asked| asked != message)
    }

    /// Whether the message of the latest line did not simply come again after its settle.
    pub(super) const fn is_settle_denied(&self) -> bool {
        self.denies_settle
    }

    /// What a queue took back did not come again by itself, and neither did a delivery whose number
    /// is not the one after all that are recorded.
    fn denies_settle(&self, kind: &Kind, origin: Origin) -> bool {
        let of = |message: MessageId| self.messages.get(message.0.into()).copied();
        match *kind {
            Kind::Delivered { message, .. } => {
                let given = of(message).unwrap_or_default();
                let is_next =
                    |attempt: u16| self.has_restarted || attempt.saturating_sub(1) == given.times;
                given.is_taken_back || !origin.attempt.is_none_or(is_next)
            }
            Kind::DeadLettered { message, .. } => of(message).is_some_and(|of| of.is_taken_back),
            _ => false,
        }
    }

    /// The broker has restarted.
    pub(super) fn restarted(&mut self) {
        self.has_restarted = true;
    }

    fn delivered(&mut self, event: &Event, origin: Origin, skew: Duration) {
        let Kind::Delivered {
            delivery,
            message,
            consumer,
            partition,
            position,
            attempt,
            redelivered,
            subscription: _,
        } = event.kind
        else {
            return;
        };
        self.is_anonymous |= !origin.names_consumer;
        self.is_nameless |= !origin.names_delivery;
        let handed = (message, consumer, partition, position);
        *self.deliveries.entry(delivery.0.into()) = Some(handed);
        let given = self.messages.entry(message.0.into());
        let before = given.consumer.replace(consumer).filter(|before| *before != consumer);
        self.earlier.extend(before.map(|before| (message, before)));
        let before = attempt.saturating_sub(1).max(redelivered.into());
        let was_given = given.hand(before, position) || self.has_restarted;
        if skew > Duration::ZERO {
            self.found_within(skew, event.at, message, consumer);
        }
        let kind = GapKind::RedeliveryWithoutDelivery;
        self.needs(kind, was_given, event, message, None, origin);
    }

    /// A delivery after what needs one, by no more than clocks differ, need not have come after it.
    fn found_within(
        &mut self,
        skew: Duration,
        now: Instant,
        message: MessageId,
        consumer: ProcessId,
    ) {
        let Some(lacking) = self.lacking.get_mut(&message) else { return };
        let is_it = |of: &Lacking| {
            let is_to = of.to.is_none_or(|to| to == consumer);
            of.kind != GapKind::RedeliveryWithoutDelivery && is_to && now.since(of.at) <= skew
        };
        lacking.retain(|of| now == Instant::START || !is_it(of));
    }

    /// Whether a message was delivered, and to this consumer if all deliveries name theirs.
    fn was_given(&self, message: MessageId, to: Option<ProcessId>) -> bool {
        let given = self.messages.get(message.0.into()).and_then(|given| given.consumer);
        let Some(latest) = given else { return false };
        let is_it = |to| to == latest || self.earlier.contains(&(message, to));
        to.filter(|_| !self.is_anonymous).is_none_or(is_it)
    }

    /// Takes note of a line that was not given what it needs; of several in a row that lack the
    /// same delivery the first counts.
    fn needs(
        &mut self,
        kind: GapKind,
        was_given: bool,
        event: &Event,
        message: MessageId,
        to: Option<ProcessId>,
        origin: Origin,
    ) {
        if was_given {
            return;
        }
        let to = to.filter(|_| !self.is_anonymous);
        let delivery = match event.kind {
            Kind::Effect { delivery, .. } | Kind::Delivered { delivery, .. } => Some(delivery),
            _ => None,
        };
        let lacking = Lacking { kind, line: origin.line, at: event.at, to, delivery };
        let all = self.lacking.entry(message).or_default();
        let is_same = |of: &Lacking| (of.kind, of.to, of.delivery) == (kind, to, delivery);
        if !all.last().is_some_and(is_same) {
            all.push(lacking);
        }
    }

    /// Names what is missing, and says whether anything is. Where no effect has its delivery, the
    /// record does not say what is delivered. A settle of what nobody sent cannot be anyway.
    pub(super) fn report(&self, gaps: &mut Gaps, is_sent: impl Fn(MessageId) -> bool) -> bool {
        let mut found = false;
        for (message, lacking) in &self.lacking {
            let is_said = |kind| match kind {
                GapKind::RedeliveryWithoutDelivery => true,
                GapKind::SettleWithoutDelivery => self.has_whole && is_sent(*message),
                _ => self.has_whole,
            };
            for of in lacking.iter().filter(|of| is_said(of.kind)) {
                gaps.add(of.kind, 1, Gap { line: of.line, message: Some(*message), before: None });
                found = true;
            }
        }
        found
    }
}
