//! Loop (b): a commit every N messages.

use super::*;

/// C21: a kill between effect and commit repeats the open window, one message if N = 1.
#[test]
fn c21_a_kill_between_effect_and_commit_duplicates() {
    for nth in 1..=5_usize {
        let fault = format!("mailer.effect.after#{nth}=crash");
        for auto in [&[][..], &[AUTO_OFF]] {
            for (n, name) in [(1, "1"), (3, "3"), (5, "5")] {
                let overrides: Vec<_> = auto.iter().copied().chain([every(name)]).collect();
                let mut expect = [1; 5];
                expect[(nth - 1) / n * n..nth].fill(2);
                check(ArticleCommitEveryN, &overrides, &fault, expect);
            }
        }
    }
}

/// A kill before the effect of the k-th message of a window repeats the k − 1 before it.
#[test]
fn c21_a_kill_before_the_effect_duplicates_the_window_before_it() {
    for nth in 1..=5_usize {
        let fault = format!("mailer.effect.before#{nth}=crash");
        for (n, name) in [(1, "1"), (3, "3"), (5, "5")] {
            let mut expect = [1; 5];
            expect[(nth - 1) / n * n..nth - 1].fill(2);
            check(ArticleCommitEveryN, &[AUTO_OFF, every(name)], &fault, expect);
        }
    }
}

/// C21: with N = 1 and the published defaults a kill also loses.
#[test]
fn c21_with_every_message_committed_the_timer_still_loses() {
    let fault = "mailer.handler.slow#3=slow+mailer.effect.before#3=crash";
    check(ArticleCommitEveryN, &[TIMER_NEAR, every("1")], fault, [1, 1, 0, 1, 1]);
    check(ArticleCommitEveryN, &[TIMER_NEAR, every("1"), AUTO_OFF], fault, [1; 5]);
}

/// A kill at the end of the commit call, and a commit whose request or answer is lost. The loop
/// raises then; `close()` mends it with auto-commit on.
#[test]
fn a_commit_that_fails_ends_the_loop() {
    for auto in [&[][..], &[AUTO_OFF]] {
        check(ArticleCommitEveryN, auto, "mailer.settle.after#1=crash", [1; 5]);
        let run = check(ArticleCommitEveryN, auto, "mailer.settle.response#1=lost", [1; 5]);
        assert_eq!(failures(&run), 1);
    }
    let lost = "mailer.settle.request#1=lost";
    let run = check(ArticleCommitEveryN, &[], lost, [1; 5]);
    assert_eq!(failures(&run), 1);
    let run = check(ArticleCommitEveryN, &[AUTO_OFF], lost, [2, 2, 2, 1, 1]);
    assert_eq!(failures(&run), 1);
}

/// A fenced generation: the zombie's commit raises, and the new owner has repeated the message.
#[test]
fn a_fenced_commit_ends_the_loop() {
    for auto in [&[TWO_CONSUMERS][..], &[TWO_CONSUMERS, AUTO_OFF]] {
        let overrides: Vec<_> = auto.iter().copied().chain([every("1")]).collect();
        let fault = "mailer.process.stall#2=after";
        let run = check(ArticleCommitEveryN, &overrides, fault, [1, 2, 1, 1, 1]);
        let refused =
            |kind: &Kind| matches!(kind, Kind::SettleEnded { outcome: SettleOutcome::Fail, .. });
        assert_eq!((run.count(refused), failures(&run)), (1, 1));
    }
}

/// `_NO_OFFSET`: the timer commits while the handler works, so there is nothing left to commit when
/// the loop asks, and it crashes although nothing is wrong. Nothing is lost and nothing repeated.
#[test]
fn a_timer_that_is_faster_crashes_the_loop() {
    let slow_handler =
        ("subscriptions.0.service_time", "{ distribution = \"constant\", value = \"60ms\" }");
    let near = [TIMER_NEAR, slow_handler, every("1")];
    let storm = check(ArticleCommitEveryN, &near, "", [1; 5]);
    assert_eq!(failures(&storm), 5, "a restart for every message, without a single fault");
    let off = [near[0], near[1], near[2], AUTO_OFF];
    assert_eq!(failures(&check(ArticleCommitEveryN, &off, "", [1; 5])), 0);
    let java = [near[0], near[1], near[2], JAVA];
    assert_eq!(failures(&check(ArticleCommitEveryN, &java, "", [1; 5])), 0);
    let dead = check(ArticleDeadLetters, &near, "", [1; 5]);
    assert_eq!(failures(&dead), 5, "loop (c) has the same commit");
}

/// An idle topic: fewer than N messages arrive. The timer commits them; without it nothing does,
/// and the next crash repeats them all.
#[test]
fn the_tail_of_an_idle_topic_is_committed_by_the_timer_alone() {
    let run = check(ArticleCommitEveryN, &[TIMER_NEAR, every("10")], "", [1; 5]);
    assert_eq!(commits(&run).last(), Some(&(5, SettleTrigger::Timer)));
    let run = check(ArticleCommitEveryN, &[AUTO_OFF, every("10")], "", [1; 5]);
    assert_eq!(commits(&run), []);
    let fault = "mailer.effect.after#5=crash";
    check(ArticleCommitEveryN, &[AUTO_OFF, every("10")], fault, [2; 5]);
}

/// A clean shutdown with a partial window: `close()` leaves it uncommitted without auto-commit.
/// (With it the timer was first here: a run waits for every timer before it closes.)
#[test]
fn a_clean_shutdown_leaves_the_partial_window_without_auto_commit() {
    let by_loop = (3, SettleTrigger::Application);
    let on = check(ArticleCommitEveryN, &[], "", [1; 5]);
    assert_eq!(commits(&on), [by_loop, (5, SettleTrigger::Timer)]);
    let off = check(ArticleCommitEveryN, &[AUTO_OFF], "", [1; 5]);
    assert_eq!(commits(&off), [by_loop]);
}
