//! Lines on their way into the order of time: no more of them than lie within the skew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::lines::Line;
use crate::Instant;

/// Lines that wait until nothing earlier can follow.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    waiting: BinaryHeap<Reverse<Waiting>>,
}

/// A line and its time.
#[derive(Debug)]
pub(super) struct Waiting {
    /// When it happened.
    pub(super) at: Instant,
    /// What was written.
    pub(super) line: Line,
}

impl Sorter {
    /// One more line.
    pub(super) fn push(&mut self, at: Instant, line: Line) {
        self.waiting.push(Reverse(Waiting { at, line }));
    }

    /// The earliest line, if nothing earlier than `horizon` can follow and it is not later.
    pub(super) fn pop(&mut self, horizon: Instant) -> Option<Waiting> {
        let earliest = self.waiting.peek()?;
        if earliest.0.at > horizon {
            return None;
        }
        self.waiting.pop().map(|waiting| waiting.0)
    }

    /// How many lines wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

impl Waiting {
    /// By time; lines of one time stay in the order in which they stand.
    fn rank(&self) -> (Instant, u64) {
        (self.at, self.line.number)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}
