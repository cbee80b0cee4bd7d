//! How a history is written down: one short method for each thing that happens.
//!
//! Process 0 sends; the others consume. There is one subscription and one partition; on a log the
//! offset of a message is its id, unless it is stored twice. Every event takes a millisecond.

use entrega_checker::{Checker, Config, End, Report, SubscriptionConfig, SubscriptionReport};
use entrega_model::event::{
    AbortReason, DeadLetterReason, EffectVerdict, Phase, ProcessingResult, RemoveReason,
    SendOutcome, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::{
    DeliveryId, Event, Generation, Guarantee, Incarnation, Instant, Key, Kind, MessageId, Model,
    Observer, PartitionId, ProcessId, SubscriptionId,
};

pub(crate) const SUBSCRIPTION: SubscriptionId = SubscriptionId(0);
pub(crate) const PARTITION: PartitionId = PartitionId(0);
pub(crate) const PRODUCER: ProcessId = ProcessId(0);

/// A history in the making.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
    is_log: bool,
    generation: u32,
}

/// A delivery: its name, the message, the consumer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handed(pub(crate) u32, pub(crate) u32, pub(crate) u16);

pub(crate) fn log() -> History {
    History { events: Vec::new(), is_log: true, generation: 0 }
}

pub(crate) fn queue() -> History {
    History { events: Vec::new(), is_log: false, generation: 0 }
}

impl History {
    pub(crate) fn model(&self) -> Model {
        if self.is_log { Model::Log } else { Model::Queue }
    }

    pub(crate) fn push(mut self, kind: Kind) -> Self {
        let at = Instant::from_nanos(self.events.len() as u64 * 1_000_000);
        self.events.push(Event { at, kind });
        self
    }

    pub(crate) fn invoked(self, message: u32, key: u32, attempt: u16) -> Self {
        self.invoked_by(PRODUCER, message, key, attempt)
    }

    pub(crate) fn invoked_by(
        self,
        producer: ProcessId,
        message: u32,
        key: u32,
        attempt: u16,
    ) -> Self {
        let (message, key) = (MessageId(message), Key(key));
        self.push(Kind::SendInvoked { message, key, producer, attempt })
    }

    pub(crate) fn ended(self, message: u32, outcome: SendOutcome) -> Self {
        let message = MessageId(message);
        self.push(Kind::SendEnded { message, producer: PRODUCER, outcome })
    }

    pub(crate) fn stored(self, message: u32, position: u64) -> Self {
        let subscription = (!self.is_log).then_some(SUBSCRIPTION);
        let message = MessageId(message);
        self.push(Kind::Stored { message, subscription, partition: PARTITION, position, copy: 1 })
    }

    /// Sent, stored at its own offset, acknowledged; key 0.
    pub(crate) fn sent(self, message: u32) -> Self {
        self.invoked(message, 0, 1).stored(message, message.into()).ended(message, SendOutcome::Ok)
    }

    pub(crate) fn removed(self, message: u32, reason: RemoveReason) -> Self {
        let subscription = (!self.is_log).then_some(SUBSCRIPTION);
        self.push(Kind::Removed { message: MessageId(message), subscription, reason })
    }

    /// Handed over from a position, with the number that a queue gives to the delivery.
    pub(crate) fn delivered_as(self, handed: Handed, position: u64, attempt: u16) -> Self {
        let Handed(delivery, message, consumer) = handed;
        self.push(Kind::Delivered {
            delivery: DeliveryId(delivery),
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            partition: PARTITION,
            position,
            attempt,
            redelivered: attempt > 1,
        })
    }

    /// Handed over from another offset than that of its id.
    pub(crate) fn delivered_at(self, handed: Handed, offset: u64) -> Self {
        self.delivered_as(handed, offset, 1)
    }

    /// Handed over by a queue, with the number that it gives to the delivery.
    pub(crate) fn delivered_number(self, handed: Handed, attempt: u16) -> Self {
        self.delivered_as(handed, handed.0.into(), attempt)
    }

    /// Handed over, on a queue with the next number.
    pub(crate) fn delivered(self, handed: Handed) -> Self {
        if self.is_log {
            return self.delivered_at(handed, handed.1.into());
        }
        let same = |event: &&Event| match event.kind {
            Kind::Delivered { message, .. } => message.0 == handed.1,
            _ => false,
        };
        let before = self.events.iter().filter(same).count();
        self.delivered_number(handed, before as u16 + 1)
    }

    pub(crate) fn started(self, Handed(delivery, message, consumer): Handed) -> Self {
        self.push(Kind::ProcessingStarted {
            delivery: DeliveryId(delivery),
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
        })
    }

    pub(crate) fn failed(
        self,
        Handed(delivery, message, consumer): Handed,
        result: ProcessingResult,
    ) -> Self {
        self.push(Kind::ProcessingEnded {
            delivery: DeliveryId(delivery),
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            result,
        })
    }

    pub(crate) fn decided(self, handed: Handed, verdict: EffectVerdict) -> Self {
        let Handed(delivery, message, consumer) = handed;
        self.push(Kind::Effect {
            delivery: DeliveryId(delivery),
            message: MessageId(message),
            key: Key(0),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            verdict,
        })
    }

    pub(crate) fn applied(self, handed: Handed) -> Self {
        self.decided(handed, EffectVerdict::Applied)
    }

    /// The transaction of an effect is aborted, by the next life of its producer.
    pub(crate) fn aborted(self, handed: Handed, seen: bool) -> Self {
        self.aborted_because(AbortReason::Fenced, handed, seen)
    }

    /// The transaction of an effect was open for too long.
    pub(crate) fn expired(self, handed: Handed) -> Self {
        self.aborted_because(AbortReason::Expired, handed, false)
    }

    fn aborted_because(
        self,
        reason: AbortReason,
        Handed(delivery, message, consumer): Handed,
        seen: bool,
    ) -> Self {
        self.push(Kind::Aborted {
            delivery: DeliveryId(delivery),
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            seen,
            reason,
        })
    }

    /// Handed over and applied.
    pub(crate) fn processed(self, handed: Handed) -> Self {
        self.delivered(handed).applied(handed)
    }

    pub(crate) fn settle_invoked(
        self,
        Handed(delivery, message, consumer): Handed,
        act: SettleAct,
    ) -> Self {
        let position = if self.is_log { message } else { delivery };
        self.push(Kind::SettleInvoked {
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            partition: PARTITION,
            position: position.into(),
            act,
            trigger: SettleTrigger::Application,
        })
    }

    pub(crate) fn settle_ended(
        self,
        Handed(_, message, consumer): Handed,
        outcome: SettleOutcome,
    ) -> Self {
        let act = if self.is_log { SettleAct::Commit } else { SettleAct::Ack };
        self.push(Kind::SettleEnded {
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            act,
            outcome,
        })
    }

    /// What a consumer learns of its nack.
    pub(crate) fn nack_ended(
        self,
        Handed(_, message, consumer): Handed,
        outcome: SettleOutcome,
    ) -> Self {
        self.push(Kind::SettleEnded {
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            act: SettleAct::Requeue,
            outcome,
        })
    }

    /// Recorded by a queue, at the application's request.
    pub(crate) fn recorded(self, Handed(_, message, consumer): Handed, act: SettleAct) -> Self {
        self.push(Kind::Settled {
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            act,
            trigger: SettleTrigger::Application,
        })
    }

    pub(crate) fn acked_by(
        self,
        Handed(_, message, consumer): Handed,
        trigger: SettleTrigger,
    ) -> Self {
        self.push(Kind::Settled {
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            act: SettleAct::Ack,
            trigger,
        })
        .removed(message, RemoveReason::Settled)
    }

    pub(crate) fn committed_by(
        self,
        consumer: u16,
        previous: u64,
        upto: u64,
        trigger: SettleTrigger,
    ) -> Self {
        self.push(Kind::Committed {
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            partition: PARTITION,
            upto,
            previous,
            trigger,
        })
    }

    /// Asked for, recorded and confirmed, whatever the model.
    pub(crate) fn settled(self, handed: Handed) -> Self {
        let Handed(_, message, consumer) = handed;
        let (trigger, upto) = (SettleTrigger::Application, u64::from(message) + 1);
        if self.is_log {
            self.settle_invoked(handed, SettleAct::Commit)
                .committed_by(consumer, 0, upto, trigger)
                .settle_ended(handed, SettleOutcome::Ok)
        } else {
            self.settle_invoked(handed, SettleAct::Ack)
                .acked_by(handed, trigger)
                .settle_ended(handed, SettleOutcome::Ok)
        }
    }

    pub(crate) fn dead_lettered(self, message: u32, reason: DeadLetterReason) -> Self {
        let message = MessageId(message);
        self.push(Kind::DeadLettered { message, subscription: SUBSCRIPTION, reason })
    }

    pub(crate) fn lease_expired(self, message: u32, consumer: u16) -> Self {
        let (message, consumer) = (MessageId(message), ProcessId(consumer));
        self.push(Kind::LeaseExpired { message, subscription: SUBSCRIPTION, consumer })
    }

    pub(crate) fn requeued(self, message: u32, consumer: u16) -> Self {
        let (message, consumer) = (MessageId(message), ProcessId(consumer));
        self.push(Kind::Requeued { message, subscription: SUBSCRIPTION, consumer })
    }

    pub(crate) fn session_expired(self, consumer: u16) -> Self {
        let consumer = ProcessId(consumer);
        self.push(Kind::SessionExpired { subscription: SUBSCRIPTION, consumer })
    }

    pub(crate) fn max_poll_exceeded(self, consumer: u16) -> Self {
        let consumer = ProcessId(consumer);
        self.push(Kind::MaxPollExceeded { subscription: SUBSCRIPTION, consumer })
    }

    /// Assigned under the next generation, from `position` on.
    pub(crate) fn assigned(mut self, consumer: u16, position: u64) -> Self {
        self.generation += 1;
        let generation = Generation(self.generation);
        self.push(Kind::Assigned {
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
            partition: PARTITION,
            generation,
            position,
        })
    }

    pub(crate) fn revoked(self, consumer: u16) -> Self {
        let consumer = ProcessId(consumer);
        self.push(Kind::Revoked { subscription: SUBSCRIPTION, consumer, partition: PARTITION })
    }

    pub(crate) fn lost(self, consumer: u16) -> Self {
        let consumer = ProcessId(consumer);
        self.push(Kind::Lost { subscription: SUBSCRIPTION, consumer, partition: PARTITION })
    }

    pub(crate) fn reset(self, consumer: u16, from: Option<u32>, to: u64) -> Self {
        let (subscription, consumer, partition) = (SUBSCRIPTION, ProcessId(consumer), PARTITION);
        self.push(Kind::OffsetReset { subscription, consumer, partition, from, to })
    }

    pub(crate) fn sought(self, consumer: u16, from: u64, to: u64) -> Self {
        let (subscription, consumer, partition) = (SUBSCRIPTION, ProcessId(consumer), PARTITION);
        self.push(Kind::Sought { subscription, consumer, partition, from, to })
    }

    pub(crate) fn crashed(self, process: u16) -> Self {
        let (process, incarnation) = (ProcessId(process), Incarnation(0));
        self.push(Kind::Crashed { process, incarnation })
    }

    pub(crate) fn begun(self, process: u16) -> Self {
        let (process, incarnation) = (ProcessId(process), Incarnation(1));
        self.push(Kind::Started { process, incarnation })
    }

    pub(crate) fn exited(self, process: u16) -> Self {
        let (process, incarnation) = (ProcessId(process), Incarnation(0));
        self.push(Kind::Exited { process, incarnation, failed: true })
    }

    pub(crate) fn stalled(self, process: u16) -> Self {
        self.push(Kind::Stalled { process: ProcessId(process) })
    }

    pub(crate) fn resumed(self, process: u16) -> Self {
        self.push(Kind::Resumed { process: ProcessId(process) })
    }

    pub(crate) fn broker_restarted(self) -> Self {
        self.push(Kind::BrokerRestarted)
    }

    pub(crate) fn settle_forgotten(self, message: u32) -> Self {
        let message = MessageId(message);
        self.push(Kind::SettleForgotten { message, subscription: SUBSCRIPTION })
    }

    pub(crate) fn redriven(self, message: u32) -> Self {
        self.redriven_from(message, 0)
    }

    /// Moved back; deliveries with a tag below this one were handed out before.
    pub(crate) fn redriven_from(self, message: u32, tag: u64) -> Self {
        let (message, position) = (MessageId(message), 9);
        self.push(Kind::Redriven { message, subscription: SUBSCRIPTION, position, tag })
    }

    pub(crate) fn retried(self, message: u32, consumer: u16) -> Self {
        let (message, consumer, position) = (MessageId(message), ProcessId(consumer), 9);
        self.push(Kind::Retried { message, subscription: SUBSCRIPTION, consumer, position })
    }

    pub(crate) fn retrievable(self, message: u32) -> Self {
        let message = MessageId(message);
        self.push(Kind::Entered { phase: Phase::Audit })
            .push(Kind::Retrievable { message, subscription: SUBSCRIPTION })
    }
}

/// Exactly-once effect, ordered, dead letters declared: what flags most.
pub(crate) fn strict() -> SubscriptionConfig {
    SubscriptionConfig {
        guarantee: Guarantee::ExactlyOnceEffect,
        dead_letters_declared: true,
        ordered: true,
    }
}

/// Judges events by one promise.
pub(crate) fn judge(events: &[Event], promise: SubscriptionConfig, end: End) -> Report {
    judge_as(Config::default(), events, promise, end)
}

pub(crate) fn judge_as(
    config: Config,
    events: &[Event],
    promise: SubscriptionConfig,
    end: End,
) -> Report {
    let subscriptions = vec![promise];
    let mut checker = Checker::new(Config { subscriptions, processes: 4, messages: 0, ..config });
    checker.observe(events);
    checker.finish(end)
}

/// Judges a history that was drained, of producers whose program promises its order.
pub(crate) fn report_in_program_order(history: &History) -> SubscriptionReport {
    let config = Config { program_order: true, ..Config::default() };
    judge_as(config, &history.events, strict(), End::Quiescent).subscriptions.remove(0)
}

/// Judges a history that was drained, of consumers that resume what they have prepared.
pub(crate) fn report_of_resuming(history: &History) -> SubscriptionReport {
    let config = Config { resumes: true, ..Config::default() };
    judge_as(config, &history.events, strict(), End::Quiescent).subscriptions.remove(0)
}

/// Judges a history that was drained.
pub(crate) fn report(history: &History) -> SubscriptionReport {
    judge(&history.events, strict(), End::Quiescent).subscriptions.remove(0)
}
