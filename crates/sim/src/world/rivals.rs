//! Who competes at one instant for what comes first.

use entrega_scenario::points::MOST_RIVALS;

/// At most this many compete.
const MOST: usize = MOST_RIVALS as usize;

/// The first thing that is due of each rival, by the order in which they are due.
pub(super) struct Rivals<K> {
    all: [(usize, K); MOST],
    count: usize,
}

impl<K: Copy + PartialEq> Rivals<K> {
    /// The rivals of `first`, whose thing is due at index 0, among `due` things. `rival` says whose
    /// the thing at an index is, if that competes.
    pub(super) fn of(first: K, due: usize, rival: impl Fn(usize) -> Option<K>) -> Self {
        let mut rivals = Self { all: [(0, first); MOST], count: 1 };
        for index in 1..due {
            let Some(key) = rival(index) else { continue };
            let is_known = rivals.all[..rivals.count].iter().any(|&(_, known)| known == key);
            if !is_known && rivals.count < MOST {
                rivals.all[rivals.count] = (index, key);
                rivals.count += 1;
            }
        }
        rivals
    }

    /// How many answers there are to the question who comes first; none if nobody competes.
    pub(super) fn bound(&self) -> Option<u32> {
        (self.count > 1).then_some(self.count as u32)
    }

    /// The index and the rival that an answer stands for.
    pub(super) fn chosen(&self, choice: u32) -> (usize, K) {
        self.all[choice as usize]
    }
}
