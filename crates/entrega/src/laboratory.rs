//! Many judged runs of one scenario, one after the other, seed after seed.
//!
//! A run of a few messages spends more on its beginning and end than on its messages: names of
//! fault points, their odds, the tables of the world and of the checker. A laboratory prepares what
//! does not depend on the seed once, and makes all runs in the same memory. What comes out is what
//! [`judge`](mod@crate::judge) says of each of them.
//!
//! ```
//! use entrega::Laboratory;
//! use entrega_checker::Verdict;
//! use entrega_clients::Strategy;
//! use entrega_model::Model;
//! use entrega_scenario::Scenario;
//! use entrega_scenario::workload::Planner;
//!
//! let scenario = Scenario::default().small();
//! let planner = Planner::new(&scenario);
//! let mut laboratory = Laboratory::new(&scenario, Model::Log, Strategy::ProcessThenSettle);
//! for seed in 1..=10 {
//!     let report = laboratory.run(&planner.plan(None, seed), seed);
//!     assert_eq!(report.verdict, Verdict::Valid);
//! }
//! ```

use entrega_checker::{Checker, Report};
use entrega_choice::Choices;
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_sim::{Arena, Experiment, Outcome};

use crate::judge;

/// Where a strategy is run on a model of a broker, again and again.
pub struct Laboratory<'a> {
    scenario: &'a Scenario,
    model: Model,
    strategy: Strategy,
    arena: Arena,
    checker: Option<Checker>,
    last: Option<Outcome>,
}

impl<'a> Laboratory<'a> {
    /// A laboratory in which nothing has been run.
    pub fn new(scenario: &'a Scenario, model: Model, strategy: Strategy) -> Self {
        let arena = Arena::default();
        Self { scenario, model, strategy, arena, checker: None, last: None }
    }

    /// Sends the messages of a workload, with the faults of its seed, and judges what becomes of
    /// them.
    pub fn run(&mut self, workload: &Workload, seed: u64) -> Report {
        let Self { scenario, model, strategy, .. } = *self;
        let experiment = Experiment { scenario, workload, model, strategy, seed };
        let choices = self.choices(&experiment);
        let new = || Checker::new(judge::config(&experiment));
        let checker = self.checker.get_or_insert_with(new);
        checker.reset();
        checker.expect_due_times(workload.not_before.clone());
        let outcome = experiment.run_in(&mut self.arena, choices, checker);
        let mut report = checker.finish(judge::end(outcome.end));
        judge::note_strikes(&mut report, outcome.choices.made());
        self.last = Some(outcome);
        report
    }

    /// Gives back the memory of the last run.
    pub fn clear_out(&mut self) {
        *self = Self::new(self.scenario, self.model, self.strategy);
    }

    /// How the last run went.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.last.as_ref()
    }

    /// The choices of a run: those of the last one, wound back to another seed.
    fn choices(&mut self, experiment: &Experiment<'_>) -> Choices {
        let Some(last) = self.last.take() else { return experiment.random_choices() };
        let mut choices = last.choices;
        experiment.renew_choices(&mut choices);
        choices
    }
}
