//! What becomes of a dead letter on its way to its target, exactly.
//!
//! Goal: at most once, what is lost is gone; at least once it is sent again, and may arrive twice.
//! Each dead letter that arrives is moved back once. Method: three messages, of which the first is
//! given up, exact faults, and how often each is a dead letter and has an effect.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::event::RemoveReason;
use entrega_model::{Duration, Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
models = ["queue"]
[workload]
messages = 3
keys = 1
arrivals = { distribution = "constant", rate_per_second = 1 }
[[subscriptions]]
name = "mailer"
[queue]
delivery_limit = 1
dead_letter = true
[consumer]
prefetch = 1
on_error = "requeue"
"#;

const AT_LEAST_ONCE: (&str, &str) = ("queue.dead_letter_strategy", "at-least-once");
const REDRIVE: (&str, &str) = ("queue.redrive", "{ after = '1min' }");

fn run(set: &[(&str, &str)], transfer: &str) -> lab::Run {
    let faults = format!("mailer.handler.error#1=transient{transfer}");
    let run = lab::run(SCENARIO, set, Model::Queue, Strategy::ProcessThenSettle, &faults);
    assert!(run.reached, "{set:?} {faults}");
    assert_eq!(run.end, RunEnd::Quiescent);
    run
}

/// How often the first message arrived in the dead letters, was lost on its way, and was moved back
/// and took effect.
#[track_caller]
fn check(set: &[(&str, &str)], transfer: &str, expect: [u32; 3]) {
    let stays = run(set, transfer);
    let lost =
        |kind: &Kind| matches!(kind, Kind::Removed { reason: RemoveReason::DeadLettering, .. });
    assert_eq!(stays.effects, [0, 1, 1], "{set:?} {transfer}");
    let moved = run(&[set, &[REDRIVE]].concat(), transfer);
    let redriven = moved.count(|kind| matches!(kind, Kind::Redriven { .. })) as u32;
    let told = [stays.dead_letters[0], stays.count(lost) as u32, redriven];
    assert_eq!(told, expect, "{set:?} {transfer}");
    assert_eq!(moved.effects, [redriven, 1, 1], "{set:?} {transfer}");
}

const LOST: &str = "+mailer.dead_letter.transfer#1=lost";
const LOST_TWICE: &str = "+mailer.dead_letter.transfer#1=lost+mailer.dead_letter.transfer#2=lost";
const DOUBLED: &str = "+mailer.dead_letter.transfer#1=duplicated";

#[test]
fn what_is_lost_is_gone_or_sent_again() {
    check(&[], "", [1, 0, 1]);
    check(&[], LOST, [0, 1, 0]);
    check(&[AT_LEAST_ONCE], "", [1, 0, 1]);
    check(&[AT_LEAST_ONCE], LOST, [1, 0, 1]);
    check(&[AT_LEAST_ONCE], LOST_TWICE, [1, 0, 1]);
}

#[test]
fn a_dead_letter_that_is_not_confirmed_arrives_twice() {
    check(&[AT_LEAST_ONCE], DOUBLED, [2, 0, 2]);
}

/// It is sent again after three minutes, which is later than it would have been moved back.
#[test]
fn what_is_sent_again_takes_its_time() {
    let times = |transfer: &str, wanted: fn(&Kind) -> bool| {
        let run = run(&[AT_LEAST_ONCE, REDRIVE], transfer);
        run.events.iter().find(|event| wanted(&event.kind)).expect("it happens").at
    };
    let dead = |transfer| times(transfer, |kind| matches!(kind, Kind::DeadLettered { .. }));
    let back = |transfer| times(transfer, |kind| matches!(kind, Kind::Redriven { .. }));
    assert_eq!(dead(LOST), dead("") + Duration::from_secs(180));
    assert_eq!(back(""), dead("") + Duration::from_secs(60));
    assert_eq!(back(LOST), dead(LOST));
}
