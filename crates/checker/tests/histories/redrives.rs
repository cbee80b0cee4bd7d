//! Dead letters that are moved back: what counts, and why it happened. Run and record agree.

use entrega_checker::{Cause, Class, End, Redriven};
use entrega_model::MessageId;
use entrega_model::event::{DeadLetterReason, EffectVerdict};

use crate::dsl::{Handed, History, queue, report};
use crate::records::{judged, recorded};

/// Message 0, handed over for the first, second and third time.
const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const C: Handed = Handed(3, 0, 1);
const LIMIT: DeadLetterReason = DeadLetterReason::DeliveryLimit;

/// The class of message 0 and its cause, in a run and in a record.
fn check(history: &History, class: Class, cause: Option<Cause>) {
    for of in [report(history), recorded(history)] {
        assert_eq!(of.firsts.get(&class), Some(&MessageId(0)), "{history:#?}");
        let causes: Vec<Cause> = of.causes.keys().copied().collect();
        assert_eq!(causes, Vec::from_iter(cause), "{history:#?}");
    }
}

/// Done, its lease over, and dead-lettered: a split.
fn done_and_dead() -> History {
    queue().sent(0).processed(A).lease_expired(0, 1).delivered(B).lease_expired(0, 2)
}

/// semantics.md 5.2: what is moved back is a dead letter no more. The opposite: it stays there.
#[test]
fn a_dead_letter_that_is_moved_back_does_not_count() {
    let dead = || queue().sent(0).delivered(A).lease_expired(0, 1).dead_lettered(0, LIMIT);
    check(&dead(), Class::DeadLettered, None);
    check(&dead().redriven(0).processed(C), Class::Exact, None);
    let split = || done_and_dead().dead_lettered(0, LIMIT);
    check(&split(), Class::Split, Some(Cause::LeaseExpired));
    let recognised = split().redriven(0).delivered(C).decided(C, EffectVerdict::Suppressed);
    check(&recognised.settled(C), Class::Exact, None);
    let again = dead().redriven(0).delivered(C).lease_expired(0, 1).dead_lettered(0, LIMIT);
    check(&again, Class::DeadLettered, None);
    assert_eq!(report(&again).dlq_excess, 0);
}

#[test]
fn what_it_does_a_second_time_has_the_redrive_for_its_cause() {
    let back = || done_and_dead().dead_lettered(0, LIMIT).redriven(0);
    check(&back().processed(C), Class::Duplicated, Some(Cause::Redriven));
    let later = back().delivered(C).lease_expired(0, 1).processed(Handed(4, 0, 2));
    check(&later, Class::Duplicated, Some(Cause::Redriven));
    let letter_first = queue().sent(0).delivered(A).lease_expired(0, 1).dead_lettered(0, LIMIT);
    let left = letter_first.applied(A).redriven(0);
    check(&left.clone().processed(B), Class::Duplicated, Some(Cause::Redriven));
    let again = left.delivered(B).lease_expired(0, 2).dead_lettered(0, LIMIT).redriven(0);
    check(&again.processed(C), Class::Duplicated, Some(Cause::Redriven));
    let rejected = queue().sent(0).processed(A).dead_lettered(0, DeadLetterReason::Rejected);
    check(&rejected.redriven(0).processed(C), Class::Duplicated, Some(Cause::Redriven));
}

/// What a redrive did is told, whether its message was duplicated before or not; what befell the
/// message before is no part of it.
#[test]
fn effects_of_copies_that_were_moved_back_are_counted() {
    let check = |history: &History, effects, excess, messages| {
        let expect = Redriven { effects, excess, messages };
        assert_eq!(report(history).redriven, expect, "{history:#?}");
    };
    let dead = || queue().sent(0).delivered(A).lease_expired(0, 1).dead_lettered(0, LIMIT);
    check(&dead().redriven(0).processed(C), 1, 0, 0);
    let done = || done_and_dead().dead_lettered(0, LIMIT);
    check(&done(), 0, 0, 0);
    check(&done().redriven(0), 0, 0, 0);
    check(&done().redriven(0).processed(C), 1, 1, 1);
    let twice = queue().sent(0).processed(A).lease_expired(0, 1).processed(B);
    let twice = twice.lease_expired(0, 2).dead_lettered(0, LIMIT).redriven(0).processed(C);
    check(&twice, 1, 1, 1);
    assert_eq!((report(&twice).excess, report(&twice).repeated), (2, 1));
    let again = done().redriven(0).processed(C).lease_expired(0, 1).processed(Handed(4, 0, 2));
    check(&again, 2, 2, 1);
    let late = dead().redriven_from(0, 5).delivered_as(B, 5, 1).applied(A).applied(B);
    check(&late, 1, 1, 1);
}

/// Two copies of a dead letter may be moved back before either is delivered: the second did not
/// come because of what befell the first.
#[test]
fn each_copy_that_is_moved_back_is_delivered_once_for_that() {
    let dead = || queue().sent(0).delivered(A).lease_expired(0, 1).dead_lettered(0, LIMIT);
    let both = || dead().dead_lettered(0, LIMIT).redriven(0).redriven(0);
    let again = Handed(4, 0, 1);
    check(&both().processed(C).processed(again), Class::Duplicated, Some(Cause::Redriven));
    let settled = both().processed(C).settled(C).processed(again);
    check(&settled, Class::Duplicated, Some(Cause::Redriven));
    let late = both().delivered(C).processed(again).applied(C);
    check(&late, Class::Duplicated, Some(Cause::Redriven));
    let done = done_and_dead().dead_lettered(0, LIMIT).dead_lettered(0, LIMIT);
    let done = done.redriven(0).redriven(0).delivered(C).delivered(again).applied(C);
    check(&done, Class::Duplicated, Some(Cause::Redriven));
    let third = both().delivered(C).lease_expired(0, 1).processed(again);
    let third = third.crashed(1).processed(Handed(5, 0, 2));
    check(&third, Class::Duplicated, Some(Cause::RedeliveredAfterCrash));
}

/// A copy that is dropped before it is delivered is not delivered for that.
#[test]
fn a_copy_that_was_dropped_is_the_cause_of_nothing() {
    let dead = || queue().sent(0).delivered(A).lease_expired(0, 1).dead_lettered(0, LIMIT);
    let full = dead().redriven(0).dead_lettered(0, DeadLetterReason::Overflow).redriven(0);
    let again = full.processed(B).crashed(2).processed(C);
    check(&again, Class::Duplicated, Some(Cause::RedeliveredAfterCrash));
}

/// A delivery that a consumer reports from its buffer when its message was moved back long ago
/// belongs to before. Its tag tells; without tags it is taken for one of the copy that came back.
#[test]
fn a_delivery_from_before_a_redrive_stands_aside() {
    let dead = || queue().sent(0).lease_expired(0, 1).dead_lettered(0, LIMIT);
    let numbered = |history: History, handed, tag| history.delivered_as(handed, tag, 1);
    let back = || numbered(dead().redriven_from(0, 5), B, 5);
    check(&numbered(back().applied(B), A, 2).applied(A), Class::Duplicated, Some(Cause::Redriven));
    check(&numbered(back(), A, 2).applied(A).applied(B), Class::Duplicated, Some(Cause::Redriven));
    let both = numbered(numbered(back(), A, 2).applied(A), C, 3).applied(C);
    check(&both, Class::Duplicated, Some(Cause::LeaseExpired));
    let crashed = numbered(back().applied(B), A, 2).crashed(2).delivered_as(C, 6, 2).applied(C);
    check(&crashed, Class::Duplicated, Some(Cause::RedeliveredAfterCrash));
    let untold = numbered(dead().redriven(0), B, 5).applied(B);
    let untold = numbered(untold, A, 2).applied(A);
    assert_ne!(report(&untold).causes.keys().next(), Some(&Cause::Redriven));
}

/// The second delivery of before, reported after the redrive, needs no other one after it.
#[test]
fn a_number_from_before_a_redrive_lacks_no_delivery() {
    let dead = queue().sent(0).delivered_as(A, 2, 1).lease_expired(0, 1).lease_expired(0, 2);
    let dead = dead.dead_lettered(0, LIMIT);
    let lacks = |back: History| {
        let (_, gaps) = judged(&back.delivered_as(B, 3, 2), End::Quiescent);
        !gaps.found.is_empty()
    };
    assert!(!lacks(dead.clone().redriven_from(0, 4)));
    assert!(lacks(dead.redriven(0)));
}

/// What goes wrong after it is not the fault of the redrive, nor is a zombie from before it.
#[test]
fn a_redrive_is_no_cause_of_what_has_another() {
    let dead = || queue().sent(0).delivered(A).lease_expired(0, 1).dead_lettered(0, LIMIT);
    let crashed = dead().redriven(0).processed(B).crashed(2).processed(C);
    check(&crashed, Class::Duplicated, Some(Cause::RedeliveredAfterCrash));
    let lost = dead().redriven(0).delivered(B).settled(B);
    check(&lost, Class::Lost, Some(Cause::SettledBeforeProcess));
    let zombie = done_and_dead().dead_lettered(0, LIMIT).redriven(0).applied(B);
    check(&zombie, Class::Duplicated, Some(Cause::LeaseExpired));
}

/// A queue that gives a message up because it is full, or because its time is over, has taken it
/// from its holder by that: no redrive, and nothing unexplained.
#[test]
fn what_is_dropped_while_it_is_held_was_dropped() {
    let dropped = |reason| queue().sent(0).delivered(A).dead_lettered(0, reason).applied(A);
    check(&dropped(DeadLetterReason::Overflow), Class::Split, Some(Cause::RemovedOverflow));
    check(&dropped(DeadLetterReason::Ttl), Class::Split, Some(Cause::RemovedTtl));
}
