//! The observer of a live run.
//!
//! A served broker shows its observer everything in one total order, while it holds its lock: what
//! clients note and what happened inside the broker. So the order of the history is the order in
//! which things happened, on whatever thread. The broker owns the observer; [`Shared`] keeps a
//! handle to it.

use std::sync::{Arc, Mutex, PoisonError};

use entrega_model::{Event, Observer};

/// An observer that its owner can still look at.
#[derive(Debug, Default)]
pub struct Shared<O>(Arc<Mutex<O>>);

impl<O> Clone for Shared<O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<O> Shared<O> {
    /// Shares an observer.
    pub fn new(observer: O) -> Self {
        Self(Arc::new(Mutex::new(observer)))
    }

    /// Looks at the observer; it receives no events meanwhile.
    pub fn with<R>(&self, look: impl FnOnce(&mut O) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<O: Observer> Observer for Shared<O> {
    fn observe(&mut self, events: &[Event]) {
        self.with(|observer| observer.observe(events));
    }
}
