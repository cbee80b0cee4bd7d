//! What a history shows, as findings: each with the message that shows it first.

use std::collections::BTreeMap;

use entrega_checker::{Cause, Class, End, Finding, findings, shown};
use entrega_model::MessageId;
use entrega_model::event::DeadLetterReason;

use crate::dsl::{Handed, History, log, queue, report};

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const NEXT: Handed = Handed(3, 1, 1);

const CRASH: Finding = Finding::Class(Class::Duplicated, Some(Cause::RedeliveredAfterCrash));
const DUPLICATED: Finding = Finding::Class(Class::Duplicated, None);
const DEAD: Finding = Finding::Class(Class::DeadLettered, None);
const EXACT: Finding = Finding::Class(Class::Exact, None);

/// Message 0 twice, because of a crash.
fn twice() -> History {
    queue().sent(0).processed(A).crashed(1).requeued(0, 1).processed(B)
}

/// Exactly these findings, each shown first by this message.
fn check(history: &History, end: End, expect: &[(Finding, Option<u32>)]) {
    let found = findings(&report(history), end);
    let expect: BTreeMap<_, _> =
        expect.iter().map(|(finding, message)| (*finding, message.map(MessageId))).collect();
    assert_eq!(found, expect, "{history:#?}");
}

#[test]
fn what_went_wrong_is_found_with_its_cause_and_without() {
    let fine = queue().sent(0).processed(A).settled(A);
    check(&fine, End::Quiescent, &[]);
    check(&twice(), End::Quiescent, &[(CRASH, Some(0)), (DUPLICATED, Some(0))]);
    let dead = fine.sent(1).delivered(NEXT).dead_lettered(1, DeadLetterReason::Client);
    check(&dead, End::Quiescent, &[(DEAD, Some(1))]);
    let again = dead.dead_lettered(1, DeadLetterReason::Client);
    let both = [(DEAD, Some(1)), (Finding::DeadLetteredTwice, Some(1))];
    check(&again, End::Quiescent, &both);
    let reordered = queue().sent(0).sent(1).processed(NEXT).processed(A);
    check(&reordered, End::Quiescent, &[(Finding::Reordered, Some(0))]);
    let phantom = Finding::Class(Class::Phantom, None);
    check(&queue().processed(A), End::Quiescent, &[(phantom, Some(0))]);
}

/// A run stalls that does not come to rest, or that leaves something behind.
#[test]
fn a_run_that_does_not_end_or_leaves_something_behind_is_stalled() {
    let fine = queue().sent(0).processed(A);
    check(&fine, End::Unfinished, &[(Finding::Stalled, None)]);
    let left = fine.sent(1).retrievable(1);
    check(&left, End::Quiescent, &[(Finding::Stalled, Some(1))]);
    check(&left, End::Unfinished, &[(Finding::Stalled, Some(1))]);
}

#[test]
fn what_a_history_shows_may_be_harmless() {
    let seen = |history: &History| shown(&report(history)).collect::<Vec<_>>();
    let also_fine = twice().sent(1).processed(NEXT);
    assert_eq!(seen(&also_fine), [EXACT, DUPLICATED, CRASH]);
    let reordered = queue().sent(0).sent(1).processed(NEXT).processed(A);
    assert_eq!(seen(&reordered), [EXACT, Finding::Reordered]);
}

/// Whoever asks for a class without a cause is told the cause of the message that shows it.
#[test]
fn the_first_message_that_shows_a_finding_comes_with_its_cause() {
    let check = |history: &History, asked: Finding, expect: Option<(Finding, u32)>| {
        let expect = expect.map(|(finding, message)| (finding, MessageId(message)));
        assert_eq!(asked.first_in(&report(history)), expect, "{asked:?} {history:#?}");
    };
    let twice = twice().sent(1).processed(NEXT);
    check(&twice, DUPLICATED, Some((CRASH, 0)));
    check(&twice, CRASH, Some((CRASH, 0)));
    check(&twice, EXACT, Some((EXACT, 1)));
    check(&twice, Finding::Class(Class::Lost, None), None);
    check(&twice, Finding::Class(Class::Lost, Some(Cause::SettledByTimer)), None);
    check(&twice, Finding::Reordered, None);
    check(&twice, Finding::DeadLetteredTwice, None);
    check(&twice, Finding::Stalled, None);
    let dead = log().sent(0).delivered(A).dead_lettered(0, DeadLetterReason::Client);
    check(&dead, Finding::DeadLetteredTwice, None);
    let again = dead.dead_lettered(0, DeadLetterReason::Client);
    check(&again, Finding::DeadLetteredTwice, Some((Finding::DeadLetteredTwice, 0)));
    let reordered = queue().sent(0).sent(1).processed(NEXT).processed(A);
    check(&reordered, Finding::Reordered, Some((Finding::Reordered, 0)));
    let left = queue().sent(0).retrievable(0);
    check(&left, Finding::Stalled, Some((Finding::Stalled, 0)));
}

#[test]
fn a_finding_has_the_name_of_its_class_and_may_lose_its_cause() {
    let all = [CRASH, DUPLICATED, Finding::Reordered, Finding::DeadLetteredTwice, Finding::Stalled];
    let names = ["duplicated", "duplicated", "reordered", "dead_lettered_twice", "stalled"];
    assert_eq!(all.map(Finding::name), names);
    let cause = Some(Cause::RedeliveredAfterCrash);
    assert_eq!(all.map(Finding::cause), [cause, None, None, None, None]);
    assert_eq!(all.map(Finding::without_cause), [&[DUPLICATED][..], &all[1..]].concat()[..]);
}
