//! A producer's end of a queue, which waits while the queue is full.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use entrega_brokers::QueueBroker;
use entrega_clients::Context;
use entrega_clients::producers::{PublishError, Publisher};
use entrega_model::event::{Kind, SendOutcome};
use entrega_model::{Duration, PartitionId, Record};

use super::{ControlLink, Message, SUBSCRIPTION};
use entrega_inproc::queue::{Producer, Refused};

/// Sends messages to a queue.
///
/// While the queue is full [`publish`](Publisher::publish) yields, and [`post`](Publisher::post)
/// blocks its thread: post from a thread of its own, or use a queue that is large enough. A closed
/// queue refuses.
pub struct QueueFeed<T, F> {
    producer: RefCell<Producer<T>>,
    control: ControlLink<QueueBroker>,
    make: F,
    /// How many messages were stored, by all producers.
    stored: Arc<AtomicU64>,
}

impl<T: Message, F: Fn(Record) -> T> QueueFeed<T, F> {
    pub(super) fn new(
        producer: Producer<T>,
        control: ControlLink<QueueBroker>,
        make: F,
        stored: Arc<AtomicU64>,
    ) -> Self {
        Self { producer: RefCell::new(producer), control, make, stored }
    }

    /// What raced with the close is in the queue too, delivered or not.
    fn send(&self, record: Record, body: T) -> Result<(), Refused<T>> {
        let act = || self.producer.borrow_mut().try_send(body);
        self.control.act(act, |sent, note| {
            if matches!(sent, Ok(()) | Err(Refused::TooLate)) {
                let (message, subscription) = (record.message, Some(SUBSCRIPTION));
                let (partition, copy) = (PartitionId(0), 1);
                let position = self.stored.fetch_add(1, Ordering::Relaxed);
                note(Kind::Stored { message, subscription, partition, position, copy });
            }
        })
    }

    fn invoked(&self, record: Record, attempt: u16) {
        let (Record { message, key, .. }, producer) = (record, self.control.link.process());
        self.control.record(Kind::SendInvoked { message, key, producer, attempt });
    }
}

impl<T: Message, F: Fn(Record) -> T> Publisher for QueueFeed<T, F> {
    async fn publish(&self, record: Record, attempt: u16) -> Result<(), PublishError> {
        self.invoked(record, attempt);
        let mut body = (self.make)(record);
        loop {
            match self.send(record, body) {
                Ok(()) => return Ok(()),
                Err(Refused::Full(back)) => body = back,
                Err(Refused::Closed(_)) => return Err(PublishError::Refused),
                Err(Refused::TooLate) => return Err(PublishError::Unknown),
            }
            Producer::room(&self.producer).await;
        }
    }

    fn post(&self, record: Record) {
        self.invoked(record, 1);
        let mut body = (self.make)(record);
        while let Err(Refused::Full(back)) = self.send(record, body) {
            body = back;
            self.producer.borrow_mut().block_until_room();
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
