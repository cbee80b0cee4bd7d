//! What is due when, in one total order: by time, and at one instant in the order of scheduling.
//!
//! A simulation of a few processes has a handful of things due at once, so the next ones stand in
//! one short list, the first at its end: to take it costs nothing, and to put another one in is to
//! look past the few that come before it. What does not fit goes to a heap behind the list, and
//! comes forward by halves of a list.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use entrega_model::Instant;

/// How many stand in the list at most.
const NEAR: usize = 32;

/// Things of type `T` that are due at some time.
pub(crate) struct Timers<T> {
    /// The latest first. Nothing in the heap comes before any of these.
    near: Vec<Entry<T>>,
    far: BinaryHeap<Reverse<Entry<T>>>,
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
    #[inline]
    fn order(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl<T: Copy> Timers<T> {
    /// Nothing is due.
    pub(crate) fn new() -> Self {
        Self { near: Vec::with_capacity(NEAR), far: BinaryHeap::new(), scheduled: 0 }
    }

    /// Nothing is due any more, and numbers begin again.
    pub(crate) fn clear(&mut self) {
        let Self { near, far, scheduled } = self;
        near.clear();
        far.clear();
        *scheduled = 0;
    }

    /// Makes `due` due at `at`; never, if that is [`Instant::NEVER`].
    #[inline]
    pub(crate) fn schedule(&mut self, at: Instant, due: T) {
        let number = self.reserve();
        self.schedule_as(number, at, due);
    }

    /// The place in the order of scheduling of something that may be scheduled later.
    #[inline]
    pub(crate) fn reserve(&mut self) -> u64 {
        let number = self.scheduled;
        self.scheduled += 1;
        number
    }

    /// As [`Timers::schedule`], with a place that was reserved before.
    #[inline]
    pub(crate) fn schedule_as(&mut self, number: u64, at: Instant, due: T) {
        if at == Instant::NEVER {
            return;
        }
        let entry = Entry { at, number, due };
        if self.near.len() == NEAR || !self.far.is_empty() {
            return self.schedule_among_many(entry);
        }
        self.insert(entry);
    }

    /// Puts an entry into the list, before those that are due later.
    #[inline]
    fn insert(&mut self, entry: Entry<T>) {
        let end = self.near.len();
        let mut place = end;
        self.near.push(entry);
        while place > 0 && self.near[place - 1] < entry {
            self.near[place] = self.near[place - 1];
            place -= 1;
        }
        if place < end {
            self.near[place] = entry;
        }
    }

    /// As [`Timers::schedule`] when the list is full or the heap is not empty.
    #[cold]
    fn schedule_among_many(&mut self, entry: Entry<T>) {
        if self.near.len() == NEAR {
            self.far.extend(self.near.drain(..NEAR / 2).map(Reverse));
        }
        if self.near.first().is_some_and(|latest| entry < *latest) {
            self.insert(entry);
        } else {
            self.far.push(Reverse(entry));
        }
    }

    /// When something is due first.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.near.last().map(|entry| entry.at)
    }

    /// The place of what is due first: when, and in which order of scheduling.
    #[inline]
    pub(crate) fn first_place(&self) -> Option<(Instant, u64)> {
        self.near.last().map(Entry::order)
    }

    /// What is due first, and when.
    pub(crate) fn first(&self) -> Option<(Instant, T)> {
        self.near.last().map(|entry| (entry.at, entry.due))
    }

    /// Whether something that `counts` is due until `until`.
    pub(crate) fn has_due(&self, until: Instant, counts: impl Fn(Instant, T) -> bool) -> bool {
        let near = self.near.iter().rev().take_while(|entry| entry.at <= until);
        let far = self.far.iter().map(|Reverse(entry)| entry);
        let mut due = near.chain(far.filter(|entry| entry.at <= until));
        due.any(|entry| counts(entry.at, entry.due))
    }

    /// The first thing that `counts`, and when it is due, if that is before `until`.
    pub(crate) fn first_of(
        &self,
        until: Instant,
        counts: impl Fn(T) -> bool,
    ) -> Option<(Instant, T)> {
        let far = self.far.iter().map(|Reverse(entry)| entry);
        let found = self.near.iter().chain(far).filter(|entry| counts(entry.due));
        found.min().filter(|entry| entry.at < until).map(|entry| (entry.at, entry.due))
    }

    /// Fills `all` with everything that is due, in its order, with the numbers that decide it.
    pub(crate) fn in_order(&self, all: &mut Vec<(Instant, u64, T)>) {
        all.clear();
        all.extend(self.near.iter().rev().map(|entry| (entry.at, entry.number, entry.due)));
        let sorted = all.len();
        all.extend(self.far.iter().map(|Reverse(entry)| (entry.at, entry.number, entry.due)));
        all[sorted..].sort_unstable_by_key(|&(at, number, _)| (at, number));
    }

    /// Takes what is due first, and when.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<(Instant, T)> {
        let entry = self.near.pop()?;
        if self.near.is_empty() && !self.far.is_empty() {
            self.come_forward();
        }
        Some((entry.at, entry.due))
    }

    /// The list is empty: half a list comes forward from the heap.
    #[cold]
    fn come_forward(&mut self) {
        let next = std::iter::from_fn(|| self.far.pop()).take(NEAR / 2);
        self.near.extend(next.map(|Reverse(entry)| entry));
        self.near.reverse();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everything_is_due_in_order_of_time_and_then_of_scheduling(
            script in prop::collection::vec((0_u64..50, prop::bool::weighted(0.3)), 0..200),
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
    fn the_first_that_counts_is_found_in_the_list_and_behind_it() {
        let mut timers = Timers::new();
        let at = |nth: usize| Instant::from_nanos(nth as u64);
        (0..3 * NEAR).for_each(|nth| timers.schedule(at(nth), nth));
        let first_from = |from, until| timers.first_of(at(until), |due| due >= from);
        for from in [0, 1, NEAR, 2 * NEAR, 3 * NEAR - 1] {
            assert_eq!(first_from(from, from + 1), Some((at(from), from)));
            assert_eq!(first_from(from, from), None);
        }
        assert_eq!(first_from(3 * NEAR, usize::MAX), None);
    }

    /// What is scheduled later in a place that was reserved before comes as if it had been there
    /// all along, in the list and behind it.
    #[test]
    fn a_reserved_place_is_kept() {
        for others in [1, NEAR, 3 * NEAR] {
            let mut timers = Timers::new();
            timers.schedule(Instant::START, "first");
            let place = timers.reserve();
            (0..others).for_each(|_| timers.schedule(Instant::START, "later"));
            timers.schedule_as(place, Instant::START, "reserved");
            let order: Vec<_> = std::iter::from_fn(|| timers.next()).map(|(_, due)| due).collect();
            assert_eq!(order[..3], ["first", "reserved", "later"], "{others}");
            assert_eq!(order.len(), others + 2);
        }
    }

    #[test]
    fn never_is_never_due() {
        let mut timers = Timers::new();
        timers.schedule(Instant::NEVER, ());
        assert_eq!(timers.next(), None);
    }
}
