//! A worker that dies in its handler, and a supervisor that lives on.
//!
//! Goal: what becomes of its message is the supervisor's word and nothing else: acked it is lost
//! unless it had its effect, given back it is done again if it had. What was received ahead stays.
//! Method: three messages and one consumer of a queue, of which the second message meets a crash on
//! either side of its effect, or kills; with and without a supervisor and a delivery limit.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::event::{ProcessingResult, SettleAct, SettleTrigger};
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
models = ["queue"]
[workload]
messages = 3
[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 1
max_attempts = 2
[limits]
drain = "10min"
[queue]
visibility_timeout = "30s"
"#;

type Set<'a> = &'a [(&'a str, &'a str)];

const BEFORE: &str = "mailer.effect.before#2=crash";
const AFTER: &str = "mailer.effect.after#2=crash";
const KILLS: &str = "mailer.message.poison#2=kills";

const NOBODY: Set<'_> = &[];
const SETTLES: (&str, &str) = ("consumer.worker_lost", "settle");
const REQUEUES: (&str, &str) = ("consumer.worker_lost", "requeue");
const LIMITED: [(&str, &str); 2] = [("queue.delivery_limit", "3"), ("queue.dead_letter", "true")];

/// How often a process died, and how often a worker alone.
type Deaths = (usize, usize);

fn deaths(run: &lab::Run) -> Deaths {
    let is_lost = |kind: &Kind| {
        matches!(kind, Kind::ProcessingEnded { result: ProcessingResult::WorkerLost, .. })
    };
    (run.count(|kind| matches!(kind, Kind::Crashed { .. })), run.count(is_lost))
}

/// Runs it to its rest; says who died.
#[track_caller]
fn check(
    set: Set<'_>,
    strategy: Strategy,
    fault: &str,
    effects: [u32; 3],
    dead: [u32; 3],
) -> Deaths {
    let run = lab::run(SCENARIO, set, Model::Queue, strategy, fault);
    assert!(run.reached && run.end == RunEnd::Quiescent, "{set:?} {strategy} {fault}");
    let seen = (run.effects.as_slice(), run.dead_letters.as_slice());
    assert_eq!(seen, (&effects[..], &dead[..]), "{set:?} {strategy} {fault}");
    deaths(&run)
}

const PLAIN: Strategy = Strategy::ProcessThenSettle;

#[test]
fn without_a_supervisor_the_process_dies() {
    assert_eq!(check(NOBODY, PLAIN, BEFORE, [1; 3], [0; 3]), (1, 0));
    assert_eq!(check(NOBODY, PLAIN, AFTER, [1, 2, 1], [0; 3]), (1, 0));
}

/// With every strategy that settles after the handler, and whatever follows an error.
#[test]
fn a_supervisor_that_settles_loses_what_had_no_effect() {
    let readers = Strategy::ALL.into_iter().filter(|one| one.reads("worker_lost"));
    let readers: Vec<Strategy> = readers.collect();
    assert!(readers.len() >= 6, "{readers:?}");
    let policies =
        ["retry", "skip", "skip-and-settle", "requeue", "reject", "crash", "dead-letter"];
    for strategy in readers {
        let again = if strategy == Strategy::DeduplicatingSink { 1 } else { 2 };
        for policy in policies {
            let set = [SETTLES, ("consumer.on_error", policy)];
            assert_eq!(check(&set, strategy, BEFORE, [1, 0, 1], [0; 3]), (0, 1));
            assert_eq!(check(&set, strategy, AFTER, [1; 3], [0; 3]), (0, 1));
            assert_eq!(check(&set, strategy, KILLS, [1, 0, 1], [0; 3]), (0, 1));
            let set = [REQUEUES, ("consumer.on_error", policy)];
            assert_eq!(check(&set, strategy, BEFORE, [1; 3], [0; 3]), (0, 1));
            assert_eq!(check(&set, strategy, AFTER, [1, again, 1], [0; 3]), (0, 1));
        }
    }
}

/// It gives back at once, and by a word of its own.
#[test]
fn a_supervisor_says_why_it_settles() {
    for (set, asked) in [(SETTLES, SettleAct::Ack), (REQUEUES, SettleAct::Requeue)] {
        let run = lab::run(SCENARIO, &[set], Model::Queue, PLAIN, BEFORE);
        let is_said = |kind: &Kind| {
            matches!(*kind, Kind::Settled { act, trigger: SettleTrigger::WorkerLost, .. }
                if act == asked)
        };
        assert_eq!(run.count(is_said), 1, "{set:?}");
    }
}

/// Given back without end, unless the queue counts what is given back.
#[test]
fn a_message_that_kills_is_tried_without_end() {
    let run = lab::run(SCENARIO, &[REQUEUES], Model::Queue, PLAIN, KILLS);
    assert!(run.end != RunEnd::Quiescent && deaths(&run).1 > 50);
    assert_eq!(run.effects, [1, 0, 0]);
    let limited = [&LIMITED[..], &[REQUEUES]].concat();
    assert_eq!(check(&limited, PLAIN, KILLS, [1, 0, 1], [0, 1, 0]), (0, 3));
    let by_reject = ("queue.limit_counts", "['reject']");
    let counted = [&limited[..], &[by_reject]].concat();
    assert_eq!(check(&counted, PLAIN, KILLS, [1, 0, 1], [0, 1, 0]), (0, 3));
    let others = ("queue.limit_counts", "['nack', 'expiry', 'disconnect']");
    let uncounted = [&limited[..], &[others]].concat();
    let run = lab::run(SCENARIO, &uncounted, Model::Queue, PLAIN, KILLS);
    assert!(run.end != RunEnd::Quiescent && deaths(&run).1 > 50);
}

/// What was received ahead belongs to the supervisor: neither does it come back with a death, nor
/// is it counted as delivered too often. A process that dies takes it along.
#[test]
fn neighbours_stay_with_the_supervisor() {
    let at_once = ("workload.arrivals", "{ distribution = 'backlog' }");
    let ahead = [&LIMITED[..], &[("consumer.prefetch", "3"), at_once]].concat();
    assert_eq!(check(&ahead, PLAIN, KILLS, [1, 0, 0], [0, 1, 1]), (3, 0));
    let alive = [&ahead[..], &[REQUEUES]].concat();
    assert_eq!(check(&alive, PLAIN, KILLS, [1, 0, 1], [0, 1, 0]), (0, 3));
}

/// A strategy that settles first has nothing left to settle, and a batch is no worker's alone.
#[test]
fn others_have_no_supervisor() {
    assert_eq!(check(&[SETTLES], Strategy::SettleThenProcess, BEFORE, [1, 0, 1], [0; 3]), (1, 0));
    assert_eq!(check(&[SETTLES], Strategy::MicroBatch, BEFORE, [1; 3], [0; 3]), (1, 0));
}

/// Its settle travels as every other, and the supervisor itself may die of the answer.
#[test]
fn a_supervisor_dies_as_a_process_does() {
    let both = format!("{BEFORE}+mailer.settle.after#2=crash");
    assert_eq!(check(&[SETTLES], PLAIN, &both, [1, 0, 1], [0; 3]), (1, 1));
    let unheard = format!("{BEFORE}+mailer.settle.request#2=lost");
    assert_eq!(check(&[SETTLES], PLAIN, &unheard, [1; 3], [0; 3]), (0, 1));
}
