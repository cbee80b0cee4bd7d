//! One cell: what the worlds of its row have shown under its column.

use std::collections::BTreeMap;

use entrega_checker::{Class, Finding};
use entrega_clients::Strategy;
use entrega_model::Model;
use serde::Serialize;

use super::columns::Column;
use super::family::MOST_MESSAGES;
use super::rows::TableRow;
use super::world::{Tried, World};

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
    /// All of them, in the order in which they are shown.
    const ALL: [Self; 6] =
        [Self::Loss, Self::Duplicate, Self::Reorder, Self::Stall, Self::DeadLetter, Self::Phantom];

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
    pub fn of(finding: Finding) -> Option<Self> {
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
    /// Whether the fault can happen in any world; if not, the cell is n/a.
    pub applicable: bool,
    /// What some run in some world shows, beyond what runs without the fault show there.
    pub outcomes: Vec<Letter>,
    /// In how many small worlds it was explored.
    pub worlds: u64,
    /// For every outcome the number of worlds that show it.
    pub shown_in: BTreeMap<Letter, u64>,
    /// The outcomes that only worlds with the most messages show.
    pub most_messages_only: Vec<Letter>,
    /// How many runs were made.
    pub schedules: u64,
    /// How many different states were seen.
    pub states: u64,
    /// How many runs did not come to rest within [`super::STEPS`] (they show a stall).
    pub limited: u64,
    /// Whether nothing is left to be tried in any world.
    pub complete: bool,
    /// For every outcome the simplest run that shows it, which names its world.
    pub replay: BTreeMap<Letter, String>,
}

impl Cell {
    /// What is known of a cell before anything was tried.
    fn new(model: Model, row: &TableRow, column: &Column) -> Self {
        Self {
            model,
            strategy: row.strategy,
            setting: row.setting,
            fault: column.fault,
            companion: column.companion,
            applicable: false,
            outcomes: Vec::new(),
            worlds: 0,
            shown_in: BTreeMap::new(),
            most_messages_only: Vec::new(),
            schedules: 0,
            states: 0,
            limited: 0,
            complete: true,
            replay: BTreeMap::new(),
        }
    }

    /// The cell of a row under a column, from what was tried in each of its worlds; none if nothing
    /// was. A world in which nothing was tried leaves it incomplete.
    pub(super) fn of(column: &Column, worlds: &[(&World, Option<&Tried>)]) -> Option<Self> {
        let (first, _) = worlds.first()?;
        let mut cell = Self::new(first.model, first.row, column);
        for (_, tried) in worlds {
            cell.count(*tried);
        }
        for letter in Letter::ALL {
            cell.note(letter, worlds);
        }
        (cell.worlds > 0).then_some(cell)
    }

    fn count(&mut self, tried: Option<&Tried>) {
        let Some(tried) = tried else {
            self.complete = false;
            return;
        };
        self.worlds += 1;
        self.applicable |= tried.applicable;
        self.schedules += tried.schedules;
        self.states += tried.states;
        self.limited += tried.limited;
        self.complete &= tried.complete;
    }

    /// Notes a letter, if any world shows it: with its shortest run, in the first of the worlds
    /// that have one as short.
    fn note(&mut self, letter: Letter, worlds: &[(&World, Option<&Tried>)]) {
        let showing = worlds.iter().filter_map(|(world, tried)| {
            let choices = tried.as_ref()?.found.get(&letter)?;
            Some((world, choices))
        });
        let Some((world, choices)) = showing.clone().min_by_key(|(_, choices)| choices.len())
        else {
            return;
        };
        self.outcomes.push(letter);
        self.replay.insert(letter, world.replay(choices).to_string());
        self.shown_in.insert(letter, showing.clone().count() as u64);
        if showing.clone().all(|(world, _)| world.small.scope.messages == MOST_MESSAGES) {
            self.most_messages_only.push(letter);
        }
    }

    /// Whether its fault can happen in none of its worlds, and all of them were tried.
    pub fn is_impossible(&self) -> bool {
        self.complete && !self.applicable
    }

    /// As tables show it: its letters, each with a mark if only the most messages show it; `–` for
    /// nothing, nothing for n/a, `?` if it is incomplete.
    pub fn letters(&self) -> String {
        let mut letters = String::new();
        for outcome in &self.outcomes {
            letters.push(outcome.letter());
            letters.extend(self.most_messages_only.contains(outcome).then_some(MARK));
        }
        if self.is_impossible() {
            return letters;
        }
        if !self.complete {
            letters.push('?');
        }
        if letters.is_empty() { "–".to_owned() } else { letters }
    }
}

/// Stands behind a letter that only four messages show.
pub const MARK: char = '⁴';
