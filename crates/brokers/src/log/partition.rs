//! One partition: records in the order of their offsets, in segments.
//!
//! > **The rule.** Records are appended at the end and never change. Three offsets bound what can
//! > be read: `log_start_offset` ≤ position, and position < `high_watermark` ≤ `log_end_offset`.
//!
//! ```text
//!            deleted        │ segment 0 │ segment 1 │ active segment
//! offsets    0 … 41         │ 42 … 57   │ 58 … 73   │ 74 … 80
//!                            ▲                                ▲      ▲
//!                            log_start_offset   high_watermark      log_end_offset
//! ```
//!
//! Consumers read below the high watermark, the end of what all in-sync replicas have: "Only
//! committed messages are ever given out to the consumer" [KAFKA-DESIGN]. On a log of one replica
//! it follows the end at once; on one of several the module `replication` moves it. An election
//! cuts the end of the log off ([`Partition::truncate`]).
//!
//! A batch goes into one segment. Before it, a new segment is begun when the active one would grow
//! beyond `segment.bytes` or its first record is older than `segment.ms` [KAFKA-SRC,
//! `LogSegment.shouldRoll`].

use std::collections::VecDeque;

use entrega_model::log::{Fetched, Offset, PartitionOffset};
use entrega_model::{Duration, Instant, PartitionId, Record};

/// When a segment is full.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentLimits {
    /// Bytes of bodies.
    pub(super) bytes: u64,
    /// Age of the first record.
    pub(super) time: Duration,
}

/// One partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    /// Oldest first; none is empty.
    pub(super) segments: VecDeque<Segment>,
    bytes: u64,
    log_start_offset: Offset,
    high_watermark: Offset,
    pub(super) log_end_offset: Offset,
    /// Memory for the records of the next segment.
    spare: Vec<Record>,
}

/// Neighbouring records, the unit of deletion.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The records, without gaps from the base offset on.
    pub(super) records: Vec<Record>,
    /// When the last of them was appended.
    pub(super) newest_at: Instant,
    /// The bytes of their bodies.
    pub(super) bytes: u64,
    base_offset: Offset,
    /// When the first of them was appended.
    pub(super) first_at: Instant,
}

impl Partition {
    /// The oldest retained offset.
    pub(super) fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    /// The end of what consumers may read.
    pub(super) fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Moves the end of what consumers may read.
    pub(super) fn set_high_watermark(&mut self, offset: Offset) {
        self.high_watermark = offset.min(self.log_end_offset);
    }

    /// Takes away the records from `end` on, the last one first, and passes each on. What retention
    /// has deleted stays deleted. A segment keeps the age that it has.
    pub(super) fn truncate(&mut self, end: Offset, mut gone: impl FnMut(Record)) {
        while let Some(active) = self.segments.back_mut().filter(|_| self.log_end_offset > end) {
            if let Some(record) = active.records.pop() {
                active.bytes -= u64::from(record.bytes);
                self.bytes -= u64::from(record.bytes);
                self.log_end_offset -= 1;
                gone(record);
            }
            if active.records.is_empty() {
                self.segments.pop_back();
            }
        }
        self.high_watermark = self.high_watermark.min(self.log_end_offset);
    }

    /// Bytes of the bodies of all retained records.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a consumer may stand at `offset`: on a retained record, or at the end.
    #[inline]
    pub(super) fn has_position(&self, offset: Offset) -> bool {
        (self.log_start_offset..=self.log_end_offset).contains(&offset)
    }

    /// Forgets every record, and keeps the memory of one segment.
    pub(super) fn clear(&mut self) {
        let Self { segments, bytes, log_start_offset, high_watermark, log_end_offset, spare } =
            self;
        if let Some(last) = segments.pop_back() {
            *spare = last.records;
            spare.clear();
        }
        segments.clear();
        *bytes = 0;
        *log_start_offset = 0;
        *high_watermark = 0;
        *log_end_offset = 0;
    }

    /// Whether a record stands at `offset` that consumers may read.
    #[inline]
    pub(super) fn is_readable(&self, offset: Offset) -> bool {
        (self.log_start_offset..self.high_watermark).contains(&offset)
    }

    /// Appends a batch and returns the offset of its first record.
    pub(super) fn append(
        &mut self,
        now: Instant,
        batch: &[Record],
        limits: SegmentLimits,
    ) -> Offset {
        if let [record] = batch {
            return self.append_one(now, *record, limits);
        }
        let base_offset = self.log_end_offset;
        if batch.is_empty() {
            return base_offset;
        }
        let bytes = batch.iter().map(|record| u64::from(record.bytes)).sum();
        let segment = self.segment_for(now, bytes, limits);
        segment.records.extend_from_slice(batch);
        segment.bytes += bytes;
        segment.newest_at = now;
        self.bytes += bytes;
        self.log_end_offset += batch.len() as u64;
        self.high_watermark = self.log_end_offset;
        base_offset
    }

    /// Appends one record and returns its offset.
    #[inline]
    pub(super) fn append_one(
        &mut self,
        now: Instant,
        record: Record,
        limits: SegmentLimits,
    ) -> Offset {
        let offset = self.log_end_offset;
        let bytes = u64::from(record.bytes);
        let segment = self.segment_for(now, bytes, limits);
        segment.records.push(record);
        segment.bytes += bytes;
        segment.newest_at = now;
        self.bytes += bytes;
        self.log_end_offset = offset + 1;
        self.high_watermark = offset + 1;
        offset
    }

    /// Reads at most `max` visible records from a position on, into `buffer`.
    pub(super) fn read(&self, position: PartitionOffset, max: u32, buffer: &mut Vec<Fetched>) {
        let PartitionOffset { partition, offset: from } = position;
        let end = self.high_watermark.min(from.saturating_add(u64::from(max)));
        if !self.is_readable(from) || from >= end {
            return;
        }
        match self.segments.back() {
            Some(active) if from >= active.base_offset => {
                active.read(partition, from, end, buffer);
            }
            _ => self.read_segments(position, end, buffer),
        }
    }

    /// The same, across segments.
    #[cold]
    fn read_segments(&self, position: PartitionOffset, end: Offset, buffer: &mut Vec<Fetched>) {
        let PartitionOffset { partition, offset: from } = position;
        let first = self.segments.partition_point(|segment| segment.end_offset() <= from);
        for segment in self.segments.range(first..) {
            if segment.base_offset >= end {
                break;
            }
            segment.read(partition, from.max(segment.base_offset), end, buffer);
        }
    }

    /// The retained records from `from` on, whether visible yet or not.
    pub(super) fn retained_from(&self, from: Offset) -> impl Iterator<Item = &Record> {
        self.segments.iter().flat_map(move |segment| {
            let skipped = from.saturating_sub(segment.base_offset);
            segment.records.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX))
        })
    }

    /// The oldest segment, if all of it is below the high watermark: replication still needs the
    /// rest.
    pub(super) fn oldest_segment(&self) -> Option<&Segment> {
        self.segments.front().filter(|segment| segment.end_offset() <= self.high_watermark)
    }

    /// Deletes the oldest segment, the active one included, and raises the log start offset.
    pub(super) fn remove_oldest_segment(&mut self) -> Option<Segment> {
        let segment = self.segments.pop_front()?;
        self.bytes -= segment.bytes;
        self.log_start_offset = segment.end_offset();
        Some(segment)
    }

    /// The segment to which a batch of this size goes.
    #[inline]
    fn segment_for(&mut self, now: Instant, bytes: u64, limits: SegmentLimits) -> &mut Segment {
        if self.segments.back().is_none_or(|active| active.is_full(now, bytes, limits)) {
            self.roll(now);
        }
        let active = self.segments.len() - 1;
        &mut self.segments[active]
    }

    #[cold]
    fn roll(&mut self, now: Instant) {
        let records = std::mem::take(&mut self.spare);
        self.segments.push_back(Segment::new(self.log_end_offset, now, records));
    }
}

impl Segment {
    /// An empty segment in the memory of `records`.
    fn new(base_offset: Offset, now: Instant, records: Vec<Record>) -> Self {
        Self { records, newest_at: now, bytes: 0, base_offset, first_at: now }
    }

    /// Reads from one of its offsets on, up to `end` or as far as it goes.
    #[inline]
    fn read(&self, partition: PartitionId, from: Offset, end: Offset, buffer: &mut Vec<Fetched>) {
        let first = (from - self.base_offset) as usize;
        let last = ((end - self.base_offset) as usize).min(self.records.len());
        for (offset, record) in (from..).zip(&self.records[first..last]) {
            buffer.push(Fetched { partition, offset, record: *record });
        }
    }

    /// One past the last offset.
    fn end_offset(&self) -> Offset {
        self.base_offset + self.records.len() as u64
    }

    /// Whether a batch of this size must go into a new segment.
    fn is_full(&self, now: Instant, bytes: u64, limits: SegmentLimits) -> bool {
        self.bytes.saturating_add(bytes) > limits.bytes || now.since(self.first_at) > limits.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entrega_model::{Key, MessageId};

    const LIMITS: SegmentLimits = SegmentLimits { bytes: 30, time: Duration::from_secs(60) };

    fn record(message: u32, bytes: u32) -> Record {
        Record { message: MessageId(message), key: Key(0), bytes }
    }

    /// Ten records of ten bytes, one batch each: segments of three.
    fn ten() -> Partition {
        let mut partition = Partition::default();
        for message in 0..10 {
            partition.append(Instant::START, &[record(message, 10)], LIMITS);
        }
        partition
    }

    fn lengths(partition: &Partition) -> Vec<usize> {
        partition.segments.iter().map(|segment| segment.records.len()).collect()
    }

    #[test]
    fn segments_roll_by_bytes_and_by_age_of_their_first_record() {
        let mut partition = ten();
        assert_eq!(lengths(&partition), [3, 3, 3, 1]);
        partition.append(Instant::START + LIMITS.time, &[record(10, 1)], LIMITS);
        assert_eq!(lengths(&partition), [3, 3, 3, 2]);
        let later = Instant::START + LIMITS.time + Duration::from_nanos(1);
        partition.append(later, &[record(11, 1)], LIMITS);
        assert_eq!(lengths(&partition), [3, 3, 3, 2, 1]);
    }

    #[test]
    fn a_batch_stays_in_one_segment_even_if_it_is_larger() {
        let mut partition = ten();
        let batch: Vec<Record> = (10..15).map(|message| record(message, 10)).collect();
        assert_eq!(partition.append(Instant::START, &batch, LIMITS), 10);
        assert_eq!(partition.append(Instant::START, &[], LIMITS), 15);
        assert_eq!(lengths(&partition), [3, 3, 3, 1, 5]);
        assert_eq!(partition.bytes(), 150);
        partition.append(Instant::START, &[record(15, 10)], LIMITS);
        assert_eq!(lengths(&partition), [3, 3, 3, 1, 5, 1], "a full segment stays as it is");
    }

    #[test]
    fn reads_cross_segments_and_stop_at_the_maximum_and_at_the_end() {
        let mut partition = ten();
        partition.remove_oldest_segment();
        let check = |from, max, expect: &[u64]| {
            let mut buffer = Vec::new();
            let position = PartitionOffset { partition: PartitionId(5), offset: from };
            partition.read(position, max, &mut buffer);
            let offsets: Vec<u64> = buffer.iter().map(|fetched| fetched.offset).collect();
            assert_eq!(offsets, expect);
            for fetched in &buffer {
                assert_eq!(u64::from(fetched.record.message.0), fetched.offset);
                assert_eq!(fetched.partition, PartitionId(5));
            }
        };
        check(3, 2, &[3, 4]);
        check(4, 4, &[4, 5, 6, 7]);
        check(8, 100, &[8, 9]);
        check(9, 0, &[]);
        check(10, 5, &[]);
        check(2, 5, &[]);
        check(u64::MAX, u32::MAX, &[]);
    }

    #[test]
    fn nothing_above_the_high_watermark_is_given_out() {
        let mut partition = ten();
        partition.high_watermark = 7;
        let mut buffer = Vec::new();
        partition.read(PartitionOffset { partition: PartitionId(0), offset: 5 }, 9, &mut buffer);
        assert_eq!(buffer.len(), 2);
        assert!(partition.has_position(9), "the log goes on above it");
        partition.high_watermark = 2;
        assert!(partition.oldest_segment().is_none(), "not replicated, not deleted");
    }

    #[test]
    fn deleting_raises_the_log_start_offset_and_renumbers_nothing() {
        let mut partition = ten();
        for expect in [3, 6, 9, 10] {
            assert!(partition.remove_oldest_segment().is_some());
            assert_eq!(partition.log_start_offset(), expect);
        }
        assert!(partition.remove_oldest_segment().is_none());
        assert_eq!(partition.bytes(), 0);
        assert_eq!(partition.append(Instant::START, &[record(10, 10)], LIMITS), 10);
        assert_eq!(partition.retained_from(0).count(), 1);
        assert_eq!(partition.retained_from(11).count(), 0);
    }
}
