//! The in-process log: records stay where they were appended, and readers read them in place.
//!
//! > **The rule.** Reading changes nothing for anyone else. Each reader has its own position, and
//! > its group has one number per partition, the committed offset: [`entrega_brokers::log`]. Memory
//! > is bounded: a full partition makes its producer wait, or drops its oldest records.
//!
//! A partition is a row of segments. Its one producer writes the last segment; each reader advances
//! at its own pace and takes the partition's lock once per segment. So a record costs its producer
//! the same for one reader and for a hundred, and a slow reader keeps alive only the segment that
//! it is in, besides what retention keeps.
//!
//! # Which readers a producer waits for
//!
//! With [`Retention::UntilRead`] a producer waits for the slowest *registered* reader: for its
//! position, or for its committed offset if it commits or its group had committed something before:
//! what a group has not committed it may want to read again. A stuck reader therefore blocks the
//! producer, by design; [`Producer::try_append`] and [`Producer::append_until`] do not wait
//! forever. Dropping a reader, even by a panic, unregisters it. With no reader registered, the
//! producer waits for none and the oldest records go.
//!
//! With [`Retention::DropOldest`] the producer never waits. A reader that falls too far behind gets
//! [`Ended::OutOfRange`] with the bounds of the log; its reset policy decides where to go on.
//!
//! # When records are dropped
//!
//! All records of a segment are dropped together: when the producer reuses the segment or frees it,
//! or when the log is gone and no reader is left in the segment. A record's destructor may run
//! during any call of a producer or a reader, on its thread and under no lock, so it may use the
//! same log. If it panics, the call panics, and the log goes on; the other records of the segment
//! are dropped all the same.
//!
//! # How it ends
//!
//! [`LiveLog::close`]: no more appends; readers read the rest and then get [`Ended::Closed`].
//! [`LiveLog::stop`]: readers get [`Ended::Stopped`] at once.
//!
//! A close loses nothing that was appended with `Ok`: no reader gets [`Ended::Closed`] before it
//! has read it. An append that races with the close may end as [`Refused::TooLate`]: the record may
//! be read or not.
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

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use entrega_model::log::Offset;
use entrega_model::{PartitionId, SubscriptionId};

use crate::segment::{Filling, Segment, View};
use crate::spares::ROTATION;
use crate::sync::{Arc, CachePadded, Mutex, MutexGuard, lock};
use crate::wait::{Bell, ring_all};

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

/// The options of a [`LiveLog`].
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
    /// How much memory a partition cycles through before it reuses a segment that another thread
    /// has read, in bytes: lines in another core's cache are slow to write. If this is more than
    /// the capacity needs, that much is kept once traffic has filled it; it does not apply to
    /// records that own something. Default: 4 MiB. 0: no more memory than the capacity.
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
    /// It keeps what some registered reader still has to read or to commit, and no more; its
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

    /// The one producer of a partition. For several producers, give each its own partition, or
    /// share one producer behind a lock.
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

    /// How many segments a partition has, including spare ones. Those that the log has dropped
    /// while a reader stands in them are not counted: at most one for each reader.
    pub fn segments(&self, partition: PartitionId) -> usize {
        self.partition(partition).map_or(0, |partition| partition.directory().segments())
    }

    /// Ends appends. Readers read what is left, and then get [`Ended::Closed`].
    pub fn close(&self) {
        self.partitions.iter().for_each(|partition| partition.close());
        ring_all(self.partitions.iter().flat_map(|partition| partition.bells()));
    }

    /// Ends appends, and reads too.
    pub fn stop(&self) {
        for partition in &*self.partitions {
            partition.stopped.store(true, Ordering::SeqCst);
        }
        self.close();
    }

    fn partition(&self, partition: PartitionId) -> Option<Arc<Partition<T>>> {
        self.partitions.get(partition.index()).map(Arc::clone)
    }
}

/// Why [`LiveLog::producer`] returns none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProducer {
    /// The log has fewer partitions.
    #[error("there is no such partition")]
    UnknownPartition,
    /// Another producer writes this partition; it is free again when that one is dropped.
    #[error("the partition has a producer already")]
    Taken,
}

/// What the producer and the readers of a partition share.
struct Partition<T> {
    directory: CachePadded<Mutex<Directory<T>>>,
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
            directory: CachePadded(Mutex::new(Directory::new(options))),
            opened: AtomicU64::new(0),
            appended: Bell::new(),
            freed: Bell::new(),
            stopped: AtomicBool::new(false),
        }
    }

    fn directory(&self) -> MutexGuard<'_, Directory<T>> {
        lock(&self.directory.0)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Closes it; its bells are still to be rung.
    fn close(&self) {
        self.appended.close();
        self.directory().seal();
        self.freed.close();
    }

    fn bells(&self) -> [&Bell; 2] {
        [&self.appended, &self.freed]
    }
}

/// A reader's segment.
type LogView<T> = View<T, Offset>;

/// The writer of a partition's last segment.
type LogFilling<T> = Filling<T, Offset>;
