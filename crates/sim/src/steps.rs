//! A run step by step, and its choices up to a step.
//!
//! *Step 1* is the start of all processes. Each later step is the next thing that falls due (a leg
//! that arrives, a timer) with everything that processes do before the one after it. Step n + 1
//! ends when [`Outcome::steps`] has come to n. Before step 1 nothing has happened, so a run that is
//! cut after step 0 has no choices.
//!
//! A list of choices is not ordered by time: it says at which occurrence of which point something
//! happens. To replay a run up to a step and change what comes after it, cut the list there:
//!
//! ```
//! use entrega_choice::Choices;
//! use entrega_clients::Strategy;
//! use entrega_model::Model;
//! use entrega_scenario::{Scenario, points};
//! use entrega_scenario::workload::Planner;
//! use entrega_sim::Experiment;
//!
//! let scenario = Scenario::default().small();
//! let workload = Planner::new(&scenario).plan(None, 7);
//! let (model, strategy, seed) = (Model::Queue, Strategy::ProcessThenSettle, 7);
//! let experiment = Experiment { scenario: &scenario, workload: &workload, model, strategy, seed };
//!
//! let mut events = Vec::new();
//! let (outcome, steps) = experiment.run_by_steps(experiment.random_choices(), &mut events);
//! let step = steps.count() / 2;
//! let cut = steps.cut_after(outcome.choices.made(), step).to_vec();
//!
//! let mut again = Vec::new();
//! let table = points::table(&scenario.subscription_names());
//! experiment.run(Choices::explicit(table, cut), &mut again);
//! let shared = steps.events_until(step);
//! assert_eq!(again[..shared], events[..shared]);
//! ```
//!
//! > **The rule.** A run that is not asked for its steps pays nothing for them: they are counted by
//! > a [`Watcher`], in a run that is made again for this purpose. It has the same events, the same
//! > choices and the same number of steps.

use std::cell::RefCell;

use entrega_brokers::Broker;
use entrega_choice::{Choice, Choices};
use entrega_model::{Event, Observer};

use crate::arena::Arena;
use crate::executor::Executor;
use crate::experiment::Experiment;
use crate::outcome::Outcome;
use crate::program::Program;
use crate::watcher::Watcher;
use crate::world::{Routed, World};

/// How far a run had come at the end of each of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// One for each step; the first belongs to step 1.
    marks: Vec<Mark>,
}

/// How many events and choices there were when a step ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    events: usize,
    choices: usize,
}

impl Steps {
    /// How many steps the run had.
    pub fn count(&self) -> usize {
        self.marks.len()
    }

    /// How many events there were when `step` ended; all of them after the last step. While the
    /// processes shut down nothing is chosen, and those steps are taken for one.
    pub fn events_until(&self, step: usize) -> usize {
        self.mark(step).events
    }

    /// The step in which the event at this index happened, counted from 0; the last step if there
    /// is no such event.
    pub fn of_event(&self, event: usize) -> usize {
        let before = self.marks.partition_point(|mark| mark.events <= event);
        (before + 1).min(self.count())
    }

    /// The choices that were made by the end of `step`: the beginning of `made`, which must be the
    /// choices of this run in the order in which it made them ([`Choices::made`]).
    pub fn cut_after<'c>(&self, made: &'c [Choice], step: usize) -> &'c [Choice] {
        &made[..self.mark(step).choices.min(made.len())]
    }

    fn mark(&self, step: usize) -> Mark {
        let step = step.min(self.count());
        step.checked_sub(1).map(|index| self.marks[index]).unwrap_or_default()
    }
}

impl Experiment<'_> {
    /// Runs the experiment as [`Experiment::run`] does, and counts its steps.
    pub fn run_by_steps(&self, choices: Choices, observer: &mut dyn Observer) -> (Outcome, Steps) {
        self.count_steps(&self.catalogued(), choices, observer)
    }

    fn count_steps(
        &self,
        program: &impl Program,
        choices: Choices,
        observer: &mut dyn Observer,
    ) -> (Outcome, Steps) {
        let mut steps = Steps::default();
        let mut counted = Counted { observer, events: 0 };
        let count = Count { steps: &mut steps, events: 0 };
        let outcome =
            self.run_watched(&mut Arena::default(), program, choices, &mut counted, count);
        let end = Mark { events: counted.events, choices: outcome.choices.made().len() };
        steps.marks.resize(outcome.steps as usize, end);
        steps.marks.push(end);
        (outcome, steps)
    }
}

/// Notes at each look how far the run has come.
struct Count<'a> {
    steps: &'a mut Steps,
    /// How many events the observer has seen.
    events: usize,
}

impl Watcher for Count<'_> {
    fn goes_on<B: Broker>(
        &mut self,
        executor: &mut Executor<'_, B>,
        world: &RefCell<World<B>>,
        observer: &mut dyn Observer,
        _at_rest: bool,
    ) -> bool
    where
        B::Request: Routed,
    {
        let (step, choices) = {
            let world = world.borrow();
            self.events += world.events.len();
            (world.steps as usize, world.choices.made().len())
        };
        executor.flush(observer, 1);
        let mark = Mark { events: self.events, choices };
        self.steps.marks.truncate(step);
        self.steps.marks.resize(step + 1, mark);
        true
    }
}

/// Counts the events on their way to an observer.
struct Counted<'a> {
    observer: &'a mut dyn Observer,
    events: usize,
}

impl Observer for Counted<'_> {
    fn observe(&mut self, events: &[Event]) {
        self.events += events.len();
        self.observer.observe(events);
    }
}
