//! A window: a run of messages that a consumer has fetched from the queue.
//!
//! Those before `next` it was given: they are under its lease until they are settled. The others
//! are at hand, and another consumer may take them away ([`Desk`](super::desk::Desk)).

use std::ops::Range;

use super::control::LeaseId;
use super::marks::{Marked, Marks};
use super::{Block, BlockView};

/// A run of one segment.
pub(super) struct Window<T> {
    pub(super) view: BlockView<T>,
    /// The place in the queue of the segment's first message.
    base: u64,
    pub(super) start: usize,
    /// The first that the application has not been given.
    pub(super) next: usize,
    pub(super) end: usize,
    /// How many of them this consumer has settled.
    ended: usize,
    /// Under which its leases are kept, if there are leases.
    pub(super) leases: Option<LeaseId>,
}

impl<T> Window<T> {
    pub(super) fn new(view: BlockView<T>, range: Range<usize>) -> Self {
        let (Range { start, end }, base) = (range, view.segment().beside().base());
        Self { view, base, start, next: start, end, ended: 0, leases: None }
    }

    pub(super) fn block(&self) -> &Block<T> {
        self.view.segment()
    }

    #[inline]
    pub(super) fn marks(&self) -> &Marks {
        self.block().beside()
    }

    /// The place in the queue of an index.
    #[inline]
    pub(super) fn position(&self, index: usize) -> u64 {
        self.base + index as u64
    }

    /// What the application was given of it.
    pub(super) fn given(&self) -> Range<usize> {
        self.start..self.next
    }

    /// The index of a place in the queue, if the application was given that message of this window.
    pub(super) fn index_of(&self, position: u64) -> Option<usize> {
        let index = usize::try_from(position.checked_sub(self.base)?).ok()?;
        self.given().contains(&index).then_some(index)
    }

    /// How many of the messages that it was given are unsettled.
    pub(super) fn unsettled(&self) -> usize {
        self.marks().unsettled(self.given())
    }

    /// Settles one message here.
    #[inline]
    pub(super) fn settle(&mut self, index: usize) -> Marked {
        let marked = self.marks().settle(index);
        self.ended += usize::from(marked.in_time());
        marked
    }

    /// Settles a range, and returns how many it was in time for, and whether the segment is
    /// complete with it.
    pub(super) fn settle_all(&mut self, range: Range<usize>) -> (usize, bool) {
        let (count, is_last) = self.marks().settle_count(range);
        self.ended += count;
        (count, is_last)
    }

    /// Whether this consumer has settled all of it.
    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.ended == self.end - self.start
    }

    /// Nothing more is at hand: what was given is all of it.
    pub(super) fn cut(&mut self) {
        self.end = self.next;
    }
}
