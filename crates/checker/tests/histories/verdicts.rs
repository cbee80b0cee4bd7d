//! The contract table, cell by cell.

use entrega_checker::{Checker, Config, End, Reason, SubscriptionConfig, Verdict};
use entrega_model::event::{DeadLetterReason, SendOutcome};
use entrega_model::{Guarantee, Observer};

use crate::dsl::{Handed, History, judge, log, queue, strict};

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const NEXT: Handed = Handed(3, 1, 1);
const AGAIN: Handed = Handed(4, 0, 1);

const NONE: Guarantee = Guarantee::None;
const AMO: Guarantee = Guarantee::AtMostOnce;
const ALO: Guarantee = Guarantee::AtLeastOnce;
const EOE: Guarantee = Guarantee::ExactlyOnceEffect;

fn verdict(history: &History, promise: SubscriptionConfig) -> (Verdict, Vec<Reason>) {
    let mut report = judge(&history.events, promise, End::Quiescent);
    let subscription = report.subscriptions.remove(0);
    assert_eq!(report.verdict, subscription.verdict);
    (report.verdict, subscription.reasons)
}

/// Each guarantee in `violated` is broken for this reason; the others are kept.
fn check(history: History, violated: &[Guarantee], reason: Reason) {
    for guarantee in [NONE, AMO, ALO, EOE] {
        let promise = SubscriptionConfig { guarantee, ordered: false, ..strict() };
        let expect = if violated.contains(&guarantee) {
            (Verdict::Invalid, vec![reason])
        } else {
            (Verdict::Valid, vec![])
        };
        assert_eq!(verdict(&history, promise), expect, "{guarantee} {history:#?}");
    }
}

fn unknown(history: &History, end: End, expect: &[Reason]) {
    for guarantee in [NONE, AMO, ALO, EOE] {
        let report = judge(&history.events, SubscriptionConfig { guarantee, ..strict() }, end);
        assert_eq!((report.verdict, &report.reasons[..]), (Verdict::Unknown, expect));
    }
}

#[test]
fn anomalies() {
    let fine = queue().sent(0).processed(A).settled(A);
    check(fine.clone(), &[], Reason::Lost);
    check(queue().sent(0).delivered(A).settled(A), &[ALO, EOE], Reason::Lost);
    check(queue().sent(0).processed(A).processed(B), &[AMO, EOE], Reason::Duplicated);
    let split = fine.clone().dead_lettered(0, DeadLetterReason::Client);
    check(split, &[AMO, EOE], Reason::Split);
    let refused = fine.clone().invoked(1, 0, 1).ended(1, SendOutcome::Fail);
    check(refused.clone(), &[], Reason::Phantom);
    check(refused.processed(NEXT), &[NONE, AMO, ALO, EOE], Reason::Phantom);
    let info = fine.invoked(1, 0, 1).ended(1, SendOutcome::Info);
    check(info.clone(), &[], Reason::Lost);
    check(info.processed(NEXT), &[], Reason::Phantom);
}

#[test]
fn dead_letters() {
    let dead = queue().sent(0).delivered(A).dead_lettered(0, DeadLetterReason::Client);
    check(dead.clone(), &[], Reason::UndeclaredDeadLetters);
    let twice = dead.clone().dead_lettered(0, DeadLetterReason::Client);
    check(twice, &[EOE], Reason::DuplicatedDeadLetters);
    for (guarantee, ordered, kept) in [
        (NONE, false, true),
        (AMO, false, true),
        (ALO, false, false),
        (EOE, false, false),
        (AMO, true, false),
    ] {
        let promise = SubscriptionConfig { guarantee, ordered, dead_letters_declared: false };
        let expect = if kept {
            (Verdict::Valid, vec![])
        } else {
            (Verdict::Invalid, vec![Reason::UndeclaredDeadLetters])
        };
        assert_eq!(verdict(&dead, promise), expect, "{guarantee} {ordered}");
    }
}

#[test]
fn order_counts_where_it_is_promised() {
    let sent = queue().sent(0).sent(1);
    let reordered = sent.clone().processed(NEXT).processed(A);
    let replayed = sent.processed(A).processed(NEXT).processed(AGAIN);
    for (history, reason) in [(reordered, Reason::Reordered), (replayed, Reason::Replayed)] {
        let promise = SubscriptionConfig { guarantee: ALO, ordered: true, ..strict() };
        assert_eq!(verdict(&history, promise), (Verdict::Invalid, vec![reason]));
        let unordered = SubscriptionConfig { ordered: false, ..promise };
        assert_eq!(verdict(&history, unordered), (Verdict::Valid, vec![]));
    }
}

#[test]
fn unknown_is_a_verdict() {
    let fine = queue().sent(0).processed(A);
    unknown(&fine, End::Unfinished, &[Reason::Stalled]);
    unknown(&queue(), End::Quiescent, &[Reason::NothingAcknowledged]);
    let info = queue().invoked(0, 0, 1);
    unknown(&info, End::Quiescent, &[Reason::NothingAcknowledged]);
    let waiting = queue().sent(0).retrievable(0);
    unknown(&waiting, End::Quiescent, &[Reason::Pending]);
    unknown(&queue().sent(0), End::Unfinished, &[Reason::Stalled, Reason::Pending]);
}

#[test]
fn a_violation_beats_not_knowing() {
    let twice = queue().sent(0).processed(A).processed(B).sent(1).retrievable(1);
    let (verdict, reasons) = verdict(&twice, SubscriptionConfig { ordered: false, ..strict() });
    assert_eq!(verdict, Verdict::Invalid);
    assert_eq!(reasons, [Reason::Duplicated, Reason::Pending]);
}

#[test]
fn the_worst_subscription_decides_and_a_reset_forgets() {
    let lossy = SubscriptionConfig { guarantee: NONE, ..strict() };
    let subscriptions = vec![lossy, strict()];
    let mut checker =
        Checker::new(Config { subscriptions, processes: 0, messages: 0, ..Config::default() });
    let history = queue().sent(0).delivered(A).settled(A);
    checker.observe(&history.events);
    let first = checker.finish(End::Quiescent);
    let verdicts: Vec<_> = first.subscriptions.iter().map(|report| report.verdict).collect();
    assert_eq!(verdicts, [Verdict::Valid, Verdict::Invalid]);
    assert_eq!(first.verdict, Verdict::Invalid);
    checker.reset();
    let empty = checker.finish(End::Quiescent);
    assert_eq!((empty.verdict, empty.sends.invoked), (Verdict::Unknown, 0));
    checker.observe(&history.events);
    assert_eq!(checker.finish(End::Quiescent), first);
}

/// Whatever a checker has seen before a reset, it judges as a new one.
#[test]
fn a_reset_forgets_everything() {
    let (first, second, third) = (Handed(1, 0, 1), Handed(2, 1, 1), Handed(3, 2, 1));
    let sent = log().sent(0).sent(1).sent(2).assigned(1, 0);
    let before = sent.processed(third).delivered(first).processed(second).applied(second);
    let next = [
        queue().sent(0).processed(first),
        log().sent(0).sent(1).processed(first).processed(second),
        log().sent(0).crashed(1),
        log().sent(0).assigned(2, 0).processed(B),
    ];
    for next in next {
        let subscriptions = vec![strict()];
        let mut checker =
            Checker::new(Config { subscriptions, processes: 0, messages: 0, ..Config::default() });
        checker.observe(&before.events);
        checker.reset();
        checker.observe(&next.events);
        let expect = judge(&next.events, strict(), End::Quiescent);
        assert_eq!(checker.finish(End::Quiescent), expect, "{next:#?}");
    }
}

#[test]
fn verdicts_have_names() {
    let names = [Verdict::Valid, Verdict::Unknown, Verdict::Invalid].map(Verdict::name);
    assert_eq!(names, ["valid", "unknown", "invalid"]);
}

#[test]
fn reports_print_as_json() {
    let twice = queue().sent(0).processed(A).crashed(1).requeued(0, 1).processed(B);
    let report = judge(&twice.events, strict(), End::Quiescent);
    let json = serde_json::to_value(&report).unwrap();
    let mailer = &json["subscriptions"][0];
    assert_eq!(json["verdict"], "invalid");
    assert_eq!(mailer["classes"]["duplicated"], 1);
    assert_eq!(mailer["causes"]["redelivered_after_crash"], 1);
    assert_eq!(mailer["examples"][0]["class"], "duplicated");
    assert_eq!(mailer["counters"]["crashes_between_effect_and_settle"], 1);
    assert_eq!(mailer["latency"]["count"], 1);
}

/// What seems to be valid and was not tested is unknown; what is broken stays so.
#[test]
fn what_nothing_put_to_the_test_is_unknown_unless_it_is_broken() {
    let check = |history: &History, tested: bool, verdict: Verdict, reasons: &[Reason]| {
        let mut report = judge(&history.events, strict(), End::Quiescent);
        report.call_untested(|_| !tested);
        assert_eq!((report.verdict, &report.reasons[..]), (verdict, reasons));
        assert_eq!(report.subscriptions[0].verdict, verdict);
    };
    let fine = queue().sent(0).processed(A).settled(A);
    check(&fine, true, Verdict::Valid, &[]);
    check(&fine, false, Verdict::Unknown, &[Reason::NothingPutToTheTest]);
    let lost = queue().sent(0).delivered(A).settled(A);
    check(&lost, false, Verdict::Invalid, &[Reason::Lost]);
}
