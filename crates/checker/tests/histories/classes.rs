//! One history for each class, and for what lies between two of them.

use entrega_checker::{Class, Counter, End};
use entrega_model::MessageId;
use entrega_model::event::{DeadLetterReason, EffectVerdict, SendOutcome};

use crate::dsl::{Handed, History, judge, log, queue, report, strict};

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
    let twice = crate::dsl::report(&queue().sent(0).processed(A).applied(A));
    assert_eq!((twice.effects, twice.excess, twice.repeated), (2, 1, 1));
    assert_eq!(
        (report.stored, report.deliveries, report.redeliveries),
        (Some(1), Some(2), Some(1))
    );
    assert_eq!(report.amplification(), Some((2, 1)));
    assert_eq!(report.counters.get(Counter::EffectsSuppressed), 1);
}

/// Of what has a second copy, no other message's redelivery is taken away.
#[test]
fn redeliveries_are_counted_for_each_message() {
    let one = Handed(3, 1, 1);
    let again = queue().sent(1).processed(one).delivered(Handed(4, 1, 2));
    let copied = report(&again.sent(0).processed(A).stored(0, 1));
    assert_eq!((copied.deliveries, copied.redeliveries), (Some(3), Some(1)));
}

/// Whatever else there is, a message that nobody sent is found if it has an effect.
#[test]
fn a_phantom_is_found_among_many() {
    let phantom = Handed(90, 9, 1);
    let mut history = queue().sent(6).processed(phantom);
    for id in 0..5 {
        let handed = Handed(10 + id, id, 1);
        history = history.sent(id).processed(handed);
        if id < 3 {
            history = history.applied(handed);
        }
    }
    let of = report(&history);
    let found = [Class::Exact, Class::Duplicated, Class::Lost, Class::Phantom];
    assert_eq!(found.map(|class| of.classes.get(class)), [2, 3, 1, 1]);
    assert_eq!(of.firsts.get(&Class::Phantom), Some(&MessageId(9)));
    let lost = queue().sent(1).processed(phantom);
    assert_eq!(report(&lost).classes.get(Class::Phantom), 1);
}

/// The denominator of the duplicate rate: acknowledged or recovered (semantics.md 5.3).
#[test]
fn what_was_acknowledged_or_recovered_is_present() {
    let check = |history: History, expect: u64| {
        assert_eq!(report(&history).present, expect, "{history:#?}");
    };
    let info = || sent_as(SendOutcome::Info);
    check(info(), 0);
    check(info().processed(A), 1);
    check(info().processed(A).processed(B), 1);
    check(info().dead_lettered(0, DeadLetterReason::Client), 1);
    check(sent_as(SendOutcome::Fail).processed(A), 0);
    check(queue().sent(0), 1);
    check(queue().sent(0).processed(A).sent(1).sent(2), 3);
    check(queue().processed(A), 0);
}

/// An attempt beyond the first is a retry, whatever became of it.
#[test]
fn retries_are_attempts_beyond_the_first() {
    let retries = |history: History| judge(&history.events, strict(), End::Quiescent).sends.retries;
    assert_eq!(retries(queue().sent(0).sent(1)), 0);
    assert_eq!(retries(queue().invoked(0, 0, 1).invoked(0, 0, 2).invoked(0, 0, 3).sent(1)), 2);
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
    let later = queue().stalled(3).invoked(0, 0, 1);
    let report = report(&later.sent(0).processed(A).processed(B));
    assert_eq!(report.latency.count(), 1);
    assert_eq!(report.latency.max(), Some(5_000_000));
    assert_eq!(report.latency.p50(), Some(5_000_000));
}
