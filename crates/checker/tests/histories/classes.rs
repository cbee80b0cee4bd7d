//! One history for each class, and for what lies between two of them.

use entrega_checker::{Class, Counter};
use entrega_model::MessageId;
use entrega_model::event::{DeadLetterReason, EffectVerdict, SendOutcome};

use crate::dsl::{Handed, History, log, queue, report};

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);

/// Message 0 must be in `class`, and nothing else anywhere.
fn check(history: History, class: Class) {
    let report = report(&history);
    let seen: Vec<_> = report.classes.iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(seen, [(class, 1)], "{history:#?}");
    assert_eq!(report.firsts.get(&class), Some(&MessageId(0)));
}

fn sent_as(outcome: SendOutcome) -> History {
    queue().invoked(0, 0, 1).stored(0, 0).ended(0, outcome)
}

#[test]
fn acknowledged() {
    check(log().sent(0).processed(A).settled(A), Class::Exact);
    check(queue().sent(0).processed(A).settled(A), Class::Exact);
    check(queue().sent(0).processed(A).processed(B), Class::Duplicated);
    check(queue().sent(0).processed(A).decided(A, EffectVerdict::Suppressed), Class::Exact);
    check(queue().sent(0).processed(A).decided(B, EffectVerdict::Rejected), Class::Exact);
    check(queue().sent(0).delivered(A).settled(A), Class::Lost);
    check(queue().sent(0).delivered(A).decided(A, EffectVerdict::Rejected), Class::Lost);
    check(queue().sent(0).delivered(A).retrievable(0), Class::Pending);
    check(queue().sent(0).processed(A).retrievable(0), Class::Exact);
}

#[test]
fn dead_letters() {
    let dead = |history: History| history.dead_lettered(0, DeadLetterReason::Client);
    check(dead(queue().sent(0).delivered(A)), Class::DeadLettered);
    check(dead(dead(queue().sent(0).delivered(A))), Class::DeadLettered);
    check(dead(queue().sent(0).delivered(A)).retrievable(0), Class::DeadLettered);
    check(dead(queue().sent(0).processed(A)), Class::Split);
    check(dead(queue().sent(0).processed(A).processed(B)), Class::Split);
    check(dead(sent_as(SendOutcome::Info).processed(A)), Class::Split);
    check(dead(sent_as(SendOutcome::Info).delivered(A)), Class::Recovered);
}

#[test]
fn indeterminate() {
    check(sent_as(SendOutcome::Info).processed(A), Class::Recovered);
    check(sent_as(SendOutcome::Info), Class::Absent);
    check(sent_as(SendOutcome::Info).processed(A).processed(B), Class::Duplicated);
    check(queue().invoked(0, 0, 1).stored(0, 0).processed(A), Class::Recovered);
    check(queue().invoked(0, 0, 1), Class::Absent);
}

#[test]
fn refused_and_never_sent() {
    check(sent_as(SendOutcome::Fail), Class::Refused);
    check(sent_as(SendOutcome::Fail).processed(A), Class::Phantom);
    check(sent_as(SendOutcome::Fail).dead_lettered(0, DeadLetterReason::Ttl), Class::Refused);
    check(queue().stored(0, 0).processed(A), Class::Phantom);
}

#[test]
fn the_lowest_phantom_is_the_example() {
    let refused = queue().invoked(1, 0, 1).ended(1, SendOutcome::Fail);
    let report = report(&refused.processed(Handed(1, 1, 1)).processed(Handed(2, 0, 1)));
    assert_eq!(report.classes.get(Class::Phantom), 2);
    assert_eq!(report.firsts.get(&Class::Phantom), Some(&MessageId(0)));
}

#[test]
fn a_message_neither_sent_nor_applied_is_in_no_class() {
    let report = report(&queue().stored(0, 0).delivered(A));
    assert_eq!(report.classes.iter().map(|(_, count)| count).sum::<u64>(), 0);
}

#[test]
fn aggregates_add_up() {
    let history = queue()
        .sent(0)
        .processed(A)
        .processed(B)
        .applied(B)
        .dead_lettered(0, DeadLetterReason::Client)
        .dead_lettered(0, DeadLetterReason::Client)
        .decided(B, EffectVerdict::Suppressed);
    let report = report(&history);
    assert_eq!((report.effects, report.excess, report.repeated), (3, 2, 1));
    assert_eq!((report.dead_letters, report.dlq_excess), (2, 1));
    assert_eq!(
        (report.stored, report.deliveries, report.redeliveries),
        (Some(1), Some(2), Some(1))
    );
    assert_eq!(report.amplification(), Some((2, 1)));
    assert_eq!(report.counters.get(Counter::EffectsSuppressed), 1);
}

#[test]
fn a_second_copy_explains_a_second_delivery() {
    let report = report(&queue().sent(0).processed(A).processed(B).stored(0, 1));
    assert_eq!(
        (report.stored, report.deliveries, report.redeliveries),
        (Some(2), Some(2), Some(0))
    );
}

#[test]
fn latency_runs_from_the_first_send_to_the_first_effect() {
    let report = report(&queue().invoked(0, 0, 1).sent(0).processed(A).processed(B));
    assert_eq!(report.latency.count(), 1);
    assert_eq!(report.latency.max(), Some(5_000_000));
    assert_eq!(report.latency.p50(), Some(5_000_000));
}
