//! Retry topics: a consumer publishes another copy of what it could not process, to be delivered
//! later.
//!
//! > **The rule.** A copy is stored as a new message: with a new age and a delivery count of 0. The
//! > queue holds it back for the time that its consumer names, then it stands at the end. Its
//! > consumers are told in how many deliveries it was tried in all, those of earlier copies
//! > included.
//!
//! It is what a header such as `x-retry-count` says, and a queue that delays what is published to
//! it: a topic of Spring's `@RetryableTopic`, the retry letter topic of Pulsar, a delayed exchange
//! of RabbitMQ, a scheduled message of Service Bus. No window takes the copy for a duplicate: it
//! has an id of its own. What is published to one subscription's queue reaches no other.

use std::collections::BTreeMap;

use entrega_model::queue::Response;
use entrega_model::{
    ClientId, Duration, Event, Fingerprint, Fingerprinted, Instant, Kind, Record, SubscriptionId,
};

use super::QueueBroker;
use super::bound_queue::{BoundQueue, Step};
use super::delayed::Delayed;
use super::ready::Stored;

/// The copies that were published to be tried later.
#[derive(Clone, Debug, Default)]
pub(super) struct Retries {
    /// What waits, and until when: each for as long as its consumer says.
    pub(super) waiting: Delayed,
    /// In how many deliveries a copy was tried before it was published.
    tried: BTreeMap<u64, u16>,
}

impl Retries {
    /// Whether a copy is such a one.
    pub(super) fn has(&self, sequence: u64) -> bool {
        self.tried.contains_key(&sequence)
    }

    /// In how many deliveries a copy was tried before it was published; 0 if it is the first one.
    pub(super) fn tried(&self, sequence: u64) -> u16 {
        self.tried.get(&sequence).copied().unwrap_or(0)
    }

    /// A copy is finished.
    pub(super) fn finish(&mut self, sequence: u64) {
        self.tried.remove(&sequence);
    }

    pub(super) fn clear(&mut self) {
        let Self { waiting, tried } = self;
        waiting.clear();
        tried.clear();
    }

    /// Enters until when its copies wait, in the order in which they are due.
    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.count(self.waiting.len());
        for (due, stored) in self.waiting.in_order() {
            into.time(due);
            stored.record.fingerprint(into);
        }
    }
}

/// What a consumer asks to have tried later, and in which queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryRequest {
    pub(super) queue: SubscriptionId,
    pub(super) record: Record,
    pub(super) tried: u16,
    pub(super) after: Duration,
}

impl QueueBroker {
    /// Stores a copy in one queue, unless that takes none or has no room.
    #[cold]
    pub(super) fn retry(
        &mut self,
        now: Instant,
        from: ClientId,
        retry: RetryRequest,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let place = retry.queue.index();
        if place >= self.queues.len() {
            return Response::UnknownQueue;
        }
        if !self.settings.features.takes_retries || self.refuses(1) {
            return Response::PublishRefused { records: vec![retry.record] };
        }
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth)
            .noting(&mut self.unflushed);
        self.queues[place].retry(from, retry, &mut step);
        Response::Published { records: Vec::new() }
    }
}

impl BoundQueue {
    /// Stores a copy that waits.
    fn retry(&mut self, from: ClientId, retry: RetryRequest, step: &mut Step<'_>) {
        let Some(extras) = &mut self.extras else { return };
        let RetryRequest { record, tried, after, queue: _ } = retry;
        let (message, subscription, position) = (record.message, self.id, self.next_sequence);
        self.next_sequence += 1;
        let consumer = from.process;
        step.tell(Kind::Retried { message, subscription, consumer, position });
        extras.note_age(step.now);
        extras.retries.tried.insert(position, tried);
        let stored = Stored::delivered(position, record, 0);
        extras.retries.waiting.push(step.now + after, stored);
        step.note_stored(subscription, position);
        *step.changed = true;
        self.try_again(step);
        self.trim(step);
    }

    /// What has waited for long enough stands at the end of the queue.
    pub(super) fn try_again(&mut self, step: &mut Step<'_>) {
        while let Some(extras) = &mut self.extras
            && let Some(stored) = extras.retries.waiting.take_due(step.now)
        {
            self.ready.append(stored);
            *step.changed = true;
        }
    }
}
