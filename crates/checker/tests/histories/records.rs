//! Histories from elsewhere: whole, with holes, and with what cannot be.

use std::collections::BTreeSet;

use entrega_checker::{
    Cause, Causes, Class, Config, End, EventKind, Gap, GapKind, Gaps, Listable, Listed, Order,
    Reason, RecordChecker, SubscriptionReport, Verdict,
};
use entrega_model::event::{
    DeadLetterReason, EffectVerdict, NO_POSITION, ProcessingResult, RemoveReason, SendOutcome,
    SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::history::{Batch, Origin};
use entrega_model::{Duration, Instant, Kind, MessageId, PartitionId, ProcessId};

use crate::dsl::{Handed, History, SUBSCRIPTION, log, queue, report, strict};

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);
const NEXT: Handed = Handed(3, 1, 1);

/// A record with these events, a line each.
fn read(history: &History, skew: Duration, origin: Origin) -> RecordChecker {
    let config =
        Config { subscriptions: vec![strict()], processes: 4, messages: 0, ..Config::default() };
    let mut checker = RecordChecker::new(config, history.model()).with_skew(skew);
    for (line, event) in (1..).zip(&history.events) {
        let (events, origins) = ([*event], [Origin { line, ..origin }]);
        checker.observe(Batch { events: &events, origins: &origins });
    }
    checker
}

/// What every line of a whole record says.
pub(crate) const WHOLE: Origin = Origin {
    line: 0,
    attempt: None,
    names_producer: true,
    names_trigger: true,
    names_key: true,
    says_first: false,
    has_time: true,
    names_consumer: true,
    names_delivery: true,
};

pub(crate) fn judged(history: &History, end: End) -> (SubscriptionReport, Gaps) {
    let (mut report, gaps) = read(history, Duration::ZERO, WHOLE).finish(end);
    (report.subscriptions.remove(0), gaps)
}

pub(crate) fn recorded(history: &History) -> SubscriptionReport {
    judged(history, End::Quiescent).0
}

/// A commit passes by what nobody was given. What a consumer was given may have its effect on the
/// way, even if its handler has ended or its life has.
#[test]
fn a_commit_loses_only_what_nobody_was_given() {
    let commit = |history: History| history.committed_by(1, 0, 1, SettleTrigger::Application);
    let check = |history: History, expect: Class| {
        let found = judged(&history, End::Unfinished).0;
        assert_eq!(found.classes.get(expect), 1, "{expect:?}");
    };
    check(commit(log().sent(0)), Class::Lost);
    check(log().sent(0), Class::Pending);
    check(commit(log().sent(0).delivered(A)), Class::Pending);
    for result in [ProcessingResult::Ok, ProcessingResult::Poison, ProcessingResult::Unknown] {
        check(commit(log().sent(0).delivered(A)).failed(A, result), Class::Pending);
    }
    check(commit(log().sent(0).delivered(A)).crashed(1), Class::Pending);
    check(commit(log().sent(0).delivered(A)).exited(1), Class::Pending);
    let begun = [
        log().sent(0).started(A),
        log().sent(0).failed(A, ProcessingResult::Ok),
        log().sent(0).settle_invoked(A, SettleAct::Extend),
        log().sent(0).decided(A, EffectVerdict::Rejected),
    ];
    begun.into_iter().for_each(|history| check(commit(history), Class::Pending));
}

/// A record that leaves out nothing is judged as the run.
#[test]
fn a_whole_record_is_judged_as_the_run() {
    let sent = |history: History| history.sent(0).sent(1).sent(2);
    let (first, second, third) = (Handed(1, 0, 1), Handed(2, 1, 1), Handed(3, 2, 1));
    let twice = Handed(4, 0, 2);
    let of_queue = [
        sent(queue()).processed(first).processed(second).settled(second).settled(first),
        sent(queue()).processed(second).processed(first).processed(third),
        sent(queue()).processed(third).processed(second).processed(first),
        sent(queue()).processed(first).processed(second).crashed(1).processed(twice),
        sent(queue()).processed(first).exited(1).requeued(0, 1).processed(twice),
        sent(queue()).processed(first).lease_expired(0, 1).processed(twice).settled(twice),
        sent(queue()).processed(first).settle_invoked(first, SettleAct::Requeue).processed(twice),
        sent(queue()).delivered(first).acked_by(first, SettleTrigger::Timer).crashed(1),
        sent(queue()).processed(first).dead_lettered(1, DeadLetterReason::DeliveryLimit),
        sent(queue()).delivered(first).settle_ended(first, SettleOutcome::Ok).retrievable(1),
        queue().sent(0).invoked(1, 0, 1).ended(1, SendOutcome::Fail).processed(first),
        queue().sent(0).invoked(1, 0, 1).ended(1, SendOutcome::Info).processed(second),
        queue().sent(0).invoked(0, 0, 2).stored(0, 1).processed(first).processed(twice),
        queue().sent(0).processed(first).processed(NEXT),
    ];
    let of_log = [
        sent(log()).assigned(1, 0).processed(first).processed(second).settled(second),
        sent(log()).assigned(1, 0).processed(first).processed(third),
        sent(log()).assigned(1, 0).processed(second).processed(first),
        sent(log()).assigned(1, 0).processed(first).crashed(1).assigned(2, 0).processed(twice),
        sent(log()).assigned(1, 0).processed(first).session_expired(1).processed(twice),
        sent(log()).assigned(1, 0).processed(first).settled(first).reset(2, None, 0),
        sent(log()).reset(1, None, 1).assigned(1, 1).processed(second),
        sent(log()).assigned(1, 0).processed(first).sought(1, 1, 0).processed(Handed(5, 0, 1)),
        log().sent(1).sent(0).stored(0, 2).assigned(1, 0),
    ];
    for history in of_queue.into_iter().chain(of_log) {
        let (run, record) = (report(&history), recorded(&history));
        let known = |report: &SubscriptionReport| {
            let causes = report.causes.iter().map(|(cause, count)| {
                let unknown = [Cause::Unexplained, Cause::Unknown].contains(cause);
                (if unknown { Cause::Unknown } else { *cause }, *count)
            });
            (report.classes, causes.collect::<Causes>(), report.firsts.clone())
        };
        assert_eq!(known(&record), known(&run), "{history:#?}");
        let order = |report: &SubscriptionReport| {
            let Order { reordered, replayed, adjacent_pairs, .. } = report.order;
            (reordered, replayed, adjacent_pairs, report.order.reordered_example)
        };
        assert_eq!(order(&record), order(&run), "{history:#?}");
        let counts = |report: &SubscriptionReport| {
            (report.stored, report.effects, report.excess, report.present, report.dlq_excess)
        };
        assert_eq!(counts(&record), counts(&run), "{history:#?}");
        assert_eq!(record.counters, run.counters, "{history:#?}");
    }
}

/// What became of a message before the first line of its send, or of one that nobody sent.
#[test]
fn what_comes_before_a_send_or_without_one_cannot_be() {
    let check = |early: History, before: GapKind, of_unsent: Option<GapKind>| {
        let found = |history: &History| {
            let (report, gaps) = judged(history, End::Quiescent);
            let found: Vec<_> = gaps.found.into_iter().collect();
            let lines = |(kind, (count, lines)): (GapKind, (u64, Vec<Gap>))| {
                let line = lines.first().map(|gap| (gap.line, gap.message, gap.before));
                (kind, count, line)
            };
            (report.reasons, found.into_iter().map(lines).collect::<Vec<_>>())
        };
        let (count, zero) = (early.events.len() as u64, Some(MessageId(0)));
        let (_, gaps) = found(&early.clone().sent(0));
        assert_eq!(gaps, [(before, count, Some((1, zero, Some(count + 1))))], "{early:#?}");
        let (reasons, gaps) = found(&early.sent(1).processed(NEXT));
        let undelivered = (GapKind::EffectWithoutDelivery, 1);
        let (kind, count) = of_unsent.map_or(undelivered, |kind| (kind, count));
        assert_eq!(gaps, [(kind, count, Some((1, zero, None)))]);
        assert_eq!(reasons.contains(&Reason::InconsistentRecord), of_unsent.is_some());
    };
    let refused = |history: History| history.decided(A, EffectVerdict::Rejected);
    check(queue().applied(A).applied(A), GapKind::EffectBeforeSend, None);
    check(refused(queue()), GapKind::EffectBeforeSend, Some(GapKind::EffectOfUnsent));
    let stored = queue().stored(0, 0).stored(0, 1).stored(0, 2);
    check(stored, GapKind::StoreBeforeSend, Some(GapKind::StoreOfUnsent));
    let delivered = queue().delivered(A).delivered(B);
    check(delivered, GapKind::DeliveryBeforeSend, Some(GapKind::DeliveryOfUnsent));
    let dead = queue().dead_lettered(0, DeadLetterReason::Client);
    check(dead, GapKind::DeadLetterBeforeSend, Some(GapKind::DeadLetterOfUnsent));
    let settles = queue()
        .settle_invoked(A, SettleAct::Ack)
        .settle_ended(A, SettleOutcome::Ok)
        .recorded(A, SettleAct::Ack);
    check(settles, GapKind::SettleBeforeSend, Some(GapKind::SettleOfUnsent));
}

/// Clocks that differ by so much excuse what came before by no more; a line each millisecond.
#[test]
fn what_came_before_by_no_more_than_clocks_differ_is_excused() {
    let check = |between: usize, skew: u64, expect: u64| {
        let early = queue().stalled(3).delivered(A);
        let waits = (1..between).fold(early, |history, _| history.stalled(3));
        let mut checker = read(&waits.sent(0), Duration::from_millis(skew), WHOLE);
        let (_, gaps) = checker.finish(End::Quiescent);
        assert_eq!(gaps.found.values().map(|(count, _)| count).sum::<u64>(), expect);
        assert_eq!(gaps.has_impossible(), expect > 0);
        assert!(!gaps.has_incomplete_sends());
    };
    check(1, 0, 1);
    check(1, 1, 0);
    check(3, 3, 0);
    check(4, 3, 1);
    for (at, skew, expect) in [(7, 0, 1), (7, 1, 0), (0, 1, 1)] {
        let mut at_once = queue().delivered(A).sent(0);
        at_once.events.iter_mut().for_each(|event| event.at = Instant::from_nanos(at));
        let (_, gaps) = read(&at_once, Duration::from_millis(skew), WHOLE).finish(End::Quiescent);
        assert_eq!(gaps.found.len(), expect, "without times nothing is excused");
    }
}

/// Ten lines of each kind are kept, the first ones; all are counted.
#[test]
fn many_gaps_are_counted_and_the_first_are_kept() {
    let many = (0..25).rev().fold(queue(), |history, id| history.stored(id, id.into()));
    let (_, gaps) = judged(&many, End::Quiescent);
    let (count, lines) = &gaps.found[&GapKind::StoreOfUnsent];
    let lines: Vec<_> = lines.iter().map(|gap| gap.line).collect();
    assert_eq!((*count, lines), (25, (1..=10).collect()));
    assert!(gaps.has_impossible());
}

/// An outcome without its invocation leaves open when the message was sent, and so its order.
#[test]
fn an_outcome_without_its_invocation_is_incomplete() {
    let open = queue().ended(0, SendOutcome::Ok).processed(A);
    let (report, gaps) = judged(&open, End::Quiescent);
    assert_eq!(gaps.found[&GapKind::OutcomeWithoutInvocation].0, 1);
    assert!(gaps.has_incomplete_sends() && !gaps.has_impossible());
    assert_eq!(
        (report.verdict, &report.reasons[..]),
        (Verdict::Unknown, &[Reason::IncompleteRecord][..])
    );
    assert_eq!(report.latency.count(), 0);
    let late = queue().ended(0, SendOutcome::Ok).invoked(0, 0, 1).processed(A);
    let (_, gaps) = judged(&late, End::Quiescent);
    let (count, lines) = &gaps.found[&GapKind::OutcomeBeforeInvocation];
    assert_eq!((*count, lines[0].line, lines[0].before), (1, 1, Some(2)));
}

/// What is not recorded is unknown: the kinds of events of which there is none are named.
#[test]
fn what_is_not_recorded_is_unknown() {
    let bare = queue().invoked(0, 0, 1).ended(0, SendOutcome::Ok).applied(A);
    let bare = recorded(&bare);
    assert_eq!((bare.stored, bare.deliveries, bare.redeliveries), (None, None, None));
    assert!(bare.not_recorded.starts_with(&[EventKind::Store, EventKind::Remove]));
    assert!(!bare.records_faults);
    let known = queue().sent(0).processed(A);
    assert_eq!((recorded(&known).not_recorded, report(&known).not_recorded), (vec![], vec![]));
    let undelivered = recorded(&queue().sent(0).applied(A));
    let counts = (undelivered.stored, undelivered.deliveries, undelivered.redeliveries);
    assert_eq!(counts, (Some(1), None, None));
    let unstored = queue().invoked(0, 0, 1).ended(0, SendOutcome::Ok).sent(1).delivered(A);
    let unstored = recorded(&unstored.delivered(B).delivered(NEXT).crashed(1));
    let counts = (unstored.stored, unstored.deliveries, unstored.redeliveries);
    assert_eq!(counts, (Some(1), Some(3), Some(1)), "delivered once, so it was stored");
    assert!(unstored.records_faults);
    let untold = recorded(&queue().invoked(0, 0, 1).ended(0, SendOutcome::Ok));
    assert_eq!(untold.causes.get(&Cause::Unknown), Some(&1));
    let told =
        recorded(&queue().sent(1).invoked(0, 0, 1).ended(0, SendOutcome::Ok).processed(NEXT));
    assert_eq!(told.causes.get(&Cause::NeverStoredButAcked), Some(&1));
}

/// Nothing was promised for dead letters of messages that nobody sent.
#[test]
fn dead_letters_of_unsent_messages_are_no_excess() {
    let client = DeadLetterReason::Client;
    let twice = |history: History| history.dead_lettered(0, client).dead_lettered(0, client);
    let sent = queue().sent(1).processed(NEXT);
    let excess = |history: &History| recorded(history).dlq_excess;
    assert_eq!(excess(&twice(sent.clone())), 0);
    assert_eq!(excess(&twice(sent.sent(0)).dead_lettered(0, client)), 2);
}

/// What a log has passed by is lost, drained or not, unless a consumer goes back.
#[test]
fn what_a_log_has_passed_by_is_lost() {
    let lost = |history: &History| {
        let report = judged(history, End::Unfinished).0;
        (report.classes.get(Class::Lost), report.classes.get(Class::Pending))
    };
    let sent = log().sent(0).sent(1).sent(2).assigned(1, 0);
    assert_eq!(lost(&sent), (0, 3));
    let passed = sent.processed(NEXT);
    assert_eq!(lost(&passed), (1, 1));
    assert_eq!(lost(&passed.clone().sought(1, 2, 0)), (0, 2));
    assert_eq!(lost(&passed.clone().assigned(2, 1)), (1, 1));
    assert_eq!(lost(&passed.clone().stored(0, 7)), (0, 2));
    assert_eq!(lost(&passed.processed(A)), (0, 1));
}

/// Offsets tell copies apart; where they do not, a second attempt may have stored another one.
#[test]
fn another_copy_is_known_by_its_offset_or_suspected() {
    let sent = |history: History| history.invoked(0, 0, 1).ended(0, SendOutcome::Ok);
    let cause = |history: &History, origin: Origin| {
        let (report, _) = read(history, Duration::ZERO, origin).finish(End::Quiescent);
        report.subscriptions[0].causes.keys().copied().collect::<Vec<_>>()
    };
    let first = sent(log()).assigned(1, 0).processed(A).crashed(1).assigned(2, 0);
    let other = first.clone().delivered_at(B, 4).applied(B);
    assert_eq!(cause(&other, WHOLE), [Cause::StoredTwice]);
    assert_eq!(cause(&first.clone().processed(B), WHOLE), [Cause::RedeliveredAfterCrash]);
    let nowhere = first.delivered_at(B, NO_POSITION).applied(B);
    assert_eq!(cause(&nowhere, WHOLE), [Cause::RedeliveredAfterCrash]);
    let says_first = Origin { says_first: true, ..WHOLE };
    let again = |history: History| {
        let settled = history.delivered_number(A, 1).applied(A).settled(A);
        settled.delivered_number(B, 1).applied(B)
    };
    let once = again(sent(queue()));
    assert_eq!(cause(&once, WHOLE), [Cause::RedeliveredAfterSettle]);
    let retried = sent(queue().invoked(0, 0, 1).ended(0, SendOutcome::Info).invoked(0, 0, 2));
    assert_eq!(cause(&again(retried.clone()), WHOLE), [Cause::Unknown]);
    let crashed = retried.delivered_number(A, 1).applied(A).crashed(1);
    let crashed = crashed.delivered_number(B, 1).applied(B);
    assert_eq!(cause(&crashed, WHOLE), [Cause::RedeliveredAfterCrash]);
    assert_eq!(cause(&crashed, says_first), [Cause::Unknown]);
    let stored = sent(queue().invoked(0, 0, 1).stored(0, 0).ended(0, SendOutcome::Info));
    let stored = stored.invoked(0, 0, 2).delivered_number(A, 1).applied(A).crashed(1);
    let stored = stored.delivered_number(B, 1).applied(B);
    assert_eq!(cause(&stored, says_first), [Cause::Unknown], "the other store may be missing");
    let retried = sent(log().invoked(0, 0, 1).ended(0, SendOutcome::Info).invoked(0, 0, 2));
    let nowhere = retried.assigned(1, 0).delivered_at(A, NO_POSITION).applied(A);
    let reset = nowhere.reset(1, Some(1), 0).processed(Handed(2, 0, 1));
    assert_eq!(cause(&reset, says_first), [Cause::OffsetReset]);
    let refused = queue().invoked(0, 0, 1).ended(0, SendOutcome::Fail).invoked(0, 0, 2);
    let refused = again(refused.ended(0, SendOutcome::Ok));
    assert_eq!(cause(&refused, WHOLE), [Cause::RedeliveredAfterSettle]);
}

/// A message that was acked goes back with others that its consumer had before.
#[test]
fn what_goes_back_with_others_has_them_as_its_cause() {
    let cause = |history: &History| recorded(history).causes.keys().copied().collect::<Vec<_>>();
    let held = queue().sent(0).sent(1).delivered(NEXT).processed(A).settled(A);
    let returned = |history: &History| history.clone().recorded(NEXT, SettleAct::Requeue);
    let again = |history: History| cause(&history.processed(B));
    let later = Handed(9, 1, 1);
    let before = queue().sent(0).sent(1).processed(A).settled(A).delivered(later);
    assert!(again(returned(&held)).contains(&Cause::ReturnedWithBatch));
    assert!(again(held.clone().requeued(1, 1)).contains(&Cause::ReturnedWithBatch));
    assert!(again(held).contains(&Cause::RedeliveredAfterSettle));
    let not_held = before.recorded(later, SettleAct::Requeue);
    assert!(again(not_held).contains(&Cause::RedeliveredAfterSettle));
    let told = queue().sent(0).sent(1).delivered(NEXT).processed(A);
    let told = told.settle_ended(A, SettleOutcome::Ok).requeued(1, 1);
    assert!(again(told).contains(&Cause::ReturnedWithBatch));
}

/// A dead letter for which the line gives no reason is that of the reject or return before it.
#[test]
fn a_dead_letter_belongs_to_the_reject_before_it() {
    let client = DeadLetterReason::Client;
    let processed = queue().sent(0).processed(A).failed(A, ProcessingResult::Unknown);
    let causes = |history: &History| recorded(history).causes;
    let own = processed.clone().dead_lettered(0, client);
    assert_eq!(causes(&own), Causes::from([(Cause::HandlerRetry, 1)]));
    let rejected = processed.recorded(A, SettleAct::Reject).dead_lettered(0, client);
    assert_eq!(causes(&rejected), Causes::from([(Cause::NackedAfterEffect, 1)]));
}

/// Offsets of a log: what stands behind what was sent later, and two messages at one place.
#[test]
fn offsets_show_disorder() {
    let order = |history: &History| {
        let order = recorded(history).order;
        (order.write_inversions, order.inconsistent_offsets)
    };
    assert_eq!(order(&log().sent(0).sent(1).sent(2)), (0, 0));
    let swapped = log().invoked(0, 0, 1).ended(0, SendOutcome::Ok);
    let swapped = swapped.invoked(1, 0, 1).stored(1, 0).ended(1, SendOutcome::Ok).stored(0, 1);
    assert_eq!(order(&swapped), (1, 0));
    assert_eq!(order(&log().sent(0).sent(1).stored(1, 0)), (0, 1));
    let seen = log().sent(0).sent(1).delivered_at(A, 0).delivered_at(NEXT, 0);
    assert_eq!(order(&seen), (0, 1));
    let apart = swapped.push(Kind::Stored {
        message: MessageId(0),
        subscription: None,
        partition: PartitionId(1),
        position: 5,
        copy: 2,
    });
    assert_eq!(order(&apart), (1, 0));
    let nowhere =
        log().sent(0).sent(1).delivered_at(A, NO_POSITION).delivered_at(NEXT, NO_POSITION);
    assert_eq!(order(&nowhere), (0, 0));
}

/// Where keys are not told, order is compared only where two messages stand in one partition.
#[test]
fn order_without_keys_and_offsets_is_unknown() {
    let silent = Origin { names_key: false, ..WHOLE };
    let open = |history: &History| {
        let (report, _) = read(history, Duration::ZERO, silent).finish(End::Quiescent);
        report.reasons.contains(&Reason::NothingCompared)
    };
    let sent = |history: History, id: u32| {
        history.invoked(id, 0, 1).ended(id, SendOutcome::Ok).applied(Handed(id, id, 1))
    };
    assert!(open(&sent(sent(queue(), 0), 1)));
    assert!(!open(&sent(queue(), 0)));
    assert!(open(&sent(sent(log(), 0), 1)));
    assert!(!open(&sent(sent(log(), 0), 1).stored(0, 0).stored(1, 1)));
    assert!(open(&sent(sent(log(), 0), 1).stored(0, 0)));
    let (report, _) = judged(&sent(sent(queue(), 0), 1), End::Quiescent);
    assert!(!report.reasons.contains(&Reason::NothingCompared));
}

/// Offsets that were jumped over, and those that came again, leave a promise of order open.
#[test]
fn disorder_of_offsets_is_a_reason() {
    let sent = log().sent(0).sent(1).sent(2).assigned(1, 0).processed(A);
    let third = Handed(7, 2, 1);
    let reasons = |history: &History| recorded(history).reasons;
    assert_eq!(reasons(&sent.clone().processed(NEXT).processed(third)), []);
    let skipped = sent.clone().processed(third);
    assert_eq!(reasons(&skipped), [Reason::Lost]);
    assert_eq!(reasons(&skipped.processed(Handed(9, 1, 2))), [Reason::Reordered]);
    let in_order = sent.clone().delivered(third).processed(Handed(9, 1, 2)).applied(third);
    assert_eq!(reasons(&in_order), [Reason::PollsLeftOut]);
    let back =
        |history: History| history.processed(NEXT).processed(third).delivered(Handed(8, 1, 1));
    assert_eq!(reasons(&back(sent.clone())), [Reason::PollsLeftOut]);
    assert_eq!(reasons(&back(sent.sought(1, 1, 1))), [Reason::PollsLeftOut]);
}

/// The messages that show something, with their cause, and what came before them.
#[test]
fn messages_are_listed_by_what_they_show() {
    let list = |history: &History, of: &[Listable]| {
        let mut checker = read(history, Duration::ZERO, WHOLE);
        checker.finish(End::Quiescent);
        checker.list(End::Quiescent, &of.iter().copied().collect::<BTreeSet<_>>())
    };
    let plain = |listed: Vec<Listed>| -> Vec<_> {
        listed.iter().map(|one| (one.what, one.message.0, one.cause, one.after)).collect()
    };
    let class = Listable::Class;
    let mixed = queue().sent(0).sent(1).sent(2).processed(NEXT).processed(A).processed(B);
    let unknown = Some(Cause::Unknown);
    assert_eq!(list(&mixed, &[]), []);
    assert_eq!(plain(list(&mixed, &[class(Class::Exact)])), [(class(Class::Exact), 1, None, None)]);
    let duplicated = (class(Class::Duplicated), 0, unknown, None);
    assert_eq!(plain(list(&mixed, &[class(Class::Duplicated)])), [duplicated]);
    let after = Some(MessageId(1));
    let reordered = (Listable::Reordered, 0, None, after);
    assert_eq!(plain(list(&mixed, &[Listable::Reordered])), [reordered]);
    let replayed = (Listable::Replayed, 0, None, after);
    assert_eq!(plain(list(&mixed, &[Listable::Replayed])), [replayed]);
    let all: Vec<_> = Listable::all().collect();
    assert_eq!(all.len(), Class::COUNT + 2);
    assert_eq!(list(&mixed, &all).len(), 5);
    let phantom = queue().sent(1).processed(A);
    assert_eq!(list(&phantom, &[class(Class::Phantom)])[0].message, MessageId(0));
    let retried = queue().invoked(0, 0, 1).ended(0, SendOutcome::Info).invoked(0, 0, 2);
    let retried = retried.ended(0, SendOutcome::Ok);
    let perhaps = |history: &History, what: Class| {
        list(history, &[class(what)]).iter().any(|one| one.perhaps_stored_twice)
    };
    let again = retried.clone().processed(A).settled(A).delivered_number(B, 1).applied(B);
    assert!(perhaps(&again, Class::Duplicated));
    let stored = retried.clone().stored(0, 0).processed(A).delivered_number(B, 2).applied(B);
    assert!(perhaps(&stored, Class::Duplicated), "the other store may be missing");
    let once = queue().sent(0).stored(0, 0).processed(A).delivered_number(B, 2).applied(B);
    assert!(!perhaps(&once, Class::Duplicated));
    assert!(!perhaps(&mixed, Class::Duplicated));
    assert!(!perhaps(&retried, Class::Lost));
    let names: Vec<_> = all.iter().rev().take(3).map(|one| one.name()).collect();
    assert_eq!(names, ["replayed", "reordered", "refused"]);
}

/// A reader that has found what cannot be says so.
#[test]
fn what_the_reader_found_is_a_gap() {
    let fine = queue().sent(0).processed(A);
    let mut checker = read(&fine, Duration::ZERO, WHOLE);
    let gap = Gap { line: 4, message: None, before: None };
    checker.found(GapKind::TimeBackwards, 3, gap);
    let (report, gaps) = checker.finish(End::Quiescent);
    assert_eq!(gaps.found[&GapKind::TimeBackwards], (3, vec![gap]));
    assert_eq!(report.reasons, [Reason::InconsistentRecord]);
}

/// What only a log does is nothing in the record of a queue, and a store is one in any queue.
#[test]
fn a_record_is_that_of_its_broker() {
    let (message, partition, position) = (MessageId(0), PartitionId(0), 0);
    let everywhere = Kind::Stored { message, subscription: None, partition, position, copy: 1 };
    let of_queue = queue().sent(0).push(everywhere).processed(A);
    assert_eq!(recorded(&of_queue).stored, Some(2));
    let committed = queue().sent(0).committed_by(1, 0, 1, SettleTrigger::Timer);
    let committed = recorded(&committed.assigned(1, 0).removed(0, RemoveReason::Ttl));
    assert_eq!(committed.causes, Causes::from([(Cause::RemovedTtl, 1)]));
    let subscription = Some(SUBSCRIPTION);
    let mine = Kind::Stored { message, subscription, partition, position, copy: 1 };
    let of_log = log().invoked(0, 0, 1).push(mine).ended(0, SendOutcome::Ok);
    let of_log = recorded(&of_log.assigned(1, 0).processed(A).settled(A));
    assert_eq!((of_log.stored, of_log.verdict), (Some(1), Verdict::Valid));
    let waiting = queue().sent(0).delivered(A).retrievable(0);
    assert_eq!(recorded(&waiting).waiting[0].last_with, Some(ProcessId(1)));
}
