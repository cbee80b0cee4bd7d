//! What is due when, in one total order: by time, and at one instant in the order of scheduling.
//!
//! Nearly everything in a simulation is due a constant latency from now, so it is scheduled in the
//! order in which it will be due. Such entries stand in first-in-first-out *lanes*, where both ends
//! cost a few instructions; whatever does not fit at the end of a lane goes to a heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use entrega_model::Instant;

/// How many lanes: one for each latency that is common in a scenario.
const LANES: usize = 3;

/// Things of type `T` that are due at some time.
pub(crate) struct Timers<T> {
    lanes: [VecDeque<Entry<T>>; LANES],
    heap: BinaryHeap<Reverse<Entry<T>>>,
    scheduled: u64,
}

#[derive(Clone, Copy)]
struct Entry<T> {
    at: Instant,
    number: u64,
    due: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl<T> Entry<T> {
    fn order(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl<T: Copy> Timers<T> {
    /// Nothing is due.
    pub(crate) fn new() -> Self {
        Self {
            lanes: std::array::from_fn(|_| VecDeque::with_capacity(16)),
            heap: BinaryHeap::with_capacity(32),
            scheduled: 0,
        }
    }

    /// Makes `due` due at `at`; never, if that is [`Instant::NEVER`].
    #[inline]
    pub(crate) fn schedule(&mut self, at: Instant, due: T) {
        if at == Instant::NEVER {
            return;
        }
        let entry = Entry { at, number: self.scheduled, due };
        self.scheduled += 1;
        match self.lanes.iter_mut().find(|lane| lane.back().is_none_or(|last| last.at <= at)) {
            Some(lane) => lane.push_back(entry),
            None => self.heap.push(Reverse(entry)),
        }
    }

    /// When something is due first.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        let lanes = self.lanes.iter().filter_map(|lane| lane.front());
        lanes.chain(self.heap.peek().map(|Reverse(entry)| entry)).map(|entry| entry.at).min()
    }

    /// What is due first, and when.
    pub(crate) fn first(&self) -> Option<(Instant, T)> {
        let lanes = self.lanes.iter().filter_map(|lane| lane.front());
        let first = lanes.chain(self.heap.peek().map(|Reverse(entry)| entry)).min()?;
        Some((first.at, first.due))
    }

    /// Fills `all` with everything that is due, in order, with the numbers that decide it.
    pub(crate) fn in_order(&self, all: &mut Vec<(Instant, u64, T)>) {
        all.clear();
        for entry in self.lanes.iter().flatten() {
            all.push((entry.at, entry.number, entry.due));
        }
        for Reverse(entry) in &self.heap {
            all.push((entry.at, entry.number, entry.due));
        }
        all.sort_unstable_by_key(|&(at, number, _)| (at, number));
    }

    /// Takes what is due first, and when.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<(Instant, T)> {
        let mut first: Option<(Instant, u64)> =
            self.heap.peek().map(|Reverse(entry)| entry.order());
        let mut from = LANES;
        for (number, lane) in self.lanes.iter().enumerate() {
            if let Some(front) = lane.front()
                && first.is_none_or(|order| front.order() < order)
            {
                first = Some(front.order());
                from = number;
            }
        }
        let entry = match self.lanes.get_mut(from) {
            Some(lane) => lane.pop_front()?,
            None => self.heap.pop()?.0,
        };
        Some((entry.at, entry.due))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everything_is_due_in_order_of_time_and_then_of_scheduling(
            script in prop::collection::vec((0_u64..50, any::<bool>()), 0..200),
        ) {
            let mut timers = Timers::new();
            let mut reference: Vec<(u64, usize)> = Vec::new();
            for (number, &(at, take)) in script.iter().enumerate() {
                timers.schedule(Instant::from_nanos(at), number);
                reference.push((at, number));
                if take {
                    reference.sort_unstable();
                    let (at, number) = reference.remove(0);
                    prop_assert_eq!(timers.next(), Some((Instant::from_nanos(at), number)));
                }
            }
            reference.sort_unstable();
            for (at, number) in reference {
                prop_assert_eq!(timers.next(), Some((Instant::from_nanos(at), number)));
            }
            prop_assert_eq!(timers.next(), None);
        }
    }

    #[test]
    fn never_is_never_due() {
        let mut timers = Timers::new();
        timers.schedule(Instant::NEVER, ());
        assert_eq!(timers.next(), None);
    }
}
