//! Ready messages, in queue order.
//!
//! > **The rule.** Messages leave from the front. A requeued message goes back to its original
//! > position "if possible" [RMQ-CONFIRMS]; here it always is, unless a setting puts it before or
//! > behind all others.
//!
//! Whatever comes back has left from the front before, so it precedes everything that never left.
//! Hence two parts: what was never delivered is a ring, where nothing but the ends is touched; what
//! came back is a heap ordered by place, and is served first. Neither moves a backlog.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use entrega_model::Record;

use super::settings::RequeuePosition;

/// One copy of a message, as its queue keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Names it in its queue: the number of copies that were stored before it.
    pub(super) sequence: u64,
    /// Where it stands among those that were delivered, or among those that were not.
    pub(super) place: u64,
    pub(super) record: Record,
    /// How many times it was delivered. Saturates, so that it never looks undelivered again.
    pub(super) delivery_count: u16,
    /// How many of them count because of how they ended.
    pub(super) failures: u16,
}

impl Stored {
    /// It is as if it had never been delivered.
    pub(super) fn forget_counts(&mut self) {
        (self.delivery_count, self.failures) = (0, 0);
    }

    /// A copy that was delivered so often.
    pub(super) fn delivered(sequence: u64, record: Record, delivery_count: u16) -> Self {
        Self { sequence, place: sequence, record, delivery_count, failures: 0 }
    }
}

/// The messages that wait for a consumer.
#[derive(Clone, Debug, Default)]
pub(super) struct Ready {
    returned: BinaryHeap<Returned>,
    fresh: VecDeque<Stored>,
    /// The place of the next one that is appended.
    next_place: u64,
    /// The place of the next one that goes before all that were never delivered.
    next_return: u64,
}

impl Ready {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.returned.len() + self.fresh.len()
    }

    pub(super) fn clear(&mut self) {
        let Self { returned, fresh, next_place, next_return } = self;
        returned.clear();
        fresh.clear();
        (*next_place, *next_return) = (0, 0);
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.returned.is_empty() && self.fresh.is_empty()
    }

    /// Appends a message.
    #[inline]
    pub(super) fn append(&mut self, mut stored: Stored) {
        stored.place = self.next_place;
        self.next_place += 1;
        self.fresh.push_back(stored);
    }

    /// Puts a delivered message back.
    pub(super) fn put_back(&mut self, mut stored: Stored, position: RequeuePosition) {
        match position {
            RequeuePosition::Same => {}
            RequeuePosition::Front => {
                stored.place = self.next_return;
                self.next_return += 1;
            }
            RequeuePosition::End => return self.append(stored),
        }
        self.returned.push(Returned(stored));
    }

    /// Takes the first message if it was delivered before and is such a one.
    pub(super) fn take_returned_if(&mut self, is_it: impl Fn(&Stored) -> bool) -> Option<Stored> {
        let first = self.first()?;
        if first.delivery_count > 0 && is_it(first) { self.take() } else { None }
    }

    /// The first message.
    pub(super) fn first(&self) -> Option<&Stored> {
        self.returned.peek().map(|returned| &returned.0).or(self.fresh.front())
    }

    /// Takes out what is such a one, in no particular order.
    pub(super) fn take_if(&mut self, is_it: impl Fn(&Stored) -> bool) -> Vec<Stored> {
        let taken = self.iter().filter(|stored| is_it(stored)).copied().collect();
        self.fresh.retain(|stored| !is_it(stored));
        self.returned.retain(|returned| !is_it(&returned.0));
        taken
    }

    /// What was counted of those that came back is forgotten.
    pub(super) fn forget_counts(&mut self) {
        self.fresh.iter_mut().for_each(Stored::forget_counts);
        let all = std::mem::take(&mut self.returned).into_iter().map(|Returned(mut stored)| {
            stored.forget_counts();
            Returned(stored)
        });
        self.returned = all.collect();
    }

    /// Takes one out that is ready, wherever it stands.
    pub(super) fn remove(&mut self, sequence: u64) -> Option<Stored> {
        let is_it = |stored: &Stored| stored.sequence == sequence;
        if let Some(place) = self.fresh.iter().position(is_it) {
            return self.fresh.remove(place);
        }
        let found = self.returned.iter().map(|returned| returned.0).find(is_it)?;
        self.returned.retain(|returned| !is_it(&returned.0));
        Some(found)
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
        self.returned().chain(&self.fresh)
    }

    /// Those that came back, in no particular order.
    pub(super) fn returned(&self) -> impl Iterator<Item = &Stored> {
        self.returned.iter().map(|returned| &returned.0)
    }

    /// Those that stand behind them, in their order.
    pub(super) fn fresh(&self) -> impl Iterator<Item = &Stored> {
        self.fresh.iter()
    }
}

/// A message that came back; the one with the lowest place is the greatest.
#[derive(Clone, Copy, Debug)]
struct Returned(Stored);

impl Ord for Returned {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.place.cmp(&self.0.place)
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
        Stored::delivered(sequence, record, 0)
    }

    fn check(first: usize, back: &[u64], expect: &[u64]) {
        check_at(RequeuePosition::Same, first, back, expect);
    }

    /// Takes `first` messages of six, puts those of `back` back, and expects the rest in this
    /// order.
    fn check_at(position: RequeuePosition, first: usize, back: &[u64], expect: &[u64]) {
        let mut ready = Ready::default();
        (0..6).for_each(|sequence| ready.append(stored(sequence)));
        assert_eq!((0..first).map_while(|_| ready.take()).count(), first);
        back.iter().for_each(|&sequence| ready.put_back(stored(sequence), position));
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

    #[test]
    fn a_returned_message_goes_before_or_behind_all_others() {
        check_at(RequeuePosition::Front, 4, &[3, 0, 2], &[3, 0, 2, 4, 5]);
        check_at(RequeuePosition::End, 4, &[3, 0, 2], &[4, 5, 3, 0, 2]);
    }

    #[test]
    fn any_ready_message_can_be_taken_out() {
        let mut ready = Ready::default();
        (0..4).for_each(|sequence| ready.append(stored(sequence)));
        let first: Vec<_> = (0..2).filter_map(|_| ready.take()).collect();
        first.into_iter().for_each(|one| ready.put_back(one, RequeuePosition::Same));
        let taken = [1, 3, 7].map(|sequence| ready.remove(sequence).map(|one| one.sequence));
        assert_eq!(taken, [Some(1), Some(3), None]);
        let rest: Vec<_> = std::iter::from_fn(|| ready.take()).map(|one| one.sequence).collect();
        assert_eq!(rest, [0, 2]);
    }
}
