//! How processes conduct themselves: the first misbehaviour of a run is noted here.

use entrega_brokers::Broker;
use entrega_model::{Kind, ProcessId};

use super::{Routed, World};
use crate::misbehaviour::{Misbehaviour, Misdeed};

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Notes the first misbehaviour of the run, now.
    #[cold]
    pub(crate) fn misbehaves(&mut self, process: ProcessId, misdeed: Misdeed) {
        let at = self.now;
        self.undisturbed = false;
        self.runs_on = false;
        self.misbehaviour.get_or_insert(Misbehaviour { process, at, misdeed });
    }

    /// A consumer returned `Ok` before it was asked to stop. Whether that was early shows at the
    /// end.
    #[cold]
    pub(crate) fn left(&mut self, process: ProcessId) {
        let at = self.now;
        let early = Misbehaviour { process, at, misdeed: Misdeed::EndsEarly };
        self.left_unasked.push(early);
    }

    /// After the audit: which consumer left messages behind.
    pub(crate) fn judge_early_ends(&mut self) {
        let left = |early: &Misbehaviour| {
            let own = self.processes[early.process.index()].role.subscription();
            self.events.iter().any(|event| match event.kind {
                Kind::Retrievable { subscription, .. } => Some(subscription) == own,
                _ => false,
            })
        };
        let early = self.left_unasked.iter().find(|early| left(early)).cloned();
        self.misbehaviour = self.misbehaviour.take().or(early);
    }
}
