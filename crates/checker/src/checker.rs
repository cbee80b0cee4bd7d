//! The fold: takes events in order and hands each to the subscription that it is about.

use entrega_model::{Event, Guarantee, Instant, Kind, Observer, SubscriptionId};

use crate::lanes::Lanes;
use crate::sends::SendFold;
use crate::subscription::{Handed, Settle, SubscriptionFold};
use crate::{End, Report};

/// What to judge by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The subscriptions, by id. Events of others are ignored.
    pub subscriptions: Vec<SubscriptionConfig>,
    /// How many processes are expected; a hint.
    pub processes: usize,
    /// How many messages are expected; a hint.
    pub messages: usize,
}

/// What one subscription promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionConfig {
    /// About effects.
    pub guarantee: Guarantee,
    /// Whether a dead letter is part of the promise.
    pub dead_letters_declared: bool,
    /// Whether order within each key is part of the promise.
    pub ordered: bool,
}

/// Watches a run and judges it. It keeps no history: 28 bytes for each message and subscription, 16
/// for each message, 4 for each offset of a log. It takes events in any order and with any ids.
#[derive(Clone, Debug)]
pub struct Checker {
    pub(crate) sends: SendFold,
    pub(crate) lanes: Lanes,
    pub(crate) subscriptions: Vec<SubscriptionFold>,
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new(config: Config) -> Self {
        let Config { subscriptions, processes, messages } = config;
        let fold = |promise| SubscriptionFold::new(promise, processes, messages);
        Self {
            sends: SendFold::with_capacity(messages),
            lanes: Lanes::default(),
            subscriptions: subscriptions.into_iter().map(fold).collect(),
        }
    }

    /// The same checker without latencies: the reports have none. Where nothing takes any time they
    /// say nothing, and a table of them is larger than all the rest.
    #[must_use]
    pub fn without_latencies(mut self) -> Self {
        self.subscriptions.iter_mut().for_each(|fold| fold.keeps_latencies = false);
        self
    }

    /// Forgets the run, and keeps its memory for the next one.
    pub fn reset(&mut self) {
        self.sends.clear();
        self.lanes.clear();
        self.subscriptions.iter_mut().for_each(SubscriptionFold::clear);
    }

    /// Judges what was seen so far.
    pub fn finish(&mut self, end: End) -> Report {
        let ids = (0..=u8::MAX).map(SubscriptionId);
        let folds = ids.zip(&self.subscriptions);
        let reports = folds.map(|(id, fold)| fold.report(id, &self.sends, end)).collect();
        Report::of(end, self.sends.totals(), reports)
    }

    #[inline(always)]
    fn note(&mut self, event: &Event) {
        match event.kind {
            Kind::SendInvoked { .. }
            | Kind::SendEnded { .. }
            | Kind::Stored { .. }
            | Kind::Removed { .. } => self.note_storage(event.at, event.kind),
            Kind::Delivered { .. }
            | Kind::ProcessingStarted { .. }
            | Kind::ProcessingEnded { .. }
            | Kind::Effect { .. } => self.note_handler(event),
            Kind::SettleInvoked { .. }
            | Kind::SettleEnded { .. }
            | Kind::Settled { .. }
            | Kind::Committed { .. }
            | Kind::DeadLettered { .. }
            | Kind::LeaseExpired { .. }
            | Kind::Requeued { .. }
            | Kind::Retrievable { .. } => self.note_progress(event.kind),
            _ => self.note_owners(event.kind),
        }
    }

    /// Producers, and what the broker stores.
    #[inline(always)]
    fn note_storage(&mut self, at: Instant, kind: Kind) {
        match kind {
            Kind::SendInvoked { message, key, producer, attempt } => {
                self.sends.invoked(at, message, key, producer, attempt);
                if attempt > 1 {
                    self.subscriptions.iter_mut().for_each(|fold| fold.sent_again(message));
                }
            }
            Kind::SendEnded { message, producer, outcome } => {
                self.sends.ended(message, producer, outcome);
            }
            Kind::Stored { message, subscription: None, lane, position, .. } => {
                self.lanes.is_log = true;
                let consistent = self.lanes.see(lane, position, message);
                let send = self.sends.get(message);
                for fold in &mut self.subscriptions {
                    fold.saw_offset(consistent);
                    fold.stored(message, send, lane);
                }
            }
            Kind::Stored { message, subscription: Some(id), lane, .. } => {
                if let Some(fold) = self.subscriptions.get_mut(id.index()) {
                    fold.stored(message, self.sends.get(message), lane);
                }
            }
            Kind::Removed { message, subscription, reason } => {
                for (index, fold) in self.subscriptions.iter_mut().enumerate() {
                    if subscription.is_none_or(|id| id.index() == index) {
                        fold.removed(message, reason);
                    }
                }
            }
            _ => {}
        }
    }

    /// Consumers at work.
    #[inline(always)]
    fn note_handler(&mut self, event: &Event) {
        let Self { sends, lanes, subscriptions } = self;
        match event.kind {
            Kind::Delivered {
                delivery,
                message,
                subscription,
                consumer,
                lane,
                position,
                attempt,
                ..
            } => {
                let Some(fold) = subscriptions.get_mut(subscription.index()) else { return };
                if lanes.is_log {
                    fold.saw_offset(lanes.see(lane, position, message));
                }
                let handed = Handed { delivery, message, consumer, lane, position, attempt };
                fold.delivered(handed, lanes);
            }
            Kind::ProcessingStarted { delivery, message, subscription, .. } => {
                if let Some(fold) = subscriptions.get_mut(subscription.index()) {
                    fold.processing_started(delivery, message);
                }
            }
            Kind::ProcessingEnded { delivery, message, subscription, result, .. } => {
                if let Some(fold) = subscriptions.get_mut(subscription.index()) {
                    fold.processing_ended(delivery, message, result);
                }
            }
            Kind::Effect { delivery, message, subscription, verdict, .. } => {
                if let Some(fold) = subscriptions.get_mut(subscription.index()) {
                    fold.effect(event.at, delivery, message, verdict, sends);
                }
            }
            _ => {}
        }
    }

    /// Settles, and what became of deliveries.
    #[inline(always)]
    fn note_progress(&mut self, kind: Kind) {
        let (Kind::SettleInvoked { subscription, .. }
        | Kind::SettleEnded { subscription, .. }
        | Kind::Settled { subscription, .. }
        | Kind::Committed { subscription, .. }
        | Kind::DeadLettered { subscription, .. }
        | Kind::LeaseExpired { subscription, .. }
        | Kind::Requeued { subscription, .. }
        | Kind::Retrievable { subscription, .. }) = kind
        else {
            return;
        };
        let Some(fold) = self.subscriptions.get_mut(subscription.index()) else { return };
        match kind {
            Kind::SettleInvoked { message, consumer, position, act, .. } => {
                fold.settle_invoked(Settle { message, consumer, act }, position);
            }
            Kind::SettleEnded { message, consumer, act, outcome, .. } => {
                fold.settle_ended(Settle { message, consumer, act }, outcome);
            }
            Kind::Settled { message, act, trigger, .. } => fold.settled(message, act, trigger),
            Kind::Committed { lane, upto, trigger, .. } => {
                self.lanes.is_log = true;
                fold.committed(&self.lanes, lane, upto, trigger);
            }
            Kind::DeadLettered { message, reason, .. } => fold.dead_lettered(message, reason),
            Kind::LeaseExpired { message, consumer, .. } => fold.lease_expired(message, consumer),
            Kind::Requeued { message, consumer, .. } => fold.requeued(message, consumer),
            Kind::Retrievable { message, .. } => fold.retrievable(message),
            _ => {}
        }
    }

    /// Assignments, and the world.
    fn note_owners(&mut self, kind: Kind) {
        if let Kind::Assigned { subscription, .. }
        | Kind::Revoked { subscription, .. }
        | Kind::Lost { subscription, .. }
        | Kind::SessionExpired { subscription, .. }
        | Kind::Sought { subscription, .. }
        | Kind::OffsetReset { subscription, .. } = kind
        {
            self.lanes.is_log = true;
            if let Some(fold) = self.subscriptions.get_mut(subscription.index()) {
                fold.note_assignment(kind, &self.lanes);
            }
            return;
        }
        let is_log = self.lanes.is_log;
        self.subscriptions.iter_mut().for_each(|fold| fold.note_world(kind, is_log));
    }
}

impl Observer for Checker {
    fn observe(&mut self, events: &[Event]) {
        for event in events {
            self.note(event);
        }
    }
}
