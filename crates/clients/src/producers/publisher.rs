//! One attempt to store one message, on either model.

mod batches;
mod ids;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use entrega_model::event::{Kind, SendOutcome};
use entrega_model::log::{self, Acks, ProduceRefusal};
use entrega_model::{Duration, Key, PartitionId, Record, queue};
use thiserror::Error;

use self::ids::IdsOfSends;
use super::session::Session;
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

    /// Whether a request for the message may leave now. If not, it may when the send of another
    /// message has ended.
    fn may_send(&self, record: Record) -> bool;

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
    session: Option<Session>,
    acks: Acks,
}

impl<L> LogPublisher<L> {
    /// A publisher over `link`, to a log with this many partitions, with this partitioner.
    pub fn new(link: L, partitions: u16, partition_of: fn(Key, u16) -> PartitionId) -> Self {
        let (spare, session, acks) = (Cell::default(), None, Acks::All);
        Self { link, partition_of, partitions, spare, session, acks }
    }

    /// The same, idempotent or not (`enable.idempotence`): then the broker recognises its retries.
    #[must_use]
    pub fn idempotent(self, is_idempotent: bool) -> Self {
        let session = is_idempotent.then(|| Session::new(self.partitions));
        Self { session, ..self }
    }

    /// The same, waiting for these acknowledgements where it waits for any (`acks`; all by
    /// default).
    #[must_use]
    pub fn acknowledged_by(self, acks: Acks) -> Self {
        Self { acks, ..self }
    }

    fn produce(&self, record: Record, acks: Acks) -> log::Request {
        let mut records = self.spare.take();
        records.push(record);
        self.produce_all(record, records, acks)
    }

    /// A request for records of one partition, of which this is the first.
    #[inline]
    fn produce_all(&self, first: Record, records: Vec<Record>, acks: Acks) -> log::Request {
        let partition = self.partition_of(first);
        let number =
            |session: &Session| session.sequence(partition, first.message, records.len() as u32);
        let sequence = self.session.as_ref().map(number);
        log::Request::Produce { partition, records, acks, sequence }
    }

    fn partition_of(&self, record: Record) -> PartitionId {
        (self.partition_of)(record.key, self.partitions)
    }

    /// What an answer says of a message.
    #[inline]
    fn confirm(
        &self,
        record: Record,
        answer: Result<log::Response, Unanswered>,
    ) -> Result<(), PublishError> {
        match answer {
            Ok(log::Response::Produced { records, .. }) => {
                self.spare.set(records);
                if let Some(session) = &self.session {
                    session.confirmed(self.partition_of(record));
                }
                Ok(())
            }
            Ok(log::Response::ProduceRefused { refusal, records }) => {
                self.refused(record, refusal, records);
                let is_certain = refusal.is_certain();
                Err(if is_certain { PublishError::Refused } else { PublishError::Unknown })
            }
            Ok(_) => Err(PublishError::Refused),
            Err(Unanswered) => Err(PublishError::Unknown),
        }
    }

    #[cold]
    fn refused(&self, record: Record, refusal: ProduceRefusal, mut records: Vec<Record>) {
        records.clear();
        self.spare.set(records);
        if let (Some(session), ProduceRefusal::OutOfOrderSequence) = (&self.session, refusal) {
            session.out_of_order(self.partition_of(record), record.message);
        }
    }
}

impl<L: Link<Request = log::Request, Response = log::Response>> Publisher for LogPublisher<L> {
    #[inline(always)]
    fn publish(
        &self,
        record: Record,
        attempt: u16,
    ) -> impl Future<Output = Result<(), PublishError>> {
        invoked(&self.link, record, attempt);
        let confirm = move |answer| self.confirm(record, answer);
        Publishing::new(&self.link, self.produce(record, self.acks), confirm)
    }

    fn post(&self, record: Record) {
        invoked(&self.link, record, 1);
        let call = self.link.start(self.produce(record, Acks::None));
        self.link.forget(call);
        self.ended(record, SendOutcome::Ok);
    }

    fn may_send(&self, record: Record) -> bool {
        let session = self.session.as_ref();
        session.is_none_or(|session| session.may_send(self.partition_of(record), record.message))
    }

    #[inline]
    fn ended(&self, record: Record, outcome: SendOutcome) {
        if let Some(session) = &self.session {
            session.ended(self.partition_of(record), record.message);
        }
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
    ids: Option<IdsOfSends>,
}

impl<L> QueuePublisher<L> {
    /// A publisher over `link`. A message has one id, however often it is sent.
    pub fn new(link: L) -> Self {
        Self { link, spare: Cell::default(), ids: None }
    }

    /// The same, of a producer in its `life`-th life from 0, which makes an id for each send of one
    /// message. For messages that are sent one by one.
    #[must_use]
    pub fn with_an_id_a_send(self, life: u32) -> Self {
        Self { ids: Some(IdsOfSends::of_life(life)), ..self }
    }

    fn request(&self, record: Record, confirm: bool) -> queue::Request {
        let mut records = self.spare.take();
        records.push(record);
        let id = self.ids.as_ref().map_or(0, |ids| ids.of(record.message));
        queue::Request::Publish { records, confirm, id }
    }
}

impl<L: Link<Request = queue::Request, Response = queue::Response>> Publisher
    for QueuePublisher<L>
{
    #[inline(always)]
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

    fn may_send(&self, _record: Record) -> bool {
        true
    }

    #[inline]
    fn ended(&self, record: Record, outcome: SendOutcome) {
        if let Some(ids) = self.ids.as_ref().filter(|_| outcome != SendOutcome::Ok) {
            ids.ended_without_success(record.message);
        }
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
    #[inline(always)]
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

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Confirmed(result) => Poll::Ready(*result),
            Self::Open(call, confirm) => Pin::new(call).poll(cx).map(confirm),
        }
    }
}

#[inline(always)]
fn invoked(context: &impl Context, record: Record, attempt: u16) {
    let Record { message, key, .. } = record;
    context.record(Kind::SendInvoked { message, key, producer: context.process(), attempt });
}

#[inline(always)]
fn ended(context: &impl Context, record: Record, outcome: SendOutcome) {
    let message = record.message;
    context.record(Kind::SendEnded { message, producer: context.process(), outcome });
}
