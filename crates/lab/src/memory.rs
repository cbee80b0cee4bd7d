//! How much memory some work will take, before it is begun.
//!
//! > **The rule.** An estimate for what grows with the numbers that a person chooses: messages,
//! > subscriptions, seeds, threads. It is a little above what was measured, so that work that does
//! > not fit can be refused in words instead of ending in the middle.

use crate::loaded::Version;
use crate::sweep::{MOST_KEPT, Sweep};

/// What a run takes besides its messages.
const OF_A_RUN: u64 = 1 << 20;
/// What is planned and noted of a message, and what each subscription keeps of it. Tables double
/// when they are full, so that this is about twice what is in use.
const OF_A_MESSAGE: (u64, u64) = (128, 128);
/// What a report holds, and how much of it each subscription: more if messages took different
/// times, up to a limit.
const OF_A_REPORT: (u64, u64) = (512, 1_024);
const OF_A_LATENCY: (u64, u64) = (112, 8 << 10);
/// The events of a message and the lines about them, for each subscription.
const OF_A_TIMELINE: u64 = 2_560;

/// What an exploration takes, and each thread that takes part in it: the states that were seen,
/// the schedules that wait, and the small world that a thread keeps. The states of a long search
/// take more; nobody knows beforehand how many there are.
const OF_EXPLORING: (u64, u64) = (64 << 20, 16 << 20);

/// Bytes for explorations on this many threads.
pub fn of_exploring(threads: usize) -> u64 {
    let (shared, of_each) = OF_EXPLORING;
    shared + of_each * threads as u64
}

/// Bytes for one run of this version.
pub fn of_run(version: &Version<'_>) -> u64 {
    let messages = version.messages();
    let (planned, kept) = OF_A_MESSAGE;
    OF_A_RUN + messages * (planned + kept * subscriptions(version))
}

/// Bytes for a run of this version with its timeline.
pub fn of_replay(version: &Version<'_>) -> u64 {
    of_run(version) + version.messages() * subscriptions(version) * OF_A_TIMELINE
}

/// Bytes for the runs of a sweep on this many threads, and for their reports.
pub fn of_sweep(sweep: &Sweep<'_>, threads: usize) -> u64 {
    let full = sweep.loaded.full();
    let kept = if full.messages() > MOST_KEPT as u64 { 1 } else { sweep.configurations.len() };
    let at_once = sweep.runs().min(threads as u64) * kept as u64;
    let (report, subscription) = OF_A_REPORT;
    let (latency, most) = OF_A_LATENCY;
    let of_each = subscription + (full.messages() * latency).min(most);
    of_run(&full) * at_once + sweep.runs() * (report + of_each * subscriptions(&full))
}

fn subscriptions(version: &Version<'_>) -> u64 {
    version.scenario.subscriptions.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LoadedScenario;

    fn loaded(messages: u32) -> LoadedScenario {
        let text =
            format!("[workload]\nmessages = {messages}\n[[subscriptions]]\nname = \"mailer\"\n");
        LoadedScenario::parse("x.toml", &text).expect("a scenario")
    }

    #[test]
    fn an_estimate_grows_with_what_a_person_chooses() {
        let (few, many) = (loaded(1_000), loaded(100_000_000));
        assert!(of_run(&few.full()) < 2 << 20);
        assert!(of_run(&many.full()) > 10_000_000_000);
        assert!(of_replay(&few.full()) > of_run(&few.full()));
        let sweep = |loaded, seeds| Sweep { seeds, ..Sweep::of(loaded, &[]).expect("a sweep") };
        let of = |loaded, seeds, threads| of_sweep(&sweep(loaded, seeds), threads);
        assert!(of(&few, 10, 2) < 200 << 20);
        assert!(of(&few, 1_000_000, 2) > 10_000 * of(&few, 10, 2) / 1_000);
        assert!(of(&many, 10, 2) > of(&many, 10, 1));
        assert_eq!(of(&many, 1, 512), of(&many, 1, 511), "no more threads than runs");
    }
}
