//! A batch of which nothing is settled because one item fails.
//!
//! Goal: on a queue all of it comes back when its leases end, each time as one more delivery, so
//! that a bad item takes good ones to the delivery limit. Method: three messages in one batch, of
//! which the second fails once or always, and the same with the policy that settles the others.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
[workload]
messages = 3
arrivals = { distribution = "constant", rate_per_second = 1000 }
[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 3
batch_size = 3
batch_on_failure = "abandon"
[queue]
visibility_timeout = "6s"
"#;

type Set = &'static [(&'static str, &'static str)];

const PER_ITEM: (&str, &str) = ("consumer.batch_on_failure", "per-item");
const LIMITED: Set = &[("queue.delivery_limit", "3"), ("queue.dead_letter", "true")];
const ONCE: &str = "mailer.handler.error#2=transient";
const ALWAYS: &str = "mailer.message.poison#2=poison";

/// Runs the batch; says how many messages were handed out again.
#[track_caller]
fn check(set: &[(&str, &str)], faults: &str, effects: [u32; 3], dead: [u32; 3], again: usize) {
    let all = [&[("models", "queue")], set].concat();
    let run = lab::run(SCENARIO, &all, Model::Queue, Strategy::MicroBatch, faults);
    assert!(run.reached && run.end == RunEnd::Quiescent, "{set:?} {faults}");
    assert_eq!((run.effects.as_slice(), run.dead_letters.as_slice()), (&effects[..], &dead[..]));
    let redelivered = |kind: &Kind| matches!(kind, Kind::Delivered { redelivered: true, .. });
    assert_eq!(run.count(redelivered), again, "{set:?} {faults}");
}

#[test]
fn all_of_it_comes_back() {
    check(&[], "", [1; 3], [0; 3], 0);
    check(&[], ONCE, [1; 3], [0; 3], 3);
    check(&[PER_ITEM], ONCE, [1; 3], [0; 3], 1);
}

/// What a sink has taken item by item before the failure it takes again.
#[test]
fn what_stands_before_the_bad_item_is_repeated() {
    check(&[("consumer.batch_sink", "item-by-item")], ONCE, [2, 1, 1], [0; 3], 3);
}

/// Good items become dead letters beside the bad one; where the others are settled, they do not.
#[test]
fn a_bad_item_takes_the_others_to_the_delivery_limit() {
    check(LIMITED, ALWAYS, [0; 3], [1; 3], 6);
    check(&[LIMITED, &[PER_ITEM]].concat(), ALWAYS, [1, 0, 1], [0, 1, 0], 2);
}

/// What is left alone is not held by the lease renewal either.
#[test]
fn it_comes_back_with_renewal_too() {
    check(&[("consumer.lease_renewal", "2s")], ONCE, [1; 3], [0; 3], 3);
}
