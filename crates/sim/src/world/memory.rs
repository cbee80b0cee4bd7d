//! What processes learn, for the fingerprint of the world. Outside of an exploration nothing is
//! remembered, and nothing is paid for it.

use entrega_brokers::Broker;
use entrega_clients::CallId;
use entrega_model::fingerprint::{Fingerprinted, Name};
use entrega_model::{DeliveryId, Instant, ProcessId};

use super::calls::{Payload, Peer};
use super::{Routed, World};

/// What a process remembers of a call without an answer.
const UNANSWERED: u64 = 3;

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A process has learnt something.
    #[inline]
    pub(crate) fn remember(&mut self, process: ProcessId, words: &[u64]) {
        if self.times.chooses_order {
            self.processes[process.index()].remember(words);
        }
    }

    /// A process reads its clock.
    #[inline]
    pub(crate) fn read_clock(&mut self, process: ProcessId) -> Instant {
        if self.times.chooses_order {
            let now = self.now;
            self.processes[process.index()].remember_reading(now);
        }
        self.now
    }

    /// All that a process has learnt comes to no more than this.
    #[inline]
    pub(crate) fn forget_all_but(&mut self, process: ProcessId, all: &dyn Fingerprinted) {
        if self.times.chooses_order {
            let process = &mut self.processes[process.index()];
            process.forget();
            process.remember_content(|into| all.fingerprint(into));
        }
    }

    /// A process learns the name of a delivery.
    #[inline]
    pub(super) fn remember_delivery(&mut self, process: ProcessId, delivery: DeliveryId) {
        if self.times.chooses_order {
            let process = &mut self.processes[process.index()];
            process.memory.names.push(Name::Delivery(delivery));
            process.idles = 0;
        }
    }

    /// A process is about to take the answer of a call. Of several sends, it learns which one has
    /// its answer.
    #[cold]
    pub(super) fn remember_answer(&mut self, process: ProcessId, call: CallId) {
        let process = &mut self.processes[process.index()];
        let call = self.calls.look(call);
        if let (Peer::Broker, Some((message, _))) = (call.route.to, call.about) {
            process.remember(&[message.0.into()]);
        }
        match &call.payload {
            Payload::Answer { answer, arrived: true } => {
                process.remember_content(|into| answer.fingerprint(into));
            }
            _ => process.remember(&[UNANSWERED]),
        }
    }
}
