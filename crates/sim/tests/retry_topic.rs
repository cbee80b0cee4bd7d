//! A consumer that publishes a copy of what it could not process, to be tried later.
//!
//! Goal: nobody waits for a message that fails; it comes back after the delay, and ends in the dead
//! letters after so many deliveries. It is settled only when its copy is confirmed, so nothing is
//! lost, and what goes wrong in between makes two copies. Method: three messages and one consumer
//! of a queue, of which the second one fails; the same with a retry in place; and a fault at each
//! leg of the copy, after it, and at the settle.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::event::{EffectVerdict, ProcessingResult};
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
models = ["queue"]
[workload]
messages = 3
arrivals = { distribution = "backlog" }
[producer]
request_timeout = "1s"
[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 1
on_error = "retry-topic"
retry_backoff = "1min"
request_timeout = "1s"
max_attempts = 3
[queue]
visibility_timeout = "10s"
"#;

const PLAIN: Strategy = Strategy::ProcessThenSettle;
const ONCE: &str = "mailer.handler.error#2=transient";
const TWICE: &str = "mailer.handler.error#2=transient+mailer.handler.error#4=transient";
const ALWAYS: &str = "mailer.message.poison#2=poison";
/// The answers of the broker to sends: three to the producer, the next to the consumer.
const COPY_LOST: &str = "send.request#4=lost";
const COPY_UNHEARD: &str = "send.response#4=lost";
const COPY_TWICE: &str = "send.request#4=duplicated";
const DIES_AFTER_COPY: &str = "send.after#4=crash";
const ACK_LOST: &str = "mailer.settle.request#2=lost";

type Set<'a> = &'a [(&'a str, &'a str)];

fn run(set: Set<'_>, strategy: Strategy, faults: &str) -> lab::Run {
    let run = lab::run(SCENARIO, set, Model::Queue, strategy, faults);
    assert!(run.reached && run.end == RunEnd::Quiescent, "{set:?} {strategy} {faults}");
    run
}

/// Runs it to its rest; returns how many copies were published.
#[track_caller]
fn check(set: Set<'_>, faults: &str, effects: [u32; 3], dead: [u32; 3]) -> usize {
    let run = run(set, PLAIN, faults);
    let seen = (run.effects.as_slice(), run.dead_letters.as_slice());
    assert_eq!(seen, (&effects[..], &dead[..]), "{set:?} {faults}");
    run.count(|kind| matches!(kind, Kind::Retried { .. }))
}

fn both(one: &str, other: &str) -> String {
    format!("{one}+{other}")
}

#[test]
fn what_fails_is_tried_again_so_often_and_no_more() {
    assert_eq!(check(&[], "", [1; 3], [0; 3]), 0);
    assert_eq!(check(&[], ONCE, [1; 3], [0; 3]), 1);
    assert_eq!(check(&[], TWICE, [1; 3], [0; 3]), 2);
    assert_eq!(check(&[], ALWAYS, [1, 0, 1], [0, 1, 0]), 2);
    assert_eq!(check(&[("consumer.max_attempts", "1")], ALWAYS, [1, 0, 1], [0, 1, 0]), 0);
    assert_eq!(check(&[("consumer.max_attempts", "7")], ALWAYS, [1, 0, 1], [0, 1, 0]), 6);
}

/// The third message does not wait for the second, which waits in the broker. In place, it does.
#[test]
fn nobody_waits_for_what_fails() {
    let effects = |set: Set<'_>| {
        let run = run(set, PLAIN, ONCE);
        let first = run.events[0].at;
        let effects = run.events.iter().filter_map(|event| match event.kind {
            Kind::Effect { message, verdict: EffectVerdict::Applied, .. } => {
                Some((message.0, event.at.since(first).as_nanos() / 60_000_000_000))
            }
            _ => None,
        });
        effects.collect::<Vec<_>>()
    };
    assert_eq!(effects(&[]), [(0, 0), (2, 0), (1, 1)]);
    let in_place = ("consumer.on_error", "retry");
    let unleased = [in_place, ("queue.visibility_timeout", "never")];
    assert_eq!(effects(&unleased), [(0, 0), (1, 1), (2, 1)]);
    assert_eq!(effects(&[in_place]), [(0, 0), (1, 1), (1, 1), (2, 1)], "its lease is over");
}

/// The original is settled when its copy is confirmed, and not before.
#[test]
fn a_copy_that_is_not_confirmed_loses_nothing() {
    assert_eq!(check(&[], &both(COPY_LOST, ONCE), [1; 3], [0; 3]), 0);
    assert_eq!(check(&[], &both(COPY_UNHEARD, ONCE), [1, 2, 1], [0; 3]), 1);
    let run = run(&[], PLAIN, &both(COPY_LOST, ONCE));
    let exits = run.count(|kind| matches!(kind, Kind::Exited { failed: true, .. }));
    assert_eq!(exits, 1, "it leaves, and what it held goes back");
}

/// Whatever parts the copy from the settle of the original makes two of one; a sink that
/// recognises the message does not mind.
#[test]
fn between_copy_and_settle_there_are_two() {
    let atomic: Set<'_> = &[("sink.dedup", "atomic")];
    for fault in [COPY_UNHEARD, COPY_TWICE, DIES_AFTER_COPY, ACK_LOST] {
        let faults = both(fault, ONCE);
        let copies = if fault == COPY_TWICE { 2 } else { 1 };
        assert_eq!(check(&[], &faults, [1, 2, 1], [0; 3]), copies, "{fault}");
        assert_eq!(check(atomic, &faults, [1; 3], [0; 3]), copies, "{fault}");
    }
}

/// An answer of the sink that is lost is no failure without effect.
#[test]
fn what_had_its_effect_unheard_has_it_again() {
    assert_eq!(check(&[], "mailer.effect.response#2=lost", [1, 2, 1], [0; 3]), 1);
}

/// A copy counts on from the deliveries before it, those that a crash cut short included.
#[test]
fn a_delivery_that_a_crash_cut_short_counts() {
    let crash = "mailer.effect.before#2=crash";
    let run = run(&[], PLAIN, &both(crash, "mailer.handler.error#3=transient"));
    let attempts = run.events.iter().filter_map(|event| match event.kind {
        Kind::Delivered { message, attempt, redelivered, .. } if message.0 == 1 => {
            Some((attempt, redelivered))
        }
        _ => None,
    });
    assert_eq!(attempts.collect::<Vec<_>>(), [(1, false), (2, true), (3, false)]);
}

/// With every strategy that asks what to do after an error.
#[test]
fn every_strategy_that_has_no_policy_of_its_own_publishes() {
    let readers = Strategy::ALL.into_iter().filter(|one| one.reads("on_error"));
    let in_place = |one: &Strategy| one.spec().sink.keeps_progress() || one.spec().sink.is_broker();
    let on_queue = readers.filter(|one| one.supports(Model::Queue) && !in_place(one));
    for strategy in on_queue.filter(|one| *one != Strategy::MicroBatch) {
        let run = run(&[], strategy, ONCE);
        assert_eq!(run.count(|kind| matches!(kind, Kind::Retried { .. })), 1, "{strategy}");
        let failed = |kind: &Kind| matches!(kind, Kind::ProcessingEnded { result, .. } if *result != ProcessingResult::Ok);
        assert_eq!((run.count(failed), run.effects.as_slice()), (1, &[1; 3][..]), "{strategy}");
    }
    let alone = ("consumer.batch_on_failure", "bisect");
    assert_eq!(run(&[alone], Strategy::MicroBatch, ALWAYS).effects, [1, 0, 1]);
}
