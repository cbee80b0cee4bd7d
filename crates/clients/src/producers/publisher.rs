//! One attempt to store one message, on either model.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use entrega_model::event::{Kind, SendOutcome};
use entrega_model::log::{self, Acks};
use entrega_model::{Duration, Key, PartitionId, Record, queue};
use thiserror::Error;

use crate::{Called, Context, Link, OpenCall, Unanswered};

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
    partition_of: fn(Key, u16) -> PartitionId,
    partitions: u16,
    spare: Cell<Vec<Record>>,
}

impl<L> LogPublisher<L> {
    /// A publisher over `link`, to a log with this many partitions, with this partitioner.
    pub fn new(link: L, partitions: u16, partition_of: fn(Key, u16) -> PartitionId) -> Self {
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
    fn publish(
        &self,
        record: Record,
        attempt: u16,
    ) -> impl Future<Output = Result<(), PublishError>> {
        invoked(&self.link, record, attempt);
        let confirm = |answer| match answer {
            Ok(log::Response::Produced { records, .. }) => {
                self.spare.set(records);
                Ok(())
            }
            Ok(_) => Err(PublishError::Refused),
            Err(Unanswered) => Err(PublishError::Unknown),
        };
        Publishing::new(&self.link, self.produce(record, Acks::All), confirm)
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
    fn publish(
        &self,
        record: Record,
        attempt: u16,
    ) -> impl Future<Output = Result<(), PublishError>> {
        invoked(&self.link, record, attempt);
        let confirm = |answer| match answer {
            Ok(queue::Response::Published { records }) => {
                self.spare.set(records);
                Ok(())
            }
            Ok(_) => Err(PublishError::Refused),
            Err(Unanswered) => Err(PublishError::Unknown),
        };
        Publishing::new(&self.link, self.request(record, true), confirm)
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

/// A send under way. What its answer means is known as soon as that is there, which may be before
/// anybody waits.
enum Publishing<'a, L: Link, C> {
    Confirmed(Result<(), PublishError>),
    Open(OpenCall<'a, L>, C),
}

impl<'a, L: Link, C> Publishing<'a, L, C>
where
    C: FnMut(Result<L::Response, Unanswered>) -> Result<(), PublishError>,
{
    #[inline]
    fn new(link: &'a L, request: L::Request, mut confirm: C) -> Self {
        match link.ask(request) {
            Called::Answered(answer) => Self::Confirmed(confirm(Ok(answer))),
            Called::Open(call) => Self::Open(link.answer(call), confirm),
        }
    }
}

impl<L: Link, C> Future for Publishing<'_, L, C>
where
    C: FnMut(Result<L::Response, Unanswered>) -> Result<(), PublishError> + Unpin,
{
    type Output = Result<(), PublishError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Confirmed(result) => Poll::Ready(*result),
            Self::Open(call, confirm) => Pin::new(call).poll(cx).map(confirm),
        }
    }
}

fn invoked(context: &impl Context, record: Record, attempt: u16) {
    let Record { message, key, .. } = record;
    context.record(Kind::SendInvoked { message, key, producer: context.process(), attempt });
}

fn ended(context: &impl Context, record: Record, outcome: SendOutcome) {
    let message = record.message;
    context.record(Kind::SendEnded { message, producer: context.process(), outcome });
}
