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
    single_faults_delaying(|_| true)
}

/// The same, as far as they delay no longer than that.
fn single_faults_delaying(is_taken: impl Fn(points::Zone) -> bool) -> Vec<String> {
    let blocks = |info: &&points::FaultInfo| info.fault == points::Fault::MessagePoison;
    let all = points::FAULTS.iter().filter(|info| info.per_subscription && !blocks(info));
    all.flat_map(|info| {
        let taken = info.alternatives.all.iter().filter(|one| is_taken(one.zone));
        taken.flat_map(move |one| {
            (1..=8).map(move |nth| format!("mailer.{}#{nth}={}", info.name, one.name))
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

/// Pairs of faults that leave somebody behind with a request or a belief of its own.
fn pairs_of_faults() -> Vec<String> {
    let at = |name: &str| -> Vec<String> {
        (1..=4).map(|nth| format!("mailer.{}", name.replace('#', &format!("#{nth}")))).collect()
    };
    let first = ["process.stall#=before", "process.stall#=after", "settle.request#=late"];
    let second = [
        "effect.after#=crash",
        "settle.after#=crash",
        "effect.request#=late",
        "settle.response#=lost",
        "handler.slow#=slow",
    ];
    let pairs = first.iter().flat_map(|one| second.iter().map(move |two| (at(one), at(two))));
    let both = pairs.flat_map(|(one, two)| {
        one.into_iter()
            .flat_map(move |one| two.clone().into_iter().map(move |two| one.clone() + "+" + &two))
    });
    both.collect()
}

#[test]
fn every_effect_happens_once_whatever_two_things_fail() {
    for faults in pairs_of_faults() {
        for overrides in [&[][..], &[("consumer.settle_retries", "2")]] {
            let run = run(Log, overrides, &faults);
            assert_eq!(run.effects, ONCE, "{faults} {overrides:?}");
            assert_eq!(run.end, RunEnd::Quiescent, "{faults} {overrides:?}");
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

const CHECKPOINT: (&str, &str) = ("consumer.transaction_offsets", "checkpoint");
const DAY: (&str, &str) = ("consumer.transaction_timeout", "1d");
/// After the fourth answer of sinks: with the checkpoint of the second message, before its commit.
const PREPARED: &str = "mailer.effect.after#4=crash";

/// Whoever is back in time commits what is prepared, whatever fails. What stands still until a
/// transaction has expired is not back in time.
#[test]
fn a_prepared_transaction_is_resumed_whatever_fails() {
    let faults = single_faults_delaying(|zone| !zone.is_past_a_deadline());
    let faults = faults.into_iter().chain(pairs_of_faults());
    let mut reached = 0;
    for faults in faults {
        let run = run(Log, &[CHECKPOINT, DAY], &faults);
        assert_eq!(run.effects, ONCE, "{faults}");
        assert_eq!(run.end, RunEnd::Quiescent, "{faults}");
        reached += usize::from(run.reached);
    }
    assert!(reached > 100, "{reached}");
}

/// The timeout runs from the first record of the transaction on, and the process is away for nine
/// seconds.
#[test]
fn a_prepared_transaction_that_expires_is_lost() {
    let away = ("times.restart", "9s");
    check(Log, &[CHECKPOINT, away], PREPARED, [1, 0, 1, 1, 1]);
    let patient = ("consumer.transaction_timeout", "10s");
    check(Log, &[CHECKPOINT, away, patient], PREPARED, ONCE);
    check(Log, &[away], PREPARED, ONCE);
    let short = [("consumer.transaction_timeout", "2s"), ("times.stall", "5s")];
    let slow = [&short[..], &[CHECKPOINT]].concat();
    let slow = check(Log, &slow, "mailer.process.stall#2=after", [1, 0, 1, 1, 1]);
    check(Log, &short, "mailer.process.stall#2=after", ONCE);
    let expired = |kind: &Kind| {
        matches!(kind, Kind::Aborted { seen: false, reason: AbortReason::Expired, .. })
    };
    assert_eq!(slow.count(expired), 1);
}

/// Where an epoch is that of all transactions of a life (before KIP-890), the commit of one that a
/// life resumes may end the next, which stands in no checkpoint. Flink gives each checkpoint a
/// `transactional.id` of its own.
#[test]
fn without_an_identity_of_the_transaction_a_resumed_commit_duplicates() {
    let written = "mailer.effect.after#3=crash";
    let one = ("log.transaction_version", "1");
    let alone = ("subscriptions.0.consumers", "1");
    check(Log, &[CHECKPOINT, DAY, alone, one], written, [1, 2, 1, 1, 1]);
    check(Log, &[CHECKPOINT, DAY, alone], written, ONCE);
}

/// What the checkpoints do not know of happens again.
#[test]
fn an_effect_outside_is_repeated_although_there_are_checkpoints() {
    let overrides = [CHECKPOINT, DAY, ("consumer.output", "outside")];
    check(Log, &overrides, "mailer.effect.after#3=crash", [1, 2, 1, 1, 1]);
}
