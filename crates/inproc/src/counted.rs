//! How many segments there are, wherever they are: in use, spare, or held by a consumer alone.
//!
//! Each segment carries a [`Counted`] beside its bodies, which ends with it.

use crate::sync::{Arc, AtomicUsize, Ordering};

/// The count. A clone is the same count.
#[derive(Clone)]
pub(crate) struct Census(Arc<AtomicUsize>);

impl Census {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(0)))
    }

    /// One more.
    pub(crate) fn counted(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.0))
    }

    /// How many there are now.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts as one while it lives.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
