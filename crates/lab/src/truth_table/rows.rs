//! The rows: strategies and the settings that decide.

use entrega_clients::Strategy;
use entrega_model::Model;

/// Whose faults a row meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those of consumers: handlers, crashes, settles, stalls.
    Consumer,
    /// Those of producers and brokers, which do not depend on the strategy.
    Producer,
}

/// A strategy under a setting.
#[derive(Debug)]
pub struct TableRow {
    /// The strategy.
    pub strategy: Strategy,
    /// What the setting is called.
    pub setting: &'static str,
    /// Whose faults it meets.
    pub side: Side,
    /// On which model only.
    only: Option<Model>,
    /// What differs in all of its small worlds from the scenario as written.
    pub(super) set: &'static [(&'static str, &'static str)],
}

impl TableRow {
    /// Whether there is such a row on a model.
    pub fn fits(&self, model: Model) -> bool {
        self.strategy.supports(model) && self.only.is_none_or(|only| only == model)
    }
}

const fn row(
    strategy: Strategy,
    setting: &'static str,
    set: &'static [(&'static str, &'static str)],
) -> TableRow {
    TableRow { strategy, setting, side: Side::Consumer, only: None, set }
}

const fn on_queue(row: TableRow) -> TableRow {
    TableRow { only: Some(Model::Queue), ..row }
}

const fn on_log(row: TableRow) -> TableRow {
    TableRow { only: Some(Model::Log), ..row }
}

const fn producing(row: TableRow) -> TableRow {
    TableRow { side: Side::Producer, ..row }
}

const LIBRDKAFKA: &[(&str, &str)] = &[];
const LIBRDKAFKA_OFF: &[(&str, &str)] = &[("consumer.enable_auto_commit", "false")];
const JAVA: &[(&str, &str)] = &[("consumer.client", "java")];
const JAVA_OFF: &[(&str, &str)] =
    &[("consumer.client", "java"), ("consumer.enable_auto_commit", "false")];
const RAISES: (&str, &str) = ("consumer.on_error", "crash");
const RAISES_OFF: &[(&str, &str)] = &[RAISES, ("consumer.enable_auto_commit", "false")];
const NO_RETRIES: &[(&str, &str)] = &[("producer.retries", "0")];
const FIRE_AND_FORGET: &[(&str, &str)] = &[("producer.strategy", "fire-and-forget")];
const AHEAD: &str = "receives ahead";
const PUSH: &[(&str, &str)] = &[("consumer.receive_ahead", "true")];
const PUBLISHED: &str = "as published";
const OFF: &str = "auto-commit off";
const JAVA_ON: &str = "Java";
const JAVA_NO: &str = "Java, auto-commit off";

use Strategy as S;

/// All rows, in teaching order; those of the producer's side last.
pub const ROWS: [TableRow; 78] = [
    row(S::SettleThenProcess, "default", &[]),
    row(S::SettleThenProcess, "settles unconfirmed", &[("consumer.settle_confirmed", "false")]),
    row(S::ProcessThenSettle, "default", &[]),
    row(S::ProcessThenSettle, "settle retries 2", &[("consumer.settle_retries", "2")]),
    row(S::ProcessThenSettle, "on error skip", &[("consumer.on_error", "skip")]),
    row(S::ProcessThenSettle, "on error skip and settle", SKIP_AND_SETTLE),
    row(S::ProcessThenSettle, "on error crash", &[("consumer.on_error", "crash")]),
    on_queue(row(S::ProcessThenSettle, "on error requeue", REQUEUE)),
    on_queue(row(S::ProcessThenSettle, "delivery limit 2", LIMIT)),
    on_queue(row(S::ProcessThenSettle, "delivery limit 2, dead letters", LIMIT_WITH_TARGET)),
    on_queue(row(S::ProcessThenSettle, "retry topic", RETRY_TOPIC)),
    on_queue(row(S::ProcessThenSettle, "lost workers settled", WORKER_SETTLED)),
    on_queue(row(S::ProcessThenSettle, "lost workers requeued", WORKER_REQUEUED)),
    on_queue(row(S::ProcessThenSettle, AHEAD, PUSH)),
    on_queue(row(S::ProcessThenSettle, "lease renewal", RENEWAL)),
    on_queue(row(S::ProcessThenSettle, "late settles honoured", HONOURED)),
    on_queue(row(S::ProcessThenSettle, "a connection returns nothing", BY_LEASE)),
    on_log(row(S::ProcessThenSettle, "cooperative", COOPERATIVE)),
    row(S::ProcessThenSettle, "sink deduplicates in memory", DEDUP_IN_MEMORY),
    row(S::SettleThenProcess, "sink deduplicates", DEDUP),
    row(S::SettleEveryN, "default", &[]),
    row(S::SettleEveryN, "on error crash", &[("consumer.on_error", "crash")]),
    row(S::AutoSettleAtDelivery, "default", &[]),
    row(S::AutoSettleAtDelivery, "on error crash", &[("consumer.on_error", "crash")]),
    on_queue(row(S::AutoSettleAtDelivery, AHEAD, PUSH)),
    row(S::AutoSettleAtNextReceive, "default", &[]),
    row(S::AutoSettleAtNextReceive, "on error crash", &[("consumer.on_error", "crash")]),
    row(S::DeduplicatingSink, "default", &[]),
    row(S::DeadLetter, "default", &[]),
    row(S::MicroBatch, "atomic, retry whole", &[]),
    row(S::MicroBatch, "atomic, bisect", &[("consumer.batch_on_failure", "bisect")]),
    row(S::MicroBatch, "atomic, per item", &[("consumer.batch_on_failure", "per-item")]),
    row(S::MicroBatch, "atomic, dead-letter item", DEAD_LETTER_ITEM),
    on_queue(row(S::MicroBatch, "atomic, abandon", ABANDON)),
    row(S::MicroBatch, "item by item, retry whole", &[("consumer.batch_sink", "item-by-item")]),
    on_queue(row(S::BrokerDeadLetter, "with a target", &[("queue.dead_letter", "true")])),
    on_queue(row(S::BrokerDeadLetter, "without a target", &[])),
    row(S::ParallelNaive, "default", &[]),
    row(S::Parallel, "default", &[]),
    row(S::Parallel, "ordered keys", &[("consumer.key_ordered", "true")]),
    row(S::ProgressWithEffect, "default", &[]),
    row(S::ProgressWithEffectUnconditional, "default", &[]),
    on_log(row(S::Transactional, "default", &[])),
    on_queue(row(S::Transactional, "an ideal queue", &[])),
    row(S::ArticleBasic, PUBLISHED, LIBRDKAFKA),
    row(S::ArticleBasic, OFF, LIBRDKAFKA_OFF),
    row(S::ArticleBasic, JAVA_ON, JAVA),
    row(S::ArticleBasic, JAVA_NO, JAVA_OFF),
    row(S::ArticleCommitEveryN, PUBLISHED, LIBRDKAFKA),
    row(S::ArticleCommitEveryN, OFF, LIBRDKAFKA_OFF),
    row(S::ArticleCommitEveryN, JAVA_ON, JAVA),
    row(S::ArticleCommitEveryN, JAVA_NO, JAVA_OFF),
    row(S::ArticleDeadLetters, PUBLISHED, LIBRDKAFKA),
    row(S::ArticleDeadLetters, OFF, LIBRDKAFKA_OFF),
    row(S::ArticleDeadLetters, JAVA_ON, JAVA),
    row(S::ArticleDeadLetters, JAVA_NO, JAVA_OFF),
    row(S::ArticleDeadLetters, "as published, it raises", &[RAISES]),
    row(S::ArticleDeadLetters, "auto-commit off, it raises", RAISES_OFF),
    producing(row(S::ProcessThenSettle, "confirmed, 3 retries", &[])),
    producing(row(S::ProcessThenSettle, "confirmed, no retries", NO_RETRIES)),
    producing(row(S::ProcessThenSettle, "fire and forget", FIRE_AND_FORGET)),
    producing(row(S::DeduplicatingSink, "confirmed, 3 retries", &[])),
    producing(row(S::DeduplicatingSink, "confirmed, no retries", NO_RETRIES)),
    producing(row(S::DeduplicatingSink, "fire and forget", FIRE_AND_FORGET)),
    producing(row(S::ProgressWithEffect, "confirmed, 3 retries", &[])),
    producing(row(S::ProgressWithEffect, "fire and forget", FIRE_AND_FORGET)),
    producing(row(S::ProcessThenSettle, "outbox", OUTBOX)),
    producing(row(S::DeduplicatingSink, "outbox", OUTBOX)),
    producing(row(S::ProcessThenSettle, "2 in flight", IN_FLIGHT)),
    on_log(producing(row(S::ProcessThenSettle, "idempotent, 2 in flight, outbox", IDEMPOTENT))),
    on_queue(producing(row(S::ProcessThenSettle, "dedup window, outbox", WINDOW))),
    on_log(producing(row(S::ProcessThenSettle, "3 replicas, acks 1", ACKS_ONE))),
    on_log(producing(row(S::ProcessThenSettle, "3 replicas, acks all, min ISR 1", ACKS_ALL))),
    on_log(producing(row(S::ProcessThenSettle, "3 replicas, acks all, min ISR 2", MIN_ISR))),
    on_log(producing(row(S::ProcessThenSettle, "3 replicas, unclean election", UNCLEAN))),
    on_queue(producing(row(S::ProcessThenSettle, "a restart forgets", FORGETS))),
    on_queue(producing(row(S::ProcessThenSettle, "overflow drop-head", DROP_HEAD))),
    on_queue(producing(row(S::ProcessThenSettle, "overflow reject-publish", REJECT_PUBLISH))),
];

const SKIP_AND_SETTLE: &[(&str, &str)] = &[("consumer.on_error", "skip-and-settle")];
const QUEUE_ONLY: (&str, &str) = ("models", "[\"queue\"]");
const REQUEUE: &[(&str, &str)] = &[QUEUE_ONLY, ("consumer.on_error", "requeue")];
const LIMIT: &[(&str, &str)] =
    &[QUEUE_ONLY, ("queue.delivery_limit", "2"), ("consumer.on_error", "requeue")];
const LIMIT_WITH_TARGET: &[(&str, &str)] = &[
    QUEUE_ONLY,
    ("queue.delivery_limit", "2"),
    ("queue.dead_letter", "true"),
    ("consumer.on_error", "requeue"),
];
const RETRY_TOPIC: &[(&str, &str)] = &[QUEUE_ONLY, ("consumer.on_error", "retry-topic")];
const WORKER_SETTLED: &[(&str, &str)] = &[QUEUE_ONLY, ("consumer.worker_lost", "settle")];
const WORKER_REQUEUED: &[(&str, &str)] = &[QUEUE_ONLY, ("consumer.worker_lost", "requeue")];
const RENEWAL: &[(&str, &str)] = &[("consumer.lease_renewal", "10s")];
const HONOURED: &[(&str, &str)] = &[("queue.late_settle", "honoured")];
const BY_LEASE: &[(&str, &str)] = &[("queue.requeue_on_disconnect", "false")];
const COOPERATIVE: &[(&str, &str)] = &[("consumer.rebalance_protocol", "cooperative")];
const DEDUP: &[(&str, &str)] = &[WITHOUT_PROGRESS, ("sink.dedup", "atomic")];
const DEDUP_IN_MEMORY: &[(&str, &str)] = &[WITHOUT_PROGRESS, ("sink.dedup", "process-memory")];
const WITHOUT_PROGRESS: (&str, &str) =
    ("strategies", "[\"settle-then-process\", \"process-then-settle\"]");
const ABANDON: &[(&str, &str)] = &[QUEUE_ONLY, ("consumer.batch_on_failure", "abandon")];
const OUTBOX: &[(&str, &str)] = &[("producer.outbox", "true")];
const IN_FLIGHT: &[(&str, &str)] = &[("producer.max_in_flight", "2")];
const IDEMPOTENT: &[(&str, &str)] = &[
    ("producer.enable_idempotence", "true"),
    ("producer.max_in_flight", "2"),
    ("producer.outbox", "true"),
];
const WINDOW: &[(&str, &str)] = &[("queue.dedup_window", "2min"), ("producer.outbox", "true")];
const ACKS_ONE: &[(&str, &str)] = &[REPLICAS, FALLS_OUT, UNFLUSHED, ("producer.acks", "\"1\"")];
const ACKS_ALL: &[(&str, &str)] = &[REPLICAS, FALLS_OUT, UNFLUSHED];
const MIN_ISR: &[(&str, &str)] =
    &[REPLICAS, FALLS_OUT, UNFLUSHED, ("log.min_insync_replicas", "2")];
const UNCLEAN: &[(&str, &str)] =
    &[REPLICAS, FALLS_OUT, UNFLUSHED, ("log.unclean_leader_election", "true")];
const REPLICAS: (&str, &str) = ("log.replicas", "3");
/// A follower that copies nothing is out of sync before a producer gives up.
const FALLS_OUT: (&str, &str) = ("log.replica_lag_max", "500ms");
/// What the operating system does by itself.
const UNFLUSHED: (&str, &str) = ("log.flush_interval", "30s");
const FORGETS: &[(&str, &str)] =
    &[("queue.broker_restart", "{ forgets = ['messages', 'settles'], of_the_last = '2min' }")];
const DEAD_LETTER_ITEM: &[(&str, &str)] = &[("consumer.batch_on_failure", "dead-letter-item")];
const DROP_HEAD: &[(&str, &str)] = &[("queue.max_length", "1"), ("queue.overflow", "drop-head")];
const REJECT_PUBLISH: &[(&str, &str)] =
    &[("queue.max_length", "1"), ("queue.overflow", "reject-publish")];
