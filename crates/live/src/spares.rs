//! Segments that wait to be used again.
//!
//! > **The rule.** A line that this core has in its cache is written at once. One that another
//! > core has must be taken from there first, which costs more than anything else about a message;
//! > one that nobody's cache holds any more comes from the cache that all cores share, for a
//! > fraction of that.
//!
//! So a segment that this thread was the last to read is used again at once. One that another
//! thread has read stays out of use until so much other memory has gone through the caches that it
//! has left them, the *rotation*; `benches/NOTES.md` has the figures. Bodies that own something are
//! not kept longer than need be: for them there is no rotation.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use crate::segment::{Filling, Segment};

/// How much memory is gone through by default, in bytes: more than the caches of two cores.
pub(crate) const ROTATION: usize = 4 << 20;

/// See the module.
pub(crate) struct Spares<T, M> {
    /// The latest last.
    segments: VecDeque<Arc<Segment<T, M>>>,
    /// How many segments there are, those in use included, before one comes back from another
    /// thread.
    rotated: usize,
    /// Who has read the latest.
    left_by: Option<ThreadId>,
}

impl<T, M> Spares<T, M> {
    /// None yet, of segments of `segment_len` slots each.
    pub(crate) fn new(segment_len: usize, rotation: usize) -> Self {
        let bytes = segment_len.saturating_mul(size_of::<T>()).max(1);
        let rotated = if mem::needs_drop::<T>() { 0 } else { rotation / bytes };
        Self { segments: VecDeque::new(), rotated, left_by: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// This thread has read a segment to its end.
    pub(crate) fn left_here(&mut self) {
        self.left_by = Some(thread::current().id());
    }

    pub(crate) fn put(&mut self, segment: Arc<Segment<T, M>>) {
        self.segments.push_back(segment);
    }

    /// A segment to fill, if there is one that nobody looks at any more and that may come back,
    /// beside `in_use` others.
    pub(crate) fn take(
        &mut self,
        in_use: usize,
        renew: impl FnOnce(&mut M),
    ) -> Option<Filling<T, M>> {
        let is_free = |spare: &Arc<Segment<T, M>>| Arc::strong_count(spare) == 1;
        let place = if self.left_by == Some(thread::current().id()) {
            self.segments.iter().rposition(is_free)
        } else if in_use + self.len() >= self.rotated {
            self.segments.iter().position(is_free)
        } else {
            None
        };
        Filling::reused(self.segments.remove(place?)?, renew).ok()
    }

    /// Lets go of the oldest beyond `most` segments, those in use and the rotation included.
    pub(crate) fn trim(&mut self, in_use: usize, most: usize) {
        let most = most.max(self.rotated);
        let excess = (in_use + self.len()).saturating_sub(most).min(self.len());
        self.segments.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts `count` segments there, numbered from 0.
    fn filled<T>(count: usize, rotation: usize) -> Spares<T, usize> {
        let mut spares = Spares::new(4, rotation);
        (0..count).for_each(|n| spares.put(Arc::clone(Filling::new(4, n).segment())));
        spares
    }

    /// The number of the segment that comes next, with one in use.
    fn next<T>(spares: &mut Spares<T, usize>) -> Option<usize> {
        spares.take(1, |_| ()).map(|filling| *filling.segment().beside())
    }

    fn left_elsewhere<T: Send + Sync>(spares: &mut Spares<T, usize>) {
        thread::scope(|scope| {
            scope.spawn(|| spares.left_here());
        });
    }

    #[test]
    fn what_this_thread_has_left_comes_back_at_once() {
        let mut spares = filled::<u64>(3, 1 << 20);
        spares.left_here();
        assert_eq!([next(&mut spares), next(&mut spares)], [Some(2), Some(1)]);
        left_elsewhere(&mut spares);
        assert_eq!(next(&mut spares), None, "another has it in its cache");
    }

    /// 32 bytes a segment, so 4 of them; the oldest comes first, unless somebody looks at it.
    #[test]
    fn what_another_has_left_comes_back_after_the_rotation() {
        let mut spares = filled::<u64>(4, 4 * 32);
        left_elsewhere(&mut spares);
        assert_eq!(next(&mut spares), Some(0));
        assert_eq!((spares.len(), next(&mut spares)), (3, Some(1)));
        assert_eq!((spares.len(), next(&mut spares)), (2, None));
        spares.put(Arc::clone(Filling::new(4, 9).segment()));
        let looked_at = Arc::clone(&spares.segments[0]);
        assert_eq!((*looked_at.beside(), next(&mut spares)), (2, Some(3)));
    }

    #[test]
    fn bodies_that_own_something_are_not_kept_for_a_rotation() {
        let mut spares = filled::<Box<u64>>(2, 1 << 20);
        left_elsewhere(&mut spares);
        assert_eq!(next(&mut spares), Some(0));
    }

    #[test]
    fn the_oldest_are_let_go_of_beyond_the_bounds() {
        let mut spares = filled::<u64>(9, 4 * 32);
        spares.trim(2, 6);
        assert_eq!((spares.len(), *spares.segments[0].beside()), (4, 5));
        spares.trim(2, 3);
        assert_eq!(spares.len(), 2, "the rotation is kept");
        spares.trim(9, 3);
        assert_eq!(spares.len(), 0);
    }
}
