//! Sentences about what only an exploration chooses: delays until a zone, and orders of arrival.

use entrega_scenario::workload::Planner;
use entrega_sim::explore::Scope;

use super::*;

/// A run in an exploration's scope of so many messages and consumers.
fn check(
    (model, strategy): (Model, Strategy),
    (messages, consumers): (u32, u32),
    choices: &str,
    expect: &[&str],
) {
    let scope = Scope { subscription: SubscriptionId(0), messages, consumers, partitions: 1 };
    let scenario = scope.of(&scenario(&[("workload.keys", "1")]));
    let workload = Planner::new(&scenario).plan(None, 1);
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let table = points::table(&["mailer"]);
    let list = parse_choices(&table, choices).expect("choices of this scenario");
    let told = told_of(&experiment, Choices::explicit(table, list));
    assert_eq!(told, expect, "{model} {strategy} {choices}");
}

#[test]
fn a_crash_may_come_late() {
    check(
        (Queue, ProcessThenSettle),
        (1, 1),
        "mailer.effect.after#1=crash-calm",
        &["mailer 1 is slow until everybody else is done and then crashes after the effect of m0 \
             and before settling it; m0 is delivered again to mailer 1 and takes effect twice."],
    );
    check(
        (Queue, SettleThenProcess),
        (1, 1),
        "mailer.effect.before#1=crash-calm",
        &["mailer 1 is slow until everybody else is done and then crashes before the effect of \
             m0, which it has already settled; m0 is never delivered again and is lost."],
    );
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.effect.after#1=crash-expiry",
        &["mailer 1 is slow after the effect of m0 and then the lease of mailer 1 expires; m0 is \
             delivered again to mailer 2 and takes effect twice."],
    );
    check(
        (Log, AutoSettleAtDelivery),
        (1, 1),
        "mailer.effect.before#1=crash-expiry",
        &["mailer 1 is slow until nothing else is left to happen and then crashes before the \
             effect of m0, whose offset the auto-commit timer has already committed; m0 is never \
             delivered again and is lost."],
    );
}

#[test]
fn a_stall_ends_after_a_deadline() {
    check(
        (Log, ProcessThenSettle),
        (1, 2),
        "mailer.process.stall#1=before-expiry",
        &["mailer 1 stalls before the effect of m0 and then the session of mailer 1 expires; m0 \
             is delivered again to mailer 2 and takes effect twice."],
    );
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.process.stall#1=before-takeover",
        &["mailer 1 stalls before the effect of m0 and then the lease of mailer 1 expires; m0 is \
             delivered again to mailer 2, mailer 1 goes on as a zombie, and m0 takes effect twice."],
    );
    check(
        (Log, SettleThenProcess),
        (2, 2),
        "mailer.process.stall#1=before-takeover",
        &["mailer 1 stalls before the effect of m0 until its session has ended and somebody else \
             has taken over; m0 takes effect after m1, which has the same key and was sent later."],
    );
}

#[test]
fn a_handler_is_slow_until_a_zone() {
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.handler.slow#1=slow-takeover",
        &[
            "mailer 1 is slow at m0 and then the lease of mailer 1 expires; m0 is delivered again to \
             mailer 2, mailer 1 goes on as a zombie, and m0 takes effect twice.",
        ],
    );
    check(
        (Queue, SettleThenProcess),
        (2, 2),
        "mailer.handler.slow#1=slow-calm",
        &["mailer 1 is slow at m0 until everybody else is done; m0 takes effect after m1, which \
             has the same key and was sent later."],
    );
}

#[test]
fn a_leg_is_late_until_a_zone() {
    check(
        (Queue, ProcessThenSettle),
        (1, 1),
        "mailer.effect.request#1=late-expiry",
        &["the request for the effect of m0 is late until mailer 1 no longer waits; mailer 1 \
             tries again and m0 takes effect twice."],
    );
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.settle.request#1=late-takeover",
        &["the request to settle m0 is late and then the lease of mailer 1 expires; m0 is \
             delivered again to mailer 2 and takes effect twice."],
    );
    check((Queue, ProcessThenSettle), (1, 2), "mailer.settle.request#1=late-calm", &[]);
}

#[test]
fn what_keeps_a_message_away_is_told() {
    check(
        (Queue, ProcessThenSettle),
        (2, 1),
        "mailer.receive.response#1=lost",
        &[
            "an answer with messages for mailer 1 is lost; mailer 1 processes m1 before m0; m0 takes \
             effect after m1, which has the same key and was sent later.",
        ],
    );
    check(
        (Queue, AutoSettleAtDelivery),
        (1, 1),
        "mailer.receive.response#1=lost",
        &["an answer with messages for mailer 1 is lost; handing m0 over acks it, and it never \
             reaches mailer 1; m0 is never delivered again and is lost."],
    );
}

#[test]
fn a_request_overtakes() {
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "arrival.order#1=second+mailer.effect.after#1=crash",
        &["a request of mailer 1 overtakes one that was sent before it; mailer 1 crashes after \
             the effect of m0 and before settling it; m0 is delivered again to mailer 2 and takes \
             effect twice."],
    );
}

#[test]
fn a_handler_goes_on_last() {
    check(
        (Queue, ProcessThenSettle),
        (2, 2),
        "mailer.handler.order#1=last",
        &[
            "mailer 1 is at work on m0 until everybody else is done; m0 takes effect after m1, which \
             has the same key and was sent later.",
        ],
    );
}
