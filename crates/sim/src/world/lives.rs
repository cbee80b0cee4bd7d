//! The lives of processes: they begin, end, stand still and go on.

use entrega_brokers::Broker;
use entrega_model::{ClientId, Duration, Kind, ProcessId};
use entrega_scenario::points::Zone;

use super::process::State;
use super::{Due, Routed, World};

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// The next life of a process is to begin.
    #[cold]
    pub(super) fn start(&mut self, id: ProcessId) {
        if self.processes[id.index()].leaves {
            self.processes[id.index()].state = State::Finished;
            return;
        }
        if self.processes[id.index()].is_alive() {
            return;
        }
        self.starting.push_back(id);
        self.lives_change = true;
        self.undisturbed = false;
    }

    /// A life of a process begins.
    pub(crate) fn started(&mut self, id: ProcessId) -> ClientId {
        let process = &mut self.processes[id.index()];
        process.state = State::Running;
        process.forget();
        process.idles = 0;
        let client = process.client();
        if self.processes[id.index()].role.is_producer() {
            self.outbox.begins_a_life();
        }
        self.record(Kind::Started { process: id, incarnation: client.incarnation });
        self.wake(id);
        self.rolls_on(id);
        client
    }

    /// A process dies where it stands. Its requests in the network still arrive; the broker notices
    /// the end of the connection after them; the next life begins after the restart time.
    pub(crate) fn crash(&mut self, id: ProcessId) {
        let client = self.end_life(id);
        self.record(Kind::Crashed { process: id, incarnation: client.incarnation });
        self.dying.push_back(id);
        self.lives_change = true;
        self.timers.schedule(self.now + self.times.restart, Due::Start(id));
    }

    /// A process left by itself; after a failure, and if it alone was asked to stop, its supervisor
    /// starts it again.
    pub(crate) fn exited(&mut self, id: ProcessId, failed: bool) {
        let process = &self.processes[id.index()];
        let comes_back = (failed || process.shutdown.is_some()) && !process.leaves;
        let client = self.end_life(id);
        let is_producer = self.processes[id.index()].role.is_producer();
        self.runs_on &= !is_producer;
        self.record(Kind::Exited { process: id, incarnation: client.incarnation, failed });
        if self.idle.may_sleep {
            self.acts(id);
        }
        if comes_back && !self.closing {
            self.timers.schedule(self.now + self.times.restart, Due::Start(id));
        } else {
            self.processes[id.index()].state = State::Finished;
            self.sending -= u32::from(is_producer);
            if is_producer && self.times.backlog && self.has_sent_all() {
                self.start_consumers();
            }
        }
    }

    /// Everything is sent: those start that have waited for it.
    #[cold]
    fn start_consumers(&mut self) {
        for number in 0..self.processes.len() {
            let process = &self.processes[number];
            if !process.role.is_producer() && !self.times.joins_later(process.id) {
                self.start(process.id);
            }
        }
    }

    fn end_life(&mut self, id: ProcessId) -> ClientId {
        let process = &mut self.processes[id.index()];
        let client = process.client();
        process.state = State::Down;
        process.shutdown = None;
        process.incarnation.0 += 1;
        self.undisturbed = false;
        self.drop_holds_of(client);
        let process = &self.processes[id.index()];
        let after_requests = process.last_arrivals[0].max(self.now + self.times.latency);
        self.timers.schedule(after_requests, Due::Disconnect(client));
        client
    }

    /// Nothing in the process moves for a while; it sends no heartbeats either. The broker notices
    /// the silence.
    pub(crate) fn stall(&mut self, id: ProcessId, zone: Zone) {
        let process = &mut self.processes[id.index()];
        process.state = State::Stalled;
        self.undisturbed = false;
        let client = process.client();
        self.record(Kind::Stalled { process: id });
        self.broker.silent(self.now, client);
        self.arm_broker();
        if zone == Zone::Span {
            let span = self.stall_span(id);
            self.timers.schedule(self.now + span, Due::Resume(client));
        } else {
            self.hold(Due::Resume(client), zone);
        }
    }

    /// How long a stall that begins lasts: all alike, or drawn by its number.
    fn stall_span(&mut self, id: ProcessId) -> Duration {
        let process = &mut self.processes[id.index()];
        process.stalls += 1;
        let drawn = self.times.stalls.as_ref();
        drawn.map_or(self.times.stall, |one| one.sample(self.seed, id.0, process.stalls))
    }

    pub(super) fn resume(&mut self, client: ClientId) {
        let process = &mut self.processes[client.process.index()];
        if process.state != State::Stalled || process.client() != client {
            return;
        }
        process.state = State::Running;
        self.record(Kind::Resumed { process: client.process });
        if !self.is_broker_out_of_reach() {
            self.broker.heard(self.now, client);
        }
        self.wake(client.process);
    }

    /// The connection of a client breaks, and is made again at once.
    #[cold]
    pub(crate) fn lose_connection(&mut self, client: ClientId) {
        self.undisturbed = false;
        self.broker.reconnected(self.now, client, &mut self.events);
        self.after_giving_up();
        self.after_broker();
    }

    pub(super) fn disconnect(&mut self, client: ClientId) {
        let Self { parked, calls, .. } = self;
        parked.retain(|&id| {
            let gone = calls.get(id).client == client;
            if gone {
                calls.get(id).parked = false;
                calls.release(id);
            }
            !gone
        });
        self.broker.disconnected(self.now, client, &mut self.events);
        self.after_giving_up();
        self.after_broker();
    }
}
