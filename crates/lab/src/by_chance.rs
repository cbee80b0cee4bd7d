//! Runs of a scenario as it is, beside its exploration: what they show and no run of the small
//! version does was not tried.
//!
//! The comparisons of [`entrega::untried`] name what time can do, as far as somebody has thought of
//! it. Below them lies a net: a row that would say *never* or *always* makes some runs of the whole
//! scenario too, with its own messages, its own spans of time and its own odds.
//!
//! > **The rule.** No run has more faults than the exploration tries, nor any of another kind: of
//! > those that its seed draws only as many strike in it, one after the other, and none of another
//! > subscription. How many runs are made is counted in steps, and so it depends on no clock.
//!
//! What the net does not catch is not proved by it. It is there to refute.

use std::cell::Cell;

use entrega::judge::{self, Judged, Replays, judge};
use entrega_checker::Finding;
use entrega_choice::Choice;
use entrega_explain::digits::{counted, thousands};
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::explore::Explored;
use entrega_sim::{Experiment, RunEnd};

use crate::configuration::Configuration;
use crate::exploration_plan::Prepared;
use crate::loaded::Version;
use crate::property::{Occurs, Property};

/// At most this many runs for each row.
const RUNS: u64 = 60;
/// After so many steps in all of them, some tenths of a second, no run is begun. A seed that draws
/// more faults than are explored is run twice.
const STEPS: u64 = 300_000;
/// A run that is not at rest after so many is too large to be made, and counts for nothing.
const STEPS_OF_A_RUN: u64 = 60_000;

impl Prepared<'_> {
    /// What runs of the scenario as it is contradict in an exploration of the space, a clause each.
    /// `before` hears the seed of each run, and says whether to go on.
    pub fn missed(
        &self,
        explored: &Explored<Finding>,
        before: &dyn Fn(u64) -> bool,
    ) -> Vec<String> {
        let said = |one: &Property| match one.occurs(explored) {
            Occurs::Never => Some((*one, false)),
            Occurs::Always => Some((*one, true)),
            Occurs::Sometimes | Occurs::NotFound => None,
        };
        let said: Vec<(Property, bool)> = Property::ALL.iter().filter_map(said).collect();
        let proves = self.space.untried.not_tried.is_empty() && !said.is_empty();
        if !(proves && self.plan.bounds.as_it_is) {
            return Vec::new();
        }
        let runs = Whole::of(self).runs(before);
        said.into_iter().filter_map(|(one, always)| refuted(&runs, one, always)).collect()
    }
}

/// A run of the whole scenario.
struct Shown {
    seed: u64,
    /// How many faults it has of all that its seed draws.
    faults: (usize, usize),
    /// Whether it came to rest. Else it may still show more.
    rests: bool,
    properties: Vec<Property>,
}

/// The runs that contradict what an exploration says of a property, as a clause.
fn refuted(runs: &[Shown], property: Property, always: bool) -> Option<String> {
    let shows = |one: &&Shown| one.properties.contains(&property);
    let against: Vec<&Shown> = if always {
        runs.iter().filter(|one| one.rests && !shows(one)).collect()
    } else {
        runs.iter().filter(shows).collect()
    };
    let seed = against.first()?.seed_in_words();
    let verb = match (always, against.len()) {
        (false, 1) => "shows",
        (false, _) => "show",
        (true, 1) => "does not show",
        (true, _) => "do not show",
    };
    let small = if always { "every" } else { "no" };
    Some(format!(
        "something of the scenario as it is: {} of {} of it by chance {verb} {}, and {small} run \
         of its small version does ({seed})",
        thousands(against.len() as u64),
        counted(runs.len() as u64, "run"),
        property.name().replace('_', " "),
    ))
}

impl Shown {
    /// `seed 7`, or with how many of the faults that it draws.
    fn seed_in_words(&self) -> String {
        let (made, drawn) = self.faults;
        let drawn_in_words = counted(drawn as u64, "fault");
        match made {
            _ if made == drawn => format!("seed {}", self.seed),
            0 => format!("seed {}, without its {drawn_in_words}", self.seed),
            _ => format!("seed {}, with {made} of its {drawn_in_words}", self.seed),
        }
    }
}

/// The whole scenario of a space.
struct Whole<'p> {
    prepared: &'p Prepared<'p>,
    version: Version<'p>,
    replays: Replays,
    /// How many steps are left.
    left: Cell<u64>,
}

impl<'p> Whole<'p> {
    fn of(prepared: &'p Prepared<'p>) -> Self {
        let mut version = prepared.plan.loaded.full();
        let limits = &mut version.scenario.limits;
        limits.steps = limits.steps.min(STEPS_OF_A_RUN);
        let replays = Replays::of(&version.scenario);
        Self { prepared, version, replays, left: Cell::new(STEPS) }
    }

    /// As many runs as there are steps for; none of a scenario that has more messages than a run
    /// has steps.
    fn runs(&self, before: &dyn Fn(u64) -> bool) -> Vec<Shown> {
        let mut runs = Vec::new();
        if self.version.messages() >= STEPS_OF_A_RUN {
            return runs;
        }
        let first = self.prepared.plan.bounds.seed;
        let seeds = (0..RUNS).map(|number| first.wrapping_add(number));
        for seed in seeds.take_while(|&seed| self.left.get() > 0 && before(seed)) {
            let workload = self.version.workload(seed);
            let Some(run) = self.run(&workload, seed) else { break };
            runs.push(run);
        }
        runs
    }

    /// The run of a seed, with no more faults than are explored; none if it is too large.
    fn run(&self, workload: &Workload, seed: u64) -> Option<Shown> {
        let Configuration { model, strategy } = self.prepared.space.configuration;
        let scenario = &self.version.scenario;
        let experiment = Experiment { scenario, workload, model, strategy, seed };
        let mut judged = self.paid(judge(&experiment, experiment.random_choices(), &mut ()))?;
        let drawn = judged.outcome.choices.made().to_vec();
        let kept = self.kept(&drawn, seed);
        if kept.len() < drawn.len() {
            judged = self.paid(self.replays.judge(&experiment, &kept))?;
        }
        Some(self.shown(&judged, seed, drawn.len()))
    }

    /// A run whose steps are taken from those that are left, if it did not need as many as it may:
    /// what it would show later is not known.
    fn paid(&self, judged: Judged) -> Option<Judged> {
        let steps = judged.outcome.steps;
        self.left.set(self.left.get().saturating_sub(steps));
        (steps < self.version.scenario.limits.steps).then_some(judged)
    }

    /// The faults that may strike: as many as are explored, of their kinds.
    fn kept(&self, drawn: &[Choice], seed: u64) -> Vec<Choice> {
        let space = self.prepared.space;
        let is_explored = |one: &&Choice| {
            let kind = points::kind_of(one.point, one.value);
            let befalls = points::befalls(one.point, space.scope.subscription);
            befalls && kind.is_some_and(|kind| space.kinds.contains(&kind))
        };
        let explored: Vec<Choice> = drawn.iter().filter(is_explored).copied().collect();
        let most = usize::from(self.prepared.plan.bounds.faults).min(explored.len());
        let places = (explored.len() - most) as u64 + 1;
        let from = (seed % places) as usize;
        explored[from..from + most].to_vec()
    }

    fn shown(&self, judged: &Judged, seed: u64, drawn: usize) -> Shown {
        let Judged { report, outcome } = judged;
        let of = &report.subscriptions[self.prepared.space.scope.subscription.index()];
        let found: Vec<Finding> = judge::shown(of, outcome.end).collect();
        let is_shown = |one: &Property| found.iter().any(|&finding| one.counts(finding));
        Shown {
            seed,
            faults: (outcome.choices.made().len(), drawn),
            rests: outcome.end == RunEnd::Quiescent,
            properties: Property::ALL.into_iter().filter(is_shown).collect(),
        }
    }
}
