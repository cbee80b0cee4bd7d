//! One queue of the exchange: the life of a message between publish and its end.
//!
//! > **The rule.** Every stored copy is exactly one of *ready*, *delayed*, *in flight*, *kept* at
//! > the limit, *removed* and *dead-lettered*. Only a consumer's ack or reject, the delivery limit
//! > and an overflow end its life; a delivery alone never does, unless the consumer asked to be
//! > settled at delivery.
//!
//! ```text
//! publish ─→ ready ──receive──→ in flight ──ack──→ removed
//!              ↑                  │    │
//!              └─ requeue, lease, ┘    └─reject──→ dead-lettered, or removed
//!          delayed disconnect, close ──limit─────→ dead-lettered, removed, or kept
//! ```
//!
//! What comes back is in `returns.rs`, what has no room in `room.rs`, a word about what its client
//! does not hold in `late.rs`.

use std::collections::VecDeque;

use entrega_model::event::{RemoveReason, SettleAct, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Received, Settlement};
use entrega_model::{
    ClientId, Event, Instant, Kind, MessageId, PartitionId, Record, SubscriptionId,
};

use super::consumers::{Consumer, Consumers, End};
use super::dead_letter::GivenUp;
use super::delayed::Delayed;
use super::extras::Extras;
use super::in_flight::{InFlight, Slot};
use super::ready::{Ready, Stored};
use super::rules::Return;
use super::settings::{LimitChecked, QueueSettings};
use super::transfers::Begun;
use super::unflushed::Unflushed;

/// What a queue needs of the world to do anything.
pub(super) struct Step<'a> {
    pub(super) now: Instant,
    pub(super) settings: &'a QueueSettings,
    pub(super) changed: &'a mut bool,
    ground_truth: &'a mut Vec<Event>,
    /// Notes what a restart would forget.
    unflushed: Option<&'a mut Unflushed>,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        now: Instant,
        settings: &'a QueueSettings,
        changed: &'a mut bool,
        ground_truth: &'a mut Vec<Event>,
    ) -> Self {
        Self { now, settings, changed, ground_truth, unflushed: None }
    }

    /// The same; what is stored or settled is noted as long as a restart would forget it.
    #[inline]
    pub(super) fn noting(self, unflushed: &'a mut Option<Box<Unflushed>>) -> Self {
        Self { unflushed: unflushed.as_deref_mut(), ..self }
    }

    /// How many events are recorded.
    pub(super) fn recorded(&self) -> usize {
        self.ground_truth.len()
    }

    /// Notes that a copy was stored, if a restart would forget that.
    #[inline]
    pub(super) fn note_stored(&mut self, queue: SubscriptionId, sequence: u64) {
        if let Some(unflushed) = &mut self.unflushed {
            unflushed.stored(self.now, queue, sequence);
        }
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
    pub(super) id: SubscriptionId,
    pub(super) next_sequence: u64,
    pub(super) ready: Ready,
    /// What came back and is not ready yet.
    pub(super) delayed: Delayed,
    /// What was delivered too often and stays.
    pub(super) kept: Vec<Stored>,
    pub(super) in_flight: InFlight,
    pub(super) consumers: Consumers,
    /// Dead letters about whose way nothing is decided yet.
    pub(super) transfers: VecDeque<Begun>,
    /// What only some queues need.
    pub(super) extras: Option<Box<Extras>>,
}

impl BoundQueue {
    pub(super) fn new(id: SubscriptionId, settings: &QueueSettings) -> Self {
        Self {
            id,
            next_sequence: 0,
            ready: Ready::default(),
            delayed: Delayed::default(),
            kept: Vec::new(),
            in_flight: InFlight::new(settings.lease_length()),
            consumers: Consumers::default(),
            transfers: VecDeque::new(),
            extras: Extras::of(settings),
        }
    }

    /// Forgets everything that is and was in it.
    pub(super) fn clear(&mut self) {
        let Self {
            id: _,
            next_sequence,
            ready,
            delayed,
            kept,
            in_flight,
            consumers,
            transfers,
            extras,
        } = self;
        *next_sequence = 0;
        ready.clear();
        delayed.clear();
        kept.clear();
        in_flight.clear();
        consumers.clear();
        transfers.clear();
        extras.iter_mut().for_each(|extras| extras.clear());
    }

    pub(super) fn ready_count(&self) -> usize {
        self.ready.len() + self.extras.as_ref().map_or(0, |extras| extras.groups.held().count())
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

    /// All copies that are here, in no particular order.
    pub(super) fn copies(&self) -> impl Iterator<Item = &Stored> {
        let in_flight = self.in_flight.iter().map(|delivery| &delivery.stored);
        let aside = self.extras.iter().flat_map(|extras| extras.put_aside());
        let waiting = self.ready.iter().chain(self.delayed.iter()).chain(&self.kept).chain(aside);
        waiting.chain(in_flight)
    }

    /// When the next lease runs out, or a message is ready again.
    #[inline]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        if self.delayed.is_empty() && self.extras.is_none() {
            self.in_flight.next_deadline()
        } else {
            self.next_deadline_of_all()
        }
    }

    #[cold]
    fn next_deadline_of_all(&self) -> Option<Instant> {
        let waiting = self.delayed.next_at().into_iter().chain(self.extras_deadline());
        self.in_flight.next_deadline().into_iter().chain(waiting).min()
    }

    /// The messages that are still here, in queue order.
    pub(super) fn retrievable(&self) -> Vec<MessageId> {
        let mut all: Vec<_> = self.copies().collect();
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
        let stored = Stored::delivered(sequence, record, 0);
        if self.extras.is_none() {
            self.ready.append(stored);
        } else {
            self.keep(stored, step);
        }
        step.note_stored(self.id, sequence);
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
        let stored = Stored::delivered(sequence, record, delivery_count);
        match word {
            Some(Settlement::Reject) => self.give_up(stored, GivenUp::Rejected, step),
            Some(word) => self.end_without_success(stored, Return::by(word), step),
            None => self.end_without_success(stored, Return::Disconnect, step),
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
        if step.settings.rules.limit_checked == LimitChecked::AtDelivery || self.extras.is_some() {
            return self.deliver_one_by_one(from, wanted, deliveries, step);
        }
        self.deliver_unchecked(from, wanted, deliveries, step);
    }

    /// Delivers the first ready messages without a look at the limit.
    #[inline]
    pub(super) fn deliver_unchecked(
        &mut self,
        from: ClientId,
        wanted: Wanted,
        deliveries: &mut Vec<Received>,
        step: &mut Step<'_>,
    ) {
        let consumer = self.consumers.entry(from);
        let count = credit(wanted, consumer, step);
        for _ in 0..count {
            let Some(stored) = self.ready.take() else { break };
            begin_delivery(
                self.id,
                &mut self.in_flight,
                consumer,
                stored,
                wanted,
                deliveries,
                step,
            );
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
                let stored = self.end_acked(slot, step);
                tell_acked(self.id, stored, from, trigger, step);
                self.finish(&stored, step);
                true
            }
            _ => self.settle_unheld(from, tag, Word { settlement: Settlement::Ack, trigger }, step),
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
            _ => self.settle_unheld(from, tag, word, step),
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

    /// Carries a word of `from` out about a delivery in flight, its own or, where a late word is
    /// honoured, that of whoever holds the message by now.
    pub(super) fn obey(&mut self, from: ClientId, slot: Slot, word: Word, step: &mut Step<'_>) {
        let (id, trigger) = (self.id, word.trigger);
        match word.settlement {
            Settlement::Ack => {
                let stored = self.end_acked(slot, step);
                tell_acked(id, stored, from, trigger, step);
                self.finish(&stored, step);
            }
            Settlement::Requeue | Settlement::RejectAndRequeue => {
                let stored = self.end(slot, Some((from, word.settlement)), step);
                tell_settled(id, stored, from, SettleAct::Requeue, trigger, step);
                self.end_without_success(stored, Return::by(word.settlement), step);
            }
            Settlement::Reject => {
                let stored = self.end(slot, Some((from, Settlement::Reject)), step);
                tell_settled(id, stored, from, SettleAct::Reject, trigger, step);
                note_settled(id, stored, step);
                self.give_up(stored, GivenUp::Rejected, step);
            }
            Settlement::Extend => {
                self.in_flight.extend(step.now, slot);
                let stored = self.in_flight.get(slot).stored;
                tell_settled(id, stored, from, SettleAct::Extend, trigger, step);
            }
        }
    }

    /// Ends a delivery by a client's word that is no ack, or without one.
    pub(super) fn end(
        &mut self,
        slot: Slot,
        word: Option<(ClientId, Settlement)>,
        step: &mut Step<'_>,
    ) -> Stored {
        let ended = *self.in_flight.get(slot);
        let stored = self.end_acked(slot, step);
        let how = if word.is_some() { Return::Nack } else { Return::Expiry };
        let own = word.filter(|(from, _)| *from == ended.client).map(|(_, word)| word);
        self.consumers.note_end(End { word: own, ..End::silent(&ended, how) });
        stored
    }

    /// Ends a delivery about which its client has not said anything.
    pub(super) fn end_silently(&mut self, slot: Slot, how: Return, step: &mut Step<'_>) -> Stored {
        let ended = *self.in_flight.get(slot);
        let stored = self.end_acked(slot, step);
        self.consumers.note_end(End::silent(&ended, how));
        stored
    }

    /// Ends a delivery. Any end that is not noted is taken for an ack.
    #[inline(always)]
    pub(super) fn end_acked(&mut self, slot: Slot, step: &mut Step<'_>) -> Stored {
        let client = self.in_flight.get(slot).client;
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
}

/// Puts a message into a consumer's hands, and returns it as it is from now on.
#[inline(always)]
pub(super) fn begin_delivery(
    id: SubscriptionId,
    in_flight: &mut InFlight,
    consumer: &mut Consumer,
    mut stored: Stored,
    wanted: Wanted,
    deliveries: &mut Vec<Received>,
    step: &mut Step<'_>,
) -> Stored {
    let (record, redelivered) = (stored.record, stored.delivery_count > 0);
    stored.delivery_count = stored.delivery_count.saturating_add(1);
    let tag = if wanted.settle_at_delivery {
        tell_acked(id, stored, consumer.client, SettleTrigger::Delivery, step);
        in_flight.next_tag()
    } else {
        in_flight.begin(step.now, stored, consumer.client, &mut consumer.unsettled)
    };
    consumer.given(tag);
    let delivery_count = stored.delivery_count;
    deliveries.push(Received { tag, record, delivery_count, redelivered });
    stored
}

/// How many messages a consumer may be given now.
#[inline]
fn credit(wanted: Wanted, consumer: &Consumer, step: &Step<'_>) -> u32 {
    match step.settings.prefetch {
        0 => wanted.max,
        _ if wanted.settle_at_delivery => wanted.max,
        prefetch => wanted.max.min(prefetch.saturating_sub(consumer.unsettled.len())),
    }
}

/// Tells that a client's word was recorded.
#[inline]
pub(super) fn tell_settled(
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

/// Notes that a message is gone by its consumer's word, if a restart would forget that.
#[inline]
fn note_settled(id: SubscriptionId, stored: Stored, step: &mut Step<'_>) {
    if let Some(unflushed) = &mut step.unflushed {
        unflushed.settled(step.now, id, stored);
    }
}

/// Tells that a message was acked, and so is gone.
#[inline]
pub(super) fn tell_acked(
    id: SubscriptionId,
    stored: Stored,
    client: ClientId,
    trigger: SettleTrigger,
    step: &mut Step<'_>,
) {
    tell_settled(id, stored, client, SettleAct::Ack, trigger, step);
    note_settled(id, stored, step);
    step.tell(Kind::Removed {
        message: stored.record.message,
        subscription: Some(id),
        reason: RemoveReason::Settled,
    });
}
