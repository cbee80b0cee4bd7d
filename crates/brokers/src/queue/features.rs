//! What only some queues have: each costs nothing where it is not set.
//!
//! > **The rule.** A queue without any of these keeps nothing for them. One that has some keeps
//! > what they need in side tables ([`super::extras`]), never in the copy of a message, and serves
//! > its consumers one message at a time ([`super::turn`]).
//!
//! Sources: `semantics.md` 3.4 (share groups), 3.6 (RabbitMQ), 3.7 (SQS), 3.8 (JetStream), 3.9
//! (Redis Streams), 3.10 (Pulsar).

use entrega_model::Duration;

use super::redrive::Redrive;

/// What a queue does beyond the common rules. By default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// How long a delivery is unsettled before any consumer of the queue may claim it with its next
    /// receive, the longest first, before everything else: Redis `XAUTOCLAIM`, or `CLAIM` of
    /// `XREADGROUP`. Until somebody does, it stays its consumer's. It takes the place of the
    /// lease.
    pub claim_min_idle: Option<Duration>,
    /// Whether a new life of a process first receives what its earlier lives had unsettled: Redis
    /// `XREADGROUP` with the id `0`.
    pub restart_reads_own: bool,
    /// How much may be in flight at once.
    pub max_in_flight: Option<MaxInFlight>,
    /// Whether what is settled stays, so that the queue is a window over a log, as a share group
    /// is; see the module `window`.
    pub keeps_settled: bool,
    /// Whether the state of what is in flight survives a restart of the broker: JetStream, Redis.
    pub in_flight_survives_restart: bool,
    /// Whether the deliveries that a restart of the broker ends do not count, because a count is
    /// written down only when a delivery ends: share groups.
    pub counts_written_at_return: bool,
    /// How long a message may wait for its delivery: RabbitMQ `x-message-ttl`.
    pub message_ttl: Option<Duration>,
    /// How long a message is kept, whatever became of it: SQS `MessageRetentionPeriod`, 4 days.
    pub retention_time: Option<Duration>,
    /// How long a message waits before its first delivery: SQS `DelaySeconds`.
    pub delivery_delay: Option<Duration>,
    /// Whether no other message of a key is delivered while one of it is in flight: SQS FIFO.
    pub group_lock: bool,
    /// Whether one consumer at a time is served: RabbitMQ `x-single-active-consumer`.
    pub single_active_consumer: bool,
    /// Whether a message is gone that is published before any consumer has asked: a Pulsar topic
    /// without a subscription, a Redis group created at `$`, a share group that begins at `latest`.
    pub drops_for_nobody: bool,
    /// When what the queue has dead-lettered is moved back to it: SQS `StartMessageMoveTask`.
    pub redrive: Option<Redrive>,
    /// After how long a dead letter that its target has not confirmed is sent again; until then it
    /// stays in the queue: RabbitMQ `dead-letter-strategy` `at-least-once`. If none, what the
    /// target does not take is lost (`at-most-once`).
    pub dead_letter_retry: Option<Duration>,
    /// Whether its consumers publish copies to it that are to be tried later.
    pub takes_retries: bool,
    /// Whether it remembers which copy each delivery was of, for a sink that recognises messages by
    /// the broker's id.
    pub remembers_ids: bool,
}

/// A cap on what is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxInFlight {
    /// The cap.
    pub most: u32,
    /// What it is a cap of.
    pub scope: Scope,
    /// Whether it is looked at when a receive begins, and not message by message: `share.acquire.
    /// mode=batch_optimized` (KIP-1206). What a receive asks for is then delivered in full.
    pub is_soft: bool,
}

/// What a cap is a cap of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The deliveries of each consumer: Pulsar `maxUnackedMessagesPerConsumer`.
    Consumer,
    /// The deliveries of all consumers of a queue, and what they gave back and is delayed:
    /// JetStream `MaxAckPending`, SQS.
    Subscription,
    /// The window from the first message that is not finished to the last that was delivered:
    /// `group.share.partition.max.record.locks`. One message that is stuck holds it.
    Partition,
}

impl Features {
    /// Whether there is anything to keep for them.
    pub(super) fn is_any(&self) -> bool {
        *self != Self::default()
    }

    /// Whether it matters how far the messages are finished.
    pub(super) fn has_window(&self) -> bool {
        self.keeps_settled || self.max_in_flight.is_some_and(|cap| cap.scope == Scope::Partition)
    }
}
