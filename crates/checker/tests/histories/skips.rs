//! What a reset has skipped, and what an audit does not find.

use entrega_checker::{Cause, Causes, Class, End};
use entrega_model::event::{Phase, RemoveReason, SettleTrigger};
use entrega_model::{Kind, ProcessId};

use crate::causes::lost;
use crate::dsl::{Handed, History, judge, log, queue, report, strict};

/// A consumer that begins before a message undoes that a reset skipped it: what ends the message
/// later is the cause then. One that begins behind it undoes nothing.
#[test]
fn a_skip_holds_until_a_consumer_goes_back() {
    let skipped = || log().sent(0).reset(1, None, 1).assigned(1, 1);
    lost(skipped(), Cause::SkippedByReset);
    lost(
        skipped().assigned(2, 1).committed_by(1, 0, 1, SettleTrigger::Application),
        Cause::SkippedByReset,
    );
    lost(
        skipped().assigned(2, 0).committed_by(1, 0, 1, SettleTrigger::Application),
        Cause::SettledBeforeProcess,
    );
    lost(
        skipped().reset(1, Some(1), 0).committed_by(1, 0, 1, SettleTrigger::Application),
        Cause::SettledBeforeProcess,
    );
    let (first, second) = (Handed(3, 0, 1), Handed(2, 1, 1));
    let both = || log().sent(0).sent(1).reset(1, None, 2).assigned(2, 1).processed(second);
    let settled = |history: History| history.committed_by(3, 0, 2, SettleTrigger::Application);
    lost(settled(both()), Cause::SkippedByReset);
    lost(settled(both().assigned(3, 0).delivered(first)), Cause::SettledBeforeProcess);
    let again = both().assigned(3, 0).reset(3, Some(0), 1);
    lost(settled(again), Cause::SkippedByReset);
}

/// The last phase of a run.
const AUDIT: Kind = Kind::Entered { phase: Phase::Audit };

/// An audit reads a log from where the next consumer would begin. What it does not find, and
/// nothing else had ended, is skipped; without an audit nothing is known of it.
#[test]
fn what_an_audit_does_not_find_is_skipped() {
    let handed = || log().sent(0).delivered(Handed(1, 0, 1));
    lost(handed().push(AUDIT), Cause::SkippedByReset);
    lost(handed(), Cause::Unexplained);
    let found = report(&handed().push(AUDIT).retrievable(0));
    assert_eq!((found.lost(), found.classes.get(Class::Pending)), (0, 1));
    assert_eq!(found.waiting[0].last_with, Some(ProcessId(1)));
}

/// What a queue removed before anybody had it will not come, even if the run goes on, and an audit
/// shows that. Where a consumer may have it, where another copy may be left, or where nothing was
/// read at the end, it still may.
#[test]
fn what_a_queue_removed_unread_is_lost_although_the_run_goes_on() {
    let class = |history: &History| {
        let report = judge(&history.events, strict(), End::Unfinished);
        let of = &report.subscriptions[0];
        let is = |class: &Class| of.classes.get(*class) == 1;
        [Class::Lost, Class::Pending].into_iter().find(is).map(|class| (class, of.causes.clone()))
    };
    let pending = Some((Class::Pending, Causes::new()));
    let sent = || queue().sent(0);
    for (reason, cause) in [
        (RemoveReason::Ttl, Some(Cause::RemovedTtl)),
        (RemoveReason::Unroutable, Some(Cause::RemovedUnroutable)),
        (RemoveReason::Overflow, None),
        (RemoveReason::Settled, None),
    ] {
        let removed = sent().removed(0, reason);
        let expect = cause.map(|cause| (Class::Lost, Causes::from([(cause, 1)])));
        let expect = expect.or(pending.clone());
        assert_eq!(class(&removed.clone().push(AUDIT)), expect, "{reason:?}");
        assert_eq!(class(&removed), pending, "nothing was read");
        assert_eq!(class(&removed.retrievable(0)), pending, "it is there");
    }
    let gone = |history: History| class(&history.removed(0, RemoveReason::Ttl).push(AUDIT));
    assert_eq!(gone(sent().stored(0, 2)), pending, "there were two copies");
    assert_eq!(gone(sent().delivered(Handed(1, 0, 1))), pending, "a consumer has it");
    assert_eq!(gone(sent().lease_expired(0, 1)), pending, "a buffer has it");
    assert_eq!(gone(sent().requeued(0, 1)), pending, "a buffer has it");
    assert_eq!(gone(sent().broker_restarted()), pending, "a buffer may have it");
    assert_eq!(gone(log().sent(0)), pending, "a log is read on");
}
