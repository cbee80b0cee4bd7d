//! A message that kills every process that works on it.
//!
//! Goal: nothing that a process counts in its memory ends this, and what the broker counts does.
//! Method: three messages and one consumer, of which the second message kills; a queue with and
//! without a delivery limit, a log, and strategies that count attempts or settle first.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
[workload]
messages = 3
[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 1
max_attempts = 2
[limits]
drain = "1h"
[queue]
visibility_timeout = "30s"
"#;

const KILLS: &str = "mailer.message.poison#2=kills";
const POISON: &str = "mailer.message.poison#2=poison";

/// What a run ends with: whether it rests, and the effects and dead letters of each message.
type Ends = (bool, [u32; 3], [u32; 3]);

/// Runs it; returns how often a process died.
#[track_caller]
fn check(set: &[(&str, &str)], on: (Model, Strategy), fault: &str, ends: Ends) -> usize {
    let run = lab::run(SCENARIO, set, on.0, on.1, fault);
    let rests = run.end == RunEnd::Quiescent;
    assert!(run.reached);
    let seen = (rests, run.effects.as_slice(), run.dead_letters.as_slice());
    assert_eq!(seen, (ends.0, &ends.1[..], &ends.2[..]), "{set:?} {on:?} {fault}");
    run.count(|kind| matches!(kind, Kind::Crashed { .. }))
}

const QUEUE: (Model, Strategy) = (Model::Queue, Strategy::ProcessThenSettle);
const LIMITED: [(&str, &str); 2] = [("queue.delivery_limit", "3"), ("queue.dead_letter", "true")];

/// Each life begins with the message that ended the one before, on both models.
#[test]
fn without_a_limit_it_kills_for_ever() {
    let on_log = (Model::Log, Strategy::ProcessThenSettle);
    assert!(check(&[], QUEUE, KILLS, (false, [1, 0, 0], [0; 3])) > 50);
    assert!(check(&[], on_log, KILLS, (false, [1, 0, 0], [0; 3])) > 50);
}

/// A counter of attempts begins anew with each life; one that fails it sees.
#[test]
fn attempts_that_a_process_counts_do_not_end_it() {
    let on = (Model::Queue, Strategy::DeadLetter);
    assert!(check(&[], on, KILLS, (false, [1, 0, 0], [0; 3])) > 50);
    assert_eq!(check(&[], on, POISON, (true, [1, 0, 1], [0, 1, 0])), 0);
}

/// The broker counts deliveries, whatever became of them. What was fetched beside the message that
/// kills is counted with it.
#[test]
fn a_delivery_limit_ends_it() {
    assert_eq!(check(&LIMITED, QUEUE, KILLS, (true, [1, 0, 1], [0, 1, 0])), 3);
    let at_once = ("workload.arrivals", "{ distribution = 'backlog' }");
    let fetched_ahead = [&LIMITED[..], &[("consumer.prefetch", "3"), at_once]].concat();
    assert_eq!(check(&fetched_ahead, QUEUE, KILLS, (true, [1, 0, 0], [0, 1, 1])), 3);
}

/// Who settles first loses it, and goes on.
#[test]
fn settled_first_it_kills_once() {
    for model in [Model::Log, Model::Queue] {
        let on = (model, Strategy::SettleThenProcess);
        assert_eq!(check(&[], on, KILLS, (true, [1, 0, 1], [0; 3])), 1, "{model}");
    }
}

/// In a batch it kills before anything of the batch has its effect.
#[test]
fn a_batch_dies_as_a_whole() {
    let of_three = [("consumer.prefetch", "3"), ("consumer.batch_size", "3")];
    let on = (Model::Queue, Strategy::MicroBatch);
    assert!(check(&of_three, on, KILLS, (false, [0; 3], [0; 3])) > 50);
}
