//! The application of a live consumer: takes its time, may fail, and asks a sink for the effect.
//!
//! The process may die at every await in it: while it works, between the request to the sink and
//! its answer, and between the answer and whatever the strategy does next. What it has asked of the
//! sink happens all the same.

use entrega_brokers::Broker;
use entrega_clients::application::TransactionalHandler;
use entrega_clients::{
    BatchError, Context, DeadLetters, Handler, HandlerError, Prepared, Unanswered,
};
use entrega_model::event::{DeadLetterReason, EffectVerdict, Kind, ProcessingResult};
use entrega_model::log::Offset;
use entrega_model::{Delivery, Duration, PartitionId, SubscriptionId};

use crate::link::Busy;
use crate::sinks::{LiveSink, SharedSink, SinkError};
use crate::{CallOutcome, LiveLink, Served};

/// What an attempt to process a message takes, and whether it fails before the effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// How long the handler works.
    pub takes: Duration,
    /// How it fails, if it does.
    pub fails: Option<Failure>,
}

/// How a handler fails before its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Another attempt may succeed.
    Transient,
    /// Every attempt will fail.
    Poison,
}

/// Hooks around an effect, for fault injection. By default they do nothing.
pub trait EffectHooks {
    /// Called before the process asks the sink; returns what becomes of that call. For a batch,
    /// `delivery` is the first message.
    async fn before_effect(&self, _delivery: &Delivery) -> CallOutcome {
        CallOutcome::Answered
    }

    /// Called when the process has the sink's answer.
    async fn after_effect(&self, _delivery: &Delivery) {}

    /// Called before the process writes a dead letter; returns what becomes of that call.
    fn dead_letter(&self, _delivery: &Delivery) -> CallOutcome {
        CallOutcome::Answered
    }

    /// Called when the process has the answer to a dead letter.
    async fn after_dead_letter(&self, _delivery: &Delivery) {}
}

impl EffectHooks for () {}

/// The handler of one consumer in one of its lives. `work` says what each attempt is like, `hooks`
/// are called around its effects.
pub struct LiveHandler<B: Broker, S, W, A = ()> {
    link: LiveLink<B>,
    subscription: SubscriptionId,
    sink: SharedSink<S>,
    work: W,
    hooks: A,
}

impl<B: Broker, S: LiveSink, W: Fn(&Delivery) -> Attempt> LiveHandler<B, S, W> {
    /// A handler for the messages of `subscription`.
    pub fn new(
        link: LiveLink<B>,
        subscription: SubscriptionId,
        sink: SharedSink<S>,
        work: W,
    ) -> Self {
        Self { link, subscription, sink, work, hooks: () }
    }

    /// The same handler with hooks around its effects.
    pub fn with_hooks<A: EffectHooks>(self, hooks: A) -> LiveHandler<B, S, W, A> {
        let Self { link, subscription, sink, work, .. } = self;
        LiveHandler { link, subscription, sink, work, hooks }
    }
}

impl<B: Broker, S: LiveSink, W: Fn(&Delivery) -> Attempt, A: EffectHooks> LiveHandler<B, S, W, A> {
    /// Begins an attempt and works; returns how it failed, if it did. While the guard lives, the
    /// consumer is not at rest.
    async fn begin(&self, delivery: &Delivery) -> (Busy<B>, Option<Failure>) {
        let occupied = self.link.occupied();
        self.link.record(Kind::ProcessingStarted {
            delivery: delivery.id,
            message: delivery.record.message,
            subscription: self.subscription,
            consumer: self.link.process(),
        });
        let Attempt { takes, fails } = (self.work)(delivery);
        if !takes.is_zero() {
            self.link.sleep_until(self.link.now() + takes).await;
        }
        (occupied, fails)
    }

    fn end(&self, delivery: &Delivery, result: ProcessingResult) {
        self.link.record(Kind::ProcessingEnded {
            delivery: delivery.id,
            message: delivery.record.message,
            subscription: self.subscription,
            consumer: self.link.process(),
            result,
        });
    }

    fn end_all(&self, batch: &[Delivery], result: ProcessingResult) {
        batch.iter().for_each(|delivery| self.end(delivery, result));
    }

    /// Asks the sink for the effect of a message, of a batch for those from `first` on.
    async fn effect<R: Send + 'static>(
        &self,
        first: &Delivery,
        ask: impl FnOnce(&mut S) -> Result<R, SinkError> + Send + 'static,
    ) -> Result<R, SinkError> {
        let outcome = self.hooks.before_effect(first).await;
        if outcome == CallOutcome::RequestLost {
            return Err(self.unanswered().await);
        }
        let answer = self.sink.ask(ask).await?;
        if outcome == CallOutcome::AnswerLost {
            return Err(self.unanswered().await);
        }
        self.hooks.after_effect(first).await;
        Ok(answer)
    }

    /// Waits for an answer that does not come.
    async fn unanswered(&self) -> SinkError {
        self.link.sleep_until(self.link.now() + self.link.request_timeout()).await;
        SinkError::Uncertain("no answer in time".to_owned())
    }

    /// A recorder that notes an effect when it happens, even if the consumer is gone by then.
    fn witness(&self) -> Witness<B> {
        let served = self.link.served().clone();
        let _occupied = served.busy();
        let (subscription, consumer) = (self.subscription, self.link.process());
        Witness { served, subscription, consumer, _occupied }
    }
}

/// Notes effects on behalf of a consumer.
struct Witness<B: Broker> {
    served: Served<B>,
    subscription: SubscriptionId,
    consumer: entrega_model::ProcessId,
    /// A request under way keeps the run from its rest.
    _occupied: Busy<B>,
}

impl<B: Broker> Witness<B> {
    fn effect(&self, delivery: &Delivery, verdict: EffectVerdict) {
        let &Self { subscription, consumer, .. } = self;
        let (message, key) = (delivery.record.message, delivery.record.key);
        let delivery = delivery.id;
        self.served.record(Kind::Effect {
            delivery,
            message,
            key,
            subscription,
            consumer,
            verdict,
        });
    }
}

/// Broker and application must be sendable to another thread together.
impl<B, S, W, A: EffectHooks> Handler for LiveHandler<B, S, W, A>
where
    B: Broker<Request: Send, Response: Send> + Send + 'static,
    S: LiveSink,
    W: Fn(&Delivery) -> Attempt,
{
    async fn process(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (_occupied, failure) = self.begin(delivery).await;
        if let Some(failure) = failure {
            let (result, error) = match failure {
                Failure::Transient => (ProcessingResult::Transient, HandlerError::Transient),
                Failure::Poison => (ProcessingResult::Poison, HandlerError::Poison),
            };
            self.end(delivery, result);
            return Err(error);
        }
        let (witness, asked) = (self.witness(), *delivery);
        let answer = self.effect(delivery, move |sink| {
            let verdict = sink.apply(&asked)?;
            witness.effect(&asked, verdict);
            Ok(verdict)
        });
        let (result, outcome) = decided(answer.await);
        self.end(delivery, result);
        outcome
    }

    /// Prepares the messages one after another. The first that fails ends the attempt for all, and
    /// those before it, which had no effect either, end as transient. Then asks for all effects at
    /// once.
    async fn process_batch(&self, batch: &[Delivery]) -> Result<(), BatchError> {
        let _occupied = self.link.occupied();
        for (item, delivery) in batch.iter().enumerate() {
            let (_, failure) = self.begin(delivery).await;
            if let Some(failure) = failure {
                self.end_all(&batch[..item], ProcessingResult::Transient);
                let poison = failure == Failure::Poison;
                let result =
                    if poison { ProcessingResult::Poison } else { ProcessingResult::Transient };
                self.end(delivery, result);
                return Err(BatchError::Item(item));
            }
        }
        let Some(first) = batch.first() else { return Ok(()) };
        let (witness, asked) = (self.witness(), batch.to_vec());
        let answer = self.effect(first, move |sink| {
            let verdicts = sink.apply_all(&asked)?;
            asked.iter().zip(verdicts).for_each(|(one, verdict)| witness.effect(one, verdict));
            Ok(())
        });
        match answer.await {
            Ok(()) => {
                self.end_all(batch, ProcessingResult::Ok);
                Ok(())
            }
            Err(_) => {
                self.end_all(batch, ProcessingResult::Unknown);
                Err(BatchError::Unknown)
            }
        }
    }

    async fn pause(&self, span: Duration) {
        self.link.sleep_until(self.link.now() + span).await;
    }
}

/// How an attempt ended, by the answer of the sink: for the history and for the strategy.
fn decided(
    answer: Result<EffectVerdict, SinkError>,
) -> (ProcessingResult, Result<(), HandlerError>) {
    match answer {
        Ok(EffectVerdict::Rejected) => (ProcessingResult::Transient, Err(HandlerError::Rejected)),
        Ok(_) => (ProcessingResult::Ok, Ok(())),
        Err(error) => match HandlerError::from(&error) {
            HandlerError::Unknown => (ProcessingResult::Unknown, Err(HandlerError::Unknown)),
            certain => (ProcessingResult::Transient, Err(certain)),
        },
    }
}

impl<B, S, W, A: EffectHooks> DeadLetters for LiveHandler<B, S, W, A>
where
    B: Broker,
    S: LiveSink,
    W: Fn(&Delivery) -> Attempt,
{
    /// Written at once: the dead letters of a live run are its history.
    async fn store(&self, delivery: &Delivery) -> Result<(), Unanswered> {
        let (message, subscription) = (delivery.record.message, self.subscription);
        let reason = DeadLetterReason::Client;
        let outcome = self.hooks.dead_letter(delivery);
        tokio::task::yield_now().await;
        if outcome != CallOutcome::RequestLost {
            self.link.record(Kind::DeadLettered { message, subscription, reason });
        }
        if outcome != CallOutcome::Answered {
            let _uncertain = self.unanswered().await;
            return Err(Unanswered);
        }
        tokio::task::yield_now().await;
        self.hooks.after_dead_letter(delivery).await;
        Ok(())
    }
}

impl<B, S, W, A: EffectHooks> TransactionalHandler for LiveHandler<B, S, W, A>
where
    B: Broker<Request: Send, Response: Send> + Send + 'static,
    S: LiveSink,
    W: Fn(&Delivery) -> Attempt,
{
    async fn stored_offset(&self, partition: PartitionId) -> Result<Option<Offset>, Unanswered> {
        let _occupied = self.link.occupied();
        self.sink.ask(move |sink| sink.stored_offset(partition)).await.map_err(|_| Unanswered)
    }

    async fn has_row(&self, delivery: &Delivery) -> Result<bool, Unanswered> {
        let _occupied = self.link.occupied();
        let message = delivery.record.message;
        self.sink.ask(move |sink| sink.has_row(message)).await.map_err(|_| Unanswered)
    }

    async fn pass(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let _occupied = self.link.occupied();
        let asked = *delivery;
        decided(self.sink.ask(move |sink| sink.pass(&asked)).await).1
    }

    /// It has no producer that would prepare anything.
    async fn recover(&self) -> Result<Option<Prepared>, Unanswered> {
        Ok(None)
    }

    /// It keeps none: without a producer it is not asked.
    async fn checkpoint(
        &self,
        _delivery: &Delivery,
        _prepared: Option<Prepared>,
    ) -> Result<bool, Unanswered> {
        Ok(false)
    }
}
