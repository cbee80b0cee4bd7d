//! The application of a simulated consumer: takes its service time, fails as the choices say, and
//! asks its sink for the effect.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use entrega_brokers::Broker;
use entrega_clients::application::TransactionalHandler;
use entrega_clients::{BatchError, CallId, DeadLetters, Handler, HandlerError, Link, Unanswered};
use entrega_model::event::{EffectVerdict, Kind, ProcessingResult};
use entrega_model::log::Offset;
use entrega_model::{Delivery, Duration, LaneId, SubscriptionId};

use crate::link::SimLink;
use crate::points::{
    Fault, REBALANCE_AFTER, REBALANCE_BEFORE, STALL_AFTER, STALL_BEFORE, Zone, info, own_point,
};
use crate::workload::Workload;
use crate::world::{Answer, Ask, HoldId, Routed, Told, World};

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
        let Beginning { delay, hold, failure } = self.begin(delivery);
        if !delay.is_zero() {
            self.pause(delay).await;
        }
        if let Some(hold) = hold {
            self.held_up(hold).await;
        }
        if let Some((result, error)) = failure {
            self.until_running().await;
            self.end(delivery, result);
            return Err(error);
        }
        let ask =
            |world: &mut World<B>| world.call_sink(self.link.client, self.subscription, *delivery);
        let (result, outcome) = match self.effect(delivery, ask).await {
            Ok(Answer::Decided(EffectVerdict::Rejected)) => {
                (ProcessingResult::Transient, Err(HandlerError::Rejected))
            }
            Ok(_) => (ProcessingResult::Ok, Ok(())),
            Err(Unanswered) => (ProcessingResult::Unknown, Err(HandlerError::Unknown)),
        };
        self.end(delivery, result);
        outcome
    }

    /// Prepares the messages one after another; the first that fails ends the attempt for all, and
    /// those before it, which had no effect either, end as transient. Then asks for all effects at
    /// once.
    async fn process_batch(&self, batch: &[Delivery]) -> Result<(), BatchError> {
        for (item, delivery) in batch.iter().enumerate() {
            let Beginning { delay, hold, failure } = self.begin(delivery);
            if !delay.is_zero() {
                self.pause(delay).await;
            }
            if let Some(hold) = hold {
                self.held_up(hold).await;
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
            Ok(_) => self.end_all(batch, ProcessingResult::Ok),
            Err(Unanswered) => self.end_all(batch, ProcessingResult::Unknown),
        }
        effect.map(|_| ()).map_err(|Unanswered| BatchError::Unknown)
    }

    fn pause(&self, span: Duration) -> impl Future<Output = ()> {
        self.link.sleep_until(self.link.now() + span)
    }
}

impl<B: Broker> DeadLetters for SimHandler<'_, B>
where
    B::Request: Routed,
{
    async fn store(&self, delivery: &Delivery) -> Result<(), Unanswered> {
        let SimLink { world, client, .. } = &self.link;
        let call = world.borrow_mut().call_dead_letters(*client, self.subscription, *delivery);
        self.answer(call).await.map(|_| ())
    }
}

impl<B: Broker> TransactionalHandler for SimHandler<'_, B>
where
    B::Request: Routed,
{
    async fn stored_offset(&self, partition: LaneId) -> Result<Option<Offset>, Unanswered> {
        match self.ask(Ask::Offset(partition)).await? {
            Told::Offset(offset) => Ok(offset),
            _ => Ok(None),
        }
    }

    async fn has_row(&self, delivery: &Delivery) -> Result<bool, Unanswered> {
        let told = self.ask(Ask::Row(delivery.record.message)).await?;
        Ok(matches!(told, Told::Row(true)))
    }

    async fn pass(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (partition, offset) = (delivery.lane, delivery.position);
        match self.ask(Ask::Pass { partition, offset }).await {
            Ok(Told::Passed(EffectVerdict::Rejected)) => Err(HandlerError::Rejected),
            Ok(_) => Ok(()),
            Err(Unanswered) => Err(HandlerError::Unknown),
        }
    }
}

/// What a process remembers of a delay: that it is over.
const RELEASED: u64 = 2;
/// What a process remembers of an effect ahead, with what is to happen around it.
const AHEAD: u64 = 5;
/// What a process remembers of a fault in its handler, with the point and the alternative.
const FAULT: u64 = 6;

/// What was chosen before an effect.
struct Ahead {
    stall: u32,
    zone: Zone,
    rebalance: u32,
}

/// What is known of an attempt when it begins.
struct Beginning {
    delay: Duration,
    hold: Option<HoldId>,
    failure: Option<(ProcessingResult, HandlerError)>,
}

impl<B: Broker> SimHandler<'_, B>
where
    B::Request: Routed,
{
    /// Asks the sink about progress.
    async fn ask(&self, ask: Ask) -> Result<Told, Unanswered> {
        let SimLink { world, client, .. } = &self.link;
        let call = world.borrow_mut().call_sink_for_progress(*client, self.subscription, ask);
        match self.answer(call).await? {
            Answer::Progress(told) => Ok(told),
            _ => Err(Unanswered),
        }
    }

    /// Notes the start, and decides how long it takes and whether it fails before its effect.
    fn begin(&self, delivery: &Delivery) -> Beginning {
        let &Delivery { id, record, attempt, .. } = delivery;
        let (subscription, consumer) = (self.subscription, self.link.client.process);
        let message = record.message;
        let mut world = self.link.world.borrow_mut();
        world.record(Kind::ProcessingStarted { delivery: id, message, subscription, consumer });
        let mut delay = self.workload.service_time(subscription, message, attempt);
        let mut hold = None;
        match self.pick(&mut world, Fault::HandlerSlow, delivery) {
            (0, _) => {}
            (_, Zone::Span) => delay = delay + world.times.slow,
            (_, zone) => hold = Some(world.hold_process(consumer, zone)),
        }
        let failure = if world.is_poison(subscription, message, consumer) {
            Some((ProcessingResult::Poison, HandlerError::Poison))
        } else if self.pick(&mut world, Fault::HandlerError, delivery).0 != 0 {
            Some((ProcessingResult::Transient, HandlerError::Transient))
        } else {
            None
        };
        Beginning { delay, hold, failure }
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
    ) -> Result<Answer<B>, Unanswered> {
        let ahead = match self.crash_ahead(Fault::EffectBefore, delivery) {
            Some(crash) => self.crash(crash).await,
            None => self.before_effect(delivery),
        };
        if !self.runs() {
            self.until_running().await;
        }
        let call = ask(&mut self.link.world.borrow_mut());
        let answer = self.answer(call).await?;
        self.before_rest(delivery, &ahead);
        match self.crash_ahead(Fault::EffectAfter, delivery) {
            Some(crash) => _ = self.crash(crash).await,
            None => self.after_effect(delivery, &ahead),
        }
        if !self.runs() {
            self.until_running().await;
        }
        Ok(answer)
    }

    /// About to ask the sink: the process may stall here. Says what was chosen.
    fn before_effect(&self, delivery: &Delivery) -> Ahead {
        let mut world = self.link.world.borrow_mut();
        let groups = world.has_groups();
        let rebalance = if groups { self.choose(&mut world, Fault::GroupRebalance) } else { 0 };
        if rebalance == REBALANCE_BEFORE {
            self.rebalance(&mut world, rebalance, delivery);
        }
        let stall = self.choose(&mut world, Fault::ProcessStall);
        let chosen = [AHEAD, u64::from(stall), u64::from(rebalance)];
        world.remember(self.link.client.process, &chosen);
        let (moment, zone) = info(Fault::ProcessStall).decode(stall);
        if moment == STALL_BEFORE {
            self.stall(&mut world, stall, zone, delivery);
        }
        Ahead { stall, zone, rebalance }
    }

    /// The sink has answered: the group may rebalance here.
    fn before_rest(&self, delivery: &Delivery, ahead: &Ahead) {
        if ahead.rebalance == REBALANCE_AFTER {
            self.rebalance(&mut self.link.world.borrow_mut(), ahead.rebalance, delivery);
        }
    }

    /// The sink has answered: the process may stall here.
    fn after_effect(&self, delivery: &Delivery, ahead: &Ahead) {
        let &Ahead { stall, zone, .. } = ahead;
        if info(Fault::ProcessStall).decode(stall).0 == STALL_AFTER {
            self.stall(&mut self.link.world.borrow_mut(), stall, zone, delivery);
        }
    }

    /// Whether the process is to crash here, and after which delay.
    #[inline(always)]
    fn crash_ahead(&self, fault: Fault, delivery: &Delivery) -> Option<Option<HoldId>> {
        let mut world = self.link.world.borrow_mut();
        match self.choose(&mut world, fault) {
            0 => None,
            choice => {
                let (_, zone) = self.chosen(&mut world, fault, choice, delivery);
                let hold = || world.hold_process(self.link.client.process, zone);
                Some((zone != Zone::Now).then(hold))
            }
        }
    }

    /// Crashes, at once or after having been slow. Nothing is ahead of it then.
    async fn crash(&self, hold: Option<HoldId>) -> Ahead {
        if let Some(hold) = hold {
            self.held_up(hold).await;
        }
        self.link.world.borrow_mut().crash(self.link.client.process);
        Ahead { stall: 0, zone: Zone::Now, rebalance: 0 }
    }

    /// Its group rebalances, as was chosen before the effect.
    fn rebalance(&self, world: &mut World<B>, choice: u32, delivery: &Delivery) {
        let (point, consumer) =
            (own_point(Fault::GroupRebalance, self.subscription), self.link.client.process);
        world.fault(point, choice, consumer, Some(delivery.record.message));
        world.rebalance(self.subscription);
    }

    /// Stands still, as was chosen before the effect.
    fn stall(&self, world: &mut World<B>, choice: u32, zone: Zone, delivery: &Delivery) {
        let (point, consumer) =
            (own_point(Fault::ProcessStall, self.subscription), self.link.client.process);
        world.fault(point, choice, consumer, Some(delivery.record.message));
        world.stall(consumer, zone);
    }

    /// Waits for the zone in which a delay ends.
    async fn held_up(&self, hold: HoldId) {
        poll_fn(|cx| {
            let world = self.link.world.borrow();
            let running = world.processes[self.link.client.process.index()].is_running();
            if running && !world.is_held(hold) {
                drop(world);
                self.link.world.borrow_mut().remember(self.link.client.process, &[RELEASED]);
                return Poll::Ready(());
            }
            drop(world);
            self.link.watch(cx);
            Poll::Pending
        })
        .await;
    }

    /// Whether the process may go on: it does if nothing happened to it.
    fn runs(&self) -> bool {
        self.link.is_running()
    }

    /// Goes on when the process runs, which is never after a crash.
    fn until_running(&self) -> impl Future<Output = ()> {
        poll_fn(|_| if self.runs() { Poll::Ready(()) } else { Poll::Pending })
    }

    /// Waits for the answer of a call. Dropped before that, nobody waits for it any more.
    fn answer(&self, id: CallId) -> OpenCall<'_, B> {
        OpenCall { link: &self.link, id, open: true }
    }

    /// What happens here, whatever its delay, and until when it delays.
    #[inline]
    fn pick(&self, world: &mut World<B>, fault: Fault, delivery: &Delivery) -> (u32, Zone) {
        match self.choose(world, fault) {
            0 => (0, Zone::Now),
            choice => self.chosen(world, fault, choice, delivery),
        }
    }

    /// Notes what was chosen at a point. Says what it is, and until when.
    #[cold]
    fn chosen(
        &self,
        world: &mut World<B>,
        fault: Fault,
        choice: u32,
        delivery: &Delivery,
    ) -> (u32, Zone) {
        let point = own_point(fault, self.subscription);
        world.fault(point, choice, self.link.client.process, Some(delivery.record.message));
        let words = [FAULT, u64::from(point.0), u64::from(choice)];
        world.remember(self.link.client.process, &words);
        info(fault).decode(choice)
    }

    #[inline]
    fn choose(&self, world: &mut World<B>, fault: Fault) -> u32 {
        let bound = info(fault).alternatives.len() as u32 + 1;
        world.choices.pick(own_point(fault, self.subscription), bound)
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

impl<B: Broker> Future for OpenCall<'_, B>
where
    B::Request: Routed,
{
    type Output = Result<Answer<B>, Unanswered>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let SimLink { world, client, .. } = self.link;
        let mut world = world.borrow_mut();
        if world.waits(client.process, self.id, cx) {
            return Poll::Pending;
        }
        self.open = false;
        Poll::Ready(world.take_answer(client.process, self.id))
    }
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
