//! What a consumer is given: bodies in place, and ways to settle them.

use std::ops::Deref;

use entrega_model::queue::{DeliveryTag, Settlement};

use super::consumer::{Consumer, Stale, Tag};

/// Consecutive deliveries. Dropped without being settled they stay unsettled: settle them by their
/// tags, or give them back by dropping the consumer.
#[must_use = "what is not settled comes back"]
pub struct Batch<'a, T> {
    consumer: &'a mut Consumer<T>,
    place: Place,
}

/// Where the bodies are.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A run of the current window.
    First(usize, usize),
    /// A redelivery.
    Again(DeliveryTag),
}

impl<'a, T> Batch<'a, T> {
    /// What the consumer was given.
    #[inline]
    pub(super) fn new(consumer: &'a mut Consumer<T>, place: Place) -> Self {
        Self { consumer, place }
    }

    /// What the last look found for the consumer.
    #[inline]
    pub(super) fn found(consumer: &'a mut Consumer<T>) -> Self {
        let place = consumer.holdings.given;
        Self { consumer, place }
    }

    /// The bodies.
    #[inline]
    pub fn bodies(&self) -> &[T] {
        match self.place {
            Place::First(from, to) => self
                .consumer
                .holdings
                .window
                .as_ref()
                .map_or(&[], |window| window.view.slice(from, to)),
            Place::Again(tag) => {
                let body = self.consumer.holdings.held.get(&tag).map(|held| held.body.get());
                body.map_or(&[], std::slice::from_ref)
            }
        }
    }

    /// The name of the delivery with this index.
    pub fn tag(&self, index: usize) -> Tag {
        match (self.place, &self.consumer.holdings.window) {
            (Place::Again(tag), _) => Tag::Again(tag),
            (Place::First(from, _), Some(window)) => Tag::First(window.position(from + index)),
            (Place::First(..), None) => unreachable!("a batch has its bodies"),
        }
    }

    /// How often these have been delivered, including this time.
    pub fn delivery_count(&self) -> u16 {
        match self.place {
            Place::First(..) => 1,
            Place::Again(tag) => {
                let held = self.consumer.holdings.held.get(&tag);
                held.map_or(1, |held| held.received.delivery_count)
            }
        }
    }

    /// Acks all of them. If it is too late for some, the others are acked nevertheless.
    #[inline(always)]
    pub fn ack(self) -> Result<(), Stale> {
        let Place::First(from, to) = self.place else { return self.say(Settlement::Ack) };
        if self.consumer.ack_run(from..to) { Ok(()) } else { Err(Stale) }
    }

    /// Puts all of them back for redelivery.
    pub fn requeue(self) -> Result<(), Stale> {
        self.say(Settlement::Requeue)
    }

    /// Puts all of them back as tried and failed, which a delivery limit may count where it does
    /// not count [`Batch::requeue`].
    pub fn reject_and_requeue(self) -> Result<(), Stale> {
        self.say(Settlement::RejectAndRequeue)
    }

    /// Rejects all of them: they are dead-lettered, or dropped.
    pub fn reject(self) -> Result<(), Stale> {
        self.say(Settlement::Reject)
    }

    #[cold]
    fn say(self, word: Settlement) -> Result<(), Stale> {
        let tags: Vec<_> = (0..self.bodies().len()).map(|index| self.tag(index)).collect();
        let said = tags.into_iter().map(|tag| self.consumer.settle(tag, word));
        said.fold(Ok(()), Result::and)
    }
}

impl<T> Deref for Batch<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.bodies()
    }
}

/// One delivery. Dropped without being settled it stays unsettled.
#[must_use = "what is not settled comes back"]
pub struct Delivery<'a, T>(Batch<'a, T>);

impl<'a, T> Delivery<'a, T> {
    pub(super) fn new(batch: Batch<'a, T>) -> Self {
        Self(batch)
    }

    /// Its name.
    pub fn tag(&self) -> Tag {
        self.0.tag(0)
    }

    /// How often the message has been delivered, including this time.
    pub fn delivery_count(&self) -> u16 {
        self.0.delivery_count()
    }

    /// Whether the message may have been delivered before. `false` means that it certainly was not.
    pub fn redelivered(&self) -> bool {
        self.delivery_count() > 1
    }

    /// Acks it: the message is processed, and the queue forgets it.
    #[inline(always)]
    pub fn ack(self) -> Result<(), Stale> {
        let Place::First(index, _) = self.0.place else { return self.0.say(Settlement::Ack) };
        if self.0.consumer.ack_one(index) { Ok(()) } else { Err(Stale) }
    }

    /// Requeues it: back to its place, for any consumer.
    pub fn requeue(self) -> Result<(), Stale> {
        self.0.requeue()
    }

    /// Puts it back as tried and failed, which a delivery limit may count where it does not count
    /// [`Delivery::requeue`].
    pub fn reject_and_requeue(self) -> Result<(), Stale> {
        self.0.reject_and_requeue()
    }

    /// Rejects it: it is dead-lettered, or dropped.
    pub fn reject(self) -> Result<(), Stale> {
        self.0.reject()
    }
}

impl<T> Deref for Delivery<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.bodies()[0]
    }
}
