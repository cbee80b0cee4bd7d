//! The strategy `transactional` fault by fault: every effect once, whatever happens, and what is
//! missing without each part of it (semantics.md 3.3; 2.2, S9 with notes 13 to 15).

mod lab;

use entrega_clients::Strategy;
use entrega_model::Kind;
use entrega_model::Model::{self, Log, Queue};
use entrega_model::event::AbortReason;
use entrega_scenario::points;
use entrega_sim::RunEnd;

use lab::Run;

const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "constant", rate_per_second = 10 }
[producer]
request_timeout = "1s"
[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 3
request_timeout = "1s"
transaction_timeout = "8s"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
[times]
stall = "10s"
slow = "8s"
late = "3s"
broker_restart = "2s"
"#;

const ONCE: [u32; 5] = [1; 5];

fn run(model: Model, overrides: &[(&str, &str)], faults: &str) -> Run {
    lab::run(SCENARIO, overrides, model, Strategy::Transactional, faults)
}

/// The run comes to rest, has met its faults, and its messages have these numbers of effects.
#[track_caller]
fn check(model: Model, overrides: &[(&str, &str)], faults: &str, expect: [u32; 5]) -> Run {
    let run = run(model, overrides, faults);
    assert!(run.reached, "{model}: {faults} must be reached");
    assert_eq!(run.end, RunEnd::Quiescent, "{model} {overrides:?} with {faults:?}");
    assert_eq!(run.effects, expect, "{model} {overrides:?} with {faults:?}");
    assert_eq!(run.dead_letters, [0; 5], "{model} {overrides:?} with {faults:?}");
    run
}

/// The faults of the consumer's side, each at each of its first eight occurrences.
fn single_faults() -> Vec<String> {
    let blocks = |info: &&points::FaultInfo| info.fault == points::Fault::MessagePoison;
    let all = points::FAULTS.iter().filter(|info| info.per_subscription && !blocks(info));
    all.flat_map(|info| {
        info.alternatives.names.iter().flat_map(move |alternative| {
            (1..=8).map(move |nth| format!("mailer.{}#{nth}={alternative}", info.name))
        })
    })
    .chain((1..=12).map(|nth| format!("broker.restart#{nth}=restart")))
    .collect()
}

#[test]
fn every_effect_happens_once_whatever_fails() {
    for model in [Log, Queue] {
        let mut reached = 0;
        for faults in single_faults() {
            let run = run(model, &[], &faults);
            assert_eq!(run.effects, ONCE, "{model} {faults}");
            assert_eq!(run.end, RunEnd::Quiescent, "{model} {faults}");
            reached += usize::from(run.reached);
        }
        assert!(reached > 100, "{model}: {reached}");
    }
}

/// Two faults at once, those that leave somebody behind with a request or a belief of its own.
#[test]
fn every_effect_happens_once_whatever_two_things_fail() {
    let at = |name: &str| -> Vec<String> {
        (1..=4).map(|nth| name.replace('#', &format!("#{nth}"))).collect()
    };
    let first = ["process.stall#=before", "process.stall#=after", "settle.request#=late"];
    let second = [
        "effect.after#=crash",
        "settle.after#=crash",
        "effect.request#=late",
        "settle.response#=lost",
        "handler.slow#=slow",
    ];
    for (one, two) in first.iter().flat_map(|one| second.iter().map(move |two| (one, two))) {
        for one in at(one) {
            for two in at(two) {
                let faults = format!("mailer.{one}+mailer.{two}");
                for overrides in [&[][..], &[("consumer.settle_retries", "2")]] {
                    let run = run(Log, overrides, &faults);
                    assert_eq!(run.effects, ONCE, "{faults} {overrides:?}");
                    assert_eq!(run.end, RunEnd::Quiescent, "{faults} {overrides:?}");
                }
            }
        }
    }
}

/// Who reads uncommitted records sees what a crash leaves behind, and again what is made of the
/// message after it; so does who reads an abort that an error of the handler brings about.
#[test]
fn a_reader_of_uncommitted_records_sees_aborted_ones() {
    let overrides = [("consumer.isolation_level", "read-uncommitted")];
    let run = check(Log, &overrides, "mailer.effect.after#2=crash", [1, 2, 1, 1, 1]);
    let fenced = |kind: &Kind| {
        matches!(*kind, Kind::Aborted { seen: true, reason: AbortReason::Fenced, .. })
    };
    assert_eq!(run.count(fenced), 1);
    check(Log, &[], "mailer.effect.after#2=crash", ONCE);
}

/// What happens outside of the broker is outside of the transaction.
#[test]
fn an_effect_outside_is_repeated() {
    let outside = [("consumer.output", "outside")];
    for model in [Log, Queue] {
        check(model, &outside, "mailer.effect.after#2=crash", [1, 2, 1, 1, 1]);
    }
}

#[test]
fn offsets_apart_from_the_transaction_lose_or_duplicate() {
    let after = [("consumer.transaction_offsets", "after-commit")];
    check(Log, &after, "mailer.settle.after#3=crash", [1, 2, 1, 1, 1]);
    let before = [("consumer.transaction_offsets", "before-commit")];
    check(Log, &before, "mailer.settle.after#3=crash", [1, 0, 1, 1, 1]);
    check(Queue, &after, "mailer.settle.after#3=crash", [1, 2, 1, 1, 1]);
    check(Queue, &before, "mailer.settle.after#3=crash", [1, 0, 1, 1, 1]);
}

/// A zombie commits the offsets of an assignment that is over, unless it says of which assignment
/// they are (KIP-447).
#[test]
fn without_the_metadata_of_the_group_a_zombie_duplicates() {
    let anonymous =
        [("consumer.group_metadata", "false"), ("consumer.transaction_timeout", "1min")];
    let duplicates = |overrides: &[(&str, &str)]| {
        let at = (1..=5).map(|nth| format!("mailer.process.stall#{nth}=before"));
        at.filter(|faults| run(Log, overrides, faults).effects != ONCE).count()
    };
    assert!(duplicates(&anonymous) > 0);
    assert_eq!(duplicates(&anonymous[1..]), 0);
}

/// A transaction that is open for too long is aborted, and its producer begins anew.
#[test]
fn a_transaction_that_takes_too_long_is_aborted() {
    let short = [("consumer.transaction_timeout", "1s")];
    let run = check(Log, &short, "mailer.process.stall#2=after", ONCE);
    let expired = |kind: &Kind| {
        matches!(kind, Kind::Aborted { seen: false, reason: AbortReason::Expired, .. })
    };
    assert_eq!(run.count(expired), 1);
}

/// On a queue of any product there is no such strategy.
#[test]
fn a_queue_that_cannot_do_both_at_once_refuses() {
    let run = lab::run(
        &SCENARIO.replace("[queue]", "[queue]\natomic_publish = false"),
        &[("limits.drain", "1min")],
        Queue,
        Strategy::Transactional,
        "",
    );
    assert_eq!(run.effects, [0; 5]);
}
