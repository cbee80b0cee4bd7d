//! The truth table on all cores, under a watch: a worker that blocks its thread ends the command,
//! which says which world it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entrega_lab::truth_table::{ExploredPiece, Piece};
use entrega_lab::{TablePlan, TruthTable};
use rayon::prelude::*;

use super::pool;
use super::watch::{NoResult, Watch};
use crate::failure::Failure;

/// A world takes some milliseconds; with more changes of order it may take minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// How an exploration of the table is looked after.
pub(crate) struct Care {
    /// Raised to end the work early: the worlds that are left are left out.
    pub(crate) stop: Arc<AtomicBool>,
    /// Knows which world each worker explores.
    pub(crate) watch: Watch<String>,
    /// Called after every piece.
    pub(crate) done: Box<dyn Fn() + Send + Sync>,
}

/// Lets workers explore the table.
pub(crate) fn supervise(
    plan: TablePlan,
    care: &Arc<Care>,
    threads: usize,
) -> Result<TruthTable, Failure> {
    let pool = pool::new(threads, pool::FEWER)?;
    let looked_after = Arc::clone(care);
    let work = move || explore(&plan, &looked_after);
    match care.watch.supervise(&pool, PATIENCE, work) {
        Ok(table) => table,
        Err(NoResult::Stuck(world)) => Err(Failure::new(format!(
            "the small world {world} has been explored for more than {} s without an end",
            PATIENCE.as_secs()
        ))),
        Err(NoResult::Panicked) => Err(Failure::panicked()),
    }
}

/// Explores every piece, until the work is to end early. Must be called on a worker.
fn explore(plan: &TablePlan, care: &Care) -> Result<TruthTable, Failure> {
    let is_over = || care.stop.load(Ordering::Relaxed);
    let explore = |piece: &Piece<'_>| -> Result<Option<ExploredPiece>, Failure> {
        if is_over() {
            return Ok(None);
        }
        care.watch.begin(piece.name());
        let explored = care.watch.during(|| piece.explore()).map_err(|world| {
            let world = world.unwrap_or_default();
            Failure::new(format!("the small world {world} panicked; the message stands above"))
        })?;
        (care.done)();
        Ok(Some(explored))
    };
    let explored: Vec<_> = plan.pieces().par_iter().map(explore).collect();
    let mut table = plan.table(explored.into_iter().collect::<Result<_, _>>()?);
    table.partial |= is_over();
    Ok(table)
}
