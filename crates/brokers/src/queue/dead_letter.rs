//! Giving up: what becomes of a message that a queue will not deliver again.
//!
//! > **The rule.** With a dead-letter target it goes there; without one it is gone. The limit is
//! > checked when a delivery ends without success, or by a setting when the next one is due: a
//! > message with a limit of 1 is delivered once either way.
//!
//! A delivery ends without success by a nack, by a reject with requeue, by its lease or with its
//! connection. All of them count, as in RabbitMQ 4.0 to 4.2; since 4.3 `basic.nack` does not, and
//! requeueing a poison message by it goes on for ever again [RMQ-QQ]. On its way to the target a
//! dead letter may be lost or doubled: `transfers.rs`.

use entrega_model::event::{DeadLetterReason, RemoveReason};
use entrega_model::{Kind, MessageId, SubscriptionId};

/// Why a queue gives a message up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Its consumer said so.
    Rejected,
    /// It was delivered too often.
    DeliveryLimit,
    /// The queue was full.
    Overflow,
    /// Its time to live had ended when it was first in line.
    Ttl,
}

impl GivenUp {
    /// The one event that tells where the message went.
    pub(super) fn event(
        self,
        message: MessageId,
        subscription: SubscriptionId,
        dead_letter: bool,
    ) -> Kind {
        if dead_letter {
            let reason = match self {
                Self::Rejected => DeadLetterReason::Rejected,
                Self::DeliveryLimit => DeadLetterReason::DeliveryLimit,
                Self::Overflow => DeadLetterReason::Overflow,
                Self::Ttl => DeadLetterReason::Ttl,
            };
            return Kind::DeadLettered { message, subscription, reason };
        }
        let reason = match self {
            Self::Rejected => RemoveReason::Settled,
            Self::DeliveryLimit => RemoveReason::DeliveryLimit,
            Self::Overflow => RemoveReason::Overflow,
            Self::Ttl => RemoveReason::Ttl,
        };
        Kind::Removed { message, subscription: Some(subscription), reason }
    }
}

/// Whether a message that was delivered so often is not delivered again.
pub(super) fn limit_reached(delivery_limit: Option<u16>, delivery_count: u16) -> bool {
    delivery_limit.is_some_and(|limit| delivery_count >= limit)
}
