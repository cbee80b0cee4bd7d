//! Random configurations of a served queue under load: producers and consumers on threads, each
//! with a runtime of its own, which settle in every way, give up in the middle of a call, die and
//! come back; requests that are lost, restarts, closes that come early; and an observer that uses
//! the broker, is slow, and panics.
//!
//! > **The rule.** Everything that happens is shown once, in one order, which is that of each
//! > client too, and every call returns when its events are shown. If the observer panics, the call
//! > does on whose thread it ran, and nothing is lost: every message that was confirmed is gone by
//! > the rules of the queue, or the audit finds it. Nothing hangs, and at rest nothing happens.
//!
//! The record of all events is checked when a round is over (`record.rs`); `broken.rs` shows that
//! each rule catches who breaks it. `ENTREGA_STRESS_SECONDS` says how long it goes on (by default
//! two seconds), and `ENTREGA_STRESS_SEED` with which configuration it begins; a failure names its
//! seed.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod broken;
mod config;
mod consumers;
mod observer;
mod producers;
mod record;
mod round;
mod timer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, process, thread};

use config::Config;
use round::Round;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// A round that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// Ends the process if a round does not end.
fn watch(round: Arc<AtomicU64>) {
    let watches = move || {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            thread::sleep(Duration::from_millis(500));
            let now = round.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > PATIENCE {
                eprintln!("ENTREGA_STRESS_SEED={now} hangs: {:#?}", Config::random(now));
                process::abort();
            }
        }
    };
    thread::Builder::new().spawn(watches).expect("a thread");
}

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[test]
fn random_configurations_keep_every_promise() {
    let seconds = variable("ENTREGA_STRESS_SECONDS").unwrap_or(2);
    let first = variable("ENTREGA_STRESS_SEED").unwrap_or(1);
    let (start, round) = (Instant::now(), Arc::new(AtomicU64::new(first)));
    watch(Arc::clone(&round));
    let mut seed = first;
    while seed == first || start.elapsed() < Duration::from_secs(seconds) {
        round.store(seed, Ordering::Relaxed);
        let config = Config::random(seed);
        let ran = std::panic::catch_unwind(|| Round::new(&config).run());
        if let Err(panic) = ran {
            eprintln!("ENTREGA_STRESS_SEED={seed} fails: {config:#?}");
            std::panic::resume_unwind(panic);
        }
        seed += 1;
    }
    println!("{} rounds", seed - first);
}
