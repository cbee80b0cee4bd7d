//! What goes wrong in a live run: the choices, and what is done to a process by them.
//!
//! | Point | Live |
//! |---|---|
//! | `effect.before`, `effect.after`, `settle.after` | the process's future is dropped there and restarted |
//! | `process.stall` | it is not polled for `times.stall`, and the broker hears no heartbeats |
//! | `handler.error`, `handler.slow`, `message.poison` | the handler fails, or takes longer |
//! | legs of sends, receives, settles, effects, dead letters | lost |
//! | requests to the broker | also duplicated |
//! | answers | a late one is a lost one, if it comes after the request timeout |
//! | `broker.restart`, `group.rebalance` | as in the simulator |
//!
//! What is left out is in [`left_out`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entrega_brokers::{LogBroker, QueueBroker};
use entrega_choice::{Choice, Choices, Point};
use entrega_clients::{Context, Link};
use entrega_live::{Around, Attempt, Failure, Fate, LiveLink, Reins, Served, Side};
use entrega_model::event::SettleTrigger;
use entrega_model::{Delivery, DeliveryId, Instant, Kind, MessageId, SubscriptionId, log, queue};
use entrega_scenario::Scenario;
use entrega_scenario::points::{
    Act, Call, Fault, Leg, Site, describe, info, own_point, shared_point,
};

use super::Setup;

/// A broker whose requests say which fault points they pass.
pub(crate) trait Exposed: Side {
    /// The points of a request of this kind.
    fn passage(request: &Self::Request) -> Passage;
}

/// Which fault points a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Send,
    Receive(SubscriptionId),
    Settle(SubscriptionId, SettleTrigger),
    /// None: what a lost membership call would show, a stall shows too.
    Quiet,
}

impl Exposed for LogBroker {
    fn passage(request: &log::Request) -> Passage {
        match request {
            log::Request::Produce { .. } => Passage::Send,
            log::Request::Fetch { group, .. } => Passage::Receive(*group),
            log::Request::Commit { group, trigger, .. } => Passage::Settle(*group, *trigger),
            log::Request::Join { .. } | log::Request::Leave { .. } => Passage::Quiet,
        }
    }
}

impl Exposed for QueueBroker {
    fn passage(request: &queue::Request) -> Passage {
        match request {
            queue::Request::Publish { .. } => Passage::Send,
            queue::Request::Receive { queue, .. } => Passage::Receive(*queue),
            queue::Request::Settle { queue, trigger, .. } => Passage::Settle(*queue, *trigger),
            queue::Request::Close { .. } => Passage::Quiet,
        }
    }
}

/// The choices of a run, and what they have decided for all processes.
pub(crate) struct Chance {
    inner: Mutex<Inner>,
}

struct Inner {
    choices: Choices,
    poison: BTreeMap<(SubscriptionId, MessageId), bool>,
    /// A restart was chosen, and comes before the next request.
    restart_due: bool,
    broker_up_at: Instant,
}

impl Chance {
    pub(crate) fn new(choices: Choices) -> Self {
        let (poison, restart_due, broker_up_at) = (BTreeMap::new(), false, Instant::START);
        Self { inner: Mutex::new(Inner { choices, poison, restart_due, broker_up_at }) }
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn end(&self) {
        self.inner().choices.enable(false);
    }

    /// What was chosen so far.
    pub(crate) fn made(&self) -> Vec<Choice> {
        self.inner().choices.made().to_vec()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One life of a process, and what may go wrong in it.
pub(crate) struct Danger<B: Side> {
    pub(crate) setup: Setup,
    pub(crate) chance: Arc<Chance>,
    /// The life's connection, without the dangers of the network.
    pub(crate) link: LiveLink<B>,
    pub(crate) reins: Reins,
    /// What was chosen for an effect under way: the stall and the rebalance.
    pub(crate) ahead: Mutex<BTreeMap<DeliveryId, (u32, u32)>>,
}

impl<B: Exposed> Danger<B> {
    pub(crate) fn new(
        setup: &Setup,
        chance: &Arc<Chance>,
        link: &LiveLink<B>,
        reins: Reins,
    ) -> Arc<Self> {
        let (setup, chance, link) = (setup.clone(), Arc::clone(chance), link.clone());
        Arc::new(Self { setup, chance, link, reins, ahead: Mutex::default() })
    }

    /// The life's connection over a network that loses what the choices say.
    pub(crate) fn network(self: &Arc<Self>) -> LiveLink<B>
    where
        B::Request: Clone,
    {
        let danger = Arc::clone(self);
        self.link.clone().with_network(move |request| danger.fate(request))
    }

    fn served(&self) -> &Served<B> {
        self.link.served()
    }

    /// Asks for a choice; what cannot be done live is harmless.
    fn choose(&self, point: Point) -> u32 {
        let bound = describe(point).0.bound();
        let mut inner = self.chance.inner();
        inner.choices.clock(self.link.now().as_nanos());
        inner.choices.pick(point, bound)
    }

    /// The same, noted if something happens.
    fn happens(&self, point: Point, message: Option<MessageId>) -> bool {
        let choice = self.choose(point);
        if choice != 0 {
            self.note(point, choice, message);
        }
        choice != 0
    }

    fn note(&self, point: Point, choice: u32, message: Option<MessageId>) {
        let (alternative, process) = (choice as u8, self.link.process());
        self.served().record(Kind::Faulted { point: point.0, alternative, process, message });
    }

    /// What happens to the two legs of a call; `DUPLICATED` for a request that is to arrive twice.
    fn legs(&self, request: Point, answer: Point, message: Option<MessageId>) -> (Fate, bool) {
        let choice = self.choose(request);
        match act(request, choice) {
            Some(Act::Lost) => {
                self.note(request, choice, message);
                return (Fate::RequestLost, false);
            }
            Some(Act::Duplicated) => {
                self.note(request, choice, message);
                return (Fate::Arrives, true);
            }
            _ => {}
        }
        let choice = self.choose(answer);
        let lost = match act(answer, choice) {
            Some(Act::Lost) => true,
            Some(Act::Late) => {
                self.setup.scenario.times.late.duration() >= self.link.request_timeout()
            }
            _ => false,
        };
        if lost {
            self.note(answer, choice, message);
        }
        (if lost { Fate::AnswerLost } else { Fate::Arrives }, false)
    }
}

/// The network.
impl<B: Exposed<Request: Clone>> Danger<B> {
    fn fate(&self, request: &B::Request) -> Fate {
        if self.broker_is_away() {
            return Fate::RequestLost;
        }
        let (fate, twice) = match B::passage(request) {
            Passage::Quiet => (Fate::Arrives, false),
            Passage::Send => {
                let legs = (Fault::SendRequest, Fault::SendResponse);
                self.legs(shared_point(legs.0), shared_point(legs.1), None)
            }
            Passage::Receive(of) => {
                let legs = (Fault::ReceiveRequest, Fault::ReceiveResponse);
                self.legs(own_point(legs.0, of), own_point(legs.1, of), None)
            }
            Passage::Settle(of, trigger) => self.settle(of, trigger),
        };
        if twice {
            let copy = self.link.start(request.clone());
            self.link.forget(copy);
        }
        if fate != Fate::RequestLost && self.happens(shared_point(Fault::BrokerRestart), None) {
            self.chance.inner().restart_due = true;
        }
        fate
    }

    /// A settle that the application asked for may be the last thing that its process does.
    fn settle(&self, of: SubscriptionId, trigger: SettleTrigger) -> (Fate, bool) {
        let (request, answer) = (Fault::SettleRequest, Fault::SettleResponse);
        let (fate, twice) = self.legs(own_point(request, of), own_point(answer, of), None);
        let awaited = trigger == SettleTrigger::Application
            && self.setup.scenario.consumer.settle_confirmed
            && fate == Fate::Arrives;
        if awaited && self.happens(own_point(Fault::SettleAfter, of), None) {
            self.link.halt();
            self.reins.doom();
        }
        (fate, twice)
    }

    /// Restarts the broker if that was chosen; whether it is away.
    fn broker_is_away(&self) -> bool {
        let now = self.link.now();
        let mut inner = self.chance.inner();
        if std::mem::take(&mut inner.restart_due) {
            inner.broker_up_at = now + self.setup.scenario.times.broker_restart.duration();
            drop(inner);
            self.served().restart();
            return true;
        }
        now < inner.broker_up_at
    }
}

/// The application of one consumer in one of its lives, in danger.
pub(crate) struct Endangered<B: Side> {
    pub(crate) danger: Arc<Danger<B>>,
    pub(crate) subscription: SubscriptionId,
}

impl<B: Side> Clone for Endangered<B> {
    fn clone(&self) -> Self {
        Self { danger: Arc::clone(&self.danger), subscription: self.subscription }
    }
}

impl<B: Exposed> Endangered<B> {
    fn point(&self, fault: Fault) -> Point {
        own_point(fault, self.subscription)
    }

    fn happens(&self, fault: Fault, delivery: &Delivery) -> bool {
        self.danger.happens(self.point(fault), Some(delivery.record.message))
    }

    /// What an attempt at a message is like.
    pub(crate) fn attempt(&self, delivery: &Delivery) -> Attempt {
        let Setup { scenario, workload, .. } = &self.danger.setup;
        let &Delivery { record, attempt, .. } = delivery;
        let mut takes = workload.service_time(self.subscription, record.message, attempt);
        if self.happens(Fault::HandlerSlow, delivery) {
            takes = takes + scenario.times.slow.duration();
        }
        let fails = if self.is_poison(delivery) {
            Some(Failure::Poison)
        } else {
            self.happens(Fault::HandlerError, delivery).then_some(Failure::Transient)
        };
        Attempt { takes, fails }
    }

    /// Decided once for each message.
    fn is_poison(&self, delivery: &Delivery) -> bool {
        let known = (self.subscription, delivery.record.message);
        if let Some(&poison) = self.danger.chance.inner().poison.get(&known) {
            return poison;
        }
        let poison = self.happens(Fault::MessagePoison, delivery);
        self.danger.chance.inner().poison.insert(known, poison);
        poison
    }

    async fn crash(&self) {
        self.danger.link.halt();
        self.danger.reins.die().await;
    }

    fn rebalance(&self, choice: u32, delivery: &Delivery) {
        let point = self.point(Fault::GroupRebalance);
        self.danger.note(point, choice, Some(delivery.record.message));
        self.danger.served().rebalance(self.subscription);
    }

    async fn stall(&self, choice: u32, delivery: &Delivery) {
        let point = self.point(Fault::ProcessStall);
        self.danger.note(point, choice, Some(delivery.record.message));
        self.danger.reins.stand_still(self.danger.setup.scenario.times.stall.duration()).await;
    }

    fn ahead(&self) -> MutexGuard<'_, BTreeMap<DeliveryId, (u32, u32)>> {
        self.danger.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a choice is, whatever its delay.
fn act(point: Point, choice: u32) -> Option<Act> {
    describe(point).0.alternative(choice).map(|chosen| chosen.act)
}

/// The same at any point of a kind.
fn chosen(fault: Fault, choice: u32) -> Option<Act> {
    info(fault).alternative(choice).map(|chosen| chosen.act)
}

impl<B: Exposed> Around for Endangered<B> {
    async fn before_effect(&self, delivery: &Delivery) -> Fate {
        if self.happens(Fault::EffectBefore, delivery) {
            self.crash().await;
        }
        let groups = self.danger.setup.model == entrega_model::Model::Log;
        let rebalance =
            if groups { self.danger.choose(self.point(Fault::GroupRebalance)) } else { 0 };
        if chosen(Fault::GroupRebalance, rebalance) == Some(Act::RebalanceBefore) {
            self.rebalance(rebalance, delivery);
        }
        let stall = self.danger.choose(self.point(Fault::ProcessStall));
        if chosen(Fault::ProcessStall, stall) == Some(Act::StallBefore) {
            self.stall(stall, delivery).await;
        }
        if (stall, rebalance) != (0, 0) {
            self.ahead().insert(delivery.id, (stall, rebalance));
        }
        let (request, answer) = (Fault::EffectRequest, Fault::EffectResponse);
        let message = Some(delivery.record.message);
        self.danger.legs(self.point(request), self.point(answer), message).0
    }

    async fn after_effect(&self, delivery: &Delivery) {
        let (stall, rebalance) = self.ahead().remove(&delivery.id).unwrap_or_default();
        if chosen(Fault::GroupRebalance, rebalance) == Some(Act::RebalanceAfter) {
            self.rebalance(rebalance, delivery);
        }
        if self.happens(Fault::EffectAfter, delivery) {
            self.crash().await;
        }
        if chosen(Fault::ProcessStall, stall) == Some(Act::StallAfter) {
            self.stall(stall, delivery).await;
        }
    }

    fn dead_letter(&self, delivery: &Delivery) -> Fate {
        let (request, answer) = (Fault::DeadLetterRequest, Fault::DeadLetterResponse);
        let message = Some(delivery.record.message);
        self.danger.legs(self.point(request), self.point(answer), message).0
    }
}

/// What a scenario names and a live run leaves out, as names of points with their alternatives.
pub(crate) fn left_out(scenario: &Scenario) -> Vec<String> {
    let table = entrega_scenario::points::table(&scenario.subscription_names());
    let by_chance = scenario.odds().into_iter().map(|odds| (odds.point, odds.value));
    let scripted = scenario.scripted().into_iter().map(|one| (one.point, one.value));
    let mut names: Vec<String> = by_chance
        .chain(scripted)
        .filter(|&(point, value)| !is_injected(scenario, point, value))
        .map(|(point, value)| {
            let (info, _) = describe(point);
            let name = info.alternative_name(value).unwrap_or_default();
            format!("{} = {name}", table[point.index()].name)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Whether a choice can be made to happen live.
fn is_injected(scenario: &Scenario, point: Point, value: u32) -> bool {
    let Site::Leg(call, leg) = describe(point).0.site else { return true };
    let timeout = match call {
        Call::Send => scenario.producer.request_timeout,
        Call::Receive | Call::Effect | Call::Settle | Call::DeadLetter => {
            scenario.consumer.request_timeout
        }
    };
    match (leg, act(point, value)) {
        (Leg::Request, Some(Act::Late)) => false,
        (Leg::Request, Some(Act::Duplicated)) => !matches!(call, Call::Effect | Call::DeadLetter),
        (Leg::Response, Some(Act::Late)) => scenario.times.late.duration() >= timeout.duration(),
        _ => true,
    }
}
