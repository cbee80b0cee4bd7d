//! What the network needs to know of a request: which fault points it passes.

use entrega_model::event::SettleTrigger;
use entrega_model::{SubscriptionId, log, queue};
use entrega_scenario::points::{Fault, shared_point};

use super::calls::{Peer, Route};

/// A request that can say where it passes.
pub(crate) trait Routed {
    /// Its fault points.
    fn route(&self) -> Route;

    /// Whether it ends the session of its sender.
    fn is_goodbye(&self) -> bool;
}

impl Routed for log::Request {
    #[inline]
    fn route(&self) -> Route {
        match self {
            Self::Produce { .. } => send(),
            Self::Fetch { group, .. } => receive(*group),
            Self::Commit { group, trigger, .. } => settle(*group, *trigger),
            Self::Join { .. } | Self::Leave { .. } => quiet(),
        }
    }

    fn is_goodbye(&self) -> bool {
        matches!(self, Self::Leave { .. })
    }
}

impl Routed for queue::Request {
    #[inline]
    fn route(&self) -> Route {
        match self {
            Self::Publish { .. } => send(),
            Self::Receive { queue, .. } => receive(*queue),
            Self::Settle { queue, trigger, .. } => settle(*queue, *trigger),
            Self::Close { .. } => quiet(),
        }
    }

    fn is_goodbye(&self) -> bool {
        matches!(self, Self::Close { .. })
    }
}

fn send() -> Route {
    Route {
        request: Some(shared_point(Fault::SendRequest)),
        response: Some(shared_point(Fault::SendResponse)),
        ..quiet()
    }
}

fn receive(subscription: SubscriptionId) -> Route {
    let legs = [Fault::ReceiveRequest, Fault::ReceiveResponse];
    Route { is_receive: true, ..Route::with_legs(Peer::Broker, legs, subscription) }
}

fn settle(subscription: SubscriptionId, trigger: SettleTrigger) -> Route {
    let legs = [Fault::SettleRequest, Fault::SettleResponse];
    let by_application = trigger == SettleTrigger::Application;
    Route {
        settles_for: by_application.then_some(subscription),
        ..Route::with_legs(Peer::Broker, legs, subscription)
    }
}

/// Membership calls have no fault points of their own: what they would show, a stall shows too.
const fn quiet() -> Route {
    Route { to: Peer::Broker, request: None, response: None, is_receive: false, settles_for: None }
}
