//! One queue of the exchange: the life of a message between publish and its end.
//!
//! > **The rule.** Every stored copy is exactly one of *ready*, *in flight*, *removed* and
//! > *dead-lettered*. Only a consumer's ack or reject, the delivery limit and an overflow end its
//! > life; a delivery alone never does, unless the consumer asked to be settled at delivery.
//!
//! ```text
//! publish ─→ ready ──receive──→ in flight ──ack──→ removed
//!              ↑                  │    │
//!              └─ requeue, lease, ┘    └─reject──→ dead-lettered, or removed
//!                 disconnect, close ──limit──────→ dead-lettered, or removed
//! ```

use entrega_model::event::{RemoveReason, SettleAct, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Received, Settlement};
use entrega_model::{
    ClientId, Event, Instant, Kind, MessageId, PartitionId, Record, SubscriptionId,
};

use super::consumers::Consumers;
use super::dead_letter::{GivenUp, limit_reached};
use super::in_flight::{InFlight, Slot};
use super::ready::{Ready, Stored};
use super::settings::{Overflow, QueueSettings};

/// What a queue needs of the world to do anything.
pub(super) struct Step<'a> {
    now: Instant,
    settings: &'a QueueSettings,
    changed: &'a mut bool,
    ground_truth: &'a mut Vec<Event>,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        now: Instant,
        settings: &'a QueueSettings,
        changed: &'a mut bool,
        ground_truth: &'a mut Vec<Event>,
    ) -> Self {
        Self { now, settings, changed, ground_truth }
    }

    #[inline]
    pub(super) fn tell(&mut self, kind: Kind) {
        self.ground_truth.push(Event { at: self.now, kind });
    }
}

/// What a consumer asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) max: u32,
    pub(super) settle_at_delivery: bool,
}

/// A consumer's word, and why it says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) settlement: Settlement,
    pub(super) trigger: SettleTrigger,
}

/// A queue, bound to the exchange for one subscription.
#[derive(Clone, Debug)]
pub(super) struct BoundQueue {
    id: SubscriptionId,
    next_sequence: u64,
    pub(super) ready: Ready,
    pub(super) in_flight: InFlight,
    pub(super) consumers: Consumers,
}

impl BoundQueue {
    pub(super) fn new(id: SubscriptionId, settings: &QueueSettings) -> Self {
        Self {
            id,
            next_sequence: 0,
            ready: Ready::default(),
            in_flight: InFlight::new(settings.visibility_timeout),
            consumers: Consumers::default(),
        }
    }

    /// Forgets everything that is and was in it.
    pub(super) fn clear(&mut self) {
        let Self { id: _, next_sequence, ready, in_flight, consumers } = self;
        *next_sequence = 0;
        ready.clear();
        in_flight.clear();
        consumers.clear();
    }

    pub(super) fn ready_count(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn in_flight_count(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether a delivery is in flight to this client.
    pub(super) fn is_in_flight(&self, client: ClientId, tag: DeliveryTag) -> bool {
        self.in_flight.find(tag).is_some_and(|slot| self.in_flight.get(slot).client == client)
    }

    /// When the lease of a delivery runs out, if it is in flight and has one.
    pub(super) fn lease_end(&self, tag: DeliveryTag) -> Option<Instant> {
        let delivery = self.in_flight.get(self.in_flight.find(tag)?);
        Some(delivery.expires).filter(|end| *end != Instant::NEVER)
    }

    /// The tag of the next delivery.
    pub(super) fn next_tag(&self) -> DeliveryTag {
        self.in_flight.last_tag + 1
    }

    /// When the next lease runs out.
    #[inline]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.in_flight.next_deadline()
    }

    /// The messages that are still here, in queue order.
    pub(super) fn retrievable(&self) -> Vec<MessageId> {
        let in_flight = self.in_flight.iter().map(|delivery| &delivery.stored);
        let mut all: Vec<_> = self.ready.iter().chain(in_flight).collect();
        all.sort_unstable_by_key(|stored| stored.sequence);
        all.into_iter().map(|stored| stored.record.message).collect()
    }

    /// Appends a copy.
    #[inline]
    pub(super) fn store(&mut self, record: Record, copy: u16, step: &mut Step<'_>) {
        let (message, sequence) = (record.message, self.next_sequence);
        self.next_sequence += 1;
        step.tell(Kind::Stored {
            message,
            subscription: Some(self.id),
            partition: PartitionId(0),
            position: sequence,
            copy,
        });
        self.ready.append(Stored { sequence, record, delivery_count: 0 });
        *step.changed = true;
        self.trim(step);
    }

    /// Takes over a message that was delivered elsewhere before and is not done: by its consumer's
    /// word, or without one.
    pub(super) fn adopt(
        &mut self,
        sequence: u64,
        record: Record,
        delivery_count: u16,
        word: Option<Settlement>,
        step: &mut Step<'_>,
    ) {
        let stored = Stored { sequence, record, delivery_count };
        match word {
            Some(Settlement::Reject) => self.give_up(stored, GivenUp::Rejected, step),
            _ => self.end_without_success(stored, step),
        }
    }

    /// Delivers the first ready messages, as many as are wanted and the prefetch leaves.
    pub(super) fn deliver(
        &mut self,
        from: ClientId,
        wanted: Wanted,
        deliveries: &mut Vec<Received>,
        step: &mut Step<'_>,
    ) {
        let consumer = self.consumers.entry(from);
        let count = match step.settings.prefetch {
            0 => wanted.max,
            _ if wanted.settle_at_delivery => wanted.max,
            prefetch => wanted.max.min(prefetch.saturating_sub(consumer.unsettled.len())),
        };
        for _ in 0..count {
            let Some(mut stored) = self.ready.take() else { break };
            let (record, redelivered) = (stored.record, stored.delivery_count > 0);
            stored.delivery_count = stored.delivery_count.saturating_add(1);
            let tag = if wanted.settle_at_delivery {
                tell_acked(self.id, stored, from, SettleTrigger::Delivery, step);
                self.in_flight.next_tag()
            } else {
                self.in_flight.begin(step.now, stored, from, &mut consumer.unsettled)
            };
            consumer.given(tag);
            let delivery_count = stored.delivery_count;
            deliveries.push(Received { tag, record, delivery_count, redelivered });
        }
    }

    /// As [`Self::settle`] by an ack, which is what most deliveries end by.
    #[inline]
    pub(super) fn ack(
        &mut self,
        from: ClientId,
        tag: DeliveryTag,
        trigger: SettleTrigger,
        step: &mut Step<'_>,
    ) -> bool {
        match self.in_flight.find(tag) {
            Some(slot) if self.in_flight.get(slot).client == from => {
                let stored = self.end_acked(from, slot, step);
                tell_acked(self.id, stored, from, trigger, step);
                true
            }
            _ => self.settle(from, tag, Word { settlement: Settlement::Ack, trigger }, step),
        }
    }

    /// Settles one delivery; `false` if it is not the client's to settle.
    pub(super) fn settle(
        &mut self,
        from: ClientId,
        tag: DeliveryTag,
        word: Word,
        step: &mut Step<'_>,
    ) -> bool {
        match self.in_flight.find(tag) {
            Some(slot) if self.in_flight.get(slot).client == from => {
                self.obey(from, slot, word, step);
                true
            }
            Some(_) => false,
            None => self.consumers.repeats(from, tag, word.settlement),
        }
    }

    /// Settles all deliveries of the client up to `tag`; `false` if that one is not the client's to
    /// settle. A tag above all that the client was given settles nothing.
    pub(super) fn settle_up_to(
        &mut self,
        from: ClientId,
        tag: DeliveryTag,
        word: Word,
        step: &mut Step<'_>,
    ) -> bool {
        let consumer = self.consumers.find(from).filter(|consumer| tag <= consumer.last_tag());
        let mut next = consumer.and_then(|consumer| consumer.unsettled.oldest());
        while let Some(slot) = next
            && self.in_flight.get(slot).tag < tag
        {
            next = self.in_flight.newer(slot);
            self.obey(from, slot, word, step);
        }
        self.settle(from, tag, word, step)
    }

    /// Makes everything ready again that `client` has unsettled, and forgets it.
    pub(super) fn release(&mut self, client: ClientId, step: &mut Step<'_>) {
        let mut unsettled = self.consumers.remove(client);
        while let Some(slot) = unsettled.oldest() {
            let stored = self.in_flight.end(slot, &mut unsettled).stored;
            step.tell(Kind::Requeued {
                message: stored.record.message,
                subscription: self.id,
                consumer: client.process,
            });
            self.end_without_success(stored, step);
        }
    }

    /// The connection of `client` is gone; what it has in flight stays so for its lease.
    pub(super) fn leave(&mut self, client: ClientId) {
        self.consumers.leave(client);
    }

    /// Ends the leases that are due.
    pub(super) fn advance(&mut self, step: &mut Step<'_>) {
        while let Some(slot) = self.in_flight.overdue(step.now) {
            let client = self.in_flight.get(slot).client;
            let stored = self.end(client, slot, None, step);
            step.tell(Kind::LeaseExpired {
                message: stored.record.message,
                subscription: self.id,
                consumer: client.process,
            });
            self.end_without_success(stored, step);
        }
    }

    /// Forgets deliveries and consumers, but no message.
    pub(super) fn restart(&mut self, step: &mut Step<'_>) {
        self.in_flight.end_all(|stored| self.ready.put_back(stored));
        self.consumers.forget_all();
        self.trim(step);
    }

    /// Carries out a consumer's word about a delivery that is in flight to it.
    fn obey(&mut self, client: ClientId, slot: Slot, word: Word, step: &mut Step<'_>) {
        let (id, trigger) = (self.id, word.trigger);
        match word.settlement {
            Settlement::Ack => {
                let stored = self.end_acked(client, slot, step);
                tell_acked(id, stored, client, trigger, step);
            }
            Settlement::Requeue => {
                let stored = self.end(client, slot, Some(Settlement::Requeue), step);
                tell_settled(id, stored, client, SettleAct::Requeue, trigger, step);
                self.end_without_success(stored, step);
            }
            Settlement::Reject => {
                let stored = self.end(client, slot, Some(Settlement::Reject), step);
                tell_settled(id, stored, client, SettleAct::Reject, trigger, step);
                self.give_up(stored, GivenUp::Rejected, step);
            }
            Settlement::Extend => {
                self.in_flight.extend(step.now, slot);
                let stored = self.in_flight.get(slot).stored;
                tell_settled(id, stored, client, SettleAct::Extend, trigger, step);
            }
        }
    }

    /// Ends a delivery of a client by a word that is no ack, or without one.
    fn end(
        &mut self,
        client: ClientId,
        slot: Slot,
        word: Option<Settlement>,
        step: &mut Step<'_>,
    ) -> Stored {
        let tag = self.in_flight.get(slot).tag;
        let stored = self.end_acked(client, slot, step);
        self.consumers.note_end(client, tag, word);
        stored
    }

    /// Ends a delivery of a client. Any end that is not noted is taken for an ack.
    #[inline(always)]
    fn end_acked(&mut self, client: ClientId, slot: Slot, step: &mut Step<'_>) -> Stored {
        let consumer = self.consumers.entry(client);
        let prefetch = step.settings.prefetch;
        if prefetch != 0 && consumer.unsettled.len() >= prefetch && !self.ready.is_empty() {
            *step.changed = true;
        }
        let ended = self.in_flight.end(slot, &mut consumer.unsettled);
        if consumer.gone {
            self.consumers.forget_if_done(client);
        }
        ended.stored
    }

    fn end_without_success(&mut self, stored: Stored, step: &mut Step<'_>) {
        if limit_reached(step.settings.delivery_limit, stored.delivery_count) {
            return self.give_up(stored, GivenUp::DeliveryLimit, step);
        }
        self.ready.put_back(stored);
        *step.changed = true;
        self.trim(step);
    }

    /// Drops the head while there are too many ready messages, requeued ones included.
    #[inline]
    fn trim(&mut self, step: &mut Step<'_>) {
        if let Some(max_length) = step.settings.max_length {
            self.trim_to(max_length, step);
        }
    }

    #[cold]
    fn trim_to(&mut self, max_length: u32, step: &mut Step<'_>) {
        while step.settings.overflow == Overflow::DropHead
            && self.ready.len() > max_length as usize
            && let Some(stored) = self.ready.take()
        {
            self.give_up(stored, GivenUp::Overflow, step);
        }
    }

    fn give_up(&self, stored: Stored, why: GivenUp, step: &mut Step<'_>) {
        step.tell(why.event(stored.record.message, self.id, step.settings.dead_letter));
    }
}

/// Tells that a client's word was recorded.
#[inline]
fn tell_settled(
    subscription: SubscriptionId,
    stored: Stored,
    client: ClientId,
    act: SettleAct,
    trigger: SettleTrigger,
    step: &mut Step<'_>,
) {
    let (message, consumer) = (stored.record.message, client.process);
    step.tell(Kind::Settled { message, subscription, consumer, act, trigger });
}

/// Tells that a message was acked, and so is gone.
#[inline]
fn tell_acked(
    id: SubscriptionId,
    stored: Stored,
    client: ClientId,
    trigger: SettleTrigger,
    step: &mut Step<'_>,
) {
    tell_settled(id, stored, client, SettleAct::Ack, trigger, step);
    step.tell(Kind::Removed {
        message: stored.record.message,
        subscription: Some(id),
        reason: RemoveReason::Settled,
    });
}
