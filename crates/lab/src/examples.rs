//! The shortest story behind an anomaly: a five-message version of the scenario, and one fault or
//! two; where that does not show it, the run itself, `shrunk`.
//!
//! > **The rule.** Every anomaly in a table has an example, and each of its causes that makes up a
//! > tenth of it, also if another one has a shorter run: most of what a row counts may come from
//! > the cause that takes a long one. For a rarer cause only short runs are tried; a table then
//! > says of how many messages there is no example.
//!
//! A sweep says that something happens; this module looks for the same in runs that a person can
//! follow. It tries every single fault of the scenario at every point of the short run, then every
//! pair; the first that shows the anomaly is the example, so it is the simplest by number of
//! faults. It tries several seeds, because some anomalies need a lucky moment (a timer between two
//! events).

use std::cell::Cell;

use entrega::judge::{Replays, explicit};
use entrega::{Judged, judge};
use entrega_checker::summary::RowSummary;
use entrega_checker::{Class, Finding};
use entrega_choice::{Choice, Point, format_choices};
use entrega_model::{Event, MessageId, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;
use serde::Serialize;

use crate::configuration::Configuration;
use crate::loaded::{LoadedScenario, Version};
use crate::replay_string::{Course, ReplayString};
use crate::shrunk::{self, Shrinking};
use crate::size::Size;
use crate::sweep::{Sweep, Swept};

/// How many messages an example has.
const MESSAGES: u32 = 5;
/// How many seeds are tried with one fault.
const SINGLE_SEEDS: u64 = 20;
/// How many seeds are tried with two faults.
const PAIR_SEEDS: u64 = 2;
/// How many runs are tried for one example.
const BUDGET: u32 = 2_000;

/// What an example is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of which configuration.
    pub configuration: Configuration,
    /// For which subscription.
    pub subscription: SubscriptionId,
    /// What its run must show.
    pub finding: Finding,
}

/// An example that was found.
pub struct Example {
    /// What was looked for.
    pub wanted: Wanted,
    /// What exactly it shows: with a cause, even if any cause would do.
    pub finding: Finding,
    /// The first message that shows it.
    pub message: MessageId,
    /// The string that repeats the run.
    pub replay: ReplayString,
    /// The run, for the story.
    pub events: Vec<Event>,
    /// Who took part in it.
    pub cast: Cast,
    /// How large it is, if it is the run of the sweep and not a short version.
    pub shrunk: Option<Extent>,
}

/// How large the run of an example is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// How many messages are sent in it.
    pub messages: usize,
    /// How many faults happen in it.
    pub faults: usize,
    /// Whether nothing can be left out; if not, the search ended before it was known.
    pub is_smallest: bool,
}

/// The search for examples of one anomaly in one row of a comparison: one for each of its causes.
pub struct Search<'a> {
    loaded: &'a LoadedScenario,
    seed: u64,
    causes: Vec<Caused>,
}

/// A cause to look for, and the first run of the sweep that shows it.
#[derive(Clone, Copy, Debug)]
struct Caused {
    wanted: Wanted,
    shown_by: Option<u64>,
    /// It makes up too little of the anomaly for a long search beside an example of another cause.
    is_rare: bool,
}

/// A cause is rare if it makes up less than one of so many messages that show the anomaly.
const RARE: u64 = 10;

/// The searches for examples of everything that a sweep has found, in the order of the table. They
/// do not depend on each other.
pub fn searches<'a>(sweep: &Sweep<'a>, swept: &[Swept]) -> Vec<Search<'a>> {
    let (loaded, seed) = (sweep.loaded, sweep.seed);
    let search = |causes| Search { loaded, seed, causes };
    swept.iter().flat_map(wanted_of).map(search).collect()
}

impl Search<'_> {
    /// Looks for an example of every cause, in their order: with a single fault; if none of them
    /// has one, the first with a pair of faults. For a cause that is left the run of the sweep that
    /// shows it is shrunk, with less of a budget if the anomaly has an example already, and not at
    /// all if it is rare then. `stop` is asked before every attempt, and ends the search.
    pub fn run(&self, stop: &dyn Fn() -> bool) -> Vec<Example> {
        let single = |one: &Caused| self.with_one_fault(one.wanted, stop);
        let mut found: Vec<Option<Example>> = self.causes.iter().map(single).collect();
        if let (Some(first), true) = (self.causes.first(), found.iter().all(Option::is_none)) {
            found[0] = self.with_two_faults(first.wanted, stop);
        }
        let none_found = found.iter().all(Option::is_none);
        let budget = if none_found { shrunk::BUDGET } else { shrunk::BUDGET_BESIDE };
        let shrunk = |one: &Caused| {
            let Caused { wanted, shown_by, is_rare } = *one;
            let shown_by = shown_by.filter(|_| none_found || !is_rare)?;
            Shrinking::new(self.loaded, wanted, shown_by, budget, stop).example()
        };
        let examples = found.into_iter().zip(&self.causes);
        examples.filter_map(|(short, one)| short.or_else(|| shrunk(one))).collect()
    }

    fn with_one_fault(&self, wanted: Wanted, stop: &dyn Fn() -> bool) -> Option<Example> {
        let short = self.loaded.short(MESSAGES);
        let patience = Patience { stop, budget: Cell::new(BUDGET) };
        (self.seed..self.seed + SINGLE_SEEDS).find_map(|seed| {
            ShortRuns::new(self.loaded, &short, wanted, seed, &patience).with_one_fault()
        })
    }

    /// Takes much longer.
    fn with_two_faults(&self, wanted: Wanted, stop: &dyn Fn() -> bool) -> Option<Example> {
        let short = self.loaded.short(MESSAGES);
        let patience = Patience { stop, budget: Cell::new(BUDGET) };
        (self.seed..self.seed + PAIR_SEEDS).find_map(|seed| {
            ShortRuns::new(self.loaded, &short, wanted, seed, &patience).with_two_faults()
        })
    }
}

/// What to look for in each row: for every anomaly its causes, in the order of causes.
fn wanted_of(swept: &Swept) -> Vec<Vec<Caused>> {
    let mut wanted = Vec::new();
    let configuration = swept.configuration;
    let rows = swept.rows.iter().zip(&swept.firsts);
    for (subscription, (row, firsts)) in (0..).map(SubscriptionId).zip(rows) {
        let mut want = |findings: Vec<Finding>| {
            let want = |finding| Caused {
                wanted: Wanted { configuration, subscription, finding },
                shown_by: firsts.get(&finding).copied(),
                is_rare: is_rare(row, finding),
            };
            wanted.push(findings.into_iter().map(want).collect());
        };
        for class in ANOMALIES.into_iter().filter(|&class| row.classes.get(class) > 0) {
            want(causes_of(row, class));
        }
        if row.order.reordered > 0 {
            want(vec![Finding::Reordered]);
        }
    }
    wanted
}

/// Whether the cause of a finding makes up little of its class in a row.
fn is_rare(row: &RowSummary, finding: Finding) -> bool {
    let Finding::Class(class, Some(cause)) = finding else { return false };
    let messages = row.causes.get(&cause).copied().unwrap_or_default();
    messages.saturating_mul(RARE) < row.classes.get(class)
}

/// The classes that are anomalies, in the order of the table.
const ANOMALIES: [Class; 6] = [
    Class::Lost,
    Class::Duplicated,
    Class::Split,
    Class::DeadLettered,
    Class::Pending,
    Class::Phantom,
];

/// The causes that a class has in a row; any, for a class that has none. What is pending has
/// stalled, and is told as a replay tells it.
fn causes_of(row: &RowSummary, class: Class) -> Vec<Finding> {
    if class == Class::Pending {
        return vec![Finding::Stalled];
    }
    let of_class = row.examples.keys().filter(|(found, _)| *found == class);
    let causes: Vec<_> = of_class.map(|&(_, cause)| Finding::Class(class, Some(cause))).collect();
    if causes.is_empty() { vec![Finding::Class(class, None)] } else { causes }
}

/// How long a search may go on.
struct Patience<'a> {
    stop: &'a dyn Fn() -> bool,
    /// How many more runs may be tried.
    budget: Cell<u32>,
}

/// The short runs of one seed.
struct ShortRuns<'a> {
    loaded: &'a LoadedScenario,
    scenario: &'a Scenario,
    workload: Workload,
    replays: Replays,
    wanted: Wanted,
    seed: u64,
    /// The faults that can happen to the subscription in question: point and alternative.
    faults: Vec<(Point, u32)>,
    patience: &'a Patience<'a>,
}

impl<'a> ShortRuns<'a> {
    fn new(
        loaded: &'a LoadedScenario,
        short: &'a Version<'a>,
        wanted: Wanted,
        seed: u64,
        patience: &'a Patience<'a>,
    ) -> Self {
        let scenario = &short.scenario;
        let mut faults = scenario.named_faults();
        faults.retain(|&(point, _)| points::befalls(point, wanted.subscription));
        let workload = short.workload(seed);
        let replays = Replays::of(scenario);
        Self { loaded, scenario, workload, replays, wanted, seed, faults, patience }
    }

    fn with_one_fault(&self) -> Option<Example> {
        let harmless = self.run(&[]);
        if let Some(example) = self.example(&[], &harmless) {
            return Some(example);
        }
        self.singles(&harmless, None).into_iter().find_map(|one| self.attempt(&[one]))
    }

    fn with_two_faults(&self) -> Option<Example> {
        let harmless = self.run(&[]);
        self.singles(&harmless, None).into_iter().find_map(|first| {
            let after_first = self.run(&[first]);
            let seconds = self.singles(&after_first, Some(first));
            seconds.into_iter().find_map(|second| self.attempt(&[first, second]))
        })
    }

    /// Every fault at every occurrence that a run has passed; as the second of a pair, only those
    /// that do not repeat a pair in the other order.
    fn singles(&self, run: &Judged, after: Option<Choice>) -> Vec<Choice> {
        let mut singles: Vec<Choice> = self
            .faults
            .iter()
            .flat_map(|&(point, value)| {
                let occurrences = 1..=run.outcome.choices.occurrences(point);
                occurrences.map(move |occurrence| Choice { point, occurrence, value })
            })
            .collect();
        singles.retain(|one| {
            after.is_none_or(|first| (one.point, one.occurrence) != (first.point, first.occurrence))
        });
        singles.sort_by_key(|one| (one.occurrence, one.point, one.value));
        singles
    }

    /// Tries these faults, unless it is time to stop.
    fn attempt(&self, choices: &[Choice]) -> Option<Example> {
        let left = self.patience.budget.get().checked_sub(1)?;
        self.patience.budget.set(left);
        if (self.patience.stop)() {
            return None;
        }
        self.example(choices, &self.run(choices))
    }

    fn experiment(&self) -> Experiment<'_> {
        let Self { scenario, seed, .. } = *self;
        let Configuration { model, strategy } = self.wanted.configuration;
        Experiment { scenario, workload: &self.workload, model, strategy, seed }
    }

    fn run(&self, choices: &[Choice]) -> Judged {
        self.replays.judge(&self.experiment(), choices)
    }

    /// The example, if this run shows what is wanted.
    fn example(&self, choices: &[Choice], judged: &Judged) -> Option<Example> {
        let report = judged.report.subscriptions.get(self.wanted.subscription.index())?;
        let (finding, message) = self.wanted.finding.first_in(report)?;
        let mut events = Vec::new();
        let experiment = self.experiment();
        judge(&experiment, explicit(&experiment, choices), &mut events);
        let choices = format_choices(judged.outcome.choices.table(), choices);
        let (configuration, size) = (self.wanted.configuration, Size::Short(MESSAGES));
        let course = Course::ByList(choices);
        let replay = self.loaded.replay_string(configuration, self.seed, size, course);
        let cast = Cast::of(self.scenario);
        let (wanted, shrunk) = (self.wanted, None);
        Some(Example { wanted, finding, message, replay, events, cast, shrunk })
    }
}

#[cfg(test)]
mod tests {
    use entrega_checker::Cause;

    use super::*;

    fn row(duplicated: u64, cause: Cause, of_cause: u64) -> RowSummary {
        let mut row = RowSummary::default();
        row.classes.add(Class::Duplicated, duplicated);
        row.causes.insert(cause, of_cause);
        row
    }

    /// A tenth is enough for a long search; what has no cause is never rare.
    #[test]
    fn a_cause_of_less_than_a_tenth_is_rare() {
        let cause = Cause::LeaseExpired;
        let finding = Finding::Class(Class::Duplicated, Some(cause));
        assert!(is_rare(&row(100, cause, 9), finding));
        assert!(!is_rare(&row(100, cause, 10), finding));
        assert!(!is_rare(&row(99, cause, 10), finding));
        assert!(!is_rare(&row(100, cause, 9), Finding::Class(Class::Duplicated, None)));
        assert!(!is_rare(&row(100, cause, 9), Finding::Reordered));
    }
}
