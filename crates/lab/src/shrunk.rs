//! The run itself, made as small as it gets, for an anomaly that no short run shows.
//!
//! Some anomalies need many messages, a full buffer or several faults, so a version of five
//! messages and a fault or two does not show them. Then the run of the sweep that shows one first
//! is taken, and everything is left out of it that can be: messages, faults, consumers, then sizes,
//! again and again until nothing more can go.
//!
//! > **The rule.** What is left out never changes what is found: class *and* cause stay. The budget
//! > is counted in runs, so that the result depends on nothing but scenario and seed; a long run
//! > counts as several. When it is spent, the smallest run so far is the example, and says so.
//!
//! Whether it takes a fault at all is asked first. A run that does is cut while chance decides in
//! it, then with its faults as a list. If the list that is left is too long for a replay string,
//! the last run by chance is the example.

use std::cell::Cell;
use std::cmp::Ordering;

use entrega::judge::{Replays, explicit};
use entrega::{Judged, judge};
use entrega_checker::Finding;
use entrega_choice::{Choice, Choices, format_choices, simplicity};
use entrega_model::{MessageId, Model};
use entrega_scenario::workload::Workload;
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;

use crate::configuration::Configuration;
use crate::examples::{Example, Extent, Wanted};
use crate::loaded::{LoadedScenario, Version};
use crate::replay_string::{Course, LONGEST, ReplayString};
use crate::size::{Dimension, Reduction, Size};

/// How many runs may be made for one example: about ten seconds of one processor.
pub const BUDGET: u64 = 60_000;
/// How many for one of a cause beside others that have shorter examples.
pub const BUDGET_BESIDE: u64 = BUDGET / 5;
/// A run counts once, and once more for so many of its steps.
const STEPS: u64 = 1_000;

/// A search for the smallest run that shows something.
pub struct Shrinking<'a> {
    loaded: &'a LoadedScenario,
    wanted: Wanted,
    seed: u64,
    stop: &'a dyn Fn() -> bool,
    left: Cell<u64>,
}

/// A run that shows what is wanted.
#[derive(Clone)]
struct Shown {
    reduction: Reduction,
    /// The choices that were made in it.
    choices: Vec<Choice>,
    finding: Finding,
    message: MessageId,
}

/// A version of the scenario with its messages, and the memory for its runs.
struct Reduced<'a> {
    version: Version<'a>,
    workload: Workload,
    replays: Replays,
}

impl<'a> Shrinking<'a> {
    /// The run of this seed, of which nothing is left out yet. `stop` is asked before every run,
    /// and ends the search.
    pub fn new(
        loaded: &'a LoadedScenario,
        wanted: Wanted,
        seed: u64,
        budget: u64,
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { loaded, wanted, seed, stop, left: Cell::new(budget.max(1)) }
    }

    /// The smallest run. None if that of the seed does not show what is wanted.
    pub fn example(&self) -> Option<Example> {
        let all = Reduction::default();
        let full = self.by_chance(&all)?;
        if let Some(calm) = self.by_list(&self.reduced(&all), &all, &[]) {
            let smallest = self.smallest(calm);
            let replay = self.string(&smallest, self.list(&smallest));
            return Some(self.told(smallest, replay));
        }
        let by_chance = self.fewer_messages(full, &|reduction, _| self.by_chance(reduction));
        let smallest = self.smallest(by_chance.clone());
        let listed = self.string(&smallest, self.list(&smallest));
        if listed.to_string().len() <= LONGEST {
            return Some(self.told(smallest, listed));
        }
        let drawn = self.string(&by_chance, Course::ByChance);
        Some(self.told(by_chance, drawn))
    }

    /// Leaves out what can be left out until nothing can.
    fn smallest(&self, shown: Shown) -> Shown {
        let mut smallest = self.fewer_faults(shown);
        loop {
            let before = (smallest.reduction.clone(), smallest.choices.clone());
            smallest = self.fewer_messages(smallest, &|reduction, choices| {
                self.by_list(&self.reduced(reduction), reduction, choices)
            });
            smallest = self.fewer_faults(smallest);
            for dimension in Dimension::ALL.into_iter().filter(|one| self.is_size(*one)) {
                smallest = self.less_of(smallest, dimension);
            }
            smallest = self.earlier_faults(smallest);
            if before == (smallest.reduction.clone(), smallest.choices.clone()) {
                return smallest;
            }
        }
    }

    /// Sends no more than the first messages.
    fn fewer_messages(
        &self,
        mut shown: Shown,
        run: &dyn Fn(&Reduction, &[Choice]) -> Option<Shown>,
    ) -> Shown {
        let mut most = self.amount(&shown, Dimension::Messages);
        let mut cut = most / 2;
        while cut > 0 {
            let fewer = shown.reduction.with(Dimension::Messages, most - cut);
            match run(&fewer, &shown.choices) {
                Some(made) => {
                    shown = made;
                    most -= cut;
                    cut = cut.min(most / 2);
                }
                None => cut /= 2,
            }
        }
        shown
    }

    /// Drops faults, half of them at a time, then fewer.
    fn fewer_faults(&self, mut shown: Shown) -> Shown {
        let reduced = self.reduced(&shown.reduction);
        let mut size = shown.choices.len();
        while size > 0 && self.is_allowed() {
            let mut start = 0;
            while start < shown.choices.len() && self.is_allowed() {
                let mut fewer = shown.choices.clone();
                fewer.drain(start..(start + size).min(shown.choices.len()));
                match self.by_list(&reduced, &shown.reduction, &fewer) {
                    Some(made) if made.choices.len() < shown.choices.len() => shown = made,
                    _ => start += size,
                }
            }
            size /= 2;
        }
        shown
    }

    /// Has as little of something as shows it: one of it, two, four, and from there downwards.
    fn less_of(&self, mut shown: Shown, dimension: Dimension) -> Shown {
        let most = self.amount(&shown, dimension);
        let mut enough = 1;
        let attempt = |shown: &Shown, most: u32| {
            let less = shown.reduction.with(dimension, most);
            self.by_list(&self.reduced(&less), &less, &shown.choices)
        };
        while enough < most {
            if let Some(made) = attempt(&shown, enough) {
                shown = made;
                break;
            }
            enough *= 2;
        }
        while enough > 1 && enough < most {
            let Some(made) = attempt(&shown, enough - 1) else { break };
            (shown, enough) = (made, enough - 1);
        }
        shown
    }

    /// Lets single faults strike earlier, so that fewer messages are enough.
    fn earlier_faults(&self, mut shown: Shown) -> Shown {
        let reduced = self.reduced(&shown.reduction);
        let mut index = 0;
        while index < shown.choices.len() {
            let now = shown.choices[index].occurrence;
            let earlier = [1, 2, 3, now / 2, now - 1].into_iter();
            let made = earlier.filter(|one| (1..now).contains(one)).find_map(|occurrence| {
                let mut choices = shown.choices.clone();
                choices[index].occurrence = occurrence;
                let made = self.by_list(&reduced, &shown.reduction, &choices)?;
                (simplicity(&made.choices, &shown.choices) == Ordering::Less).then_some(made)
            });
            match made {
                Some(made) => shown = made,
                None => index += 1,
            }
        }
        shown
    }

    /// Whether a run may change with it, besides its messages.
    fn is_size(&self, dimension: Dimension) -> bool {
        let Configuration { model, strategy } = self.wanted.configuration;
        match dimension {
            Dimension::Messages => false,
            Dimension::Consumers | Dimension::Prefetch => true,
            Dimension::Partitions => model == Model::Log,
            Dimension::Workers => strategy.reads("workers"),
            Dimension::BatchSize => strategy.reads("batch_size"),
            Dimension::SettleEvery => strategy.reads("settle_every"),
        }
    }

    /// How much of something a run has.
    fn amount(&self, shown: &Shown, dimension: Dimension) -> u32 {
        let version = self.loaded.reduced(&shown.reduction);
        match dimension {
            Dimension::Messages => u32::try_from(version.messages()).unwrap_or(u32::MAX),
            other => other.of(&version.scenario),
        }
    }

    fn reduced(&self, reduction: &Reduction) -> Reduced<'a> {
        let version = self.loaded.reduced(reduction);
        let workload = version.workload(self.seed);
        let replays = Replays::of(&version.scenario);
        Reduced { version, workload, replays }
    }

    fn experiment<'r>(&self, reduced: &'r Reduced<'_>) -> Experiment<'r> {
        let Configuration { model, strategy } = self.wanted.configuration;
        let (scenario, workload) = (&reduced.version.scenario, &reduced.workload);
        Experiment { scenario, workload, model, strategy, seed: self.seed }
    }

    /// A run whose seed decides, if it shows what is wanted.
    fn by_chance(&self, reduction: &Reduction) -> Option<Shown> {
        self.is_allowed().then_some(())?;
        let reduced = self.reduced(reduction);
        let experiment = self.experiment(&reduced);
        let judged = judge(&experiment, experiment.random_choices(), &mut ());
        self.shown(reduction, &judged)
    }

    /// A run with a list of choices, if it shows what is wanted.
    fn by_list(
        &self,
        reduced: &Reduced<'_>,
        reduction: &Reduction,
        choices: &[Choice],
    ) -> Option<Shown> {
        self.is_allowed().then_some(())?;
        let judged = reduced.replays.judge(&self.experiment(reduced), choices);
        self.shown(reduction, &judged)
    }

    fn is_allowed(&self) -> bool {
        self.left.get() > 0 && !(self.stop)()
    }

    fn shown(&self, reduction: &Reduction, judged: &Judged) -> Option<Shown> {
        let cost = 1 + judged.outcome.steps / STEPS;
        self.left.set(self.left.get().saturating_sub(cost));
        let report = judged.report.subscriptions.get(self.wanted.subscription.index())?;
        let (finding, message) = self.wanted.finding.first_in(report)?;
        let choices = judged.outcome.choices.made().to_vec();
        Some(Shown { reduction: reduction.clone(), choices, finding, message })
    }

    fn list(&self, shown: &Shown) -> Course {
        let table = points::table(&self.loaded.scenario.subscription_names());
        Course::ByList(format_choices(&table, &shown.choices))
    }

    fn string(&self, shown: &Shown, course: Course) -> ReplayString {
        let size = if shown.reduction.is_empty() {
            Size::Full
        } else {
            Size::Reduced(shown.reduction.clone())
        };
        self.loaded.replay_string(self.wanted.configuration, self.seed, size, course)
    }

    /// The run once more, with its events.
    fn told(&self, shown: Shown, replay: ReplayString) -> Example {
        let reduced = self.reduced(&shown.reduction);
        let experiment = self.experiment(&reduced);
        let choices: Choices = match replay.course {
            Course::ByChance => experiment.random_choices(),
            Course::ByList(_) => explicit(&experiment, &shown.choices),
        };
        let mut events = Vec::new();
        judge(&experiment, choices, &mut events);
        let extent = Extent {
            messages: reduced.workload.planned.len(),
            faults: shown.choices.len(),
            is_smallest: self.is_allowed() && matches!(replay.course, Course::ByList(_)),
        };
        let Shown { finding, message, .. } = shown;
        let cast = Cast::of(&reduced.version.scenario);
        let wanted = self.wanted;
        Example { wanted, finding, message, replay, events, cast, shrunk: Some(extent) }
    }
}
