//! A producer of a log that gets more partitions while it runs.
//!
//! > **The rule.** A producer partitions by the number of partitions that it has learnt of, and it
//! > learns of more at a refresh of its metadata. A message keeps its partition: an attempt more
//! > goes where the first one went.

use std::cell::Cell;
use std::future::Future;

use entrega_clients::producers::{BatchPublisher, LogPublisher, PublishError, Publisher};
use entrega_clients::{Link, MetadataRefresh};
use entrega_model::event::SendOutcome;
use entrega_model::log::{Acks, Request, Response};
use entrega_model::{Duration, Instant, Key, MessageId, PartitionId, Record};

/// A publisher to a log whose number of partitions may change.
pub(crate) struct GrowingPublisher<L> {
    link: L,
    before: LogPublisher<L>,
    after: Option<After<L>>,
}

/// What it publishes with once it has learnt of the change.
struct After<L> {
    publisher: LogPublisher<L>,
    knows_at: Instant,
    /// The first message that went by the new number.
    first: Cell<Option<MessageId>>,
}

/// More partitions, and when a producer learns of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct More {
    pub(crate) partitions: u16,
    pub(crate) refresh: MetadataRefresh,
}

impl<L: Link + Clone> GrowingPublisher<L> {
    /// A publisher over `link`, to a log with this many partitions and later more, with this
    /// partitioner.
    pub(crate) fn new(
        link: L,
        partitions: u16,
        more: Option<More>,
        partition_of: fn(Key, u16) -> PartitionId,
    ) -> Self {
        let after = more.map(|More { partitions, refresh }| After {
            publisher: LogPublisher::new(link.clone(), partitions, partition_of),
            knows_at: refresh.finds_at(link.now()).unwrap_or_else(|| link.now()),
            first: Cell::new(None),
        });
        let before = LogPublisher::new(link.clone(), partitions, partition_of);
        Self { link, before, after }
    }

    /// The same, idempotent or not. A scenario whose log gets more partitions has no idempotent
    /// producer: both publishers would have to share its state.
    pub(crate) fn idempotent(self, is_idempotent: bool) -> Self {
        Self { before: self.before.idempotent(is_idempotent), ..self }
    }

    /// The same, waiting for these acknowledgements.
    pub(crate) fn acknowledged_by(self, acks: Acks) -> Self {
        let same =
            |after: After<L>| After { publisher: after.publisher.acknowledged_by(acks), ..after };
        Self { before: self.before.acknowledged_by(acks), after: self.after.map(same), ..self }
    }
}

impl<L: Link> GrowingPublisher<L> {
    /// The publisher of a message, which is sent now for the `attempt`-th time.
    #[inline]
    fn of(&self, record: Record, attempt: u16) -> &LogPublisher<L> {
        match &self.after {
            None => &self.before,
            Some(after) => self.by_time(after, record, attempt),
        }
    }

    #[cold]
    fn by_time<'a>(
        &'a self,
        after: &'a After<L>,
        record: Record,
        attempt: u16,
    ) -> &'a LogPublisher<L> {
        if after.first.get().is_none() && attempt == 1 && self.link.now() >= after.knows_at {
            after.first.set(Some(record.message));
        }
        let is_later = after.first.get().is_some_and(|first| record.message >= first);
        if is_later { &after.publisher } else { &self.before }
    }
}

impl<L: Link<Request = Request, Response = Response>> Publisher for GrowingPublisher<L> {
    #[inline(always)]
    fn publish(
        &self,
        record: Record,
        attempt: u16,
    ) -> impl Future<Output = Result<(), PublishError>> {
        self.of(record, attempt).publish(record, attempt)
    }

    fn may_send(&self, record: Record) -> bool {
        self.before.may_send(record)
    }

    fn post(&self, record: Record) {
        self.of(record, 1).post(record);
    }

    #[inline]
    fn ended(&self, record: Record, outcome: SendOutcome) {
        self.before.ended(record, outcome);
    }

    fn pause(&self, span: Duration) -> impl Future<Output = ()> {
        self.before.pause(span)
    }
}

impl<L: Link<Request = Request, Response = Response>> BatchPublisher for GrowingPublisher<L> {
    fn partition(&self, record: Record) -> PartitionId {
        self.of(record, 1).partition(record)
    }

    fn accepted(&self, record: Record) {
        self.before.accepted(record);
    }

    fn publish_batch(
        &self,
        batch: &[Record],
        attempt: u16,
    ) -> impl Future<Output = Result<(), PublishError>> {
        self.of(batch[0], attempt).publish_batch(batch, attempt)
    }

    fn post_batch(&self, batch: &[Record]) {
        self.of(batch[0], 1).post_batch(batch);
    }

    fn batch_ended(&self, batch: &[Record], outcome: SendOutcome) {
        self.before.batch_ended(batch, outcome);
    }

    fn now(&self) -> Instant {
        self.link.now()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> {
        self.before.sleep_until(at)
    }
}
