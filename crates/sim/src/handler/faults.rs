//! What goes wrong around the work of a handler: the fault points before and after an effect, and
//! the delays in between.
//!
//! ```text
//!  effect.before ── group.rebalance ── process.stall ──▶ call to the sink ──▶ effect.after
//!   (crash)          connection.lost    before or after                        (crash)
//!                    before or after
//! ```
//!
//! A dead letter is a call too: `dead_letter.after` follows its answer.
//!
//! Whether the group rebalances or, on a queue, the connection breaks, and whether the process
//! stalls, is chosen once, before the call; the alternative says on which side of the effect it
//! happens.

use std::future::{Future, poll_fn};
use std::task::Poll;

use entrega_brokers::Broker;
use entrega_clients::{Called, Context, Unanswered};
use entrega_model::Delivery;
use entrega_scenario::points::{Act, Fault, Zone, info, own_point};

use super::SimHandler;
use super::open_call::OpenCall;
use crate::world::{Answer, FAULT, HoldId, Routed, World};

/// What a process remembers of a delay: that it is over.
const RELEASED: u64 = 2;
/// What a process remembers of an effect ahead, with what is to happen around it.
const AHEAD: u64 = 5;

/// What was chosen before an effect.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    stall: u32,
    /// A rebalance on a log, a lost connection on a queue.
    apart: u32,
}

/// On which side of an effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// The worker that ran a handler is dead, and its process lives on.
pub(super) struct WorkerLost;

/// Why there is no answer about an effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EffectError {
    /// The sink has not answered in time.
    Unanswered,
    /// The worker that asked, or was about to, is dead.
    WorkerLost,
}

impl From<Unanswered> for EffectError {
    fn from(_: Unanswered) -> Self {
        Self::Unanswered
    }
}

impl From<WorkerLost> for EffectError {
    fn from(_: WorkerLost) -> Self {
        Self::WorkerLost
    }
}

/// How it goes on around an effect.
enum Onward {
    /// As it should.
    Goes,
    /// Not before the process runs.
    Stands,
    /// Not at all: the process crashes, or its worker, maybe after a delay.
    Crashes(Option<HoldId>),
    /// After a stall, which begins after a delay.
    Stalls(HoldId),
}

impl<B: Broker, T> SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    /// The effect, with the fault points before and after it. `ask` calls the sink; `delivery` is
    /// the one that a fault is said to concern, of a batch the first.
    pub(super) async fn effect(
        &self,
        delivery: &Delivery,
        ask: impl FnOnce(&mut World<B>) -> Called<Answer<B>>,
    ) -> Result<Answer<B>, EffectError> {
        let mut ahead = Ahead { stall: 0, apart: 0 };
        let onward = self.before_effect(&mut self.link.world.borrow_mut(), delivery, &mut ahead);
        if !matches!(onward, Onward::Goes) {
            self.go_on(onward, delivery).await?;
        }
        let called = ask(&mut self.link.world.borrow_mut());
        let answer = match called {
            Called::Answered(answer) => answer,
            Called::Open(call) => OpenCall::new(&self.link, call).await?,
        };
        let onward = self.after_effect(&mut self.link.world.borrow_mut(), delivery, ahead);
        if !matches!(onward, Onward::Goes) {
            self.go_on(onward, delivery).await?;
        }
        Ok(answer)
    }

    /// The fault points before an effect that does not ask the sink.
    pub(super) async fn ahead_of(&self, delivery: &Delivery) -> Ahead {
        let mut ahead = Ahead { stall: 0, apart: 0 };
        let onward = self.before_effect(&mut self.link.world.borrow_mut(), delivery, &mut ahead);
        self.go_on_or_die(onward, delivery).await;
        ahead
    }

    /// Those after it.
    pub(super) async fn behind(&self, delivery: &Delivery, ahead: Ahead) {
        let onward = self.after_effect(&mut self.link.world.borrow_mut(), delivery, ahead);
        self.go_on_or_die(onward, delivery).await;
    }

    /// About to ask the sink: the process may crash or stall here, and the group may rebalance.
    #[inline(always)]
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
        let apart = self.choose(world, Self::apart(world));
        if apart != 0 {
            self.apart_at(world, Side::Before, delivery, apart);
        }
        let stall = self.choose(world, Fault::ProcessStall);
        let chosen = [AHEAD, u64::from(stall), u64::from(apart)];
        world.remember(self.link.client.process, &chosen);
        *ahead = Ahead { stall, apart };
        if stall != 0
            && let Some(hold) = self.stall_at(world, Act::StallBefore, delivery, stall)
        {
            return Onward::Stalls(hold);
        }
        self.onward(world)
    }

    /// The sink has answered: the process may crash or stall here, and the group may rebalance.
    #[inline(always)]
    fn after_effect(&self, world: &mut World<B>, delivery: &Delivery, ahead: Ahead) -> Onward {
        if ahead.apart != 0 {
            self.apart_at(world, Side::After, delivery, ahead.apart);
        }
        let crash = self.choose(world, Fault::EffectAfter);
        if crash != 0 {
            return self.crash_ahead(world, Fault::EffectAfter, crash, delivery);
        }
        if ahead.stall != 0 {
            self.stall_at(world, Act::StallAfter, delivery, ahead.stall);
        }
        self.onward(world)
    }

    /// The dead letter is written: the process may crash here, before it settles the message. The
    /// handler is over by then, and no worker dies alone.
    pub(super) async fn after_dead_letter(&self, delivery: &Delivery) {
        self.after_answer(Fault::DeadLetterAfter, delivery).await;
    }

    /// With the answer to a checkpoint, which comes from the sink too, the process may crash.
    pub(super) async fn after_checkpoint(&self, delivery: &Delivery) {
        self.after_answer(Fault::EffectAfter, delivery).await;
    }

    async fn after_answer(&self, fault: Fault, delivery: &Delivery) {
        let onward = self.crash_after(fault, &mut self.link.world.borrow_mut(), delivery);
        self.go_on_or_die(onward, delivery).await;
    }

    fn crash_after(&self, fault: Fault, world: &mut World<B>, delivery: &Delivery) -> Onward {
        match self.choose(world, fault) {
            0 => Onward::Goes,
            crash => self.crash_ahead(world, fault, crash, delivery),
        }
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
        let zone = self.chosen(world, fault, choice, delivery);
        let consumer = self.link.client.process;
        let hold = || world.hold_work(consumer, self.subscription, delivery, zone);
        Onward::Crashes((zone != Zone::Now).then(hold))
    }

    /// Goes on, if the process does, and with it the worker.
    async fn go_on(&self, onward: Onward, delivery: &Delivery) -> Result<(), WorkerLost> {
        match onward {
            Onward::Goes => {}
            Onward::Stands => self.until_running().await,
            Onward::Crashes(hold) => return self.crash(hold).await,
            Onward::Stalls(hold) => self.stall(hold, delivery).await,
        }
        Ok(())
    }

    /// Goes on, if the process does: there is no worker here that dies alone.
    async fn go_on_or_die(&self, onward: Onward, delivery: &Delivery) {
        match onward {
            Onward::Crashes(hold) => self.die(hold).await,
            Onward::Goes | Onward::Stands | Onward::Stalls(_) => {
                let _ = self.go_on(onward, delivery).await;
            }
        }
    }

    /// Stands still, after having been slow until all is calm, and then until a timer of the
    /// process has come due, if one does.
    async fn stall(&self, hold: HoldId, delivery: &Delivery) {
        self.held_up(hold).await;
        let client = self.link.client;
        let timer = self.link.world.borrow_mut().hold_until_timer(client, delivery);
        if let Some(hold) = timer {
            self.held_up(hold).await;
        }
        self.link.world.borrow_mut().stall(client.process, Zone::Takeover);
        self.until_running().await;
    }

    /// What runs the handler crashes, at once or after having been slow: the process, and nothing
    /// comes after that, or a worker of it.
    pub(super) async fn crash(&self, hold: Option<HoldId>) -> Result<(), WorkerLost> {
        if !self.outlives_workers {
            self.die(hold).await;
            return Ok(());
        }
        if let Some(hold) = hold {
            self.held_up(hold).await;
        }
        Err(WorkerLost)
    }

    /// The process crashes, at once or after having been slow. Nothing comes after that.
    pub(super) async fn die(&self, hold: Option<HoldId>) {
        if let Some(hold) = hold {
            self.held_up(hold).await;
        }
        self.link.world.borrow_mut().crash(self.link.client.process);
        self.until_running().await;
    }

    /// What can part a consumer from what it holds while it works.
    #[inline]
    fn apart(world: &World<B>) -> Fault {
        if world.has_groups() { Fault::GroupRebalance } else { Fault::ConnectionLost }
    }

    /// Its group rebalances or its connection breaks, if that was chosen for this side of the
    /// effect.
    #[cold]
    fn apart_at(&self, world: &mut World<B>, side: Side, delivery: &Delivery, choice: u32) {
        let fault = Self::apart(world);
        let is_before = |act| matches!(act, Act::RebalanceBefore | Act::DisconnectBefore);
        let chosen = info(fault).alternative(choice);
        if chosen.is_none_or(|chosen| is_before(chosen.act) != (side == Side::Before)) {
            return;
        }
        let (point, client) = (own_point(fault, self.subscription), self.link.client);
        world.fault(point, choice, client.process, Some(delivery.record.message));
        if world.has_groups() {
            world.rebalance(self.subscription);
        } else {
            world.lose_connection(client);
        }
    }

    /// Stands still, if that was chosen for this moment. Returns until when it is slow before, if
    /// it is.
    #[cold]
    fn stall_at(
        &self,
        world: &mut World<B>,
        moment: Act,
        delivery: &Delivery,
        choice: u32,
    ) -> Option<HoldId> {
        let chosen = info(Fault::ProcessStall).alternative(choice);
        let chosen = chosen.filter(|chosen| chosen.act == moment)?;
        let (point, consumer) =
            (own_point(Fault::ProcessStall, self.subscription), self.link.client.process);
        world.fault(point, choice, consumer, Some(delivery.record.message));
        if chosen.zone == Zone::Timer {
            return Some(world.hold_process(consumer, Zone::Calm));
        }
        world.stall(consumer, chosen.zone);
        None
    }

    /// Waits for the zone in which a delay ends.
    pub(super) async fn held_up(&self, hold: HoldId) {
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

    /// Goes on when the process runs, which is never after a crash.
    pub(super) fn until_running(&self) -> impl Future<Output = ()> {
        poll_fn(|_| if self.link.is_running() { Poll::Ready(()) } else { Poll::Pending })
    }

    /// Until when something delays that happens here, if anything does.
    #[inline]
    pub(super) fn pick(
        &self,
        world: &mut World<B>,
        fault: Fault,
        delivery: &Delivery,
    ) -> Option<Zone> {
        match self.choose(world, fault) {
            0 => None,
            choice => Some(self.chosen(world, fault, choice, delivery)),
        }
    }

    /// Lets all others do what they can first, if an exploration has chosen that. While nobody else
    /// has anything to do, there is no order to choose; and a handler that fails and tries again in
    /// place has had its choice, or one that fails for ever would have as many as there are steps.
    #[inline]
    pub(super) fn give_way(&self, world: &mut World<B>, delivery: &Delivery) -> Option<HoldId> {
        if !world.times.chooses_order || !world.places(delivery.id) {
            return None;
        }
        if self.link.alone && world.is_calm() {
            return None;
        }
        let zone = self.pick(world, Fault::HandlerOrder, delivery)?;
        Some(world.hold_process(self.link.client.process, zone))
    }

    /// Notes what was chosen at a point. Returns until when it delays.
    #[cold]
    fn chosen(&self, world: &mut World<B>, fault: Fault, choice: u32, delivery: &Delivery) -> Zone {
        let point = own_point(fault, self.subscription);
        world.fault(point, choice, self.link.client.process, Some(delivery.record.message));
        let words = [FAULT, u64::from(point.0), u64::from(choice)];
        world.remember(self.link.client.process, &words);
        info(fault).alternative(choice).map_or(Zone::Now, |chosen| chosen.zone)
    }

    #[inline]
    fn choose(&self, world: &mut World<B>, fault: Fault) -> u32 {
        let bound = info(fault).bound();
        world.choices.pick(own_point(fault, self.subscription), bound)
    }
}
