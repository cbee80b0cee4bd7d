//! Causes as a record shows them, where they are not those of a run.

use entrega_checker::{Cause, Class};
use entrega_model::MessageId;
use entrega_model::event::{DeadLetterReason, SettleAct, SettleTrigger};

use crate::causes::twice;
use crate::dsl::{Handed, History, log, queue, report};
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
