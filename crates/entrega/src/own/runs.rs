//! The runs of an exploration of your own consumer, in one configuration after the other.
//!
//! > **The rule.** A run that is made again goes the same way, event by event. The run without a
//! > fault is made again at the end, one of fifty is made twice, and so is each counterexample. If
//! > one of them differs, the consumer depends on something outside, and nothing else that was seen
//! > means anything.

use std::collections::BTreeSet;

use entrega_choice::{Choice, Choices};
use entrega_clients::Consumer;
use entrega_model::{Event, Model};
use entrega_scenario::points::{self, FaultKind};
use entrega_sim::explore::{Explored, Frontier, Misbehaved, Seen, Showing, Task, Walked};
use entrega_sim::{Arena, Experiment, OwnConsumer};

use super::prepared::Prepared;
use super::recorder::Recorder;
use super::{Explorer, faults};
use crate::Finding;
use crate::judge::{self, Judged, judge_own};
use crate::untried::Untried;

/// One of this many runs is made twice.
const TWICE: u64 = 50;

/// Where a consumer is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) model: Model,
    pub(super) consumers: u32,
}

/// What an exploration has tried in one configuration, and what it has found.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) on: Configuration,
    pub(super) explored: Explored<Finding>,
    /// What time can do without a fault.
    pub(super) untried: Untried,
    /// What was to be tried and came up in some run.
    pub(super) faults: Vec<FaultKind>,
    /// What was to be tried and came up in none.
    pub(super) never_met: Vec<FaultKind>,
    /// What is tried only if it is named, and why.
    pub(super) left_out: Vec<(FaultKind, &'static str)>,
    /// The changes of order that came up in some run.
    pub(super) orders: Vec<FaultKind>,
    /// Idle answers were left out.
    pub(super) slept: bool,
    /// How many runs never came to rest and left messages open, and how many messages at most.
    pub(super) open: Open,
    /// The choices of runs that went another way when they were made again.
    pub(super) differs: Option<Vec<Choice>>,
}

/// What runs that never come to rest leave open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) runs: u64,
    pub(super) messages: u64,
}

/// An exploration of one configuration under way.
struct Exploring<'a, C> {
    explorer: &'a Explorer<C>,
    experiment: Experiment<'a>,
    recorder: Recorder,
    arena: Arena,
    made: u64,
    tried: BTreeSet<FaultKind>,
    without_fault: Vec<Event>,
    slept: bool,
    open: Open,
    differs: Option<Vec<Choice>>,
    /// Nothing that comes after this can mean anything.
    is_over: bool,
}

impl<C: Consumer + Clone> Explorer<C> {
    /// Explores one configuration, and stops after a run in which the consumer misbehaves.
    pub(super) fn tried(&self, prepared: &Prepared, on: Configuration, budget: u64) -> Tried {
        let experiment = prepared.experiment(on.model, self.settings.like);
        let untried = self.untried(prepared, on.model);
        let space = untried.in_space(self.settings.space(&prepared.faults));
        let mut frontier = Frontier::new(space, budget);
        if !self.settings.stateless || self.keeps {
            frontier = frontier.without_cuts();
        }
        let exploring = Exploring {
            explorer: self,
            experiment,
            recorder: Recorder::new(&experiment),
            arena: Arena::default(),
            made: 0,
            tried: BTreeSet::new(),
            without_fault: Vec::new(),
            slept: false,
            open: Open::default(),
            differs: None,
            is_over: false,
        };
        exploring.explore(frontier, prepared, on, untried)
    }

    /// One run by a list of choices; `woken`, if polls that sleep are woken at its end.
    pub(super) fn judged(
        &self,
        experiment: &Experiment<'_>,
        choices: Choices,
        woken: bool,
    ) -> (Judged, Vec<Event>) {
        let consumer = (self.fresh)(&self.consumer);
        let own = OwnConsumer { consumer: &consumer, pulse: self.settings.pulse.as_deref(), woken };
        let mut events = Vec::new();
        let judged = judge_own(experiment, own, choices, &mut events);
        (judged, events)
    }
}

impl<C: Consumer + Clone> Exploring<'_, C> {
    fn explore(
        mut self,
        mut frontier: Frontier<Finding>,
        prepared: &Prepared,
        on: Configuration,
        untried: Untried,
    ) -> Tried {
        while !self.is_over
            && let Some(batch) = frontier.batch(1)
        {
            let walked = batch.iter().map(|task| self.make(task, frontier.seen())).collect();
            frontier.absorb(batch, walked);
        }
        let mut explored = frontier.finish();
        if self.made > 0 && self.differs.is_none() {
            self.make_again(&mut explored);
        }
        let Self { ref tried, slept, open, differs, .. } = self;
        let of = |is_tried: bool| {
            let kinds = prepared.faults.iter().copied();
            kinds.filter(move |kind| tried.contains(kind) == is_tried)
        };
        let orders =
            tried.iter().copied().filter(|&(fault, _)| points::info(fault).site.is_order());
        let (faults, never_met) = (of(true).collect(), of(false).collect());
        let orders = orders.collect();
        let left_out = prepared.left_out.clone();
        Tried { on, explored, untried, faults, left_out, never_met, orders, slept, open, differs }
    }

    /// Makes one run, and maybe once more; it may leave nothing more to find out.
    fn make(&mut self, task: &Task, seen: &Seen) -> Walked<Finding> {
        let walk = self.walk(task, seen);
        self.note(task, &walk);
        self.made += 1;
        if self.made.is_multiple_of(TWICE) {
            self.walk_again(task, seen);
        }
        let misdeed = walk.misbehaviour().map(|one| &one.misdeed);
        self.is_over |= !misdeed.is_none_or(|one| self.explorer.allows(one, &task.choices));
        walk
    }

    fn walk(&mut self, task: &Task, seen: &Seen) -> Walked<Finding> {
        let Self { explorer, experiment, recorder, arena, .. } = self;
        let consumer = (explorer.fresh)(&explorer.consumer);
        let pulse = explorer.settings.pulse.as_deref();
        let own = OwnConsumer { consumer: &consumer, pulse, woken: false };
        experiment.walk_own(arena, own, task, seen, recorder)
    }

    fn walk_again(&mut self, task: &Task, seen: &Seen) {
        let first = std::mem::take(&mut self.recorder.events);
        self.walk(task, seen);
        let differs = self.recorder.events != first;
        self.note_difference(differs, &task.choices);
    }

    /// Notes of a run what the frontier does not.
    fn note(&mut self, task: &Task, walk: &Walked<Finding>) {
        let last = task.choices.last();
        self.tried.extend(last.and_then(|one| points::kind_of(one.point, one.value)));
        self.slept |= walk.slept();
        if let Some(open) = self.recorder.open.filter(|&open| open > 0) {
            self.open.runs += 1;
            self.open.messages = self.open.messages.max(open);
        }
        if task.choices.is_empty() {
            self.without_fault.clone_from(&self.recorder.events);
        }
    }

    fn note_difference(&mut self, differs: bool, choices: &[Choice]) {
        if differs {
            self.differs.get_or_insert(choices.to_vec());
            self.is_over = true;
        }
    }

    /// Makes the run without a fault again, then each counterexample: it must show once more what
    /// it has shown; and twice with its idle polls woken at its end.
    fn make_again(&mut self, explored: &mut Explored<Finding>) {
        let differs = self.run(&[], false).1 != self.without_fault;
        self.note_difference(differs, &[]);
        if self.is_over {
            return;
        }
        for (finding, Showing { simplest, .. }) in &explored.found {
            let differs = !self.shows(finding, simplest);
            self.note_difference(differs, simplest);
        }
        if self.is_over {
            return;
        }
        let simplest = explored.found.values().map(|showing| showing.simplest.clone());
        let runs: BTreeSet<Vec<Choice>> = simplest.chain([Vec::new()]).collect();
        for choices in runs {
            let (judged, first) = self.run(&choices, true);
            let differs = self.run(&choices, true).1 != first;
            self.note_difference(differs, &choices);
            if let Some(misbehaviour) = judged.outcome.misbehaviour {
                let showing = Showing { runs: 1, simplest: choices };
                let entry = explored.misbehaved.entry(misbehaviour.misdeed.clone());
                entry.or_insert(Misbehaved { misbehaviour, showing });
            }
        }
    }

    /// Whether a run shows a finding when it is made again.
    fn shows(&self, finding: &Finding, choices: &[Choice]) -> bool {
        let Judged { report, outcome } = self.run(choices, false).0;
        let mut subscriptions = report.subscriptions.iter();
        subscriptions.any(|of| judge::shown(of, outcome.end).any(|shown| shown == *finding))
    }

    fn run(&self, choices: &[Choice], woken: bool) -> (Judged, Vec<Event>) {
        let table = points::table(&self.experiment.scenario.subscription_names());
        let choices = Choices::explicit(table, choices.to_vec());
        self.explorer.judged(&self.experiment, choices, woken)
    }
}

impl Tried {
    /// What was not tried, in words; `is_met` knows what another configuration has tried.
    pub(super) fn not_tried(&self, is_met: impl Fn(&FaultKind) -> bool) -> Vec<String> {
        let absent = points::kinds().filter(|&kind| !faults::exists(kind, self.on.model));
        let absent = faults::listed(absent).into_iter().map(|one| format!("{one}: there is none"));
        let reasons: BTreeSet<&str> = self.left_out.iter().map(|(_, why)| *why).collect();
        let left_out = reasons.into_iter().flat_map(|why| {
            let kinds = self.left_out.iter().filter(move |one| one.1 == why).map(|one| one.0);
            faults::listed(kinds).into_iter().map(move |one| format!("{one}: {why}"))
        });
        let never_met = faults::listed(self.never_met.iter().copied().filter(|kind| !is_met(kind)));
        let never_met = never_met
            .into_iter()
            .map(|one| format!("{one}: no run came to it that might have a fault more"));
        let slept = self.slept.then(|| "more than two idle polls in a row".to_owned());
        let time = self.untried.not_tried.iter().cloned();
        time.chain(absent).chain(left_out).chain(never_met).chain(slept).collect()
    }
}
