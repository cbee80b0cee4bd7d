//! What processes are told, for the fingerprint of the world. A run that nobody explores remembers
//! nothing and pays nothing.

use entrega_brokers::Broker;
use entrega_clients::Unanswered;
use entrega_model::fingerprint::{Context, Fingerprint, Fingerprinted, Name};
use entrega_model::{DeliveryId, Instant, ProcessId};

use super::calls::Answer;
use super::{Routed, World};

/// What a process remembers of a call without an answer.
const UNANSWERED: u64 = 3;
/// What a process remembers of a clock that it has read, with the reading.
const CLOCK: u64 = 4;

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A process has been told something.
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
            let since = self.processes[process.index()].memory.since;
            let reading = self.now.since(since).as_nanos();
            self.processes[process.index()].remember(&[CLOCK, reading]);
        }
        self.now
    }

    /// A process learns the name of a hand-over.
    #[inline]
    pub(super) fn remember_delivery(&mut self, process: ProcessId, delivery: DeliveryId) {
        if self.times.chooses_order {
            self.processes[process.index()].memory.names.push(Name::Delivery(delivery));
        }
    }

    /// A process takes an answer.
    #[cold]
    pub(super) fn remember_answer(
        &mut self,
        process: ProcessId,
        answer: &Result<Answer<B>, Unanswered>,
    ) {
        let process = &mut self.processes[process.index()];
        let Ok(answer) = answer else { return process.remember(&[UNANSWERED]) };
        let context = Context { now: self.now, ..Context::default() };
        let mut content = Fingerprint::collecting(context, &mut process.memory.names);
        if let Some(own) = process.subscription {
            content.set_own(own);
        }
        answer.fingerprint(&mut content);
        let content = content.finish();
        process.remember(&[content]);
    }
}
