//! The truth table on all cores, under a watch: a world that takes too long ends the work. What was
//! explored until then is kept, and the table says what is unknown and why.
//!
//! > **The rule.** The watch is about real time, and so it only decides whether the table is whole:
//! > what a finished world shows does not depend on how long it took.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entrega_lab::truth_table::{EndedEarly, ExploredPiece, Piece};
use entrega_lab::{TablePlan, TruthTable};
use rayon::prelude::*;

use super::pool;
use super::watch::{NoResult, Watch};
use crate::failure::Failure;

/// How an exploration of the table is looked after.
pub(crate) struct Care {
    /// Raised to end the work early: the worlds that are left are left out.
    pub(crate) stop: Arc<AtomicBool>,
    /// Knows which world each worker explores.
    pub(crate) watch: Watch<String>,
    /// Called after every piece.
    pub(crate) done: Box<dyn Fn() + Send + Sync>,
    /// What was explored, by the place of the piece in the plan.
    pub(crate) explored: Mutex<BTreeMap<usize, ExploredPiece>>,
}

impl Care {
    /// The table as far as it was explored, which is taken out.
    fn table(&self, plan: &TablePlan) -> TruthTable {
        let mut explored = std::mem::take(&mut *self.lock());
        plan.table((0..plan.pieces().len()).map(|place| explored.remove(&place)).collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, ExploredPiece>> {
        self.explored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets workers explore the table, until a world takes longer than `patience`.
pub(crate) fn supervise(
    plan: TablePlan,
    care: &Arc<Care>,
    threads: usize,
    patience: Duration,
) -> Result<TruthTable, Failure> {
    let pool = pool::new(threads, pool::FEWER)?;
    let plan = Arc::new(plan);
    let (explored, looked_after) = (Arc::clone(&plan), Arc::clone(care));
    let work = move || explore(&explored, &looked_after);
    match care.watch.supervise(&pool, patience, work) {
        Ok(explored) => explored.map(|()| care.table(&plan)),
        Err(NoResult::Stuck(world)) => {
            care.stop.store(true, Ordering::Relaxed);
            let ended = Some(EndedEarly::Patience { world, seconds: patience.as_secs() });
            Ok(TruthTable { ended, ..care.table(&plan) })
        }
        Err(NoResult::Panicked) => Err(Failure::panicked()),
    }
}

/// Explores every piece, each as a task of its own so that the threads share the last ones, until
/// the work is to end early. Must be called on a worker.
fn explore(plan: &TablePlan, care: &Care) -> Result<(), Failure> {
    let explore = |(place, piece): (usize, &Piece<'_>)| -> Result<(), Failure> {
        if care.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        care.watch.begin(piece.name());
        let explored = care.watch.during(|| piece.explore()).map_err(|world| {
            let world = world.unwrap_or_default();
            Failure::new(format!("the small world {world} panicked; the message stands above"))
        })?;
        care.lock().insert(place, explored);
        (care.done)();
        Ok(())
    };
    let explored: Vec<_> =
        plan.pieces().par_iter().with_max_len(1).enumerate().map(explore).collect();
    explored.into_iter().collect()
}
