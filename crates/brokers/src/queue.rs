//! The queue broker: a message waits until a consumer acks it, and then it is gone.
//!
//! > **The rule.** A queue remembers each message on its own, until a consumer says "done" about
//! > exactly that one. Whatever it does not hear, it repeats. So it never loses what was not acked,
//! > and it duplicates what was done and not acked.
//!
//! It is what RabbitMQ and SQS have in common [RMQ-CONFIRMS], [SQS-VIS]; where they differ there is
//! a setting ([`QueueSettings`]).
//!
//! # The life of a message
//!
//! 1. **Publish.** One exchange fans out to N queues, one for each subscription, and each stores a
//!    copy of its own. A retried publish is stored twice (`copy` 2) unless a dedup window is open.
//! 2. **Receive.** Consumers of one queue compete. A delivered message stays in the queue, *in
//!    flight* to one client under a *tag* and a *lease*. With `settle_at_delivery` (automatic ack)
//!    the delivery settles it, and a client that dies with it in its buffer loses it.
//! 3. **Settle.** Ack removes it; requeue puts it back; reject gives it up; extend prolongs the
//!    lease. Each tag is settled on its own: *a lost ack is not repaired by later acks*. With
//!    `multiple` a tag stands for everything that this client has unsettled up to it, and then
//!    later acks do repair.
//! 4. **Or silence.** The lease runs out, or the connection ends (`requeue_on_disconnect`): the
//!    message is ready again, by default at its original position, marked `redelivered`. One that
//!    is not marked has certainly not been seen by a consumer [RMQ-REL].
//! 5. **Too often.** A message that was delivered `delivery_limit` times without success is given
//!    up: dead-lettered if there is a target, else dropped.
//!
//! # A late word
//!
//! A consumer that stalls beyond its lease is a *zombie*: it still holds a tag, but the message
//! belongs to another consumer by now. Its settle is refused as stale ([`Response::Stale`]). That
//! protects the queue's record and not the effect, which the zombie may have applied as well.
//!
//! With `multiple`, a stale tag is refused and the client's older deliveries are settled all the
//! same, for the client did mean them; RabbitMQ would close the channel. A tag above everything
//! that the client ever received settles nothing.
//!
//! A client whose connection has ended gets no more deliveries, whatever requests of it are still
//! on their way. Its late settles are stale if the disconnect requeued its messages; if only the
//! lease does (SQS), they count while the lease lasts.
//!
//! # Where to read on
//!
//! `queue/settings.rs` and `rules.rs` (where real queues differ), then `bound_queue.rs` (the life
//! of a message), `returns.rs` and `late.rs` (what comes back, and late words), `room.rs` (what has
//! none), `ready.rs` and `delayed.rs` (positions), `in_flight.rs` and `lease.rs` (tags, timers),
//! `consumers.rs` (who may settle what), `dead_letter.rs` (giving up), `dedup.rs` (what was
//! published before). Only some queues have: `features.rs`, `extras.rs`, `turn.rs`; `window.rs`
//! is a share group's, `transfers.rs`, `redrive.rs` and `ids.rs` are about dead letters and copies,
//! `retries.rs` about copies that come later.

use std::mem;

use entrega_model::event::RemoveReason;
use entrega_model::queue::{DeliveryTag, Request, Response, Settlement};
use entrega_model::{
    ClientId, Event, Fingerprint, Generation, Instant, Kind, MessageId, Record, SubscriptionId,
};

use crate::{Broker, Transfer, Transferred};

mod ages;
mod atomic;
mod bound_queue;
mod consumers;
mod dead_letter;
mod dedup;
mod delayed;
mod departed;
mod extras;
mod features;
mod fingerprint;
mod groups;
mod ids;
mod in_flight;
mod late;
mod lease;
mod ready;
mod redrive;
mod retries;
mod returns;
mod room;
mod rules;
mod settings;
mod transfers;
mod turn;
mod unflushed;
mod window;

#[cfg(test)]
mod tests;

pub use redrive::Redrive;
pub use settings::{
    AtLeaseEnd, Features, Forgets, LateSettle, LimitChecked, LimitCounts, MaxInFlight, Overflow,
    QueueSettings, RedeliveryDelay, RepeatedSettle, RequeuePosition, Rules, Scope,
};

pub use extras::ShareWindow;

use bound_queue::{BoundQueue, Step, Wanted, Word};
use dedup::DedupWindow;
use departed::Departed;
use retries::RetryRequest;
use unflushed::Unflushed;

/// An exchange and the queues that are bound to it.
#[derive(Clone, Debug)]
pub struct QueueBroker {
    settings: QueueSettings,
    queues: Vec<BoundQueue>,
    copies: Copies,
    dedup: Option<DedupWindow>,
    /// None if a restart forgets nothing that was stored or settled.
    unflushed: Option<Box<Unflushed>>,
    departed: Departed,
    changed: bool,
}

/// A message that was delivered elsewhere, and how its last delivery ended.
#[derive(Clone, Copy, Debug)]
pub struct Adopted {
    /// Its place in the queue.
    pub position: u64,
    /// The message.
    pub record: Record,
    /// How many times it was delivered.
    pub delivery_count: u16,
    /// The word that ended its last delivery; none if it ended without one.
    pub word: Option<Settlement>,
}

impl QueueBroker {
    /// An exchange with empty queues.
    pub fn new(settings: QueueSettings) -> Self {
        let queues = (0..settings.queues)
            .map(|queue| BoundQueue::new(SubscriptionId(queue), &settings))
            .collect();
        let (copies, departed) = (Copies::default(), Departed::default());
        let (dedup, unflushed) = (DedupWindow::of(&settings), Unflushed::of(&settings));
        Self { settings, queues, copies, dedup, unflushed, departed, changed: false }
    }

    /// How it behaves.
    pub fn settings(&self) -> &QueueSettings {
        &self.settings
    }

    /// How many messages of a queue wait for a consumer; 0 if there is no such queue.
    pub fn ready_count(&self, queue: SubscriptionId) -> usize {
        self.queues.get(queue.index()).map_or(0, BoundQueue::ready_count)
    }

    /// How many messages of a queue are delivered and not settled; 0 if there is no such queue.
    pub fn in_flight_count(&self, queue: SubscriptionId) -> usize {
        self.queues.get(queue.index()).map_or(0, BoundQueue::in_flight_count)
    }

    /// Whether a delivery of a queue is in flight to this client.
    pub fn is_in_flight(&self, queue: SubscriptionId, client: ClientId, tag: DeliveryTag) -> bool {
        self.queues.get(queue.index()).is_some_and(|queue| queue.is_in_flight(client, tag))
    }

    /// Takes over a message that was delivered elsewhere. From now on it is as if it had been
    /// delivered from here: it is ready at its position, marked as redelivered, or given up. Every
    /// position may be taken over once. Nothing happens if there is no such queue.
    pub fn adopt(
        &mut self,
        now: Instant,
        queue: SubscriptionId,
        adopted: Adopted,
        ground_truth: &mut Vec<Event>,
    ) {
        let Adopted { position, record, delivery_count, word } = adopted;
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth);
        if let Some(queue) = self.queues.get_mut(queue.index()) {
            queue.adopt(position, record, delivery_count, word, &mut step);
        }
    }

    /// Stores all records in every queue, or none in any. The answer states the outcome even if no
    /// confirm is wanted: the driver then withholds it from the producer, and only the buffer
    /// returns.
    fn publish(
        &mut self,
        now: Instant,
        mut records: Vec<Record>,
        id: u32,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        if self.dedup.as_mut().is_some_and(|window| window.knows_all(now, id, &mut records)) {
            return Response::Published { records };
        }
        if self.refuses(records.len()) {
            self.dedup.iter_mut().for_each(|window| window.take_back(records.len()));
            return Response::PublishRefused { records };
        }
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth)
            .noting(&mut self.unflushed);
        for &record in &records {
            let copy = self.copies.next(record.message);
            for queue in &mut self.queues {
                queue.store(record, copy, &mut step);
            }
            if self.queues.is_empty() {
                let (message, reason) = (record.message, RemoveReason::Unroutable);
                step.tell(Kind::Removed { message, subscription: None, reason });
            }
        }
        records.clear();
        Response::Published { records }
    }

    /// Whether nothing is ready in a queue, for a client that may wait.
    #[inline]
    fn is_vain(&mut self, from: ClientId, queue: SubscriptionId) -> bool {
        let Some(queue) = self.queues.get_mut(queue.index()) else { return false };
        let is_vain = queue.has_nothing_for(from) && !self.departed.contains(from);
        if is_vain {
            queue.subscribe();
        }
        is_vain
    }

    /// Delivers what there is, or nothing if waiting is useless. Only then is the buffer taken. For
    /// a client that may wait, `handle` has already checked that there may be something.
    fn receive(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Option<Response> {
        let Request::Receive { queue, max, settle_at_delivery, buffer, deadline } = request else {
            return None;
        };
        let Some(queue) = self.queues.get_mut(queue.index()) else {
            return Some(Response::UnknownQueue);
        };
        let may_wait = now < *deadline;
        buffer.clear();
        if self.departed.contains(from) {
            return Some(Response::Received { deliveries: mem::take(buffer) });
        }
        queue.subscribe();
        let is_there = may_wait || !queue.has_nothing_for(from);
        if *max > 0 && is_there {
            let wanted = Wanted { max: *max, settle_at_delivery: *settle_at_delivery };
            let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth)
                .noting(&mut self.unflushed);
            queue.deliver(from, wanted, buffer, &mut step);
        }
        if buffer.is_empty() && may_wait {
            return None;
        }
        Some(Response::Received { deliveries: mem::take(buffer) })
    }

    /// Settles tag by tag; those that are stale stay in the buffer.
    fn settle(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Option<Response> {
        let Request::Settle { queue, tags, settlement, multiple, trigger } = request else {
            return None;
        };
        let Some(queue) = self.queues.get_mut(queue.index()) else {
            return Some(Response::UnknownQueue);
        };
        let (mut tags, multiple) = (mem::take(tags), *multiple);
        let word = Word { settlement: *settlement, trigger: *trigger };
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth)
            .noting(&mut self.unflushed);
        match tags[..] {
            [tag] if word.settlement == Settlement::Ack && !multiple => {
                if queue.ack(from, tag, word.trigger, &mut step) {
                    tags.clear();
                }
            }
            _ if multiple => {
                tags.retain(|&tag| !queue.settle_up_to(from, tag, word, &mut step));
            }
            _ => tags.retain(|&tag| !queue.settle(from, tag, word, &mut step)),
        }
        Some(if tags.is_empty() { Response::Settled { tags } } else { Response::Stale { tags } })
    }
}

impl Broker for QueueBroker {
    type Request = Request;
    type Response = Response;

    #[inline(always)]
    fn handle(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Option<Response> {
        match request {
            Request::Receive { queue, deadline, .. }
                if now < *deadline && self.is_vain(from, *queue) =>
            {
                None
            }
            Request::Receive { .. } => self.receive(now, from, request, ground_truth),
            Request::Publish { records, id, .. } => {
                Some(self.publish(now, mem::take(records), *id, ground_truth))
            }
            Request::Settle { .. } => self.settle(now, from, request, ground_truth),
            &mut Request::Retry { queue, record, tried, after } => {
                let retry = RetryRequest { queue, record, tried, after };
                Some(self.retry(now, from, retry, ground_truth))
            }
            Request::Close { queue } => Some(self.close(now, from, *queue, ground_truth)),
            Request::SettleAndPublish { queue, tag, output } => {
                let which = (*queue, *tag);
                Some(self.settle_and_publish(now, from, which, *output, ground_truth))
            }
        }
    }

    fn deadline_of(&self, request: &Request) -> Instant {
        match request {
            Request::Receive { deadline, .. } => *deadline,
            _ => Instant::NEVER,
        }
    }

    #[inline]
    fn take_changed(&mut self) -> bool {
        mem::take(&mut self.changed)
    }

    #[inline]
    fn next_deadline(&self) -> Option<Instant> {
        match &self.queues[..] {
            [queue] => queue.next_deadline(),
            queues => earliest(queues, BoundQueue::next_deadline),
        }
    }

    fn lease_end(&self, subscription: SubscriptionId, tag: DeliveryTag) -> Option<Instant> {
        self.queues.get(subscription.index())?.lease_end(tag)
    }

    fn stored_id(&self, subscription: SubscriptionId, tag: DeliveryTag) -> Option<u64> {
        self.queues.get(subscription.index())?.extras.as_ref()?.ids.delivered(tag)
    }

    fn next_transfer(&self) -> Option<Transfer> {
        self.first_transfer()
    }

    fn end_transfer(&mut self, now: Instant, how: Transferred) -> bool {
        self.end_first_transfer(now, how)
    }

    #[inline]
    fn next_housekeeping(&self) -> Option<Instant> {
        self.settings.features.retention_time?;
        earliest(&self.queues, |queue| queue.extras.as_ref()?.retention_end())
    }

    fn advance(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth)
            .noting(&mut self.unflushed);
        self.queues.iter_mut().for_each(|queue| queue.advance(&mut step));
    }

    /// Nothing: a lease runs whether its client is well or not.
    fn silent(&mut self, _now: Instant, _client: ClientId) {}

    /// Nothing, for the same reason.
    fn heard(&mut self, _now: Instant, _client: ClientId) {}

    fn disconnected(&mut self, now: Instant, client: ClientId, ground_truth: &mut Vec<Event>) {
        self.departed.insert(client);
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth);
        for queue in &mut self.queues {
            if self.settings.requeue_on_disconnect {
                queue.release(client, &mut step);
            } else {
                queue.leave(client, &mut step);
            }
        }
    }

    fn reconnected(&mut self, now: Instant, client: ClientId, ground_truth: &mut Vec<Event>) {
        if !self.settings.requeue_on_disconnect {
            return;
        }
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth);
        self.queues.iter_mut().for_each(|queue| queue.release(client, &mut step));
    }

    /// Everything in flight is ready again, and every tag is stale. It does not count as a failed
    /// delivery: no consumer is to blame. A queue whose state is stored forgets nothing, unless its
    /// machine loses its power: then what was not flushed is forgotten, and what is in flight too.
    fn restart(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        self.changed = true;
        if self.settings.features.in_flight_survives_restart && self.unflushed.is_none() {
            return;
        }
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth);
        step.tell(Kind::BrokerRestarted);
        self.queues.iter_mut().for_each(|queue| queue.restart(&mut step));
        if let Some(unflushed) = &mut self.unflushed {
            unflushed.forget(&mut self.queues, &mut self.dedup, &mut step);
        }
    }

    fn clear(&mut self) {
        let Self {
            settings: _,
            queues,
            copies: Copies(copies),
            dedup,
            unflushed,
            departed,
            changed,
        } = self;
        unflushed.iter_mut().for_each(|unflushed| unflushed.clear());
        dedup.iter_mut().for_each(DedupWindow::clear);
        queues.iter_mut().for_each(BoundQueue::clear);
        copies.clear();
        departed.0.clear();
        *changed = false;
    }

    fn audit(&self, now: Instant, ground_truth: &mut Vec<Event>) {
        for (queue, subscription) in self.queues.iter().zip((0..).map(SubscriptionId)) {
            let messages = queue.retrievable().into_iter();
            ground_truth.extend(messages.map(|message| Event {
                at: now,
                kind: Kind::Retrievable { message, subscription },
            }));
        }
    }

    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        self.enter(into);
    }

    fn generation(&self, _subscription: SubscriptionId) -> Generation {
        Generation(0)
    }

    fn next_tag(&self, subscription: SubscriptionId) -> u64 {
        self.queues.get(subscription.index()).map_or(0, BoundQueue::next_tag)
    }
}

/// When something is due first in several queues.
#[inline(never)]
fn earliest(queues: &[BoundQueue], of: fn(&BoundQueue) -> Option<Instant>) -> Option<Instant> {
    queues.iter().filter_map(of).min()
}

/// How many copies of each message were stored in every queue.
#[derive(Clone, Debug, Default)]
struct Copies(Vec<u16>);

impl Copies {
    /// The number of the copy that is stored now, 1 at first.
    #[inline]
    fn next(&mut self, message: MessageId) -> u16 {
        let index = message.index();
        if index >= self.0.len() {
            self.reach(index);
        }
        self.0[index] = self.0[index].saturating_add(1);
        self.0[index]
    }

    /// Makes room for a counter, and for as many as there are already.
    #[cold]
    fn reach(&mut self, index: usize) {
        self.0.reserve(index + 1 - self.0.len());
        self.0.resize(self.0.capacity(), 0);
    }

    /// The messages of which something was stored, by id, with the number of copies.
    fn iter(&self) -> impl Iterator<Item = (MessageId, u16)> {
        let counts = (0..).map(MessageId).zip(self.0.iter().copied());
        counts.filter(|(_, count)| *count > 0)
    }
}
