//! Messages that are due later than they are sent: the broker holds them, or the consumer that has
//! received them does.

mod lab;

use entrega_clients::Strategy;
use entrega_model::Model::{self, Log, Queue};
use entrega_model::{Event, Instant, Kind, MessageId};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "constant", rate_per_second = 10 }
due_after = "50min"
[producer]
request_timeout = "1s"
[[subscriptions]]
name = "mailer"
consumers = 3
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 1
request_timeout = "1s"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "30min"
late_settle = "honoured"
[limits]
drain = "2d"
"#;

const ONCE: [u32; 5] = [1; 5];
const WORKER: (&str, &str) = ("queue.due_time", "worker");
const PATIENT: (&str, &str) = ("queue.visibility_timeout", "1h");

fn run(model: Model, overrides: &[(&str, &str)]) -> lab::Run {
    let run = lab::run(SCENARIO, overrides, model, Strategy::ProcessThenSettle, "");
    assert_eq!(run.end, RunEnd::Quiescent, "{model} {overrides:?}");
    assert_eq!(run.dead_letters, [0; 5]);
    run
}

/// When messages have their effects, in their order.
fn effects(run: &lab::Run) -> Vec<(MessageId, Instant)> {
    let effect = |event: &Event| match event.kind {
        Kind::Effect { message, .. } => Some((message, event.at)),
        _ => None,
    };
    run.events.iter().filter_map(effect).collect()
}

fn first_delivery(run: &lab::Run) -> Instant {
    let is_delivery = |event: &&Event| matches!(event.kind, Kind::Delivered { .. });
    run.events.iter().find(is_delivery).expect("a delivery").at
}

/// The first one is sent at once.
fn due(message: MessageId) -> Instant {
    Instant::from_nanos(50 * 60_000_000_000 + u64::from(message.0) * 100_000_000)
}

/// Nothing has its effect too early, and in the order of the due times.
fn check_times(run: &lab::Run) {
    let effects = effects(run);
    assert!(effects.iter().all(|&(message, at)| at >= due(message)), "{effects:?}");
}

#[test]
fn the_broker_gives_nobody_what_is_not_due() {
    let run = run(Queue, &[]);
    assert_eq!(run.effects, ONCE);
    assert!(first_delivery(&run) >= due(MessageId(0)));
    check_times(&run);
    let order: Vec<u32> = effects(&run).iter().map(|(message, _)| message.0).collect();
    assert_eq!(order, [0, 1, 2, 3, 4]);
}

/// A worker has it from the start. Its lease ends first, and so does that of the next worker.
#[test]
fn a_worker_waits_with_the_message_in_its_hand() {
    let early = run(Queue, &[WORKER]);
    assert!(first_delivery(&early) < due(MessageId(0)));
    assert_eq!(early.effects, [1, 2, 2, 1, 1]);
    assert!(early.count(|kind| matches!(kind, Kind::LeaseExpired { .. })) >= 3);
    check_times(&early);
    for patient in [&[WORKER, PATIENT][..], &[WORKER, ("consumer.lease_renewal", "10min")]] {
        let run = run(Queue, patient);
        assert_eq!(run.effects, ONCE, "{patient:?}");
        check_times(&run);
    }
}

/// A log has nowhere to keep it aside: whoever reads it waits, and all that stand behind it.
#[test]
fn on_a_log_the_consumer_waits_whatever_is_said_of_queues() {
    for overrides in [&[][..], &[WORKER]] {
        let run = run(Log, overrides);
        assert_eq!(run.effects, ONCE);
        assert!(first_delivery(&run) < due(MessageId(0)));
        check_times(&run);
    }
}

/// What comes back when it is due does not wait a second time.
#[test]
fn what_is_past_is_not_waited_for_again() {
    let set = [("consumer.on_error", "requeue"), ("models", "['queue']")];
    for set in [&set[..], &[set[0], set[1], WORKER, PATIENT]] {
        let faults = "mailer.handler.error#1=transient";
        let run = lab::run(SCENARIO, set, Queue, Strategy::ProcessThenSettle, faults);
        assert_eq!((run.effects.as_slice(), run.reached), (&ONCE[..], true), "{set:?}");
        let last = effects(&run).iter().map(|(_, at)| *at).max().expect("an effect");
        assert!(last.since(due(MessageId(4))).as_nanos() < 60_000_000_000, "{last:?}");
    }
}

/// A batch waits for the last of its messages.
#[test]
fn a_batch_waits_for_all_of_its_messages() {
    let set = [WORKER, PATIENT, ("consumer.prefetch", "5"), ("consumer.batch_size", "5")];
    let run = lab::run(SCENARIO, &set, Queue, Strategy::MicroBatch, "");
    assert_eq!(run.effects, ONCE);
    check_times(&run);
}
