//! Many seeds of every model and strategy of a scenario, on all cores.
//!
//! The result does not depend on the number of threads: each run is a function of its seed, and
//! runs are added up in the order of their seeds.

use std::sync::atomic::{AtomicBool, Ordering};

use entrega::Laboratory;
use entrega_checker::{Report, summary::RowSummary};
use entrega_clients::Strategy;
use entrega_model::Model;
use rayon::prelude::*;

use super::files::{LoadedScenario, Version};

/// What to sweep over.
pub(crate) struct Plan<'a> {
    pub(crate) loaded: &'a LoadedScenario,
    /// The models and strategies, in the order of the table.
    pub(crate) contests: Vec<(Model, Strategy)>,
    /// The first seed.
    pub(crate) seed: u64,
    /// How many seeds.
    pub(crate) seeds: u32,
}

/// One model and strategy over all seeds: a row for each subscription.
pub(crate) struct Contest {
    pub(crate) model: Model,
    pub(crate) strategy: Strategy,
    /// In the order of the subscriptions.
    pub(crate) rows: Vec<RowSummary>,
}

/// The memory of a run of more messages than this is given back before the next one: it would be
/// kept for each contest on each thread, and what it saves is next to nothing there.
const MOST_KEPT: usize = 10_000;

impl Plan<'_> {
    /// How many runs that is.
    pub(crate) fn runs(&self) -> u64 {
        u64::from(self.seeds) * self.contests.len() as u64
    }

    /// One run each, added up; where there is none, a row of nothing.
    pub(crate) fn of_one_run(&self, reports: &[Option<Report>]) -> Vec<Contest> {
        self.add_up(reports)
    }

    /// Runs them all, or those that were begun before `stop` was raised. `done` hears of each.
    pub(crate) fn sweep(&self, stop: &AtomicBool, done: &(dyn Fn() + Sync)) -> Vec<Contest> {
        let contests = self.contests.len();
        let full = self.loaded.full();
        let reports: Vec<Option<Report>> = (0..self.seeds as usize * contests)
            .into_par_iter()
            .map_init(
                || self.laboratories(&full),
                |laboratories, job| {
                    if stop.load(Ordering::Relaxed) {
                        return None;
                    }
                    let seed = self.seed + (job / contests) as u64;
                    let workload = full.workload(seed);
                    let laboratory = &mut laboratories[job % contests];
                    let report = laboratory.run(&workload, seed);
                    if workload.planned.len() > MOST_KEPT {
                        laboratory.clear_out();
                    }
                    done();
                    Some(report)
                },
            )
            .collect();
        self.add_up(&reports)
    }

    /// One for each contest, for a part of the runs.
    fn laboratories<'v>(&self, full: &'v Version<'_>) -> Vec<Laboratory<'v>> {
        let new = |&(model, strategy)| Laboratory::new(&full.scenario, model, strategy);
        self.contests.iter().map(new).collect()
    }

    fn add_up(&self, reports: &[Option<Report>]) -> Vec<Contest> {
        let subscriptions = self.loaded.scenario.subscriptions.len();
        let mut contests: Vec<Contest> = self
            .contests
            .iter()
            .map(|&(model, strategy)| Contest {
                model,
                strategy,
                rows: vec![RowSummary::default(); subscriptions],
            })
            .collect();
        for (job, report) in reports.iter().enumerate() {
            let Some(report) = report else { continue };
            let count = contests.len();
            for (row, one) in contests[job % count].rows.iter_mut().zip(&report.subscriptions) {
                row.add(&report.sends, one);
            }
        }
        contests
    }
}
