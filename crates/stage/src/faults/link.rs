//! One life's connection to the broker, over a network that loses what the choices say.

use std::sync::Arc;

use entrega_choice::Point;
use entrega_clients::{Context, Link};
use entrega_live::{CallOutcome, KillSwitch, LiveLink, Served, ServedModel};
use entrega_model::event::SettleTrigger;
use entrega_model::{Kind, MessageId, Purposeful, RequestPurpose, SubscriptionId};
use entrega_scenario::points::{Fault, Mishap, describe, legs, own_point, shared_point};

use super::{FaultInjector, mishap};
use crate::Setup;

/// The connection of one life of a process, and what can end that life. Clones share both.
pub(crate) struct InjectedLink<B: ServedModel> {
    pub(super) setup: Setup,
    pub(super) injector: Arc<FaultInjector>,
    /// The connection without faults.
    pub(super) link: LiveLink<B>,
    pub(super) kill_switch: KillSwitch,
}

impl<B: ServedModel> Clone for InjectedLink<B> {
    fn clone(&self) -> Self {
        Self {
            setup: self.setup.clone(),
            injector: Arc::clone(&self.injector),
            link: self.link.clone(),
            kill_switch: self.kill_switch.clone(),
        }
    }
}

impl<B: ServedModel> InjectedLink<B> {
    pub(crate) fn new(
        setup: &Setup,
        injector: &Arc<FaultInjector>,
        link: LiveLink<B>,
        kill_switch: KillSwitch,
    ) -> Self {
        let (setup, injector) = (setup.clone(), Arc::clone(injector));
        Self { setup, injector, link, kill_switch }
    }

    /// The connection over the network that loses requests and answers.
    pub(crate) fn over_network(&self) -> LiveLink<B> {
        let injected = self.clone();
        self.link.clone().with_network(move |request| injected.outcome(request))
    }

    pub(super) fn served(&self) -> &Served<B> {
        self.link.served()
    }

    /// Asks for a choice; what cannot be injected live is harmless.
    pub(super) fn choose(&self, point: Point) -> u32 {
        let bound = describe(point).0.bound();
        let mut state = self.injector.state();
        state.choices.clock(self.link.now().as_nanos());
        state.choices.pick(point, bound)
    }

    /// Asks for a choice, notes it unless it is harmless, and returns whether the fault strikes.
    pub(super) fn strikes(&self, point: Point, message: Option<MessageId>) -> bool {
        let choice = self.choose(point);
        if choice != 0 {
            self.note(point, choice, message);
        }
        choice != 0
    }

    pub(super) fn note(&self, point: Point, choice: u32, message: Option<MessageId>) {
        let (alternative, process) = (choice as u8, self.link.process());
        self.served().record(Kind::Faulted { point: point.0, alternative, process, message });
    }

    /// What becomes of a call by the choices at its two legs.
    pub(super) fn legs(
        &self,
        request: Point,
        answer: Point,
        message: Option<MessageId>,
    ) -> Delivered {
        let choice = self.choose(request);
        let at_request = mishap(request, choice);
        let arrives = match at_request {
            Some(Mishap::Lost) => Some((CallOutcome::RequestLost, false)),
            Some(Mishap::Duplicated) => Some((CallOutcome::Answered, true)),
            Some(Mishap::Late) | None => None,
        };
        if let Some((outcome, twice)) = arrives {
            self.note(request, choice, message);
            return Delivered { outcome, twice };
        }
        let choice = self.choose(answer);
        let lost = match mishap(answer, choice) {
            Some(Mishap::Lost) => true,
            Some(Mishap::Late) => {
                self.setup.scenario.times.late.duration() >= self.link.request_timeout()
            }
            Some(Mishap::Duplicated) | None => false,
        };
        if lost {
            self.note(answer, choice, message);
        }
        let outcome = if lost { CallOutcome::AnswerLost } else { CallOutcome::Answered };
        Delivered { outcome, twice: false }
    }

    fn outcome(&self, request: &B::Request) -> CallOutcome {
        if self.broker_is_away() {
            return CallOutcome::RequestLost;
        }
        let purpose = request.purpose();
        let harmless = Delivered { outcome: CallOutcome::Answered, twice: false };
        let Delivered { outcome, twice } =
            legs(purpose).map_or(harmless, |[request, answer]| self.legs(request, answer, None));
        if let RequestPurpose::Settle(of, SettleTrigger::Application) = purpose {
            self.after_settle(of, outcome);
        }
        if twice {
            let copy = self.link.start(request.clone());
            self.link.forget(copy);
        }
        if outcome != CallOutcome::RequestLost
            && self.strikes(shared_point(Fault::BrokerRestart), None)
        {
            self.injector.state().restart_due = true;
        }
        outcome
    }

    /// A settle that the application waits for may be the last thing that its process does.
    fn after_settle(&self, of: SubscriptionId, outcome: CallOutcome) {
        let is_awaited =
            self.setup.scenario.consumer.settle_confirmed && outcome == CallOutcome::Answered;
        if is_awaited && self.strikes(own_point(Fault::SettleAfter, of), None) {
            self.link.halt();
            self.kill_switch.kill_after_this_poll();
        }
    }

    /// Restarts the broker if that was chosen, and returns whether it is away.
    fn broker_is_away(&self) -> bool {
        let now = self.link.now();
        let mut state = self.injector.state();
        if std::mem::take(&mut state.restart_due) {
            state.broker_up_at = now + self.setup.scenario.times.broker_restart.duration();
            drop(state);
            self.served().restart();
            return true;
        }
        now < state.broker_up_at
    }
}

/// What the network does to a call.
pub(super) struct Delivered {
    pub(super) outcome: CallOutcome,
    /// The request reaches the broker twice.
    twice: bool,
}
