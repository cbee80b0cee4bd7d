//! When records came, as far back as a reset by duration looks.
//!
//! > **The rule.** A reset by duration begins at the first record that is not older than the span,
//! > and at the end if every record is.
//!
//! A record's time is when it was appended (Kafka `message.timestamp.type=LogAppendTime`; its
//! default, the producer's time, differs by the way to the broker). One mark stands for all records
//! of an instant, and marks that are older than the span are dropped: as time goes on they only
//! grow older. A log without such a reset keeps no marks at all.
//!
//! Source: KIP-1106 (`auto.offset.reset=by_duration:PT…`), a client's `ListOffsets` with a
//! timestamp.

use std::collections::VecDeque;

use entrega_model::log::{Offset, OffsetReset};
use entrega_model::{Duration, Fingerprint, Instant, PartitionId};

use super::LogSettings;

/// The marks of every partition.
#[derive(Clone, Debug)]
pub(super) struct Timestamps {
    span: Duration,
    partitions: Vec<VecDeque<Mark>>,
}

/// The first record that came at an instant.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    offset: Offset,
}

/// What a note takes.
#[cfg(test)]
pub(super) const NOTE_BYTES: usize = size_of::<Mark>();

impl Timestamps {
    /// None if no reset looks at them.
    pub(super) fn new(settings: &LogSettings) -> Option<Self> {
        let OffsetReset::ByDuration(span) = settings.auto_offset_reset else { return None };
        let partitions = vec![VecDeque::new(); usize::from(settings.partitions)];
        Some(Self { span, partitions })
    }

    /// Forgets every record, and has this many partitions.
    pub(super) fn clear(&mut self, count: u16) {
        let Self { span: _, partitions } = self;
        partitions.truncate(usize::from(count));
        partitions.iter_mut().for_each(VecDeque::clear);
    }

    /// There are this many partitions now.
    pub(super) fn add_partitions(&mut self, count: u16) {
        self.partitions.resize_with(usize::from(count), VecDeque::new);
    }

    /// A record was appended at `offset`.
    pub(super) fn note(&mut self, now: Instant, partition: PartitionId, offset: Offset) {
        let span = self.span;
        let marks = &mut self.partitions[partition.index()];
        while marks.front().is_some_and(|mark| mark.is_older(now, span)) {
            marks.pop_front();
        }
        if marks.back().is_none_or(|last| last.at < now) {
            marks.push_back(Mark { at: now, offset });
        }
    }

    /// The records of a partition from `end` on are gone.
    pub(super) fn truncate(&mut self, partition: PartitionId, end: Offset) {
        self.partitions[partition.index()].retain(|mark| mark.offset < end);
    }

    /// The first record of a partition that is not older than the span, if there is one.
    pub(super) fn first_young(&self, now: Instant, partition: PartitionId) -> Option<Offset> {
        self.young(now, &self.partitions[partition.index()]).next().map(|mark| mark.offset)
    }

    /// Enters what a reset may still come to.
    pub(super) fn enter(&self, into: &mut Fingerprint<'_>) {
        let now = into.now();
        for marks in &self.partitions {
            into.count(self.young(now, marks).count());
            for mark in self.young(now, marks) {
                into.time(mark.at);
                into.word(mark.offset);
            }
        }
    }

    fn young<'a>(
        &self,
        now: Instant,
        marks: &'a VecDeque<Mark>,
    ) -> impl Iterator<Item = &'a Mark> + use<'a> {
        let span = self.span;
        marks.iter().skip_while(move |mark| mark.is_older(now, span))
    }
}

impl Mark {
    fn is_older(&self, now: Instant, span: Duration) -> bool {
        now.since(self.at) > span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTITION: PartitionId = PartitionId(0);

    fn at(secs: u64) -> Instant {
        Instant::START + Duration::from_secs(secs)
    }

    /// A record every ten seconds from second 0 to 40, two at second 20.
    fn six(span: u64) -> Timestamps {
        let auto_offset_reset = OffsetReset::ByDuration(Duration::from_secs(span));
        let settings = LogSettings { auto_offset_reset, ..LogSettings::default() };
        let mut timestamps = Timestamps::new(&settings).expect("a reset that looks at them");
        for (offset, second) in [0, 10, 20, 20, 30, 40].into_iter().enumerate() {
            timestamps.note(at(second), PARTITION, offset as Offset);
        }
        timestamps
    }

    #[test]
    fn the_first_record_that_is_not_older_than_the_span() {
        let check = |span, now, expect| {
            let found = six(span).first_young(at(now), PARTITION);
            assert_eq!(found, expect, "{span} s at second {now}");
        };
        check(100, 40, Some(0));
        check(40, 40, Some(0));
        check(39, 40, Some(1));
        check(20, 40, Some(2));
        check(20, 41, Some(4));
        check(20, 60, Some(5));
        check(20, 61, None);
    }

    #[test]
    fn what_is_too_old_is_dropped() {
        let kept = |span| six(span).partitions[0].len();
        assert_eq!([100, 25, 5].map(kept), [5, 3, 1]);
    }

    #[test]
    fn no_other_reset_looks_at_them() {
        for auto_offset_reset in [OffsetReset::Latest, OffsetReset::Earliest, OffsetReset::None] {
            let settings = LogSettings { auto_offset_reset, ..LogSettings::default() };
            assert!(Timestamps::new(&settings).is_none());
        }
    }
}
