//! How a queue behaves: its settings, by the names that real systems use.
//!
//! The defaults are those of a RabbitMQ quorum queue, except for the lease on every delivery, which
//! is that of SQS [RMQ-QQ], [SQS-VIS]. An SQS-like queue is the default with
//! `requeue_on_disconnect` and `delivery_limit` off; a classic RabbitMQ queue is the default with
//! `delivery_limit` off and a `visibility_timeout` of [`Duration::MAX`].
//!
//! A scenario file has defaults of its own, and sets every field: with it, these do not matter.

use std::sync::Arc;

use entrega_model::{Duration, Instant, MessageId};

pub use super::features::{Features, MaxInFlight, Scope};
pub use super::rules::{
    AtLeaseEnd, LateSettle, LimitChecked, LimitCounts, RedeliveryDelay, RepeatedSettle,
    RequeuePosition, Rules,
};

/// The settings of a [`super::QueueBroker`]; all its queues share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// How many queues are bound to the exchange, one for each subscription. Default: 1.
    pub queues: u8,
    /// The lease on every delivery: unsettled for so long, the message is ready again. The default
    /// of SQS, of JetStream's `AckWait` and of Kafka's share groups: 30 s. [`Duration::MAX`]: no
    /// lease.
    pub visibility_timeout: Duration,
    /// How many deliveries a client may have unsettled in one queue; 0, the default of RabbitMQ,
    /// means unlimited. JetStream's `MaxAckPending` is 1000.
    pub prefetch: u32,
    /// After how many deliveries without success a queue gives a message up. RabbitMQ's quorum
    /// queues count redeliveries since 4.0, 20 of them; here the first delivery counts. SQS has no
    /// such limit (`None`) unless there is a redrive policy.
    pub delivery_limit: Option<u16>,
    /// Whether a dead-letter queue is attached. By default there is none, in RabbitMQ as in SQS,
    /// and what is given up is gone.
    pub dead_letter: bool,
    /// Whether the driver decides what becomes of each dead letter on its way; see
    /// [`Broker::next_transfer`](crate::Broker::next_transfer). By default every one arrives.
    pub reports_transfers: bool,
    /// Whether the end of a connection requeues what its client has unsettled: so in RabbitMQ, and
    /// by default. SQS knows no connections: there only the lease brings a message back.
    pub requeue_on_disconnect: bool,
    /// How many ready messages a queue may hold; those in flight do not count. Default: no bound,
    /// as in RabbitMQ.
    pub max_length: Option<u32>,
    /// What a full queue does. The default of RabbitMQ: [`Overflow::DropHead`].
    pub overflow: Overflow,
    /// For how long the exchange remembers the id of a message that it has stored, and stores no
    /// second copy: JetStream 2 min, SQS FIFO 5 min. RabbitMQ and standard SQS queues have no such
    /// window, and by default there is none.
    pub dedup_window: Option<Duration>,
    /// How many ids it remembers within the window: Redis (`IDMP`) 100 for each producer. Default:
    /// no bound, as in JetStream and SQS FIFO.
    pub dedup_entries: Option<u32>,
    /// What a restart forgets of what was stored and settled. Default: nothing, the disk is intact.
    pub forgets: Option<Forgets>,
    /// Whether a consumer can ack a message and publish what it made of it in one step. No product
    /// can: AMQP transactions promise it for a single queue at most, and not under a fault
    /// [RMQ-SEM]. Default: no.
    pub atomic_publish: bool,
    /// Before which time each message is not delivered, by its id; of one that is not in the table,
    /// whenever it is stored. It stands for a header of the message, which stays where its body is:
    /// RabbitMQ `x-delay`, Pulsar `deliverAt`, SQS `DelaySeconds` of a message. By default no
    /// message has one.
    pub not_before: Option<Arc<[Instant]>>,
    /// What else real queues do differently. The default is strict.
    pub rules: Rules,
    /// What only some queues have. By default nothing.
    pub features: Features,
}

impl QueueSettings {
    /// After how long something becomes of a delivery that nobody settles.
    pub(super) fn lease_length(&self) -> Duration {
        self.features.claim_min_idle.unwrap_or(self.visibility_timeout)
    }

    /// Until when a message that is stored now waits for its first delivery, if it has to.
    pub(super) fn held_until(&self, message: MessageId, now: Instant) -> Option<Instant> {
        let delayed = self.features.delivery_delay.map(|delay| now + delay);
        let due = self.not_before.as_ref().and_then(|all| all.get(message.index()).copied());
        delayed.max(due).filter(|until| *until > now)
    }
}

/// What a broker forgets of the time just before a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgets {
    /// The messages that it stored.
    pub messages: bool,
    /// The acks and rejects that it recorded.
    pub settles: bool,
    /// How far back. JetStream `sync_interval` 2 min; Pulsar writes a cursor once a second.
    pub of_the_last: Duration,
}

/// What happens when a queue holds more messages than `max_length`: ready ones, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// RabbitMQ `drop-head`: the oldest ready message is dropped or dead-lettered, although its
    /// producer has a confirm for it.
    DropHead,
    /// RabbitMQ `reject-publish`: the publish is refused, and its producer knows.
    RejectPublish,
    /// JetStream `discard=old`: the oldest message goes, wherever it is. What is in flight counts,
    /// and is not safe.
    DiscardOld,
    /// JetStream `discard=new`: as `RejectPublish`, but what is in flight counts.
    DiscardNew,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            queues: 1,
            visibility_timeout: Duration::from_secs(30),
            prefetch: 0,
            delivery_limit: Some(20),
            dead_letter: false,
            reports_transfers: false,
            requeue_on_disconnect: true,
            max_length: None,
            overflow: Overflow::DropHead,
            dedup_window: None,
            dedup_entries: None,
            forgets: None,
            atomic_publish: false,
            not_before: None,
            rules: Rules::default(),
            features: Features::default(),
        }
    }
}
