//! The log for real: records stay where they were appended, and readers look at them in place.
//!
//! > **The rule.** Reading changes nothing for anybody else. A reader has a position of its own,
//! > and its group one number for each partition, the committed offset: [`entrega_brokers::log`].
//! > Memory is bounded: a full partition pushes back on its producer, or forgets what is oldest.
//!
//! A partition is a row of segments. Its one producer writes the last segment; readers walk along,
//! each at its own pace, and visit the partition's lock once a segment. So a record costs its
//! producer the same for one reader and for a hundred, and a slow reader keeps alive at most the
//! segment that it stands in, besides what retention keeps.
//!
//! # Who is waited for
//!
//! With [`Retention::UntilRead`] a producer waits for the slowest *registered* reader: for its
//! position, or for its committed offset if it commits. That includes one that is stuck: it blocks
//! the producer by design ([`Producer::try_append`] and [`Producer::append_until`] do not wait for
//! ever). A reader that is dropped, by a panic too, is not registered any more. If nobody is,
//! nobody is waited for, and the oldest records go.
//!
//! With [`Retention::DropOldest`] nobody is waited for. A reader that comes too late is told
//! ([`Ended::OutOfRange`]) where the log begins now; its reset policy decides.
//!
//! # When records are dropped
//!
//! All those of a segment together: when the producer uses the segment again or lets go of it, or
//! when the log is gone and no reader stands in it. A record's destructor may run in an append,
//! under the lock of the partition: one that uses the same log would wait for itself for ever.
//!
//! # How it ends
//!
//! [`LiveLog::close`]: no more appends; readers read what there is and are told [`Ended::Closed`].
//! [`LiveLog::stop`]: readers are told at once.
//!
//! What was appended with `Ok` is not lost in a close: no reader is told [`Ended::Closed`] before
//! it. An append that meets the close may end as [`Refused::TooLate`]: it may be read or not.
//!
//! # Example
//!
//! ```
//! use entrega_inproc::log::{LiveLog, LogOptions};
//! use entrega_model::{PartitionId, SubscriptionId};
//!
//! let log = LiveLog::new(LogOptions::default());
//! let (partition, group) = (PartitionId(0), SubscriptionId(0));
//! let mut producer = log.producer(partition).expect("nobody has it yet");
//! let mut reader = log.reader(partition, group).expect("there is such a partition");
//!
//! producer.append_batch(&mut vec!["a", "b", "c"]).expect("there is room");
//! assert_eq!(reader.fetch(2).expect("there is something"), &["a", "b"]);
//! reader.commit();
//! drop(reader);
//!
//! let mut next = log.reader(partition, group).expect("there is such a partition");
//! assert_eq!((next.position(), next.fetch(9)), (2, Ok(&["c"][..])));
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use entrega_model::log::Offset;
use entrega_model::{PartitionId, SubscriptionId};

use crate::segment::{Filling, Segment, View};
use crate::spares::ROTATION;
use crate::sync::Apart;
use crate::wait::Bell;

mod directory;
mod producer;
mod reader;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use producer::{Full, Producer, Refused};
pub use reader::{Ended, OutOfRange, Reader};

use directory::Directory;

/// A segment, and the offset of its first record beside it.
type LogSegment<T> = Segment<T, Offset>;

/// How a [`LiveLog`] is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// How many partitions there are. Default: 1.
    pub partitions: u16,
    /// How many records a partition holds at least before it is full; rounded up to whole
    /// segments, of which there are two at least. Default: 4096.
    pub capacity: usize,
    /// How many records a segment holds. Default: 1024.
    pub segment: usize,
    /// What a full partition does. Default: [`Retention::UntilRead`].
    pub retention: Retention,
    /// How much memory a partition goes through before it uses a segment again that another thread
    /// has read, in bytes: lines that are in another core's cache are slow to write. If that is
    /// more than the capacity needs, so much is kept, as far as the traffic goes; records that own
    /// something are not kept for it. Default: 4 MiB. 0: no more memory than the capacity.
    pub rotation: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        let retention = Retention::UntilRead;
        Self { partitions: 1, capacity: 4096, segment: 1024, retention, rotation: ROTATION }
    }
}

/// What a full partition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// It keeps what some registered reader has yet to read, or to commit, and no more; its
    /// producer waits.
    UntilRead,
    /// It forgets its oldest segment, read or unread, as Kafka's retention by size does.
    DropOldest,
}

/// A log of records of any type, shared by threads and tasks. A clone is the same log.
pub struct LiveLog<T> {
    partitions: Arc<[Arc<Partition<T>>]>,
}

impl<T> Clone for LiveLog<T> {
    fn clone(&self) -> Self {
        Self { partitions: Arc::clone(&self.partitions) }
    }
}

impl<T> LiveLog<T> {
    /// An empty log.
    pub fn new(options: LogOptions) -> Self {
        let partition = |_| Arc::new(Partition::new(&options));
        Self { partitions: (0..options.partitions).map(partition).collect() }
    }

    /// The one producer of a partition. Whoever needs several gives each a partition, or shares one
    /// behind a lock.
    pub fn producer(&self, partition: PartitionId) -> Result<Producer<T>, NoProducer> {
        let partition = self.partition(partition).ok_or(NoProducer::UnknownPartition)?;
        Producer::new(partition).ok_or(NoProducer::Taken)
    }

    /// A reader of a partition, registered for its group: it begins at the committed offset, or at
    /// the beginning of the log. `None` if there is no such partition.
    pub fn reader(&self, partition: PartitionId, group: SubscriptionId) -> Option<Reader<T>> {
        self.partition(partition).map(|partition| Reader::new(partition, group))
    }

    /// What a group has committed in a partition.
    pub fn committed(&self, partition: PartitionId, group: SubscriptionId) -> Option<Offset> {
        self.partition(partition)?.directory().committed(group)
    }

    /// The oldest offset that a partition has, and one past the newest; `None` if there is no such
    /// partition.
    pub fn bounds(&self, partition: PartitionId) -> Option<(Offset, Offset)> {
        let partition = self.partition(partition)?;
        let directory = partition.directory();
        Some((directory.log_start(), directory.log_end()))
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u16 {
        self.partitions.len() as u16
    }

    /// How many segments a partition has in memory, those that wait to be used again included.
    pub fn segments(&self, partition: PartitionId) -> usize {
        self.partition(partition).map_or(0, |partition| partition.directory().segments())
    }

    /// No more appends. Readers read what there is, and are told so after that.
    pub fn close(&self) {
        self.partitions.iter().for_each(|partition| partition.close());
    }

    /// No more appends, and no more reads either.
    pub fn stop(&self) {
        for partition in &*self.partitions {
            partition.stopped.store(true, Ordering::SeqCst);
            partition.close();
        }
    }

    fn partition(&self, partition: PartitionId) -> Option<Arc<Partition<T>>> {
        self.partitions.get(partition.index()).map(Arc::clone)
    }
}

/// Why there is no producer to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProducer {
    /// The log has fewer partitions.
    #[error("there is no such partition")]
    UnknownPartition,
    /// Somebody else writes this partition; it is free again when that producer is dropped.
    #[error("the partition has a producer already")]
    Taken,
}

/// What the producer and the readers of a partition share.
struct Partition<T> {
    directory: Apart<Mutex<Directory<T>>>,
    /// The offset of the last segment's first record, so that readers need not lock to see that
    /// there is no further segment.
    opened: AtomicU64,
    /// Rung for every append.
    appended: Bell,
    /// Rung when a reader may have made room.
    freed: Bell,
    stopped: AtomicBool,
}

impl<T> Partition<T> {
    fn new(options: &LogOptions) -> Self {
        Self {
            directory: Apart(Mutex::new(Directory::new(options))),
            opened: AtomicU64::new(0),
            appended: Bell::new(),
            freed: Bell::new(),
            stopped: AtomicBool::new(false),
        }
    }

    /// The directory. Nothing that can panic is done to it halfway, so a poisoned lock is as good
    /// as another.
    fn directory(&self) -> MutexGuard<'_, Directory<T>> {
        self.directory.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.appended.close();
        self.directory().seal();
        self.appended.ring();
        self.freed.close();
    }
}

/// A reader's segment.
type LogView<T> = View<T, Offset>;

/// The writer of a partition's last segment.
type LogFilling<T> = Filling<T, Offset>;
