//! One attempt to store one message, on either model.

use std::cell::Cell;

use entrega_model::event::{Kind, SendOutcome};
use entrega_model::log::{self, Acks};
use entrega_model::{Duration, Key, LaneId, Record, queue};
use thiserror::Error;

use crate::{Link, Unanswered};

/// A connection that stores messages.
pub trait Publisher {
    /// Sends and waits for the confirmation. `attempt` 1 is the first.
    ///
    /// # Errors
    /// [`PublishError`].
    async fn publish(&self, record: Record, attempt: u16) -> Result<(), PublishError>;

    /// Sends, asks for no confirmation, and notes the send as ok.
    fn post(&self, record: Record);

    /// Notes how the send of a message ended.
    fn ended(&self, record: Record, outcome: SendOutcome);

    /// Waits.
    async fn pause(&self, span: Duration);
}

/// Why a message is not known to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// No confirmation came; it may be stored.
    #[error("no confirmation; the message may be stored")]
    Unknown,
    /// The broker refused; it is certainly not stored.
    #[error("the broker refused the message")]
    Refused,
}

/// Stores messages in a log. The key decides the partition.
pub struct LogPublisher<L> {
    link: L,
    partition_of: fn(Key, u16) -> LaneId,
    partitions: u16,
    spare: Cell<Vec<Record>>,
}

impl<L> LogPublisher<L> {
    /// A publisher over `link`, to a log with this many partitions, with this partitioner.
    pub fn new(link: L, partitions: u16, partition_of: fn(Key, u16) -> LaneId) -> Self {
        Self { link, partition_of, partitions, spare: Cell::default() }
    }

    fn produce(&self, record: Record, acks: Acks) -> log::Request {
        let mut records = self.spare.take();
        records.push(record);
        let partition = (self.partition_of)(record.key, self.partitions);
        log::Request::Produce { partition, records, acks }
    }
}

impl<L: Link<Request = log::Request, Response = log::Response>> Publisher for LogPublisher<L> {
    async fn publish(&self, record: Record, attempt: u16) -> Result<(), PublishError> {
        invoked(&self.link, record, attempt);
        match self.link.call(self.produce(record, Acks::All)).await {
            Ok(log::Response::Produced { records, .. }) => {
                self.spare.set(records);
                Ok(())
            }
            Ok(_) => Err(PublishError::Refused),
            Err(Unanswered) => Err(PublishError::Unknown),
        }
    }

    fn post(&self, record: Record) {
        invoked(&self.link, record, 1);
        let call = self.link.start(self.produce(record, Acks::None));
        self.link.forget(call);
        self.ended(record, SendOutcome::Ok);
    }

    fn ended(&self, record: Record, outcome: SendOutcome) {
        ended(&self.link, record, outcome);
    }

    async fn pause(&self, span: Duration) {
        self.link.sleep_until(self.link.now() + span).await;
    }
}

/// Publishes messages to the exchange of a queue broker.
pub struct QueuePublisher<L> {
    link: L,
    spare: Cell<Vec<Record>>,
}

impl<L> QueuePublisher<L> {
    /// A publisher over `link`.
    pub fn new(link: L) -> Self {
        Self { link, spare: Cell::default() }
    }

    fn request(&self, record: Record, confirm: bool) -> queue::Request {
        let mut records = self.spare.take();
        records.push(record);
        queue::Request::Publish { records, confirm }
    }
}

impl<L: Link<Request = queue::Request, Response = queue::Response>> Publisher
    for QueuePublisher<L>
{
    async fn publish(&self, record: Record, attempt: u16) -> Result<(), PublishError> {
        invoked(&self.link, record, attempt);
        match self.link.call(self.request(record, true)).await {
            Ok(queue::Response::Published { records }) => {
                self.spare.set(records);
                Ok(())
            }
            Ok(_) => Err(PublishError::Refused),
            Err(Unanswered) => Err(PublishError::Unknown),
        }
    }

    fn post(&self, record: Record) {
        invoked(&self.link, record, 1);
        let call = self.link.start(self.request(record, false));
        self.link.forget(call);
        self.ended(record, SendOutcome::Ok);
    }

    fn ended(&self, record: Record, outcome: SendOutcome) {
        ended(&self.link, record, outcome);
    }

    async fn pause(&self, span: Duration) {
        self.link.sleep_until(self.link.now() + span).await;
    }
}

fn invoked(link: &impl Link, record: Record, attempt: u16) {
    let Record { message, key, .. } = record;
    link.record(Kind::SendInvoked { message, key, producer: link.process(), attempt });
}

fn ended(link: &impl Link, record: Record, outcome: SendOutcome) {
    let message = record.message;
    link.record(Kind::SendEnded { message, producer: link.process(), outcome });
}
