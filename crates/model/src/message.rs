//! What a broker stores and what a consumer holds. Bodies stay where the workload keeps them: ids
//! travel, so that a simulated message costs a few machine words.

use crate::{DeliveryId, Generation, Instant, Key, MessageId, PartitionId};

/// A message on its way into a broker, or stored in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The producer's id for it; the same on every retry, so it serves as an idempotency key.
    pub message: MessageId,
    /// Decides the partition on a log, and the order that the checker looks at.
    pub key: Key,
    /// Size of the body in bytes; counts towards retention and length limits.
    pub bytes: u32,
}

/// A record that an application writes into the broker itself, where it is the effect of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Output {
    /// The record. It has the name of the message that it was made of.
    pub record: Record,
    /// The delivery that it was made of.
    pub delivery: DeliveryId,
}

/// One stored message, delivered once to one consumer incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// Unique in the run; names this delivery, not the message.
    pub id: DeliveryId,
    /// The message and its key.
    pub record: Record,
    /// The partition on a log; partition 0 on a queue.
    pub partition: PartitionId,
    /// The offset on a log; the delivery tag (receipt handle) on a queue.
    pub position: u64,
    /// The delivery number that the broker knows: 1 at first. A log does not count; it is 1 there.
    pub attempt: u16,
    /// Whether the broker says that it may have been delivered before.
    pub redelivered: bool,
    /// The assignment under which it was delivered; always 0 on a queue.
    pub generation: Generation,
    /// When it was delivered.
    pub at: Instant,
}
