//! The application of a simulated consumer: it takes its service time, fails where the choices say
//! so, and asks its sink for the effect.

mod faults;
mod open_call;
mod recall;

use std::future::Future;
use std::slice;

use entrega_brokers::Broker;
use entrega_clients::application::TransactionalHandler;
use entrega_clients::sinks::Checkpoint;
use entrega_clients::{
    BatchError, Called, Context, DeadLetters, Handler, HandlerError, Prepared, TransactionError,
    TransactionalProducer, Unanswered,
};
use entrega_model::event::{EffectVerdict, Kind, ProcessingResult};
use entrega_model::log::Offset;
use entrega_model::{Delivery, Duration, Instant, PartitionId, SubscriptionId};
use entrega_scenario::points::{Fault, Zone};
use entrega_scenario::workload::Workload;

use self::faults::{EffectError, WorkerLost};
use self::open_call::OpenCall;
pub(crate) use self::recall::Recall;
use crate::link::{SimLink, Wake};
use crate::world::{Answer, HoldId, Poison, ProgressAnswer, ProgressRequest, Routed, World};

/// The handler of one consumer in one of its lives.
pub(crate) struct SimHandler<'a, B: Broker, T> {
    link: SimLink<B>,
    /// Writes the effects, if they are records of the broker.
    producer: Option<T>,
    subscription: SubscriptionId,
    workload: &'a Workload,
    recall: Option<Box<Recall>>,
    /// It holds what is not due yet.
    waits: bool,
    /// The handler runs in a worker, and the process outlives it.
    outlives_workers: bool,
}

impl<'a, B: Broker, T> SimHandler<'a, B, T> {
    /// The handler of a life that begins.
    pub(crate) fn new(
        link: SimLink<B>,
        subscription: SubscriptionId,
        workload: &'a Workload,
        recall: Option<Box<Recall>>,
    ) -> Self {
        let waits = link.world.borrow().not_before.is_some();
        let (producer, outlives_workers) = (None, false);
        Self { link, producer, subscription, workload, recall, waits, outlives_workers }
    }

    /// The same, with effects that this producer writes.
    pub(crate) fn writing_with(self, producer: Option<T>) -> Self {
        Self { producer, ..self }
    }

    /// The same, whose process outlives the worker that a handler runs in, or does not.
    pub(crate) fn outliving_workers(self, outlives_workers: bool) -> Self {
        Self { outlives_workers, ..self }
    }
}

impl<B: Broker, T: TransactionalProducer> Handler for SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    async fn process(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        if self.waits && self.is_early(slice::from_ref(delivery)) {
            Box::pin(self.until_due(slice::from_ref(delivery))).await;
        }
        if let Some(recall) = &self.recall
            && Box::pin(self.knows(recall, delivery)).await?
        {
            return Ok(());
        }
        let Beginning { ends, wake, hold, failure } = self.begin(delivery, true);
        if let Some(end) = ends {
            self.link.sleep(end, wake).await;
        }
        if let Some(hold) = hold {
            self.held_up(hold).await;
        }
        if let Some(failure) = failure {
            let (result, error) = self.fail(failure).await;
            self.end(delivery, result);
            return Err(error);
        }
        if let Some(producer) = self.producer.as_ref().filter(|one| one.writes_output()) {
            return self.write(producer, delivery).await;
        }
        let SimLink { client, alone, .. } = self.link;
        let ask =
            |world: &mut World<B>| world.call_sink(client, alone, self.subscription, delivery);
        let (result, outcome) = match self.effect(delivery, ask).await {
            Ok(Answer::Decided(EffectVerdict::Rejected)) => {
                (ProcessingResult::Transient, Err(HandlerError::Rejected))
            }
            Ok(Answer::Refused) => (ProcessingResult::Transient, Err(HandlerError::Transient)),
            Ok(_) => (ProcessingResult::Ok, Ok(())),
            Err(EffectError::Unanswered) => (ProcessingResult::Unknown, Err(HandlerError::Unknown)),
            Err(EffectError::WorkerLost) => {
                (ProcessingResult::WorkerLost, Err(HandlerError::WorkerLost))
            }
        };
        self.end(delivery, result);
        if let Some(recall) = &self.recall
            && outcome.is_ok()
        {
            self.learn(recall, delivery);
        }
        outcome
    }

    async fn process_batch(&self, batch: &[Delivery]) -> Result<(), BatchError> {
        if self.waits && self.is_early(batch) {
            Box::pin(self.until_due(batch)).await;
        }
        match &self.recall {
            None => self.write_batch(batch).await,
            Some(recall) => Box::pin(self.write_new(recall, batch)).await,
        }
    }

    fn pause(&self, span: Duration) -> impl Future<Output = ()> {
        self.link.sleep(self.link.now() + span, Wake::Alone)
    }
}

impl<B: Broker, T> SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    /// When all of these deliveries are due.
    fn due(&self, deliveries: &[Delivery]) -> Instant {
        let due = deliveries.iter().map(|delivery| self.workload.due_time(delivery.record.message));
        due.max().unwrap_or(Instant::START)
    }

    fn is_early(&self, deliveries: &[Delivery]) -> bool {
        self.link.now() < self.due(deliveries)
    }

    /// Waits with deliveries in hand until all of them are due.
    async fn until_due(&self, deliveries: &[Delivery]) {
        self.link.sleep(self.due(deliveries), Wake::Alone).await;
    }

    /// Prepares the messages one after another; the first that fails ends the attempt for all, and
    /// those before it, which had no effect either, end as transient. Then asks for all effects at
    /// once. A batch has no worker of its own: what would kill one kills the process.
    async fn write_batch(&self, batch: &[Delivery]) -> Result<(), BatchError> {
        for (item, delivery) in batch.iter().enumerate() {
            let Beginning { ends, wake, hold, failure } = self.begin(delivery, item == 0);
            if let Some(end) = ends {
                self.link.sleep(end, wake).await;
            }
            if let Some(hold) = hold {
                self.held_up(hold).await;
            }
            if let Some(failure) = failure {
                let (result, _) = self.fail(failure).await;
                if result == ProcessingResult::WorkerLost {
                    self.die(None).await;
                }
                self.end_all(&batch[..item], ProcessingResult::Transient);
                self.end(delivery, result);
                return Err(BatchError::Item(item));
            }
        }
        let Some(first) = batch.first() else { return Ok(()) };
        let ask = |world: &mut World<B>| {
            let client = self.link.client;
            Called::Open(world.call_sink_with_batch(client, self.subscription, batch))
        };
        let effect = self.effect(first, ask).await;
        let (result, outcome) = match effect {
            Ok(Answer::Refused) => (ProcessingResult::Transient, Err(BatchError::Refused)),
            Ok(_) => (ProcessingResult::Ok, Ok(())),
            Err(broken) => {
                if broken == EffectError::WorkerLost {
                    self.die(None).await;
                }
                (ProcessingResult::Unknown, Err(BatchError::Unknown))
            }
        };
        self.end_all(batch, result);
        outcome
    }
}

impl<B: Broker, T> DeadLetters for SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    async fn store(&self, delivery: &Delivery) -> Result<(), Unanswered> {
        let SimLink { world, client, .. } = &self.link;
        let call = world.borrow_mut().call_dead_letters(*client, self.subscription, *delivery);
        OpenCall::new(&self.link, call).await?;
        self.after_dead_letter(delivery).await;
        Ok(())
    }
}

impl<B: Broker, T: TransactionalProducer> TransactionalHandler for SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    async fn stored_offset(&self, partition: PartitionId) -> Result<Option<Offset>, Unanswered> {
        match self.ask(ProgressRequest::Offset(partition)).await? {
            ProgressAnswer::Offset(offset) => Ok(offset),
            _ => Ok(None),
        }
    }

    async fn has_row(&self, delivery: &Delivery) -> Result<bool, Unanswered> {
        let answer = self.ask(ProgressRequest::Row(delivery.record.message)).await?;
        Ok(matches!(answer, ProgressAnswer::Row(true)))
    }

    async fn pass(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (partition, offset) = (delivery.partition, delivery.position);
        match self.ask(ProgressRequest::Pass { partition, offset }).await {
            Ok(ProgressAnswer::Passed(EffectVerdict::Rejected)) => Err(HandlerError::Rejected),
            Ok(_) => Ok(()),
            Err(Unanswered) => Err(HandlerError::Unknown),
        }
    }

    async fn recover(&self) -> Result<Option<Prepared>, Unanswered> {
        match self.ask(ProgressRequest::Recover).await? {
            ProgressAnswer::Recovered(prepared) => Ok(prepared),
            _ => Ok(None),
        }
    }

    async fn checkpoint(
        &self,
        delivery: &Delivery,
        prepared: Option<Prepared>,
    ) -> Result<bool, Unanswered> {
        let (partition, offset) = (delivery.partition, delivery.position);
        let checkpoint = Checkpoint { partition, offset, prepared };
        let answer = self.ask(ProgressRequest::Checkpoint(checkpoint)).await?;
        self.after_checkpoint(delivery).await;
        Ok(matches!(answer, ProgressAnswer::Stands(true)))
    }

    fn producer(&self) -> Option<&impl TransactionalProducer> {
        self.producer.as_ref()
    }
}

impl<B: Broker, T: TransactionalProducer> SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    /// The effect of a message is a record that a producer writes. It passes the fault points of an
    /// effect; whether it has happened is not known before the transaction ends.
    async fn write(&self, producer: &T, delivery: &Delivery) -> Result<(), HandlerError> {
        let ahead = self.ahead_of(delivery).await;
        let (subscription, consumer) = (self.subscription, self.link.client.process);
        self.link.world.borrow_mut().note_effect_asked(consumer, subscription, delivery);
        let sent = producer.send(delivery).await;
        if sent != Err(TransactionError::Unknown) {
            self.behind(delivery, ahead).await;
        }
        self.end(
            delivery,
            match sent {
                Ok(()) => ProcessingResult::Ok,
                Err(TransactionError::Unknown) => ProcessingResult::Unknown,
                Err(TransactionError::Refused | TransactionError::Fenced) => {
                    ProcessingResult::Transient
                }
            },
        );
        sent.map_err(HandlerError::from)
    }
}

/// What is known of an attempt when it begins.
struct Beginning {
    /// When its service time ends, if that is still to come.
    ends: Option<Instant>,
    /// With what it is waited for.
    wake: Wake,
    hold: Option<HoldId>,
    failure: Option<Failure>,
}

/// How an attempt fails before its effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Another one may succeed.
    Transient,
    /// So will every other.
    Poison,
    /// The process, or its worker, dies of it, as it will of every other.
    Kills,
}

impl<B: Broker, T> SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    /// Asks the sink about progress.
    async fn ask(&self, request: ProgressRequest) -> Result<ProgressAnswer, Unanswered> {
        let SimLink { world, client, .. } = &self.link;
        let call = world.borrow_mut().call_sink_for_progress(*client, self.subscription, request);
        match OpenCall::new(&self.link, call).await? {
            Answer::Progress(answer) => Ok(answer),
            _ => Err(Unanswered),
        }
    }

    /// Notes the start, and decides how long it takes and whether it fails before its effect. The
    /// messages of one attempt have one place among other handlers: that of the `first`.
    #[inline(always)]
    fn begin(&self, delivery: &Delivery, first: bool) -> Beginning {
        let &Delivery { id, record, attempt, .. } = delivery;
        let (subscription, consumer) = (self.subscription, self.link.client.process);
        let message = record.message;
        let mut world = self.link.world.borrow_mut();
        world.record(Kind::ProcessingStarted { delivery: id, message, subscription, consumer });
        let mut delay = self.workload.service_time(subscription, message, attempt);
        let mut hold = None;
        match self.pick(&mut world, Fault::HandlerSlow, delivery) {
            None if first => hold = self.give_way(&mut world, delivery),
            None => {}
            Some(Zone::Span) => delay = delay + world.times.slow,
            Some(zone) => {
                hold = Some(world.hold_work(consumer, subscription, delivery, zone));
            }
        }
        let failure = match world.poison_of(subscription, message, consumer) {
            Poison::Kills => Some(Failure::Kills),
            Poison::Fails => Some(Failure::Poison),
            Poison::None => {
                let error = self.pick(&mut world, Fault::HandlerError, delivery);
                error.map(|_| Failure::Transient)
            }
        };
        let SimLink { client, alone, .. } = self.link;
        let mut ends = (!delay.is_zero()).then(|| world.read_clock(consumer) + delay);
        let wake = if alone && ends.is_some() { Wake::Armed } else { Wake::Alone };
        if alone {
            ends = ends.filter(|&end| !world.sleep_through(client, end));
        }
        Beginning { ends, wake, hold, failure }
    }

    /// The attempt fails, unless the whole process dies of it: nothing comes after that.
    async fn fail(&self, failure: Failure) -> (ProcessingResult, HandlerError) {
        self.until_running().await;
        match failure {
            Failure::Transient => (ProcessingResult::Transient, HandlerError::Transient),
            Failure::Poison => (ProcessingResult::Poison, HandlerError::Poison),
            Failure::Kills => match self.crash(None).await {
                Ok(()) => (ProcessingResult::Unknown, HandlerError::Unknown),
                Err(WorkerLost) => (ProcessingResult::WorkerLost, HandlerError::WorkerLost),
            },
        }
    }

    fn end(&self, delivery: &Delivery, result: ProcessingResult) {
        let (subscription, consumer) = (self.subscription, self.link.client.process);
        let (delivery, message) = (delivery.id, delivery.record.message);
        let mut world = self.link.world.borrow_mut();
        world.record(Kind::ProcessingEnded { delivery, message, subscription, consumer, result });
    }

    fn end_all(&self, batch: &[Delivery], result: ProcessingResult) {
        batch.iter().for_each(|delivery| self.end(delivery, result));
    }
}
