//! What goes wrong in a live run: the choices, and what they do to a process.
//!
//! | Point | Live |
//! |---|---|
//! | `effect.before`, `*.after` | the process's future is dropped there and restarted |
//! | `process.stall` | it is not polled for `times.stall`, and the broker hears no heartbeats |
//! | `handler.error`, `handler.slow`, `message.poison` | the handler fails, or takes longer |
//! | legs of sends, receives, settles, effects, dead letters | lost |
//! | requests to the broker | also duplicated |
//! | answers | a late one is a lost one, if it comes after the request timeout |
//! | `broker.restart`, `group.rebalance` | as in the simulator |
//! | `message.poison = { kills }` | left out: what an attempt is like is known before it begins |
//! | `process.shutdown` | left out: only a whole run is asked to stop |
//!
//! [`left_out()`] lists what a scenario names and a live run cannot inject.
//!
//! * `link`: one life's connection, over a network that loses requests and answers.
//! * `hooks`: the application of a consumer, struck around its effects.
//! * `left_out`: what cannot be injected.

mod hooks;
mod left_out;
mod link;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use entrega_choice::{Choice, Choices, Point};
use entrega_model::{Instant, MessageId, SubscriptionId};
use entrega_scenario::points::{Mishap, describe};

pub use left_out::left_out;

pub(crate) use hooks::InjectedHooks;
pub(crate) use link::InjectedLink;

/// The choices of a run, and what they have decided for all its processes.
pub(crate) struct FaultInjector {
    state: Mutex<State>,
}

struct State {
    choices: Choices,
    /// Whether a message is poison, decided at its first attempt.
    poison: BTreeMap<(SubscriptionId, MessageId), bool>,
    /// A restart was chosen, and comes before the next request.
    restart_due: bool,
    broker_up_at: Instant,
}

impl FaultInjector {
    pub(crate) fn new(choices: Choices) -> Self {
        let (poison, restart_due, broker_up_at) = (BTreeMap::new(), false, Instant::START);
        Self { state: Mutex::new(State { choices, poison, restart_due, broker_up_at }) }
    }

    /// Injects nothing from now on.
    pub(crate) fn end(&self) {
        self.state().choices.enable(false);
    }

    /// What was chosen so far.
    pub(crate) fn made(&self) -> Vec<Choice> {
        self.state().choices.made().to_vec()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a choice does to a leg of a call, whatever its delay; `None` if it is harmless.
fn mishap(point: Point, choice: u32) -> Option<Mishap> {
    describe(point).0.alternative(choice)?.act.on_leg()
}
