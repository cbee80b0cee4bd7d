//! The same on real threads and on the machine's clock, which runs faster: each consumer has a
//! thread of its own, and dies there at random, panics included.
//!
//! Nothing here depends on how fast the machine is: whatever the order of things, the history is
//! judged by the same rules.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use entrega_checker::{Class, End, Report, Verdict};
use entrega_clients::Strategy;
use entrega_clients::producers::{Outgoing, Retries, confirmed};
use entrega_live::{Attempt, Clock, Harm, LiveSink, Served, ServedModel, SqliteSink, supervise};
use entrega_model::event::Phase;
use entrega_model::{Delivery, Duration, Key, MessageId, Model, ProcessId, Record};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use tokio::runtime::{Builder, Runtime};

use crate::database::{effects_in, effects_told, file, open};
use crate::harness::harms_of;
use crate::stage::{PARTITIONS, PRODUCER, Stage, log, memory, queue, works};

/// A lease of 30 s lasts 15 ms.
const FASTER: NonZeroU32 = NonZeroU32::new(2_000).unwrap();
const HARMS: u32 = 300;
const CONSUMERS: u16 = 3;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap_or_else(|error| panic!("{error}"))
}

/// A run whose consumers are threads.
fn harmed<B, S>(stage: &Stage<B, S>) -> Report
where
    B: ServedModel,
    S: LiveSink,
    Stage<B, S>: Sync,
{
    let harms_left = AtomicU32::new(HARMS);
    let timer = stage.served.keep_time_on_a_thread();
    stage.served.enter(Phase::Workload);
    thread::scope(|scope| {
        for number in 1..=CONSUMERS {
            let harms_left = &harms_left;
            scope.spawn(move || runtime().block_on(consumer(stage, ProcessId(number), harms_left)));
        }
        let runtime = runtime();
        runtime.block_on(produce(&stage.served, &harms_left));
        stage.served.enter(Phase::Drain);
        runtime.block_on(stage.served.rest());
        stage.served.enter(Phase::Quiescent);
        stage.served.close();
    });
    stage.served.enter(Phase::Audit);
    stage.served.audit();
    assert!(timer.is_ok());
    stage.observed.with(|(checker, _)| checker.finish(End::Quiescent))
}

async fn consumer<B: ServedModel, S: LiveSink>(
    stage: &Stage<B, S>,
    process: ProcessId,
    harms_left: &AtomicU32,
) {
    let random = RefCell::new(Xoshiro256PlusPlus::seed_from_u64(process.0.into()));
    let harm = || {
        let one_less = |left: u32| left.checked_sub(1);
        if harms_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            return Harm::None;
        }
        let mut random = random.borrow_mut();
        let polls = 1 + random.next_u32() % 16;
        match random.next_u32() % 2 {
            0 => Harm::Death { polls },
            _ => Harm::Stall { polls, span: Duration::from_secs(40) },
        }
    };
    let restart = Duration::from_secs(1);
    supervise(&stage.served, process, restart, harm, |link| stage.life(link, works)).await;
}

async fn produce<B: ServedModel>(served: &Served<B>, harms_left: &AtomicU32) {
    let link = served.connect(PRODUCER);
    let publisher = B::publisher(link.clone(), PARTITIONS);
    let outgoing = WhileHarmed { clock: served.clock(), next: RefCell::new(0), harms_left };
    let retries = Retries { limit: 3, backoff: Duration::from_millis(100) };
    confirmed(&publisher, &outgoing, retries).await;
    link.leave(false);
}

struct WhileHarmed<'a> {
    clock: Clock,
    next: RefCell<u32>,
    harms_left: &'a AtomicU32,
}

impl Outgoing for WhileHarmed<'_> {
    async fn next(&self) -> Option<Record> {
        let number = self.next.replace_with(|number| *number + 1);
        if self.harms_left.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.clock.sleep_until(self.clock.now() + Duration::from_secs(2)).await;
        Some(Record { message: MessageId(number), key: Key(number % 5), bytes: 64 })
    }
}

fn check<B: ServedModel>(broker: B, model: Model, strategy: Strategy)
where
    Stage<B, SqliteSink>: Sync,
{
    let (_dir, path) = file();
    let clock = Clock::faster(FASTER);
    let stage = Stage::new(broker, model, strategy, open(&path, strategy, model), clock, 50);
    let report = harmed(&stage);
    let (deaths, stalls) = harms_of(&stage);
    assert!(deaths + stalls + u32::from(CONSUMERS) >= HARMS, "{deaths} deaths, {stalls} stalls");
    assert_eq!(report.verdict, Verdict::Valid, "{strategy} on a {model}: {report:#?}");
    assert_eq!(report.subscriptions[0].classes.get(Class::Exact), report.sends.ok);
    assert_eq!(effects_in(&path), effects_told(&stage), "the database and the history agree");
}

#[test]
fn exactly_one_effect_on_threads() {
    for strategy in [Strategy::ProgressWithEffect, Strategy::DeduplicatingSink] {
        check(log(), Model::Log, strategy);
        check(queue(), Model::Queue, strategy);
    }
}

/// A consumer that panics is a consumer that dies: its thread ends, and somebody else goes on.
#[test]
fn a_panicking_consumer_is_a_dead_one() {
    let (model, strategy, clock) =
        (Model::Queue, Strategy::ProcessThenSettle, Clock::faster(FASTER));
    let stage = Stage::new(queue(), model, strategy, memory(strategy, model), clock, 50);
    let panics = |delivery: &Delivery| -> Attempt {
        assert_ne!(delivery.record.message, MessageId(7), "it cannot stand sevens");
        works(delivery)
    };
    thread::scope(|scope| {
        let link = stage.served.connect(ProcessId(1));
        let fragile = scope.spawn(|| runtime().block_on(stage.life(link, panics)));
        runtime().block_on(stage.producer());
        assert!(fragile.join().is_err(), "it has met a seven");
        let link = stage.served.connect(ProcessId(2));
        let robust = scope.spawn(|| runtime().block_on(stage.life(link, works)));
        runtime().block_on(stage.served.rest());
        stage.served.close();
        assert_eq!(robust.join().ok(), Some(Ok(())));
    });
    stage.served.audit();
    let report = stage.observed.with(|(checker, _)| checker.finish(End::Quiescent));
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(harms_of(&stage), (1, 0), "one death");
}
