//! The article's three loops, row by row of the tables in semantics.md 1.3, as exact runs.
//!
//! Here is loop (a), with what all three share, and the Java library; loops (b) and (c) have a file
//! each. Each test is a row or a claim; the number is in its name or above it. The left column of
//! the tables is auto-commit on, as published; the right one is `enable_auto_commit=false`. Rows
//! that need a thread pool, the read-out of a dead-letter store, or a restart after a clean
//! shutdown are not here: the simulator has none of these.

#[path = "article_loops/commit_every_n.rs"]
mod commit_every_n;
#[path = "article_loops/dead_letters.rs"]
mod dead_letters;
mod lab;

use entrega_clients::Strategy::{self, ArticleBasic, ArticleCommitEveryN, ArticleDeadLetters};
use entrega_model::event::{SettleOutcome, SettleTrigger};
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

use lab::Run;

/// One consumer, one partition, five messages at a distance. The timer is far away: whoever wants
/// it sets it near.
const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "constant", rate_per_second = 10 }
[producer]
request_timeout = "1s"
[[subscriptions]]
name = "mailer"
consumers = 1
service_time = { distribution = "constant", value = "20ms" }
[consumer]
request_timeout = "1s"
settle_every = 3
auto_commit_interval = "10min"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[times]
stall = "10s"
slow = "8s"
late = "3s"
"#;

const LOOPS: [Strategy; 3] = [ArticleBasic, ArticleCommitEveryN, ArticleDeadLetters];

const AUTO_OFF: (&str, &str) = ("consumer.enable_auto_commit", "false");
const TIMER_NEAR: (&str, &str) = ("consumer.auto_commit_interval", "50ms");
const JAVA: (&str, &str) = ("consumer.client", "java");
const TWO_CONSUMERS: (&str, &str) = ("subscriptions.0.consumers", "2");
/// All messages are sent at once: the first poll returns two of them, the second the other three.
const BURST: (&str, &str) =
    ("workload.arrivals", "{ distribution = \"burst\", burst_size = 5, every = \"1s\" }");

type Override = (&'static str, &'static str);

fn every(n: &'static str) -> Override {
    ("consumer.settle_every", n)
}

fn run(strategy: Strategy, overrides: &[Override], faults: &str) -> Run {
    let run = lab::run(SCENARIO, overrides, Model::Log, strategy, faults);
    assert!(run.reached, "{strategy}: {faults} must be reached");
    assert_eq!(run.end, RunEnd::Quiescent, "{strategy} {overrides:?} {faults}");
    run
}

fn check(strategy: Strategy, overrides: &[Override], faults: &str, expect: [u32; 5]) -> Run {
    let run = run(strategy, overrides, faults);
    assert_eq!(run.effects, expect, "{strategy} {overrides:?} {faults}");
    run
}

/// How often a process left with an error.
fn failures(run: &Run) -> usize {
    run.count(|kind| matches!(kind, Kind::Exited { failed: true, .. }))
}

/// The offsets that were committed, in order, and why.
fn commits(run: &Run) -> Vec<(u64, SettleTrigger)> {
    let committed = |kind| match kind {
        Kind::Committed { upto, trigger, .. } => Some((upto, trigger)),
        _ => None,
    };
    run.events.iter().filter_map(|event| committed(event.kind)).collect()
}

#[test]
fn without_faults_every_loop_has_every_effect_once() {
    for strategy in LOOPS {
        for overrides in [&[][..], &[AUTO_OFF], &[JAVA], &[JAVA, AUTO_OFF], &[TIMER_NEAR]] {
            let run = check(strategy, overrides, "", [1; 5]);
            assert_eq!((run.dead_letters.iter().sum::<u32>(), failures(&run)), (0, 0));
        }
    }
}

// Loop (a), and what the others share with it.

/// C18, C19: the exception leaves through `close()`, which commits the offset of the message that
/// failed. However far the timer is, whatever `on_error` says.
#[test]
fn c19_an_exception_before_the_effect_loses_with_the_published_defaults() {
    for policy in ["retry", "skip", "skip-and-settle", "crash", "dead-letter"] {
        for strategy in [ArticleBasic, ArticleCommitEveryN] {
            let overrides = [("consumer.on_error", policy)];
            let fault = "mailer.handler.error#3=transient";
            let run = check(strategy, &overrides, fault, [1, 1, 0, 1, 1]);
            assert_eq!(failures(&run), 1, "{policy}");
            let close = commits(&run).into_iter().find(|(upto, _)| *upto == 3);
            assert_eq!(close, Some((3, SettleTrigger::Close)));
        }
    }
}

/// The same without auto-commit loses nothing. Loop (a) never commits, so it repeats everything
/// since the start; loop (b) repeats its open window.
#[test]
fn c19_an_exception_before_the_effect_loses_nothing_without_auto_commit() {
    let fault = "mailer.handler.error#3=transient";
    let run = check(ArticleBasic, &[AUTO_OFF], fault, [2, 2, 1, 1, 1]);
    assert_eq!(commits(&run), []);
    check(ArticleCommitEveryN, &[AUTO_OFF], fault, [2, 2, 1, 1, 1]);
    check(ArticleCommitEveryN, &[AUTO_OFF, every("1")], fault, [1; 5]);
    check(ArticleCommitEveryN, &[AUTO_OFF, every("2")], fault, [1; 5]);
}

/// An exception after the effect (the sink's answer never came) is harmless with auto-commit on:
/// `close()` commits what was done.
#[test]
fn an_exception_after_the_effect_duplicates_only_without_auto_commit() {
    let fault = "mailer.effect.response#2=lost";
    for strategy in [ArticleBasic, ArticleCommitEveryN] {
        let run = check(strategy, &[], fault, [1; 5]);
        assert_eq!(failures(&run), 1);
        check(strategy, &[AUTO_OFF], fault, [2, 2, 1, 1, 1]);
    }
}

/// C18: neither at-most-once nor at-least-once. The window of the loss is the whole processing
/// time; it needs the timer to come first.
#[test]
fn c18_a_kill_before_the_effect_loses_if_the_timer_came_first() {
    let fault = "mailer.handler.slow#3=slow+mailer.effect.before#3=crash";
    for strategy in LOOPS {
        check(strategy, &[TIMER_NEAR], fault, [1, 1, 0, 1, 1]);
        check(strategy, &[], fault, [2, 2, 1, 1, 1]);
        check(strategy, &[AUTO_OFF], fault, [2, 2, 1, 1, 1]);
    }
}

#[test]
fn c18_a_kill_after_the_effect_duplicates_what_is_not_committed() {
    let fault = "mailer.effect.after#3=crash";
    check(ArticleBasic, &[], fault, [2, 2, 2, 1, 1]);
    check(ArticleBasic, &[AUTO_OFF], fault, [2, 2, 2, 1, 1]);
    check(ArticleBasic, &[TIMER_NEAR], fault, [1, 1, 2, 1, 1]);
}

/// A clean rebalance: the second consumer crashes and comes back, and the first one gives its
/// partition up and gets it again. It is between two messages then, and the library commits what it
/// has stored.
#[test]
fn a_rebalance_is_harmless_with_auto_commit_and_repeats_everything_without() {
    let two: [Override; 3] = [TWO_CONSUMERS, ("log.partitions", "2"), ("workload.messages", "12")];
    let repeated = |auto: &[Override]| -> (u32, u32) {
        let overrides: Vec<_> = two.iter().chain(auto).copied().collect();
        let run = run(ArticleBasic, &overrides, "mailer.effect.before#4=crash");
        let crashed = run.events.iter().find_map(|event| match event.kind {
            Kind::Crashed { process, .. } => Some(process),
            _ => None,
        });
        let (mut ours, mut theirs) = (0, 0);
        for (message, effects) in (0..).zip(&run.effects) {
            assert!(*effects >= 1, "nothing is lost");
            let first_by = run.events.iter().find_map(|event| match event.kind {
                Kind::Effect { message: of, consumer, .. } if of.0 == message => Some(consumer),
                _ => None,
            });
            let count = if first_by == crashed { &mut theirs } else { &mut ours };
            *count += effects - 1;
        }
        (ours, theirs)
    };
    let (survivor, _) = repeated(&[]);
    assert_eq!(survivor, 0, "revoking committed what was done");
    let (survivor, _) = repeated(&[AUTO_OFF]);
    assert!(survivor > 0, "nobody committed anything");
}

/// Beyond `max.poll.interval.ms` the client leaves its group. If the timer has committed the
/// message in hand, nobody repeats it; so if its process then dies it is lost.
#[test]
fn a_stall_beyond_the_poll_interval_duplicates_or_loses() {
    let stall = [TWO_CONSUMERS, ("consumer.max_poll_interval", "5s")];
    let near = [stall[0], stall[1], TIMER_NEAR];
    let slow = "mailer.handler.slow#2=slow";
    check(ArticleBasic, &near, slow, [1; 5]);
    let dies = format!("{slow}+mailer.effect.before#5=crash");
    check(ArticleBasic, &near, &dies, [1, 0, 1, 1, 1]);
    let far = run(ArticleBasic, &stall, slow);
    assert_eq!(far.effects[..2], [2, 2], "nobody had committed anything");
}

/// Nobody hears of a background commit that fails; the next one covers it.
#[test]
fn a_background_commit_that_fails_is_repaired_silently() {
    let lost = "mailer.settle.request#2=lost";
    let run = check(ArticleBasic, &[TIMER_NEAR], lost, [1; 5]);
    assert_eq!(failures(&run), 0);
    let unless = format!("{lost}+mailer.effect.before#3=crash");
    check(ArticleBasic, &[TIMER_NEAR], &unless, [1, 2, 1, 1, 1]);
}

// The same loops in Java.

/// The Java library commits what earlier polls returned, so a crash only repeats, however near the
/// timer is.
#[test]
fn in_java_a_crash_only_duplicates() {
    let slow = "mailer.handler.slow#3=slow+mailer.effect.before#3=crash";
    check(ArticleBasic, &[JAVA, TIMER_NEAR], slow, [1; 5]);
    check(ArticleBasic, &[JAVA, TIMER_NEAR, BURST], slow, [1; 5]);
    let amid = "mailer.handler.slow#3=slow+mailer.effect.before#4=crash";
    check(ArticleBasic, &[JAVA, TIMER_NEAR, BURST], amid, [1, 1, 2, 1, 1]);
    check(ArticleBasic, &[JAVA], slow, [2, 2, 1, 1, 1]);
    check(ArticleBasic, &[JAVA], "mailer.effect.after#3=crash", [2, 2, 2, 1, 1]);
}

/// An exception in the middle of a batch, and `close()` commits the position after all of it: the
/// failed message and the rest of the batch are lost, up to `max.poll.records`.
#[test]
fn in_java_an_exception_loses_the_rest_of_the_batch() {
    let fault = "mailer.handler.error#3=transient";
    let run = check(ArticleBasic, &[JAVA, BURST], fault, [1, 1, 0, 0, 0]);
    assert_eq!(commits(&run), [(5, SettleTrigger::Close)]);
    let two = ("consumer.prefetch", "2");
    check(ArticleBasic, &[JAVA, BURST, two], fault, [1, 1, 0, 0, 1]);
    let one = ("consumer.prefetch", "1");
    check(ArticleBasic, &[JAVA, BURST, one], fault, [1, 1, 0, 1, 1]);
    check(ArticleBasic, &[BURST], fault, [1, 1, 0, 1, 1]);
    check(ArticleBasic, &[JAVA, BURST, AUTO_OFF], fault, [2, 2, 1, 1, 1]);
    let run = lab::run(
        SCENARIO,
        &[BURST, ("consumer.on_error", "crash")],
        Model::Log,
        Strategy::AutoSettleAtNextReceive,
        fault,
    );
    assert_eq!(run.effects, [1, 1, 0, 0, 0], "the strategy of its own is the same library");
}

/// C35, M5: `commitSync()` without arguments commits positions, and those are past the whole batch.
#[test]
fn c35_in_java_a_commit_without_arguments_covers_the_rest_of_the_batch() {
    let overrides = [JAVA, BURST, AUTO_OFF, every("1")];
    let fault = "mailer.effect.before#4=crash";
    let run = check(ArticleCommitEveryN, &overrides, fault, [1, 1, 1, 0, 0]);
    assert_eq!(commits(&run), [(2, SettleTrigger::Application), (5, SettleTrigger::Application)]);
    check(ArticleCommitEveryN, &[BURST, AUTO_OFF, every("1")], fault, [1; 5]);
}

/// C35: it commits *every* partition's last polled message, not the message.
#[test]
fn c35_a_commit_without_arguments_covers_every_partition() {
    let overrides = [AUTO_OFF, every("12"), ("log.partitions", "3"), ("workload.messages", "12")];
    let run = run(ArticleCommitEveryN, &overrides, "");
    let requests = run.count(|kind| matches!(kind, Kind::SettleEnded { .. }));
    let mut partitions: Vec<u16> = run
        .events
        .iter()
        .filter_map(|event| match event.kind {
            Kind::Committed { partition, trigger: SettleTrigger::Application, .. } => {
                Some(partition.0)
            }
            _ => None,
        })
        .collect();
    partitions.sort_unstable();
    assert_eq!((partitions.as_slice(), requests), ([0, 1, 2].as_slice(), 3), "one commit");
}
