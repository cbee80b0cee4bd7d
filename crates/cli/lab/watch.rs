//! A watch over runs on worker threads: which run each of them makes, and since when.
//!
//! A strategy that never awaits blocks its thread, and no Rust program can take a thread away from
//! what runs on it. So nobody waits for the workers themselves: whoever waits for their result looks
//! at the watch now and then, and gives up on a run that takes longer than anybody has patience for.
//! A panic in a run is caught, so that it can be said which run it was.

#![expect(clippy::disallowed_types, reason = "the watch is about real time")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What every worker is doing.
pub(crate) struct Watch<T> {
    workers: Vec<Mutex<Option<Job<T>>>>,
}

struct Job<T> {
    what: T,
    since: Instant,
}

impl<T: Clone> Watch<T> {
    /// A watch over so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self { workers: (0..workers).map(|_| Mutex::new(None)).collect() }
    }

    /// Does something on the current worker that may panic: then it says what the worker was doing.
    pub(crate) fn during<R>(&self, work: impl FnOnce() -> R) -> Result<R, Option<T>> {
        let result = catch_unwind(AssertUnwindSafe(work));
        let job = self.current().and_then(|mut slot| slot.take());
        result.map_err(|_| job.map(|job| job.what))
    }

    /// The current worker begins this.
    pub(crate) fn begin(&self, what: T) {
        if let Some(mut slot) = self.current() {
            *slot = Some(Job { what, since: Instant::now() });
        }
    }

    /// What a worker has been doing for longer than this, if one has.
    pub(crate) fn overdue(&self, patience: Duration) -> Option<T> {
        let stuck = |worker: &Mutex<Option<Job<T>>>| {
            let slot = worker.lock().unwrap_or_else(PoisonError::into_inner);
            let job = slot.as_ref().filter(|job| job.since.elapsed() > patience)?;
            Some(job.what.clone())
        };
        self.workers.iter().find_map(stuck)
    }

    /// The slot of the current thread, if it is a worker.
    fn current(&self) -> Option<MutexGuard<'_, Option<Job<T>>>> {
        let worker = self.workers.get(rayon::current_thread_index()?)?;
        Some(worker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool() -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread")
    }

    #[test]
    fn whoever_gets_stuck_is_noticed() {
        let watch = Watch::new(1);
        let (go, wait) = mpsc::channel::<()>();
        let watch = &watch;
        let blocks = move || {
            watch.during(|| {
                watch.begin("a run that blocks");
                wait.recv()
            })
        };
        let pool = pool();
        std::thread::scope(|scope| {
            let wait = scope.spawn(|| pool.install(blocks));
            while watch.overdue(Duration::ZERO).is_none() {
                std::thread::yield_now();
            }
            assert_eq!(watch.overdue(Duration::ZERO), Some("a run that blocks"));
            assert_eq!(watch.overdue(Duration::from_secs(3_600)), None);
            go.send(()).expect("it waits");
            assert!(matches!(wait.join(), Ok(Ok(Ok(())))));
        });
        assert_eq!(watch.overdue(Duration::ZERO), None);
    }

    #[test]
    fn whoever_panics_is_named() {
        let watch = Watch::new(1);
        let panics = || {
            watch.begin(7);
            panic!("a consumer that panics, on purpose");
        };
        assert_eq!(pool().install(|| watch.during(panics)), Err::<(), _>(Some(7)));
        assert_eq!(pool().install(|| watch.during(|| 3)), Ok(3));
    }
}
