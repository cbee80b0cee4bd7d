//! The world: virtual time, one broker, the network, processes and sinks, in one plain struct.
//!
//! All of its logic takes `&mut self`. Futures of processes reach it through a handle and never
//! hold a borrow across an await; a crash drops a process's future outside of every borrow.
//!
//! > **The rule.** Every decision about faults and scheduling is one `choices.pick(point, bound)`,
//! > where 0 is the harmless answer. Samples of the workload and latencies are not choices: they
//! > are functions of the seed and of what they are for. What is for a message and an attempt at it
//! > is the same under every strategy and on both models.

mod arrivals;
mod batches;
mod beginning;
mod bound;
mod callers;
mod calls;
mod changes;
mod conduct;
mod crashes;
mod deadlines;
mod held;
mod idle;
mod latency;
mod lives;
mod memory;
mod network;
mod outages;
mod outbox;
mod peers;
mod poison;
mod process;
mod progress;
mod protocol;
mod replicas;
mod rivals;
mod shutdown;
mod sink;
mod state;
mod through;
mod timers;
mod times;
mod transfers;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;

use entrega_brokers::Broker;
use entrega_choice::{Choices, Point};
use entrega_clients::CallId;
use entrega_clients::sinks::ChosenSink;
use entrega_model::event::Phase;
use entrega_model::{
    ClientId, Delivery, DeliveryId, Event, Instant, Kind, MessageId, ProcessId, SubscriptionId,
};
use entrega_scenario::points;

pub(crate) use self::beginning::Beginning;
pub(crate) use self::bound::Bound;
pub(crate) use self::calls::Answer;
pub(crate) use self::held::{FAULT, HoldId};
pub(crate) use self::idle::PollId;
pub(crate) use self::process::{Process, State};
pub(crate) use self::progress::{ProgressAnswer, ProgressRequest};
pub(crate) use self::protocol::Routed;
pub(crate) use self::state::Scratch;
pub(crate) use self::through::BATCH;
pub(crate) use self::times::Times;

use self::calls::{Calls, Payload};
use self::changes::Rolling;
use self::crashes::Crashes;
use self::held::{Held, show_expiry};
use self::idle::Idling;
use self::outages::Outages;
use self::outbox::Outbox;
pub(crate) use self::poison::Poison;
use self::poison::PoisonTable;
use self::timers::Timers;
use crate::misbehaviour::{MOST_AT_ONE_INSTANT, Misbehaviour, Misdeed};

/// How many answers there are to the question whether a message is poison.
const POISON: &points::FaultInfo = points::info(points::Fault::MessagePoison);

/// Something that will happen.
#[derive(Clone, Copy)]
pub(crate) enum Due {
    /// A request reaches its peer.
    Arrive(CallId),
    /// An answer reaches its caller.
    Return(CallId),
    /// A caller has waited for the request timeout.
    TimeOut(CallId),
    /// A parked request has waited long enough.
    Unpark(CallId),
    /// A process asked to be woken in this life.
    Wake(ClientId),
    /// A stalled process moves again.
    Resume(ClientId),
    /// A deadline comes that stood when something was delayed.
    Overdue(HoldId),
    /// A process begins a life.
    Start(ProcessId),
    /// The scenario has something happen to a process, by its place among all that it has.
    Change(u16),
    /// In a rolling restart of a subscription, the next of its processes is asked to stop.
    Roll(SubscriptionId),
    /// The grace of a process that was asked to stop is over.
    Kill(ClientId),
    /// The broker notices the end of a connection.
    Disconnect(ClientId),
    /// The broker has a deadline.
    Broker,
    /// The broker can be reached again.
    BrokerBack,
    /// A sink is there again.
    SinkBack(SubscriptionId),
    /// A poll has found nothing for as long as it may wait.
    Idle(PollId),
}

/// What the executor is to do next.
pub(crate) enum Task {
    /// Poll this process.
    Run(ProcessId),
    /// Drop the futures of crashed processes and start new lives.
    ChangeLives,
    /// Let time go on.
    None,
}

/// The state of the simulated world.
pub(crate) struct World<B: Broker> {
    pub(crate) now: Instant,
    pub(crate) choices: Choices,
    pub(crate) events: Vec<Event>,
    pub(crate) processes: Vec<Process>,
    /// Processes to run, in the order in which they were woken, from `next_ready` on. Each is there
    /// once, and time goes on when there are none.
    ready: Vec<ProcessId>,
    next_ready: usize,
    /// There are some in the next two lists.
    lives_change: bool,
    /// Processes whose future is to be dropped.
    dying: VecDeque<ProcessId>,
    /// Processes whose next life is to begin.
    starting: VecDeque<ProcessId>,
    /// Every process is asked to stop.
    pub(crate) closing: bool,
    /// How many producers have not finished.
    sending: u32,
    /// What the producer's application knows of its messages, whichever life it is in.
    pub(crate) outbox: Outbox,
    /// How many steps have been made.
    pub(crate) steps: u64,
    /// How far the run may go on by itself.
    pub(crate) bound: Bound,
    /// A process that waits for one thing alone may let time go on: no watcher looks at the states
    /// in between, and nothing that a process does by itself ends this stretch of the run.
    pub(crate) runs_on: bool,
    /// No other process is to run before the one that is being polled has to wait, and that one is
    /// alive.
    pub(crate) undisturbed: bool,
    pub(crate) times: Times,
    timers: Timers<Due>,
    /// With a chosen order: what else is due at `due_at`.
    due_now: Vec<Due>,
    due_at: Instant,
    /// And what is put off until nothing else happens then.
    put_off: Vec<Due>,
    /// What waits for its zone.
    held: Vec<Held>,
    holds: u32,
    /// The polls that wait until a deadline.
    pub(crate) idle: Idling,
    broker: B,
    broker_timer: Instant,
    broker_up_at: Instant,
    /// Sinks that are away, and whether the broker cannot be reached.
    outages: Outages,
    /// How far the rolling restarts are, by subscription. Empty without any.
    rolling: Vec<Rolling>,
    /// When processes die by time. Empty unless some do.
    crashes: Crashes,
    calls: Calls<B>,
    parked: Vec<CallId>,
    offered: Vec<CallId>,
    sinks: Vec<ChosenSink>,
    poison: Vec<PoisonTable>,
    deliveries: u32,
    /// Buffers for batches on their way to a sink.
    spare_batches: Vec<Vec<Delivery>>,
    seed: u64,
    /// When each message is due, if its consumer holds it until then.
    pub(crate) not_before: Option<Arc<[Instant]>>,
    /// How often the process that is being polled has used its link meanwhile.
    asked: u32,
    /// The first thing that a process did and must not do.
    pub(crate) misbehaviour: Option<Misbehaviour>,
    /// Consumers that ended without being asked.
    pub(crate) left_unasked: Vec<Misbehaviour>,
    /// In an exploration, the deliveries that have had their place among other handlers, ascending.
    placed: Vec<DeliveryId>,
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Notes an event, now. Whoever calls it knows the kind, so all but the entry folds away there.
    #[inline(always)]
    pub(crate) fn record(&mut self, kind: Kind) {
        let kind = match kind {
            Kind::SendInvoked { message, producer, .. } => {
                self.processes[producer.index()].concern = Some(message);
                self.outbox.numbered(kind)
            }
            Kind::SettleInvoked { message, consumer, .. } => {
                self.processes[consumer.index()].concern = Some(message);
                kind
            }
            Kind::SendEnded { message, outcome, .. } if self.outbox.is_kept() => {
                self.outbox.ended(self.now, message, outcome);
                kind
            }
            _ => kind,
        };
        self.events.push(Event { at: self.now, kind });
        if matches!(kind, Kind::MaxPollExceeded { .. }) {
            self.expiry();
        }
    }

    /// A new name for a delivery to this process.
    #[inline]
    pub(crate) fn next_delivery(&mut self, process: ProcessId) -> DeliveryId {
        self.deliveries += 1;
        let delivery = DeliveryId(self.deliveries);
        self.remember_delivery(process, delivery);
        delivery
    }

    /// What the executor is to do before time goes on. Processes that are not running are skipped:
    /// a stalled one is woken again when it is resumed.
    #[inline(always)]
    pub(crate) fn next_task(&mut self) -> Task {
        if self.lives_change {
            return Task::ChangeLives;
        }
        while let Some(&id) = self.ready.get(self.next_ready) {
            self.next_ready += 1;
            let process = &mut self.processes[id.index()];
            process.ready = false;
            if process.is_running() {
                process.wake_guests();
                process.polls += 1;
                self.asked = 0;
                let is_last = self.next_ready == self.ready.len();
                self.undisturbed = self.runs_on && is_last && self.held.is_empty();
                return Task::Run(id);
            }
        }
        self.ready.clear();
        self.next_ready = 0;
        Task::None
    }

    /// Whether there is anything to do before time goes on.
    #[inline]
    pub(crate) fn has_task(&self) -> bool {
        self.next_ready < self.ready.len() || self.lives_change
    }

    /// The next process whose future is to be dropped.
    pub(crate) fn next_dying(&mut self) -> Option<ProcessId> {
        self.dying.pop_front()
    }

    /// The next life that begins.
    pub(crate) fn next_started(&mut self) -> Option<ClientId> {
        let next = self.starting.pop_front();
        self.lives_change = next.is_some() || !self.dying.is_empty();
        next.map(|id| self.started(id))
    }

    /// Has a process woken at `at`, if it lives that long.
    pub(crate) fn wake_at(&mut self, at: Instant, client: ClientId) {
        self.timers.schedule(at, Due::Wake(client));
    }

    #[inline]
    fn wake_life(&mut self, client: ClientId) {
        if self.processes[client.process.index()].client() == client {
            self.wake(client.process);
        }
    }

    /// Puts a process on the list of those to run. A stalled one runs when it is resumed.
    #[inline]
    pub(crate) fn wake(&mut self, id: ProcessId) {
        let process = &mut self.processes[id.index()];
        if !process.ready {
            process.ready = true;
            self.undisturbed = false;
            self.ready.push(id);
        }
    }

    fn advance_broker(&mut self) {
        if self.broker_timer > self.now {
            return;
        }
        self.broker_timer = Instant::NEVER;
        let known = self.events.len();
        self.broker.advance(self.now, &mut self.events);
        self.after_giving_up();
        if !self.held.is_empty() && show_expiry(&self.events[known..]) {
            self.expiry();
        }
        self.after_broker();
    }

    /// The broker process goes away with everything in flight, and comes back with its disk.
    fn restart_broker(&mut self) {
        self.broker_up_at = self.now + self.times.broker_restart;
        self.broker.restart(self.now, &mut self.events);
        self.after_giving_up();
        self.drop_parked();
    }

    /// Nobody will answer what the broker had kept for later.
    fn drop_parked(&mut self) {
        for id in std::mem::take(&mut self.parked) {
            self.calls.get(id).parked = false;
            self.calls.get(id).payload = Payload::Gone;
            self.time_out_at(id, self.now + self.times.latency);
        }
        self.after_broker();
    }

    /// After every change: offers parked requests again and keeps the broker's timer.
    #[inline(always)]
    fn after_broker(&mut self) {
        if self.broker.take_changed() {
            self.offer_parked();
        }
        self.arm_broker();
    }

    /// Re-arms the broker's timer only if its next deadline is earlier; a moot one fires to no
    /// effect. In an exploration it always stands at the next deadline, so that states do not
    /// depend on where it stood before.
    #[inline(always)]
    fn arm_broker(&mut self) {
        let next = self.broker.next_deadline();
        debug_assert!(next.is_none_or(|deadline| deadline >= self.now), "{next:?} is over");
        if self.times.chooses_order && next.is_none() {
            self.broker_timer = Instant::NEVER;
        }
        if let Some(deadline) = next
            && (deadline < self.broker_timer
                || (self.times.chooses_order && deadline != self.broker_timer))
        {
            self.broker_timer = deadline;
            self.timers.schedule(deadline.max(self.now), Due::Broker);
        }
    }

    /// Whether there are groups that can rebalance.
    #[inline]
    pub(crate) fn has_groups(&self) -> bool {
        self.broker.has_groups()
    }

    /// Makes the group of a subscription rebalance.
    pub(crate) fn rebalance(&mut self, subscription: SubscriptionId) {
        self.broker.rebalance(self.now, subscription);
        self.after_broker();
    }

    /// Faults end here, and the run goes on.
    pub(crate) fn heal(&mut self) {
        self.choices.enable(false);
        self.end_outages();
        self.crashes.clear();
        self.enter(Phase::Heal);
    }

    /// Notes that a phase begins.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.record(Kind::Entered { phase });
    }

    /// Whether every producer is done.
    #[inline]
    pub(crate) fn has_sent_all(&self) -> bool {
        self.sending == 0
    }

    /// Whether a process that asks may go on: it runs, in this life, and has not asked too often
    /// within one poll.
    #[inline]
    pub(crate) fn may_go_on(&mut self, client: ClientId) -> bool {
        self.asked += 1;
        if self.asked > MOST_AT_ONE_INSTANT {
            self.misbehaves(client.process, Misdeed::Spins);
            return false;
        }
        self.is_running(client)
    }

    /// The process that has run most.
    pub(crate) fn busiest(&self) -> ProcessId {
        let most = self.processes.iter().max_by_key(|process| process.polls);
        most.map(|process| process.id).unwrap_or_default()
    }

    /// The choices of this run, at its end. Nothing is chosen after that.
    pub(crate) fn take_choices(&mut self) -> Choices {
        std::mem::take(&mut self.choices)
    }

    /// Whether a process runs, and in this life.
    #[inline]
    pub(crate) fn is_running(&self, client: ClientId) -> bool {
        let process = &self.processes[client.process.index()];
        process.is_running() && process.client() == client
    }

    /// Whether no process is down, stalled or about to leave.
    pub(crate) fn is_healed(&self) -> bool {
        let is_up = |one: &Process| matches!(one.state, State::Running | State::Finished);
        self.processes.iter().all(|one| is_up(one) && one.shutdown.is_none())
    }

    /// Whether the broker is down. Only the broker counts: a process that stops at every failing
    /// message would be down for ever.
    pub(crate) fn is_broker_down(&self) -> bool {
        self.now < self.broker_up_at
    }

    /// Asks every process to stop.
    pub(crate) fn close(&mut self) {
        self.closing = true;
        self.runs_on = false;
        for number in 0..self.processes.len() {
            if self.processes[number].is_running() {
                self.wake(ProcessId(number as u16));
            }
        }
    }

    /// Reads, independently of any client, what is left in the broker.
    pub(crate) fn audit(&mut self) {
        self.enter(Phase::Audit);
        self.broker.audit(self.now, &mut self.events);
    }

    /// Which poison a message is to a subscription: decided once, when `consumer` first processes
    /// it.
    #[inline(always)]
    pub(crate) fn poison_of(
        &mut self,
        subscription: SubscriptionId,
        message: MessageId,
        consumer: ProcessId,
    ) -> Poison {
        if let Some(known) = self.poison[subscription.index()].get(message) {
            return known;
        }
        let point = points::own_point(points::Fault::MessagePoison, subscription);
        let poison = match self.choices.pick(point, POISON.bound()) {
            0 => Poison::None,
            choice => self.poisons(point, choice, message, consumer),
        };
        self.poison[subscription.index()].decide(message, poison);
        poison
    }

    /// A message is poison, as was chosen.
    #[cold]
    fn poisons(
        &mut self,
        point: Point,
        choice: u32,
        message: MessageId,
        consumer: ProcessId,
    ) -> Poison {
        self.fault(point, choice, consumer, Some(message));
        match POISON.alternative(choice).map(|chosen| chosen.act) {
            Some(points::Act::Kills) => Poison::Kills,
            Some(_) => Poison::Fails,
            None => Poison::None,
        }
    }
}
