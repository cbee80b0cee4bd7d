//! Many seeds of every configuration of a scenario.
//!
//! > **The rule.** The caller brings the threads, and the result does not depend on them: each run
//! > is a function of its seed, and runs are added up in the order of their seeds.
//!
//! [`Sweep::run`] makes the runs on the current thread. On several, [`Sweep::run_with`] lends
//! [`Runs`]: each thread takes a [`Worker`] of its own and makes some of the runs with it.

use std::collections::BTreeMap;
use std::ops::Range;

use entrega::Laboratory;
use entrega_checker::summary::RowSummary;
use entrega_checker::{Finding, Report, shown};
use entrega_clients::Strategy;

use crate::comparison::Comparison;
use crate::configuration::{Configuration, Unfit};
use crate::examples;
use crate::loaded::{LoadedScenario, Version};

/// What to sweep over.
pub struct Sweep<'a> {
    /// The scenario.
    pub loaded: &'a LoadedScenario,
    /// The configurations, in the order of the table.
    pub configurations: Vec<Configuration>,
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub seeds: u32,
}

/// A configuration over all seeds: a row for each subscription.
pub struct Swept {
    /// Which one.
    pub configuration: Configuration,
    /// In the order of the subscriptions.
    pub rows: Vec<RowSummary>,
    /// For each of them the seed of the first run that shows something.
    pub firsts: Vec<BTreeMap<Finding, u64>>,
}

/// The memory of a run of more messages than this is given back before the next one: it would be
/// kept for each configuration on each thread, and what it saves is next to nothing there.
pub(crate) const MOST_KEPT: usize = 10_000;

impl<'a> Sweep<'a> {
    /// These strategies on all models of the scenario, with its seeds; if none is named, with its
    /// strategies too.
    ///
    /// # Errors
    /// [`Unfit::Unsupported`] if no model supports any of the strategies, and
    /// those of [`LoadedScenario::allows`].
    pub fn of(loaded: &'a LoadedScenario, strategies: &[Strategy]) -> Result<Self, Unfit> {
        let configurations = loaded.configurations(&[], strategies)?;
        configurations.iter().try_for_each(|one| loaded.allows(*one))?;
        Ok(Self { loaded, configurations, seed: 1, seeds: loaded.scenario.seeds })
    }

    /// How many runs that is.
    pub fn runs(&self) -> u64 {
        u64::from(self.seeds) * self.configurations.len() as u64
    }

    /// Makes all runs on this thread.
    pub fn run(&self) -> Vec<Swept> {
        self.run_with(|runs| {
            let mut worker = runs.worker();
            runs.numbers().map(|number| Some(worker.run(number))).collect()
        })
    }

    /// Lets `make` make the runs, on as many threads as it likes, and adds up their reports, which
    /// it returns in the order of their numbers. A run that was not made has none.
    pub fn run_with(&self, make: impl FnOnce(&Runs<'_>) -> Vec<Option<Report>>) -> Vec<Swept> {
        let full = self.loaded.full();
        self.add_up(&make(&Runs { sweep: self, full }))
    }

    /// Makes all runs and looks for the short examples, on this thread.
    pub fn compare(&self) -> Comparison<'a> {
        let swept = self.run();
        let searches = examples::searches(self, &swept);
        let found = searches.iter().flat_map(|search| search.run(&|| false)).collect();
        Comparison::new(self, swept, found, false)
    }

    /// Adds up reports by their numbers: all configurations of the first seed, then those of the
    /// next.
    pub fn add_up(&self, reports: &[Option<Report>]) -> Vec<Swept> {
        let subscriptions = self.loaded.scenario.subscriptions.len();
        let nothing = |&configuration: &Configuration| Swept {
            configuration,
            rows: vec![RowSummary::default(); subscriptions],
            firsts: vec![BTreeMap::new(); subscriptions],
        };
        let mut swept: Vec<Swept> = self.configurations.iter().map(nothing).collect();
        let count = swept.len();
        for (number, report) in reports.iter().enumerate() {
            let Some(report) = report else { continue };
            let Swept { rows, firsts, .. } = &mut swept[number % count];
            let seed = self.seed + (number / count) as u64;
            for ((row, firsts), one) in rows.iter_mut().zip(firsts).zip(&report.subscriptions) {
                row.add(&report.sends, one);
                for finding in shown(one) {
                    firsts.entry(finding).or_insert(seed);
                }
            }
        }
        swept
    }
}

/// The runs of a sweep, by number.
pub struct Runs<'s> {
    sweep: &'s Sweep<'s>,
    full: Version<'s>,
}

impl Runs<'_> {
    /// The numbers of all runs.
    pub fn numbers(&self) -> Range<usize> {
        0..self.sweep.seeds as usize * self.sweep.configurations.len()
    }

    /// What makes some of the runs, one after the other in the same memory.
    pub fn worker(&self) -> Worker<'_> {
        let scenario = &self.full.scenario;
        let new = |one: &Configuration| Laboratory::new(scenario, one.model, one.strategy);
        let laboratories = self.sweep.configurations.iter().map(new).collect();
        Worker { runs: self, laboratories }
    }
}

/// What makes runs of a sweep on one thread.
pub struct Worker<'r> {
    runs: &'r Runs<'r>,
    /// One for each configuration.
    laboratories: Vec<Laboratory<'r>>,
}

impl Worker<'_> {
    /// Makes the run of this number.
    pub fn run(&mut self, number: usize) -> Report {
        let Self { runs, laboratories } = self;
        let configurations = laboratories.len();
        let seed = runs.sweep.seed + (number / configurations) as u64;
        let workload = runs.full.workload(seed);
        let laboratory = &mut laboratories[number % configurations];
        let report = laboratory.run(&workload, seed);
        if workload.planned.len() > MOST_KEPT {
            laboratory.clear_out();
        }
        report
    }
}
