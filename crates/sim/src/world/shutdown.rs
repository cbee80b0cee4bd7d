//! Shutdowns: a process is asked to stop (SIGTERM), closes and leaves, and comes back.
//!
//! ```text
//!  a turn of a poll ──▶ asked to stop ──▶ Turn::Shutdown ──▶ close() ──▶ gone ──▶ next life
//!   (process.shutdown)       │                                            ▲   after times.restart
//!                            └── not gone when its grace is over: killed ─┘
//! ```
//!
//! At the end of a run every process shuts down in the same way, but for good.

use entrega_brokers::Broker;
use entrega_choice::Point;
use entrega_clients::Shutdown;
use entrega_model::{ClientId, ProcessId};
use entrega_scenario::points::{Act, Fault, Zone, info};

use super::{Due, Routed, World};

/// How many answers there are to the question whether a process is asked to stop.
const BOUND: u32 = info(Fault::ProcessShutdown).bound();
/// What a process remembers of a shutdown, with what its library does first.
const STOPS: u64 = 7;

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Whether a process is asked to stop, alone or as all are.
    #[inline]
    pub(crate) fn is_stopping(&self, process: ProcessId) -> bool {
        self.closing || self.processes[process.index()].shutdown.is_some()
    }

    /// Whether a process is asked to stop, at a turn of a poll, and what its library does first.
    #[inline(always)]
    pub(crate) fn shutdown(
        &mut self,
        process: ProcessId,
        may_abandon: impl FnOnce() -> bool,
    ) -> Option<Shutdown> {
        let asked = &self.processes[process.index()];
        if self.closing || asked.shutdown.is_some() {
            return asked.shutdown.or(Some(Shutdown::Abandon));
        }
        let point = asked.stop_point;
        match self.choices.pick(point, BOUND) {
            0 => None,
            choice => self.ask_to_stop(process, point, choice, may_abandon()),
        }
    }

    /// A process is asked to stop. Where there is nothing to abandon, it drains.
    #[cold]
    fn ask_to_stop(
        &mut self,
        id: ProcessId,
        point: Point,
        choice: u32,
        may_abandon: bool,
    ) -> Option<Shutdown> {
        let chosen = info(Fault::ProcessShutdown).alternative(choice)?;
        let abandons = may_abandon && chosen.act == Act::Abandon;
        let how = if abandons { Shutdown::Abandon } else { Shutdown::Drain };
        self.fault(point, choice, id, None);
        self.processes[id.index()].shutdown = Some(how);
        self.remember(id, &[STOPS, abandons.into()]);
        let client = self.processes[id.index()].client();
        let due = match chosen.zone {
            Zone::Span => Due::Kill(client),
            zone => Due::Overdue(self.hold(Due::Kill(client), zone)),
        };
        self.stops(client, due);
        Some(how)
    }

    /// A process that is asked to stop hears of it, and its grace begins.
    pub(super) fn stops(&mut self, client: ClientId, end_of_grace: Due) {
        self.timers.schedule(self.now + self.times.grace, end_of_grace);
        self.calls.wake_all_of(client);
        self.wake(client.process);
    }

    /// The grace of a process is over: if it is not gone, it dies where it stands.
    pub(super) fn kill(&mut self, client: ClientId) {
        if self.is_alive(client) {
            self.crash(client.process);
        }
    }

    /// Whether this life of a process goes on.
    pub(super) fn is_alive(&self, client: ClientId) -> bool {
        let process = &self.processes[client.process.index()];
        process.client() == client && process.is_alive()
    }
}
