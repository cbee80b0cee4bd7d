//! Ready messages, in queue order.
//!
//! > **The rule.** Messages leave from the front. A requeued message goes back to its original
//! > position "if possible" [RMQ-CONFIRMS]; here it always is.
//!
//! Whatever comes back has left from the front before, so it precedes everything that never left.
//! Hence two parts: what was never delivered is a ring, where nothing but the ends is touched; what
//! came back is a heap ordered by sequence number, and is served first. Neither moves a backlog.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use entrega_model::Record;

/// One copy of a message, as its queue keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Its place in the queue, counted from 0.
    pub(super) sequence: u64,
    pub(super) record: Record,
    /// How many times it was delivered. Saturates, so that it never looks undelivered again.
    pub(super) delivery_count: u16,
}

/// The messages that wait for a consumer.
#[derive(Clone, Debug, Default)]
pub(super) struct Ready {
    returned: BinaryHeap<Returned>,
    fresh: VecDeque<Stored>,
}

impl Ready {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.returned.len() + self.fresh.len()
    }

    pub(super) fn clear(&mut self) {
        let Self { returned, fresh } = self;
        returned.clear();
        fresh.clear();
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.returned.is_empty() && self.fresh.is_empty()
    }

    /// Appends a message that was never delivered.
    #[inline]
    pub(super) fn append(&mut self, stored: Stored) {
        self.fresh.push_back(stored);
    }

    /// Puts a delivered message back to its original position.
    pub(super) fn put_back(&mut self, stored: Stored) {
        debug_assert!(self.fresh.front().is_none_or(|first| stored.sequence < first.sequence));
        self.returned.push(Returned(stored));
    }

    /// Takes the first message.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Stored> {
        if self.returned.is_empty() { self.fresh.pop_front() } else { self.take_returned() }
    }

    #[cold]
    fn take_returned(&mut self) -> Option<Stored> {
        self.returned.pop().map(|Returned(stored)| stored)
    }

    /// All of them, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.returned.iter().map(|returned| &returned.0).chain(&self.fresh)
    }
}

/// A message that came back; the one with the lowest sequence number is the greatest.
#[derive(Clone, Copy, Debug)]
struct Returned(Stored);

impl Ord for Returned {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.sequence.cmp(&self.0.sequence)
    }
}

impl PartialOrd for Returned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Returned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Returned {}

#[cfg(test)]
mod tests {
    use super::*;
    use entrega_model::{Key, MessageId};

    fn stored(sequence: u64) -> Stored {
        let record = Record { message: MessageId(0), key: Key(0), bytes: 0 };
        Stored { sequence, record, delivery_count: 0 }
    }

    /// Takes `first` messages of six, puts those of `back` back, and expects the rest in this
    /// order.
    fn check(first: usize, back: &[u64], expect: &[u64]) {
        let mut ready = Ready::default();
        (0..6).for_each(|sequence| ready.append(stored(sequence)));
        assert_eq!((0..first).map_while(|_| ready.take()).count(), first);
        back.iter().for_each(|&sequence| ready.put_back(stored(sequence)));
        assert_eq!(ready.len(), expect.len());
        let rest: Vec<_> = std::iter::from_fn(|| ready.take()).map(|s| s.sequence).collect();
        assert_eq!(rest, expect);
        assert!(ready.is_empty());
    }

    #[test]
    fn a_returned_message_takes_its_original_position() {
        check(0, &[], &[0, 1, 2, 3, 4, 5]);
        check(4, &[1], &[1, 4, 5]);
        check(4, &[3, 0, 2], &[0, 2, 3, 4, 5]);
        check(6, &[5, 4, 3, 2, 1, 0], &[0, 1, 2, 3, 4, 5]);
    }
}
