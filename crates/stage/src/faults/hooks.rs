//! The application of a consumer in one of its lives, struck around its effects.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entrega_choice::Point;
use entrega_live::{Attempt, CallOutcome, EffectHooks, Failure, ServedModel};
use entrega_model::{Delivery, DeliveryId, Model, SubscriptionId};
use entrega_scenario::points::{Act, Fault, info, own_point};

use super::InjectedLink;
use crate::Setup;

/// What strikes one consumer in one of its lives. Clones are of the same life.
pub(crate) struct InjectedHooks<B: ServedModel> {
    link: InjectedLink<B>,
    subscription: SubscriptionId,
    /// What was chosen for each effect under way.
    ahead: Arc<Mutex<BTreeMap<DeliveryId, Ahead>>>,
}

/// Choices that are made before an effect and may strike after it.
#[derive(Clone, Copy, Default)]
struct Ahead {
    stall: u32,
    rebalance: u32,
}

impl<B: ServedModel> Clone for InjectedHooks<B> {
    fn clone(&self) -> Self {
        let (link, ahead) = (self.link.clone(), Arc::clone(&self.ahead));
        Self { link, subscription: self.subscription, ahead }
    }
}

impl<B: ServedModel> InjectedHooks<B> {
    pub(crate) fn new(link: InjectedLink<B>, subscription: SubscriptionId) -> Self {
        Self { link, subscription, ahead: Arc::default() }
    }

    fn point(&self, fault: Fault) -> Point {
        own_point(fault, self.subscription)
    }

    /// What a choice does, whatever its delay; `None` if it is harmless.
    fn act(fault: Fault, choice: u32) -> Option<Act> {
        info(fault).alternative(choice).map(|chosen| chosen.act)
    }

    fn strikes(&self, fault: Fault, delivery: &Delivery) -> bool {
        self.link.strikes(self.point(fault), Some(delivery.record.message))
    }

    /// What an attempt at a message is like.
    pub(crate) fn attempt(&self, delivery: &Delivery) -> Attempt {
        let Setup { scenario, workload, .. } = &self.link.setup;
        let &Delivery { record, attempt, .. } = delivery;
        let mut takes = workload.service_time(self.subscription, record.message, attempt);
        if self.strikes(Fault::HandlerSlow, delivery) {
            takes = takes + scenario.times.slow.duration();
        }
        let fails = if self.is_poison(delivery) {
            Some(Failure::Poison)
        } else {
            self.strikes(Fault::HandlerError, delivery).then_some(Failure::Transient)
        };
        Attempt { takes, fails }
    }

    /// Whether every attempt at the message fails; decided once for each message.
    fn is_poison(&self, delivery: &Delivery) -> bool {
        let known = (self.subscription, delivery.record.message);
        if let Some(&poison) = self.link.injector.state().poison.get(&known) {
            return poison;
        }
        let choice = self.link.choose(self.point(Fault::MessagePoison));
        let poison = Self::act(Fault::MessagePoison, choice) == Some(Act::Poison);
        if poison {
            self.link.note(self.point(Fault::MessagePoison), choice, Some(delivery.record.message));
        }
        self.link.injector.state().poison.insert(known, poison);
        poison
    }

    async fn crash(&self) {
        self.link.link.halt();
        self.link.kill_switch.kill().await;
    }

    fn rebalance(&self, choice: u32, delivery: &Delivery) {
        let point = self.point(Fault::GroupRebalance);
        self.link.note(point, choice, Some(delivery.record.message));
        self.link.served().rebalance(self.subscription);
    }

    async fn stall(&self, choice: u32, delivery: &Delivery) {
        let point = self.point(Fault::ProcessStall);
        self.link.note(point, choice, Some(delivery.record.message));
        self.link.kill_switch.stall(self.link.setup.scenario.times.stall.duration()).await;
    }

    /// What becomes of a call of the application that has these legs.
    fn call(&self, request: Fault, answer: Fault, delivery: &Delivery) -> CallOutcome {
        let message = Some(delivery.record.message);
        self.link.legs(self.point(request), self.point(answer), message).outcome
    }

    fn ahead(&self) -> MutexGuard<'_, BTreeMap<DeliveryId, Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: ServedModel> EffectHooks for InjectedHooks<B> {
    async fn before_effect(&self, delivery: &Delivery) -> CallOutcome {
        if self.strikes(Fault::EffectBefore, delivery) {
            self.crash().await;
        }
        let has_groups = self.link.setup.model == Model::Log;
        let rebalance =
            if has_groups { self.link.choose(self.point(Fault::GroupRebalance)) } else { 0 };
        if Self::act(Fault::GroupRebalance, rebalance) == Some(Act::RebalanceBefore) {
            self.rebalance(rebalance, delivery);
        }
        let stall = self.link.choose(self.point(Fault::ProcessStall));
        if Self::act(Fault::ProcessStall, stall) == Some(Act::StallBefore) {
            self.stall(stall, delivery).await;
        }
        if stall != 0 || rebalance != 0 {
            self.ahead().insert(delivery.id, Ahead { stall, rebalance });
        }
        self.call(Fault::EffectRequest, Fault::EffectResponse, delivery)
    }

    async fn after_effect(&self, delivery: &Delivery) {
        let Ahead { stall, rebalance } = self.ahead().remove(&delivery.id).unwrap_or_default();
        if Self::act(Fault::GroupRebalance, rebalance) == Some(Act::RebalanceAfter) {
            self.rebalance(rebalance, delivery);
        }
        if self.strikes(Fault::EffectAfter, delivery) {
            self.crash().await;
        }
        if Self::act(Fault::ProcessStall, stall) == Some(Act::StallAfter) {
            self.stall(stall, delivery).await;
        }
    }

    fn dead_letter(&self, delivery: &Delivery) -> CallOutcome {
        self.call(Fault::DeadLetterRequest, Fault::DeadLetterResponse, delivery)
    }

    async fn after_dead_letter(&self, delivery: &Delivery) {
        if self.strikes(Fault::DeadLetterAfter, delivery) {
            self.crash().await;
        }
    }
}
