//! The events of a run, as somebody looks things up in them who asks about one message.

use entrega_model::event::{EffectVerdict, SettleAct, SettleTrigger};
use entrega_model::{DeliveryId, Event, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};
use entrega_scenario::Cast;

/// One message of one subscription in a run. Places in the run are indices of events.
pub(super) struct Chronicle<'a> {
    pub(super) events: &'a [Event],
    pub(super) subscription: SubscriptionId,
    pub(super) id: MessageId,
    cast: &'a Cast,
    /// Partition and offset, if the broker is a log.
    position: Option<(PartitionId, u64)>,
}

/// A hand-over of the message to a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HandOver {
    pub(super) at: usize,
    pub(super) delivery: DeliveryId,
    pub(super) consumer: ProcessId,
    pub(super) position: u64,
    pub(super) redelivered: bool,
}

/// The broker's record that the message is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settle {
    pub(super) at: usize,
    pub(super) consumer: ProcessId,
    pub(super) trigger: SettleTrigger,
}

/// An effect of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) at: usize,
    pub(super) delivery: DeliveryId,
    pub(super) consumer: ProcessId,
}

impl<'a> Chronicle<'a> {
    pub(super) fn new(
        events: &'a [Event],
        cast: &'a Cast,
        subscription: SubscriptionId,
        id: MessageId,
    ) -> Self {
        let position = events.iter().find_map(|event| match event.kind {
            Kind::Stored { message, subscription: None, partition, position, .. }
                if message == id =>
            {
                Some((partition, position))
            }
            _ => None,
        });
        Self { events, subscription, id, cast, position }
    }

    /// What the message is called.
    pub(super) fn message(&self) -> String {
        super::name(self.id)
    }

    /// What a process is called.
    pub(super) fn name(&self, process: ProcessId) -> String {
        self.cast.name(process)
    }

    /// What the subscription is called.
    pub(super) fn subscription_name(&self) -> &str {
        let name = self.cast.subscriptions().get(self.subscription.index());
        name.map_or("the subscription", String::as_str)
    }

    /// Whose consumer a process is.
    pub(super) fn subscription_of(&self, process: ProcessId) -> Option<SubscriptionId> {
        self.cast.subscription_of(process)
    }

    /// Whether a process is a producer.
    pub(super) fn is_producer(&self, process: ProcessId) -> bool {
        self.cast.is_producer(process)
    }

    /// Where the message is in the log.
    pub(super) fn partition(&self) -> Option<PartitionId> {
        self.position.map(|(partition, _)| partition)
    }

    /// Whether the message stands in this partition before an offset.
    pub(super) fn is_before(&self, partition: PartitionId, offset: u64) -> bool {
        self.position.is_some_and(|(of, position)| of == partition && position < offset)
    }

    /// The first event from `from` on that `is` says yes to.
    pub(super) fn first(&self, from: usize, is: impl Fn(&Kind) -> bool) -> Option<usize> {
        let found = self.events.iter().skip(from).position(|event| is(&event.kind));
        found.map(|offset| from + offset)
    }

    /// The last event before `until` that `is` says yes to.
    pub(super) fn last(&self, until: usize, is: impl Fn(&Kind) -> bool) -> Option<usize> {
        self.events[..until.min(self.events.len())].iter().rposition(|event| is(&event.kind))
    }

    /// When copies of it were stored.
    pub(super) fn stored(&self) -> Vec<usize> {
        self.all(|kind| {
            matches!(*kind, Kind::Stored { message, subscription, .. }
                if message == self.id && subscription.is_none_or(|of| of == self.subscription))
        })
    }

    /// Its effects, in order.
    pub(super) fn effects(&self) -> Vec<Applied> {
        let effects = self.events.iter().enumerate().filter_map(|(at, event)| match event.kind {
            Kind::Effect { delivery, message, subscription, consumer, verdict, .. }
                if (message, subscription) == (self.id, self.subscription)
                    && verdict == EffectVerdict::Applied =>
            {
                Some(Applied { at, delivery, consumer })
            }
            _ => None,
        });
        effects.collect()
    }

    /// Its dead letters, in order.
    pub(super) fn dead_letters(&self) -> Vec<usize> {
        self.all(|kind| {
            matches!(*kind, Kind::DeadLettered { message, subscription, .. }
                if (message, subscription) == (self.id, self.subscription))
        })
    }

    /// Its hand-overs to the application, in order.
    pub(super) fn hand_overs(&self) -> Vec<HandOver> {
        let found = self.events.iter().enumerate().filter_map(|(at, event)| match event.kind {
            Kind::Delivered {
                delivery,
                message,
                subscription,
                consumer,
                position,
                redelivered,
                ..
            } if (message, subscription) == (self.id, self.subscription) => {
                Some(HandOver { at, delivery, consumer, position, redelivered })
            }
            _ => None,
        });
        found.collect()
    }

    /// The first final word about it that the broker recorded: an ack or reject of exactly it, or a
    /// committed offset behind it.
    pub(super) fn settle(&self) -> Option<Settle> {
        self.events.iter().enumerate().find_map(|(at, event)| match event.kind {
            Kind::Settled { message, subscription, consumer, act, trigger }
                if (message, subscription) == (self.id, self.subscription)
                    && matches!(act, SettleAct::Ack | SettleAct::Reject) =>
            {
                Some(Settle { at, consumer, trigger })
            }
            Kind::Committed { subscription, consumer, partition, upto, trigger, .. }
                if subscription == self.subscription
                    && self
                        .position
                        .is_some_and(|(of, offset)| of == partition && offset < upto) =>
            {
                Some(Settle { at, consumer, trigger })
            }
            _ => None,
        })
    }

    /// The message that a consumer asked to settle with what the broker recorded at `at`.
    pub(super) fn asked_to_settle(&self, settle: &Settle) -> Option<MessageId> {
        let asked = match self.events[settle.at].kind {
            Kind::Settled { message, .. } if self.settle_invoked(settle.consumer, 0, settle.at) => {
                return Some(message);
            }
            Kind::Settled { .. } => self.last(settle.at, |kind| {
                matches!(*kind, Kind::SettleInvoked { consumer, .. } if consumer == settle.consumer)
            })?,
            Kind::Committed { upto, .. } => self.last(settle.at, |kind| {
                matches!(*kind, Kind::SettleInvoked { consumer, partition, position, .. }
                    if consumer == settle.consumer
                        && Some(partition) == self.partition()
                        && position + 1 == upto)
            })?,
            _ => return None,
        };
        match self.events[asked].kind {
            Kind::SettleInvoked { message, .. } => Some(message),
            _ => None,
        }
    }

    /// What settled the message is called, as a noun.
    pub(super) fn settle_noun(&self, settle: &Settle) -> &'static str {
        match self.events[settle.at].kind {
            Kind::Settled { act: SettleAct::Reject, .. } => "reject",
            Kind::Settled { .. } => "ack",
            _ => "commit",
        }
    }

    /// Whether `consumer` asked to settle exactly this message between two places.
    pub(super) fn settle_invoked(&self, consumer: ProcessId, from: usize, until: usize) -> bool {
        let asked = self.first(from, |kind| {
            matches!(*kind, Kind::SettleInvoked { message, consumer: by, .. }
                if (message, by) == (self.id, consumer))
        });
        asked.is_some_and(|at| at < until)
    }

    /// Whether applications settle by themselves in this subscription, and not their client
    /// libraries.
    pub(super) fn application_settles(&self) -> bool {
        let settles = |kind: &Kind| {
            matches!(*kind, Kind::SettleInvoked { subscription, trigger, .. }
                if subscription == self.subscription && trigger == SettleTrigger::Application)
        };
        self.first(0, settles).is_some()
    }

    fn all(&self, is: impl Fn(&Kind) -> bool) -> Vec<usize> {
        let found = self.events.iter().enumerate().filter(|(_, event)| is(&event.kind));
        found.map(|(at, _)| at).collect()
    }
}

/// `twice`, `3 times`.
pub(super) fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}
