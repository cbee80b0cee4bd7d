//! What came first: a story blames what took the message, and not what befell its holder later.

use super::zones::check_with;
use super::*;

/// A queue with one consumer that has five messages in its buffer, for one second each.
const BUFFERED: &[(&str, &str)] = &[
    ("workload.arrivals.rate_per_second", "1000000"),
    ("subscriptions.0.consumers", "1"),
    ("subscriptions.0.service_time.value", "100ms"),
    ("consumer.prefetch", "5"),
    ("consumer.on_error", "skip"),
    ("queue.visibility_timeout", "1s"),
    ("times.slow", "2s"),
];

/// The leases of the buffer expire while the handler is slow; the settles that follow are refused,
/// and have their answers when the process crashes.
#[test]
fn a_crash_takes_nothing_that_a_lease_has_taken_before() {
    let choices = "mailer.handler.slow#2=slow+mailer.settle.after#4=crash";
    let found = told(Queue, ProcessThenSettle, choices, BUFFERED);
    assert!(!found.is_empty());
    for story in found {
        assert!(story.contains("the lease of mailer 1 expires"), "{story}");
        assert!(!story.contains("crashes") && !story.contains("on its way"), "{story}");
    }
}

/// A queue forgets its leases when it restarts, so the lease that ends began after the restart, and
/// the restart has not taken the message. One that does take it is told.
#[test]
fn a_restart_before_the_lease_is_no_reason() {
    let one_by_one = [("consumer.prefetch", "1"), ("times.broker_restart", "10ms")];
    let one_by_one = [&BUFFERED[..3], &one_by_one].concat();
    let (mut by_lease, mut by_restart) = (0, 0);
    for restart in 2..=17 {
        let choices = format!("broker.restart#{restart}=restart+mailer.settle.request#4=lost");
        for story in told(Queue, ProcessThenSettle, &choices, &one_by_one) {
            let (lease, restarts) = (story.contains("the lease"), story.contains("restarts"));
            assert!(lease != restarts, "{restart}: {story}");
            by_lease += usize::from(lease);
            by_restart += usize::from(restarts);
        }
    }
    assert!(by_lease > 0 && by_restart > 0, "{by_lease} {by_restart}");
}

/// A restart that made the broker forget comes before what the holder did then.
#[test]
fn a_restart_is_told_in_its_turn() {
    let forgets = "the broker restarts and forgets that mailer 1 has m0";
    let check = |choices: &str, expect: &str| {
        check_with(&[], (Queue, ProcessThenSettle), (1, 2), choices, &[expect]);
    };
    check(
        "broker.restart#2=restart+mailer.handler.slow#1=slow-expiry",
        &format!(
            "{forgets} and then mailer 1 is slow at m0; m0 is delivered again to mailer 2, mailer 1 \
             goes on as a zombie, and m0 takes effect twice."
        ),
    );
    check(
        "broker.restart#2=restart",
        &format!("{forgets}; m0 is delivered again to mailer 2 and takes effect twice."),
    );
}

/// A message that waits at a client is not in work yet.
#[test]
fn what_waits_is_not_in_work() {
    let check = |strategy, choices: &str, expect: &str| {
        check_with(&[], (Queue, strategy), (2, 2), choices, &[expect]);
    };
    let ending = "m0 takes effect after m1, which has the same key and was sent later.";
    check(
        Strategy::ProgressWithEffectUnconditional,
        "mailer.effect.request#1=late-calm",
        &format!("m0 waits at mailer 1 while mailer 2 works on m1; {ending}"),
    );
    check(
        ProcessThenSettle,
        "mailer.handler.order#1=last",
        &format!("mailer 1 is at work on m0 until everybody else is done; {ending}"),
    );
}

/// A producer that does not wait for one answer before it sends the next message.
const PIPELINED: &[(&str, &str)] =
    &[("producer.max_in_flight", "5"), ("workload.keys", "1"), ("log.partitions", "1")];

/// A retry leaves after what was sent meanwhile. The opposite: one message after another.
#[test]
fn a_retry_is_overtaken_by_what_was_sent_meanwhile() {
    let sentence = "the request to store m0 is lost; the retry of m0 is overtaken by m1; m0 takes \
                    effect after m1, which has the same key and was sent later.";
    for model in [Log, Queue] {
        check(model, ProcessThenSettle, "send.request#1=lost", PIPELINED, &[sentence]);
        check(model, ProcessThenSettle, "send.request#1=lost", &PIPELINED[1..], &[]);
    }
}

/// What is told of a lost answer is told of the message whose answer it was.
#[test]
fn a_lost_answer_is_told_of_the_message_that_it_was_for() {
    let set = &[PIPELINED, &[("workload.arrivals.rate_per_second", "1000000")]].concat();
    for model in [Log, Queue] {
        let found = told(model, ProcessThenSettle, "send.response#2=lost", set);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("the answer that m1 is stored is lost"), "{found:?}");
    }
}
