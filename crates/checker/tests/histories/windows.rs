//! Each anti-vacuity counter, hit once.

use entrega_checker::{Counter, Counters, End};
use entrega_model::event::{
    DeadLetterReason, EffectVerdict, ProcessingResult, SendOutcome, SettleAct, SettleOutcome,
    SettleTrigger,
};
use entrega_model::{Generation, Kind, PartitionId, ProcessId};

use crate::dsl::{Handed, History, SUBSCRIPTION, judge, log, queue, report, strict};

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const NEXT: Handed = Handed(3, 1, 1);

/// Exactly these counters must have been hit, each once.
fn check(history: History, expect: &[Counter]) {
    let mut counters = Counters::default();
    expect.iter().for_each(|counter| counters.add(*counter, 1));
    assert_eq!(report(&history).counters, counters, "{history:#?}");
}

#[test]
fn crashes() {
    let before = [Counter::CrashesBeforeEffect];
    let between = [Counter::CrashesBetweenEffectAndSettle];
    let inverse = [Counter::CrashesBetweenSettleAndEffect];
    let after = [Counter::CrashesAfterSettle];
    for start in [log().sent(0).assigned(1, 0), queue().sent(0)] {
        check(start.clone().crashed(1), &[]);
        check(start.clone().delivered(A).crashed(1), &before);
        check(start.clone().processed(A).crashed(1), &between);
        check(start.clone().delivered(A).settled(A).crashed(1), &inverse);
        check(start.clone().processed(A).settled(A).crashed(1), &after);
        check(start.clone().delivered(A).settled(A).applied(A).crashed(1), &after);
        check(start.clone().processed(A).crashed(2), &[]);
        check(start.processed(A).crashed(1).crashed(1), &between);
    }
    let ahead = queue().sent(0).acked_by(A, SettleTrigger::Delivery).delivered(A);
    check(ahead.crashed(1), &inverse);
    let covered = log().sent(0).assigned(1, 0).committed_by(1, 0, 1, SettleTrigger::Timer);
    check(covered.delivered(A).crashed(1), &inverse);
}

#[test]
fn a_crash_hits_every_window_that_is_open() {
    let held = log().sent(0).sent(1).assigned(1, 0).processed(A).delivered(NEXT).crashed(1);
    check(held, &[Counter::CrashesBeforeEffect, Counter::CrashesBetweenEffectAndSettle]);
    let next = log().sent(0).sent(1).assigned(1, 0).processed(A).settled(A).delivered(NEXT);
    check(next.crashed(1), &[Counter::CrashesBeforeEffect]);
}

#[test]
fn what_was_handed_on_is_not_held() {
    let expired = queue().sent(0).processed(A).lease_expired(0, 1).processed(B).settled(B);
    check(expired.crashed(1), &[Counter::LeasesExpiredWithLiveHandler]);
    let nacked = queue().sent(0).delivered(A).settle_invoked(A, SettleAct::Requeue);
    check(nacked.crashed(1), &[]);
    let failed = log().sent(0).assigned(1, 0).delivered(A).failed(A, ProcessingResult::Transient);
    check(failed.clone().settled(A).crashed(1), &[Counter::HandlerErrors]);
    check(failed.clone().started(B).settled(A).crashed(1), &[Counter::HandlerErrors]);
    let between = [Counter::CrashesBetweenSettleAndEffect, Counter::HandlerErrors];
    check(failed.started(A).settled(A).crashed(1), &between);
}

/// A dead letter is an outcome like an effect.
#[test]
fn a_dead_letter_ends_the_window_before_the_effect() {
    let dead = queue().sent(0).delivered(A).dead_lettered(0, DeadLetterReason::Client);
    check(dead.clone().crashed(1), &[Counter::CrashesBetweenEffectAndSettle]);
    check(dead.stalled(1), &[Counter::StallsAfterEffect]);
}

#[test]
fn stalls() {
    let start = queue().sent(0).delivered(A);
    check(queue().stalled(1), &[]);
    check(start.clone().stalled(1), &[Counter::StallsBeforeEffect]);
    check(start.clone().settled(A).stalled(1), &[Counter::StallsBeforeEffect]);
    check(start.clone().applied(A).stalled(1), &[Counter::StallsAfterEffect]);
    check(start.applied(A).settled(A).stalled(1), &[]);
}

#[test]
fn leases_and_sessions() {
    let live = [Counter::LeasesExpiredWithLiveHandler];
    check(queue().sent(0).delivered(A).lease_expired(0, 1), &live);
    check(queue().sent(0).lease_expired(0, 1), &[]);
    check(queue().sent(0).delivered(A).lease_expired(0, 2), &[]);
    let asked = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Ack);
    check(asked.lease_expired(0, 1), &[]);
    let nacked = queue().sent(0).processed(A).settle_invoked(A, SettleAct::Requeue);
    check(nacked.lease_expired(0, 1), &[]);
    let dead = queue().sent(0).delivered(A).crashed(1).lease_expired(0, 1);
    check(dead, &[Counter::CrashesBeforeEffect]);
    let member = log().assigned(1, 0);
    check(member.clone().session_expired(1), &[Counter::SessionsExpiredWithLiveMember]);
    check(member.crashed(1).session_expired(1), &[]);
}

#[test]
fn settles() {
    let processed = queue().sent(0).processed(A);
    let ended = |outcome| processed.clone().settle_ended(A, outcome);
    check(ended(SettleOutcome::Ok), &[]);
    check(ended(SettleOutcome::Info), &[Counter::SettlesLost]);
    check(ended(SettleOutcome::Fail), &[Counter::SettlesRefused]);
}

#[test]
fn sends_and_handlers() {
    let stored = queue().invoked(0, 0, 1).stored(0, 0);
    check(stored.clone().invoked(0, 0, 2), &[Counter::RetriesOfStoredSends]);
    check(stored.ended(0, SendOutcome::Ok), &[]);
    check(queue().invoked(0, 0, 1).invoked(0, 0, 2), &[]);
    check(queue().sent(1).invoked(0, 0, 1).invoked(0, 0, 2), &[]);
    let start = queue().sent(0).delivered(A);
    check(start.clone().failed(A, ProcessingResult::Ok), &[]);
    check(start.clone().failed(A, ProcessingResult::Transient), &[Counter::HandlerErrors]);
    let poison = report(
        &start
            .clone()
            .failed(A, ProcessingResult::Poison)
            .started(A)
            .failed(A, ProcessingResult::Poison),
    );
    assert_eq!(poison.counters.get(Counter::PoisonMessages), 1);
    assert_eq!(poison.counters.get(Counter::HandlerErrors), 2);
    check(start.decided(A, EffectVerdict::Suppressed), &[Counter::EffectsSuppressed]);
}

/// A worker that dies hits the window of its own delivery, and no other.
#[test]
fn a_lost_worker_is_a_crash_of_one_delivery() {
    let died = |history: History| history.failed(A, ProcessingResult::WorkerLost);
    let held = queue().sent(0).sent(1).delivered(NEXT);
    check(died(held.clone().delivered(A)), &[Counter::CrashesBeforeEffect]);
    check(died(held.clone().processed(A)), &[Counter::CrashesBetweenEffectAndSettle]);
    let acked = held.clone().delivered(A).settled(A);
    check(died(acked), &[Counter::CrashesBetweenSettleAndEffect]);
    check(died(held.processed(A).settled(A)), &[Counter::CrashesAfterSettle]);
}

#[test]
fn the_group_and_the_broker() {
    check(log().assigned(1, 0), &[]);
    check(log().assigned(1, 0).assigned(2, 0), &[Counter::Rebalances]);
    let (subscription, consumer) = (SUBSCRIPTION, ProcessId(1));
    let (generation, partition) = (Generation(1), PartitionId(1));
    let second = Kind::Assigned { subscription, consumer, partition, generation, position: 0 };
    check(log().assigned(1, 0).push(second), &[]);
    check(log().assigned(1, 0).max_poll_exceeded(1), &[Counter::MaxPollIntervalsExceeded]);
    check(queue().broker_restarted(), &[Counter::BrokerRestarts]);
}

#[test]
fn a_claim_without_a_hit_is_vacuous() {
    let crash = queue().sent(0).processed(A).crashed(1);
    let judged = judge(&crash.events, strict(), End::Quiescent);
    let (hit, missed) = (Counter::CrashesBetweenEffectAndSettle, Counter::SettlesLost);
    assert_eq!(judged.vacuous(&[hit, missed]), [missed]);
    assert_eq!(judged.subscriptions[0].vacuous(&[hit]), []);
    assert_eq!(judged.subscriptions[0].vacuous(&[missed, hit]), [missed]);
}
