//! The producer of a partition: appends, and waits for room.

use std::future::pending;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use entrega_model::log::Offset;

use super::{LogFilling, Partition};
use crate::sync::Arc;
use crate::wait::Budget;

/// Appends to one partition. Dropping it frees the partition for another one; the log goes on.
pub struct Producer<T> {
    partition: Arc<Partition<T>>,
    /// `None` only while the producer is being dropped.
    filling: Option<LogFilling<T>>,
    budget: Budget,
}

/// Why an append did not succeed for certain.
///
/// [`Full`](Refused::Full) and [`Closed`](Refused::Closed) are definite: the record was not
/// appended, and comes back. [`TooLate`](Refused::TooLate) is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused<T> {
    /// The partition is full, and readers have not advanced in time. Try again, or wait.
    #[error("the partition is full")]
    Full(T),
    /// The log was closed or stopped. Stop producing.
    #[error("the log is closed")]
    Closed(T),
    /// The append raced with the close, and its outcome is unknown. The record is in the log, but
    /// some reader has already seen the end. Another reader may still read it, or none.
    #[error("the append met the close; the record may be read or not")]
    TooLate,
}

/// Why a batch was not appended to its end for certain. What was definitely not appended is still
/// in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// See [`Refused::Full`].
    #[error("the partition is full")]
    Full,
    /// See [`Refused::Closed`].
    #[error("the log is closed")]
    Closed,
    /// See [`Refused::TooLate`]. The outcome is unknown for what is no longer in the buffer.
    #[error("the append met the close; the records may be read or not")]
    TooLate,
}

/// How long to wait for room.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Instant),
    Forever,
}

impl<T> Producer<T> {
    pub(super) fn new(partition: Arc<Partition<T>>) -> Option<Self> {
        let filling = Some(partition.directory().take_filling()?);
        Some(Self { partition, filling, budget: Budget::new() })
    }

    /// The offset that the next record will have.
    pub fn next_offset(&self) -> Offset {
        self.filling
            .as_ref()
            .map_or(0, |filling| *filling.segment().beside() + filling.written() as Offset)
    }

    /// Appends a record and returns its offset; waits while the partition is full.
    #[inline]
    pub fn append(&mut self, record: T) -> Result<Offset, Refused<T>> {
        self.append_one(record, Patience::Forever)
    }

    /// Appends a record that is built in its slot, once there is room for it; waits while the
    /// partition is full. This saves the copy of a large record. If the log is closed, the record
    /// is not built.
    #[inline]
    pub fn append_with(&mut self, make: impl FnOnce() -> T) -> Result<Offset, Full> {
        if self.partition.appended.is_closed() {
            return Err(Full::Closed);
        }
        if !self.has_room() {
            self.wait_for_room(Patience::Forever)?;
        }
        let offset = self.next_offset();
        if let Some(filling) = &mut self.filling {
            filling.push_with(make);
        }
        self.tell().map(|()| offset)
    }

    /// Appends a record, or gives it back if the partition is full now.
    #[inline]
    pub fn try_append(&mut self, record: T) -> Result<Offset, Refused<T>> {
        self.append_one(record, Patience::None)
    }

    /// Appends a record, or gives it back if the partition is still full at `deadline`.
    pub fn append_until(&mut self, record: T, deadline: Instant) -> Result<Offset, Refused<T>> {
        self.append_one(record, Patience::Until(deadline))
    }

    /// Appends a record, for a task: yields while the partition is full.
    pub async fn append_async(&mut self, record: T) -> Result<Offset, Refused<T>> {
        self.budget.spend().await;
        if !self.has_room() {
            let Self { partition, filling, .. } = self;
            partition.freed.listen(pending(), || find_room(partition, filling)).await;
        }
        self.append_one(record, Patience::None)
    }

    /// Waits until there may be room, for a task that shares the producer with others. They may use
    /// it meanwhile, and take the room first.
    pub async fn room(this: &Mutex<Self>) {
        let lock = || this.lock().unwrap_or_else(PoisonError::into_inner);
        let partition = Arc::clone(&lock().partition);
        let look = || {
            if lock().has_room() {
                return Some(());
            }
            let Ok(next) = prepare(&partition)? else { return Some(()) };
            let mut this = lock();
            if this.has_room() {
                partition.directory().put_back(next);
                return Some(());
            }
            open(&partition, &mut this.filling, next)
        };
        partition.freed.listen(pending(), look).await;
    }

    /// Blocks the thread until there may be room.
    pub fn block_until_room(&mut self) {
        if !self.has_room() {
            let _ = self.wait_for_room(Patience::Forever);
        }
    }

    /// Appends a batch and empties it; waits while the partition is full. The offsets are
    /// consecutive.
    pub fn append_batch(&mut self, records: &mut Vec<T>) -> Result<Range<Offset>, Full> {
        self.append_many(records, Patience::Forever)
    }

    /// Appends the items of an iterator, built in their slots; waits while the partition is full.
    ///
    /// To see whether there is more, it asks the iterator for one record before there is room for
    /// it. If the log is closed by then, it drops that record and asks for no more; the records
    /// before it are appended. To get all of them back, use [`Producer::append_batch`].
    pub fn append_all(
        &mut self,
        records: impl IntoIterator<Item = T>,
    ) -> Result<Range<Offset>, Full> {
        let (mut records, first) = (records.into_iter(), self.next_offset());
        if self.partition.appended.is_closed() {
            return Err(Full::Closed);
        }
        let mut next = records.next();
        while let Some(record) = next {
            if !self.has_room() {
                self.wait_for_room(Patience::Forever)?;
            }
            next = if self.fill(record, &mut records)? { records.next() } else { None };
        }
        Ok(first..self.next_offset())
    }

    /// Appends as much of a batch as there is room for, and takes it out of the buffer.
    pub fn try_append_batch(&mut self, records: &mut Vec<T>) -> Result<Range<Offset>, Full> {
        self.append_many(records, Patience::None)
    }

    /// Appends a batch and empties it, for a task: yields while the partition is full. If the
    /// future is dropped while it waits, the buffer holds what was not appended.
    pub async fn append_batch_async(
        &mut self,
        records: &mut Vec<T>,
    ) -> Result<Range<Offset>, Full> {
        self.budget.spend().await;
        let first = self.next_offset();
        loop {
            match self.append_many(records, Patience::None) {
                Err(Full::Full) => {
                    let Self { partition, filling, .. } = self;
                    partition.freed.listen(pending(), || find_room(partition, filling)).await;
                }
                other => return other.map(|appended| first..appended.end),
            }
        }
    }

    #[inline]
    fn append_one(&mut self, record: T, patience: Patience) -> Result<Offset, Refused<T>> {
        if self.partition.appended.is_closed() {
            return Err(Refused::Closed(record));
        }
        if !self.has_room()
            && let Err(full) = self.wait_for_room(patience)
        {
            return Err(match full {
                Full::Full => Refused::Full(record),
                Full::Closed | Full::TooLate => Refused::Closed(record),
            });
        }
        let offset = self.next_offset();
        if let Some(filling) = &mut self.filling {
            filling.push(record).map_err(Refused::Full)?;
        }
        if !self.partition.appended.ring() && self.is_too_late() {
            return Err(Refused::TooLate);
        }
        Ok(offset)
    }

    fn append_many(
        &mut self,
        records: &mut Vec<T>,
        patience: Patience,
    ) -> Result<Range<Offset>, Full> {
        let first = self.next_offset();
        if self.partition.appended.is_closed() {
            return Err(Full::Closed);
        }
        while !records.is_empty() {
            if !self.has_room() {
                self.wait_for_room(patience)?;
            }
            let room = self.filling.as_ref().map_or(0, LogFilling::room);
            let count = room.min(records.len());
            let mut some = records.drain(..count);
            if let Some(record) = some.next() {
                self.fill(record, &mut some)?;
            }
        }
        Ok(first..self.next_offset())
    }

    /// Appends what there is room for, rings for readers, and returns whether there may be more.
    #[inline]
    fn fill(&mut self, record: T, records: &mut impl Iterator<Item = T>) -> Result<bool, Full> {
        let telling = self.partition.appended.rung_in_a_panic();
        let may_be_more =
            self.filling.as_mut().is_some_and(|filling| filling.fill(record, records));
        drop(telling);
        self.tell().map(|()| may_be_more)
    }

    /// Rings for readers after an append.
    #[inline]
    fn tell(&self) -> Result<(), Full> {
        if self.partition.appended.ring() || !self.is_too_late() {
            Ok(())
        } else {
            Err(Full::TooLate)
        }
    }

    fn has_room(&self) -> bool {
        self.filling.as_ref().is_some_and(|filling| filling.room() > 0)
    }

    #[cold]
    fn wait_for_room(&mut self, patience: Patience) -> Result<(), Full> {
        let Self { partition, filling, .. } = self;
        let mut look = || find_room(partition, filling);
        let found = match patience {
            Patience::None => look(),
            Patience::Until(deadline) => partition.freed.wait(Some(deadline), look),
            Patience::Forever => partition.freed.wait(None, look),
        };
        found.unwrap_or(Err(Full::Full))
    }

    /// After an append to a log that is being closed: whether some reader has already seen the end.
    #[cold]
    fn is_too_late(&self) -> bool {
        self.partition.directory().has_ended()
    }
}

/// Opens the next segment if there is room for it.
fn find_room<T>(
    partition: &Partition<T>,
    filling: &mut Option<LogFilling<T>>,
) -> Option<Result<(), Full>> {
    match prepare(partition)? {
        Ok(next) => open(partition, filling, next).map(Ok),
        Err(full) => Some(Err(full)),
    }
}

/// An empty segment, if there is room for one. Runs destructors of records.
fn prepare<T>(partition: &Partition<T>) -> Option<Result<LogFilling<T>, Full>> {
    if partition.appended.is_closed() {
        return Some(Err(Full::Closed));
    }
    let room = partition.directory().find_room()?;
    Some(Ok(room.empty()))
}

/// Makes it the one to write.
fn open<T>(
    partition: &Partition<T>,
    filling: &mut Option<LogFilling<T>>,
    next: LogFilling<T>,
) -> Option<()> {
    let next = partition.directory().open(next)?;
    partition.opened.store(*next.segment().beside(), Ordering::Release);
    *filling = Some(next);
    Some(())
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        if let Some(filling) = self.filling.take() {
            self.partition.directory().return_filling(filling);
        }
    }
}
