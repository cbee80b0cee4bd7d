//! Possessions: which process held which message, from when, and what ended it.
//!
//! > **The rule.** Possessions are worked out once for a run, in one pass over its events. An end
//! > belongs to the possession whose holder it befell: what befalls another holder of the message,
//! > or the same process in a later life, ends another possession.
//!
//! A possession begins when a message is delivered to an application. A client library may hold the
//! message before that. No event says so, but one may end such a possession: its lease expires in
//! the buffer, or the broker records an automatic ack. If the library delivers the message all the
//! same, the delivery belongs to the possession that has already ended. On a log, a consumer holds
//! the messages of the partitions that it owns, so a message that is delivered after its consumer
//! lost the partition is one whose possession has already ended, too.
//!
//! A process whose possession has ended may go on as a zombie. [`Possession::ends`] therefore lists
//! everything that would have ended it; the first is what did.
//!
//! * `reader`: the pass over the events.

mod reader;

use std::collections::BTreeMap;

use entrega_model::event::SettleTrigger;
use entrega_model::{
    DeliveryId, Event, Instant, MessageId, PartitionId, ProcessId, SubscriptionId,
};

/// A place in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The index of the event.
    pub event: usize,
    /// When it happened.
    pub at: Instant,
}

/// A process holds a message of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possession {
    /// The message.
    pub message: MessageId,
    /// The subscription for which it is held.
    pub subscription: SubscriptionId,
    /// The process that holds it.
    pub process: ProcessId,
    /// Where it begins: at the delivery to the application. If it ended before that, the earliest
    /// place at which the process can have had the message.
    pub from: Place,
    /// The delivery to the application, if the process got that far.
    pub delivery: Option<Delivery>,
    /// Which attempt at delivering the message it is, from 1.
    pub attempt: u16,
    /// What ends it, in the order of the run: the first end does. Later ones befall a process that
    /// goes on with a message that it no longer holds.
    pub ends: Vec<End>,
    /// Where the effects of this delivery were applied.
    pub effects: Vec<Place>,
    /// Where the handler ended with success.
    pub processed: Option<Place>,
}

/// A delivery of a message to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where it happens.
    pub place: Place,
    /// The partition of the message; 0 in a queue.
    pub partition: PartitionId,
    /// The offset of the message, or its number in a queue.
    pub position: u64,
    /// Whether the broker says that it is a redelivery.
    pub redelivered: bool,
}

/// The end of a possession.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Where.
    pub place: Place,
    /// How.
    pub how: Ending,
}

/// How a possession ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The broker recorded the holder's ack or reject, or on a log a committed offset behind the
    /// message.
    Settled,
    /// The holder gave the message back.
    GivenBack,
    /// The holder's lease ran out.
    LeaseExpired,
    /// The message went back to its queue because the holder's connection ended.
    Requeued,
    /// The holder's session ran out, and with it the ownership of its partitions.
    SessionExpired,
    /// The holder left its group because it had not polled for too long.
    MaxPollExceeded,
    /// The group went on without the holder, which had not rejoined it within `rebalance_timeout`.
    /// No event says so, but another consumer is assigned a partition that the holder has neither
    /// given up nor lost by anything that is recorded.
    NotRejoined,
    /// The holder gave the partition up in a rebalance.
    Revoked,
    /// The holder learnt that it had lost the partition.
    PartitionLost,
    /// The holder moved its position back to the message or before it; or, if the message was
    /// settled, another consumer of the subscription did.
    SoughtBack,
    /// The holder died.
    Crashed,
    /// The holder left.
    Exited,
    /// The broker restarted and forgot who held what.
    BrokerRestarted,
}

/// The broker's first final word about a message: an ack or reject of exactly it, or a committed
/// offset behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// Where it was recorded.
    pub place: Place,
    /// Whose settle it was. On a log it need not have held the message.
    pub process: ProcessId,
    /// What made it settle.
    pub trigger: SettleTrigger,
}

/// All possessions of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Possessions {
    all: Vec<Possession>,
    of: BTreeMap<(SubscriptionId, MessageId), Vec<usize>>,
    by_delivery: BTreeMap<DeliveryId, usize>,
    settles: BTreeMap<(SubscriptionId, MessageId), Settle>,
    positions: BTreeMap<MessageId, (PartitionId, u64)>,
}

impl Possessions {
    /// The possessions of a run.
    pub fn of_run(events: &[Event]) -> Self {
        reader::read(events)
    }

    /// All of them, in the order in which events first show them.
    pub fn all(&self) -> &[Possession] {
        &self.all
    }

    /// Those of one message in one subscription, in the order in which events first show them.
    pub fn of(
        &self,
        subscription: SubscriptionId,
        message: MessageId,
    ) -> impl DoubleEndedIterator<Item = &Possession> {
        let places = self.of.get(&(subscription, message)).map_or(&[][..], Vec::as_slice);
        places.iter().map(|&place| &self.all[place])
    }

    /// The possession to which a delivery belongs.
    pub fn by_delivery(&self, delivery: DeliveryId) -> Option<&Possession> {
        self.by_delivery.get(&delivery).map(|&place| &self.all[place])
    }

    /// The broker's first final word about a message.
    pub fn settle(&self, subscription: SubscriptionId, message: MessageId) -> Option<Settle> {
        self.settles.get(&(subscription, message)).copied()
    }

    /// Partition and offset of the first copy of a message, if the broker is a log.
    pub fn position(&self, message: MessageId) -> Option<(PartitionId, u64)> {
        self.positions.get(&message).copied()
    }
}

impl Possession {
    /// What ended it, if anything did.
    pub fn end(&self) -> Option<End> {
        self.ends.first().copied()
    }

    /// Whether it ended before the message was delivered to the application.
    pub fn ends_in_buffer(&self) -> bool {
        let ended = self.end().map(|end| end.place.event);
        match (ended, self.delivery) {
            (Some(ended), Some(delivery)) => ended < delivery.place.event,
            (ended, None) => ended.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// Whether the holder's process has ended since.
    fn is_gone(&self) -> bool {
        self.ends.iter().any(|end| matches!(end.how, Ending::Crashed | Ending::Exited))
    }

    /// Whether the broker has recorded its end, and may have given the message to another process.
    fn is_released(&self) -> bool {
        self.ends.iter().any(|end| end.how.releases())
    }
}

impl Ending {
    /// Whether the message is settled with it, and not to be delivered again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Settled)
    }

    /// Whether a queue takes the message back with it, and counts that.
    pub(crate) const fn returns(self) -> bool {
        matches!(self, Self::GivenBack | Self::LeaseExpired | Self::Requeued)
    }

    const fn releases(self) -> bool {
        match self {
            Self::Settled
            | Self::GivenBack
            | Self::LeaseExpired
            | Self::Requeued
            | Self::BrokerRestarted => true,
            Self::SessionExpired
            | Self::MaxPollExceeded
            | Self::NotRejoined
            | Self::Revoked
            | Self::PartitionLost
            | Self::SoughtBack
            | Self::Crashed
            | Self::Exited => false,
        }
    }
}

#[cfg(test)]
mod tests;
