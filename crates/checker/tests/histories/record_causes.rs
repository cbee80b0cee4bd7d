//! Causes as a record shows them, where they are not those of a run.

use entrega_checker::{Cause, Class, Counter};
use entrega_model::event::{DeadLetterReason, SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::{Kind, MessageId, ProcessId};

use crate::causes::twice;
use crate::dsl::{Handed, History, SUBSCRIPTION, log, queue, report};
use crate::records::recorded;

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);

fn check(history: &History, expect: Cause) {
    let causes: Vec<_> = recorded(history).causes.into_keys().collect();
    assert_eq!(causes, [expect], "{history:#?}");
}

/// What befell a consumer after it had settled a message is no reason to deliver it again; what
/// befell it before is.
#[test]
fn what_befell_a_consumer_after_its_settle_is_no_cause() {
    let held = queue().sent(0).processed(A);
    let settled = held.clone().settled(A).crashed(1).processed(B);
    check(&settled, Cause::RedeliveredAfterSettle);
    twice(settled, Cause::RedeliveredAfterCrash);
    check(&held.crashed(1).settled(A).processed(B), Cause::RedeliveredAfterCrash);
    let held = log().sent(0).assigned(1, 0).processed(A);
    let commit = |history: History| history.committed_by(1, 0, 1, SettleTrigger::Application);
    let next = |history: History| history.assigned(2, 0).processed(B);
    let in_time = next(commit(held.clone()).session_expired(1));
    check(&in_time, Cause::RedeliveredAfterSettle);
    check(&next(commit(held.clone().session_expired(1))), Cause::SessionExpired);
    check(&commit(held.clone().assigned(2, 0)).processed(B), Cause::Rebalanced);
    check(&next(commit(held.clone())), Cause::RedeliveredAfterSettle);
    check(&next(held), Cause::Rebalanced);
}

/// An ack counts if it is the first, of the consumer that holds the message; and what was acked is
/// not given back with itself: what says that it was gives no reason.
#[test]
fn only_the_first_ack_of_the_holder_lies_within_a_batch() {
    let (next, stranger) = (Handed(3, 1, 1), Handed(1, 0, 2));
    let held = queue().sent(0).sent(1).delivered(next).processed(A);
    let back = |history: History| history.recorded(next, SettleAct::Requeue);
    let acked = held.clone().recorded(A, SettleAct::Ack);
    let cause = |history: History, expect| {
        let of_zero = recorded(&history.processed(B)).examples;
        assert!(of_zero.contains_key(&(Class::Duplicated, expect)), "{of_zero:?}");
    };
    cause(back(acked.clone()).recorded(A, SettleAct::Ack), Cause::ReturnedWithBatch);
    cause(back(held.recorded(stranger, SettleAct::Ack)), Cause::RedeliveredAfterSettle);
    cause(acked.requeued(0, 1), Cause::Unknown);
}

/// Which message was sent first the lines say, and not what messages are called.
#[test]
fn order_is_that_of_the_lines() {
    let (zero, one) = (Handed(1, 0, 1), Handed(3, 1, 1));
    let order = |history: History| {
        let order = recorded(&history).order;
        (order.reordered, order.reordered_example, order.adjacent_pairs)
    };
    let sent = || queue().sent(1).sent(0);
    assert_eq!(order(sent().processed(zero).processed(one)), (1, Some(MessageId(1)), 1));
    assert_eq!(order(sent().processed(one).processed(zero)), (0, None, 1));
}

/// An effect after a dead letter comes from a copy that was moved back, unless something else had
/// taken the message from its holder.
#[test]
fn an_effect_after_a_dead_letter_is_that_of_a_copy_moved_back() {
    let limit = DeadLetterReason::DeliveryLimit;
    let unseen = queue().sent(0).dead_lettered(0, limit).applied(B);
    check(&unseen, Cause::Redriven);
    let seen = queue().sent(0).delivered(A).dead_lettered(0, limit).processed(B);
    check(&seen, Cause::Redriven);
    assert_eq!(report(&seen).causes.keys().collect::<Vec<_>>(), [&Cause::Unexplained]);
    assert_eq!(recorded(&seen).classes.get(Class::Split), 1);
    let crashed = queue().sent(0).delivered(A).crashed(1).dead_lettered(0, limit).processed(B);
    check(&crashed, Cause::RedeliveredAfterCrash);
    check(&queue().sent(0).processed(A).applied(B), Cause::Unknown);
    check(&queue().sent(0).applied(A).applied(B).dead_lettered(0, limit), Cause::Unknown);
}

/// A settle before the dead letter is no cause of what comes after it, and an effect before it is
/// one's own.
#[test]
fn a_settle_before_a_dead_letter_takes_nothing_back() {
    let limit = DeadLetterReason::DeliveryLimit;
    let held = || queue().sent(0).delivered(A);
    let asked = held().settle_invoked(A, SettleAct::Ack);
    check(&asked.dead_lettered(0, limit).processed(B), Cause::Redriven);
    check(&held().settled(A).dead_lettered(0, limit).processed(B), Cause::Redriven);
    let applied = queue().sent(0).processed(A).settled(A);
    check(&applied.clone().dead_lettered(0, limit), Cause::RedeliveredAfterSettle);
    check(&applied.requeued(0, 1).dead_lettered(0, limit), Cause::Unknown);
}

/// A dead letter that the application writes settles nothing: what befalls its consumer then is a
/// cause, and without that a copy was moved back, even if the message is settled at last.
#[test]
fn a_dead_letter_of_the_application_settles_nothing() {
    let written = || queue().sent(0).delivered(A).dead_lettered(0, DeadLetterReason::Client);
    check(&written().crashed(1).processed(B), Cause::RedeliveredAfterCrash);
    check(&written().settled(A).processed(B), Cause::Redriven);
    let late = queue().sent(0).applied(A).applied(B).dead_lettered(0, DeadLetterReason::Client);
    check(&late.applied(Handed(3, 0, 1)), Cause::Unknown);
}

/// What the broker moves to the dead letters it has settled, in a run and in its record alike; the
/// application has not.
#[test]
fn only_the_broker_settles_with_a_dead_letter() {
    let crash = |reason, settled: u64| {
        let history = queue().sent(0).delivered(A).dead_lettered(0, reason).crashed(1);
        let counters = recorded(&history).counters;
        let windows = [Counter::CrashesAfterSettle, Counter::CrashesBetweenEffectAndSettle];
        assert_eq!(windows.map(|window| counters.get(window)), [settled, 1 - settled]);
        let counters = report(&history).counters;
        assert_eq!(windows.map(|window| counters.get(window)), [settled, 1 - settled]);
    };
    crash(DeadLetterReason::DeliveryLimit, 1);
    crash(DeadLetterReason::Client, 0);
}

/// A committed offset that has gone back brings again only what was settled.
#[test]
fn a_commit_that_went_back_is_no_cause_of_what_was_not_settled() {
    let commit = |history: History, previous, upto| {
        history.committed_by(1, previous, upto, SettleTrigger::Application)
    };
    let back = commit(commit(log().sent(0).assigned(1, 0), 0, 1), 1, 0);
    check(&back.processed(A).processed(Handed(3, 0, 1)), Cause::Unknown);
}

/// Where the broker records settles, the answer to one says nothing of the delivery after it.
#[test]
fn an_answer_gives_back_only_where_the_broker_records_nothing() {
    let next = Handed(3, 0, 1);
    let back = queue().sent(0).delivered(A).recorded(A, SettleAct::Requeue).processed(next);
    let answered = back.push(Kind::SettleEnded {
        message: MessageId(0),
        subscription: SUBSCRIPTION,
        consumer: ProcessId(1),
        act: SettleAct::Requeue,
        outcome: SettleOutcome::Ok,
    });
    check(&answered.dead_lettered(0, DeadLetterReason::Client), Cause::HandlerRetry);
}
