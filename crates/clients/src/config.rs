//! Settings that decide semantics. They are data of a subscription, not code of a strategy, because
//! that is how real clients hide them: the same loop loses or duplicates by its configuration
//! alone.

use entrega_model::{Duration, SubscriptionId};

pub use entrega_model::log::OffsetReset;

use crate::MetadataRefresh;

/// How a client library behaves under the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The consumer group or queue that it reads.
    pub subscription: SubscriptionId,
    /// How many deliveries it asks for at once and holds unsettled (`prefetch`,
    /// `max.poll.records`).
    pub prefetch: u32,
    /// Whether the library of a queue receives on while the application works, as push does, or
    /// only when it has handed out all that it received.
    pub receive_ahead: bool,
    /// How often the library of a queue renews the leases of what it holds; none if it does not.
    pub lease_renewal: Option<Duration>,
    /// What the library of a queue does with a message whose worker died; none if the whole process
    /// dies with it.
    pub worker_lost: Option<WorkerLost>,
    /// Whether the library settles by itself, and when.
    pub auto_settle: AutoSettle,
    /// Which offset a log's library has ready for a commit that names none, its own ones included.
    pub offset_store: OffsetStore,
    /// How often an automatic commit is made on a log (`auto.commit.interval.ms`).
    pub auto_commit_interval: Duration,
    /// What a settle of several deliveries covers on a queue. On a log it is always cumulative.
    pub settle_scope: SettleScope,
    /// Whether a settle waits for the broker's answer. AMQP 0-9-1 acks have none.
    pub settle_confirmed: bool,
    /// How often the library repeats a settle that got no answer.
    pub settle_retries: u32,
    /// Where a group starts that has no committed offset (`auto.offset.reset`).
    pub auto_offset_reset: OffsetReset,
    /// Whether the library announces a revocation, so that the application can finish and settle
    /// what it has in flight.
    pub drain_on_revoke: bool,
    /// How long the application may take between two polls on a log before the library leaves the
    /// group (`max.poll.interval.ms`); none for no limit.
    pub max_poll_interval: Option<Duration>,
    /// Whether a consumer of a log keeps its partitions during a rebalance and gives up only what
    /// moves (KIP-429).
    pub cooperative: bool,
    /// Whether a consumer of a log leaves its group when it closes. A static member
    /// (`group.instance.id`, KIP-345) does not.
    pub leaves_on_close: bool,
    /// When the topic of a log gets more partitions and how often the library asks; none if it does
    /// not.
    pub metadata: Option<MetadataRefresh>,
}

/// Whether and when the library settles by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoSettle {
    /// Only the application settles.
    Off,
    /// On a log an offset is stored when its message is delivered, and a background timer commits
    /// what is stored (librdkafka). On a queue the delivery itself acks (automatic ack).
    AtDelivery,
    /// On a log a poll commits the positions of earlier polls, at most once an interval (Java). On
    /// a queue the next receive accepts the batch before it (share groups, implicit mode).
    AtNextReceive,
}

/// What a supervisor does with the message of a worker that died (Celery, `acks_late`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerLost {
    /// It acks it, as Celery does by default: what had no effect is lost.
    Settle,
    /// It gives it back at once, by a reject with requeue (`task_reject_on_worker_lost`): one that
    /// kills comes again.
    Requeue,
}

/// Which messages a log's library takes for done: the offset that a commit without arguments
/// records (semantics.md 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetStore {
    /// One past the last delivered message (librdkafka, `enable.auto.offset.store`). A commit with
    /// nothing newer than the last one is an error, `_NO_OFFSET`.
    AtDelivery,
    /// The position after everything that the last poll returned, delivered to the application or
    /// not (Java). A commit with nothing newer does nothing.
    AfterPoll,
}

/// What a client library does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Library {
    /// Whether it settles, and when.
    pub auto_settle: AutoSettle,
    /// The offset that it has ready on a log for a commit that names none.
    pub offset_store: OffsetStore,
}

impl Library {
    /// A library that settles at this moment. Its offsets come from the library in which that is
    /// found: librdkafka, or Java's for one that settles at the next receive.
    pub const fn settling(auto_settle: AutoSettle) -> Self {
        let offset_store = match auto_settle {
            AutoSettle::Off | AutoSettle::AtDelivery => OffsetStore::AtDelivery,
            AutoSettle::AtNextReceive => OffsetStore::AfterPoll,
        };
        Self { auto_settle, offset_store }
    }

    /// The same library with auto-commit off. Which offset it has ready does not change.
    #[must_use]
    pub const fn without_auto_settle(self) -> Self {
        Self { auto_settle: AutoSettle::Off, ..self }
    }
}

/// What settling several deliveries covers on a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleScope {
    /// Exactly these.
    Individual,
    /// These and every earlier one of this consumer (AMQP `multiple=true`, JetStream `AckAll`).
    Cumulative,
}

/// What a strategy itself can be set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrategyConfig {
    /// `settle-every-n`: how many messages make a settle.
    pub settle_every: u32,
    /// `settle-every-n`: how long a message may wait for its settle.
    pub settle_interval: Duration,
    /// `micro-batch`: how many messages make a batch, at least 1.
    pub batch_size: u32,
    /// `micro-batch`: how long the first message of a batch may wait for the others.
    pub batch_interval: Duration,
    /// `parallel-naive` and `parallel`: how many messages are in work at once, at least 1.
    pub workers: u32,
    /// `parallel`: whether messages of one key are processed one after another.
    pub key_ordered: bool,
    /// `transactional`: how offsets are committed.
    pub transaction_offsets: TransactionOffsets,
}

/// How a consumer that works in transactions commits its offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransactionOffsets {
    /// In the transaction of the effect (`sendOffsetsToTransaction`).
    #[default]
    InTransaction,
    /// By a commit of its own, after the transaction.
    AfterCommit,
    /// By a commit of its own, before the transaction is committed.
    BeforeCommit,
    /// In a checkpoint, with the identity of the transaction, before that is committed. The next
    /// life commits it if this one did not come to it.
    Checkpoint,
}

/// How a transactional producer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionConfig {
    /// The subscription whose messages its application processes.
    pub subscription: SubscriptionId,
    /// How long a transaction may be open (`transaction.timeout.ms`).
    pub timeout: Duration,
    /// Whether offsets are passed with the metadata of their consumer's group (KIP-447).
    pub group_metadata: bool,
    /// How often a step without an answer is repeated.
    pub retries: u32,
    /// Whether effects are written in the transaction, to the output topic. Else they happen at the
    /// sink, outside of it.
    pub writes_output: bool,
}

/// The defaults of scenarios.
impl Default for StrategyConfig {
    fn default() -> Self {
        Self {
            settle_every: 10,
            settle_interval: Duration::from_secs(1),
            batch_size: 10,
            batch_interval: Duration::from_secs(1),
            workers: 4,
            key_ordered: false,
            transaction_offsets: TransactionOffsets::InTransaction,
        }
    }
}
