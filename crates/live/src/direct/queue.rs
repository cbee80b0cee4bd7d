//! A [`LiveQueue`] with its client library.

mod feed;
mod link;
mod tags;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use entrega_brokers::QueueBroker;
use entrega_brokers::queue::QueueSettings;
use entrega_clients::application::TransactionalHandler;
use entrega_clients::inbox::QueueInbox;
use entrega_clients::{ClientConfig, Consumer, DeadLetters, Stop};
use entrega_model::event::{DeadLetterReason, Kind};
use entrega_model::{Observer, Record, SubscriptionId};

pub use feed::QueueFeed;
pub use link::QueueLink;

use super::{ControlLink, Message};
use crate::consumer::consume_from;
use crate::{Clock, ConsumerSettings, LiveLink, Served};
use entrega_inproc::queue::{Ended, LiveQueue};

/// The one subscription of a live queue.
const SUBSCRIPTION: SubscriptionId = SubscriptionId(0);

/// A queue on which the strategies of the catalogue run. Clones are the same queue; its one
/// subscription has the number 0.
///
/// A run ends by itself: after [`LiveQueue::close`] consumers take what is left, and are asked to
/// stop when nothing can come back any more. `served().close()` asks them to stop at once.
pub struct DirectQueue<T> {
    queue: LiveQueue<T>,
    served: Served<QueueBroker>,
    is_watched: bool,
    stored: Arc<AtomicU64>,
}

impl<T> Clone for DirectQueue<T> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            served: self.served.clone(),
            is_watched: self.is_watched,
            stored: Arc::clone(&self.stored),
        }
    }
}

impl<T: Message> DirectQueue<T> {
    /// A queue whose run is not watched.
    pub fn new(queue: LiveQueue<T>, clock: Clock) -> Self {
        Self { is_watched: false, ..Self::watched(queue, clock, ()) }
    }

    /// A queue whose history `observer` sees.
    pub fn watched(
        queue: LiveQueue<T>,
        clock: Clock,
        observer: impl Observer + Send + 'static,
    ) -> Self {
        let served = Served::new(QueueBroker::new(QueueSettings::default()), clock, observer);
        Self { queue, served, is_watched: true, stored: Arc::default() }
    }

    /// The queue itself.
    pub fn queue(&self) -> &LiveQueue<T> {
        &self.queue
    }

    /// The control plane, to which consumers and producers connect.
    pub fn served(&self) -> &Served<QueueBroker> {
        &self.served
    }

    /// The consumer's end.
    pub fn subscribe(
        &self,
        link: &LiveLink<QueueBroker>,
        config: ClientConfig,
    ) -> QueueInbox<QueueLink<T>> {
        QueueInbox::new(QueueLink::new(self.queue.clone(), self.control(link)), config)
    }

    /// The producer's end. `make` builds the body of a record.
    pub fn publisher<F: Fn(Record) -> T>(
        &self,
        link: &LiveLink<QueueBroker>,
        make: F,
    ) -> QueueFeed<T, F> {
        QueueFeed::new(self.queue.producer(), self.control(link), make, Arc::clone(&self.stored))
    }

    /// Runs a consumer until it is asked to stop or cannot go on, closes its subscription, and
    /// leaves. Dropping the future is a crash.
    ///
    /// # Errors
    /// [`Stop`], if it could not go on.
    pub async fn consume(
        &self,
        link: LiveLink<QueueBroker>,
        code: &impl Consumer,
        settings: &ConsumerSettings,
        handler: &(impl TransactionalHandler + DeadLetters),
    ) -> Result<(), Stop> {
        let inbox = self.subscribe(&link, settings.client.clone());
        let ended = consume_from(&inbox, code, settings, handler).await;
        link.leave(ended.is_err());
        ended
    }

    /// Moves the dead letters into the history. The queue does not keep why a message is there;
    /// `reason` says so.
    pub fn note_dead_letters(&self, reason: DeadLetterReason) {
        while let Some(letter) = self.queue.dead_letter() {
            let message = letter.record().message;
            let subscription = SUBSCRIPTION;
            self.served.record(Kind::DeadLettered { message, subscription, reason });
        }
    }

    /// Records what is left, for the history, by taking it and giving it back. Consumers must be
    /// gone, and the queue not stopped.
    pub fn audit(&self) {
        let mut consumers = vec![self.queue.consumer()];
        while let Some(consumer) = consumers.last_mut() {
            match consumer.try_take_batch(usize::MAX) {
                Ok(Some(batch)) => batch.bodies().iter().for_each(|body| self.is_retrievable(body)),
                Err(Ended::PrefetchUsedUp) => consumers.push(self.queue.consumer()),
                Ok(None) | Err(_) => break,
            }
        }
        consumers.into_iter().for_each(|consumer| consumer.close());
    }

    fn is_retrievable(&self, body: &T) {
        let (message, subscription) = (body.record().message, SUBSCRIPTION);
        self.served.record(Kind::Retrievable { message, subscription });
    }

    fn control(&self, link: &LiveLink<QueueBroker>) -> ControlLink<QueueBroker> {
        ControlLink::new(link.clone(), self.is_watched)
    }
}
