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
const THREAD: u64 = STACK as u64 + (128 << 10);
/// What a thread has for its stack.
const STACK: usize = 2 << 20;

/// What to do if there is no room for the threads of a verb that lets one choose their number.
pub(crate) const FEWER: &str = "fewer need less memory: --threads";

/// A pool of this many worker threads; `help` says what to do if there is no room for them. That is
/// asked first: a thread that starts with too little for what stands beside its stack ends the
/// program.
pub(crate) fn new(threads: usize, help: &str) -> Result<ThreadPool, Failure> {
    let what = format!("cannot start {threads} worker threads: their stacks");
    memory::require_space(THREAD.saturating_mul(threads as u64), &what, help)?;
    let pool = ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build();
    pool.map_err(|error| {
        Failure::new(format!("cannot start {threads} worker threads: {error}\n  help: {help}"))
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
