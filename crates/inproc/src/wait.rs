//! Waiting: look again for a moment, then sleep until the bell rings.
//!
//! > **The rule.** A ringer first makes visible what it rings for. A sleeper first announces that
//! > it sleeps, and then looks once more. So one of the two sees the other, and no wake-up is lost.
//!
//! That takes a fence between "make visible" and "does anyone sleep?" on one side, and between "I
//! sleep" and "look once more" on the other. The first is on the path of every message; the second
//! comes just before a system call anyway. So the cost is moved: where the kernel can make all
//! threads of the process pass a barrier (`membarrier`, Linux), the sleeper asks for it and the
//! ringer's fence costs nothing. Elsewhere both are full fences. With a full fence a producer waits
//! for each of its stores to become visible to the consumer; `benches/NOTES.md` has the figures.
//!
//! Threads and tasks wait at the same bell.

#[cfg(not(inproc_loom))]
use std::future::{Future, poll_fn};
#[cfg(not(inproc_loom))]
use std::pin::{Pin, pin};
#[cfg(not(inproc_loom))]
use std::task::Poll;
#[cfg(not(inproc_loom))]
use std::time::Instant;

use crate::barrier::Barrier;
use crate::sync::{AtomicUsize, Ordering};

#[cfg(not(inproc_loom))]
mod budget;
mod event;

#[cfg(all(test, inproc_loom))]
mod interleavings;
#[cfg(all(test, not(inproc_loom)))]
mod tests;

#[cfg(not(inproc_loom))]
pub(crate) use budget::Budget;
use event::Event;
#[cfg(not(inproc_loom))]
use event::Listener;

/// How many pauses a waiter makes between its first two looks. The number doubles from look to
/// look: each look takes the cache line from the writer, so a waiter that looked all the time would
/// slow down the very messages that it waits for.
#[cfg(not(inproc_loom))]
const PAUSES_FIRST: u32 = 64;
/// The maximum number of pauses between two looks; some 10 to 20 µs.
#[cfg(not(inproc_loom))]
const PAUSES_MOST: u32 = 256;
/// How often it looks after that many pauses, and yields to other threads, before it sleeps:
/// together about as long as falling asleep and waking up take.
#[cfg(not(inproc_loom))]
const YIELDS: u32 = 5;

/// Set in the word of a bell that will not ring any more.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Where waiters sleep until it rings.
pub(crate) struct Bell {
    /// How many sleep or are about to, and whether the bell is closed.
    word: AtomicUsize,
    event: Event,
    barrier: Barrier,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { word: AtomicUsize::new(0), event: Event::new(), barrier: Barrier::new() }
    }

    /// Wakes all sleepers. Returns `false` if the bell is closed.
    #[inline]
    pub(crate) fn ring(&self) -> bool {
        self.barrier.light();
        match self.word.load(Ordering::Relaxed) {
            0 => true,
            word => self.wake(word),
        }
    }

    /// Returns when a waiter sleeps here, or will sleep without looking again.
    #[cfg(all(test, not(inproc_loom)))]
    pub(crate) fn until_a_waiter_sleeps(&self) {
        while self.word.load(Ordering::SeqCst) & !CLOSED == 0 || self.event.sleepers() == 0 {
            std::thread::yield_now();
        }
    }

    /// Returns a guard that rings when a panic drops it, for what was made visible before.
    #[inline]
    pub(crate) fn rung_in_a_panic(&self) -> RungInAPanic<'_> {
        RungInAPanic(self)
    }

    /// Closes the bell; ring it then. When this returns, everything is visible for which a ring did
    /// not report the close.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::SeqCst);
        self.barrier.heavy();
    }

    /// Whether the bell is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Whether the bell is closed, asked after making something visible: if not, that is visible to
    /// the one who closes it.
    #[inline]
    pub(crate) fn was_closed(&self) -> bool {
        self.barrier.light();
        self.is_closed()
    }

    /// Waits until `look` finds something, or until `deadline`.
    #[cfg(not(inproc_loom))]
    pub(crate) fn wait<R>(
        &self,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        if let Some(found) = look_again(deadline, &mut look) {
            return Some(found);
        }
        loop {
            let asleep = Asleep::new(self);
            let listener = self.event.listen();
            self.barrier.heavy();
            if let Some(found) = look() {
                return Some(found);
            }
            if !listener.wait(deadline) {
                return look();
            }
            drop(asleep);
            if let Some(found) = look() {
                return Some(found);
            }
        }
    }

    /// Waits until `look` finds something, without blocking the thread. Looks a last time when
    /// `timeout` ends. May be dropped at any time.
    #[cfg(not(inproc_loom))]
    pub(crate) async fn listen<R>(
        &self,
        timeout: impl Future<Output = ()>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        if let Some(found) = look() {
            return Some(found);
        }
        let mut timeout = pin!(timeout);
        loop {
            let _asleep = Asleep::new(self);
            let listener = self.event.listen();
            self.barrier.heavy();
            if let Some(found) = look() {
                return Some(found);
            }
            let was_rung = first(listener, timeout.as_mut()).await;
            let found = look();
            if found.is_some() || !was_rung {
                return found;
            }
        }
    }

    /// Falls asleep when it is first polled, and wakes when the bell rings. Its caller looks once
    /// more after that first poll. May be dropped at any time.
    #[cfg(not(inproc_loom))]
    pub(crate) async fn rung(&self) {
        let _asleep = Asleep::new(self);
        let mut listener = self.event.listen();
        self.barrier.heavy();
        poll_fn(|cx| listener.poll_rung(cx)).await;
    }

    /// The last steps before sleep: how often the bell rang before, if the waiter would now sleep
    /// until it rings again.
    #[cfg(inproc_loom)]
    fn falls_asleep<R>(&self, look: impl FnOnce() -> Option<R>) -> Option<u64> {
        self.word.fetch_add(1, Ordering::SeqCst);
        let rung = self.event.rings();
        self.barrier.heavy();
        look().is_none().then_some(rung)
    }

    #[cold]
    fn wake(&self, word: usize) -> bool {
        self.event.notify();
        word & CLOSED == 0
    }
}

/// See [`Bell::rung_in_a_panic`].
pub(crate) struct RungInAPanic<'a>(&'a Bell);

impl Drop for RungInAPanic<'_> {
    #[inline]
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.ring();
        }
    }
}

/// Rings bells; if a waker panics at one, it rings the rest too, and then the panic goes on.
pub(crate) fn ring_all<'a>(bells: impl Iterator<Item = &'a Bell>) {
    let mut rest = Rest(bells);
    for bell in rest.0.by_ref() {
        bell.ring();
    }
}

/// Bells that are still to be rung.
struct Rest<'a, I: Iterator<Item = &'a Bell>>(I);

impl<'a, I: Iterator<Item = &'a Bell>> Drop for Rest<'a, I> {
    fn drop(&mut self) {
        for bell in self.0.by_ref() {
            bell.ring();
        }
    }
}

/// Announces a sleeper at a bell, as long as it lives.
#[cfg(not(inproc_loom))]
struct Asleep<'a>(&'a Bell);

#[cfg(not(inproc_loom))]
impl<'a> Asleep<'a> {
    fn new(bell: &'a Bell) -> Self {
        bell.word.fetch_add(1, Ordering::SeqCst);
        Self(bell)
    }
}

#[cfg(not(inproc_loom))]
impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.word.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether the listener is notified before the timeout ends.
#[cfg(not(inproc_loom))]
async fn first(
    mut listener: Listener<'_>,
    mut timeout: Pin<&mut impl Future<Output = ()>>,
) -> bool {
    poll_fn(|cx| {
        if listener.poll_rung(cx).is_ready() {
            return Poll::Ready(true);
        }
        timeout.as_mut().poll(cx).map(|()| false)
    })
    .await
}

/// Looks for a moment without sleeping: most waits are shorter than falling asleep.
#[cfg(not(inproc_loom))]
fn look_again<R>(deadline: Option<Instant>, look: &mut impl FnMut() -> Option<R>) -> Option<R> {
    let (mut pauses, mut yields) = (PAUSES_FIRST, 0);
    let is_late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    while yields < YIELDS && !is_late() {
        if let Some(found) = look() {
            return Some(found);
        }
        (0..pauses).for_each(|_| std::hint::spin_loop());
        if pauses < PAUSES_MOST {
            pauses *= 2;
        } else {
            std::thread::yield_now();
            yields += 1;
        }
    }
    None
}
