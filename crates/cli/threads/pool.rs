//! A sweep and its examples, on all cores.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use entrega_lab::sweep::Runs;
use entrega_lab::{Comparison, Sweep, examples};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::Failure;
use crate::memory;

/// How many threads to use: one for each core unless a number is given.
pub(crate) fn size(threads: Option<usize>) -> usize {
    threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// How much of the address space a thread takes: its stack, and what stands beside it.
const THREAD: u64 = (2 << 20) + (128 << 10);

/// A pool of this many worker threads. Whether there is room for them is asked first: a thread that
/// starts with too little for what stands beside its stack ends the program.
pub(crate) fn new(threads: usize) -> Result<ThreadPool, Failure> {
    let what = format!("cannot start {threads} worker threads: their stacks");
    memory::require_space(THREAD.saturating_mul(threads as u64), &what, HELP)?;
    let pool = ThreadPoolBuilder::new().num_threads(threads).stack_size(2 << 20).build();
    pool.map_err(|error| {
        Failure::new(format!("cannot start {threads} worker threads: {error}\n  help: {HELP}"))
    })
}

const HELP: &str = "fewer need less memory: --threads";

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
