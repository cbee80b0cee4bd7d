//! The states that an exploration has seen.
//!
//! A run asks for each state that it comes to, so this is the hottest table of an exploration. The
//! states are fingerprints, which are as good as random, so a place in a plain vector follows from
//! their bits: no hashing, no ordering, and nothing that anybody could iterate over.

use super::space::Used;

/// How many places there are at first.
const FIRST: usize = 256;

/// The states that were seen, each with what had been spent on the way there.
#[derive(Debug)]
pub struct Seen {
    /// A power of two of them, at least half of them free. What finds its place taken goes to the
    /// next free one.
    places: Vec<Place>,
    taken: usize,
    states: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    state: u64,
    used: Used,
    taken: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self { places: vec![Place::default(); FIRST], taken: 0, states: 0 }
    }
}

impl Seen {
    /// How many different states were seen.
    pub fn states(&self) -> u64 {
        self.states
    }

    /// Whether this state was seen by a run that had spent no more.
    pub(super) fn covers(&self, state: u64, used: Used) -> bool {
        let no_more = |other: Used| other.iter().zip(used).all(|(&other, used)| other <= used);
        self.chain(state).any(|place| place.state == state && no_more(place.used))
    }

    /// Notes a state that is not covered.
    pub(super) fn insert(&mut self, state: u64, used: Used) {
        if 2 * self.taken >= self.places.len() {
            self.grow();
        }
        let is_new = !self.chain(state).any(|place| place.state == state);
        self.states += u64::from(is_new);
        self.put(Place { state, used, taken: true });
    }

    fn grow(&mut self) {
        let larger = vec![Place::default(); 2 * self.places.len()];
        self.taken = 0;
        for place in std::mem::replace(&mut self.places, larger) {
            if place.taken {
                self.put(place);
            }
        }
    }

    fn put(&mut self, new: Place) {
        let mask = self.places.len() - 1;
        let mut index = self.home(new.state);
        while self.places[index].taken {
            index = (index + 1) & mask;
        }
        self.places[index] = new;
        self.taken += 1;
    }

    /// The taken places in which a state may be.
    fn chain(&self, state: u64) -> impl Iterator<Item = &Place> {
        let (before, from) = self.places.split_at(self.home(state));
        from.iter().chain(before).take_while(|place| place.taken)
    }

    fn home(&self, state: u64) -> usize {
        state as usize & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against sets: few states, so that they share places and come again with other budgets.
        #[test]
        fn what_was_seen_is_known(
            asked in prop::collection::vec((0_u64..40, 0_u8..3, 0_u8..3), 0..600),
            step in prop::sample::select(vec![1_u64, 256, 0x0100_0000_0000_0001]),
        ) {
            let mut seen = Seen::default();
            let mut reference: BTreeSet<(u64, u8, u8)> = BTreeSet::new();
            for (state, a, b) in asked {
                let covered = reference
                    .iter()
                    .any(|&(known, c, d)| known == state && c <= a && d <= b);
                prop_assert_eq!(seen.covers(state * step, [a, b, 0]), covered);
                if !covered {
                    seen.insert(state * step, [a, b, 0]);
                    reference.insert((state, a, b));
                }
            }
            let states: BTreeSet<u64> = reference.iter().map(|&(state, ..)| state).collect();
            prop_assert_eq!(seen.states(), states.len() as u64);
        }
    }

    #[test]
    fn it_grows() {
        let mut seen = Seen::default();
        (0..10_000).for_each(|state| seen.insert(state * 512, [1; 3]));
        assert!((0..10_000).all(|state| seen.covers(state * 512, [1; 3])));
        assert!(!seen.covers(7 * 512, [0, 1, 1]) && !seen.covers(10_000 * 512, [1; 3]));
        assert_eq!(seen.states(), 10_000);
    }
}
