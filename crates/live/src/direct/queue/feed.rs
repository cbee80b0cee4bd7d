//! A producer's end of a queue: what is full pushes back.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use entrega_brokers::QueueBroker;
use entrega_clients::Context;
use entrega_clients::producers::{PublishError, Publisher};
use entrega_model::event::{Kind, SendOutcome};
use entrega_model::{Duration, PartitionId, Record};

use super::{Message, SUBSCRIPTION, Seat};
use entrega_inproc::queue::{Producer, Refused};

/// Sends messages to a queue.
///
/// While the queue is full [`publish`](Publisher::publish) lets others run, and
/// [`post`](Publisher::post) blocks its thread: who posts has a thread of its own, or a queue that
/// is large enough. A queue that is closed refuses.
pub struct QueueFeed<T, F> {
    producer: RefCell<Producer<T>>,
    seat: Seat<QueueBroker>,
    make: F,
    /// How many messages were stored, by everybody.
    stored: Arc<AtomicU64>,
}

impl<T: Message, F: Fn(Record) -> T> QueueFeed<T, F> {
    pub(super) fn new(
        producer: Producer<T>,
        seat: Seat<QueueBroker>,
        make: F,
        stored: Arc<AtomicU64>,
    ) -> Self {
        Self { producer: RefCell::new(producer), seat, make, stored }
    }

    /// What met the close is in the queue too, whoever is given it.
    fn send(&self, record: Record, body: T) -> Result<(), Refused<T>> {
        let act = || self.producer.borrow_mut().try_send(body);
        self.seat.act(act, |sent, note| {
            if matches!(sent, Ok(()) | Err(Refused::TooLate)) {
                let (message, subscription) = (record.message, Some(SUBSCRIPTION));
                let (partition, copy) = (PartitionId(0), 1);
                let position = self.stored.fetch_add(1, Ordering::Relaxed);
                note(Kind::Stored { message, subscription, partition, position, copy });
            }
        })
    }

    fn invoked(&self, record: Record, attempt: u16) {
        let (Record { message, key, .. }, producer) = (record, self.seat.link.process());
        self.seat.record(Kind::SendInvoked { message, key, producer, attempt });
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

    fn ended(&self, record: Record, outcome: SendOutcome) {
        let (message, producer) = (record.message, self.seat.link.process());
        self.seat.record(Kind::SendEnded { message, producer, outcome });
    }

    async fn pause(&self, span: Duration) {
        self.seat.link.sleep_until(self.seat.link.now() + span).await;
    }
}
