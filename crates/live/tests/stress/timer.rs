//! Whoever keeps the time of a round. An observer that panics ends it, and it begins anew; it ends
//! by itself with the last handle to the broker.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crate::config::TimeKeeper;
use crate::observer::{Expected, Seen, caught, lock};

/// See the module.
pub(crate) struct Timer {
    kind: TimeKeeper,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

impl Timer {
    pub(crate) fn start(kind: TimeKeeper, seen: Arc<Seen>) -> Self {
        let mut timer = Self { kind, seen, thread: None };
        timer.thread = timer.begin();
        timer
    }

    fn begin(&self) -> Option<JoinHandle<()>> {
        let served = lock(&self.seen.broker).clone()?;
        match self.kind {
            TimeKeeper::Nobody => None,
            TimeKeeper::Thread => Some(served.keep_time_on_a_thread().expect("a timer")),
            TimeKeeper::Future => {
                let seen = Arc::clone(&self.seen);
                Some(Builder::new().spawn(move || keep_time(&seen)).expect("a thread"))
            }
        }
    }

    /// Begins anew if the observer's panic has ended it.
    pub(crate) fn revive(&mut self) {
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            check_end(thread);
            self.thread = self.begin();
        }
    }

    /// Waits for its end: there is no handle to the broker any more.
    pub(crate) fn end(self) {
        self.thread.into_iter().for_each(check_end);
    }
}

/// It ends as it should, or by a panic of the observer.
fn check_end(thread: JoinHandle<()>) {
    if let Err(panic) = thread.join()
        && !panic.is::<Expected>()
    {
        std::panic::resume_unwind(panic);
    }
}

/// In a runtime of the user.
fn keep_time(seen: &Seen) {
    let runtime = crate::runtime();
    loop {
        let keeps = lock(&seen.broker).as_ref().map(|served| served.keep_time());
        let Some(keeps) = keeps else { return };
        if caught(|| runtime.block_on(keeps)).is_some() {
            return;
        }
    }
}
