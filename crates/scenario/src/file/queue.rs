//! The table `[queue]`: how a queue behaves, by the names that real systems use.
//!
//! Defaults are those of no single system; a profile names a real one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::or_never;
use super::{DeadLetterStrategy, Redrive, RedriveIds, Span, or_none};

/// The queue broker: one queue for each subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueSettings {
    /// How long a delivery is leased to its consumer. SQS `VisibilityTimeout` and JetStream
    /// `AckWait` (30s). `"never"`: it has no lease (RabbitMQ, Redis Streams). Default 30s.
    #[serde(with = "or_never")]
    #[schemars(schema_with = "or_never::schema")]
    pub visibility_timeout: Span,
    /// How long a consumer may take to settle a delivery, on a queue without a lease. RabbitMQ
    /// `consumer_timeout` (30min). Left out, there is no such limit.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub consumer_timeout: Option<Span>,
    /// What happens to a consumer that takes longer. Default `close-channel`.
    pub on_consumer_timeout: OnConsumerTimeout,
    /// How often a message is delivered before the queue gives it up. SQS `maxReceiveCount` (none),
    /// RabbitMQ `delivery-limit` (20 redeliveries on quorum queues, so 21 deliveries). Left out,
    /// there is no limit.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub delivery_limit: Option<u32>,
    /// Which deliveries count towards `delivery_limit`. Default `["delivery"]`: each, however it
    /// ends (SQS, JetStream, share groups). RabbitMQ 4.3: `["reject", "disconnect"]`.
    pub limit_counts: Vec<LimitCount>,
    /// When the limit is looked at. Default `at-return`.
    pub limit_checked: LimitChecked,
    /// What becomes of a message that was delivered too often. Left out, `dead_letter` says it.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<AtLimit>")]
    pub at_limit: Option<AtLimit>,
    /// Whether a restart of the broker forgets what was counted, as Pulsar does, or a part of it.
    /// Default `durable`.
    pub delivery_count: DeliveryCount,
    /// Whether what the queue gives up goes to the dead letters (SQS redrive policy, RabbitMQ
    /// `x-dead-letter-exchange`) instead of being dropped. Default false.
    pub dead_letter: bool,
    /// Whether what is given up stays until the dead letters have confirmed it, for when
    /// `dead_letter.transfer` goes wrong. RabbitMQ `dead-letter-strategy`. Default `at-most-once`.
    pub dead_letter_strategy: DeadLetterStrategy,
    /// When what the queue dead-lettered is moved back to it, by an operator or a service: SQS
    /// `StartMessageMoveTask`, a shovel of RabbitMQ, Service Bus. Left out, it stays there.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Redrive>")]
    pub redrive: Option<Redrive>,
    /// Whether deliveries come back at once when their consumer's connection ends, as on RabbitMQ,
    /// or when their lease ends, as on SQS. Default true.
    pub requeue_on_disconnect: bool,
    /// Where a message goes that comes back. Default `same`.
    pub requeue_position: RequeuePosition,
    /// How long a message waits before it is ready again. Left out, not at all.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<RedeliveryDelay>")]
    pub redelivery_delay: Option<RedeliveryDelay>,
    /// What a settle does that comes after the lease or the connection of its delivery has ended.
    /// Default `refused`.
    pub late_settle: LateSettle,
    /// What an ack does that was made before. Default `idempotent`.
    pub repeated_settle: RepeatedSettle,
    /// How many ready messages a queue holds, or all that are stored (`overflow`). RabbitMQ
    /// `x-max-length`, JetStream `max_msgs`. Left out, there is no limit.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub max_length: Option<u32>,
    /// What a full queue does. RabbitMQ `x-overflow`. Default `drop-head`.
    pub overflow: Overflow,
    /// For how long a message is not stored again that was published under the same id. JetStream
    /// `duplicate_window` (2min, by `Nats-Msg-Id`), SQS FIFO (5min, by `MessageDeduplicationId`);
    /// RabbitMQ has none. Left out, every publish is stored.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub dedup_window: Option<Span>,
    /// How many ids are remembered in the window; the oldest is forgotten first. Redis `IDMP` (100
    /// for each producer). Left out, there is no limit, as on JetStream and SQS FIFO.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub dedup_entries: Option<u32>,
    /// What a restart of the broker (`broker.restart`) forgets besides what is in flight: the end
    /// of its machine's power, if it flushes now and then. Left out, nothing: its disk is intact.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<BrokerRestart>")]
    pub broker_restart: Option<BrokerRestart>,
    /// How much may be in flight at once. JetStream `MaxAckPending` (1000), SQS (120000), share
    /// groups `group.share.partition.max.record.locks` (2000). Left out, only `consumer.prefetch`
    /// bounds it.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub max_in_flight: Option<u32>,
    /// What `max_in_flight` is a cap of. Default `subscription`.
    pub max_in_flight_scope: InFlightScope,
    /// When the cap of a partition is looked at. Share groups `share.acquire.mode` (KIP-1206),
    /// there `batch_optimized`. Default `record-limit`.
    pub acquire_mode: AcquireMode,
    /// Whether what is settled stays, so that the queue is a window over a log. Share groups.
    /// Default false.
    pub keeps_settled: bool,
    /// Whether a restart of the broker gives back what is in flight. Default `returned`.
    pub in_flight_after_restart: AfterRestart,
    /// How long a message may wait for its delivery. RabbitMQ `x-message-ttl`. Default `"never"`.
    #[serde(with = "or_never")]
    #[schemars(schema_with = "or_never::schema")]
    pub message_ttl: Span,
    /// How long a message is kept. SQS `MessageRetentionPeriod` (4d). Default `"never"`.
    #[serde(with = "or_never")]
    #[schemars(schema_with = "or_never::schema")]
    pub retention_time: Span,
    /// How long the broker holds a message before its first delivery, as a due time. SQS
    /// `DelaySeconds`, there at most 15min. Default 0s.
    pub delivery_delay: Span,
    /// Who holds a message that is due later (`workload.due_after`, or the column `not_before` of a
    /// workload file). On a log there is no choice: its consumer does. Default `broker`.
    pub due_time: DueTime,
    /// Whether no other message of a key is delivered while one of it is in flight. SQS FIFO
    /// (`MessageGroupId`). Default false.
    pub group_lock: bool,
    /// Whether one consumer at a time is served, until it leaves. RabbitMQ
    /// `x-single-active-consumer`. Default false.
    pub single_active_consumer: bool,
    /// What becomes of a message that is published before any consumer has asked. Default `kept`.
    pub stored_for_nobody: StoredForNobody,
    /// Whether a consumer can settle a message and publish what it made of it in one step. No
    /// product has this, so with a profile there is none: it stands for what is missing. The
    /// strategy `transactional` needs it on a queue, and nothing else asks. Default true (ours).
    pub atomic_publish: bool,
}

/// After how long a queue sends a dead letter again that is not confirmed. RabbitMQ:
/// `dead_letter_worker_publisher_confirm_timeout`, 180 s by default (rabbitmq-server 3.13 and 4.2).
pub const DEAD_LETTER_RETRY: Span = Span::from_secs(180);

/// What a restart of the broker forgets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerRestart {
    /// Of what.
    pub forgets: Vec<Forgotten>,
    /// How far back: what is older has been flushed. JetStream `sync_interval` (2min); Pulsar
    /// writes a cursor once a second. What was counted is forgotten however old it is.
    pub of_the_last: Span,
}

/// Something that a restart of the broker forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Forgotten {
    /// Messages that were stored and confirmed: they are gone.
    Messages,
    /// Acks and rejects that were recorded: their messages are there again.
    Settles,
    /// How often each message was delivered, as with `delivery_count = "volatile"`.
    Counts,
}

impl std::fmt::Display for Forgotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Messages => "messages",
            Self::Settles => "settles",
            Self::Counts => "counts",
        })
    }
}

impl QueueSettings {
    /// How long a consumer may keep a delivery unsettled, by its lease or by the consumer timeout.
    pub fn lease(&self) -> Span {
        self.consumer_timeout.unwrap_or(self.visibility_timeout)
    }

    /// What happens to a consumer that keeps a delivery unsettled for longer, where no lease but
    /// the consumer timeout ends it.
    pub fn at_consumer_timeout(&self) -> Option<OnConsumerTimeout> {
        self.consumer_timeout.map(|_| self.on_consumer_timeout)
    }

    /// The longest that a message may wait at the broker until it is ready again by itself.
    pub fn longest_wait(&self) -> Option<Span> {
        let lease = Some(self.lease()).filter(|lease| *lease != Span::MAX);
        let delay = self.redelivery_delay.as_ref().map(|delay| delay.most.unwrap_or(delay.after));
        let redrive = self.redrive.as_ref().map(|redrive| redrive.after);
        let due = Some(self.delivery_delay).filter(|wait| *wait > Span::default());
        let again = self.confirms_dead_letters().then_some(DEAD_LETTER_RETRY);
        lease.max(delay).max(due).max(redrive).max(again)
    }

    /// Whether the queue keeps what it gives up until the dead letters have confirmed it.
    pub fn confirms_dead_letters(&self) -> bool {
        self.has_dead_letters() && self.dead_letter_strategy == DeadLetterStrategy::AtLeastOnce
    }

    /// Whether a dead letter that is moved back gets another id.
    pub fn redrives_under_new_ids(&self) -> bool {
        self.redrive.as_ref().is_some_and(|redrive| redrive.ids == RedriveIds::New)
    }

    /// Whether a restart of the broker forgets something.
    pub fn restart_forgets(&self, what: Forgotten) -> bool {
        self.broker_restart.as_ref().is_some_and(|restart| restart.forgets.contains(&what))
    }

    /// Whether what the queue gives up goes to the dead letters.
    pub fn has_dead_letters(&self) -> bool {
        self.dead_letter || self.at_limit == Some(AtLimit::DeadLetter)
    }
}

/// Who holds a message until it is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DueTime {
    /// The broker: nobody is given it before. SQS `DelaySeconds` of a message, Pulsar `deliverAt`,
    /// RabbitMQ's plugin for delayed messages.
    #[default]
    Broker,
    /// The consumer: it receives it at once and waits with it in hand. Celery `eta`, `countdown`.
    Worker,
}

/// What a full queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// Drops its oldest message, or dead-letters it.
    #[default]
    DropHead,
    /// Refuses the new one, and tells the producer.
    RejectPublish,
    /// Drops its oldest message, wherever it is: what is in flight counts too, and is not safe.
    /// JetStream `discard=old`, its default.
    DiscardOld,
    /// Refuses the new one, and tells the producer; what is in flight counts too. JetStream
    /// `discard=new`.
    DiscardNew,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            visibility_timeout: Span::from_secs(30),
            consumer_timeout: None,
            on_consumer_timeout: OnConsumerTimeout::CloseChannel,
            delivery_limit: None,
            limit_counts: vec![LimitCount::Delivery],
            limit_checked: LimitChecked::AtReturn,
            at_limit: None,
            delivery_count: DeliveryCount::Durable,
            dead_letter: false,
            dead_letter_strategy: DeadLetterStrategy::AtMostOnce,
            redrive: None,
            requeue_on_disconnect: true,
            requeue_position: RequeuePosition::Same,
            redelivery_delay: None,
            late_settle: LateSettle::Refused,
            repeated_settle: RepeatedSettle::Idempotent,
            max_length: None,
            overflow: Overflow::DropHead,
            dedup_window: None,
            dedup_entries: None,
            broker_restart: None,
            max_in_flight: None,
            max_in_flight_scope: InFlightScope::Subscription,
            acquire_mode: AcquireMode::RecordLimit,
            keeps_settled: false,
            in_flight_after_restart: AfterRestart::Returned,
            message_ttl: Span::MAX,
            retention_time: Span::MAX,
            delivery_delay: Span::default(),
            due_time: DueTime::Broker,
            group_lock: false,
            single_active_consumer: false,
            stored_for_nobody: StoredForNobody::Kept,
            atomic_publish: true,
        }
    }
}

/// What happens to a consumer that takes too long to settle a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnConsumerTimeout {
    /// Its channel is closed: everything unsettled on it comes back, and later acks are refused.
    /// RabbitMQ to 4.2.
    #[default]
    CloseChannel,
    /// It is cancelled: everything that it has unsettled comes back, and later acks are ignored.
    /// Quorum queues since 4.3.
    CancelConsumer,
    /// The message comes back. AMQP 1.0 on quorum queues since 4.3.
    ReturnMessage,
}

/// What makes a delivery count towards the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitCount {
    /// That it began. The others then add nothing.
    Delivery,
    /// That its consumer gave it back by a nack.
    Nack,
    /// That its consumer gave it back by a reject with requeue. Not the REJECT of a share group,
    /// which ends a message.
    Reject,
    /// That its lease, or the consumer timeout, ended it.
    Expiry,
    /// That its connection ended.
    Disconnect,
}

/// When the limit is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitChecked {
    /// When a delivery ends without success. Share groups.
    #[default]
    AtReturn,
    /// When the message would be delivered once more. SQS, JetStream.
    AtDelivery,
}

/// What becomes of a message that was delivered too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AtLimit {
    /// It is dropped.
    Drop,
    /// It goes to the dead letters.
    DeadLetter,
    /// It stays in the queue and is delivered no more. JetStream after `MaxDeliver`.
    Keep,
}

/// How long what was counted is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryCount {
    /// As long as the message is there.
    #[default]
    Durable,
    /// As long as the message is there, but for the deliveries that a restart of the broker ends: a
    /// count is written when a delivery ends. Share groups.
    AtReturn,
    /// Until the broker restarts. Pulsar.
    Volatile,
}

/// Where a message goes that comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequeuePosition {
    /// To its original position. Classic queues of RabbitMQ.
    #[default]
    Same,
    /// Before everything that was never delivered, in order of return. Quorum queues, JetStream.
    Front,
    /// Behind everything.
    End,
}

/// What a settle does that comes too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LateSettle {
    /// It is refused, and its consumer knows. RabbitMQ, SQS FIFO, share groups.
    #[default]
    Refused,
    /// It is confirmed, and nothing happens. SQS standard.
    Ignored,
    /// It counts, whoever holds the message by now. JetStream, Redis Streams, Pulsar.
    Honoured,
}

/// What an ack does that was made before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatedSettle {
    /// It is confirmed once more. SQS, JetStream.
    #[default]
    Idempotent,
    /// It is refused. Redis Streams answers 0.
    Refused,
    /// It closes the channel, and everything unsettled on it comes back. RabbitMQ.
    ClosesChannel,
}

/// How long a message waits before it is ready again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeliveryDelay {
    /// The wait after the first delivery.
    pub after: Span,
    /// Whether it grows by as much with each further delivery. Default `fixed`.
    #[serde(default)]
    pub kind: DelayKind,
    /// The longest wait. Left out, there is no limit.
    #[serde(
        default,
        deserialize_with = "or_none::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub most: Option<Span>,
    /// Which ends of a delivery it follows. Default all: `["nack", "reject", "expiry",
    /// "disconnect"]`.
    #[serde(default = "all_ends")]
    pub on: Vec<DeliveryEnd>,
}

/// How the wait before a redelivery grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DelayKind {
    /// Not at all. Pulsar's `negativeAckRedeliveryDelay`.
    #[default]
    Fixed,
    /// With the number of deliveries. Quorum queues since 4.3.
    Linear,
}

/// How a delivery ends without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryEnd {
    /// Its consumer gives it back by a nack.
    Nack,
    /// Its consumer gives it back by a reject with requeue.
    Reject,
    /// Its lease, or the consumer timeout, ends it.
    Expiry,
    /// Its connection ends.
    Disconnect,
}

fn all_ends() -> Vec<DeliveryEnd> {
    vec![DeliveryEnd::Nack, DeliveryEnd::Reject, DeliveryEnd::Expiry, DeliveryEnd::Disconnect]
}

/// What a cap on what is in flight is a cap of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InFlightScope {
    /// What each consumer has unsettled. Pulsar `maxUnackedMessagesPerConsumer`.
    Consumer,
    /// What all consumers of a subscription have unsettled, and what they gave back and waits.
    /// JetStream.
    #[default]
    Subscription,
    /// The window from the first message that is not finished to the last that was delivered: one
    /// that is stuck holds it. Share groups.
    Partition,
    /// What all consumers of a queue have unsettled; each subscription has a queue of its own. SQS.
    Queue,
}

/// When the cap of a partition is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcquireMode {
    /// For each message.
    #[default]
    RecordLimit,
    /// When a receive begins; it is then answered in full.
    BatchOptimized,
}

/// What a restart of the broker does to what is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterRestart {
    /// It comes back, and its consumers' words are late. RabbitMQ, share groups, Pulsar.
    #[default]
    Returned,
    /// It stays its consumers'. JetStream, Redis Streams, SQS.
    Kept,
}

/// What becomes of a message that is published before any consumer has asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoredForNobody {
    /// It waits. RabbitMQ with a bound queue, SQS; share groups with `share.auto.offset.reset` =
    /// `earliest`.
    #[default]
    Kept,
    /// It is gone, and its producer is not told. Pulsar, a Redis group created at `$`; share groups
    /// with `latest` skip it.
    Dropped,
}
