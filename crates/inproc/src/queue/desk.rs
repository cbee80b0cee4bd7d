//! What a consumer has at hand, and how another consumer takes a part of that away.
//!
//! > **The rule.** A message that the application was not given belongs to no consumer: whoever has
//! > nothing else to do may have it. The owner gives from the front without a lock, and others take
//! > from the back under the lock of the queue.
//!
//! The owner first says how far it gives, and then looks whether that is still its own; another
//! consumer first says from where on it takes, and then looks whether that was given. With a fence
//! between the two on either side, at least one of them sees the other; the barrier makes the
//! owner's free of charge. If the other one sees the owner, it leaves those messages alone; if the
//! owner sees the other, it takes the lock and learns how far it may give.

use std::ops::Range;

use crate::barrier::Barrier;
use crate::sync::{AtomicU64, Ordering};

/// Places in the queue: what lies between the two is at hand.
pub(super) struct Desk {
    /// The first that the owner has not given. Only the owner writes it.
    next: AtomicU64,
    /// Where others have taken from, or the end of the window. Written under the lock only.
    limit: AtomicU64,
    barrier: Barrier,
}

/// What the owner does.
impl Desk {
    pub(super) fn new(barrier: Barrier) -> Self {
        Self { next: AtomicU64::new(0), limit: AtomicU64::new(0), barrier }
    }

    /// Gives up to `to`, unless another consumer has taken some of that.
    #[inline]
    pub(super) fn gives(&self, to: u64) -> bool {
        self.next.store(to, Ordering::Release);
        self.barrier.light();
        self.limit.load(Ordering::Relaxed) >= to
    }

    /// The place up to which the owner may give.
    pub(super) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }
}

/// What is done under the lock.
impl Desk {
    /// The owner has something else at hand.
    pub(super) fn lay(&self, at_hand: Range<u64>) {
        self.next.store(at_hand.start, Ordering::Release);
        self.limit.store(at_hand.end, Ordering::Release);
    }

    /// After [`Desk::gives`] was refused: how far the owner gives, if it had given up to `from`
    /// before.
    pub(super) fn gives_at_most(&self, from: u64, to: u64) -> u64 {
        let to = to.min(self.limit.load(Ordering::Relaxed)).max(from);
        self.next.store(to, Ordering::Release);
        to
    }

    /// What is at hand: for the owner exactly, for others about. What the owner did to the messages
    /// before it, which it gave, happens before.
    pub(super) fn at_hand(&self) -> Range<u64> {
        let limit = self.limit.load(Ordering::Relaxed);
        self.next.load(Ordering::Acquire).min(limit)..limit
    }

    /// Takes all that is at hand, if there is anything. Tries again if the owner gives some of it
    /// meanwhile; it then waits for the lock, or gets to the end of its window.
    pub(super) fn take_all(&self) -> Option<Range<u64>> {
        loop {
            let Range { start, end } = self.at_hand();
            if start == end {
                return None;
            }
            self.limit.store(start, Ordering::SeqCst);
            self.barrier.heavy();
            if self.next.load(Ordering::Acquire) <= start {
                return Some(start..end);
            }
            self.limit.store(end, Ordering::Release);
        }
    }
}

#[cfg(all(test, inproc_loom))]
mod interleavings;
