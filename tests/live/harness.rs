//! Harm at random, from a seed: consumers die at a random await, stand still beyond every lease and
//! session and go on as zombies, their settles are lost on the way, and the broker restarts.
//!
//! The producer goes on until all harm is done. Then everybody is left in peace, the run comes to
//! rest, and the checker judges what it saw. On a paused clock a run is a function of its seed; no
//! assertion depends on how fast the machine is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use entrega_checker::Report;
use entrega_clients::Context;
use entrega_clients::producers::{Outgoing, Retries, confirmed};
use entrega_live::{Attempt, CallOutcome, Harm, LiveLink, LiveSink, ServedModel, supervise};
use entrega_model::event::Phase;
use entrega_model::{
    Delivery, Duration, Key, Kind, MessageId, ProcessId, Purposeful, Record, RequestPurpose,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use tokio::task::LocalSet;

use crate::stage::{MAILER, PARTITIONS, PRODUCER, Stage};

/// What is done to a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// How often a consumer dies or stands still.
    pub(crate) harms: u32,
    pub(crate) consumers: u16,
    /// One settle in so many is lost, or its answer; 0 for none.
    pub(crate) loses_one_in: u32,
    /// Before one send in so many the broker restarts, and before another one the group rebalances;
    /// 0 for never.
    pub(crate) restarts_one_in: u32,
}

/// How often messages are sent.
const INTERVAL: Duration = Duration::from_secs(2);
/// From a death to the next life.
const RESTART: Duration = Duration::from_secs(1);
/// A stall lasts up to so many seconds: a lease is 30 s, a session 6 s.
const STALL_SECS: u32 = 45;
/// A consumer is harmed at the latest after so many polls.
const POLLS: u32 = 16;

/// Longer than every run that comes to rest, on a paused clock.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// Everything random in a run.
struct Chance {
    random: RefCell<Xoshiro256PlusPlus>,
    harms_left: Cell<u32>,
}

impl Chance {
    fn new(plan: Plan) -> Self {
        let random = RefCell::new(Xoshiro256PlusPlus::seed_from_u64(plan.seed));
        Self { random, harms_left: Cell::new(plan.harms) }
    }

    fn below(&self, bound: u32) -> u32 {
        ((u64::from(self.random.borrow_mut().next_u32()) * u64::from(bound)) >> 32) as u32
    }

    fn harm(&self) -> Harm {
        let Some(left) = self.harms_left.get().checked_sub(1) else { return Harm::None };
        self.harms_left.set(left);
        let polls = 1 + self.below(POLLS);
        match self.below(2) {
            0 => Harm::Death { polls },
            _ => {
                let secs = 1 + self.below(STALL_SECS);
                Harm::Stall { polls, span: Duration::from_secs(secs.into()) }
            }
        }
    }
}

/// A run with harm, to its end and judged.
pub(crate) async fn harmed<B, S>(stage: &Rc<Stage<B, S>>, plan: Plan) -> Report
where
    B: ServedModel,
    S: LiveSink,
{
    let timer = tokio::spawn(stage.served.keep_time());
    let (tasks, chance) = (LocalSet::new(), Rc::new(Chance::new(plan)));
    stage.served.enter(Phase::Workload);
    for number in 1..=plan.consumers {
        tasks.spawn_local(consumer(Rc::clone(stage), Rc::clone(&chance), ProcessId(number), plan));
    }
    let run = async {
        tasks.run_until(producer(stage, &chance, plan)).await;
        stage.served.enter(Phase::Heal);
        stage.served.enter(Phase::Drain);
        stage.finish(tasks).await
    };
    let report = tokio::time::timeout(LONGEST, run).await;
    timer.abort();
    report.unwrap_or_else(|_| panic!("it never comes to rest: {plan:?}"))
}

async fn consumer<B, S>(stage: Rc<Stage<B, S>>, chance: Rc<Chance>, process: ProcessId, plan: Plan)
where
    B: ServedModel,
    S: LiveSink,
{
    let number = Rc::new(Cell::new(u64::from(process.0) << 32));
    let live = |link: LiveLink<B>| {
        number.set(number.get() + 1);
        let loses = Losses::new(plan, number.get());
        stage.life(link.with_network(move |request| loses.outcome(request.purpose())), toils)
    };
    supervise(&stage.served, process, RESTART, || chance.harm(), live).await;
}

/// Most messages take 3 ms, and one in sixteen longer than a timer that commits waits.
fn toils(delivery: &Delivery) -> Attempt {
    let slow = delivery.record.message.0 % 16 == 15;
    let takes = if slow { Duration::from_secs(7) } else { Duration::from_millis(3) };
    Attempt { takes, fails: None }
}

/// What is lost on the way of one life.
struct Losses {
    random: std::sync::Mutex<Xoshiro256PlusPlus>,
    one_in: u32,
}

impl Losses {
    fn new(plan: Plan, life: u64) -> Self {
        let random = Xoshiro256PlusPlus::seed_from_u64(plan.seed ^ life);
        Self { random: std::sync::Mutex::new(random), one_in: plan.loses_one_in }
    }

    fn outcome(&self, purpose: RequestPurpose) -> CallOutcome {
        if self.one_in == 0 || !matches!(purpose, RequestPurpose::Settle(..)) {
            return CallOutcome::Answered;
        }
        let mut random = self.random.lock().unwrap_or_else(|_| panic!("nobody panics with it"));
        match random.next_u32() % (2 * self.one_in) {
            0 => CallOutcome::RequestLost,
            1 => CallOutcome::AnswerLost,
            _ => CallOutcome::Answered,
        }
    }
}

/// Sends at an even pace while there is harm to be done.
async fn producer<B: ServedModel, S: LiveSink>(stage: &Stage<B, S>, chance: &Chance, plan: Plan) {
    let link = stage.served.connect(PRODUCER);
    let publisher = B::publisher(link.clone(), PARTITIONS);
    let (next, least, restarts_one_in) = (Cell::new(0), stage.messages, plan.restarts_one_in);
    let outgoing = Paced { link: link.clone(), chance, next, least, restarts_one_in };
    let retries = Retries { limit: 3, backoff: Duration::from_millis(100) };
    confirmed(&publisher, &outgoing, retries).await;
    link.leave(false);
}

struct Paced<'a, B: ServedModel> {
    link: LiveLink<B>,
    chance: &'a Chance,
    next: Cell<u32>,
    least: u32,
    restarts_one_in: u32,
}

impl<B: ServedModel> Outgoing for Paced<'_, B> {
    async fn next(&self) -> Option<Record> {
        let number = self.next.get();
        self.next.set(number + 1);
        if number >= self.least && self.chance.harms_left.get() == 0 {
            return None;
        }
        self.link.sleep_until(self.link.now() + INTERVAL).await;
        if self.restarts_one_in > 0 {
            match self.chance.below(self.restarts_one_in) {
                0 => self.link.served().restart(),
                1 => self.link.served().rebalance(MAILER),
                _ => {}
            }
        }
        Some(Record { message: MessageId(number), key: Key(number % 5), bytes: 64 })
    }
}

/// How often a consumer died and stood still, by the history.
pub(crate) fn harms_of<B: ServedModel, S>(stage: &Stage<B, S>) -> (u32, u32) {
    stage.observed.with(|(_, events)| {
        events.iter().fold((0, 0), |(deaths, stalls), event| match event.kind {
            Kind::Crashed { .. } => (deaths + 1, stalls),
            Kind::Stalled { .. } => (deaths, stalls + 1),
            _ => (deaths, stalls),
        })
    })
}
