//! Atomics, locks and events: those of the standard library, or those of `loom`.
//!
//! A build with `--cfg inproc_loom` replaces them, so that `loom` can try every order in which
//! threads may take turns and every value that a load may legally return. (The usual `--cfg loom`
//! would reach tokio too, which then does not build.)

#[cfg(not(inproc_loom))]
pub(crate) use real::*;
#[cfg(inproc_loom)]
pub(crate) use tried::*;

#[cfg(not(inproc_loom))]
mod real {
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence, fence};

    pub(crate) use event_listener::{Event, EventListener, Listener};
}

#[cfg(inproc_loom)]
mod tried {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering, fence};

    /// In place of `event_listener`: it counts notifications, and nobody really sleeps.
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

/// A value on cache lines of its own, so that a store to it disturbs no reader of its neighbours.
/// 128 bytes: processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);
