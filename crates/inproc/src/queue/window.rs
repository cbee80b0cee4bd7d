//! A window: a run of messages that a consumer has fetched from the queue.
//!
//! Those before `next` it was given: they are under its lease until they are settled. The others
//! are at hand, and another consumer may take them away ([`Desk`](super::desk::Desk)).
//!
//! A window that is spent stays where it is, as a hold on its segment, and the next one begins in
//! its place. So on the way of a message its fields are written and read one by one and not moved
//! together, which would cost more than all else here: a wide load waits until the narrow stores
//! before it have left the store buffer.

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
    /// Under which its leases are kept, if there are leases.
    pub(super) leases: Option<LeaseId>,
}

impl<T> Window<T> {
    /// A hold on a segment, with nothing in it yet.
    pub(super) fn on(view: BlockView<T>) -> Self {
        let base = view.segment().beside().base();
        Self { view, base, start: 0, next: 0, end: 0, leases: None }
    }

    /// Begins anew, with other messages of the segment, of which the application is given the first
    /// `give`.
    #[inline]
    pub(super) fn begin(&mut self, range: Range<usize>, give: usize) {
        (self.start, self.end) = (range.start, range.end);
        self.next = range.end.min(range.start.saturating_add(give));
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
    pub(super) fn settle(&self, index: usize) -> Marked {
        self.marks().settle(index)
    }

    /// Settles a range, and returns how many it was in time for, and whether the segment is
    /// complete with it.
    #[inline]
    pub(super) fn settle_all(&self, range: Range<usize>) -> (usize, bool) {
        self.marks().settle_count(range)
    }

    /// Whether the application was given all of it, and it is settled, by whomever.
    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        self.next == self.end && self.unsettled() == 0
    }

    /// Whether the application was given all of it, and no other window of this segment can follow
    /// it.
    #[inline]
    pub(super) fn is_given(&self) -> bool {
        self.end == self.block().len() && self.next == self.end
    }

    /// The same, and all of it is settled, by whomever.
    #[inline]
    pub(super) fn is_through(&self) -> bool {
        self.is_given() && self.unsettled() == 0
    }

    /// Nothing more is at hand: what was given is all of it.
    pub(super) fn cut(&mut self) {
        self.end = self.next;
    }

    /// Nothing of it is unsettled, whoever settled it: it is a hold on its segment.
    pub(super) fn empty(&mut self) {
        (self.start, self.next) = (self.end, self.end);
    }
}
