//! A consumer with a store: what outlives its lives, in a run.

use std::cell::RefCell;
use std::rc::Rc;

use entrega_clients::Subscription;
use entrega_clients::application::ProgressInSink;
use entrega_clients::consumer::ConsumerWithStore;
use entrega_clients::{Application, Consumer, LogSubscription, QueueSubscription, Stop};

/// A consumer that was given a store. A clone of it shares the store, as another life and another
/// instance of the consumer do.
#[derive(Debug)]
pub struct Keeping<C: ConsumerWithStore> {
    consumer: C,
    store: Rc<RefCell<C::Store>>,
}

impl<C: ConsumerWithStore + Clone> Keeping<C> {
    pub(super) fn new(consumer: C, store: C::Store) -> Self {
        Self { consumer, store: Rc::new(RefCell::new(store)) }
    }

    /// For another run: with a store of its own, as it was given.
    pub(super) fn fresh(&self) -> Self
    where
        C::Store: Clone,
    {
        Self::new(self.consumer.clone(), self.store.borrow().clone())
    }
}

impl<C: ConsumerWithStore + Clone> Clone for Keeping<C> {
    fn clone(&self) -> Self {
        Self { consumer: self.consumer.clone(), store: Rc::clone(&self.store) }
    }
}

impl<C: ConsumerWithStore> Consumer for Keeping<C> {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        self.consumer.run(inbox, app, &self.store).await
    }

    async fn run_on_log(
        &self,
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
    ) -> Result<(), Stop> {
        self.consumer.run_on_log(inbox, app, &self.store).await
    }

    async fn run_on_queue(
        &self,
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
    ) -> Result<(), Stop> {
        self.consumer.run_on_queue(inbox, app, &self.store).await
    }
}
