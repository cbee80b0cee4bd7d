//! Spare segments, to be used again.
//!
//! > **The rule.** A cache line that this core holds is written at once. One that another core
//! > holds must be fetched from there first, which costs more than anything else about a message;
//! > one that no core holds any more comes from the shared cache, for a fraction of that.
//!
//! So if this thread was the last reader, the latest segment is used again at once. If it was
//! another thread, the oldest one is, and only after so much other memory has passed through the
//! caches that it has left them: the *rotation*. `benches/NOTES.md` has the figures. Bodies that
//! own something are not kept longer than necessary: for them there is no rotation.

use std::collections::VecDeque;
use std::mem;
use std::thread::{self, ThreadId};

use crate::segment::Segment;
use crate::sync::Arc;

/// The default rotation, in bytes: more than the caches of two cores hold.
pub(crate) const ROTATION: usize = 4 << 20;

/// What a segment costs besides its bodies and what is computed, at most, in bytes: reference
/// counts, alignment, the allocator's own.
const BESIDE: usize = 512;

/// See the module.
pub(crate) struct Spares<T, M> {
    /// The latest last.
    segments: VecDeque<Arc<Segment<T, M>>>,
    /// How many segments there must be, including those in use, before one comes back from another
    /// thread.
    rotated: usize,
    /// The thread that last finished with something that it had read.
    left_by: Option<ThreadId>,
}

impl<T, M> Spares<T, M> {
    /// No spare segments yet, of `segment_len` slots each. The owner's data needs `beside` bytes
    /// outside the segment.
    pub(crate) fn new(segment_len: usize, rotation: usize, beside: usize) -> Self {
        let bodies = segment_len.saturating_mul(size_of::<T>());
        let beside = size_of::<Segment<T, M>>() + beside + BESIDE;
        let never = bodies == 0 || mem::needs_drop::<T>();
        let rotated = if never { 0 } else { rotation / bodies.saturating_add(beside) };
        Self { segments: VecDeque::new(), rotated, left_by: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// This thread has finished with something that it had read.
    pub(crate) fn left_here(&mut self) {
        self.left_by = Some(thread::current().id());
    }

    pub(crate) fn put(&mut self, segment: Arc<Segment<T, M>>) {
        self.segments.push_back(segment);
    }

    /// A segment to fill, if there is one that is no longer shared and that may come back, besides
    /// `in_use` others. Its values are still there: the caller drops them, without a lock.
    pub(crate) fn take(&mut self, in_use: usize) -> Option<Arc<Segment<T, M>>> {
        let is_free = |spare: &Arc<Segment<T, M>>| Arc::strong_count(spare) == 1;
        let place = if self.left_by == Some(thread::current().id()) {
            self.segments.iter().rposition(is_free)
        } else if in_use + self.len() >= self.rotated {
            self.segments.iter().position(is_free)
        } else {
            None
        };
        self.segments.remove(place?)
    }

    /// Takes out the oldest beyond `most` segments, counting those in use; keeps the rotation. The
    /// caller drops them, without a lock.
    pub(crate) fn trim(&mut self, in_use: usize, most: usize) -> Vec<Arc<Segment<T, M>>> {
        let most = most.max(self.rotated);
        let excess = (in_use + self.len()).saturating_sub(most).min(self.len());
        self.segments.drain(..excess).collect()
    }
}

#[cfg(all(test, not(inproc_loom)))]
mod tests {
    use super::*;
    use crate::segment::Filling;

    /// Puts `count` segments there, numbered from 0.
    fn filled<T>(count: usize, rotation: usize) -> Spares<T, usize> {
        let mut spares = Spares::new(4, rotation, 0);
        (0..count).for_each(|n| spares.put(Arc::clone(Filling::new(4, n).segment())));
        spares
    }

    /// The number of the segment that comes next, with one in use.
    fn next<T>(spares: &mut Spares<T, usize>) -> Option<usize> {
        spares.take(1).map(|segment| *segment.beside())
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

    /// The memory of this many segments of 4 numbers.
    fn memory(segments: usize) -> usize {
        segments * (4 * size_of::<u64>() + size_of::<Segment<u64, usize>>() + BESIDE)
    }

    /// The oldest comes first, unless it is still shared.
    #[test]
    fn what_another_has_left_comes_back_after_the_rotation() {
        let mut spares = filled::<u64>(4, memory(4));
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
        let mut spares = filled::<()>(2, 1 << 20);
        left_elsewhere(&mut spares);
        assert_eq!(next(&mut spares), Some(0), "nor are those that need no memory");
    }

    #[test]
    fn the_oldest_are_let_go_of_beyond_the_bounds() {
        let mut spares = filled::<u64>(9, memory(4));
        spares.trim(2, 6);
        assert_eq!((spares.len(), *spares.segments[0].beside()), (4, 5));
        spares.trim(2, 3);
        assert_eq!(spares.len(), 2, "the rotation is kept");
        spares.trim(9, 3);
        assert_eq!(spares.len(), 0);
    }
}
