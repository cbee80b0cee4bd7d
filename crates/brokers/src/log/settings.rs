//! The settings of a log broker, each under the name and with the default that Kafka documents.
//!
//! > **The rule.** A setting is here because it decides what is lost, duplicated or delayed; none
//! > is here for completeness.
//!
//! Sources: [KAFKA-SRC] `GroupCoordinatorConfig`, `ServerLogConfigs`, `ConsumerConfig`;
//! `semantics.md` 3.1 and 3.5.

use entrega_model::Duration;
use entrega_model::log::{IsolationLevel, OffsetReset};

use super::{
    Assignor, CommitChecks, PartitionsAdded, RebalanceProtocol, ReplicationSettings,
    TransactionVersion,
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How a log broker behaves. [`LogSettings::default`] is Kafka out of the box, with one topic of
/// one partition, one group, and no initial rebalance delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogSettings {
    /// How many partitions the topic has (`num.partitions`, 1).
    pub partitions: u16,
    /// When there are more, if ever. No setting of a broker in Kafka, but what an operator does.
    pub partitions_added: Option<PartitionsAdded>,
    /// How many groups there are; a group is named by its `SubscriptionId`, counted from 0.
    pub groups: u8,
    /// How long a member may be silent before its group removes it (`session.timeout.ms`, 45 s).
    pub session_timeout: Duration,
    /// How a rebalance shares the partitions out (`partition.assignment.strategy`). In Kafka the
    /// members say so; the default of both client libraries comes to `range`.
    pub assignor: Assignor,
    /// Whether members keep their partitions during a rebalance. In Kafka it follows from the
    /// assignor (`CooperativeStickyAssignor`); by default they give everything up.
    pub rebalance_protocol: RebalanceProtocol,
    /// Whether every member is static, with its process as its instance (`group.instance.id`,
    /// KIP-345). In Kafka the Join says so; by default there is no instance.
    pub static_membership: bool,
    /// How long a rebalance waits for members to join again; who has not is removed. In Kafka it is
    /// the members' `max.poll.interval.ms`, 300 s.
    pub rebalance_timeout: Duration,
    /// How long the first rebalance of an empty group waits for more members
    /// (`group.initial.rebalance.delay.ms`). Kafka waits 3 s and longer while members keep coming;
    /// here the default is 0 and the wait is not extended, so that a run does not begin with a
    /// pause.
    pub initial_rebalance_delay: Duration,
    /// Segments whose newest record is older than this are deleted (`retention.ms`, 7 days); `None`
    /// keeps them.
    pub retention_time: Option<Duration>,
    /// The oldest segments are deleted as long as at least this many bytes remain in the partition
    /// (`retention.bytes`); `None`, the default, keeps them.
    pub retention_bytes: Option<u64>,
    /// A segment that would grow beyond this many bytes is closed and a new one begun
    /// (`segment.bytes`, 1 GiB). Only bodies are counted.
    pub segment_bytes: u64,
    /// An append to a segment whose first record is older than this begins a new one (`segment.ms`,
    /// 7 days).
    pub segment_time: Duration,
    /// How often retention is looked at (`log.retention.check.interval.ms`, 5 min), at multiples of
    /// this span since the start of the run.
    pub retention_check_interval: Duration,
    /// How long a partition remembers an idempotent producer that sends nothing to it
    /// (`producer.id.expiration.ms`, 1 day).
    pub producer_id_expiration: Duration,
    /// What the members of the groups do without a valid committed offset
    /// (`auto.offset.reset`). A broker has no say in it; an audit reads from where they would, and
    /// one by duration makes the log remember when records came. The default is to miss nothing.
    pub auto_offset_reset: OffsetReset,
    /// How long a group without members keeps its committed offsets (`offsets.retention.minutes`, 7
    /// days); `None` keeps them. Kafka looks every `offsets.retention.check.interval.ms` (10 min);
    /// here they expire to the instant.
    pub offsets_retention: Option<Duration>,
    /// Which records of transactions the members of the groups see, and those who read what their
    /// applications write (`isolation.level`). A fetch carries it in Kafka; here all read alike.
    /// Java's default is to read uncommitted records, librdkafka's and this one committed ones.
    pub isolation_level: IsolationLevel,
    /// How transactions work (`transaction.version`, 2 since Kafka 4.0).
    pub transaction_version: TransactionVersion,
    /// What a commit of a member is checked for beyond its generation. Kafka has no such setting
    /// and checks nothing else, which is the default.
    pub commit_checks: CommitChecks,
    /// How many replicas there are, and what is asked of them. The default is one.
    pub replication: ReplicationSettings,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            partitions: 1,
            partitions_added: None,
            groups: 1,
            session_timeout: Duration::from_secs(45),
            assignor: Assignor::Range,
            rebalance_protocol: RebalanceProtocol::Eager,
            static_membership: false,
            rebalance_timeout: MINUTE.saturating_mul(5),
            initial_rebalance_delay: Duration::ZERO,
            retention_time: Some(DAY.saturating_mul(7)),
            retention_bytes: None,
            segment_bytes: 1 << 30,
            segment_time: DAY.saturating_mul(7),
            retention_check_interval: MINUTE.saturating_mul(5),
            producer_id_expiration: DAY,
            auto_offset_reset: OffsetReset::Earliest,
            offsets_retention: Some(DAY.saturating_mul(7)),
            isolation_level: IsolationLevel::default(),
            transaction_version: TransactionVersion::default(),
            commit_checks: CommitChecks::default(),
            replication: ReplicationSettings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documented numbers, in milliseconds as the documentation has them.
    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = LogSettings::default();
        let check = |span: Duration, millis| assert_eq!(span, Duration::from_millis(millis));
        check(settings.session_timeout, 45_000);
        check(settings.rebalance_timeout, 300_000);
        check(settings.retention_time.unwrap(), 604_800_000);
        check(settings.segment_time, 604_800_000);
        check(settings.offsets_retention.unwrap(), 604_800_000);
        check(settings.producer_id_expiration, 86_400_000);
        check(settings.retention_check_interval, 300_000);
        assert_eq!(settings.segment_bytes, 1_073_741_824);
        assert_eq!(settings.retention_bytes, None);
    }
}
