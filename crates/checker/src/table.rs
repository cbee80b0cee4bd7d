//! A table indexed by dense ids that survives ids that are not.
//!
//! Ids of a run are dense, so a vector is the table. A history from elsewhere may name anything: an
//! id far beyond the end must not make the vector huge, so it goes into a tree beside it until the
//! vector has grown to meet it. In a dense run the tree is empty and is never looked at.
//!
//! The vector is as long as its memory: it ends in values that are untouched. So it grows rarely,
//! and a look-up is one comparison.

use std::collections::BTreeMap;

/// How far beyond the end an id may lie and still grow the vector.
const SLACK: usize = 1024;

/// Values by index; an index never touched holds the default.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    dense: Vec<T>,
    expected: usize,
    /// Every index here is beyond the end of `dense`.
    sparse: BTreeMap<u64, T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { dense: Vec::new(), expected: 0, sparse: BTreeMap::new() }
    }
}

impl<T: Clone + Default> Table<T> {
    /// An empty table with room for indices below `expected`.
    pub(crate) fn with_capacity(expected: usize) -> Self {
        Self { dense: Vec::with_capacity(expected), expected, sparse: BTreeMap::new() }
    }

    /// The value at `index`, if the table reaches so far.
    #[inline]
    pub(crate) fn get(&self, index: u64) -> Option<&T> {
        if index < self.dense.len() as u64 {
            Some(&self.dense[index as usize])
        } else {
            self.get_beyond(index)
        }
    }

    /// The value at `index`, to change.
    #[inline]
    pub(crate) fn entry(&mut self, index: u64) -> &mut T {
        if index < self.dense.len() as u64 {
            &mut self.dense[index as usize]
        } else {
            self.grow(index)
        }
    }

    /// The value at `index`, to change, if the table reaches so far.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: u64) -> Option<&mut T> {
        if index < self.dense.len() as u64 {
            Some(&mut self.dense[index as usize])
        } else {
            self.sparse_mut(index)
        }
    }

    /// Everything that the table reaches, by index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let sparse = self.sparse.iter().map(|(index, value)| (*index, value));
        (0..).zip(&self.dense).chain(sparse)
    }

    /// The same, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        let sparse = self.sparse.iter_mut().map(|(index, value)| (*index, value));
        (0..).zip(&mut self.dense).chain(sparse)
    }

    /// What lies in `from..to`, in order.
    pub(crate) fn range(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, &T)> {
        let clip = |bound: u64| {
            usize::try_from(bound).map_or(self.dense.len(), |bound| bound.min(self.dense.len()))
        };
        let to = to.max(from);
        let near = &self.dense[clip(from)..clip(to)];
        let sparse = self.sparse.range(from..to).map(|(index, value)| (*index, value));
        near.iter().zip(from..).map(|(value, index)| (index, value)).chain(sparse)
    }

    /// Does something with all that lies in `from..to`, in order.
    #[inline]
    pub(crate) fn each_in(&self, from: u64, to: u64, each: impl FnMut(&T)) {
        let beyond;
        let values = if from <= to && to <= self.dense.len() as u64 {
            &self.dense[from as usize..to as usize]
        } else {
            beyond = self.beyond(from, to);
            &beyond
        };
        values.iter().for_each(each);
    }

    /// Copies of all in a range that does not lie in what is dense.
    #[cold]
    fn beyond(&self, from: u64, to: u64) -> Vec<T> {
        self.range(from, to).map(|(_, value)| value.clone()).collect()
    }

    /// Nothing was touched; these indices are all that was.
    pub(crate) fn forget(&mut self, touched: impl Iterator<Item = u64>) {
        for index in touched {
            if let Some(value) = usize::try_from(index).ok().and_then(|at| self.dense.get_mut(at)) {
                *value = T::default();
            }
        }
        self.sparse.clear();
    }

    /// Forgets everything, and keeps its memory.
    pub(crate) fn clear(&mut self) {
        let Self { dense, expected: _, sparse } = self;
        dense.clear();
        sparse.clear();
    }

    /// Lets `clear` make every value as good as the default, and keeps the memory of all of them.
    pub(crate) fn clear_each(&mut self, clear: impl FnMut(&mut T)) {
        let Self { dense, expected: _, sparse } = self;
        dense.iter_mut().for_each(clear);
        sparse.clear();
    }

    #[cold]
    fn get_beyond(&self, index: u64) -> Option<&T> {
        self.sparse.get(&index)
    }

    #[cold]
    fn sparse_mut(&mut self, index: u64) -> Option<&mut T> {
        self.sparse.get_mut(&index)
    }

    /// Makes the vector reach to `index`, and somewhat further; unless that is too far.
    #[cold]
    fn grow(&mut self, index: u64) -> &mut T {
        let reach = (self.dense.len() + SLACK).max(self.expected);
        let Some(near) = usize::try_from(index).ok().filter(|near| *near < reach) else {
            return self.sparse.entry(index).or_default();
        };
        let old_len = self.dense.len();
        self.dense.resize(near + 1 + SLACK.min(near + 1), T::default());
        if !self.sparse.is_empty() {
            let beyond = self.sparse.split_off(&(self.dense.len() as u64));
            for (met, value) in std::mem::replace(&mut self.sparse, beyond) {
                debug_assert!(met >= old_len as u64);
                self.dense[met as usize] = value;
            }
        }
        &mut self.dense[near]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wild_index_costs_one_entry() {
        let mut table = Table::<u8>::default();
        *table.entry(u64::MAX) = 1;
        *table.entry(3) = 2;
        assert!((4..=8).contains(&table.dense.len()), "{}", table.dense.len());
        assert_eq!(table.get(u64::MAX), Some(&1));
        assert_eq!(table.range(0, u64::MAX).filter(|(_, value)| **value != 0).count(), 1);
    }

    /// Each index just near enough: the vector grows by steps, and does not double each time.
    #[test]
    fn a_row_of_wild_indices_costs_a_step_each() {
        let mut table = Table::<u8>::default();
        for _ in 0..30 {
            *table.entry((table.dense.len() + SLACK - 1) as u64) = 1;
        }
        assert!(table.dense.len() <= 31 * 2 * SLACK, "{}", table.dense.len());
    }

    #[test]
    fn a_range_may_lie_beyond_everything() {
        let mut table = Table::<u8>::default();
        *table.entry(0) = 1;
        assert_eq!(table.range(u64::MAX, 0).count(), 0);
        assert_eq!(table.range(u64::MAX, u64::MAX).count(), 0);
    }

    proptest! {
        #[test]
        fn it_is_a_map(writes in prop::collection::vec((0_u64..8000, 1_u8..), 0..60)) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            for (index, value) in writes {
                match table.get_mut(index) {
                    Some(known) => *known = value,
                    None => *table.entry(index) = value,
                }
                map.insert(index, value);
                prop_assert_eq!(table.get(index), Some(&value));
                prop_assert_eq!(table.get_mut(index).copied(), Some(value));
            }
            let seen = |(index, value): (u64, &u8)| (*value != 0).then_some((index, *value));
            prop_assert!(table.iter().filter_map(seen).eq(map.clone()));
            let middle: Vec<_> = table.range(500, 5000).filter_map(seen).collect();
            prop_assert!(middle.into_iter().eq(map.range(500..5000).map(|(i, v)| (*i, *v))));
            for (from, to) in [(0, 3), (500, 5000), (2, 1), (6000, u64::MAX), (5000, 0)] {
                let mut each = Vec::new();
                table.each_in(from, to, |value| each.push(*value));
                let in_range = table.range(from, to).map(|(_, value)| *value);
                prop_assert!(each.into_iter().eq(in_range), "{} {}", from, to);
            }
            table.clear_each(|value| *value = 0);
            prop_assert!(table.iter().all(|(_, value)| *value == 0));
        }
    }
}
