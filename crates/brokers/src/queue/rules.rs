//! Where real queues differ in what they do with a delivery that ends badly or late.
//!
//! > **The rule.** One name for one question, and each answer is what some real system does. The
//! > defaults are the strict ones: a word that comes too late is refused, one that is repeated does
//! > no harm, and every delivery counts.
//!
//! The profiles (`crates/scenario/src/profile/*.toml`) say which system answers how, with sources.

use entrega_model::Duration;
use entrega_model::queue::Settlement;

/// Answers to questions that real queues answer differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What a settle does that comes after the lease or the connection of its delivery has ended.
    pub late_settle: LateSettle,
    /// What a settle does that its client has made before.
    pub repeated_settle: RepeatedSettle,
    /// Which deliveries count towards `delivery_limit`.
    pub limit_counts: LimitCounts,
    /// When the limit is looked at.
    pub limit_checked: LimitChecked,
    /// Whether a message that was delivered too often stays in the queue and is delivered no more
    /// (JetStream after `MaxDeliver`), instead of being dropped or dead-lettered.
    pub keeps_at_limit: bool,
    /// Whether what was counted survives a restart of the broker. Not in Pulsar, which counts in
    /// memory.
    pub counts_survive_restart: bool,
    /// Where a message goes that comes back.
    pub requeue_position: RequeuePosition,
    /// What the end of a lease means.
    pub at_lease_end: AtLeaseEnd,
    /// How long a message waits before it is ready again.
    pub redelivery_delay: RedeliveryDelay,
}

/// What becomes of a settle whose delivery has ended without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateSettle {
    /// It is refused, and its client knows: RabbitMQ, SQS FIFO, Kafka's share groups.
    Refused,
    /// It is confirmed, and nothing happens: SQS standard, quorum queues since 4.3.
    Ignored,
    /// It counts, whoever holds the message by now: JetStream, Redis Streams, Pulsar.
    Honoured,
}

/// What becomes of an ack that its client has made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatedSettle {
    /// It is confirmed once more: SQS, JetStream.
    Idempotent,
    /// It is refused: a client that asks whether its ack counted is told no (Redis answers 0).
    Refused,
    /// It closes the channel, and everything unsettled on it comes back: RabbitMQ (406).
    ClosesChannel,
}

/// Which deliveries count towards the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LimitCounts {
    /// Each delivery, when it begins. The others count when a delivery ends, and only where this
    /// does not.
    pub deliveries: bool,
    /// Those that a consumer gave back by a nack.
    pub nacks: bool,
    /// Those that a consumer gave back by a reject with requeue.
    pub rejects: bool,
    /// Those whose lease ran out.
    pub expiries: bool,
    /// Those whose connection ended.
    pub disconnects: bool,
}

/// When the limit is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitChecked {
    /// When a delivery ends without success.
    AtReturn,
    /// When the message would be delivered once more.
    AtDelivery,
}

/// Where in the queue a message goes that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequeuePosition {
    /// To its original position: classic queues.
    Same,
    /// Before everything that was never delivered, in order of return: quorum queues, JetStream.
    Front,
    /// Behind everything.
    End,
}

/// What the end of a lease means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLeaseEnd {
    /// The message comes back.
    ReturnMessage,
    /// The channel is closed, and everything comes back that its consumer has unsettled: RabbitMQ's
    /// `consumer_timeout` to 4.2.
    CloseChannel,
    /// The same, but the channel stays open, and a late word about what was taken is ignored:
    /// quorum queues since 4.3.
    CancelConsumer,
}

/// How long a message waits before it is ready again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedeliveryDelay {
    /// The wait after the first delivery; zero for none.
    pub after: Duration,
    /// Whether it grows by as much with each further delivery.
    pub linear: bool,
    /// The longest wait.
    pub most: Duration,
    /// Whether it is for messages that a consumer gave back by a nack.
    pub on_nack: bool,
    /// Whether it is for those that a consumer gave back by a reject with requeue.
    pub on_reject: bool,
    /// Whether it is for those whose lease ran out.
    pub on_expiry: bool,
    /// Whether it is for those whose connection ended.
    pub on_disconnect: bool,
}

/// Why a delivery ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Return {
    /// By a nack of its consumer.
    Nack,
    /// By a reject with requeue of its consumer.
    Reject,
    /// By its lease.
    Expiry,
    /// With its connection.
    Disconnect,
}

impl Return {
    /// By which word a consumer gave its message back.
    pub(super) fn by(word: Settlement) -> Self {
        if word == Settlement::RejectAndRequeue { Self::Reject } else { Self::Nack }
    }
}

impl Rules {
    /// Whether a word may be more than refused that comes after the connection of its delivery has
    /// ended.
    pub(super) fn hear_late(&self) -> bool {
        self.late_settle != LateSettle::Refused || self.at_lease_end == AtLeaseEnd::CancelConsumer
    }

    /// What becomes of a late word about a delivery that ended by its lease, or in another way.
    pub(super) fn late_settle_after(&self, lease: bool) -> LateSettle {
        if lease && self.at_lease_end == AtLeaseEnd::CancelConsumer {
            LateSettle::Ignored
        } else {
            self.late_settle
        }
    }
}

impl LimitCounts {
    /// Every delivery counts, however it ends.
    pub const DELIVERIES: Self = Self {
        deliveries: true,
        nacks: false,
        rejects: false,
        expiries: false,
        disconnects: false,
    };

    /// Whether a delivery counts because of how it ended.
    pub(super) fn ends(self, how: Return) -> bool {
        !self.deliveries
            && match how {
                Return::Nack => self.nacks,
                Return::Reject => self.rejects,
                Return::Expiry => self.expiries,
                Return::Disconnect => self.disconnects,
            }
    }
}

impl RedeliveryDelay {
    /// Messages are ready again at once.
    pub const NONE: Self = Self {
        after: Duration::ZERO,
        linear: false,
        most: Duration::MAX,
        on_nack: false,
        on_reject: false,
        on_expiry: false,
        on_disconnect: false,
    };

    /// How long a message waits that came back in this way from its `delivery_count`th delivery.
    pub(super) fn of(&self, how: Return, delivery_count: u16) -> Duration {
        let is_for = match how {
            Return::Nack => self.on_nack,
            Return::Reject => self.on_reject,
            Return::Expiry => self.on_expiry,
            Return::Disconnect => self.on_disconnect,
        };
        let times = if self.linear { u64::from(delivery_count) } else { 1 };
        if is_for { self.after.saturating_mul(times).min(self.most) } else { Duration::ZERO }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            late_settle: LateSettle::Refused,
            repeated_settle: RepeatedSettle::Idempotent,
            limit_counts: LimitCounts::DELIVERIES,
            limit_checked: LimitChecked::AtReturn,
            keeps_at_limit: false,
            counts_survive_restart: true,
            requeue_position: RequeuePosition::Same,
            at_lease_end: AtLeaseEnd::ReturnMessage,
            redelivery_delay: RedeliveryDelay::NONE,
        }
    }
}
