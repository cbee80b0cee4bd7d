//! Atomics, locks and events: those of the standard library, or those of `loom`.
//!
//! A build with `--cfg live_loom` replaces them, so that `loom` can try every order in which threads
//! may take turns and every value that a load may legally return. (The usual `--cfg loom` would
//! reach tokio too, which then does not build.)

#[cfg(not(live_loom))]
pub(crate) use real::*;
#[cfg(live_loom)]
pub(crate) use tried::*;

#[cfg(not(live_loom))]
mod real {
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence, fence};

    pub(crate) use event_listener::{Event, Listener};
}

#[cfg(live_loom)]
mod tried {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering, fence};

    /// What the crate uses of `event_listener`, made of a lock and a condition variable.
    pub(crate) struct Event(Arc<(loom::sync::Mutex<usize>, loom::sync::Condvar)>);

    /// Waits for a notification after the call to [`Event::listen`].
    pub(crate) struct EventListener(Event, usize);

    impl Event {
        pub(crate) fn new() -> Self {
            Self(Arc::new((loom::sync::Mutex::new(0), loom::sync::Condvar::new())))
        }

        pub(crate) fn listen(&self) -> EventListener {
            let count = *self.0.0.lock().unwrap();
            EventListener(Self(Arc::clone(&self.0)), count)
        }

        pub(crate) fn notify(&self, _all: usize) {
            *self.0.0.lock().unwrap() += 1;
            self.0.1.notify_all();
        }
    }

    impl EventListener {
        pub(crate) fn wait(self) {
            let (lock, condition) = &*self.0.0;
            let mut count = lock.lock().unwrap();
            while *count == self.1 {
                count = condition.wait(count).unwrap();
            }
        }
    }
}

/// A value on cache lines of its own, so that a store to it disturbs no reader of its neighbours.
/// 128 bytes: processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);
