//! Segments: which are in use, when one is done with, and what the next one is made of.
//!
//! A segment is done with when each of its messages has its mark and none of them is with the
//! sans-IO broker or a dead letter. The mark that makes it complete says so, and so does the broker
//! when it is through with the last one; so room is accounted as soon as it is there, whatever the
//! consumers do that were given those messages.

use std::collections::VecDeque;

use super::Control;
use crate::counted::Counted;
use crate::queue::{Block, BlockFilling, Marks};
use crate::sync::Arc;

/// Segments in which something is unsettled.
pub(super) struct Blocks<T> {
    /// Ascending.
    row: VecDeque<InUse<T>>,
    segment_len: u64,
}

struct InUse<T> {
    /// The place in the queue of its first message. It stands in the segment too, but there each
    /// look would take a line from the cache of whoever writes or settles in it.
    base: u64,
    block: Arc<Block<T>>,
    /// How many of its messages are with the sans-IO broker, or dead letters.
    away: usize,
}

impl<T> Blocks<T> {
    pub(super) fn new(segment_len: usize) -> Self {
        Self { row: VecDeque::new(), segment_len: segment_len as u64 }
    }

    pub(super) fn push(&mut self, block: Arc<Block<T>>) {
        self.row.push_back(InUse { base: block.beside().base(), block, away: 0 });
    }

    pub(super) fn len(&self) -> usize {
        self.row.len()
    }

    /// How many messages have no mark.
    pub(super) fn unsettled(&self) -> usize {
        let unsettled = |block: &Block<T>| block.beside().unsettled(0..block.published());
        self.row.iter().map(|one| unsettled(&one.block)).sum()
    }

    /// The segment that a place in the queue is in, if something in it is unsettled.
    pub(super) fn of(&self, position: u64) -> Option<&Arc<Block<T>>> {
        self.find(position).map(|nth| &self.row[nth].block)
    }

    /// The index in its segment of a place in the queue.
    pub(super) fn index(&self, position: u64) -> usize {
        (position % self.segment_len) as usize
    }

    fn find(&self, position: u64) -> Option<usize> {
        let base = position - position % self.segment_len;
        self.row.binary_search_by_key(&base, |one| one.base).ok()
    }

    /// One more message of a segment is with the broker.
    pub(super) fn goes_away(&mut self, position: u64) {
        if let Some(nth) = self.find(position) {
            self.row[nth].away += 1;
        }
    }

    /// One message less of it is. Returns the segment if it is done with.
    fn is_back(&mut self, position: u64) -> Option<Arc<Block<T>>> {
        let nth = self.find(position)?;
        self.row[nth].away -= 1;
        if self.row[nth].block.beside().is_complete() { self.take_complete(nth) } else { None }
    }

    /// Takes a segment out whose messages all have their marks, unless some are still away.
    fn take_complete(&mut self, nth: usize) -> Option<Arc<Block<T>>> {
        if self.row[nth].away > 0 {
            return None;
        }
        self.row.remove(nth).map(|done| done.block)
    }
}

impl<T> Control<T> {
    /// Every message of the segment at `base` has its mark: it may be done with. Whoever learns
    /// that says so, so it may be gone already.
    pub(in crate::queue) fn complete(&mut self, base: u64) {
        let nth = self.blocks.find(base);
        let done = nth.and_then(|nth| self.blocks.take_complete(nth));
        self.retire(done);
    }

    /// A message of the segment at `base` has its mark: the segment may be done with.
    pub(super) fn complete_if_marked(&mut self, base: u64) {
        if self.blocks.of(base).is_some_and(|block| block.beside().is_complete()) {
            self.complete(base);
        }
    }

    /// A message that was with the broker, or a dead letter, is finished.
    pub(super) fn finish(&mut self, position: u64) {
        let done = self.blocks.is_back(position);
        self.retire(done);
    }

    fn retire(&mut self, done: Option<Arc<Block<T>>>) {
        if let Some(block) = done {
            self.spares.put(block);
            self.spares.left_here();
            self.freed = true;
        }
    }

    /// Counts as finished what the broker is through with.
    pub(super) fn finish_returned(&mut self) {
        while let Some(body) = self.returned.next_done() {
            self.finish(body.position());
        }
    }

    /// Whether a further segment may be opened, and what it is made of.
    pub(in crate::queue) fn find_room(&mut self) -> Room<T> {
        if self.opening {
            return Room::Opening;
        }
        if self.blocks.len() >= self.segments_max {
            return Room::Full;
        }
        self.opening = true;
        let memory = match self.spares.take(self.blocks.len()) {
            Some(block) => Memory::Used(block),
            None => Memory::New(self.census.counted()),
        };
        let excess = self.spares.trim(self.blocks.len() + 1, self.segments_max);
        let (segment_len, has_leases) = (self.segment_len, self.has_leases());
        Room::Open(Spare { memory, excess, segment_len, has_leases })
    }

    /// Opens a further segment at once, if there may be one. For bodies without destructors: others
    /// are dropped without the lock.
    pub(in crate::queue) fn open_at_once(&mut self) -> Option<BlockFilling<T>> {
        let Room::Open(spare) = self.find_room() else { return None };
        let mut next = spare.empty();
        self.open(Some(&mut next));
        Some(next)
    }

    /// The producer that was about to open a segment does so, or failed to. It wakes others when
    /// it has left every lock.
    pub(in crate::queue) fn open(&mut self, next: Option<&mut BlockFilling<T>>) {
        self.opening = false;
        let Some(next) = next else { return };
        let (base, len) = (self.next_base, self.segment_len);
        self.next_base += len as u64;
        next.renew(|marks| marks.renew(base, len));
        self.blocks.push(Arc::clone(next.segment()));
    }
}

/// Whether there is room for a further segment.
pub(in crate::queue) enum Room<T> {
    /// Too many messages are unsettled.
    Full,
    /// Another producer is about to open it.
    Opening,
    /// There is; the caller opens it, or says that it does not.
    Open(Spare<T>),
}

/// What the next segment is made of: a spare one, whose bodies must be dropped first, or new
/// memory. Dropped and emptied without a lock, because that runs destructors.
pub(in crate::queue) struct Spare<T> {
    memory: Memory<T>,
    excess: Vec<Arc<Block<T>>>,
    segment_len: usize,
    has_leases: bool,
}

/// Where the memory of a segment is from.
enum Memory<T> {
    /// It is used again.
    Used(Arc<Block<T>>),
    /// It is to be allocated, and is counted already.
    New(Counted),
}

impl<T> Spare<T> {
    /// The writer of an empty segment.
    pub(in crate::queue) fn empty(self) -> BlockFilling<T> {
        let Self { memory, excess, segment_len, has_leases } = self;
        drop(excess);
        match memory {
            Memory::Used(block) => BlockFilling::reused(block)
                .unwrap_or_else(|_| unreachable!("a spare segment is shared with nobody")),
            Memory::New(counted) => {
                BlockFilling::new(segment_len, Marks::new(segment_len, has_leases, counted))
            }
        }
    }
}
