//! A watch over runs on worker threads: which run each of them makes, and since when.
//!
//! A strategy that never awaits blocks its thread, and nothing can take the thread away from it. So
//! the caller does not wait for the workers themselves: while it waits for their result, it looks
//! at the watch now and then, and gives up on a run that exceeds its patience. A panic in a run is
//! caught, so that the message can name the run.

#![expect(clippy::disallowed_types, reason = "the watch is about real time")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::ThreadPool;

/// What every worker is doing.
pub(crate) struct Watch<T> {
    workers: Vec<Mutex<Option<Job<T>>>>,
}

struct Job<T> {
    what: T,
    since: Instant,
}

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoResult<T> {
    /// A worker has been doing this for too long.
    Stuck(T),
    /// The work panicked outside of a watched run.
    Panicked,
}

/// How often the watch is looked at.
const TICK: Duration = Duration::from_millis(50);

impl<T: Clone> Watch<T> {
    /// Does some work on the pool, and gives up when a worker is stuck. The stuck worker cannot be
    /// stopped; it ends with the program.
    pub(crate) fn supervise<R: Send + 'static>(
        &self,
        pool: &ThreadPool,
        patience: Duration,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NoResult<T>> {
        let (done, result) = mpsc::channel();
        pool.spawn(move || {
            let _nobody_waits = done.send(work());
        });
        loop {
            match result.recv_timeout(TICK) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Disconnected) => return Err(NoResult::Panicked),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(stuck) = self.overdue(patience) {
                return Err(NoResult::Stuck(stuck));
            }
        }
    }

    /// A watch over this many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self { workers: (0..workers).map(|_| Mutex::new(None)).collect() }
    }

    /// Does something on the current worker. If it panics, the error is what the worker was doing.
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
    fn overdue(&self, patience: Duration) -> Option<T> {
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
    use std::sync::Arc;

    use super::*;

    fn pool() -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread")
    }

    #[test]
    fn a_worker_that_is_stuck_is_noticed() {
        let watch = Arc::new(Watch::new(1));
        let (_keep, wait) = mpsc::channel::<()>();
        let seen = Arc::clone(&watch);
        let blocks = move || {
            seen.during(|| {
                seen.begin("a run that blocks its thread");
                wait.recv().is_ok()
            })
        };
        let patience = Duration::from_millis(1);
        let result = watch.supervise(&pool(), patience, blocks);
        assert_eq!(result, Err(NoResult::Stuck("a run that blocks its thread")));
    }

    #[test]
    fn a_worker_that_ends_is_not() {
        let watch = Arc::new(Watch::new(1));
        let seen = Arc::clone(&watch);
        let works = move || {
            for run in 0..3 {
                let waits = || {
                    seen.begin(run);
                    std::thread::sleep(TICK);
                };
                assert_eq!(seen.during(waits), Ok(()));
            }
            "done"
        };
        assert_eq!(watch.supervise(&pool(), TICK * 20, works), Ok("done"));
    }

    #[test]
    fn a_worker_that_panics_is_named() {
        let watch = Watch::new(1);
        let panics = || {
            watch.begin(7);
            panic!("a consumer that panics, on purpose");
        };
        assert_eq!(pool().install(|| watch.during(panics)), Err::<(), _>(Some(7)));
        assert_eq!(pool().install(|| watch.during(|| 3)), Ok(3));
    }
}
