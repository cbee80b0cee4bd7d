//! One history for each cause, on both models where both have it.

use entrega_checker::{Cause, Class};
use entrega_model::MessageId;
use entrega_model::event::{
    DeadLetterReason, ProcessingResult, RemoveReason, SendOutcome, SettleAct, SettleOutcome,
    SettleTrigger,
};

use crate::dsl::{Handed, History, log, queue, report};

/// Message 0, handed over for the first, second and third time.
const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const C: Handed = Handed(3, 0, 3);

/// Message 0 must be in `class` because of `cause`, and nothing else may have a cause.
fn check(history: History, class: Class, cause: Cause) {
    let report = report(&history);
    let seen: Vec<_> = report.causes.iter().map(|(cause, count)| (*cause, *count)).collect();
    assert_eq!(seen, [(cause, 1)], "{history:#?}");
    assert_eq!(report.examples.get(&(class, cause)), Some(&MessageId(0)), "{history:#?}");
}

pub(crate) fn lost(history: History, cause: Cause) {
    check(history, Class::Lost, cause);
}

pub(crate) fn twice(history: History, cause: Cause) {
    check(history, Class::Duplicated, cause);
}

pub(crate) fn split(history: History, cause: Cause) {
    check(history, Class::Split, cause);
}

#[test]
fn lost_in_the_broker() {
    let acked = queue().invoked(0, 0, 1).ended(0, SendOutcome::Ok);
    lost(acked.clone(), Cause::NeverStoredButAcked);
    lost(acked.removed(0, RemoveReason::Unroutable), Cause::NeverStoredButAcked);
    let removals = [
        (RemoveReason::Ttl, Cause::RemovedTtl),
        (RemoveReason::Overflow, Cause::RemovedOverflow),
        (RemoveReason::Retention, Cause::RemovedRetention),
        (RemoveReason::Compaction, Cause::RemovedCompaction),
        (RemoveReason::DeliveryLimit, Cause::RemovedDeliveryLimit),
        (RemoveReason::Truncation, Cause::RemovedTruncation),
        (RemoveReason::Purge, Cause::RemovedPurge),
        (RemoveReason::BrokerLoss, Cause::RemovedBrokerLoss),
        (RemoveReason::Unroutable, Cause::RemovedUnroutable),
        (RemoveReason::DeadLettering, Cause::RemovedDeadLettering),
    ];
    for (reason, cause) in removals {
        lost(queue().sent(0).removed(0, reason), cause);
        lost(log().sent(0).removed(0, reason), cause);
    }
}

#[test]
fn lost_by_a_settle_without_effect() {
    let triggers = [
        (SettleTrigger::Application, Cause::SettledBeforeProcess),
        (SettleTrigger::Timer, Cause::SettledByTimer),
        (SettleTrigger::Delivery, Cause::SettledAtDelivery),
        (SettleTrigger::NextReceive, Cause::SettledByNextReceive),
        (SettleTrigger::Close, Cause::SettledByClose),
        (SettleTrigger::Revoke, Cause::SettledOnRevoke),
        (SettleTrigger::WorkerLost, Cause::SettledForLostWorker),
    ];
    for (trigger, cause) in triggers {
        lost(queue().sent(0).delivered(A).acked_by(A, trigger).crashed(1), cause);
        lost(log().sent(0).delivered(A).committed_by(1, 0, 1, trigger).crashed(1), cause);
    }
    let again = |history: History, reason| history.removed(0, reason).stored(0, 5);
    let committed = again(log().sent(0), RemoveReason::Truncation).delivered_at(A, 5);
    let upto = SettleTrigger::Application;
    lost(committed.committed_by(1, 0, 6, upto).crashed(1), Cause::SettledBeforeProcess);
    let acked = again(queue().sent(0), RemoveReason::BrokerLoss).delivered(A);
    lost(acked.acked_by(A, upto).crashed(1), Cause::SettledBeforeProcess);
    let nacked = queue().sent(0).delivered(A).recorded(A, SettleAct::Requeue);
    lost(nacked.removed(0, RemoveReason::Ttl), Cause::RemovedTtl);
    let confirmed = queue().sent(0).delivered(A).settle_ended(A, SettleOutcome::Ok);
    lost(confirmed, Cause::SettledBeforeProcess);
    let other = Handed(9, 1, 1);
    let told = queue().sent(1).processed(other).settled(other).sent(0).delivered(A);
    let wrongly = told.settle_ended(A, SettleOutcome::Ok).removed(0, RemoveReason::Ttl);
    lost(wrongly, Cause::RemovedTtl);
}

/// A worker that dies is no crash of its process: what its supervisor does counts.
#[test]
fn a_lost_worker_loses_by_the_settle_of_its_supervisor() {
    let died = |history: History| history.failed(A, ProcessingResult::WorkerLost);
    let for_it = SettleTrigger::WorkerLost;
    let lost_one = died(queue().sent(0).started(A)).acked_by(A, for_it);
    lost(lost_one.clone(), Cause::SettledForLostWorker);
    let done = died(queue().sent(0).processed(A)).acked_by(A, for_it);
    for exact in [lost_one.applied(A), done] {
        assert_eq!(report(&exact).classes.get(Class::Exact), 1, "{exact:#?}");
    }
    let back = died(queue().sent(0).processed(A)).recorded(A, SettleAct::Requeue).processed(B);
    twice(back, Cause::NackedAfterEffect);
}

#[test]
fn a_log_loses_by_the_commit_and_not_by_the_retention_that_follows() {
    let settled = log().sent(0).delivered(A).settled(A).crashed(1);
    lost(settled.removed(0, RemoveReason::Retention), Cause::SettledBeforeProcess);
}

#[test]
fn a_commit_covers_the_message_that_was_skipped() {
    let one = Handed(2, 1, 1);
    let history = log()
        .sent(0)
        .sent(1)
        .assigned(1, 0)
        .delivered(A)
        .failed(A, ProcessingResult::Transient)
        .processed(one)
        .settled(one);
    lost(history, Cause::SettledBeforeProcess);
}

#[test]
fn a_commit_that_moves_back_takes_its_word_back() {
    let history = log()
        .sent(0)
        .delivered(A)
        .committed_by(1, 0, 1, SettleTrigger::Timer)
        .committed_by(1, 1, 0, SettleTrigger::Application)
        .committed_by(1, 0, 1, SettleTrigger::Close);
    lost(history, Cause::SettledByClose);
}

#[test]
fn lost_by_a_reset() {
    let history = log().sent(0).reset(1, None, 1).assigned(1, 1);
    lost(history, Cause::SkippedByReset);
    let covered = log().sent(0).sent(1).reset(1, None, 1).assigned(1, 1);
    let next = Handed(1, 1, 1);
    lost(covered.processed(next).settled(next), Cause::SkippedByReset);
    let removed = log().sent(0).removed(0, RemoveReason::Retention).reset(1, Some(0), 1);
    lost(removed, Cause::RemovedRetention);
}

#[test]
fn stored_twice_comes_first() {
    let copies = queue().sent(0).stored(0, 1).processed(A).settled(A).processed(B);
    twice(copies.clone(), Cause::StoredTwice);
    twice(copies.crashed(1), Cause::StoredTwice);
    let log = log().sent(0).stored(0, 1).assigned(1, 0).processed(A);
    twice(log.delivered_at(B, 1).applied(B), Cause::StoredTwice);
}

#[test]
fn a_crash_between_effect_and_settle() {
    let queue = queue().sent(0).processed(A).crashed(1).requeued(0, 1);
    twice(queue.processed(B).settled(B), Cause::RedeliveredAfterCrash);
    let log = log().sent(0).assigned(1, 0).processed(A).crashed(1).assigned(2, 0);
    twice(log.processed(B).settled(B), Cause::RedeliveredAfterCrash);
}

#[test]
fn a_crash_repeats_all_that_is_uncommitted() {
    let (first, second) = (Handed(2, 1, 1), Handed(4, 1, 2));
    let history = log()
        .sent(0)
        .sent(1)
        .assigned(1, 0)
        .processed(A)
        .processed(first)
        .crashed(1)
        .assigned(2, 0)
        .processed(Handed(3, 0, 2))
        .processed(second);
    assert_eq!(report(&history).causes.get(&Cause::RedeliveredAfterCrash), Some(&2));
}

#[test]
fn a_life_that_begins_again_has_crashed() {
    let queue = queue().sent(0).processed(A).begun(1).requeued(0, 1);
    twice(queue.processed(B), Cause::RedeliveredAfterCrash);
}

#[test]
fn a_crash_of_another_consumer_is_no_cause() {
    let history = queue().sent(0).processed(A).crashed(3).lease_expired(0, 1);
    twice(history.processed(B), Cause::LeaseExpired);
}

#[test]
fn a_delivery_in_between_does_not_change_why_the_first_one_lost_its_message() {
    let crash = queue().sent(0).processed(A).crashed(1).requeued(0, 1);
    let again = crash.delivered(B).lease_expired(0, 2);
    twice(again.processed(C), Cause::RedeliveredAfterCrash);
}

#[test]
fn a_crash_before_the_effect_is_not_the_cause_of_a_later_duplicate() {
    let crash = queue().sent(0).delivered(A).crashed(1).requeued(0, 1);
    let effect = crash.processed(B).lease_expired(0, 2);
    twice(effect.processed(C), Cause::LeaseExpired);
}

#[test]
fn an_effect_that_arrives_after_the_crash_of_its_consumer() {
    let history = queue().sent(0).delivered(A).crashed(1).requeued(0, 1).begun(1);
    let again = Handed(2, 0, 1);
    twice(history.clone().applied(A).processed(again), Cause::RedeliveredAfterCrash);
    twice(history.processed(again).applied(A), Cause::RedeliveredAfterCrash);
}

#[test]
fn a_lease_runs_out_while_the_handler_is_slow() {
    let history = queue().sent(0).delivered(A).lease_expired(0, 1).delivered(B);
    twice(history.clone().applied(A).applied(B), Cause::LeaseExpired);
    twice(history.clone().applied(B).applied(A), Cause::LeaseExpired);
    let settled = history.applied(B).settled(B).applied(A).settle_invoked(A, SettleAct::Ack);
    twice(settled.settle_ended(A, SettleOutcome::Fail), Cause::LeaseExpired);
}

#[test]
fn a_lease_runs_out_while_the_process_stalls() {
    let history = queue().sent(0).processed(A).stalled(1).lease_expired(0, 1).processed(B);
    twice(history.resumed(1), Cause::LeaseExpired);
}

#[test]
fn a_zombie_is_explained_by_what_made_it_one() {
    let stalled = queue().sent(0).delivered(A).stalled(1).lease_expired(0, 1);
    let crash = stalled.delivered(B).crashed(2).requeued(0, 2).processed(C);
    twice(crash.resumed(1).applied(A), Cause::LeaseExpired);
}

#[test]
fn a_lease_runs_out_in_the_buffer_of_a_slow_consumer() {
    let buffered = queue().sent(0).lease_expired(0, 1);
    let first = buffered.clone().delivered_number(A, 1).applied(A);
    let refused = first.settle_invoked(A, SettleAct::Ack).settle_ended(A, SettleOutcome::Fail);
    twice(refused.delivered_number(B, 2).applied(B), Cause::LeaseExpired);
    let second = buffered.delivered_number(B, 2).applied(B).settled(B).delivered_number(A, 1);
    twice(second.clone().applied(A), Cause::LeaseExpired);
    let asked = second.applied(A).settle_invoked(A, SettleAct::Ack);
    twice(asked.settle_ended(A, SettleOutcome::Fail), Cause::LeaseExpired);
    let nacked = queue().sent(0).delivered_number(A, 1).settle_invoked(A, SettleAct::Requeue);
    let own = nacked.recorded(A, SettleAct::Requeue).lease_expired(0, 1);
    let third = own.delivered_number(B, 3).applied(B).settled(B);
    let late = Handed(4, 0, 1);
    twice(third.delivered_number(late, 2).applied(late), Cause::LeaseExpired);
}

#[test]
fn a_lease_that_ran_out_in_a_buffer_says_nothing_of_other_deliveries() {
    let buffered = queue().sent(0).lease_expired(0, 1).crashed(1);
    let effect = buffered.delivered_number(B, 2).applied(B).exited(2).requeued(0, 2);
    twice(effect.delivered_number(C, 3).applied(C), Cause::ClosedWithoutSettle);
}

#[test]
fn a_lease_without_a_holder() {
    let history = queue().sent(0).processed(A).exited(1).lease_expired(0, 1);
    twice(history.processed(B), Cause::ClosedWithoutSettle);
}

#[test]
fn a_session_expires_between_effect_and_settle() {
    let history = log().sent(0).assigned(1, 0).processed(A).stalled(1).session_expired(1);
    let moved = history.assigned(2, 0).processed(B).settled(B).resumed(1);
    twice(moved.settle_invoked(A, SettleAct::Commit).lost(1), Cause::SessionExpired);
}

#[test]
fn a_zombie_member_applies_after_its_successor() {
    let history = log().sent(0).assigned(1, 0).delivered(A).stalled(1).session_expired(1);
    let moved = history.assigned(2, 0).processed(B).settled(B);
    twice(moved.resumed(1).applied(A).lost(1), Cause::SessionExpired);
}

#[test]
fn a_zombie_member_goes_on_with_its_buffer() {
    let stalled = log().sent(0).assigned(1, 0).stalled(1).session_expired(1).assigned(2, 0);
    let zombie = stalled.delivered(B).settled(B).resumed(1).delivered(A);
    twice(zombie.clone().applied(A).applied(B), Cause::SessionExpired);
    twice(zombie.applied(B).applied(A).lost(1), Cause::SessionExpired);
    let moved = log().sent(0).assigned(1, 0).assigned(2, 0).processed(B).settled(B);
    twice(moved.processed(A).lost(1), Cause::Rebalanced);
    let crash = log().sent(0).assigned(1, 0).processed(A).crashed(1).assigned(2, 0);
    twice(crash.assigned(3, 0).processed(B), Cause::RedeliveredAfterCrash);
}

#[test]
fn the_session_of_a_dead_member_does_not_taint_its_successor() {
    let restarted = log().assigned(1, 0).crashed(1).begun(1).session_expired(1);
    let effect = restarted.sent(0).assigned(1, 0).processed(A);
    twice(effect.revoked(1).assigned(2, 0).processed(B), Cause::Rebalanced);
}

#[test]
fn a_rebalance_between_effect_and_settle() {
    let effect = log().sent(0).assigned(1, 0).processed(A);
    twice(effect.clone().revoked(1).assigned(2, 0).processed(B), Cause::Rebalanced);
    twice(effect.clone().assigned(2, 0).processed(B).lost(1), Cause::Rebalanced);
    let refused = effect.settle_invoked(A, SettleAct::Commit).settle_ended(A, SettleOutcome::Fail);
    twice(refused.lost(1).assigned(1, 0).processed(Handed(2, 0, 1)), Cause::Rebalanced);
}

#[test]
fn closed_without_a_settle() {
    let queue = queue().sent(0).processed(A).requeued(0, 1);
    twice(queue.clone().processed(B).exited(1), Cause::ClosedWithoutSettle);
    twice(queue.exited(1).processed(B), Cause::ClosedWithoutSettle);
    let log = log().sent(0).assigned(1, 0).processed(A).exited(1).assigned(2, 0);
    twice(log.processed(B), Cause::ClosedWithoutSettle);
}

#[test]
fn a_broker_that_forgets() {
    let queue = queue().sent(0).processed(A).broker_restarted();
    twice(queue.clone().processed(B), Cause::BrokerForgot);
    let asked = queue.clone().settle_invoked(A, SettleAct::Ack);
    twice(asked.processed(B), Cause::BrokerForgot);
    let refused = queue.settle_invoked(A, SettleAct::Ack).settle_ended(A, SettleOutcome::Fail);
    twice(refused.processed(B), Cause::BrokerForgot);
    let log = log().sent(0).assigned(1, 0).processed(A).broker_restarted();
    let again = Handed(2, 0, 1);
    twice(log.clone().lost(1).assigned(1, 0).processed(again), Cause::BrokerForgot);
    let asked = log.settle_invoked(A, SettleAct::Commit).lost(1);
    twice(asked.assigned(1, 0).processed(again), Cause::BrokerForgot);
}

/// A settle that the broker has forgotten: its holder may have been gone for long.
#[test]
fn a_broker_that_forgets_a_settle() {
    let settled = queue().sent(0).processed(A).settled(A).exited(1).broker_restarted();
    twice(settled.clone().settle_forgotten(0).processed(B), Cause::BrokerForgot);
    twice(settled.processed(B), Cause::RedeliveredAfterSettle);
    let first = queue().sent(0).delivered(A).acked_by(A, SettleTrigger::Application).crashed(1);
    lost(first.clone(), Cause::SettledBeforeProcess);
    let found = report(&first.broker_restarted().settle_forgotten(0).retrievable(0));
    assert_eq!((found.lost(), found.classes.get(Class::Pending)), (0, 1));
}

#[test]
fn a_restart_says_nothing_of_what_comes_after_it() {
    let other = Handed(9, 1, 1);
    let held = queue().sent(0).sent(1).processed(other).settled(other).broker_restarted();
    let asked = held.processed(A).settle_invoked(A, SettleAct::Ack).lease_expired(0, 1);
    twice(asked.clone().processed(B), Cause::SettleLost);
    twice(asked.settle_ended(A, SettleOutcome::Fail).processed(B), Cause::LeaseExpired);
}

#[test]
fn a_stale_delivery_from_before_the_restart() {
    let history = queue().sent(0).broker_restarted().processed(A);
    let refused = history.settle_invoked(A, SettleAct::Ack).settle_ended(A, SettleOutcome::Fail);
    twice(refused.processed(B), Cause::BrokerForgot);
    let silent = queue().sent(0).broker_restarted().processed(A);
    twice(silent.processed(B), Cause::BrokerForgot);
    let late = queue().sent(0).broker_restarted().delivered_number(B, 2).applied(B).settled(B);
    twice(late.delivered_number(A, 1).applied(A), Cause::BrokerForgot);
}

#[test]
fn a_reset_moves_back_over_what_was_settled() {
    let settled = log().sent(0).assigned(1, 0).processed(A).settled(A).exited(1);
    twice(settled.clone().reset(2, Some(9), 0).assigned(2, 0).processed(B), Cause::OffsetReset);
    let unsettled = log().sent(0).assigned(1, 0).processed(A).exited(1);
    let reset = unsettled.reset(2, None, 0).assigned(2, 0).processed(B);
    twice(reset, Cause::ClosedWithoutSettle);
    let within = log().sent(0).assigned(1, 0).processed(A).reset(1, Some(7), 0);
    twice(within.processed(Handed(2, 0, 1)), Cause::OffsetReset);
}

#[test]
fn a_commit_moves_back_over_what_was_settled() {
    let settled = log().sent(0).assigned(1, 0).processed(A).settled(A);
    let rewound = settled.committed_by(3, 1, 0, SettleTrigger::Application).revoked(1);
    twice(rewound.assigned(2, 0).processed(B), Cause::OffsetRewind);
    let kept = log().sent(0).assigned(1, 0).processed(A).settled(A).crashed(1);
    twice(kept.assigned(2, 0).processed(B), Cause::RedeliveredAfterCrash);
}

/// A seek back repeats what the same consumer had, or what another consumer had settled.
#[test]
fn a_seek_moves_back_over_what_was_processed() {
    let processed = log().sent(0).assigned(1, 0).processed(A);
    let again = Handed(2, 0, 1);
    twice(processed.clone().sought(1, 1, 0).processed(again), Cause::OffsetRewind);
    let settled = processed.clone().settled(A);
    twice(settled.clone().sought(1, 1, 0).processed(again), Cause::OffsetRewind);
    let successor = settled.exited(1).assigned(2, 1);
    twice(successor.sought(2, 1, 0).processed(B), Cause::OffsetRewind);
}

/// A seek to where the position stood anyway, or beyond the message, explains nothing.
#[test]
fn a_seek_is_not_blamed_for_what_it_did_not_do() {
    let crashed = log().sent(0).assigned(1, 0).processed(A).crashed(1).assigned(2, 0);
    twice(crashed.clone().sought(2, 0, 0).processed(B), Cause::RedeliveredAfterCrash);
    let beyond = log().sent(0).assigned(1, 0).processed(A).sought(1, 1, 1);
    twice(beyond.processed(Handed(2, 0, 1)), Cause::Unexplained);
}

#[test]
fn a_handler_that_tries_again() {
    let history = queue().sent(0).started(A).processed(A).failed(A, ProcessingResult::Unknown);
    twice(history.started(A).applied(A).settled(A), Cause::HandlerRetry);
}

#[test]
fn without_evidence_it_is_unexplained() {
    twice(queue().sent(0).processed(A).processed(B), Cause::Unexplained);
    twice(log().sent(0).assigned(1, 0).processed(A).processed(Handed(2, 0, 1)), Cause::Unexplained);
}

#[test]
fn splits() {
    let client = DeadLetterReason::Client;
    let unknown = queue().sent(0).processed(A).failed(A, ProcessingResult::Unknown);
    split(unknown.clone().dead_lettered(0, client), Cause::HandlerRetry);
    let reject = unknown.settle_invoked(A, SettleAct::Reject);
    split(reject.dead_lettered(0, DeadLetterReason::Rejected), Cause::NackedAfterEffect);
    let crash = queue().sent(0).processed(A).crashed(1).requeued(0, 1);
    split(crash.clone().delivered(B).dead_lettered(0, client), Cause::RedeliveredAfterCrash);
    let limit = DeadLetterReason::DeliveryLimit;
    split(crash.dead_lettered(0, limit), Cause::RedeliveredAfterCrash);
    let slow = queue().sent(0).delivered(A).lease_expired(0, 1).dead_lettered(0, limit);
    split(slow.applied(A), Cause::LeaseExpired);
    let reversed = queue().sent(0).delivered(A).dead_lettered(0, client).crashed(1);
    split(reversed.requeued(0, 1).processed(B), Cause::RedeliveredAfterCrash);
    let buffered = queue().sent(0).lease_expired(0, 1).dead_lettered(0, limit);
    split(buffered.delivered_number(A, 1).applied(A), Cause::LeaseExpired);
    let rejected = queue().sent(0).processed(A).crashed(1).requeued(0, 1).delivered(B);
    let rejected = rejected.dead_lettered(0, DeadLetterReason::Rejected);
    split(rejected, Cause::RedeliveredAfterCrash);
}

#[test]
fn the_first_duplicate_names_the_cause() {
    let crash = queue().sent(0).processed(A).crashed(1).requeued(0, 1).processed(B);
    twice(crash.lease_expired(0, 2).processed(C), Cause::RedeliveredAfterCrash);
    let retry = queue().sent(0).processed(A).applied(A).crashed(1).requeued(0, 1);
    twice(retry.processed(B), Cause::HandlerRetry);
}

/// An effect that was seen although its transaction was aborted is the cause, whatever brought the
/// message again; one that was aborted unseen, or that belongs to another delivery, is not.
#[test]
fn twice_by_an_effect_of_an_aborted_transaction() {
    let seen = || log().sent(0).assigned(1, 0).delivered(A).applied(A);
    let again = |history: History| history.assigned(2, 0).delivered(B).applied(B);
    let crashed = |history: History| again(history.crashed(1));
    twice(crashed(seen().aborted(A, true)), Cause::AbortedVisible);
    twice(again(seen().crashed(1).aborted(A, true)), Cause::AbortedVisible);
    twice(crashed(seen()), Cause::RedeliveredAfterCrash);
    twice(crashed(seen().aborted(A, false)), Cause::RedeliveredAfterCrash);
    twice(crashed(seen().aborted(B, true)), Cause::RedeliveredAfterCrash);
    let late = crashed(seen()).aborted(A, true);
    twice(late, Cause::RedeliveredAfterCrash);
}
