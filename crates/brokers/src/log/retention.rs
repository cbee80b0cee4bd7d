//! Retention: when old records go, read or unread.
//!
//! > **The rule.** Whole segments are deleted, oldest first, at a periodic check and at no other
//! > time: when the newest record of a segment is older than `retention.ms`, or when the partition
//! > without the segment still has `retention.bytes` or more.
//!
//! So a record lives at least as long as the settings say and usually longer; neither bound is
//! exact. The active segment can go as well. A group whose committed offset lies below the new log
//! start gets `OutOfRange` and its reset policy: what it had not read is lost to it.
//!
//! Source: [KAFKA-SRC] `UnifiedLog.deleteOldSegments`; `semantics.md` 3.5.

use entrega_model::{Duration, Instant};

use super::LogSettings;
use super::partition::Partition;

/// The rule with its settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    time: Option<Duration>,
    bytes: Option<u64>,
    check_interval: Duration,
}

impl Retention {
    /// Takes the settings of retention out of all settings.
    pub(super) fn new(settings: &LogSettings) -> Self {
        Self {
            time: settings.retention_time,
            bytes: settings.retention_bytes,
            check_interval: settings.retention_check_interval,
        }
    }

    /// Whether it ever deletes anything.
    pub(super) fn ever_deletes(self) -> bool {
        self.bytes.is_some() || self.time.is_some_and(|time| time < Duration::MAX)
    }

    /// How long ago the last check was due, which is when the next one will be too.
    pub(super) fn since_check(self, now: Instant) -> u64 {
        now.as_nanos() % self.check_interval.as_nanos().max(1)
    }

    /// Whether the oldest segment would be deleted by a check at `now`.
    pub(super) fn deletes_oldest(self, now: Instant, partition: &Partition) -> bool {
        let Some(oldest) = partition.oldest_segment() else { return false };
        let too_old = self.time.is_some_and(|time| now.since(oldest.newest_at) > time);
        too_old || self.is_oversize(partition)
    }

    /// Whether the partition is so large that its oldest segment is not needed.
    #[inline]
    pub(super) fn is_oversize(self, partition: &Partition) -> bool {
        self.bytes.is_some_and(|limit| {
            let oldest = partition.oldest_segment();
            oldest.is_some_and(|oldest| partition.bytes() - oldest.bytes >= limit)
        })
    }

    /// The next check, from `now` on, that will delete something if nothing else is appended.
    pub(super) fn due(self, now: Instant, partition: &Partition) -> Option<Instant> {
        let oldest = partition.oldest_segment()?;
        if self.is_oversize(partition) {
            return self.check_after(now);
        }
        self.check_after((oldest.newest_at + self.time?).max(now))
    }

    /// The first check later than `instant`; none in an endless run.
    fn check_after(self, instant: Instant) -> Option<Instant> {
        let interval = self.check_interval.as_nanos().max(1);
        let checks = (instant.as_nanos() / interval).checked_add(1)?;
        checks.checked_mul(interval).map(Instant::from_nanos).filter(|at| *at < Instant::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::super::partition::SegmentLimits;
    use super::*;
    use entrega_model::{Key, MessageId, Record};

    const LIMITS: SegmentLimits = SegmentLimits { bytes: 20, time: Duration::MAX };

    fn at(secs: u64) -> Instant {
        Instant::START + Duration::from_secs(secs)
    }

    /// Two segments of 20 bytes and an active one of 10; a record each second.
    fn fifty_bytes() -> Partition {
        let mut partition = Partition::default();
        for second in 0..5 {
            let record = Record { message: MessageId(second), key: Key(0), bytes: 10 };
            partition.append(at(u64::from(second)), &[record], LIMITS);
        }
        partition
    }

    fn check(time: Option<u64>, bytes: Option<u64>, now: u64, deleted: usize, due: Option<u64>) {
        let check_interval = Duration::from_secs(10);
        let retention = Retention { time: time.map(Duration::from_secs), bytes, check_interval };
        let mut partition = fifty_bytes();
        let mut count = 0;
        while retention.deletes_oldest(at(now), &partition) {
            partition.remove_oldest_segment();
            count += 1;
        }
        assert_eq!(count, deleted, "segments deleted");
        assert_eq!(retention.due(at(now), &partition), due.map(at), "next check that deletes");
    }

    #[test]
    fn time_is_measured_from_the_newest_record_of_a_segment() {
        check(Some(30), None, 5, 0, Some(40));
        check(Some(30), None, 31, 0, Some(40));
        check(Some(30), None, 32, 1, Some(40));
        check(Some(26), None, 30, 2, Some(40));
        check(Some(26), None, 31, 3, None);
        check(Some(9), None, 5, 0, Some(20));
    }

    #[test]
    fn bytes_never_fall_below_the_limit() {
        check(None, Some(31), 5, 0, None);
        check(None, Some(30), 5, 1, None);
        check(None, Some(10), 5, 2, None);
        check(None, Some(0), 5, 3, None);
    }

    #[test]
    fn without_a_setting_nothing_is_ever_due() {
        check(None, None, 1_000_000_000, 0, None);
    }

    #[test]
    fn an_oversize_partition_waits_for_the_next_check() {
        let retention =
            Retention { time: None, bytes: Some(30), check_interval: Duration::from_secs(10) };
        assert_eq!(retention.due(at(5), &fifty_bytes()), Some(at(10)));
        assert_eq!(retention.due(at(10), &fifty_bytes()), Some(at(20)));
    }

    #[test]
    fn a_missed_check_is_made_up_for_at_the_next_one() {
        let (time, check_interval) = (Some(Duration::from_secs(30)), Duration::from_secs(10));
        let retention = Retention { time, bytes: None, check_interval };
        assert_eq!(retention.due(at(1_000), &fifty_bytes()), Some(at(1_010)));
    }

    #[test]
    fn an_endless_retention_has_no_deadline() {
        let check_interval = Duration::ZERO;
        let retention = Retention { time: Some(Duration::MAX), bytes: None, check_interval };
        assert_eq!(retention.due(at(5), &fifty_bytes()), None);
        let never = Retention { time: None, bytes: Some(0), check_interval: Duration::MAX };
        assert_eq!(never.due(at(5), &fifty_bytes()), None, "no check comes in an endless interval");
    }
}
