//! Runs of a scenario as it is, beside its exploration: what they show and no run of the small
//! version does was not tried.
//!
//! The comparisons of [`entrega::untried`] name what time can do, as far as somebody has thought of
//! it. Below them lies a net: a row that would say *never* or *always* makes some runs of the
//! scenario too, with its own first messages, its own spans of time, and faults at any of their
//! places. Its odds are not asked: where one message in a thousand meets a fault, hardly a run
//! would.
//!
//! > **The rule.** No run has more faults than the exploration tries, nor any of another kind or
//! > another subscription. How many runs are made is counted in steps, and so it depends on no
//! > clock.
//!
//! What the net does not catch is not proved by it. It is there to refute.

use std::cell::Cell;

use entrega::judge::{self, Judged, Replays};
use entrega::untried::FIRST_MESSAGES;
use entrega_checker::Finding;
use entrega_choice::{Choice, Point, format_choices};
use entrega_explain::digits::{counted, thousands};
use entrega_scenario::points::{self, FaultKind};
use entrega_scenario::workload::Workload;
use entrega_sim::explore::Explored;
use entrega_sim::{Experiment, RunEnd};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

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
    /// `before` hears the seed of each run, and says whether to go on; if it ever does not, that
    /// they were not all made is a clause too.
    pub fn missed(
        &self,
        explored: &Explored<Finding>,
        before: &dyn Fn(u64) -> bool,
    ) -> Vec<String> {
        let said = Property::ALL.iter().map(|one| (*one, one.occurs(explored)));
        let is_proof = |occurs| matches!(occurs, Occurs::Never | Occurs::Always);
        let said: Vec<(Property, Occurs)> = said.filter(|&(_, occurs)| is_proof(occurs)).collect();
        let proves = self.space.untried.not_tried.is_empty() && !said.is_empty();
        if !(proves && self.plan.bounds.as_it_is) {
            return Vec::new();
        }
        let is_ended = Cell::new(false);
        let before = |seed| {
            is_ended.set(is_ended.get() || !before(seed));
            !is_ended.get()
        };
        let mut clauses = self.shown_nearby(&said, &before);
        let whole = Whole::of(self);
        let runs = whole.runs(&before);
        let is_always = |occurs| occurs == Occurs::Always;
        let refuted = |&(one, occurs): &_| whole.refuted(&runs, one, is_always(occurs));
        clauses.extend(said.iter().filter_map(refuted));
        clauses.extend(is_ended.get().then(|| "runs of the scenario as it is".to_owned()));
        clauses
    }
}

/// A run of the scenario as it is.
struct Shown {
    seed: u64,
    /// The faults that strike in it.
    faults: Vec<Choice>,
    /// Whether it came to rest. Else it may still show more.
    rests: bool,
    properties: Vec<Property>,
}

/// The scenario of a space as it is, but for how much is sent.
struct Whole<'p> {
    prepared: &'p Prepared<'p>,
    version: Version<'p>,
    /// The faults that are tried, each with the choice that it is by chance.
    faults: Vec<(Point, u32)>,
    /// For each of them at how many places it is put: those of the run without a fault, or as many
    /// as there are messages if that has none.
    places: Vec<usize>,
    replays: Replays,
    /// How many steps are left.
    left: Cell<u64>,
}

impl<'p> Whole<'p> {
    fn of(prepared: &'p Prepared<'p>) -> Self {
        let version = prepared.plan.loaded.cut(FIRST_MESSAGES, STEPS_OF_A_RUN);
        let replays = Replays::of(&version.scenario);
        let subscription = prepared.space.scope.subscription;
        let by_chance = |&(fault, act): &FaultKind| {
            let info = points::info(fault);
            let value = info.value(act).filter(|_| info.can_happen_by_chance())?;
            Some((info.point(subscription), value))
        };
        let faults: Vec<_> = prepared.space.kinds.iter().filter_map(by_chance).collect();
        let places = vec![version.messages() as usize; faults.len()];
        let mut whole = Self { prepared, version, faults, places, replays, left: Cell::new(STEPS) };
        whole.count_places();
        whole
    }

    /// Counts them in the run without a fault.
    fn count_places(&mut self) {
        let seed = self.prepared.plan.bounds.seed;
        let workload = self.version.workload(seed);
        let Configuration { model, strategy } = self.prepared.space.configuration;
        let scenario = &self.version.scenario;
        let experiment = Experiment { scenario, workload: &workload, model, strategy, seed };
        let calm = self.replays.judge(&experiment, &[]).outcome;
        for (places, &(point, _)) in self.places.iter_mut().zip(&self.faults) {
            match calm.choices.occurrences(point) {
                0 => {}
                met => *places = met as usize,
            }
        }
    }

    /// As many runs as there are steps for.
    fn runs(&self, before: &dyn Fn(u64) -> bool) -> Vec<Shown> {
        let mut runs = Vec::new();
        let first = self.prepared.plan.bounds.seed;
        let seeds = (0..RUNS).map(|number| first.wrapping_add(number));
        for seed in seeds.take_while(|&seed| self.left.get() > 0 && before(seed)) {
            let workload = self.version.workload(seed);
            runs.extend(self.run(&workload, seed));
        }
        runs
    }

    /// The run of a seed; none if it is too large: what it would show later is not known.
    fn run(&self, workload: &Workload, seed: u64) -> Option<Shown> {
        let Configuration { model, strategy } = self.prepared.space.configuration;
        let scenario = &self.version.scenario;
        let experiment = Experiment { scenario, workload, model, strategy, seed };
        let judged = self.replays.judge(&experiment, &self.drawn(seed));
        let steps = judged.outcome.steps;
        self.left.set(self.left.get().saturating_sub(steps));
        (steps < scenario.limits.steps).then(|| self.shown(&judged, seed))
    }

    /// As many faults as are explored, each of any kind, at one of its places in the run. First
    /// places come more often than late ones: many points are met a few times only.
    fn drawn(&self, seed: u64) -> Vec<Choice> {
        let mut dice = SplitMix64::seed_from_u64(seed);
        let mut below = |bound: usize| (dice.next_u64() % bound.max(1) as u64) as usize;
        let draw = |_| {
            let fault = below(self.faults.len());
            let &(point, value) = self.faults.get(fault)?;
            let most = 1 + below(self.places[fault]);
            Some(Choice { point, occurrence: 1 + below(most) as u32, value })
        };
        (0..self.prepared.plan.bounds.faults).filter_map(draw).collect()
    }

    fn shown(&self, judged: &Judged, seed: u64) -> Shown {
        let Judged { report, outcome } = judged;
        let of = &report.subscriptions[self.prepared.space.scope.subscription.index()];
        let found: Vec<Finding> = judge::shown(of, outcome.end).collect();
        let is_shown = |one: &Property| found.iter().any(|&finding| one.counts(finding));
        Shown {
            seed,
            faults: outcome.choices.made().to_vec(),
            rests: outcome.end == RunEnd::Quiescent,
            properties: Property::ALL.into_iter().filter(is_shown).collect(),
        }
    }

    /// The runs that contradict what an exploration says of a property, as a clause.
    fn refuted(&self, runs: &[Shown], property: Property, always: bool) -> Option<String> {
        let shows = |one: &&Shown| one.properties.contains(&property);
        let against: Vec<&Shown> = if always {
            runs.iter().filter(|one| one.rests && !shows(one)).collect()
        } else {
            runs.iter().filter(shows).collect()
        };
        let first = against.first()?;
        let verb = match (always, against.len()) {
            (false, 1) => "shows",
            (false, _) => "show",
            (true, 1) => "does not show",
            (true, _) => "do not show",
        };
        let small = if always { "every" } else { "no" };
        Some(format!(
            "something of the scenario as it is: {} of {} of {} {verb} {}, and {small} run of its \
             small version does ({})",
            thousands(against.len() as u64),
            counted(runs.len() as u64, "run"),
            self.how_much(),
            property.name().replace('_', " "),
            self.which(first),
        ))
    }

    /// `it`, or how much of it.
    fn how_much(&self) -> String {
        match self.version.messages() {
            all if all == self.prepared.plan.loaded.full().messages() => "it".to_owned(),
            first if self.version.scenario.workload.from.is_some() => {
                format!("its first {first} messages")
            }
            first => {
                let keys = u64::from(self.version.scenario.workload.key_count());
                format!("its first {first} messages, of {},", counted(keys, "key"))
            }
        }
    }

    /// `seed 7`, or with what.
    fn which(&self, run: &Shown) -> String {
        if run.faults.is_empty() {
            return format!("seed {}", run.seed);
        }
        let table = points::table(&self.version.scenario.subscription_names());
        format!("seed {}, with {}", run.seed, format_choices(&table, &run.faults))
    }
}
