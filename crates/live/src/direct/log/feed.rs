//! A producer's end of a log, which waits while a partition is full.

use std::sync::Arc;

use entrega_brokers::LogBroker;
use entrega_brokers::log::partition_of;
use entrega_clients::Context;
use entrega_clients::producers::{PublishError, Publisher};
use entrega_model::event::{Kind, SendOutcome};
use entrega_model::log::Offset;
use entrega_model::{Duration, PartitionId, Record};

use super::{ControlLink, Message, Shared, lock};
use entrega_inproc::log::{Producer, Refused};

/// Appends messages to a log. The key decides the partition.
///
/// While the partition is full [`publish`](Publisher::publish) yields, and
/// [`post`](Publisher::post) blocks its thread: post from a thread of its own, or use a log that is
/// large enough. A closed log refuses.
pub struct LogFeed<T, F> {
    shared: Arc<Shared<T>>,
    control: ControlLink<LogBroker>,
    make: F,
}

impl<T: Message, F: Fn(Record) -> T> LogFeed<T, F> {
    pub(super) fn new(shared: Arc<Shared<T>>, control: ControlLink<LogBroker>, make: F) -> Self {
        Self { shared, control, make }
    }

    /// What raced with the close is in the log too, read or not.
    fn append(
        &self,
        partition: PartitionId,
        record: Record,
        body: T,
    ) -> Result<Offset, Refused<T>> {
        let Some(producer) = self.shared.producers.get(partition.index()) else {
            return Err(Refused::Closed(body));
        };
        let act = || {
            let mut producer = lock(producer);
            (producer.next_offset(), producer.try_append(body))
        };
        let (_, appended) = self.control.act(act, |(next, appended), note| {
            if matches!(appended, Ok(_) | Err(Refused::TooLate)) {
                let position = *next;
                let (message, subscription, copy) = (record.message, None, 1);
                note(Kind::Stored { message, subscription, partition, position, copy });
            }
        });
        appended
    }

    fn partition(&self, record: Record) -> PartitionId {
        partition_of(record.key, self.shared.log.partitions())
    }

    fn invoked(&self, record: Record, attempt: u16) {
        let (Record { message, key, .. }, producer) = (record, self.control.link.process());
        self.control.record(Kind::SendInvoked { message, key, producer, attempt });
    }
}

impl<T: Message, F: Fn(Record) -> T> Publisher for LogFeed<T, F> {
    async fn publish(&self, record: Record, attempt: u16) -> Result<(), PublishError> {
        self.invoked(record, attempt);
        let (partition, mut body) = (self.partition(record), (self.make)(record));
        loop {
            match self.append(partition, record, body) {
                Ok(_) => return Ok(()),
                Err(Refused::Full(back)) => body = back,
                Err(Refused::Closed(_)) => return Err(PublishError::Refused),
                Err(Refused::TooLate) => return Err(PublishError::Unknown),
            }
            Producer::room(&self.shared.producers[partition.index()]).await;
        }
    }

    fn post(&self, record: Record) {
        self.invoked(record, 1);
        let (partition, mut body) = (self.partition(record), (self.make)(record));
        while let Err(Refused::Full(back)) = self.append(partition, record, body) {
            body = back;
            lock(&self.shared.producers[partition.index()]).block_until_room();
        }
        self.ended(record, SendOutcome::Ok);
    }

    fn may_send(&self, _record: Record) -> bool {
        true
    }

    fn ended(&self, record: Record, outcome: SendOutcome) {
        let (message, producer) = (record.message, self.control.link.process());
        self.control.record(Kind::SendEnded { message, producer, outcome });
    }

    async fn pause(&self, span: Duration) {
        self.control.link.sleep_until(self.control.link.now() + span).await;
    }
}
