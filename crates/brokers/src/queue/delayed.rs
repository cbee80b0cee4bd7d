//! Messages that came back, or were never delivered, and are not ready yet.
//!
//! > **The rule.** A message is ready again when its delay is over, not before, and those of one
//! > instant in the order in which they came back or were stored.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use entrega_model::Instant;

use super::ready::Stored;

/// What waits, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Delayed {
    waiting: BinaryHeap<Reverse<Waiting>>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    until: Instant,
    number: u64,
    stored: Stored,
}

/// What a note takes.
#[cfg(test)]
pub(super) const NOTE_BYTES: usize = size_of::<Waiting>();

impl Delayed {
    pub(super) fn push(&mut self, until: Instant, stored: Stored) {
        self.waiting.push(Reverse(Waiting { until, number: self.next, stored }));
        self.next += 1;
    }

    /// Takes the first one whose delay is over.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Stored> {
        self.next_at().filter(|at| *at <= now)?;
        self.waiting.pop().map(|Reverse(waiting)| waiting.stored)
    }

    /// Takes one out before its time.
    pub(super) fn remove(&mut self, sequence: u64) -> Option<Stored> {
        let found = self.iter().find(|stored| stored.sequence == sequence).copied()?;
        self.waiting.retain(|Reverse(waiting)| waiting.stored.sequence != sequence);
        Some(found)
    }

    /// Takes out what is such a one.
    pub(super) fn take_if(&mut self, is_it: impl Fn(&Stored) -> bool) -> Vec<Stored> {
        let taken = self.iter().filter(|stored| is_it(stored)).copied().collect();
        self.waiting.retain(|Reverse(waiting)| !is_it(&waiting.stored));
        taken
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse(waiting)| waiting.until)
    }

    /// All of them, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.waiting.iter().map(|Reverse(waiting)| &waiting.stored)
    }

    /// All of them, in the order in which they are ready again, with the time.
    pub(super) fn in_order(&self) -> Vec<(Instant, Stored)> {
        let mut all: Vec<Waiting> = self.waiting.iter().map(|Reverse(waiting)| *waiting).collect();
        all.sort_unstable();
        all.into_iter().map(|waiting| (waiting.until, waiting.stored)).collect()
    }

    /// What was counted of them is forgotten.
    pub(super) fn forget_counts(&mut self) {
        let all = std::mem::take(&mut self.waiting).into_iter().map(|Reverse(mut waiting)| {
            waiting.stored.forget_counts();
            Reverse(waiting)
        });
        self.waiting = all.collect();
    }

    pub(super) fn clear(&mut self) {
        let Self { waiting, next } = self;
        waiting.clear();
        *next = 0;
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.until, self.number).cmp(&(other.until, other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}
