//! Copies that consumers publish to be tried later.
//!
//! Goal: a copy that waits is pending and not lost, its delivery is no redelivery, and two copies
//! that take effect are one duplicate with a cause of its own; whatever else befell a message keeps
//! its name. Method: histories of a few events around one message.

use entrega_checker::{Cause, Class};
use entrega_model::event::{ProcessingResult, RemoveReason, SettleTrigger};

use crate::causes::{lost, twice};
use crate::dsl::{Handed, History, queue, report};

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const C: Handed = Handed(3, 0, 3);

/// The first delivery has failed, and its consumer has published a copy.
fn failed() -> History {
    queue().sent(0).started(A).failed(A, ProcessingResult::Transient).retried(0, 1)
}

#[track_caller]
fn is(history: History, class: Class) {
    let report = report(&history);
    assert_eq!(report.classes.get(class), 1, "{history:#?}");
    assert!(report.causes.is_empty(), "{history:#?}");
    assert_eq!(report.redeliveries, Some(0), "{history:#?}");
}

#[test]
fn a_copy_is_the_message() {
    is(failed().settled(A).processed(B).settled(B), Class::Exact);
    is(failed().settled(A).retrievable(0), Class::Pending);
    is(failed().settled(A).retried(0, 1).settled(A).processed(B).settled(B), Class::Exact);
    is(failed().processed(B).settled(A).settled(B), Class::Exact);
}

#[test]
fn two_copies_that_take_effect_are_a_duplicate() {
    let crashed = failed().crashed(1);
    twice(crashed.clone().requeued(0, 1).processed(B).settled(B).processed(C), Cause::RetryCopy);
    twice(crashed.processed(B).settled(B).requeued(0, 1).processed(C), Cause::RetryCopy);
    twice(failed().processed(B).processed(C), Cause::RetryCopy);
    let unknown = queue().sent(0).processed(A).failed(A, ProcessingResult::Unknown);
    twice(unknown.retried(0, 1).settled(A).processed(B), Cause::RetryCopy);
}

/// The opposites: another consumer that crashes, a handler that tries again, and no copy at all.
#[test]
fn what_befell_a_copy_keeps_its_name() {
    let copy = || failed().settled(A).processed(B);
    twice(copy().crashed(2).processed(C), Cause::RedeliveredAfterCrash);
    twice(copy().lease_expired(0, 2).processed(C), Cause::LeaseExpired);
    twice(copy().applied(B), Cause::HandlerRetry);
    let plain = queue().sent(0).processed(A).settled(A).processed(B);
    twice(plain, Cause::RedeliveredAfterSettle);
}

/// Of two copies the end of the last one counts.
#[test]
fn a_copy_is_lost_as_any_other() {
    lost(failed().settled(A).removed(0, RemoveReason::Ttl), Cause::RemovedTtl);
    lost(failed().settled(A).delivered(B).settled(B), Cause::SettledBeforeProcess);
    let close = SettleTrigger::Close;
    lost(failed().settled(A).delivered(B).acked_by(B, close), Cause::SettledByClose);
    let unlike = queue().sent(0).started(A).failed(A, ProcessingResult::Transient).settled(A);
    lost(unlike, Cause::SettledBeforeProcess);
}
