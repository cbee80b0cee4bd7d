//! A sweep and its examples, on all cores.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use entrega_lab::sweep::Runs;
use entrega_lab::{Comparison, Sweep, examples};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::Failure;

/// How many threads to use: one for each core unless a number is given.
pub(crate) fn size(threads: Option<usize>) -> usize {
    threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// A pool of this many worker threads.
pub(crate) fn new(threads: usize) -> Result<ThreadPool, Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| {
        Failure::new(format!(
            "cannot start {threads} worker threads: {error}\n  help: fewer need less memory: \
             --threads"
        ))
    })
}

/// Makes the runs of a sweep, until `stop` is raised, and looks for examples of what they show.
/// `done` is called after every run, `swept_all` after the last. Must be called on a worker.
pub(crate) fn compare<'a>(
    sweep: &Sweep<'a>,
    stop: &AtomicBool,
    done: &(dyn Fn() + Sync),
    swept_all: &(dyn Fn() + Sync),
) -> Comparison<'a> {
    let is_over = || stop.load(Ordering::Relaxed);
    let swept = sweep.run_with(|runs: &Runs<'_>| {
        let numbers = runs.numbers().into_par_iter();
        let reports = numbers.map_init(
            || runs.worker(),
            |worker, number| {
                if is_over() {
                    return None;
                }
                let report = worker.run(number);
                done();
                Some(report)
            },
        );
        reports.collect()
    });
    swept_all();
    let searches = examples::searches(sweep, &swept);
    let found = searches.par_iter().flat_map_iter(|search| search.run(&is_over)).collect();
    Comparison::new(sweep, swept, found, is_over())
}
