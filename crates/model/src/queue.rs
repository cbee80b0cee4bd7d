//! What a client asks of a queue broker and what it answers.
//!
//! A publisher sends to the exchange, which stores one copy in every queue: one queue for each
//! subscription. Consumers ask for deliveries and may be parked until there are some; that one
//! request stands for push with credit and for a long poll alike. A delivery is named by its tag,
//! which is unique in the queue and new at every redelivery, as an SQS receipt handle is.

use crate::{Duration, Instant, Output, Record, SubscriptionId, event::SettleTrigger};

/// Names one delivery from one queue. Tags grow; a redelivery has a new one.
pub type DeliveryTag = u64;

/// A message as a queue hands it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Received {
    /// Names this delivery; settle with it.
    pub tag: DeliveryTag,
    /// The message.
    pub record: Record,
    /// How many times the queue has delivered it, this time included.
    pub delivery_count: u16,
    /// Whether a consumer may have seen it before. If it is not set, certainly none has.
    pub redelivered: bool,
}

/// The final word of a consumer about deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settlement {
    /// Processed: the queue forgets the message.
    Ack,
    /// Not processed: put back for redelivery (RabbitMQ `nack`, `requeue=true`).
    Requeue,
    /// Tried, and failed: put back for redelivery as well, but in other words (RabbitMQ `reject`,
    /// `requeue=true`; AMQP 1.0 `modified` with `delivery-failed`). Which of the two counts towards
    /// a delivery limit is a setting of the queue.
    RejectAndRequeue,
    /// Never deliver again: dead-letter it if the queue has a target, else drop it.
    Reject,
    /// Not settled yet: the lease starts anew from now.
    Extend,
}

/// A request to a queue broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Publishes to the exchange.
    Publish {
        /// What to store; the buffer comes back.
        records: Vec<Record>,
        /// Whether a publisher confirm is wanted.
        confirm: bool,
        /// Under which id each is published: 0 is the one that the message has, and any other
        /// number one of its own.
        id: u32,
    },
    /// Asks for deliveries. Parked while nothing is ready or the prefetch is used up, until
    /// `deadline`.
    Receive {
        /// The queue.
        queue: SubscriptionId,
        /// At most this many, and never more than the prefetch leaves.
        max: u32,
        /// Automatic ack: settled at the delivery.
        settle_at_delivery: bool,
        /// An empty buffer for the answer.
        buffer: Vec<Received>,
        /// When to answer with nothing; [`Instant::NEVER`] to wait for as long as it takes.
        deadline: Instant,
    },
    /// Settles deliveries.
    Settle {
        /// The queue.
        queue: SubscriptionId,
        /// Which ones; the buffer comes back.
        tags: Vec<DeliveryTag>,
        /// The consumer's word.
        settlement: Settlement,
        /// Whether each tag stands for all of this client's unsettled deliveries up to it.
        multiple: bool,
        /// What made the client settle; kept in the history to explain a loss.
        trigger: SettleTrigger,
    },
    /// Acks a delivery and publishes what was made of it, both or neither. No product has this.
    SettleAndPublish {
        /// The queue.
        queue: SubscriptionId,
        /// Which one; none to publish only.
        tag: Option<DeliveryTag>,
        /// What was made of it; nothing to ack only.
        output: Option<Output>,
    },
    /// Publishes another copy of a message to its own queue, to be delivered later.
    Retry {
        /// The queue.
        queue: SubscriptionId,
        /// The message.
        record: Record,
        /// How often it was tried: the deliveries of the copy count on from there.
        tried: u16,
        /// How long the queue holds the copy back.
        after: Duration,
    },
    /// Closes the consumer cleanly: what it had unsettled becomes ready again.
    Close {
        /// The queue.
        queue: SubscriptionId,
    },
}

/// An answer of a queue broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// Every queue has stored its copy, or the one queue that was asked to.
    Published {
        /// The buffer of the request, emptied.
        records: Vec<Record>,
    },
    /// The queue is full and refuses; for certain not stored anywhere.
    PublishRefused {
        /// The buffer of the request.
        records: Vec<Record>,
    },
    /// The deliveries; none if the deadline passed.
    Received {
        /// In queue order.
        deliveries: Vec<Received>,
    },
    /// All of them are settled.
    Settled {
        /// The buffer of the request, emptied.
        tags: Vec<DeliveryTag>,
    },
    /// Some were no longer this client's to settle (the lease expired, the channel was closed);
    /// they are left in `tags`. The others are settled.
    Stale {
        /// The tags that were refused.
        tags: Vec<DeliveryTag>,
    },
    /// The consumer is closed.
    Closed,
    /// There is no such queue.
    UnknownQueue,
    /// The queue cannot settle and publish in one step, and has done neither.
    NotAtomic,
}
