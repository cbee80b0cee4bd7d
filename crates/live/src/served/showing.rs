//! Code of a user that a served broker runs: its observer, and the wakers of its clients.
//!
//! > **The rule.** It runs after the lock of the broker, may use the broker, and may panic. Each
//! > event is shown once, and all in one order.
//!
//! The observer sees the events of one thread at a time; others wait until theirs are shown. A call
//! that the observer itself makes does not wait: the loop that runs the observer shows it what came
//! of that call next.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};

use entrega_model::{Event, Observer};

/// An observer, and who runs it.
pub(super) struct Showing {
    observer: Mutex<Box<dyn Observer + Send>>,
    /// The thread that runs it now.
    runs_on: Mutex<Option<ThreadId>>,
}

impl Showing {
    pub(super) fn new(observer: Box<dyn Observer + Send>) -> Self {
        Self { observer: Mutex::new(observer), runs_on: Mutex::new(None) }
    }

    /// Shows what has happened, until there is nothing more. `take` returns what was not shown yet,
    /// in order, under the lock of the broker.
    pub(super) fn show(&self, take: impl Fn() -> Vec<Event>) {
        let own = Some(thread::current().id());
        if *self.lock_thread() == own {
            return;
        }
        let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        *self.lock_thread() = own;
        let mut panic = None;
        loop {
            let events = take();
            if events.is_empty() {
                break;
            }
            let shown = catch_unwind(AssertUnwindSafe(|| observer.observe(&events)));
            keep_first(&mut panic, shown);
        }
        *self.lock_thread() = None;
        drop(observer);
        go_on(panic);
    }

    fn lock_thread(&self) -> std::sync::MutexGuard<'_, Option<ThreadId>> {
        self.runs_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes all, even if one panics.
pub(super) fn wake_all(woken: Vec<Waker>) {
    let mut panic = None;
    for waker in woken {
        keep_first(&mut panic, catch_unwind(AssertUnwindSafe(|| waker.wake())));
    }
    go_on(panic);
}

type Panic = Box<dyn Any + Send>;

fn keep_first(first: &mut Option<Panic>, result: Result<(), Panic>) {
    if let Err(panic) = result {
        first.get_or_insert(panic);
    }
}

/// Panics as the code of a user did, unless the thread panics already.
fn go_on(panic: Option<Panic>) {
    if let Some(panic) = panic
        && !thread::panicking()
    {
        resume_unwind(panic);
    }
}
