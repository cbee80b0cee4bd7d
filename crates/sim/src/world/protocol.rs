//! How the network carries a request to the broker, by what it is for: the points of the two legs
//! are those of `entrega_scenario::points::legs`.

use entrega_model::event::SettleTrigger;
use entrega_model::purpose::{Purposeful, RequestPurpose};
use entrega_scenario::points::{Fault, legs, own_point, shared_point};

use super::calls::{Peer, Route};

/// A request that the network can carry.
pub(crate) trait Routed: Purposeful {
    /// Which fault points it passes.
    #[inline]
    fn route(&self) -> Route {
        let purpose = self.purpose();
        let legs = legs(purpose);
        let dies_after = match purpose {
            RequestPurpose::Settle(of, SettleTrigger::Application | SettleTrigger::WorkerLost) => {
                Some(own_point(Fault::SettleAfter, of))
            }
            RequestPurpose::Send => Some(shared_point(Fault::SendAfter)),
            _ => None,
        };
        Route {
            to: Peer::Broker,
            request: legs.map(|[request, _]| request),
            response: legs.map(|[_, response]| response),
            is_receive: matches!(purpose, RequestPurpose::Receive(_)),
            dies_after,
        }
    }

    /// Whether it ends the session of its sender.
    #[inline]
    fn is_goodbye(&self) -> bool {
        self.purpose() == RequestPurpose::Leave
    }
}

impl<R: Purposeful> Routed for R {}
