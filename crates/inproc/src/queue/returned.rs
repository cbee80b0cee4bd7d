//! What has left the short cut: the sans-IO broker, and the bodies that its messages stand for.
//!
//! The broker knows a message by a small number, its place in a table of bodies. The place is free
//! again when the broker removes or dead-letters the message.

use std::collections::VecDeque;
use std::mem;
use std::ops::Deref;

use entrega_brokers::queue::{Adopted, Features, Overflow, QueueSettings};
use entrega_brokers::{Broker, QueueBroker};
use entrega_model::event::SettleTrigger;
use entrega_model::queue::{DeliveryTag, Received, Request, Response, Settlement};
use entrega_model::{ClientId, Event, Instant, Key, Kind, MessageId, Record, SubscriptionId};

use super::{BlockView, Shared};
use crate::sync::Arc;

/// The one queue of the broker behind the lock.
const QUEUE: SubscriptionId = SubscriptionId(0);

/// A message: a segment and a place in it.
pub(super) struct Body<T> {
    pub(super) view: BlockView<T>,
    pub(super) index: usize,
}

impl<T> Clone for Body<T> {
    fn clone(&self) -> Self {
        Self { view: self.view.clone(), index: self.index }
    }
}

impl<T> Body<T> {
    pub(super) fn get(&self) -> &T {
        &self.view.slice(self.index, self.index + 1)[0]
    }

    /// Its place in the queue.
    pub(super) fn position(&self) -> u64 {
        self.view.segment().beside().base() + self.index as u64
    }
}

/// A redelivery.
pub(super) struct Redelivery<T> {
    pub(super) body: Body<T>,
    pub(super) received: Received,
}

/// The broker that decides about redeliveries.
pub(super) struct Returned<T> {
    broker: QueueBroker,
    bodies: Vec<Option<Body<T>>>,
    free: Vec<u32>,
    dead: VecDeque<Body<T>>,
    /// Removed from the broker, and not yet counted as finished in its segment.
    done: Vec<Body<T>>,
    ground_truth: Vec<Event>,
    buffer: Vec<Received>,
    /// How many leases have ended.
    losses: u64,
}

impl<T> Returned<T> {
    pub(super) fn new(settings: &QueueSettings) -> Self {
        let settings = QueueSettings {
            queues: 1,
            prefetch: 0,
            max_length: None,
            overflow: Overflow::RejectPublish,
            features: Features::default(),
            ..settings.clone()
        };
        Self {
            broker: QueueBroker::new(settings),
            bodies: Vec::new(),
            free: Vec::new(),
            dead: VecDeque::new(),
            done: Vec::new(),
            ground_truth: Vec::new(),
            buffer: Vec::new(),
            losses: 0,
        }
    }

    /// How many leases have ended, of first deliveries and of redeliveries.
    pub(super) fn losses(&self) -> u64 {
        self.losses
    }

    /// The lease of a first delivery has ended.
    pub(super) fn note_loss(&mut self) {
        self.losses += 1;
    }

    pub(super) fn is_ready(&self) -> bool {
        self.broker.ready_count(QUEUE) > 0
    }

    /// Whether anything is in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.broker.in_flight_count(QUEUE)
    }

    /// Whether a redelivery is still its client's.
    pub(super) fn is_in_flight(&self, client: ClientId, tag: DeliveryTag) -> bool {
        self.broker.is_in_flight(QUEUE, client, tag)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.broker.next_deadline()
    }

    /// Takes over a message whose first delivery ended with this settlement, or without one.
    pub(super) fn adopt(&mut self, now: Instant, body: Body<T>, word: Option<Settlement>) {
        let position = body.position();
        let number = self.free.pop().unwrap_or(self.bodies.len() as u32);
        let record = Record { message: MessageId(number), key: Key(0), bytes: 0 };
        match self.bodies.get_mut(number as usize) {
            Some(place) => *place = Some(body),
            None => self.bodies.push(Some(body)),
        }
        let adopted = Adopted { position, record, delivery_count: 1, word };
        self.broker.adopt(now, QUEUE, adopted, &mut self.ground_truth);
        self.take_note();
    }

    /// Delivers the first message that is ready: one at a time, because its lease begins now.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        from: ClientId,
        settle_at_delivery: bool,
    ) -> Option<Redelivery<T>> {
        let buffer = mem::take(&mut self.buffer);
        let mut request =
            Request::Receive { queue: QUEUE, max: 1, settle_at_delivery, buffer, deadline: now };
        let answer = self.broker.handle(now, from, &mut request, &mut self.ground_truth);
        let mut redelivery = None;
        if let Some(Response::Received { mut deliveries }) = answer {
            redelivery = deliveries.pop().and_then(|received| {
                let body = self.bodies[received.record.message.index()].clone()?;
                Some(Redelivery { body, received })
            });
            self.buffer = deliveries;
        }
        self.take_note();
        redelivery
    }

    /// Settles a redelivery; `false` if it is too late.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        from: ClientId,
        tag: DeliveryTag,
        settlement: Settlement,
    ) -> bool {
        let mut request = Request::Settle {
            queue: QUEUE,
            tags: vec![tag],
            settlement,
            multiple: false,
            trigger: SettleTrigger::Application,
        };
        let answer = self.broker.handle(now, from, &mut request, &mut self.ground_truth);
        self.take_note();
        matches!(answer, Some(Response::Settled { .. }))
    }

    pub(super) fn advance(&mut self, now: Instant) {
        self.broker.advance(now, &mut self.ground_truth);
        self.take_note();
    }

    pub(super) fn close(&mut self, now: Instant, client: ClientId) {
        let mut request = Request::Close { queue: QUEUE };
        self.broker.handle(now, client, &mut request, &mut self.ground_truth);
        self.take_note();
    }

    pub(super) fn disconnected(&mut self, now: Instant, client: ClientId) {
        self.broker.disconnected(now, client, &mut self.ground_truth);
        self.take_note();
    }

    pub(super) fn take_dead(&mut self) -> Option<Body<T>> {
        self.dead.pop_front()
    }

    /// A message that is finished; returns each once.
    pub(super) fn next_done(&mut self) -> Option<Body<T>> {
        self.done.pop()
    }

    /// How many messages are here, including dead letters.
    pub(super) fn len(&self) -> usize {
        self.bodies.len() - self.free.len() + self.dead.len()
    }

    /// Carries out what the broker records: removals and dead letters.
    fn take_note(&mut self) {
        for event in self.ground_truth.drain(..) {
            let (message, is_dead) = match event.kind {
                Kind::Removed { message, .. } => (message, false),
                Kind::DeadLettered { message, .. } => (message, true),
                Kind::LeaseExpired { .. } => {
                    self.losses += 1;
                    continue;
                }
                _ => continue,
            };
            let Some(body) = self.bodies[message.index()].take() else { continue };
            self.free.push(message.0);
            if is_dead {
                self.dead.push_back(body);
            } else {
                self.done.push(body);
            }
        }
    }
}

/// A message that the queue has dead-lettered. It is finished when this is dropped.
pub struct DeadLetter<T> {
    shared: Arc<Shared<T>>,
    body: Body<T>,
}

impl<T> DeadLetter<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, body: Body<T>) -> Self {
        Self { shared, body }
    }
}

impl<T> Deref for DeadLetter<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.body.get()
    }
}

impl<T> Drop for DeadLetter<T> {
    fn drop(&mut self) {
        self.shared.control().drop_letter(self.body.position());
        self.shared.tell_settled();
    }
}
