//! The application of a simulated consumer: takes its service time, fails as the choices say, and
//! asks its sink for the effect.

use std::future::poll_fn;
use std::task::Poll;

use entrega_brokers::Broker;
use entrega_clients::{BatchError, CallId, DeadLetters, Handler, HandlerError, Link, Unanswered};
use entrega_model::event::{Kind, ProcessingResult};
use entrega_model::{Delivery, Duration, SubscriptionId};

use crate::link::SimLink;
use crate::points::{Fault, STALL_AFTER, STALL_BEFORE, own_point};
use crate::workload::Workload;
use crate::world::{Answer, Routed, World};

/// The handler of one consumer in one of its lives.
pub(crate) struct SimHandler<'a, B: Broker> {
    pub(crate) link: SimLink<B>,
    pub(crate) subscription: SubscriptionId,
    pub(crate) workload: &'a Workload,
}

impl<B: Broker> Handler for SimHandler<'_, B>
where
    B::Request: Routed,
{
    async fn process(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (delay, failure) = self.begin(delivery);
        if !delay.is_zero() {
            self.pause(delay).await;
        }
        if let Some((result, error)) = failure {
            self.end(delivery, result);
            return Err(error);
        }
        let ask =
            |world: &mut World<B>| world.call_sink(self.link.client, self.subscription, *delivery);
        let effect = self.effect(delivery, ask).await;
        match effect {
            Ok(()) => self.end(delivery, ProcessingResult::Ok),
            Err(Unanswered) => self.end(delivery, ProcessingResult::Unknown),
        }
        effect.map_err(|Unanswered| HandlerError::Unknown)
    }

    /// Prepares the messages one after another; the first that fails ends the attempt for all, and
    /// those before it, which had no effect either, end as transient. Then asks for all effects at
    /// once.
    async fn process_batch(&self, batch: &[Delivery]) -> Result<(), BatchError> {
        for (item, delivery) in batch.iter().enumerate() {
            let (delay, failure) = self.begin(delivery);
            if !delay.is_zero() {
                self.pause(delay).await;
            }
            if let Some((result, _)) = failure {
                self.end_all(&batch[..item], ProcessingResult::Transient);
                self.end(delivery, result);
                return Err(BatchError::Item(item));
            }
        }
        let Some(first) = batch.first() else { return Ok(()) };
        let ask = |world: &mut World<B>| {
            world.call_sink_with_batch(self.link.client, self.subscription, batch)
        };
        let effect = self.effect(first, ask).await;
        match effect {
            Ok(()) => self.end_all(batch, ProcessingResult::Ok),
            Err(Unanswered) => self.end_all(batch, ProcessingResult::Unknown),
        }
        effect.map_err(|Unanswered| BatchError::Unknown)
    }

    async fn pause(&self, span: Duration) {
        self.link.sleep_until(self.link.now() + span).await;
    }
}

impl<B: Broker> DeadLetters for SimHandler<'_, B>
where
    B::Request: Routed,
{
    async fn store(&self, delivery: &Delivery) -> Result<(), Unanswered> {
        let SimLink { world, client } = &self.link;
        let call = world.borrow_mut().call_dead_letters(*client, self.subscription, *delivery);
        self.answer(call).await.map(|_| ())
    }
}

impl<B: Broker> SimHandler<'_, B>
where
    B::Request: Routed,
{
    /// Notes the start, and decides how long it takes and whether it fails before its effect.
    fn begin(&self, delivery: &Delivery) -> (Duration, Option<(ProcessingResult, HandlerError)>) {
        let &Delivery { id, record, attempt, .. } = delivery;
        let (subscription, consumer) = (self.subscription, self.link.client.process);
        let message = record.message;
        let mut world = self.link.world.borrow_mut();
        world.record(Kind::ProcessingStarted { delivery: id, message, subscription, consumer });
        let mut delay = self.workload.service_time(subscription, message, attempt);
        if self.pick(&mut world, Fault::HandlerSlow, 2, delivery) != 0 {
            delay = delay + world.times.slow;
        }
        let failure = if world.is_poison(subscription, message, consumer) {
            Some((ProcessingResult::Poison, HandlerError::Poison))
        } else if self.pick(&mut world, Fault::HandlerError, 2, delivery) != 0 {
            Some((ProcessingResult::Transient, HandlerError::Transient))
        } else {
            None
        };
        (delay, failure)
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

    /// The effect, with the fault points before and after it. `ask` calls the sink; `delivery` is
    /// the one that a fault is said to concern, of a batch the first.
    async fn effect(
        &self,
        delivery: &Delivery,
        ask: impl FnOnce(&mut World<B>) -> CallId,
    ) -> Result<(), Unanswered> {
        let stall = self.before_effect(delivery);
        self.until_running().await;
        let call = ask(&mut self.link.world.borrow_mut());
        self.answer(call).await?;
        self.after_effect(delivery, stall);
        self.until_running().await;
        Ok(())
    }

    /// About to ask the sink: the process may crash or stall here. Says which stall was chosen.
    fn before_effect(&self, delivery: &Delivery) -> u32 {
        let consumer = self.link.client.process;
        let mut world = self.link.world.borrow_mut();
        if self.pick(&mut world, Fault::EffectBefore, 2, delivery) != 0 {
            world.crash(consumer);
            return 0;
        }
        let stall = world.choices.pick(own_point(Fault::ProcessStall, self.subscription), 3);
        if stall == STALL_BEFORE {
            self.stall(&mut world, stall, delivery);
        }
        stall
    }

    /// Stands still, as was chosen before the effect.
    fn stall(&self, world: &mut World<B>, stall: u32, delivery: &Delivery) {
        let (point, consumer) =
            (own_point(Fault::ProcessStall, self.subscription), self.link.client.process);
        world.fault(point, stall, consumer, Some(delivery.record.message));
        world.stall(consumer);
    }

    /// The sink has answered: the process may crash or stall here.
    fn after_effect(&self, delivery: &Delivery, stall: u32) {
        let consumer = self.link.client.process;
        let mut world = self.link.world.borrow_mut();
        if self.pick(&mut world, Fault::EffectAfter, 2, delivery) != 0 {
            world.crash(consumer);
        } else if stall == STALL_AFTER {
            self.stall(&mut world, stall, delivery);
        }
    }

    /// Goes on when the process runs: at once if nothing happened to it, never after a crash.
    async fn until_running(&self) {
        let SimLink { world, client } = &self.link;
        poll_fn(
            |_| {
                if world.borrow().is_running(*client) { Poll::Ready(()) } else { Poll::Pending }
            },
        )
        .await;
    }

    /// Waits for the answer of a call. Dropped before that, nobody waits for it any more.
    async fn answer(&self, id: CallId) -> Result<Answer<B>, Unanswered> {
        let SimLink { world, client } = &self.link;
        let mut call = OpenCall { link: &self.link, id, open: true };
        let answer = poll_fn(|cx| world.borrow_mut().poll_call(client.process, id, cx)).await;
        call.open = false;
        answer
    }

    #[inline]
    fn pick(&self, world: &mut World<B>, fault: Fault, bound: u32, delivery: &Delivery) -> u32 {
        let point = own_point(fault, self.subscription);
        let choice = world.choices.pick(point, bound);
        if choice != 0 {
            let message = Some(delivery.record.message);
            world.fault(point, choice, self.link.client.process, message);
        }
        choice
    }
}

/// A call that is forgotten when nobody waits for it any more.
struct OpenCall<'a, B: Broker>
where
    B::Request: Routed,
{
    link: &'a SimLink<B>,
    id: CallId,
    open: bool,
}

impl<B: Broker> Drop for OpenCall<'_, B>
where
    B::Request: Routed,
{
    fn drop(&mut self) {
        if self.open {
            self.link.forget(self.id);
        }
    }
}
