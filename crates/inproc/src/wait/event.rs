//! What sleepers sleep at: each ring wakes all that listen.
//!
//! > **The rule.** A waker is code of a user: it may ask the queue that wakes it, and it may panic.
//! > So none is cloned, woken or dropped under the lock, and a panic of one keeps none of the
//! > others asleep.
//!
//! A thread listens as a task does, with a waker that unparks it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, Waker};
use std::{mem, thread};

use crate::sync::{Mutex, lock};

/// See the module.
pub(super) struct Event(Mutex<State>);

struct State {
    /// How often it rang.
    rings: u64,
    /// The key of the next listener.
    next: u64,
    sleeping: Vec<(u64, Waker)>,
}

impl Event {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { rings: 0, next: 0, sleeping: Vec::new() }))
    }

    /// How often it rang before.
    #[cfg(inproc_loom)]
    pub(super) fn rings(&self) -> u64 {
        lock(&self.0).rings
    }

    /// How many sleep.
    #[cfg(all(test, not(inproc_loom)))]
    pub(super) fn sleepers(&self) -> usize {
        lock(&self.0).sleeping.len()
    }

    /// Wakes all listeners.
    pub(super) fn notify(&self) {
        let mut state = lock(&self.0);
        state.rings += 1;
        let sleeping = mem::take(&mut state.sleeping);
        drop(state);
        wake_all(sleeping);
    }

    /// Listens from now on: the next ring ends the wait.
    #[cfg_attr(inproc_loom, allow(dead_code))]
    pub(super) fn listen(&self) -> Listener<'_> {
        let mut state = lock(&self.0);
        state.next += 1;
        Listener { event: self, heard: state.rings, key: state.next }
    }
}

/// Wakes all, even if one panics. The first panic goes on afterwards, unless the thread panics
/// already.
fn wake_all(sleeping: Vec<(u64, Waker)>) {
    let mut panic = None;
    for (_, waker) in sleeping {
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            panic.get_or_insert(again);
        }
    }
    if let Some(panic) = panic
        && !thread::panicking()
    {
        resume_unwind(panic);
    }
}

/// One that waits for the next ring. Dropped, it waits no longer.
pub(super) struct Listener<'a> {
    event: &'a Event,
    heard: u64,
    key: u64,
}

#[cfg_attr(inproc_loom, allow(dead_code))]
impl Listener<'_> {
    /// Whether it rang since this listens; if not, wakes the task when it does.
    pub(super) fn poll_rung(&mut self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.event.0);
        if state.rings != self.heard {
            drop(state);
            drop(waker);
            return Poll::Ready(());
        }
        let own = state.sleeping.iter_mut().find(|(key, _)| *key == self.key);
        let before = match own {
            Some((_, place)) => Some(mem::replace(place, waker)),
            None => {
                state.sleeping.push((self.key, waker));
                None
            }
        };
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Blocks the thread until it rings, or until `deadline`; returns whether it rang.
    #[cfg(not(inproc_loom))]
    pub(super) fn wait(mut self, deadline: Option<std::time::Instant>) -> bool {
        use std::thread::{park, park_timeout};
        THREAD.with(|waker| {
            let cx = Context::from_waker(waker);
            while self.poll_rung(&cx).is_pending() {
                match deadline.map(|at| at.saturating_duration_since(std::time::Instant::now())) {
                    None => park(),
                    Some(left) if left.is_zero() => return false,
                    Some(left) => park_timeout(left),
                }
            }
            true
        })
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.event.0);
        let own = state.sleeping.iter().position(|(key, _)| *key == self.key);
        let waker = own.map(|place| state.sleeping.swap_remove(place));
        drop(state);
        drop(waker);
    }
}

#[cfg(not(inproc_loom))]
thread_local! {
    /// Wakes this thread.
    static THREAD: Waker = Waker::from(std::sync::Arc::new(Unparks(thread::current())));
}

/// Wakes a thread.
#[cfg(not(inproc_loom))]
struct Unparks(thread::Thread);

#[cfg(not(inproc_loom))]
impl std::task::Wake for Unparks {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}
