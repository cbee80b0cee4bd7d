//! The shortest story behind an anomaly: a five-message version of the scenario, and one fault or
//! two.
//!
//! A sweep says that something happens; here the same thing is looked for where a person can follow
//! it. Every single fault that the scenario knows is tried at every point of the short run, then
//! every pair; the first that shows the anomaly is the example, so it is the simplest by number of
//! faults. Several seeds are tried, because some anomalies need a lucky moment (a timer between two
//! events).

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use entrega::judge::{Replays, explicit};
use entrega::{Judged, judge};
use entrega_checker::Finding;
use entrega_choice::{Choice, Point, format_choices};
use entrega_clients::Strategy;
use entrega_model::{Event, MessageId, Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;

use super::files::{LoadedScenario, Version};
use super::replay_string::{ReplayString, Size};

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
pub(crate) struct Wanted {
    pub(crate) model: Model,
    pub(crate) strategy: Strategy,
    pub(crate) subscription: SubscriptionId,
    /// What its run must show.
    pub(crate) finding: Finding,
}

/// An example that was found.
pub(crate) struct Example {
    pub(crate) wanted: Wanted,
    /// What exactly it shows: with a cause, even if any cause would do.
    pub(crate) finding: Finding,
    pub(crate) message: MessageId,
    pub(crate) replay: ReplayString,
    /// The run, for the story.
    pub(crate) events: Vec<Event>,
    pub(crate) cast: Cast,
}

/// Looks for an example with one fault.
pub(crate) fn with_one_fault(
    loaded: &LoadedScenario,
    wanted: Wanted,
    seed: u64,
    stop: &AtomicBool,
) -> Option<Example> {
    let (short, budget) = (loaded.short(MESSAGES), Cell::new(BUDGET));
    (seed..seed + SINGLE_SEEDS).find_map(|seed| {
        Search::new(loaded, &short, wanted, seed, (stop, &budget)).with_one_fault()
    })
}

/// Looks for an example with two faults, which takes much longer.
pub(crate) fn with_two_faults(
    loaded: &LoadedScenario,
    wanted: Wanted,
    seed: u64,
    stop: &AtomicBool,
) -> Option<Example> {
    let (short, budget) = (loaded.short(MESSAGES), Cell::new(BUDGET));
    (seed..seed + PAIR_SEEDS).find_map(|seed| {
        Search::new(loaded, &short, wanted, seed, (stop, &budget)).with_two_faults()
    })
}

/// The search in the short run of one seed.
struct Search<'a> {
    loaded: &'a LoadedScenario,
    scenario: &'a Scenario,
    workload: Workload,
    replays: Replays,
    wanted: Wanted,
    seed: u64,
    /// The faults that can happen to the subscription in question: point and alternative.
    faults: Vec<(Point, u32)>,
    /// Raised when nobody wants to wait any longer.
    stop: &'a AtomicBool,
    /// How many more runs may be tried.
    budget: &'a Cell<u32>,
}

impl<'a> Search<'a> {
    fn new(
        loaded: &'a LoadedScenario,
        short: &'a Version<'a>,
        wanted: Wanted,
        seed: u64,
        (stop, budget): (&'a AtomicBool, &'a Cell<u32>),
    ) -> Self {
        let scenario = &short.scenario;
        let by_chance = scenario.odds().into_iter().map(|odds| (odds.point, odds.value));
        let for_certain = scenario.scripted().into_iter().map(|fault| (fault.point, fault.value));
        let concerns = |(point, _): &(Point, u32)| {
            points::describe(*point).1.is_none_or(|whose| whose == wanted.subscription)
        };
        let mut faults: Vec<_> = by_chance.chain(for_certain).filter(concerns).collect();
        faults.sort_unstable();
        faults.dedup();
        let workload = short.workload(seed);
        let replays = Replays::of(scenario);
        Self { loaded, scenario, workload, replays, wanted, seed, faults, stop, budget }
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
        let left = self.budget.get().checked_sub(1)?;
        self.budget.set(left);
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.example(choices, &self.run(choices))
    }

    fn experiment(&self) -> Experiment<'_> {
        Experiment {
            scenario: self.scenario,
            workload: &self.workload,
            model: self.wanted.model,
            strategy: self.wanted.strategy,
            seed: self.seed,
        }
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
        let replay = ReplayString {
            digest: self.loaded.digest.to_string(),
            seed: self.seed,
            model: self.wanted.model,
            strategy: self.wanted.strategy,
            size: Size::Short(MESSAGES),
            overrides: self.loaded.overrides.clone(),
            choices: format_choices(judged.outcome.choices.table(), choices),
        };
        let cast = Cast::of(self.scenario);
        Some(Example { wanted: self.wanted, finding, message, replay, events, cast })
    }
}
