//! What stands beside the messages of a segment: for each, one bit, whether its first delivery has
//! been decided, and when its lease ends.
//!
//! > **The rule.** The first to set the bit decides. Everyone else is too late. What sets the last
//! > bit of a segment learns that; so may whatever set another one just before.
//!
//! All marks are set and looked at in one order (`SeqCst`): whoever has set one and then looks at
//! the others sees those that came before, so the last one in that order sees all. A count of what
//! is left would say the same, for one more locked operation on a line of its own.
//!
//! A delivery that ends in any other way than by an ack is decided under the lock of the queue, so
//! that under the lock each message is either unsettled, or with the sans-IO broker, or finished.

use std::ops::Range;

use entrega_model::Instant;

use crate::counted::Counted;
use crate::sync::{AtomicU64, Ordering};

/// The marks of a segment.
pub(crate) struct Marks {
    /// The place in the queue of the segment's first message.
    base: u64,
    settled: Box<[AtomicU64]>,
    /// When the lease of each message ends, in nanoseconds; empty if there are no leases. Never, as
    /// long as the message is at hand. Written by the consumer that gives it, once it is its own.
    due: Box<[AtomicU64]>,
    _counted: Counted,
}

/// What a mark was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marked {
    /// It was set already.
    Late,
    /// It is set now.
    Set,
    /// It is set now, and every other of its segment is.
    Last,
}

impl Marked {
    /// Whether it was in time.
    #[inline]
    pub(super) fn in_time(self) -> bool {
        self != Self::Late
    }
}

impl Marks {
    /// No marks, for a segment of `len` messages.
    pub(super) fn new(len: usize, has_leases: bool, counted: Counted) -> Self {
        let settled = (0..len.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let due = (0..if has_leases { len } else { 0 }).map(|_| AtomicU64::new(0)).collect();
        let mut marks = Self { base: 0, settled, due, _counted: counted };
        marks.renew(0, len);
        marks
    }

    /// How many bytes the marks of a segment need, besides themselves.
    pub(super) fn memory(len: usize, has_leases: bool) -> usize {
        len / 8 + if has_leases { len * size_of::<AtomicU64>() } else { 0 }
    }

    /// The same for a segment that is used again, and begins at `base`.
    pub(super) fn renew(&mut self, base: u64, len: usize) {
        self.base = base;
        self.settled.iter_mut().for_each(|word| *word = AtomicU64::new(0));
        if !len.is_multiple_of(64)
            && let Some(last) = self.settled.last_mut()
        {
            *last = AtomicU64::new(!below(len % 64));
        }
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Whether every message of the segment, sent or still to be sent, is settled here. What was
    /// done to them before happens before whatever follows the `true`.
    #[cold]
    pub(super) fn is_complete(&self) -> bool {
        after_a_mark();
        self.settled.iter().rev().all(is_full)
    }

    /// Sets the mark of a message.
    #[inline]
    pub(super) fn settle(&self, index: usize) -> Marked {
        let bit = 1 << (index % 64);
        let before = self.settled[index / 64].fetch_or(bit, Ordering::SeqCst);
        if before & bit != 0 {
            Marked::Late
        } else if before | bit == u64::MAX && self.is_complete() {
            Marked::Last
        } else {
            Marked::Set
        }
    }

    /// Sets the marks of some messages in a word, and returns those that were not set, and whether
    /// the word is full with them.
    #[inline]
    fn settle_word(&self, word: usize, mask: u64) -> (u64, bool) {
        let before = self.settled[word].fetch_or(mask, Ordering::SeqCst);
        let new = mask & !before;
        (new, new != 0 && before | mask == u64::MAX)
    }

    /// Sets the mark of every message of a range for which `due` holds, and calls `each` for those
    /// whose mark was not set.
    pub(super) fn settle_if(
        &self,
        range: Range<usize>,
        due: impl Fn(usize) -> bool,
        mut each: impl FnMut(usize),
    ) {
        for (word, mask) in words(range) {
            let unset = mask & !self.settled[word].load(Ordering::Acquire);
            let due =
                bits(unset).filter(|bit| due(word * 64 + bit)).fold(0, |all, bit| all | 1 << bit);
            if due != 0 {
                let (new, _) = self.settle_word(word, due);
                bits(new).for_each(|bit| each(word * 64 + bit));
            }
        }
    }

    /// Sets the marks of a range. Returns how many were not set, and whether every message of the
    /// segment is settled with them.
    #[inline]
    pub(super) fn settle_count(&self, range: Range<usize>) -> (usize, bool) {
        let (count, fills) = words(range).fold((0, false), |(count, fills), (word, mask)| {
            let (new, is_full) = self.settle_word(word, mask);
            (count + new.count_ones() as usize, fills | is_full)
        });
        (count, fills && self.is_complete())
    }

    /// Whether a message has no mark.
    pub(super) fn is_unsettled(&self, index: usize) -> bool {
        self.settled[index / 64].load(Ordering::Acquire) & 1 << (index % 64) == 0
    }

    /// How many messages of a range have no mark.
    pub(super) fn unsettled(&self, range: Range<usize>) -> usize {
        let unset = |(word, mask): (usize, u64)| {
            (mask & !self.settled[word].load(Ordering::Acquire)).count_ones() as usize
        };
        words(range).map(unset).sum()
    }
}

/// Leases.
impl Marks {
    /// The leases of a range end at `due`.
    #[inline]
    pub(super) fn lease(&self, range: Range<usize>, due: Instant) {
        let nanos = due.as_nanos();
        self.due[range].iter().for_each(|place| place.store(nanos, Ordering::Relaxed));
    }

    /// When the lease of a message ends.
    pub(super) fn due(&self, index: usize) -> Instant {
        Instant::from_nanos(self.due[index].load(Ordering::Relaxed))
    }

    /// Whether the lease of a message has ended.
    pub(super) fn is_due(&self, index: usize, now: Instant) -> bool {
        self.due(index) <= now
    }

    /// When the first lease of the unsettled messages of a range ends.
    pub(super) fn next_due(&self, range: Range<usize>) -> Option<Instant> {
        let unset = words(range).flat_map(|(word, mask)| {
            let unset = mask & !self.settled[word].load(Ordering::Acquire);
            bits(unset).map(move |bit| word * 64 + bit)
        });
        unset.map(|index| self.due(index)).min()
    }
}

/// Whether each message of a word of marks is settled.
#[inline]
fn is_full(word: &AtomicU64) -> bool {
    word.load(Ordering::SeqCst) == u64::MAX
}

/// Between setting a mark and looking at others. `loom` has no one order of accesses, but one of
/// fences, which is as strong here.
#[inline]
fn after_a_mark() {
    #[cfg(inproc_loom)]
    crate::sync::fence(Ordering::SeqCst);
}

/// The lowest bits.
fn below(bits: usize) -> u64 {
    if bits == 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// The bits that are set, by number.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

/// The words that a range touches, each with the bits of the range in it.
fn words(range: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let (first, last) = (range.start / 64, range.end.div_ceil(64));
    (first..last.max(first)).map(move |word| {
        let from = range.start.saturating_sub(word * 64);
        let to = (range.end - word * 64).min(64);
        (word, below(to) & !below(from.min(64)))
    })
}

#[cfg(all(test, inproc_loom))]
mod interleavings;

#[cfg(all(test, not(inproc_loom)))]
mod tests {
    use super::*;
    use crate::counted::Census;

    fn marks(len: usize, has_leases: bool) -> Marks {
        Marks::new(len, has_leases, Census::new().counted())
    }

    fn check(len: usize, before: &[Range<usize>], range: Range<usize>, expect: &[usize]) {
        let marks = marks(len, false);
        before.iter().for_each(|range| assert!(marks.settle_count(range.clone()).0 <= len));
        assert_eq!(marks.unsettled(range.clone()), expect.len());
        let mut new = Vec::new();
        marks.settle_if(range.clone(), |_| true, |index| new.push(index));
        assert_eq!(new, expect);
        assert_eq!((marks.unsettled(range.clone()), marks.settle_count(range).0), (0, 0));
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
    fn the_last_mark_of_a_segment_is_told_apart() {
        for len in [1, 63, 64, 65, 128, 130] {
            let mut marks = marks(len, false);
            for turn in 0..3 {
                let said: Vec<_> = (0..len).rev().map(|index| marks.settle(index)).collect();
                assert_eq!(said.iter().filter(|one| **one == Marked::Last).count(), 1, "{len}");
                assert_eq!((said[len - 1], marks.is_complete()), (Marked::Last, true));
                assert_eq!(marks.settle(0), Marked::Late);
                marks.renew(turn, len);
                assert_eq!((marks.base(), marks.is_complete()), (turn, false));
                assert_eq!(marks.settle_count(1..len), (len - 1, false));
                assert_eq!(marks.settle_count(0..len), (1, true));
                marks.renew(turn, len);
            }
        }
    }

    #[test]
    fn a_lease_is_that_of_its_message() {
        let at = Instant::from_nanos;
        let marks = marks(100, true);
        marks.lease(0..70, at(5));
        marks.lease(70..90, at(9));
        assert_eq!((marks.next_due(0..90), marks.next_due(70..90)), (Some(at(5)), Some(at(9))));
        let mut ended = Vec::new();
        marks.settle_count(1..70);
        marks.settle_if(0..90, |index| marks.is_due(index, at(5)), |index| ended.push(index));
        assert_eq!((ended, marks.next_due(0..90)), (vec![0], Some(at(9))));
        marks.settle_count(0..90);
        assert_eq!(marks.next_due(0..90), None);
    }
}
