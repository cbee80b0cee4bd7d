//! One message of one subscription in a run: what stories look up about it.

use entrega_model::event::{EffectVerdict, SettleAct};
use entrega_model::{DeliveryId, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};

use crate::possessions::{Possession, Settle};
use crate::run::{Run, first, last};
use crate::words::{self, Words};

/// One message of one subscription in a run. Places in the run are indices of events.
pub(super) struct Chronicle<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) subscription: SubscriptionId,
    pub(super) id: MessageId,
}

/// A delivery of the message to an application, and the possession that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivered<'a> {
    pub(super) at: usize,
    pub(super) id: DeliveryId,
    pub(super) consumer: ProcessId,
    pub(super) position: u64,
    pub(super) redelivered: bool,
    pub(super) possession: &'a Possession,
}

/// Whether a consumer asked to settle a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It did not.
    Not,
    /// It did, and has no answer.
    InVain,
    /// It did, and knows what came of it.
    WithAnswer,
}

/// An effect of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) at: usize,
    pub(super) delivery: DeliveryId,
    pub(super) consumer: ProcessId,
}

impl<'a> Chronicle<'a> {
    pub(super) fn new(run: &'a Run<'a>, subscription: SubscriptionId, id: MessageId) -> Self {
        Self { run, subscription, id }
    }

    /// What the message is called.
    pub(super) fn message(&self) -> String {
        words::name(self.id)
    }

    /// What a process is called.
    pub(super) fn name(&self, process: ProcessId) -> String {
        self.run.cast.name(process)
    }

    /// The same in a sentence: `the producer`, if there is only one.
    pub(super) fn subject(&self, process: ProcessId) -> String {
        let is_sole = self.run.cast.sole_producer() == Some(process);
        if is_sole { format!("the {}", self.name(process)) } else { self.name(process) }
    }

    /// What the subscription is called.
    pub(super) fn subscription_name(&self) -> &str {
        let name = self.run.cast.subscriptions().get(self.subscription.index());
        name.map_or("the subscription", String::as_str)
    }

    /// The subscription that a process reads.
    pub(super) fn subscription_of(&self, process: ProcessId) -> Option<SubscriptionId> {
        self.run.cast.subscription_of(process)
    }

    /// What happened at a place.
    pub(super) fn kind(&self, at: usize) -> &'a Kind {
        self.run.kind(at)
    }

    /// The words for what happened at a place.
    pub(super) fn words(&self, at: usize) -> Words {
        self.run.words(at, Some(self.subscription))
    }

    /// How many events there are.
    pub(super) fn end(&self) -> usize {
        self.run.events.len()
    }

    /// Where the message is in the log.
    pub(super) fn partition(&self) -> Option<PartitionId> {
        self.run.possessions.position(self.id).map(|(partition, _)| partition)
    }

    /// When copies of it were stored.
    pub(super) fn stored(&self) -> Vec<usize> {
        self.all(|kind| {
            matches!(*kind, Kind::Stored { subscription, .. }
                if subscription.is_none_or(|of| of == self.subscription))
        })
    }

    /// Where it was first stored; the beginning of the run if no event says so.
    pub(super) fn first_stored(&self) -> usize {
        self.stored().first().copied().unwrap_or(0)
    }

    /// Its effects, in the order of the run.
    pub(super) fn effects(&self) -> Vec<Applied> {
        let of_it = self.run.of_message(self.id).iter();
        let effects = of_it.filter_map(|&at| match *self.kind(at) {
            Kind::Effect { delivery, subscription, consumer, verdict, .. }
                if subscription == self.subscription && verdict == EffectVerdict::Applied =>
            {
                Some(Applied { at, delivery, consumer })
            }
            _ => None,
        });
        effects.collect()
    }

    /// Its dead letters, in the order of the run.
    pub(super) fn dead_letters(&self) -> Vec<usize> {
        self.all(|kind| {
            matches!(*kind, Kind::DeadLettered { subscription, .. }
                if subscription == self.subscription)
        })
    }

    /// Where dead letters of it were moved back, in the order of the run.
    pub(super) fn redrives(&self) -> Vec<usize> {
        self.all(|kind| {
            matches!(*kind, Kind::Redriven { subscription, .. }
                if subscription == self.subscription)
        })
    }

    /// Where copies of it were published to be tried later, in the order of the run.
    pub(super) fn retries(&self) -> Vec<usize> {
        self.all(|kind| {
            matches!(*kind, Kind::Retried { subscription, .. }
                if subscription == self.subscription)
        })
    }

    /// Its deliveries to applications, in the order of the run.
    pub(super) fn deliveries(&self) -> Vec<Delivered<'a>> {
        let possessions = self.run.possessions.of(self.subscription, self.id);
        let mut found: Vec<_> = possessions.filter_map(Delivered::of).collect();
        found.sort_unstable_by_key(|one| one.at);
        found
    }

    /// The delivery of which an effect is.
    pub(super) fn delivery(&self, effect: &Applied) -> Option<Delivered<'a>> {
        let possession = self.run.possessions.by_delivery(effect.delivery)?;
        let of_it = (possession.subscription, possession.message) == (self.subscription, self.id);
        Delivered::of(possession).filter(|_| of_it)
    }

    /// The first final word about it that the broker recorded: an ack or reject of exactly it, or a
    /// committed offset behind it.
    pub(super) fn settle(&self) -> Option<Settle> {
        self.run.possessions.settle(self.subscription, self.id)
    }

    /// The message that a consumer asked to settle with a settle that the broker recorded.
    pub(super) fn asked_to_settle(&self, settle: &Settle) -> Option<MessageId> {
        let at = settle.place.event;
        let of_consumer = self.run.of_process(settle.process);
        let asked = match *self.kind(at) {
            Kind::Settled { message, .. } if self.settle_invoked(settle.process, 0, at) => {
                return Some(message);
            }
            Kind::Settled { .. } => last(of_consumer, at, |at| {
                matches!(self.kind(at), Kind::SettleInvoked { act, .. }
                        if *act != SettleAct::Extend)
            })?,
            Kind::Committed { upto, .. } => last(of_consumer, at, |at| {
                matches!(*self.kind(at), Kind::SettleInvoked { partition, position, .. }
                    if Some(partition) == self.partition() && position + 1 == upto)
            })?,
            _ => return None,
        };
        self.kind(asked).message()
    }

    /// What settled the message is called, as a noun.
    pub(super) fn settle_noun(&self, settle: &Settle) -> &'static str {
        match self.kind(settle.place.event) {
            Kind::Settled { act: SettleAct::Reject, .. } => "reject",
            Kind::Settled { .. } => "ack",
            _ => "commit",
        }
    }

    /// Whether `consumer` asked to settle exactly this message between two places.
    pub(super) fn settle_invoked(&self, consumer: ProcessId, from: usize, until: usize) -> bool {
        self.settle_of(consumer, from, until) != Asked::Not
    }

    /// Whether `consumer` asked to settle exactly this message between two places, and heard of it.
    pub(super) fn settle_of(&self, consumer: ProcessId, from: usize, until: usize) -> Asked {
        let asks = |at| {
            matches!(*self.kind(at), Kind::SettleInvoked { consumer: by, act, .. }
                if by == consumer && act != SettleAct::Extend)
        };
        let answers = |at| {
            matches!(*self.kind(at), Kind::SettleEnded { consumer: by, act, .. }
                if by == consumer && act != SettleAct::Extend)
        };
        let within = |from, is: &dyn Fn(usize) -> bool| {
            first(self.run.of_message(self.id), from, is).filter(|at| *at < until)
        };
        match within(from, &asks) {
            None => Asked::Not,
            Some(asked) if within(asked, &answers).is_some() => Asked::WithAnswer,
            Some(_) => Asked::InVain,
        }
    }

    /// Whether applications settle by themselves in this subscription, and not their client
    /// libraries.
    pub(super) fn application_settles(&self) -> bool {
        self.run.application_settles(self.subscription)
    }

    /// Where a process next crashes, from a place on.
    pub(super) fn crash_of(&self, process: ProcessId, from: usize) -> Option<usize> {
        first(
            self.run.turns(),
            from,
            |at| matches!(*self.kind(at), Kind::Crashed { process: of, .. } if of == process),
        )
    }

    /// Where a process crashed before a place, if it has not started again since.
    pub(super) fn crash_before(&self, process: ProcessId, until: usize) -> Option<usize> {
        let last = last(self.run.turns(), until, |at| match *self.kind(at) {
            Kind::Crashed { process: of, .. } | Kind::Started { process: of, .. } => of == process,
            _ => false,
        });
        last.filter(|at| matches!(self.kind(*at), Kind::Crashed { .. }))
    }

    /// Where the broker next restarts, from a place on.
    pub(super) fn restart(&self, from: usize) -> Option<usize> {
        first(self.run.turns(), from, |at| matches!(self.kind(at), Kind::BrokerRestarted))
    }

    /// The events about the message that satisfies `is`.
    fn all(&self, is: impl Fn(&Kind) -> bool) -> Vec<usize> {
        let of_it = self.run.of_message(self.id).iter().copied();
        of_it.filter(|&at| is(self.kind(at))).collect()
    }
}

impl<'a> Delivered<'a> {
    fn of(possession: &'a Possession) -> Option<Self> {
        let delivery = possession.delivery?;
        Some(Self {
            at: delivery.place.event,
            id: delivery.id,
            consumer: possession.process,
            position: delivery.position,
            redelivered: delivery.redelivered,
            possession,
        })
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
