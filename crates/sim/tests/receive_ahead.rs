//! Push: the library of a queue that receives on while the handler works.
//!
//! Goal: what waits in the buffer of the library is delivered already, whatever the application
//! knows of it: its lease runs, and where the delivery settles it, a crash loses it. Method: two
//! messages, of which the second comes while the handler works on the first, and the same run with
//! pull, in which it waits in the queue.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
[workload]
messages = 2
arrivals = { distribution = "constant", rate_per_second = 1 }
[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "6s" }
[consumer]
prefetch = 10
[queue]
visibility_timeout = "10s"
"#;

const PUSH: (&str, &str) = ("consumer.receive_ahead", "true");
const PULL: (&str, &str) = ("consumer.receive_ahead", "false");

/// Runs with push and with pull, and compares how many effects each message has.
fn check(strategy: Strategy, set: &[(&str, &str)], faults: &str, push: [u32; 2], pull: [u32; 2]) {
    for (how, expect) in [(PUSH, push), (PULL, pull)] {
        let run = lab::run(SCENARIO, &[set, &[how]].concat(), Model::Queue, strategy, faults);
        assert_eq!(run.effects, expect, "{strategy} {how:?} {set:?} {faults}");
        assert!(run.reached && run.end == RunEnd::Quiescent, "{strategy} {how:?} {set:?}");
    }
}

#[test]
fn a_lease_runs_in_the_buffer() {
    check(Strategy::ProcessThenSettle, &[], "", [1, 2], [1, 1]);
    let patient = [("queue.visibility_timeout", "15s")];
    check(Strategy::ProcessThenSettle, &patient, "", [1, 1], [1, 1]);
}

#[test]
fn the_prefetch_bounds_what_is_received_ahead() {
    check(Strategy::ProcessThenSettle, &[("consumer.prefetch", "1")], "", [1, 1], [1, 1]);
}

/// Automatic ack knows no prefetch: nothing is unsettled.
#[test]
fn what_a_delivery_settles_is_lost_with_the_buffer() {
    let crash = "mailer.effect.after#1=crash";
    let one = [("consumer.prefetch", "1")];
    check(Strategy::AutoSettleAtDelivery, &one, crash, [1, 0], [1, 1]);
    check(Strategy::ProcessThenSettle, &one, crash, [2, 1], [2, 1]);
}

/// With nothing going wrong, every strategy does with push what it does with pull: all, once.
#[test]
fn every_strategy_works_with_push() {
    let brisk = [
        ("workload.messages", "40"),
        ("workload.arrivals.rate_per_second", "100"),
        ("subscriptions.0.service_time.value", "20ms"),
        ("subscriptions.0.consumers", "2"),
    ];
    let received = |kind: &Kind| matches!(kind, Kind::Delivered { .. });
    for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(Model::Queue)) {
        for prefetch in ["1", "3", "100"] {
            let set = [&brisk[..], &[PUSH, ("consumer.prefetch", prefetch)]].concat();
            let run = lab::run(SCENARIO, &set, Model::Queue, strategy, "");
            assert!(run.effects.iter().all(|&count| count == 1), "{strategy} {:?}", run.effects);
            assert_eq!(run.end, RunEnd::Quiescent, "{strategy} {prefetch}");
            assert_eq!(run.count(received), 40, "{strategy} {prefetch}");
        }
    }
}

/// A log has no push, and nothing depends on the setting there.
#[test]
fn a_log_does_not_ask() {
    let start = ("log.auto_offset_reset", "earliest");
    for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(Model::Log)) {
        let events = |how| lab::run(SCENARIO, &[how, start], Model::Log, strategy, "").events;
        assert!(events(PUSH) == events(PULL), "{strategy}");
    }
}
