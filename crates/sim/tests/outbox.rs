//! A producer that dies, and what its application sends again.
//!
//! Goal: what an outbox holds is sent again by the next life, and by a job after its time; without
//! one nothing is. A broker recognises it by the id of the message, and not by one that is made for
//! each send. Method: three messages, exact faults, and how often each message has an effect.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::event::SendOutcome;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
[workload]
messages = 3
keys = 1
arrivals = { distribution = "constant", rate_per_second = 1 }
[[subscriptions]]
name = "mailer"
[log]
auto_offset_reset = "earliest"
[producer]
outbox = true
request_timeout = "1s"
retries = 0
[consumer]
prefetch = 1
[times]
restart = "5s"
"#;

const LOG: Model = Model::Log;
const QUEUE: Model = Model::Queue;

/// Runs it with these faults; the effects of each message, and of how many the producer knows that
/// they are stored.
#[track_caller]
fn check(set: &[(&str, &str)], model: Model, faults: &str, effects: [u32; 3], known: usize) {
    let run = lab::run(SCENARIO, set, model, Strategy::ProcessThenSettle, faults);
    assert!(run.reached, "{set:?} {faults}");
    assert_eq!(run.end, RunEnd::Quiescent);
    let is_known = |kind: &Kind| matches!(kind, Kind::SendEnded { outcome: SendOutcome::Ok, .. });
    assert_eq!(run.effects, effects, "{set:?} {model} {faults}");
    assert_eq!(run.dead_letters, [0; 3]);
    assert_eq!(run.count(is_known), known, "{set:?} {model} {faults}");
}

const BEFORE: &str = "send.before#2=crash";
const AFTER: &str = "send.after#2=crash";
const FORGETS: [(&str, &str); 1] = [("producer.outbox", "false")];
const IDEMPOTENT: [(&str, &str); 2] =
    [("producer.enable_idempotence", "true"), ("producer.retries", "3")];
const WINDOW: (&str, &str) = ("queue.dedup_window", "2min");
const AN_ID_A_SEND: (&str, &str) = ("producer.publish_id", "send");

#[test]
fn the_next_life_sends_what_has_no_confirmation() {
    for model in [LOG, QUEUE] {
        check(&[], model, BEFORE, [1, 1, 1], 3);
        check(&[], model, AFTER, [1, 2, 1], 3);
        check(&[], model, "send.after#2=crash+send.after#3=crash", [1, 3, 1], 3);
    }
}

/// The opposite: what was never sent is absent, and what was stored is there once.
#[test]
fn without_an_outbox_the_next_life_goes_on() {
    for model in [LOG, QUEUE] {
        check(&FORGETS, model, BEFORE, [1, 0, 1], 2);
        check(&FORGETS, model, AFTER, [1, 1, 1], 2);
    }
}

/// A producer's numbers are those of its life, a dedup window's ids those of messages or of sends.
#[test]
fn who_recognises_what_is_sent_again() {
    check(&IDEMPOTENT, LOG, AFTER, [1, 2, 1], 3);
    check(&[WINDOW], QUEUE, AFTER, [1, 1, 1], 3);
    check(&[("queue.dedup_window", "2s")], QUEUE, AFTER, [1, 2, 1], 3);
    check(&[WINDOW, AN_ID_A_SEND], QUEUE, AFTER, [1, 2, 1], 3);
}

/// A retry has the id of its send; what a job sends again is another send.
#[test]
fn a_job_sends_again_what_had_no_answer() {
    let lost = "send.response#2=lost";
    let job = ("producer.resend_after", "30s");
    for model in [LOG, QUEUE] {
        check(&[], model, lost, [1, 1, 1], 2);
        check(&[job], model, lost, [1, 2, 1], 3);
        check(&[job], model, "send.request#2=lost", [1, 1, 1], 3);
        check(&[job, ("producer.max_in_flight", "3")], model, lost, [1, 2, 1], 3);
    }
    check(&[job, WINDOW], QUEUE, lost, [1, 1, 1], 3);
    check(&[job, WINDOW, AN_ID_A_SEND], QUEUE, lost, [1, 2, 1], 3);
    let retries = ("producer.retries", "1");
    check(&[retries, WINDOW, AN_ID_A_SEND], QUEUE, lost, [1, 1, 1], 3);
}

/// What waits in the producer's memory dies with it: sent, for all that its program knows, if it
/// asks for no confirmation.
#[test]
fn a_buffer_dies_with_its_process() {
    let buffered = [("producer.linger", "10s"), ("producer.outbox", "false")];
    let fire = [buffered[0], buffered[1], ("producer.strategy", "fire-and-forget")];
    for model in [LOG, QUEUE] {
        check(&buffered, model, "send.before#3=crash", [0, 0, 0], 0);
        check(&fire, model, "send.before#3=crash", [0, 0, 0], 2);
        check(&buffered[..1], model, "send.before#3=crash", [1, 1, 1], 3);
    }
}

/// The numbers of attempts go on through all lives, so a history tells which came later.
#[test]
fn attempts_are_counted_through_all_lives() {
    let run = lab::run(SCENARIO, &[], LOG, Strategy::ProcessThenSettle, AFTER);
    let attempts = run.events.iter().filter_map(|event| match event.kind {
        Kind::SendInvoked { message, attempt, .. } => Some((message.0, attempt)),
        _ => None,
    });
    assert_eq!(attempts.collect::<Vec<_>>(), [(0, 1), (1, 1), (1, 2), (2, 1)]);
    let run = lab::run(SCENARIO, &FORGETS, LOG, Strategy::ProcessThenSettle, BEFORE);
    let is_of_second = |kind: &Kind| matches!(kind, Kind::SendInvoked { message, attempt: 1, .. } if message.0 == 1);
    assert_eq!(run.count(is_of_second), 1, "it called `send`, so it is absent");
}
