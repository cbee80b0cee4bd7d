//! A window: a run of messages that a consumer has taken from the queue and holds.

use std::ops::Range;

use super::{Block, BlockView, Marks};

/// A run of one segment.
pub(super) struct Window<T> {
    pub(super) view: BlockView<T>,
    pub(super) start: usize,
    /// The first that the application has not been given.
    pub(super) next: usize,
    pub(super) end: usize,
    /// How many of them this consumer has settled in any way, and how many of those it acked.
    ended: usize,
    acked: usize,
}

impl<T> Window<T> {
    pub(super) fn new(view: BlockView<T>, start: usize, end: usize) -> Self {
        Self { view, start, next: start, end, ended: 0, acked: 0 }
    }

    pub(super) fn block(&self) -> &Block<T> {
        self.view.segment()
    }

    pub(super) fn marks(&self) -> &Marks {
        self.block().beside()
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The index in the segment of a place in the queue, if it is in this window.
    pub(super) fn index_of(&self, position: u64) -> Option<usize> {
        let index = usize::try_from(position.checked_sub(self.marks().base())?).ok()?;
        self.range().contains(&index).then_some(index)
    }

    /// How many of its messages are unsettled.
    pub(super) fn unsettled(&self) -> usize {
        self.marks().unsettled(self.range())
    }

    /// Acks one message; `false` if it is too late.
    #[inline]
    pub(super) fn ack(&mut self, index: usize) -> bool {
        let settled = self.marks().settle(index);
        self.acked += usize::from(settled);
        self.ended += usize::from(settled);
        settled
    }

    /// Acks a range and returns how many it was in time for.
    pub(super) fn ack_all(&mut self, range: Range<usize>) -> usize {
        let settled = self.marks().settle_count(range);
        self.acked += settled;
        self.ended += settled;
        settled
    }

    /// Ends the delivery of one message without finishing it; `false` if it is too late.
    pub(super) fn give_back(&mut self, index: usize) -> bool {
        let settled = self.marks().settle(index);
        self.ended += usize::from(settled);
        settled
    }

    /// Whether this consumer has settled all of it.
    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.ended == self.end - self.start
    }

    /// How many messages of it are finished.
    pub(super) fn acked(&self) -> usize {
        self.acked
    }
}
