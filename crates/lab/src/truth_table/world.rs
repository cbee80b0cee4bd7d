//! One small world of a row: its explorations, one for each column.

use std::collections::BTreeMap;

use entrega::Exploration;
use entrega_choice::{Choice, Point, format_choices, simplicity};
use entrega_model::Model;
use entrega_scenario::Problem;
use entrega_scenario::points::{self, FaultKind};
use entrega_sim::Experiment;
use entrega_sim::explore::{Budget, Space};

use super::cell::Letter;
use super::columns::Column;
use super::family::SmallWorld;
use super::rows::TableRow;
use crate::configuration::Configuration;
use crate::loaded::LoadedScenario;
use crate::replay_string::{Course, ReplayString};
use crate::size::Size;

/// A row in one of its small worlds.
pub(super) struct World {
    pub(super) model: Model,
    pub(super) row: &'static TableRow,
    pub(super) small: SmallWorld,
    loaded: LoadedScenario,
}

/// What was tried in one world under one column.
pub(super) struct Tried {
    /// Whether the fault can happen at all.
    pub(super) applicable: bool,
    pub(super) schedules: u64,
    pub(super) states: u64,
    pub(super) limited: u64,
    pub(super) complete: bool,
    /// What some run shows, beyond what runs without the fault show in this world, with the
    /// simplest choices that do.
    pub(super) found: BTreeMap<Letter, Vec<Choice>>,
}

impl Tried {
    /// What also happens without the fault is not known, so nothing is known to be its doing.
    fn take_back_letters(&mut self) {
        self.found.clear();
        self.complete = false;
    }
}

impl World {
    pub(super) fn new(
        model: Model,
        row: &'static TableRow,
        small: SmallWorld,
    ) -> Result<Self, Problem> {
        let of_row = row.set.iter().map(|&(path, value)| (path.to_owned(), value.to_owned()));
        let set: Vec<(String, String)> = of_row.chain(small.set.iter().cloned()).collect();
        let alone = |_: &str| Err("nothing stands beside the small world".to_owned());
        let loaded = LoadedScenario::load(super::NAME, super::SCENARIO, &set, &alone)?;
        Ok(Self { model, row, small, loaded })
    }

    /// What differs from the scenario as written, in the form of a replay string.
    pub(super) fn name(&self) -> String {
        let Self { model, row, small, .. } = self;
        let set = small.set.iter().map(|(path, value)| format!(", {path}={value}"));
        let set: String = set.collect();
        format!("{model}, {}, {}: {}{set}", row.strategy, row.setting, self.size())
    }

    /// Explores the columns, one after another, and takes away from each what also happens in the
    /// first, which is the one without a fault.
    pub(super) fn explore(
        &self,
        columns: impl Iterator<Item = &'static Column>,
        preemptions: u8,
        budget: u64,
    ) -> Vec<Tried> {
        let mut tried: Vec<Tried> =
            columns.map(|column| self.try_column(column, preemptions, budget)).collect();
        if let [baseline, others @ ..] = tried.as_mut_slice() {
            let calm = |letter: &Letter| baseline.found.contains_key(letter);
            others.iter_mut().for_each(|one| one.found.retain(|letter, _| !calm(letter)));
            if !baseline.complete {
                others.iter_mut().for_each(Tried::take_back_letters);
            }
        }
        tried
    }

    fn try_column(&self, column: &Column, preemptions: u8, budget: u64) -> Tried {
        let mut version = self.loaded.explored(self.small.scope);
        version.scenario.limits.steps = super::STEPS;
        let workload = version.workload(self.small.seed);
        let experiment = Experiment {
            scenario: &version.scenario,
            workload: &workload,
            model: self.model,
            strategy: self.row.strategy,
            seed: self.small.seed,
        };
        let space = space(column, self.orders(column, preemptions));
        let explored = Exploration { experiment, space, budget, cuts: true }.run();
        let mut found: BTreeMap<Letter, Vec<Choice>> = BTreeMap::new();
        for (finding, showing) in explored.found {
            let Some(letter) = Letter::of(finding) else { continue };
            let known = found.entry(letter).or_insert_with(|| showing.simplest.clone());
            if simplicity(&showing.simplest, known).is_lt() {
                *known = showing.simplest;
            }
        }
        Tried {
            applicable: explored.ended > 0 || !explored.complete,
            schedules: explored.schedules,
            states: explored.states,
            limited: explored.limited,
            complete: explored.complete,
            found,
        }
    }

    /// The changes of order that are tried with the faults of a column. Runs with a poison message
    /// are followed for as many steps as there are: outside of the plain world only requests come
    /// before their turn in them, and nothing in those with a message that kills, or they alone
    /// would take longer than all others.
    fn orders(&self, column: &Column, preemptions: u8) -> Budget {
        let most = self.small.preemptions(preemptions, !column.also.is_empty());
        if self.small.is_plain() {
            Budget::preemptions(most)
        } else if column.kills() {
            Budget::preemptions(0)
        } else if column.is_of_poison() {
            Budget::overtakings(most)
        } else {
            Budget::preemptions(most)
        }
    }

    /// The string that repeats a run in this world.
    pub(super) fn replay(&self, choices: &[Choice]) -> ReplayString {
        let (model, strategy) = (self.model, self.row.strategy);
        let table = points::table(&self.loaded.scenario.subscription_names());
        let course = Course::ByList(format_choices(&table, choices));
        let configuration = Configuration { model, strategy };
        self.loaded.replay_string(configuration, self.small.seed, self.size(), course)
    }

    fn size(&self) -> Size {
        Size::of(&self.loaded.scenario.subscriptions[0].name, self.small.scope)
    }
}

/// Exactly one of the column's faults, at most one companion, and these changes of order.
fn space(column: &Column, orders: Budget) -> Space {
    let primary = Budget {
        most: u8::from(!column.primary.is_empty()),
        required: !column.primary.is_empty(),
        choices: choices(column.primary),
    };
    let companion = Budget {
        most: u8::from(!column.also.is_empty()),
        required: false,
        choices: choices(column.also),
    };
    Space::new(vec![primary, companion, orders])
}

fn choices(faults: &[FaultKind]) -> Vec<(Point, u32)> {
    faults.iter().flat_map(|&kind| points::chosen_in(kind)).collect()
}
