//! Atomics, locks and events: those of the standard library, or those of `loom`.
//!
//! A build with `--cfg inproc_loom` replaces them, so that `loom` can check every interleaving of
//! threads and every value that a load may legally return. (The usual `--cfg loom` would reach
//! tokio too, which then does not build.)

#[cfg(inproc_loom)]
pub(crate) use modelled::*;
#[cfg(not(inproc_loom))]
pub(crate) use real::*;

#[cfg(not(inproc_loom))]
mod real {
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence, fence};

    pub(crate) use event_listener::{Event, EventListener, Listener};
}

#[cfg(inproc_loom)]
mod modelled {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering, fence};

    /// Stands in for `event_listener`: it counts notifications, and no thread really sleeps.
    pub(crate) struct Event(AtomicUsize);

    impl Event {
        pub(crate) fn new() -> Self {
            Self(AtomicUsize::new(0))
        }

        /// How often it was notified before.
        pub(crate) fn listen(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }

        pub(crate) fn notify(&self, _all: usize) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A value on cache lines of its own, so that a store to it does not disturb readers of its
/// neighbours. 128 bytes, because processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);
