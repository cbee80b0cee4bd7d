//! How long legs take.
//!
//! With jitter it is a function of the seed and of what a leg is for: the message and the attempt
//! at a sink, else the number of the leg of its process. So at a sink all strategies meet the same
//! latencies, and elsewhere for as long as they send equally many requests.
//!
//! A link that keeps its order delays a leg until the one before it has arrived.

use entrega_brokers::Broker;
use entrega_choice::mix;
use entrega_clients::CallId;
use entrega_model::Duration;

use super::calls::{Caller, Peer};
use super::{Routed, World};

/// Directions of a link, as an index.
pub(super) const REQUEST: usize = 0;
pub(super) const RESPONSE: usize = 1;

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// How long a leg takes.
    #[inline]
    pub(super) fn latency(
        &mut self,
        caller: impl Fn() -> Caller,
        to: Peer,
        direction: usize,
    ) -> Duration {
        let base = self.latency_without_jitter(to);
        if self.times.jitter.is_zero() {
            base
        } else {
            base + self.jitter(&caller(), base, direction)
        }
    }

    /// How long an answer takes to the caller of a call.
    #[inline]
    pub(super) fn latency_back(&mut self, id: CallId, to: Peer) -> Duration {
        if self.times.jitter.is_zero() {
            return self.latency_without_jitter(to);
        }
        let caller = self.calls.get(id).caller();
        self.latency(|| caller, to, RESPONSE)
    }

    /// How long every leg to or from a peer takes at least.
    #[inline]
    fn latency_without_jitter(&self, to: Peer) -> Duration {
        match to {
            Peer::Sink => self.times.sink_latency,
            Peer::Broker | Peer::DeadLetters => self.times.latency,
        }
    }

    /// What comes in addition by chance.
    #[cold]
    fn jitter(&mut self, caller: &Caller, base: Duration, direction: usize) -> Duration {
        let is_at_broker = caller.route.to == Peer::Broker;
        let about = caller.about.zip(caller.route.request).filter(|_| !is_at_broker);
        let process = &mut self.processes[caller.client.process.index()];
        let word = match about {
            Some(((message, attempt), point)) => {
                let at = (u64::from(message.0) << 16) | u64::from(attempt);
                mix(self.seed, &[u64::from(point.0), direction as u64, at, ABOUT])
            }
            None => {
                process.legs[direction] += 1;
                let of = u64::from(process.id.0);
                mix(self.seed, &[of, direction as u64, process.legs[direction], NUMBERED])
            }
        };
        let span = u128::from(self.times.jitter.as_nanos());
        let jitter = Duration::from_nanos(((u128::from(word) * span) >> 64) as u64);
        if self.times.may_reorder {
            return jitter;
        }
        let last = &mut process.last_arrivals[direction];
        *last = (*last).max(self.now + base + jitter);
        last.since(self.now + base)
    }
}

/// Keep the two kinds of legs apart.
const ABOUT: u64 = 1;
const NUMBERED: u64 = 2;
