//! A reader of a partition: a position, and the segment that it is in.

use std::future::{Future, pending};
use std::mem;
use std::sync::atomic::Ordering;
use std::time::Instant;

use entrega_model::SubscriptionId;
use entrega_model::log::Offset;

use super::directory::Place;
use super::{LogView, Partition};
use crate::sync::Arc;
use crate::wait::Budget;

/// Reads one partition for a group, in place. While it lives the producer waits for it, if the
/// log's retention says so; once dropped, even by a panic, it holds up no producer.
pub struct Reader<T> {
    partition: Arc<Partition<T>>,
    group: SubscriptionId,
    place: Place,
    view: LogView<T>,
    /// The next record to read, counted from the beginning of the segment.
    index: usize,
    /// What the group has committed, if anything: the log is held from there.
    committed: Option<Offset>,
    budget: Budget,
}

/// A position that is not on the log, and the bounds of the log. The reset policy decides where to
/// [`Reader::seek`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offset {position} is not on the log, which is from {log_start} to {log_end}")]
pub struct OutOfRange {
    /// Where the reader wanted to read.
    pub position: Offset,
    /// The oldest offset that there is.
    pub log_start: Offset,
    /// One past the newest.
    pub log_end: Offset,
}

/// Why there is nothing more to read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The log was closed, and everything is read.
    #[error("the log is closed and read to its end")]
    Closed,
    /// The log was stopped. What was not read stays unread.
    #[error("the log was stopped")]
    Stopped,
    /// The log has dropped what the reader would read next.
    #[error(transparent)]
    OutOfRange(OutOfRange),
}

impl<T> Reader<T> {
    pub(super) fn new(partition: Arc<Partition<T>>, group: SubscriptionId) -> Self {
        let mut directory = partition.directory();
        let (place, begin) = directory.register(group);
        let committed = directory.committed(group);
        let (segment, index) = directory.at(begin);
        let view = LogView::new(segment);
        drop(directory);
        Self { partition, group, place, view, index, committed, budget: Budget::new() }
    }

    /// The offset of the next record.
    pub fn position(&self) -> Offset {
        self.base() + self.index as Offset
    }

    /// At most `max` records, at least one; waits until there is one. All come from one segment, so
    /// there may be more behind them.
    #[inline]
    pub fn fetch(&mut self, max: usize) -> Result<&[T], Ended> {
        if !self.is_ready() {
            self.wait(None)?;
        }
        Ok(self.take(max))
    }

    /// The records that are there now, at most `max`, possibly none.
    #[inline]
    pub fn try_fetch(&mut self, max: usize) -> Result<&[T], Ended> {
        if !self.is_ready() {
            self.look().unwrap_or(Ok(()))?;
        }
        Ok(self.take(max))
    }

    /// As [`Reader::fetch`], but returns none if there is none at `deadline`.
    pub fn fetch_until(&mut self, max: usize, deadline: Instant) -> Result<&[T], Ended> {
        if !self.is_ready() {
            self.wait(Some(deadline))?;
        }
        Ok(self.take(max))
    }

    /// As [`Reader::fetch`], for a task. May be dropped at any time without losing a record.
    pub async fn fetch_async(&mut self, max: usize) -> Result<&[T], Ended> {
        self.budget.spend().await;
        if !self.is_ready() {
            let partition = Arc::clone(&self.partition);
            partition.appended.listen(pending(), || self.look()).await.unwrap_or(Ok(()))?;
        }
        Ok(self.take(max))
    }

    /// The next record; waits until there is one.
    #[inline]
    pub fn next_record(&mut self) -> Result<&T, Ended> {
        if !self.is_ready() {
            self.wait(None)?;
        }
        self.index += 1;
        match self.view.slice(self.index - 1, self.index) {
            [record] => Ok(record),
            _ => unreachable!("a slice of one"),
        }
    }

    /// Commits the position: a later reader of the group begins here.
    pub fn commit(&mut self) {
        self.commit_upto(self.position());
    }

    /// Commits an offset: that of the next record to process, one past the last processed.
    pub fn commit_upto(&mut self, upto: Offset) {
        self.committed = Some(upto);
        let needed_from = self.needed_from();
        let mut directory = self.partition.directory();
        directory.commit(self.group, upto);
        directory.hold(self.place, needed_from);
        drop(directory);
        self.partition.freed.ring();
    }

    /// Moves the position.
    pub fn seek(&mut self, position: Offset) -> Result<(), OutOfRange> {
        let mut directory = self.partition.directory();
        let (log_start, log_end) = (directory.log_start(), directory.log_end());
        if !(log_start..=log_end).contains(&position) {
            return Err(OutOfRange { position, log_start, log_end });
        }
        let (segment, index) = directory.at(position);
        let base = *segment.beside();
        directory.hold(self.place, self.committed.map_or(base, |committed| committed.min(base)));
        let left = mem::replace(&mut self.view, LogView::new(segment));
        self.index = index;
        drop(directory);
        self.partition.freed.ring();
        drop(left);
        Ok(())
    }

    /// Keeps everything from `offset` on, and lets the log forget what is below it. Takes the
    /// partition's lock only if `offset` is in another segment.
    pub fn keep_from(&mut self, offset: Offset) {
        if !self.stands_at(offset) {
            let _ = self.seek(offset);
        }
    }

    /// Whether an offset is in the segment that the reader is in.
    pub fn stands_at(&self, offset: Offset) -> bool {
        (self.base()..self.base() + self.view.segment().len() as Offset).contains(&offset)
    }

    /// Completes when something was appended, or the log was closed, after the first poll. The task
    /// that awaits it must call [`Reader::try_fetch`] once more after that first poll, or it may
    /// miss a record. May be dropped at any time.
    pub fn notified(&self) -> impl Future<Output = ()> + use<T> {
        let partition = Arc::clone(&self.partition);
        async move { partition.appended.rung().await }
    }

    fn base(&self) -> Offset {
        *self.view.segment().beside()
    }

    pub(super) fn needed_from(&self) -> Offset {
        self.committed.map_or(self.base(), |committed| committed.min(self.base()))
    }

    #[inline]
    fn is_ready(&self) -> bool {
        self.index < self.view.seen() && !self.partition.is_stopped()
    }

    /// Takes what was seen, if anything.
    #[inline]
    fn take(&mut self, max: usize) -> &[T] {
        let from = self.index;
        self.index = self.view.seen().min(from.saturating_add(max)).max(from);
        self.view.slice(from, self.index)
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<(), Ended> {
        if let Some(found) = self.look() {
            return found;
        }
        let partition = Arc::clone(&self.partition);
        partition.appended.wait(deadline, || self.look()).unwrap_or(Ok(()))
    }

    /// Whether there is something to read, or never will be.
    fn look(&mut self) -> Option<Result<(), Ended>> {
        if self.partition.is_stopped() {
            return Some(Err(Ended::Stopped));
        }
        while self.index >= self.view.look() {
            let at_end = self.index == self.view.segment().len();
            if !at_end || self.partition.opened.load(Ordering::Acquire) <= self.base() {
                return self.has_ended().then_some(Err(Ended::Closed));
            }
            if let Err(gone) = self.seek(self.position()) {
                return Some(Err(Ended::OutOfRange(gone)));
            }
        }
        Some(Ok(()))
    }

    /// Whether the log is closed, and ends here.
    fn has_ended(&self) -> bool {
        self.partition.appended.is_closed() && self.partition.directory().end_at(self.position())
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.partition.directory().unregister(self.place);
        self.partition.freed.ring();
    }
}
