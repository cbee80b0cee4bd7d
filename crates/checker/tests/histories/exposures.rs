//! What crashes by time hit, and how long a process spends there, counted by hand: every event
//! takes a millisecond.

use entrega_checker::Window::{
    self, BeforeEffect, Buffered, EffectAsked, EffectDone, Idle, SettleAsked, Settled,
};
use entrega_checker::{Config, End, Exposure, TimedCrashes};
use entrega_model::event::{Phase, ProcessingResult, SettleAct, SettleOutcome};
use entrega_model::{DeliveryId, Kind, MessageId, ProcessId};

use crate::dsl::{Handed, History, SUBSCRIPTION, judge_as, log, queue, strict};

const M0: Handed = Handed(1, 0, 1);
const M1: Handed = Handed(2, 1, 1);
/// The point of crashes by time.
const POINT: u16 = 77;

impl History {
    /// The first process dies at once, by time or by another point.
    fn struck(self, point: u16) -> Self {
        let (alternative, process, message) = (1, ProcessId(1), None);
        let mut dead = self.push(Kind::Faulted { point, alternative, process, message }).crashed(1);
        if let [.., fault, crash] = &mut dead.events[..] {
            crash.at = fault.at;
        }
        dead
    }

    /// The sink is asked.
    fn asked(self, Handed(delivery, message, consumer): Handed) -> Self {
        self.push(Kind::EffectInvoked {
            delivery: DeliveryId(delivery),
            message: MessageId(message),
            subscription: SUBSCRIPTION,
            consumer: ProcessId(consumer),
        })
    }

    /// Worked on with success: two events.
    fn worked(self, handed: Handed) -> Self {
        self.applied(handed).failed(handed, ProcessingResult::Ok)
    }
}

fn exposure(history: &History) -> Exposure {
    exposure_of(history, true)
}

/// Of a process that waits for the answers to its settles, or does not.
fn exposure_of(history: &History, confirms: bool) -> Exposure {
    let timed_crashes = vec![TimedCrashes {
        process: ProcessId(1),
        subscription: SUBSCRIPTION,
        point: POINT,
        confirms,
    }];
    let config = Config { timed_crashes, ..Config::default() };
    let report = judge_as(config, &history.events, strict(), End::Quiescent);
    report.subscriptions[0].exposure.clone().expect("a process that dies by time")
}

/// Hits and milliseconds in each window.
fn check(history: &History, crashes: u64, expected: &[(Window, u64, u64)]) {
    let found = exposure(history);
    let windows = found.windows.iter();
    let windows: Vec<_> =
        windows.map(|(window, of)| (*window, of.hits, of.time_ns / 1_000_000)).collect();
    assert_eq!((found.crashes, &*windows), (crashes, expected), "{history:#?}");
}

#[test]
fn a_message_is_in_one_window_after_the_other() {
    let begun = queue().begun(1).delivered(M0).started(M0).worked(M0);
    let asked = begun.clone().settle_invoked(M0, SettleAct::Ack);
    let recorded = asked.clone().recorded(M0, SettleAct::Ack);
    let over = recorded.clone().settle_ended(M0, SettleOutcome::Ok);
    let until_effect = [(Idle, 0, 1), (Buffered, 0, 1), (BeforeEffect, 0, 1)];
    let and = |more: &[(Window, u64, u64)]| [&until_effect[..], more].concat();
    check(&begun.struck(POINT), 1, &and(&[(EffectDone, 1, 2)]));
    check(&asked.struck(POINT), 1, &and(&[(EffectDone, 0, 2), (SettleAsked, 1, 1)]));
    let settled = [(EffectDone, 0, 2), (SettleAsked, 0, 1), (Settled, 1, 1)];
    check(&recorded.struck(POINT), 1, &and(&settled));
    let settled = [(EffectDone, 0, 2), (SettleAsked, 0, 1), (Settled, 0, 1)];
    let idle = [(Idle, 1, 2), (Buffered, 0, 1), (BeforeEffect, 0, 1)];
    check(&over.struck(POINT), 1, &[&idle[..], &settled].concat());
}

/// A request to the sink is a window of its own, from its departure to the effect, or to the end of
/// a handler that has no answer.
#[test]
fn a_request_to_the_sink_is_a_window() {
    let asks = queue().begun(1).delivered(M0).started(M0).asked(M0);
    let before = [(Idle, 0, 1), (Buffered, 0, 1), (BeforeEffect, 0, 1)];
    let and = |more: &[(Window, u64, u64)]| [&before[..], more].concat();
    check(&asks.clone().struck(POINT), 1, &and(&[(EffectAsked, 1, 1)]));
    let done = asks.clone().worked(M0).struck(POINT);
    check(&done, 1, &and(&[(EffectAsked, 0, 1), (EffectDone, 1, 2)]));
    let unanswered = asks.failed(M0, ProcessingResult::Unknown).struck(POINT);
    let expected = [(Idle, 0, 1), (Buffered, 1, 2), (BeforeEffect, 0, 1), (EffectAsked, 0, 1)];
    check(&unanswered, 1, &expected);
}

/// With two messages a process is in two windows at once, and the time before the effect of a
/// failed handler is over.
#[test]
fn every_message_of_a_process_counts() {
    let both = queue().begun(1).delivered(M0).delivered(M1).started(M0);
    let expected = [(Idle, 0, 1), (Buffered, 1, 3), (BeforeEffect, 1, 1)];
    check(&both.clone().struck(POINT), 1, &expected);
    let failed = both.failed(M0, ProcessingResult::Transient).struck(POINT);
    check(&failed, 1, &[(Idle, 0, 1), (Buffered, 1, 4), (BeforeEffect, 0, 1)]);
}

/// What is settled first is processed after that.
#[test]
fn what_is_settled_first_is_still_held() {
    let settled = queue().begun(1).delivered(M0).settled(M0);
    let waits = settled.clone().struck(POINT);
    assert_eq!(exposure(&waits).windows[&Settled].hits, 1);
    let works = settled.started(M0).struck(POINT);
    assert_eq!(exposure(&works).windows[&BeforeEffect].hits, 1);
}

/// A commit is asked for and recorded for all that are before it.
#[test]
fn a_commit_is_that_of_several() {
    let done = log().begun(1).delivered(M0).started(M0).worked(M0);
    let done = done.delivered(M1).started(M1).worked(M1);
    let found = exposure(&done.clone().settled(M1).struck(POINT));
    assert_eq!(found.windows[&Idle].hits, 1, "{found:?}");
    let asked = exposure(&done.settle_invoked(M1, SettleAct::Commit).struck(POINT));
    let hits: Vec<_> = asked.windows.iter().filter(|(_, of)| of.hits > 0).collect();
    assert_eq!(hits.len(), 1, "{asked:?}");
    assert_eq!(asked.windows[&SettleAsked].hits, 1);
}

/// Crashes of other points do not count, and neither does the time when the process is down or
/// after the heal.
#[test]
fn only_crashes_by_time_count_while_they_can_come() {
    let other = queue().begun(1).struck(POINT + 1).begun(1).struck(POINT);
    check(&other, 1, &[(Idle, 1, 2)]);
    let healed = queue().begun(1).push(Kind::Entered { phase: Phase::Heal }).delivered(M0);
    check(&healed.struck(POINT), 0, &[(Idle, 0, 1)]);
}

/// What failed and is settled all the same is held until its settle is over, as anything else; and
/// what failed after its settle is held no more.
#[test]
fn what_failed_is_held_until_its_settle() {
    let failed = |history: History| history.failed(M0, ProcessingResult::Transient);
    let skipped = failed(queue().begun(1).delivered(M0).started(M0)).settled(M0);
    let first = failed(queue().begun(1).delivered(M0).settled(M0).started(M0));
    for history in [skipped, first] {
        assert_eq!(exposure(&history.struck(POINT)).windows[&Idle].hits, 1);
    }
    let tried = failed(queue().begun(1).delivered(M0).settled(M0).started(M0)).started(M0);
    assert_eq!(exposure(&tried.struck(POINT)).windows[&BeforeEffect].hits, 1);
}

/// Who does not wait for an answer has gone on when the settle is recorded.
#[test]
fn a_settle_without_an_answer_is_over_when_it_is_recorded() {
    let done = queue().begun(1).delivered(M0).started(M0).worked(M0);
    let recorded = done.settle_invoked(M0, SettleAct::Ack).recorded(M0, SettleAct::Ack);
    let hits = |confirms, window| {
        exposure_of(&recorded.clone().struck(POINT), confirms).windows[&window].hits
    };
    assert_eq!((hits(true, Settled), hits(false, Idle)), (1, 1));
}
