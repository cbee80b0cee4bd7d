//! Thousands of inputs with something wrong in them, for every verb: nothing panics, exit codes say
//! what happened, no file is left half-written, and the schema refuses what it can.
//!
//! > **The rule.** A mutant is a function of its number, so one that fails is found again. How many
//! > there are in all is `ENTREGA_MUTANTS`; without it, as many as take a minute.
//!
//! * [`mutate`]: how an input is changed. [`inputs`]: what is changed.
//! * [`scenarios`], [`histories`], [`replays`]: mutants in this process, as the libraries meet
//!   them.
//! * [`processes`]: mutants as files and arguments of the program.

#[path = "../dice/mod.rs"]
mod dice;
mod histories;
mod inputs;
mod mutate;
#[cfg(target_os = "linux")]
mod processes;
mod replays;
mod scenarios;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many mutants there are in all, unless the environment says another number.
const MUTANTS: u64 = 5_000;

/// The numbers of this share of all mutants, in percent.
fn numbers(percent: u64) -> std::ops::Range<u64> {
    let all = env::var("ENTREGA_MUTANTS").ok();
    let all = all.map_or(MUTANTS, |all| all.parse().expect("ENTREGA_MUTANTS is a number"));
    0..(all * percent).div_ceil(100)
}

/// Does something with a mutant, which must not panic; `mutant` shows it if it does.
fn without_panic<R>(mutant: &str, work: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| panic!("a panic by\n{mutant}"))
}
