//! Atomics and locks: those of the standard library, or those of `loom`.
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
    pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard};
}

#[cfg(inproc_loom)]
mod modelled {
    pub(crate) use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
    pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
}

/// Locks. A panic while the lock is held would be a bug of this crate, since no code of a user runs
/// under a lock, and it would leave nothing worse behind than itself.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A value on cache lines of its own, so that a store to it does not disturb readers of its
/// neighbours. 128 bytes, because processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);
