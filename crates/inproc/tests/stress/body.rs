//! Bodies of every kind: boxed with a destructor, plain, large, and of no size.

use std::sync::Arc;

use crate::ledger::Ledger;

/// A body that may know its message.
pub(crate) trait Body: Send + Sync + Sized + 'static {
    fn make(id: usize, ledger: &Arc<Ledger>) -> Self;
    fn id(&self) -> Option<usize>;
}

/// It owns something, and its destructor acts.
pub(crate) struct Boxed(Box<usize>, Arc<Ledger>);

impl Body for Boxed {
    fn make(id: usize, ledger: &Arc<Ledger>) -> Self {
        ledger.made(id);
        Self(Box::new(id), Arc::clone(ledger))
    }

    fn id(&self) -> Option<usize> {
        Some(*self.0)
    }
}

impl Drop for Boxed {
    fn drop(&mut self) {
        self.1.dropped(*self.0);
    }
}

impl Body for u64 {
    fn make(id: usize, _: &Arc<Ledger>) -> Self {
        id as Self
    }

    fn id(&self) -> Option<usize> {
        Some(*self as usize)
    }
}

/// Every word is that of its message: a torn one is found.
pub(crate) struct Large([usize; 64]);

impl Body for Large {
    fn make(id: usize, _: &Arc<Ledger>) -> Self {
        Self([id; 64])
    }

    fn id(&self) -> Option<usize> {
        let [id, ..] = self.0;
        assert!(self.0.iter().all(|word| *word == id), "it is torn");
        Some(id)
    }
}

pub(crate) struct Nothing;

impl Body for Nothing {
    fn make(_: usize, _: &Arc<Ledger>) -> Self {
        Self
    }

    fn id(&self) -> Option<usize> {
        None
    }
}
