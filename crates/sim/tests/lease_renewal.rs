//! Lease renewal: a client library that asks for more time while its application works.
//!
//! Goal: a handler that takes longer than its lease has it for as long as its process runs, and no
//! longer. Method: one message whose handler is slow, with renewal, without it, with one that comes
//! too late, and in a process that stands still meanwhile.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::event::SettleAct;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
[workload]
messages = 2
arrivals = { distribution = "constant", rate_per_second = 1 }
[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 1
settle_every = 1
batch_size = 1
request_timeout = "1s"
[queue]
visibility_timeout = "10s"
[times]
slow = "25s"
stall = "25s"
"#;

type Set = &'static [(&'static str, &'static str)];

const NONE: Set = &[];
const RENEWS: Set = &[("consumer.lease_renewal", "4s")];
const TOO_LATE: Set = &[("consumer.lease_renewal", "11s")];
const SLOW: &str = "mailer.handler.slow#1=slow";

fn run(strategy: Strategy, set: Set, more: Set, faults: &str) -> lab::Run {
    let run = lab::run(SCENARIO, &[set, more].concat(), Model::Queue, strategy, faults);
    assert!(run.reached && run.end == RunEnd::Quiescent, "{strategy} {set:?} {more:?} {faults}");
    assert!(run.dead_letters.iter().all(|&count| count == 0), "{strategy} {set:?} {faults}");
    run
}

#[track_caller]
fn check(set: Set, more: Set, faults: &str, expect: [u32; 2]) {
    let run = run(Strategy::ProcessThenSettle, set, more, faults);
    assert_eq!(run.effects, expect, "{set:?} {more:?} {faults}");
}

fn extensions(run: &lab::Run) -> usize {
    run.count(|kind| matches!(kind, Kind::Settled { act: SettleAct::Extend, .. }))
}

/// Slow beyond the lease, it duplicates without renewal and with one that comes too late; with
/// renewal it does not. One that stands still renews nothing.
#[test]
fn a_slow_handler_keeps_its_lease_as_long_as_its_process_runs() {
    check(NONE, &[], "", [1, 1]);
    check(NONE, &[], SLOW, [2, 1]);
    check(TOO_LATE, &[], SLOW, [2, 1]);
    check(RENEWS, &[], SLOW, [1, 1]);
    for set in [NONE, RENEWS] {
        check(set, &[], "mailer.process.stall#1=before", [2, 1]);
        check(set, &[], "mailer.process.stall#1=after", [2, 1]);
        check(set, &[], "mailer.effect.after#1=crash", [2, 1]);
    }
}

/// Of every strategy that settles after its effect, on a queue. What settles before has no lease
/// while it works, and is not redelivered either way. What settles with its effect, in one step of
/// the broker, a client library does not hear of; a scenario may not ask for both.
#[test]
fn every_strategy_renews() {
    let mut cured = 0;
    let settles = |one: &Strategy| one.supports(Model::Queue) && !one.spec().sink.is_broker();
    for strategy in Strategy::ALL.into_iter().filter(settles) {
        let without = run(strategy, NONE, &[], SLOW).effects;
        let with = run(strategy, RENEWS, &[], SLOW);
        assert_eq!(with.effects, [1, 1], "{strategy}");
        cured += usize::from(without == [2, 1]);
    }
    assert!(cured >= 7, "{cured}");
}

/// Six seconds each, all received at once: the third waits twelve seconds in the buffer.
#[test]
fn what_waits_in_the_buffer_is_renewed_too() {
    let many: Set = &[
        ("consumer.prefetch", "10"),
        ("subscriptions.0.consumers", "1"),
        ("subscriptions.0.service_time.value", "6s"),
        ("workload.messages", "3"),
        ("workload.arrivals.rate_per_second", "1000"),
        ("consumer.receive_ahead", "true"),
    ];
    let strategy = Strategy::ProcessThenSettle;
    let without = lab::run(SCENARIO, many, Model::Queue, strategy, "");
    assert!(without.effects.iter().sum::<u32>() > 3, "{:?}", without.effects);
    assert_eq!(run(strategy, RENEWS, many, "").effects, [1, 1, 1]);
}

/// The first message is received at 0 and renewed every four seconds until its handler ends, after
/// 25 s; the second comes meanwhile to the other consumer and needs nothing.
#[test]
fn what_is_settled_is_renewed_no_longer() {
    let of = |set, faults| extensions(&run(Strategy::ProcessThenSettle, set, &[], faults));
    assert_eq!(of(RENEWS, SLOW), 6);
    assert_eq!(of(RENEWS, ""), 0);
    assert_eq!(of(NONE, SLOW), 0);
}

/// What the application leaves unsettled comes back, and is not held for ever.
#[test]
fn what_is_left_alone_comes_back() {
    let skips: Set = &[("consumer.on_error", "skip")];
    let fails = "mailer.handler.error#1=transient";
    for set in [NONE, RENEWS] {
        let skipped = run(Strategy::ProcessThenSettle, set, skips, fails);
        assert_eq!(skipped.effects, [1, 1], "{set:?}");
        let expired = skipped.count(|kind| matches!(kind, Kind::LeaseExpired { .. }));
        assert_eq!(expired, 1, "{set:?}");
        assert_eq!(extensions(&skipped), 0, "{set:?}");
    }
    let aside: Set =
        &[("consumer.batch_on_failure", "per-item"), ("consumer.batch_interval", "10ms")];
    let batch = run(Strategy::MicroBatch, RENEWS, aside, fails);
    assert_eq!((batch.effects.as_slice(), extensions(&batch)), ([1, 1].as_slice(), 0));
}

/// A lost request is one renewal less: the next one is in time if two fit into a lease.
#[test]
fn a_lost_renewal_is_made_up_for_by_the_next() {
    let lost = "mailer.handler.slow#1=slow+mailer.settle.request#2=lost";
    check(RENEWS, &[], lost, [1, 1]);
    let tight: Set = &[("consumer.lease_renewal", "9s")];
    check(tight, &[], SLOW, [1, 1]);
    check(tight, &[], lost, [2, 1]);
}

/// A log has no leases, and nothing depends on the setting there.
#[test]
fn a_log_does_not_ask() {
    let start: Set = &[("log.auto_offset_reset", "earliest")];
    for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(Model::Log)) {
        let events =
            |set: Set| lab::run(SCENARIO, &[set, start].concat(), Model::Log, strategy, "").events;
        assert!(events(NONE) == events(RENEWS), "{strategy}");
    }
}
