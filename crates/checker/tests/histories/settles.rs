//! Settles that are lost or come too late, and nacks that return nothing: which of them is the
//! cause of a duplicate, and which is what happened besides (semantics.md 5.4).

use entrega_checker::{Cause, Config, End, GapKind, RecordChecker};
use entrega_model::event::{ProcessingResult, SettleAct, SettleOutcome};
use entrega_model::history::{Batch, Origin};

use crate::causes::twice;
use crate::dsl::{Handed, History, log, queue, strict};
use crate::records::WHOLE;

/// Message 0, handed over for the first, second and third time.
const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const C: Handed = Handed(3, 0, 3);

#[test]
fn a_settle_that_is_lost() {
    let asked = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack);
    let unknown = asked.clone().settle_ended(A, SettleOutcome::Info);
    twice(unknown.lease_expired(0, 1).processed(B), Cause::SettleLost);
    let unheard = asked.clone().lease_expired(0, 1);
    twice(unheard.clone().processed(B), Cause::SettleLost);
    twice(unheard.processed(B).settle_ended(A, SettleOutcome::Info), Cause::SettleLost);
    let crash = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack).crashed(1);
    twice(crash.requeued(0, 1).processed(B), Cause::RedeliveredAfterCrash);
}

/// What arrives was not lost: it is the lease that ended, whether its consumer learns of that
/// before the message is delivered again, after that, or after the second effect.
#[test]
fn a_settle_that_comes_too_late() {
    let late = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack).lease_expired(0, 1);
    let other = Handed(8, 1, 4);
    for answer in [SettleOutcome::Fail, SettleOutcome::Ok] {
        let early = late.clone().sent(1).processed(other).settled(other).settle_ended(A, answer);
        twice(early.processed(B), Cause::LeaseExpired);
    }
    let refused = |history: History| history.settle_ended(A, SettleOutcome::Fail);
    twice(refused(late.clone()).processed(B), Cause::LeaseExpired);
    twice(refused(late.clone().delivered(B)).applied(B), Cause::LeaseExpired);
    twice(refused(late.clone().processed(B)), Cause::LeaseExpired);
    let asked = late.clone().processed(B).settle_invoked(B, SettleAct::Ack);
    twice(refused(asked), Cause::LeaseExpired);
    let honoured = late.clone().delivered(B).recorded(A, SettleAct::Ack).applied(B);
    twice(honoured, Cause::LeaseExpired);
    let beside_a_crash = late.clone().processed(B).settle_invoked(B, SettleAct::Ack).crashed(2);
    twice(beside_a_crash.recorded(A, SettleAct::Ack), Cause::LeaseExpired);
    twice(late.recorded(A, SettleAct::Ack).processed(B), Cause::LeaseExpired);
    let refused = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack);
    let refused = refused.settle_ended(A, SettleOutcome::Fail);
    twice(refused.lease_expired(0, 1).processed(B), Cause::LeaseExpired);
}

/// A settle that is recorded is that of the consumer that the record names, whether this has died
/// since or lost its connection before it asked.
#[test]
fn the_settle_of_the_present_holder_says_nothing_of_an_earlier_one() {
    let late = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack).lease_expired(0, 1);
    let asked = late.clone().processed(B).settle_invoked(B, SettleAct::Ack);
    twice(asked.clone().recorded(B, SettleAct::Ack), Cause::SettleLost);
    twice(asked.crashed(2).recorded(B, SettleAct::Ack), Cause::SettleLost);
    let parted = late.processed(B).requeued(0, 2).settle_invoked(B, SettleAct::Ack);
    twice(parted.recorded(B, SettleAct::Ack), Cause::SettleLost);
}

/// What a consumer learns of another settle, or of a later delivery, says nothing of this one.
#[test]
fn another_settle_that_comes_too_late_says_nothing() {
    let late = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack).lease_expired(0, 1);
    let again = late.clone().processed(B).settle_invoked(B, SettleAct::Ack);
    twice(again.settle_ended(B, SettleOutcome::Fail), Cause::SettleLost);
    let own = Handed(2, 0, 1);
    let twice_own = late.clone().processed(own).settle_invoked(own, SettleAct::Ack);
    twice(twice_own.settle_ended(own, SettleOutcome::Fail), Cause::SettleLost);
    let other = late.clone().sent(1).processed(Handed(9, 1, 1));
    let other = other.settle_ended(Handed(9, 1, 1), SettleOutcome::Fail);
    twice(other.processed(B), Cause::SettleLost);
    let crash = late.clone().crashed(1);
    twice(crash.settle_ended(A, SettleOutcome::Fail).processed(B), Cause::RedeliveredAfterCrash);
    let kept = late.processed(B).settle_invoked(B, SettleAct::Ack).lease_expired(0, 2);
    twice(kept.settle_ended(B, SettleOutcome::Fail).processed(C), Cause::SettleLost);
}

#[test]
fn a_commit_that_is_lost_shows_when_its_consumer_leaves() {
    let one = Handed(2, 1, 1);
    let asked = log().sent(0).sent(1).assigned(1, 0).processed(A).processed(one);
    let unknown =
        asked.settle_invoked(one, SettleAct::Commit).settle_ended(one, SettleOutcome::Info);
    let left = unknown.exited(1).assigned(2, 0);
    twice(left.clone().processed(B), Cause::SettleLost);
    let crash = log().sent(0).assigned(1, 0).processed(A).settle_invoked(A, SettleAct::Commit);
    twice(crash.crashed(1).assigned(2, 0).processed(B), Cause::RedeliveredAfterCrash);
}

#[test]
fn a_nack_after_the_effect() {
    let history = queue().sent(0).processed(A).failed(A, ProcessingResult::Unknown);
    let asked = history.settle_invoked(A, SettleAct::Requeue);
    twice(asked.clone().processed(B), Cause::NackedAfterEffect);
    let back = asked.recorded(A, SettleAct::Requeue);
    twice(back.clone().processed(B), Cause::NackedAfterEffect);
    twice(back.exited(1).processed(B), Cause::NackedAfterEffect);
}

/// What was refused or lost has returned nothing: the cause is what has.
#[test]
fn a_nack_that_returns_nothing() {
    let asked = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Requeue);
    let refused = asked.clone().nack_ended(A, SettleOutcome::Fail);
    let lost = asked.clone().nack_ended(A, SettleOutcome::Info);
    for nacked in [&asked, &refused, &lost] {
        let nacked = || nacked.clone();
        twice(nacked().lease_expired(0, 1).processed(B), Cause::LeaseExpired);
        twice(nacked().requeued(0, 1).processed(B), Cause::ClosedWithoutSettle);
        twice(nacked().exited(1).lease_expired(0, 1).processed(B), Cause::ClosedWithoutSettle);
        twice(nacked().crashed(1).lease_expired(0, 1).processed(B), Cause::RedeliveredAfterCrash);
        twice(nacked().broker_restarted().processed(B), Cause::BrokerForgot);
    }
    let restarted = queue().sent(0).processed(A).broker_restarted();
    let vain = restarted.settle_invoked(A, SettleAct::Requeue);
    twice(vain.nack_ended(A, SettleOutcome::Fail).processed(B), Cause::BrokerForgot);
    let late = asked.lease_expired(0, 1).nack_ended(A, SettleOutcome::Fail);
    twice(late.processed(B), Cause::LeaseExpired);
}

/// A word about all that came before covers what was lost on its way to the consumer. A record that
/// leaves out nothing says just that; in another one the line of a delivery may be missing.
#[test]
fn a_settle_covers_what_never_arrived() {
    let gaps = |history: &History, is_complete: bool| -> Vec<GapKind> {
        let config = Config { subscriptions: vec![strict()], processes: 4, ..Config::default() };
        let record = RecordChecker::new(config, history.model());
        let mut record = if is_complete { record.complete() } else { record };
        for (line, event) in (1..).zip(&history.events) {
            let (events, origins) = ([*event], [Origin { line, ..WHOLE }]);
            record.observe(Batch { events: &events, origins: &origins });
        }
        record.finish(End::Quiescent).1.found.into_keys().collect()
    };
    let second = Handed(2, 1, 1);
    let given = queue().sent(0).sent(1).processed(second);
    let asked = given.clone().settle_invoked(second, SettleAct::Ack);
    let covered = asked.recorded(A, SettleAct::Ack).settled(second);
    assert_eq!(gaps(&covered, false), [GapKind::SettleWithoutDelivery]);
    assert_eq!(gaps(&covered, true), []);
    let alone = given.clone().recorded(A, SettleAct::Ack).settled(second);
    let asked = given.settle_invoked(A, SettleAct::Ack).recorded(A, SettleAct::Ack);
    for one_by_one in [alone, asked] {
        assert_eq!(gaps(&one_by_one, true), [GapKind::SettleWithoutDelivery]);
    }
}
