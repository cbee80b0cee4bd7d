//! One cell: the exploration behind it, and what it found.

use std::collections::BTreeMap;

use entrega::Exploration;
use entrega_checker::{Class, Finding};
use entrega_choice::{Choice, Point, format_choices, simplicity};
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Problem;
use entrega_scenario::points::{self, FaultKind};
use entrega_sim::Experiment;
use entrega_sim::explore::{Budget, Scope, Space};
use serde::Serialize;

use super::columns::Column;
use super::rows::TableRow;
use crate::configuration::Configuration;
use crate::loaded::LoadedScenario;
use crate::replay_string::{Course, ReplayString};
use crate::size::Size;

/// What a cell says, as `semantics.md` 0.4 abbreviates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Letter {
    /// An acknowledged message without an effect.
    Loss,
    /// Two effects of a message, two dead letters, or one of each.
    Duplicate,
    /// First effects of a key in another order than its messages.
    Reorder,
    /// Messages that are still pending when nothing more happens, or that are tried for ever.
    Stall,
    /// A dead letter: accounted for, not lost.
    DeadLetter,
    /// An effect of a message that was refused or never sent.
    Phantom,
}

impl Letter {
    /// As tables show it.
    pub const fn letter(self) -> char {
        match self {
            Self::Loss => 'L',
            Self::Duplicate => 'D',
            Self::Reorder => 'R',
            Self::Stall => 'S',
            Self::DeadLetter => 'Q',
            Self::Phantom => 'P',
        }
    }

    /// The letter that a finding is counted in, if it has one.
    fn of(finding: Finding) -> Option<Self> {
        Some(match finding {
            Finding::Class(Class::Lost, _) => Self::Loss,
            Finding::Class(Class::Duplicated | Class::Split, _) | Finding::DeadLetteredTwice => {
                Self::Duplicate
            }
            Finding::Class(Class::DeadLettered, _) => Self::DeadLetter,
            Finding::Class(Class::Phantom, _) => Self::Phantom,
            Finding::Class(..) => return None,
            Finding::Reordered => Self::Reorder,
            Finding::Stalled => Self::Stall,
        })
    }
}

/// A cell that was explored.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The kind of broker.
    pub model: Model,
    /// What every consumer does.
    pub strategy: Strategy,
    /// What the setting is called.
    pub setting: &'static str,
    /// What goes wrong.
    pub fault: &'static str,
    /// What else must go wrong for it to show.
    pub companion: Option<&'static str>,
    /// Whether the fault can happen at all; if not, the cell is n/a.
    pub applicable: bool,
    /// What some run shows, beyond what runs without the fault show.
    pub outcomes: Vec<Letter>,
    /// How many runs were made.
    pub schedules: u64,
    /// How many different states were seen.
    pub states: u64,
    /// How many runs did not come to rest within the steps of an exploration (they show a stall).
    pub limited: u64,
    /// Whether nothing is left to be tried.
    pub complete: bool,
    /// For every outcome the simplest run that shows it.
    pub replay: BTreeMap<Letter, String>,
}

impl Cell {
    /// Removes what also happens without the fault.
    pub(super) fn subtract(&mut self, baseline: &Self) {
        self.outcomes.retain(|outcome| !baseline.outcomes.contains(outcome));
        self.replay.retain(|outcome, _| !baseline.outcomes.contains(outcome));
    }

    /// As tables show it: its letters, `–` for nothing, nothing for n/a, `?` if it is incomplete.
    pub fn letters(&self) -> String {
        let mut letters: String = self.outcomes.iter().map(|outcome| outcome.letter()).collect();
        if !self.applicable {
            return letters;
        }
        if !self.complete {
            letters.push('?');
        }
        if letters.is_empty() { "–".to_owned() } else { letters }
    }
}

/// The small world under the settings of a row.
pub(super) struct World {
    pub(super) model: Model,
    pub(super) row: &'static TableRow,
    loaded: LoadedScenario,
}

/// The seed of every cell; nothing in the small world is left to chance.
const SEED: u64 = 1;

impl World {
    pub(super) fn new(model: Model, row: &'static TableRow) -> Result<Self, Problem> {
        let set = row.set.iter();
        let set: Vec<(String, String)> =
            set.map(|&(path, value)| (path.to_owned(), value.to_owned())).collect();
        let alone = |_: &str| Err("nothing stands beside the small world".to_owned());
        let loaded = LoadedScenario::load(super::NAME, super::SCENARIO, &set, &alone)?;
        Ok(Self { model, row, loaded })
    }

    fn scope(&self) -> Scope {
        let consumers = self.row.consumers;
        Scope { subscription: SubscriptionId(0), messages: 3, consumers, partitions: 1 }
    }

    /// Explores one column.
    pub(super) fn cell(&self, column: &Column, preemptions: u8, budget: u64) -> Cell {
        let version = self.loaded.explored(self.scope());
        let workload = version.workload(SEED);
        let experiment = Experiment {
            scenario: &version.scenario,
            workload: &workload,
            model: self.model,
            strategy: self.row.strategy,
            seed: SEED,
        };
        let space = space(column, preemptions);
        let explored = Exploration { experiment, space, budget, cuts: true }.run();
        let mut simplest: BTreeMap<Letter, &[Choice]> = BTreeMap::new();
        for (finding, showing) in &explored.found {
            let Some(outcome) = Letter::of(*finding) else { continue };
            let known = simplest.entry(outcome).or_insert(&showing.simplest);
            if simplicity(&showing.simplest, known).is_lt() {
                *known = &showing.simplest;
            }
        }
        let table = points::table(&version.scenario.subscription_names());
        let replay = simplest
            .iter()
            .map(|(&outcome, choices)| {
                (outcome, self.replay(format_choices(&table, choices)).to_string())
            })
            .collect();
        Cell {
            model: self.model,
            strategy: self.row.strategy,
            setting: self.row.setting,
            fault: column.fault,
            companion: column.companion,
            applicable: explored.ended > 0 || !explored.complete,
            outcomes: simplest.into_keys().collect(),
            schedules: explored.schedules,
            states: explored.states,
            limited: explored.limited,
            complete: explored.complete,
            replay,
        }
    }

    fn replay(&self, choices: String) -> ReplayString {
        let (model, strategy) = (self.model, self.row.strategy);
        let subscription = &self.loaded.scenario.subscriptions[0].name;
        let (configuration, size) =
            (Configuration { model, strategy }, Size::of(subscription, self.scope()));
        self.loaded.replay_string(configuration, SEED, size, Course::ByList(choices))
    }
}

/// Exactly one of the column's faults, at most one companion, and at most `preemptions` changes of
/// order.
fn space(column: &Column, preemptions: u8) -> Space {
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
    Space::new(vec![primary, companion, Budget::preemptions(preemptions)])
}

fn choices(faults: &[FaultKind]) -> Vec<(Point, u32)> {
    faults.iter().flat_map(|&kind| points::chosen_in(kind)).collect()
}
