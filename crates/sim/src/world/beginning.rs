//! How a world begins: as a new one, or in the memory of one that is over.
//!
//! > **The rule.** Whatever happened in a world before, it begins as a new one does. Only memory is
//! > kept, and no run can observe that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use entrega_brokers::Broker;
use entrega_choice::Choices;
use entrega_clients::sinks::ChosenSink;
use entrega_model::{Instant, ProcessId};
use entrega_scenario::Role;

use super::calls::Calls;
use super::crashes::Crashes;
use super::idle::Idling;
use super::outages::Outages;
use super::outbox::Outbox;
use super::poison::PoisonTable;
use super::timers::Timers;
use super::{Bound, Process, Routed, Times, World};

/// What differs from one run to the next.
pub(crate) struct Beginning<P, S> {
    pub(crate) choices: Choices,
    pub(crate) times: Times,
    /// For each process what it does.
    pub(crate) processes: P,
    pub(crate) sinks: S,
    pub(crate) seed: u64,
    /// When each message is due, if its consumer holds it until then.
    pub(crate) not_before: Option<Arc<[Instant]>>,
    /// Whether polls that have found nothing for a while may sleep.
    pub(crate) polls_sleep: bool,
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A world of processes with these wakers, in which nothing has begun.
    pub(crate) fn new(broker: B, times: Times, wakers: impl Iterator<Item = Waker>) -> Self {
        let processes = (0..).map(ProcessId).zip(wakers);
        Self {
            now: Instant::START,
            choices: Choices::default(),
            events: Vec::with_capacity(512),
            processes: processes.map(|(id, waker)| Process::new(id, waker)).collect(),
            ready: Vec::with_capacity(16),
            next_ready: 0,
            dying: VecDeque::new(),
            starting: VecDeque::new(),
            closing: false,
            sending: 0,
            outbox: Outbox::default(),
            lives_change: false,
            steps: 0,
            bound: Bound::new(0, Instant::NEVER),
            runs_on: false,
            undisturbed: false,
            times,
            timers: Timers::new(),
            due_now: Vec::new(),
            due_at: Instant::START,
            put_off: Vec::new(),
            held: Vec::new(),
            holds: 0,
            idle: Idling::default(),
            broker,
            broker_timer: Instant::NEVER,
            broker_up_at: Instant::START,
            outages: Outages::default(),
            rolling: Vec::new(),
            crashes: Crashes::default(),
            calls: Calls::new(),
            parked: Vec::with_capacity(16),
            offered: Vec::with_capacity(16),
            poison: Vec::new(),
            sinks: Vec::new(),
            deliveries: 0,
            spare_batches: Vec::new(),
            seed: 0,
            not_before: None,
            asked: 0,
            misbehaviour: None,
            left_unasked: Vec::new(),
            placed: Vec::new(),
        }
    }

    /// Begins at the start of time: every process is about to be started, but for the consumers of
    /// a backlog.
    pub(crate) fn begin(
        &mut self,
        with: Beginning<impl Iterator<Item = Role>, impl Iterator<Item = ChosenSink>>,
    ) {
        self.clear();
        self.choices = with.choices;
        self.times = with.times;
        self.seed = with.seed;
        self.not_before = with.not_before;
        self.idle.may_sleep = with.polls_sleep && self.times.chooses_order;
        self.sinks.extend(with.sinks);
        self.poison.resize(self.sinks.len(), PoisonTable::default());
        for (process, role) in self.processes.iter_mut().zip(with.processes) {
            process.take_role(role);
            self.sending += u32::from(role.is_producer());
            if role.is_producer() || !(self.times.backlog || self.times.joins_later(process.id)) {
                self.starting.push_back(process.id);
            }
        }
        self.outbox.is_kept_by(&self.times);
        self.put_changes();
        self.put_crashes();
        self.lives_change = true;
    }

    /// Forgets what went on, and keeps the memory. No field is left out of this list: one that the
    /// next run must not see is cleared here. What stays is set before it is used, or is empty
    /// memory.
    fn clear(&mut self) {
        let Self {
            now,
            choices: _,
            events,
            processes,
            ready,
            next_ready,
            dying,
            starting,
            closing,
            sending,
            outbox,
            lives_change,
            steps,
            bound: _,
            runs_on,
            undisturbed,
            times: _,
            timers,
            due_now,
            due_at,
            put_off,
            held,
            holds,
            idle,
            broker,
            broker_timer,
            broker_up_at,
            outages,
            rolling,
            crashes,
            calls,
            parked,
            offered,
            sinks,
            poison,
            deliveries,
            spare_batches: _,
            seed: _,
            not_before: _,
            asked,
            misbehaviour,
            left_unasked,
            placed,
        } = self;
        (*now, *due_at) = (Instant::START, Instant::START);
        (*broker_timer, *broker_up_at, *misbehaviour) = (Instant::NEVER, Instant::START, None);
        (*next_ready, *holds, *deliveries, *asked, *steps, *sending) = (0, 0, 0, 0, 0, 0);
        outbox.clear();
        [closing, lives_change, runs_on, undisturbed].into_iter().for_each(|flag| *flag = false);
        processes.iter_mut().for_each(Process::clear);
        poison.iter_mut().for_each(PoisonTable::clear);
        [dying, starting].into_iter().for_each(VecDeque::clear);
        ready.clear();
        [parked, offered].into_iter().for_each(Vec::clear);
        events.clear();
        timers.clear();
        [due_now, put_off].into_iter().for_each(Vec::clear);
        held.clear();
        idle.clear();
        broker.clear();
        outages.clear();
        rolling.clear();
        crashes.clear();
        calls.clear();
        sinks.clear();
        left_unasked.clear();
        placed.clear();
    }
}

#[cfg(test)]
mod tests {
    use entrega_brokers::QueueBroker;
    use entrega_brokers::queue::QueueSettings;
    use entrega_clients::sinks::PlainSink;
    use entrega_model::queue::Request;
    use entrega_model::{Duration, Key, MessageId, Record, SubscriptionId};

    use super::*;
    use crate::world::{Scratch, Task};
    use entrega_scenario::Scenario;

    const READER: SubscriptionId = SubscriptionId(0);

    fn world() -> World<QueueBroker> {
        let broker = QueueBroker::new(QueueSettings::default());
        let wakers = std::iter::repeat_n(Waker::noop().clone(), 2);
        World::new(broker, Times::of(&Scenario::default()), wakers)
    }

    fn begin(world: &mut World<QueueBroker>) {
        world.begin(Beginning {
            choices: Choices::default(),
            times: Times::of(&Scenario::default()),
            processes: [
                Role::Producer { number: 1 },
                Role::Consumer { subscription: READER, number: 1 },
            ]
            .into_iter(),
            sinks: std::iter::once(ChosenSink::Plain(PlainSink)),
            seed: 1,
            not_before: None,
            polls_sleep: false,
        });
    }

    fn fingerprint(world: &World<QueueBroker>) -> u64 {
        world.fingerprint(&mut Scratch::default(), 0, |_| {})
    }

    fn polls(world: &World<QueueBroker>) -> u64 {
        world.processes.iter().map(|process| process.polls).sum()
    }

    /// A little of everything: lives, calls, timers, a stored message, a delay, a decision.
    fn live(world: &mut World<QueueBroker>) {
        let clients = [0, 1].map(|_| world.next_started().expect("a life"));
        assert!(world.next_started().is_none());
        while let Task::Run(_) = world.next_task() {}
        let record = Record { message: MessageId(0), key: Key(0), bytes: 1 };
        let publish = Request::Publish { records: vec![record], confirm: true, id: 0 };
        world.call_broker(clients[0], publish);
        world.wake_at(world.now + Duration::from_secs(60), clients[1]);
        world.hold_process(ProcessId(1), entrega_scenario::points::Zone::Takeover);
        world.poison_of(READER, MessageId(0), ProcessId(1));
        while world.step() {}
        world.crash(ProcessId(1));
        world.close();
    }

    /// And what went on can be seen where nothing begins anew.
    #[test]
    fn a_world_that_begins_again_is_like_a_new_one() {
        let (mut new, mut used) = (world(), world());
        begin(&mut new);
        begin(&mut used);
        assert_eq!(fingerprint(&used), fingerprint(&new));
        live(&mut used);
        assert_ne!(fingerprint(&used), fingerprint(&new));
        assert_eq!(polls(&used), 2);
        begin(&mut used);
        assert_eq!(fingerprint(&used), fingerprint(&new));
        assert!(used.events.is_empty() && used.now == Instant::START);
        assert_eq!(polls(&used), 0);
        live(&mut new);
        live(&mut used);
        assert_eq!(used.events, new.events);
        assert_eq!(fingerprint(&used), fingerprint(&new));
    }
}
