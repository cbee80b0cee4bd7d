//! One bit for each message of a segment: whether its first delivery has been decided.
//!
//! > **The rule.** The first to set the bit decides. Everyone else is too late.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The marks of a segment.
pub(crate) struct Marks {
    /// The place in the queue of the segment's first message.
    base: u64,
    settled: Box<[AtomicU64]>,
    /// How many of its messages, sent or still to be sent, are not finished.
    open: AtomicUsize,
}

impl Marks {
    /// No marks, for a segment of `len` messages that begins at `base`.
    pub(super) fn new(base: u64, len: usize) -> Self {
        let settled = (0..len.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { base, settled, open: AtomicUsize::new(len) }
    }

    /// The same for a segment that is used again.
    pub(super) fn renew(&mut self, base: u64, len: usize) {
        self.base = base;
        self.settled.iter_mut().for_each(|word| *word.get_mut() = 0);
        *self.open.get_mut() = len;
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Counts `count` messages as finished; `true` if they were the last. What was done to them
    /// before happens before whatever follows the `true`.
    pub(super) fn finish(&self, count: usize) -> bool {
        count > 0 && self.open.fetch_sub(count, Ordering::AcqRel) == count
    }

    /// Sets the mark of a message; `false` if it was set already.
    #[inline]
    pub(super) fn settle(&self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        self.settled[index / 64].fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    /// Sets the marks of a range and calls `each` for every message whose mark was not set.
    pub(super) fn settle_all(&self, range: Range<usize>, mut each: impl FnMut(usize)) {
        for (word, mask) in words(range) {
            let mut new = mask & !self.settled[word].fetch_or(mask, Ordering::AcqRel);
            while new != 0 {
                each(word * 64 + new.trailing_zeros() as usize);
                new &= new - 1;
            }
        }
    }

    /// Sets the marks of a range and returns how many were not set.
    pub(super) fn settle_count(&self, range: Range<usize>) -> usize {
        let set = |(word, mask): (usize, u64)| {
            (mask & !self.settled[word].fetch_or(mask, Ordering::AcqRel)).count_ones() as usize
        };
        words(range).map(set).sum()
    }

    /// How many messages of a range have no mark.
    pub(super) fn unsettled(&self, range: Range<usize>) -> usize {
        let unset = |(word, mask): (usize, u64)| {
            (mask & !self.settled[word].load(Ordering::Acquire)).count_ones() as usize
        };
        words(range).map(unset).sum()
    }
}

/// The words that a range touches, each with the bits of the range in it.
fn words(range: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let (first, last) = (range.start / 64, range.end.div_ceil(64));
    (first..last.max(first)).map(move |word| {
        let from = range.start.saturating_sub(word * 64);
        let to = (range.end - word * 64).min(64);
        let below = |bits: usize| if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        (word, below(to) & !below(from.min(64)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(len: usize, before: &[Range<usize>], range: Range<usize>, expect: &[usize]) {
        let marks = Marks::new(0, len);
        before.iter().for_each(|range| marks.settle_all(range.clone(), |_| ()));
        assert_eq!(marks.unsettled(range.clone()), expect.len());
        let mut new = Vec::new();
        marks.settle_all(range.clone(), |index| new.push(index));
        assert_eq!(new, expect);
        assert_eq!((marks.unsettled(range.clone()), marks.settle_count(range)), (0, 0));
    }

    #[test]
    fn each_mark_is_set_once() {
        check(200, &[], 0..0, &[]);
        check(200, &[], 64..64, &[]);
        check(200, &[], 62..66, &[62, 63, 64, 65]);
        check(200, &[63..65, 0..0], 62..66, &[62, 65]);
        check(64, &[0..60, 60..63], 0..64, &[63]);
        check(200, &[0..128, 129..192], 0..200, &[128, 192, 193, 194, 195, 196, 197, 198, 199]);
    }

    #[test]
    fn a_segment_is_done_once() {
        let mut marks = Marks::new(0, 3);
        assert_eq!([marks.finish(1), marks.finish(0), marks.finish(2)], [false, false, true]);
        assert!(marks.settle(2) && !marks.settle(2));
        marks.renew(3, 3);
        assert_eq!((marks.base(), *marks.open.get_mut()), (3, 3));
        assert!(marks.settle(2));
    }
}
