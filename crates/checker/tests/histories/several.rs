//! Which of several deliveries lost its message, and what a queue's delivery numbers say of it.

use entrega_checker::{Cause, Class, Config, End};
use entrega_model::event::{
    DeadLetterReason, NO_POSITION, RemoveReason, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::{Kind, MessageId, ProcessId};

use crate::causes::{lost, split, twice};
use crate::dsl::{Handed, History, PARTITION, SUBSCRIPTION, judge_as, log, queue, report, strict};

/// Message 0, in four deliveries.
const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const C: Handed = Handed(3, 0, 3);
const D: Handed = Handed(4, 0, 1);

/// Of two deliveries that applied, the earlier one is to blame, whichever was first.
#[test]
fn the_earlier_of_two_late_deliveries_is_to_blame() {
    let crash = queue().sent(0).delivered(A).crashed(1).requeued(0, 1).delivered(B);
    let lease = crash.clone().lease_expired(0, 2).delivered(C);
    twice(lease.clone().applied(B).applied(C), Cause::LeaseExpired);
    twice(lease.clone().applied(C).applied(B), Cause::LeaseExpired);
    twice(lease.applied(A).applied(C), Cause::RedeliveredAfterCrash);
    let crash = queue().sent(0).processed(A).crashed(1).requeued(0, 1).delivered(B);
    let fourth = crash.lease_expired(0, 2).delivered(C).lease_expired(0, 3).delivered(D);
    twice(fourth.applied(B), Cause::RedeliveredAfterCrash);
}

/// Unless the last delivery had the effect, a dead letter of the broker's is one outcome more of a
/// message that an earlier delivery had lost.
#[test]
fn a_dead_letter_of_a_later_delivery_does_not_change_who_is_to_blame() {
    let crash = queue().sent(0).processed(A).crashed(1).requeued(0, 1).delivered(B);
    let limit = DeadLetterReason::DeliveryLimit;
    split(crash.exited(2).requeued(0, 2).dead_lettered(0, limit), Cause::RedeliveredAfterCrash);
    let closed = queue().sent(0).processed(A).exited(1).requeued(0, 1);
    split(closed.dead_lettered(0, limit), Cause::ClosedWithoutSettle);
}

/// A lease that ran out at some time explains an effect whose delivery nobody saw; nothing else
/// does.
#[test]
fn an_effect_whose_delivery_was_not_seen_comes_from_a_lease_that_ran_out() {
    twice(queue().sent(0).processed(A).lease_expired(0, 1).applied(B), Cause::LeaseExpired);
    twice(queue().sent(0).processed(A).crashed(1).applied(B), Cause::Unexplained);
}

/// A delivery with a number that the queue has taken back was stale when it was received.
#[test]
fn a_number_that_was_taken_back_is_stale() {
    let twice_back = queue().sent(0).lease_expired(0, 1).lease_expired(0, 2);
    let stale = twice_back.delivered_number(A, 2).applied(A).settled(A);
    twice(stale.delivered_number(B, 3).applied(B), Cause::LeaseExpired);
    let fresh = queue().sent(0).lease_expired(0, 2).delivered_number(A, 2).applied(A).settled(A);
    twice(fresh.delivered_number(B, 3).applied(B), Cause::RedeliveredAfterSettle);
    let nacked = queue().sent(0).delivered(A).recorded(A, SettleAct::Requeue);
    let own = nacked.processed(B).settled(B).delivered_number(C, 2).applied(C);
    twice(own, Cause::RedeliveredAfterSettle);
}

/// The same after as many deliveries as one likes.
#[test]
fn numbers_say_the_same_however_high_they_are() {
    for least in 1..40 {
        let rounds = |history: History, each: fn(History) -> History| {
            (0..least).fold(history, |history, _| each(history))
        };
        let from_a_buffer = rounds(queue().sent(0), |history| history.lease_expired(0, 2));
        let stale = from_a_buffer.delivered_number(A, least).applied(A).settled(A);
        twice(stale.delivered_number(B, least + 1).applied(B), Cause::LeaseExpired);
        let broken = rounds(queue().sent(0), |history| history.requeued(0, 2));
        let stale = broken.delivered_number(A, least).applied(A);
        twice(stale.delivered_number(B, least + 1).applied(B), Cause::ClosedWithoutSettle);
        let fresh = queue().sent(0).delivered_number(A, least).applied(A).settled(A);
        twice(fresh.delivered_number(B, least + 1).applied(B), Cause::RedeliveredAfterSettle);
    }
}

/// A delivery that was taken back before its consumer had it came for the reason for which the one
/// before it ended, not for that of its own end.
#[test]
fn its_own_end_is_not_why_a_delivery_came() {
    let crash = queue().sent(0).processed(A).crashed(1).requeued(0, 1).lease_expired(0, 2);
    twice(crash.delivered_number(B, 2).applied(B), Cause::RedeliveredAfterCrash);
    let parted = queue().sent(0).processed(A).lease_expired(0, 1).requeued(0, 2);
    twice(parted.delivered_number(B, 2).applied(B), Cause::LeaseExpired);
    let below = queue().sent(0).lease_expired(0, 1).delivered_number(B, 2).applied(B);
    twice(below.requeued(0, 2).delivered_number(A, 1).applied(A), Cause::LeaseExpired);
}

/// A settle that arrives after the end of its connection has returned the message did not end it.
#[test]
fn a_settle_after_its_connection_is_too_late() {
    let late = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack).exited(1);
    let honoured = late.requeued(0, 1).recorded(A, SettleAct::Ack);
    twice(honoured.delivered_number(B, 2).applied(B), Cause::ClosedWithoutSettle);
    let settled = queue().sent(0).processed(A).settled(A).exited(1);
    twice(settled.delivered_number(B, 2).applied(B), Cause::RedeliveredAfterSettle);
}

/// What a consumer learns of a settle that the broker ignored settles nothing, although nothing was
/// settled before in the whole run.
#[test]
fn a_settle_that_is_ignored_settles_nothing() {
    let late = queue().sent(0).delivered(A).settle_invoked(A, SettleAct::Ack).lease_expired(0, 1);
    let ignored = late.settle_ended(A, SettleOutcome::Ok).applied(A).processed(B).settled(B);
    let config = Config { reports_settles: true, ..Config::default() };
    let report = judge_as(config, &ignored.events, strict(), End::Quiescent);
    let causes = &report.subscriptions[0].causes;
    assert_eq!(causes.keys().copied().collect::<Vec<_>>(), [Cause::LeaseExpired]);
}

/// What a queue took back from a consumer that had settled, too late, comes again for that reason,
/// whatever befalls the consumer before it does. Otherwise a crash comes first among the causes.
#[test]
fn a_crash_after_a_late_settle_is_no_cause() {
    let held = || queue().sent(0).processed(A);
    let again = |history: History| history.delivered_number(B, 2).applied(B);
    twice(again(held().lease_expired(0, 1).crashed(1)), Cause::RedeliveredAfterCrash);
    twice(again(held().crashed(1).lease_expired(0, 1)), Cause::RedeliveredAfterCrash);
    let honoured = held().lease_expired(0, 1).settled(A).crashed(1);
    twice(again(honoured), Cause::LeaseExpired);
    let late = held().settle_invoked(A, SettleAct::Ack).lease_expired(0, 1);
    for answer in [SettleOutcome::Ok, SettleOutcome::Fail] {
        let other = Handed(9, 1, 4);
        let recorded = late.clone().sent(1).processed(other).settled(other);
        let answered = recorded.settle_ended(A, answer);
        twice(again(answered.clone().crashed(1)), Cause::LeaseExpired);
    }
    twice(again(late.crashed(1)), Cause::RedeliveredAfterCrash);
}

/// A commit that moves back takes back what commits had ended, and nothing else.
#[test]
fn a_commit_that_moves_back_does_not_bring_back_what_was_removed() {
    let removed = log().sent(0).delivered(A).removed(0, RemoveReason::Retention);
    let committed = removed.committed_by(1, 0, 1, SettleTrigger::Timer);
    lost(committed.committed_by(1, 1, 0, SettleTrigger::Application), Cause::RemovedRetention);
}

/// A member that did not poll in time leaves its group. Whatever befalls it later, its partitions
/// had moved before.
#[test]
fn a_member_that_did_not_poll_has_lost_its_partitions() {
    let left = log().sent(0).assigned(1, 0).processed(A).max_poll_exceeded(1);
    twice(left.exited(1).assigned(2, 0).processed(B), Cause::Rebalanced);
    let stayed = log().sent(0).assigned(1, 0).processed(A).exited(1).assigned(2, 0);
    twice(stayed.processed(B), Cause::ClosedWithoutSettle);
}

/// A redelivery has a number as well: an older one is stale from then on.
#[test]
fn a_number_below_that_of_a_redelivery_is_stale() {
    let ahead = queue().sent(0).delivered_number(A, 1).lease_expired(0, 3);
    let third = ahead.delivered_number(B, 3).applied(B).settled(B);
    twice(third.delivered_number(C, 2).applied(C), Cause::LeaseExpired);
}

/// A redelivery is settled only if a commit covers it.
#[test]
fn a_redelivery_is_not_settled_by_itself() {
    let again = log().sent(0).assigned(1, 0).delivered(A).exited(1).assigned(2, 0).processed(B);
    twice(again.exited(2).assigned(3, 0).processed(C), Cause::ClosedWithoutSettle);
}

/// A member of before the restart goes on with its buffer.
#[test]
fn a_stale_poll_from_before_the_restart() {
    let restarted = log().sent(0).assigned(1, 0).broker_restarted().assigned(2, 0);
    twice(restarted.processed(B).settled(B).processed(A), Cause::BrokerForgot);
}

/// A refused settle alone says nothing of a restart, nor does that of a log.
#[test]
fn a_refused_settle_is_no_restart() {
    let refused = queue().sent(0).processed(A).settle_ended(A, SettleOutcome::Fail);
    twice(refused.processed(B), Cause::Unexplained);
    let refused = log().sent(0).assigned(1, 0).processed(A).settle_ended(A, SettleOutcome::Fail);
    twice(refused.processed(Handed(2, 0, 1)), Cause::Unexplained);
}

/// To have given a message back is no settle.
#[test]
fn a_return_that_was_confirmed_settles_nothing() {
    let (message, consumer, act) = (MessageId(0), ProcessId(1), SettleAct::Requeue);
    let (subscription, outcome) = (SUBSCRIPTION, SettleOutcome::Ok);
    let told = Kind::SettleEnded { message, subscription, consumer, act, outcome };
    twice(queue().sent(0).processed(A).push(told).processed(B), Cause::Unexplained);
}

/// A commit that does not say its offset is one of its message alone.
#[test]
fn a_commit_without_an_offset_asks_for_one_message() {
    let (next, message) = (Handed(5, 1, 1), MessageId(1));
    let held = log().sent(0).sent(1).assigned(1, 0).processed(A).processed(next);
    let asked = held.push(Kind::SettleInvoked {
        message,
        subscription: SUBSCRIPTION,
        consumer: ProcessId(1),
        partition: PARTITION,
        position: NO_POSITION,
        act: SettleAct::Commit,
        trigger: SettleTrigger::Application,
    });
    let left = asked.exited(1).assigned(2, 0);
    twice(left.clone().processed(B), Cause::ClosedWithoutSettle);
    let seen = report(&left.processed(Handed(6, 1, 2)));
    assert_eq!(seen.examples.get(&(Class::Duplicated, Cause::SettleLost)), Some(&message));
}
