//! The application of a simulated consumer: takes its service time, fails as the choices say, and
//! asks its sink for the effect.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{self, Poll};

use entrega_brokers::Broker;
use entrega_clients::application::TransactionalHandler;
use entrega_clients::{
    BatchError, CallId, Called, Context, DeadLetters, Handler, HandlerError, Link, Unanswered,
};
use entrega_model::event::{EffectVerdict, Kind, ProcessingResult};
use entrega_model::log::Offset;
use entrega_model::{Delivery, Duration, Instant, PartitionId, SubscriptionId};
use entrega_scenario::points::{
    Fault, REBALANCE_AFTER, REBALANCE_BEFORE, STALL_AFTER, STALL_BEFORE, Zone, info, own_point,
};
use entrega_scenario::workload::Workload;

use crate::link::SimLink;
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
        let Beginning { ends, armed, hold, failure } = self.begin(delivery);
        if let Some(end) = ends {
            self.link.sleep(end, armed).await;
        }
        if let Some(hold) = hold {
            self.held_up(hold).await;
        }
        if let Some((result, error)) = failure {
            self.until_running().await;
            self.end(delivery, result);
            return Err(error);
        }
        let SimLink { client, alone, .. } = self.link;
        let ask =
            |world: &mut World<B>| world.call_sink(client, alone, self.subscription, delivery);
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
            let Beginning { ends, armed, hold, failure } = self.begin(delivery);
            if let Some(end) = ends {
                self.link.sleep(end, armed).await;
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
            let client = self.link.client;
            Called::Open(world.call_sink_with_batch(client, self.subscription, batch))
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
    async fn stored_offset(&self, partition: PartitionId) -> Result<Option<Offset>, Unanswered> {
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
        let (partition, offset) = (delivery.partition, delivery.position);
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
#[derive(Clone, Copy)]
struct Ahead {
    stall: u32,
    rebalance: u32,
}

/// How it goes on around an effect.
enum Onward {
    /// As it should.
    Goes,
    /// Not before the process runs.
    Stands,
    /// Not at all: the process crashes, maybe after a delay.
    Crashes(Option<HoldId>),
}

/// What is known of an attempt when it begins.
struct Beginning {
    /// When its service time ends, if that is still to come.
    ends: Option<Instant>,
    /// The process will be woken then.
    armed: bool,
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
        let SimLink { client, alone, .. } = self.link;
        let mut ends = (!delay.is_zero()).then(|| world.read_clock(consumer) + delay);
        let armed = alone && ends.is_some();
        if alone {
            ends = ends.filter(|&end| !world.sleep_through(client, end));
        }
        Beginning { ends, armed, hold, failure }
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
        ask: impl FnOnce(&mut World<B>) -> Called<Answer<B>>,
    ) -> Result<Answer<B>, Unanswered> {
        let mut ahead = Ahead { stall: 0, rebalance: 0 };
        let onward = self.before_effect(&mut self.link.world.borrow_mut(), delivery, &mut ahead);
        if !matches!(onward, Onward::Goes) {
            self.go_on(onward).await;
        }
        let called = ask(&mut self.link.world.borrow_mut());
        let answer = match called {
            Called::Answered(answer) => answer,
            Called::Open(call) => self.answer(call).await?,
        };
        let onward = self.after_effect(&mut self.link.world.borrow_mut(), delivery, ahead);
        if !matches!(onward, Onward::Goes) {
            self.go_on(onward).await;
        }
        Ok(answer)
    }

    /// About to ask the sink: the process may crash or stall here, and the group may rebalance.
    #[inline]
    fn before_effect(
        &self,
        world: &mut World<B>,
        delivery: &Delivery,
        ahead: &mut Ahead,
    ) -> Onward {
        let crash = self.choose(world, Fault::EffectBefore);
        if crash != 0 {
            return self.crash_ahead(world, Fault::EffectBefore, crash, delivery);
        }
        let groups = world.has_groups();
        let rebalance = if groups { self.choose(world, Fault::GroupRebalance) } else { 0 };
        if rebalance == REBALANCE_BEFORE {
            self.rebalance(world, rebalance, delivery);
        }
        let stall = self.choose(world, Fault::ProcessStall);
        let chosen = [AHEAD, u64::from(stall), u64::from(rebalance)];
        world.remember(self.link.client.process, &chosen);
        *ahead = Ahead { stall, rebalance };
        if stall != 0 {
            self.stall_at(world, STALL_BEFORE, delivery, *ahead);
        }
        self.onward(world)
    }

    /// The sink has answered: the process may crash or stall here, and the group may rebalance.
    #[inline]
    fn after_effect(&self, world: &mut World<B>, delivery: &Delivery, ahead: Ahead) -> Onward {
        if ahead.rebalance == REBALANCE_AFTER {
            self.rebalance(world, ahead.rebalance, delivery);
        }
        let crash = self.choose(world, Fault::EffectAfter);
        if crash != 0 {
            return self.crash_ahead(world, Fault::EffectAfter, crash, delivery);
        }
        if ahead.stall != 0 {
            self.stall_at(world, STALL_AFTER, delivery, ahead);
        }
        self.onward(world)
    }

    /// Whether the process goes on, which it does if nothing has happened to it.
    #[inline]
    fn onward(&self, world: &mut World<B>) -> Onward {
        if world.may_go_on(self.link.client) { Onward::Goes } else { Onward::Stands }
    }

    /// The process is to crash here, maybe after a delay.
    #[cold]
    fn crash_ahead(
        &self,
        world: &mut World<B>,
        fault: Fault,
        choice: u32,
        delivery: &Delivery,
    ) -> Onward {
        let (_, zone) = self.chosen(world, fault, choice, delivery);
        let hold = || world.hold_process(self.link.client.process, zone);
        Onward::Crashes((zone != Zone::Now).then(hold))
    }

    /// Goes on, if the process does.
    async fn go_on(&self, onward: Onward) {
        match onward {
            Onward::Goes => {}
            Onward::Stands => self.until_running().await,
            Onward::Crashes(hold) => self.crash(hold).await,
        }
    }

    /// Crashes, at once or after having been slow. Nothing comes after that.
    async fn crash(&self, hold: Option<HoldId>) {
        if let Some(hold) = hold {
            self.held_up(hold).await;
        }
        self.link.world.borrow_mut().crash(self.link.client.process);
        self.until_running().await;
    }

    /// Its group rebalances, as was chosen before the effect.
    fn rebalance(&self, world: &mut World<B>, choice: u32, delivery: &Delivery) {
        let (point, consumer) =
            (own_point(Fault::GroupRebalance, self.subscription), self.link.client.process);
        world.fault(point, choice, consumer, Some(delivery.record.message));
        world.rebalance(self.subscription);
    }

    /// Stands still, if that was chosen for this moment.
    #[cold]
    fn stall_at(&self, world: &mut World<B>, moment: u32, delivery: &Delivery, ahead: Ahead) {
        let choice = ahead.stall;
        let (chosen, zone) = info(Fault::ProcessStall).decode(choice);
        if chosen != moment {
            return;
        }
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
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
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
