//! Random configurations of a live queue under load: producers and consumers on threads and tasks,
//! which settle in every way, die, are cancelled and stall, with destructors that use the queue or
//! panic, and with a close or a stop that comes early. `log` does the same to a live log.
//!
//! > **The rule.** Every message that was sent for certain is settled in the end, or counted as
//! > unsettled by a stop. None is given after it was settled, none is acked twice, each count is
//! > that of the deliveries that there were, and one consumer alone is given first deliveries in
//! > order. Each body is dropped once, memory is bounded, and nothing hangs.
//!
//! `ENTREGA_STRESS_SECONDS` says how long each of the two goes on (by default two seconds), and
//! `ENTREGA_STRESS_SEED` with which configuration it begins; a failure names its seed.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod body;
mod config;
mod consumers;
mod ledger;
mod log;
mod producers;

use std::fmt::Debug;
use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use body::{Body, Boxed, Large, Nothing};
use config::{Config, Random};
use consumers::Consuming;
use entrega_inproc::queue::LiveQueue;
use ledger::Ledger;
use log::LogConfig;
use producers::Producing;

/// A round that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// In place of a seed: there are no more rounds.
const OVER: u64 = u64::MAX;

/// What all threads of a round share.
struct Round<B: Body> {
    config: Config,
    queue: LiveQueue<B>,
    ledger: Arc<Ledger>,
    /// The lowest count of unsettled messages that a stop has returned.
    counted: AtomicUsize,
}

/// Runs one round to its end, and checks it.
fn run<B: Body>(config: &Config) {
    let queue = LiveQueue::<B>::new(config.options());
    let ledger = Arc::new(Ledger::new(config.producers * config.each, config.destructors_panic));
    let asks = queue.clone();
    ledger.let_destructors(move || assert!(asks.unsettled() < usize::MAX && asks.segments() > 0));
    let counted = AtomicUsize::new(usize::MAX);
    let round = Round { config: config.clone(), queue, ledger, counted };
    thread::scope(|scope| {
        let round = &round;
        let random = |number: usize| Random::new(config.seed ^ (number as u64 + 1) << 32);
        let producers: Vec<_> = (0..config.producers)
            .map(|number| scope.spawn(move || Producing::new(round, number, random(number)).run()))
            .collect();
        for number in 0..config.consumers {
            scope.spawn(move || Consuming::new(round, number, random(100 + number)).run());
        }
        let is_all_sent = || {
            consumers::drop_letters(round);
            producers.iter().all(|one| one.is_finished())
        };
        let stop = || round.counted.fetch_min(round.queue.stop(), Ordering::SeqCst);
        config.ending.wait(is_all_sent, || round.queue.close(), || _ = stop());
        producers.into_iter().for_each(|one| one.join().expect("no producer fails"));
        round.queue.close();
    });
    consumers::drain(&round);
    let Round { queue, ledger, .. } = round;
    ledger.let_destructors(|| ());
    ledger::caught(|| drop(queue));
    ledger.check_drops();
}

/// Ends the process if a round does not end.
fn watch(what: &'static str, round: Arc<AtomicU64>) {
    thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            thread::sleep(Duration::from_millis(500));
            let now = round.load(Ordering::Relaxed);
            if now == OVER {
                return;
            }
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > PATIENCE {
                eprintln!("{what}: ENTREGA_STRESS_SEED={now} hangs");
                process::abort();
            }
        }
    });
}

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Runs one configuration after the other until the time is up.
fn stress<C: Debug + RefUnwindSafe>(what: &'static str, random: fn(u64) -> C, runs: [fn(&C); 4]) {
    let seconds = variable("ENTREGA_STRESS_SECONDS").unwrap_or(2);
    let first = variable("ENTREGA_STRESS_SEED").unwrap_or(1);
    let (start, round) = (Instant::now(), Arc::new(AtomicU64::new(first)));
    watch(what, Arc::clone(&round));
    let mut seed = first;
    while seed == first || start.elapsed() < Duration::from_secs(seconds) {
        round.store(seed, Ordering::Relaxed);
        let config = random(seed);
        let ran = std::panic::catch_unwind(|| runs[(seed % 4) as usize](&config));
        if let Err(panic) = ran {
            eprintln!("{what}: ENTREGA_STRESS_SEED={seed} fails: {config:#?}");
            std::panic::resume_unwind(panic);
        }
        seed += 1;
    }
    round.store(OVER, Ordering::Relaxed);
    println!("{what}: {} rounds", seed - first);
}

#[test]
fn random_configurations_of_a_queue_keep_every_promise() {
    stress("queue", Config::random, [run::<Boxed>, run::<u64>, run::<Large>, run::<Nothing>]);
}

#[test]
fn random_configurations_of_a_log_keep_every_promise() {
    let runs = [log::run::<Boxed>, log::run::<u64>, log::run::<Large>, log::run::<Nothing>];
    stress("log", LogConfig::random, runs);
}
