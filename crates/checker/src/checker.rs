//! The fold: takes events in order and passes each to the subscription it concerns.

use std::sync::Arc;

use entrega_model::event::{ProcessingResult, RemoveReason, SendOutcome, SettleTrigger};
use entrega_model::{Event, Instant, Kind, MessageId, Observer, PartitionId, SubscriptionId};

use crate::exposure::ExposureFold;
use crate::lateness::LatenessFold;
use crate::order::KeyOrder;
use crate::partitions::Partitions;
use crate::sends::SendFold;
use crate::subscription::{Handed, Settle, SubscriptionFold};
use crate::{Config, End, Report, SubscriptionReport};

/// Watches a run and judges it. It keeps no history: 32 bytes for each message and subscription, 16
/// for each message, 4 for each offset of a log. It takes events in any order and with any ids.
#[derive(Clone, Debug)]
pub struct Checker {
    pub(crate) sends: SendFold,
    pub(crate) partitions: Partitions,
    pub(crate) subscriptions: Vec<SubscriptionFold>,
    /// What crashes by time hit, if there are any.
    exposure: Option<Box<ExposureFold>>,
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new(config: Config) -> Self {
        let Config {
            subscriptions,
            processes,
            messages,
            program_order,
            redrives,
            resumes,
            reports_settles,
            timed_crashes,
        } = config;
        let fold = |promise| {
            let mut fold = SubscriptionFold::new(promise, processes, messages);
            fold.may_redrive = redrives;
            fold.resumes = resumes;
            (fold.reports_settles, fold.has_truth) = (reports_settles, reports_settles);
            fold.order = KeyOrder::new(program_order);
            fold
        };
        Self {
            sends: SendFold::new(messages, program_order),
            partitions: Partitions::default(),
            subscriptions: subscriptions.into_iter().map(fold).collect(),
            exposure: (!timed_crashes.is_empty())
                .then(|| Box::new(ExposureFold::new(&timed_crashes))),
        }
    }

    /// The same checker without latencies: the reports have none. Where nothing takes any time they
    /// say nothing, and a table of them is larger than all the rest.
    #[must_use]
    pub fn without_latencies(mut self) -> Self {
        self.subscriptions.iter_mut().for_each(|fold| fold.keeps_latencies = false);
        self
    }

    /// When each message of the run that begins is due, by their ids: the report says how late
    /// their effects are.
    pub fn expect_due_times(&mut self, not_before: Option<Arc<[Instant]>>) {
        let Some(not_before) = not_before else { return };
        for fold in &mut self.subscriptions {
            fold.lateness = Some(Box::new(LatenessFold::new(Arc::clone(&not_before))));
        }
    }

    /// Forgets the run, and keeps its memory for the next one.
    pub fn reset(&mut self) {
        let Self { sends, partitions, subscriptions, exposure } = self;
        sends.clear();
        partitions.clear();
        exposure.iter_mut().for_each(|fold| fold.clear());
        subscriptions.iter_mut().for_each(SubscriptionFold::clear);
    }

    /// Judges what was seen so far.
    pub fn finish(&mut self, end: End) -> Report {
        let ids = (0..=u8::MAX).map(SubscriptionId);
        let folds = ids.zip(&self.subscriptions);
        let is_log = self.partitions.is_log;
        let mut reports: Vec<SubscriptionReport> =
            folds.map(|(id, fold)| fold.report(id, &self.sends, is_log, end)).collect();
        if let Some(exposure) = &self.exposure {
            reports.iter_mut().for_each(|of| of.exposure = exposure.of(of.subscription));
        }
        Report::of(end, self.sends.totals(), reports)
    }

    /// Takes an event. Those that every message meets are dispatched here, the others elsewhere.
    #[inline(always)]
    fn note(&mut self, event: &Event) {
        match event.kind {
            Kind::SendInvoked { message, key, producer, attempt } => {
                self.sends.invoked(event.at, message, key, producer);
                if attempt > 1 {
                    self.sent_again(message);
                }
            }
            Kind::SendEnded { message, outcome, .. } => {
                self.sends.ended(message, outcome);
                if self.sends.program_order() && outcome == SendOutcome::Ok {
                    let all = self.subscriptions.iter_mut();
                    all.for_each(|fold| fold.acknowledged(message));
                }
            }
            Kind::Stored { message, subscription: None, partition, position, .. } => {
                self.stored_in_log(message, partition, position);
            }
            Kind::Stored { message, subscription: Some(id), .. } => {
                self.of(id, |fold| fold.stored(message));
            }
            Kind::Removed { message, subscription: Some(id), reason } => {
                self.of(id, |fold| fold.removed(message, reason));
            }
            Kind::Delivered { subscription, .. } => self.delivered(subscription, &event.kind),
            Kind::ProcessingStarted { delivery, message, subscription, .. } => {
                self.of(subscription, |fold| fold.processing_started(delivery, message));
            }
            Kind::ProcessingEnded { delivery, message, subscription, result, .. } => {
                if result != ProcessingResult::Ok {
                    self.of(subscription, |fold| fold.failed(delivery, message, result));
                }
            }
            Kind::Effect { delivery, message, subscription, verdict, .. } => {
                let Self { sends, subscriptions, .. } = self;
                if let Some(fold) = subscriptions.get_mut(subscription.index()) {
                    fold.effect(event.at, delivery, message, verdict, sends);
                }
            }
            Kind::SettleInvoked { message, subscription, consumer, position, act, .. } => {
                let settle = Settle { message, consumer, act };
                self.of(subscription, |fold| fold.settle_invoked(settle, position));
            }
            Kind::SettleEnded { message, subscription, consumer, act, outcome } => {
                let settle = Settle { message, consumer, act };
                self.of(subscription, |fold| fold.settle_ended(settle, outcome));
            }
            Kind::Settled { message, subscription, consumer, act, trigger } => {
                let settle = Settle { message, consumer, act };
                self.of(subscription, |fold| fold.settled(settle, trigger));
            }
            Kind::Committed { subscription, partition, upto, trigger, .. } => {
                self.committed(subscription, partition, upto, trigger);
            }
            kind => self.note_rare(kind),
        }
    }

    /// Does something with the fold of a subscription, if it is one that is judged.
    #[inline(always)]
    fn of(&mut self, subscription: SubscriptionId, note: impl FnOnce(&mut SubscriptionFold)) {
        if let Some(fold) = self.subscriptions.get_mut(subscription.index()) {
            note(fold);
        }
    }

    /// A log stored a message, once for all subscriptions.
    #[inline(always)]
    fn stored_in_log(&mut self, message: MessageId, partition: PartitionId, position: u64) {
        let Self { sends, partitions, subscriptions, .. } = self;
        partitions.is_log = true;
        let consistent = partitions.see(partition, position, message);
        let send = sends.get(message);
        for fold in subscriptions {
            if !consistent {
                fold.saw_other_message();
            }
            fold.stored(message);
            if let Some(send) = send {
                fold.order.stored(message, send, partition);
            }
        }
    }

    /// A message was delivered to a consumer.
    #[inline(always)]
    fn delivered(&mut self, subscription: SubscriptionId, kind: &Kind) {
        let &Kind::Delivered { delivery, message, consumer, partition, position, attempt, .. } =
            kind
        else {
            return;
        };
        let Self { partitions, subscriptions, .. } = self;
        let Some(fold) = subscriptions.get_mut(subscription.index()) else { return };
        if partitions.is_log && !partitions.see(partition, position, message) {
            fold.saw_other_message();
        }
        if partitions.has_cuts() {
            fold.note_reused(message, partitions.stood_at(partition, position));
        }
        fold.delivered(
            Handed { delivery, message, consumer, partition, position, attempt },
            partitions,
        );
    }

    /// A log recorded a committed offset.
    #[inline(never)]
    fn committed(
        &mut self,
        subscription: SubscriptionId,
        partition: PartitionId,
        upto: u64,
        trigger: SettleTrigger,
    ) {
        let Self { partitions, subscriptions, .. } = self;
        if let Some(fold) = subscriptions.get_mut(subscription.index()) {
            partitions.is_log = true;
            fold.committed(partitions, partition, upto, trigger);
        }
    }

    /// A producer tries again.
    #[cold]
    fn sent_again(&mut self, message: MessageId) {
        self.sends.retried();
        self.subscriptions.iter_mut().for_each(|fold| fold.sent_again(message));
    }

    /// What became of deliveries that did not go well, assignments, and the world.
    #[cold]
    fn note_rare(&mut self, kind: Kind) {
        if let Kind::Removed { message, reason, .. } = kind {
            if matches!(reason, RemoveReason::Truncation | RemoveReason::BrokerLoss) {
                self.partitions.cut(message);
            }
            return self.subscriptions.iter_mut().for_each(|fold| fold.removed(message, reason));
        }
        let (Kind::DeadLettered { subscription, .. }
        | Kind::LeaseExpired { subscription, .. }
        | Kind::Requeued { subscription, .. }
        | Kind::Retrievable { subscription, .. }
        | Kind::Aborted { subscription, .. }
        | Kind::SettleForgotten { subscription, .. }
        | Kind::Redriven { subscription, .. }
        | Kind::Retried { subscription, .. }) = kind
        else {
            return self.note_owners(kind);
        };
        let Some(fold) = self.subscriptions.get_mut(subscription.index()) else { return };
        match kind {
            Kind::DeadLettered { message, reason, .. } => fold.dead_lettered(message, reason),
            Kind::LeaseExpired { message, consumer, .. } => fold.lease_expired(message, consumer),
            Kind::Requeued { message, consumer, .. } => fold.requeued(message, consumer),
            Kind::Retrievable { message, .. } => fold.retrievable(message),
            Kind::SettleForgotten { message, .. } => fold.settle_forgotten(message),
            Kind::Redriven { message, tag, .. } => fold.redriven(message, tag),
            Kind::Aborted { delivery, message, seen, reason, .. } => {
                fold.aborted(delivery, message, seen, reason);
            }
            Kind::Retried { message, .. } => fold.retried(message),
            _ => {}
        }
    }

    /// Assignments, and the world.
    fn note_owners(&mut self, kind: Kind) {
        if let Kind::Crashed { process, .. } | Kind::Exited { process, .. } = kind {
            self.sends.life_ended(process);
        }
        if let Kind::Assigned { subscription, .. }
        | Kind::Revoked { subscription, .. }
        | Kind::Lost { subscription, .. }
        | Kind::SessionExpired { subscription, .. }
        | Kind::Sought { subscription, .. }
        | Kind::MaxPollExceeded { subscription, .. }
        | Kind::OffsetReset { subscription, .. } = kind
        {
            self.partitions.is_log = true;
            if let Some(fold) = self.subscriptions.get_mut(subscription.index()) {
                fold.note_assignment(kind, &self.partitions);
            }
            return;
        }
        let is_log = self.partitions.is_log;
        self.subscriptions.iter_mut().for_each(|fold| fold.note_world(kind, is_log));
    }
}

impl Observer for Checker {
    fn observe(&mut self, events: &[Event]) {
        if let Some(exposure) = &mut self.exposure {
            exposure.observe(events);
        }
        for event in events {
            self.note(event);
        }
    }
}
