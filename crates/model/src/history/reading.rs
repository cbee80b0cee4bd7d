//! How a history is read, and what there is to say about it besides what happened.

use std::collections::BTreeMap;

use crate::Duration;

/// What a reader accepts. By default as little as the format allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether fields that the format does not know are passed over, and counted.
    pub lenient: bool,
    /// What becomes of a line whose time is earlier than one before it.
    pub order: TimeOrder,
}

/// What becomes of a line whose time is earlier than one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeOrder {
    /// It is refused.
    #[default]
    Rising,
    /// The lines count in the order in which they stand. Those that go back by more than this are
    /// counted in the notes.
    AsWritten(Duration),
    /// The lines are sorted by time, those of one time in the order in which they stand. One that
    /// goes back by more than this is refused: what it belongs before was handed out already.
    Sorted(Duration),
}

/// What a reader has to say about a history that it accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Fields that were passed over, shortened, and how often each stood there.
    pub unknown_fields: BTreeMap<String, u64>,
    /// How often further ones did, once there were [`Notes::MOST_FIELDS`] of them.
    pub more_unknown_fields: u64,
    /// Lines that go back in time by more than they may.
    pub backwards: Option<Backwards>,
    /// In the history of a queue, lines about what only a log does.
    pub of_a_log: Option<Misplaced>,
}

/// Lines that mean nothing where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// How many there are.
    pub lines: u64,
    /// The number of the first.
    pub first: u64,
}

/// Lines that go back in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backwards {
    /// How many there are.
    pub lines: u64,
    /// The number of the first.
    pub first: u64,
    /// By how much the worst of them goes back.
    pub most: Duration,
}

impl Notes {
    /// This many unknown fields are kept by name: a file must not take memory without end.
    pub const MOST_FIELDS: usize = 64;
    /// This many characters of each name.
    const MOST_CHARACTERS: usize = 80;

    /// A field that the format does not know.
    pub(super) fn unknown_field(&mut self, name: &str) {
        let name: String = name.chars().take(Self::MOST_CHARACTERS).collect();
        let is_full = self.unknown_fields.len() >= Self::MOST_FIELDS;
        if is_full && !self.unknown_fields.contains_key(&name) {
            self.more_unknown_fields += 1;
        } else {
            *self.unknown_fields.entry(name).or_default() += 1;
        }
    }

    /// A line about what only a log does.
    pub(super) fn of_a_log(&mut self, line: u64) {
        let known = self.of_a_log.get_or_insert(Misplaced { lines: 0, first: line });
        known.lines += 1;
        known.first = known.first.min(line);
    }

    /// A line that goes back by this much.
    pub(super) fn backwards(&mut self, line: u64, by: Duration) {
        let first = Backwards { lines: 0, first: line, most: by };
        let known = self.backwards.get_or_insert(first);
        known.lines += 1;
        known.most = known.most.max(by);
    }
}
