//! What a client wants of a broker with a request, whichever model it speaks to.
//!
//! A network that loses requests needs to know no more than this: faults strike a send, a receive
//! or a settle, on a log as on a queue. Simulated and live runs read it here.

use crate::event::SettleTrigger;
use crate::log::TransactionAct;
use crate::{MessageId, SubscriptionId, log, queue};

/// Why a client asks a broker for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestPurpose {
    /// To have messages stored.
    Send,
    /// To get messages of a subscription.
    Receive(SubscriptionId),
    /// To settle messages of a subscription, and what made the client do so.
    Settle(SubscriptionId, SettleTrigger),
    /// To write the effect of a message of a subscription into the broker itself, in a transaction.
    Effect(SubscriptionId),
    /// To become a member of a group, or to begin as a transactional producer.
    Join,
    /// To end its membership or its consumer, as `close()` does.
    Leave,
}

/// A request that says what it is for.
pub trait Purposeful {
    /// Why the client asks.
    fn purpose(&self) -> RequestPurpose;

    /// The message that it asks to have stored, if any; of several the first.
    fn sends(&self) -> Option<MessageId>;
}

impl Purposeful for log::Request {
    #[inline]
    fn purpose(&self) -> RequestPurpose {
        match self {
            Self::Produce { .. } | Self::AwaitReplication { .. } => RequestPurpose::Send,
            Self::Fetch { group, .. } => RequestPurpose::Receive(*group),
            Self::Commit { group, trigger, .. } => RequestPurpose::Settle(*group, *trigger),
            Self::Join { .. } => RequestPurpose::Join,
            Self::Leave { .. } => RequestPurpose::Leave,
            Self::Transact { of, act, .. } => match act {
                TransactionAct::Init { .. } => RequestPurpose::Join,
                TransactionAct::Produce { .. } => RequestPurpose::Effect(*of),
                TransactionAct::AddOffsets { .. } | TransactionAct::End { .. } => {
                    RequestPurpose::Settle(*of, SettleTrigger::Application)
                }
            },
        }
    }

    #[inline]
    fn sends(&self) -> Option<MessageId> {
        match self {
            Self::Produce { records, .. } => records.first().map(|record| record.message),
            Self::Transact { act: TransactionAct::Produce { records, .. }, .. } => {
                records.first().map(|output| output.record.message)
            }
            _ => None,
        }
    }
}

impl Purposeful for queue::Request {
    #[inline]
    fn purpose(&self) -> RequestPurpose {
        match self {
            Self::Publish { .. } | Self::Retry { .. } => RequestPurpose::Send,
            Self::Receive { queue, .. } => RequestPurpose::Receive(*queue),
            Self::Settle { queue, trigger, .. } => RequestPurpose::Settle(*queue, *trigger),
            Self::SettleAndPublish { queue, .. } => {
                RequestPurpose::Settle(*queue, SettleTrigger::Application)
            }
            Self::Close { .. } => RequestPurpose::Leave,
        }
    }

    #[inline]
    fn sends(&self) -> Option<MessageId> {
        match self {
            Self::Publish { records, .. } => records.first().map(|record| record.message),
            Self::Retry { record, .. } => Some(record.message),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Generation;
    use crate::time::Instant;

    const GROUP: SubscriptionId = SubscriptionId(3);

    /// The same purpose on both models, with the subscription that it is about.
    #[test]
    fn both_models_ask_for_the_same_things() {
        let (trigger, generation) = (SettleTrigger::Application, Generation(1));
        let check = |log: log::Request, queue: queue::Request, expect| {
            assert_eq!((log.purpose(), queue.purpose()), (expect, expect));
        };
        check(
            log::Request::Commit { group: GROUP, generation, offsets: Vec::new(), trigger },
            queue::Request::Settle {
                queue: GROUP,
                tags: Vec::new(),
                settlement: queue::Settlement::Ack,
                multiple: false,
                trigger,
            },
            RequestPurpose::Settle(GROUP, trigger),
        );
        check(
            log::Request::Fetch {
                group: GROUP,
                generation,
                positions: Vec::new(),
                max_records: 1,
                buffer: Vec::new(),
                deadline: Instant::NEVER,
            },
            queue::Request::Receive {
                queue: GROUP,
                max: 1,
                settle_at_delivery: false,
                buffer: Vec::new(),
                deadline: Instant::NEVER,
            },
            RequestPurpose::Receive(GROUP),
        );
        check(
            log::Request::Leave { group: GROUP },
            queue::Request::Close { queue: GROUP },
            RequestPurpose::Leave,
        );
        assert_eq!(
            log::Request::Join { group: GROUP, has: Generation(0) }.purpose(),
            RequestPurpose::Join
        );
    }
}
