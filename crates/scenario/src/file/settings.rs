//! The settings of consumers, log and network: the tables `[consumer]`, `[log]`, `[network]`,
//! `[times]` and `[limits]`. Those of producers and queues stand in files of their own.
//!
//! A setting is named as the real systems name it; its documentation gives their spelling and their
//! default [KAFKA-SRC], [RDK-CONF], [RMQ-CONFIRMS], [SQS-VIS]. Where they differ or have none, the
//! default here is said to be ours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::or_never;
use super::{
    Assignor, BelowMinIsr, CommitCheck, EffectPlace, IsolationLevel, PartitionsAdded,
    RebalanceProtocol, Span, TransactionOffsets, or_none,
};

/// How every consumer of the scenario is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsumerSettings {
    /// How many messages a consumer may hold unprocessed. Kafka `max.poll.records` (500), RabbitMQ
    /// `basic.qos` prefetch (0, unlimited; 100 to 300 recommended), SQS `MaxNumberOfMessages` (1,
    /// at most 10). Default 100 (ours).
    pub prefetch: u32,
    /// Whether the client library of a queue receives on while the handler works, as push does
    /// (AMQP `basic.consume`): up to `prefetch` unsettled messages, or all there are where the
    /// delivery settles them. Otherwise it asks when it has handed out all that it received, as
    /// pull does (SQS `ReceiveMessage`). A log has no such thing. Default false (ours).
    pub receive_ahead: bool,
    /// How often the client library of a queue renews the leases of what it holds, for as long as
    /// its process runs: SQS `ChangeMessageVisibility`, JetStream `InProgress`, RENEW of share
    /// groups (KIP-1222). It helps if it is shorter than `visibility_timeout`. A log and what the
    /// delivery settles have no leases. Left out, none is renewed, as in all of these.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub lease_renewal: Option<Span>,
    /// What a supervisor does with the message of a worker that dies in its handler: `settle`, as
    /// Celery does with `acks_late`, or `requeue` (`task_reject_on_worker_lost`). The supervisor
    /// lives on, and so does what it has received ahead. A log has no such thing. Left out, the
    /// whole process dies, as without a supervisor.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<WorkerLost>")]
    pub worker_lost: Option<WorkerLost>,
    /// How long a delivery must be unsettled before any consumer of its queue claims it with its
    /// next receive: Redis `XAUTOCLAIM`, or `XREADGROUP` with `CLAIM` (8.4). It takes the place of
    /// a lease, so it needs `visibility_timeout = "never"`. A log has no such thing. Default
    /// `"never"`.
    #[serde(with = "or_never")]
    #[schemars(schema_with = "or_never::schema")]
    pub claim_min_idle: Span,
    /// Whether a consumer of a queue that starts again first receives what its earlier life had
    /// unsettled: Redis `XREADGROUP` with the id `0`. Default false.
    pub restart_reads_own: bool,
    /// After how many processed messages the strategy `settle-every-n` settles, and the article's
    /// `MIN_COMMIT_COUNT`. Default 10 (ours).
    pub settle_every: u32,
    /// After how long `settle-every-n` settles although there are fewer. Default 1s (ours).
    pub settle_interval: Span,
    /// How many messages the strategy `micro-batch` collects for one write, on a queue as far as
    /// `prefetch` allows. Default 10 (ours), as Lambda's `BatchSize` for SQS.
    pub batch_size: u32,
    /// After how long `micro-batch` writes although there are fewer. Default 1s (ours).
    pub batch_interval: Span,
    /// What the sink of `micro-batch` takes at once. Default `atomic`.
    pub batch_sink: BatchSink,
    /// What `micro-batch` does when an item of a batch fails. Default `retry-whole`.
    pub batch_on_failure: BatchFailure,
    /// How many messages the strategies `parallel-naive` and `parallel` have in work at once, as
    /// far as `prefetch` allows on a queue. Default 4 (ours).
    pub workers: u32,
    /// Whether `parallel` processes messages of one key one after another. Default false.
    pub key_ordered: bool,
    /// How often a settle without an answer is tried again. Default 0, as librdkafka and RabbitMQ
    /// clients do.
    pub settle_retries: u32,
    /// Whether the consumer waits for the answer to a settle (Kafka `commitSync`, JetStream
    /// `AckSync`) or goes on at once (Kafka `commitAsync`, every ack of AMQP 0-9-1). Default true.
    pub settle_confirmed: bool,
    /// How long to wait for an answer before the outcome is indeterminate. Kafka
    /// `request.timeout.ms`. Default 30s.
    pub request_timeout: Span,
    /// How often a client library commits on a log by itself. Kafka `auto.commit.interval.ms`.
    /// Default 5s.
    pub auto_commit_interval: Span,
    /// Whether the library of the article's loops commits by itself; other strategies do not ask.
    /// Kafka `enable.auto.commit`. Default true.
    pub enable_auto_commit: bool,
    /// Which library the article's loops are written for; other strategies do not ask. Default
    /// `librdkafka`.
    pub client: LogClient,
    /// What to do when the handler fails. Default `retry`. In the article's loops an error raises;
    /// the third asks this: with `crash` it raises, else `msg_process` returns false.
    pub on_error: ErrorPolicy,
    /// How long to wait before the handler is tried again; with `retry-topic` it is the broker that
    /// waits. Kafka `retry.backoff.ms`. Default 100ms.
    pub retry_backoff: Span,
    /// How many attempts the strategy and the policy `dead-letter` allow a message, and how many
    /// deliveries `retry-topic`; the other policies do not count. Default 3 (ours).
    pub max_attempts: u32,
    /// Whether a consumer finishes and settles what its application has in hand before it gives a
    /// partition up, in Kafka's `onPartitionsRevoked`. The client learns of a rebalance when it
    /// fetches, and it fetches when its buffer is empty. Default true.
    pub drain_on_revoke: bool,
    /// The longest time between two polls before the client leaves its group. Kafka
    /// `max.poll.interval.ms`, there 5min. Left out, there is no such limit.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub max_poll_interval: Option<Span>,
    /// Whether every consumer of a log is a static member of its group (Kafka `group.instance.id`,
    /// KIP-345): it does not leave when it closes, and its next life takes its partitions back
    /// without a rebalance if it comes within the session timeout. Default false.
    pub group_instance_id: bool,
    /// How a group of a log shares its partitions out. Kafka `partition.assignment.strategy`.
    /// Default `range`.
    pub assignor: Assignor,
    /// Whether the members of a group keep their partitions during a rebalance (KIP-429). In Kafka
    /// it follows from the assignor: `cooperative` with `sticky` is its
    /// `CooperativeStickyAssignor`. Default `eager`.
    pub rebalance_protocol: RebalanceProtocol,
    /// Which records of transactions are seen by whoever reads a topic, the output of
    /// `transactional` above all. Kafka `isolation.level`: `read-uncommitted` in Java,
    /// `read-committed` in librdkafka. Default `read-committed`.
    pub isolation_level: IsolationLevel,
    /// How long a transaction of `transactional` may be open before the broker aborts it. Kafka
    /// `transaction.timeout.ms`. Default 1min.
    pub transaction_timeout: Span,
    /// How `transactional` commits its offsets. Default `in-transaction`.
    pub transaction_offsets: TransactionOffsets,
    /// Whether `transactional` passes the metadata of its consumer's group with its offsets
    /// (`sendOffsetsToTransaction`, KIP-447), so that the broker refuses those of a consumer that
    /// has lost its partitions. Default true.
    pub group_metadata: bool,
    /// Where the effects of `transactional` happen. Default `topic`.
    pub output: EffectPlace,
    /// How often a consumer asks how many partitions there are; if there are more, its group
    /// rebalances. Kafka `metadata.max.age.ms`. Default 5min. It matters where
    /// `log.partitions_added` is set.
    pub metadata_refresh: Span,
}

/// A client library of a log, as far as it decides what a commit covers (semantics.md 1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogClient {
    /// Stores the offset of each message as it hands it over; a timer commits what is stored.
    /// confluent-kafka in Python, Go and .NET.
    #[default]
    Librdkafka,
    /// Commits, inside a poll, the position after all that earlier polls returned. A poll returns
    /// up to `prefetch` messages.
    Java,
}

/// What a supervisor does with the message of a worker that died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerLost {
    /// It acks it: what had no effect is lost.
    Settle,
    /// It gives it back at once, by a reject with requeue: one that kills comes again, without end
    /// unless the queue has a delivery limit that counts what is rejected.
    Requeue,
}

/// What a consumer does when its handler fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorPolicy {
    /// Try again in place, for as long as it takes; later messages wait.
    #[default]
    Retry,
    /// Go on without settling it. On a log the next commit covers it all the same: a loss. On a
    /// queue it comes back when its lease or its consumer ends.
    Skip,
    /// Settle it unprocessed and go on: a loss.
    SkipAndSettle,
    /// Give it back to the queue at once (RabbitMQ `basic.nack` with `requeue=true`, SQS visibility
    /// timeout 0). A log has no such thing.
    Requeue,
    /// Give it back to the queue at once as one that failed (RabbitMQ `basic.reject` with
    /// `requeue=true`, AMQP 1.0 `modified` with `delivery-failed`), which the delivery limit of a
    /// quorum queue counts since 4.3, and a nack not. It ends no message, as the REJECT of a share
    /// group does. A log has no such thing.
    Reject,
    /// Leave the loop through `close()`, as an exception does, and be started again.
    Crash,
    /// Write it to the dead letters after `max_attempts`, then settle it.
    DeadLetter,
    /// Publish a copy that the queue holds back for `retry_backoff`, wait for the confirmation, and
    /// settle it; others do not wait. After `max_attempts` deliveries a dead letter takes the place
    /// of the copy (Spring `@RetryableTopic`, the retry letter topic of Pulsar). This log has no
    /// such topic.
    RetryTopic,
}

impl ErrorPolicy {
    /// What a scenario calls it if it gives a message back to its queue.
    pub const fn gives_back(self) -> Option<&'static str> {
        match self {
            Self::Requeue => Some("requeue"),
            Self::Reject => Some("reject"),
            _ => None,
        }
    }

    /// Whether a message that fails often enough becomes a dead letter of its consumer.
    pub const fn may_dead_letter(self) -> bool {
        matches!(self, Self::DeadLetter | Self::RetryTopic)
    }
}

/// What a sink takes at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BatchSink {
    /// The whole batch, as a database does in one transaction: all effects in one instant, or none.
    #[default]
    Atomic,
    /// One message after another: a crash or a failure in the middle leaves a prefix.
    ItemByItem,
}

/// What to do when an item of a batch fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BatchFailure {
    /// Write the whole batch again, for as long as it takes.
    #[default]
    RetryWhole,
    /// Halve what failed until the bad item is alone; then `on_error` decides about it (Lambda
    /// `BisectBatchOnFunctionError`).
    Bisect,
    /// Write and settle the others. On a queue the bad item comes back when its lease ends (Lambda
    /// `ReportBatchItemFailures`); on a log `on_error` decides about it first.
    PerItem,
    /// Write the others; try the bad item alone up to `max_attempts`, then write it to the dead
    /// letters; settle all.
    DeadLetterItem,
    /// Settle nothing of the batch, good items and bad: all of it comes back when its lease ends,
    /// and each time counts as a delivery (Lambda with SQS, as long as `ReportBatchItemFailures` is
    /// not set). A log has no such thing.
    Abandon,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self {
            prefetch: 100,
            receive_ahead: false,
            lease_renewal: None,
            worker_lost: None,
            claim_min_idle: Span::MAX,
            restart_reads_own: false,
            settle_every: 10,
            settle_interval: Span::from_secs(1),
            batch_size: 10,
            batch_interval: Span::from_secs(1),
            batch_sink: BatchSink::Atomic,
            batch_on_failure: BatchFailure::RetryWhole,
            workers: 4,
            key_ordered: false,
            settle_retries: 0,
            settle_confirmed: true,
            request_timeout: Span::from_secs(30),
            auto_commit_interval: Span::from_secs(5),
            enable_auto_commit: true,
            client: LogClient::Librdkafka,
            on_error: ErrorPolicy::Retry,
            retry_backoff: Span::from_millis(100),
            max_attempts: 3,
            drain_on_revoke: true,
            max_poll_interval: None,
            group_instance_id: false,
            assignor: Assignor::Range,
            rebalance_protocol: RebalanceProtocol::Eager,
            isolation_level: IsolationLevel::ReadCommitted,
            transaction_timeout: Span::from_secs(60),
            transaction_offsets: TransactionOffsets::InTransaction,
            group_metadata: true,
            output: EffectPlace::Topic,
            metadata_refresh: Span::from_secs(5 * 60),
        }
    }
}

/// The log broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// How many partitions the topic has. Kafka `num.partitions`. Default 1.
    pub partitions: u16,
    /// When the topic gets more partitions, and how many it has then. In Kafka an operator does it
    /// (`kafka-topics --alter --partitions`). Left out, their number stays.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<PartitionsAdded>")]
    pub partitions_added: Option<PartitionsAdded>,
    /// How long a member may be silent before its group removes it. Kafka `session.timeout.ms`.
    /// Default 45s.
    pub session_timeout: Span,
    /// How long a rebalance waits for members that have not joined again. Kafka uses the members'
    /// `max.poll.interval.ms`. Default 5min.
    pub rebalance_timeout: Span,
    /// Where a group begins that has no committed offset, or one out of range. Kafka
    /// `auto.offset.reset`. Default `latest`.
    pub auto_offset_reset: AutoOffsetReset,
    /// How far back `by-duration` goes. Kafka writes it into the policy:
    /// `auto.offset.reset=by_duration:PT1H`. It has no default.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub auto_offset_reset_duration: Option<Span>,
    /// How long a group without members keeps its committed offsets. Kafka
    /// `offsets.retention.minutes`, counted from when the group became empty. Default 7d.
    pub offsets_retention: Span,
    /// What a commit of a group's member is checked for beyond its generation. Kafka checks nothing
    /// else and has no such setting. Default `[]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commit_checks: Vec<CommitCheck>,
    /// How long a record is kept at least. Kafka `retention.ms`. Default 7d.
    pub retention_time: Span,
    /// How many bytes a partition keeps at least, by whole segments. Kafka `retention.bytes`, there
    /// −1 for no limit. Left out, there is no limit.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u64>")]
    pub retention_bytes: Option<u64>,
    /// How many bytes a segment holds before the next one begins. Kafka `segment.bytes`. Default
    /// 1073741824, one GiB.
    pub segment_bytes: u64,
    /// How old a segment grows before the next one begins. Kafka `segment.ms`. Default 7d.
    pub segment_time: Span,
    /// How long a partition remembers an idempotent producer that sends nothing to it. Kafka
    /// `producer.id.expiration.ms`. Default 1d.
    pub producer_id_expiration: Span,
    /// How many replicas each partition has, the leader included. Kafka
    /// `default.replication.factor`. Default 1.
    pub replicas: u8,
    /// How many replicas must be in sync for `acks = "all"`. Kafka `min.insync.replicas`. Default
    /// 1.
    pub min_insync_replicas: u8,
    /// How long a follower may be behind and in sync. Kafka `replica.lag.time.max.ms`. Default 30s.
    pub replica_lag_max: Span,
    /// How long after the leader a follower has a record. Kafka has no such setting: it takes a
    /// round trip. Default 2ms (ours).
    pub replica_delay: Span,
    /// Whether a replica that is not in sync may lead if none is. Kafka
    /// `unclean.leader.election.enable`. Default false.
    pub unclean_leader_election: bool,
    /// What the end of what consumers may read does while fewer replicas are in sync than
    /// `min_insync_replicas`. Default `stands-still`, as on new clusters since Kafka 4.1.
    pub high_watermark_below_min_isr: BelowMinIsr,
    /// How long after it was appended a record is on the disk of a replica that has it. Kafka
    /// `log.flush.interval.ms`, by default left to the operating system: on Linux up to 30s.
    /// Default 0s (ours): at once, so that the end of a machine's power takes nothing.
    pub flush_interval: Span,
    /// How transactions work. With 2 the epoch of a producer grows with each of them (KIP-890), so
    /// that what is late cannot reach the next one. Kafka `transaction.version`. Default 2.
    pub transaction_version: u8,
}

/// Where a group begins that has no committed offset, or one that is out of range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AutoOffsetReset {
    /// After the last record: what was sent before is skipped.
    #[default]
    Latest,
    /// At the oldest record that is retained.
    Earliest,
    /// Nowhere: the consumer fails.
    None,
    /// At the first record that is not older than `auto_offset_reset_duration`, after the last one
    /// if all are (KIP-1106).
    ByDuration,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            partitions: 1,
            partitions_added: None,
            session_timeout: Span::from_secs(45),
            rebalance_timeout: Span::from_secs(5 * 60),
            auto_offset_reset: AutoOffsetReset::Latest,
            auto_offset_reset_duration: None,
            offsets_retention: Span::from_secs(7 * 86_400),
            commit_checks: Vec::new(),
            retention_time: Span::from_secs(7 * 86_400),
            retention_bytes: None,
            segment_bytes: 1 << 30,
            segment_time: Span::from_secs(7 * 86_400),
            producer_id_expiration: Span::from_secs(86_400),
            replicas: 1,
            min_insync_replicas: 1,
            replica_lag_max: Span::from_secs(30),
            replica_delay: Span::from_millis(2),
            unclean_leader_election: false,
            high_watermark_below_min_isr: BelowMinIsr::StandsStill,
            flush_interval: Span::default(),
            transaction_version: 2,
        }
    }
}

/// The links between processes, brokers and sinks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSettings {
    /// How long each leg of a call takes at least. Default 1ms.
    pub latency: Span,
    /// How much longer a leg may take, evenly spread. Default 0s.
    pub jitter: Span,
    /// Whether what was sent first arrives first. Default `fifo`.
    pub order: Order,
    /// How long a request to the sink takes, and its answer once more: an effect takes twice that.
    /// Default 1ms.
    pub sink_latency: Span,
}

/// Whether a link keeps the order of what it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As one TCP connection does: jitter delays, and never reorders.
    #[default]
    Fifo,
    /// As several connections do: jitter may reorder.
    Any,
    /// Which of several requests that reach a broker or sink at one instant comes first is a choice
    /// of an exploration, which also takes all spans for zero.
    Chosen,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            latency: Span::from_millis(1),
            jitter: Span::default(),
            order: Order::Fifo,
            sink_latency: Span::from_millis(1),
        }
    }
}

/// Where a run gives up and its verdict is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How much virtual time the drain may take. Default 1h.
    pub drain: Span,
    /// How many steps a run may take. Default 1000000000.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { drain: Span::from_secs(3_600), steps: 1_000_000_000 }
    }
}
