//! Batches of messages, on either model.

use entrega_model::event::SendOutcome;
use entrega_model::log::Acks;
use entrega_model::{Instant, PartitionId, Record, log, queue};

use super::super::BatchPublisher;
use super::{LogPublisher, PublishError, QueuePublisher, ended, invoked};
use crate::{Link, Unanswered};

impl<L: Link<Request = log::Request, Response = log::Response>> BatchPublisher for LogPublisher<L> {
    fn partition(&self, record: Record) -> PartitionId {
        self.partition_of(record)
    }

    fn accepted(&self, record: Record) {
        invoked(&self.link, record, 1);
    }

    async fn publish_batch(&self, batch: &[Record], attempt: u16) -> Result<(), PublishError> {
        attempted(&self.link, batch, attempt);
        let request = self.produce_all(batch[0], copied(&self.spare, batch), self.acks);
        self.confirm(batch[0], self.link.call(request).await)
    }

    fn post_batch(&self, batch: &[Record]) {
        let request = self.produce_all(batch[0], copied(&self.spare, batch), Acks::None);
        self.link.forget(self.link.start(request));
    }

    fn batch_ended(&self, batch: &[Record], outcome: SendOutcome) {
        if let Some(session) = &self.session {
            session.ended(self.partition_of(batch[0]), batch[0].message);
        }
        batch.iter().for_each(|record| ended(&self.link, *record, outcome));
    }

    fn now(&self) -> Instant {
        self.link.now()
    }

    async fn sleep_until(&self, at: Instant) {
        self.link.sleep_until(at).await;
    }
}

impl<L: Link<Request = queue::Request, Response = queue::Response>> BatchPublisher
    for QueuePublisher<L>
{
    fn partition(&self, _record: Record) -> PartitionId {
        PartitionId(0)
    }

    fn accepted(&self, record: Record) {
        invoked(&self.link, record, 1);
    }

    async fn publish_batch(&self, batch: &[Record], attempt: u16) -> Result<(), PublishError> {
        attempted(&self.link, batch, attempt);
        let records = copied(&self.spare, batch);
        let call = self.link.call(queue::Request::Publish { records, confirm: true, id: 0 });
        match call.await {
            Ok(queue::Response::Published { records }) => {
                self.spare.set(records);
                Ok(())
            }
            Ok(_) => Err(PublishError::Refused),
            Err(Unanswered) => Err(PublishError::Unknown),
        }
    }

    fn post_batch(&self, batch: &[Record]) {
        let records = copied(&self.spare, batch);
        let request = queue::Request::Publish { records, confirm: false, id: 0 };
        self.link.forget(self.link.start(request));
    }

    fn batch_ended(&self, batch: &[Record], outcome: SendOutcome) {
        batch.iter().for_each(|record| ended(&self.link, *record, outcome));
    }

    fn now(&self) -> Instant {
        self.link.now()
    }

    async fn sleep_until(&self, at: Instant) {
        self.link.sleep_until(at).await;
    }
}

/// Notes another attempt; the first was noted when the application handed the messages over.
fn attempted(context: &impl crate::Context, batch: &[Record], attempt: u16) {
    if attempt > 1 {
        batch.iter().for_each(|record| invoked(context, *record, attempt));
    }
}

/// A batch in a buffer that travels.
fn copied(spare: &std::cell::Cell<Vec<Record>>, batch: &[Record]) -> Vec<Record> {
    let mut records = spare.take();
    records.extend_from_slice(batch);
    records
}
