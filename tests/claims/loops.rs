//! C18, C19, C21, C23 and C35: the article's loops, by every schedule. Row by row, with exact
//! counts, they are in `crates/sim/tests/article_loops.rs`.

use entrega_checker::Cause;
use entrega_clients::Strategy::{ArticleBasic, ArticleCommitEveryN, ArticleDeadLetters};
use entrega_model::Model;

use crate::bench::{Outcome, Run, Setting, causes, every, outcomes, showing};

const CRASHES: [&str; 2] = ["effect.before=crash", "effect.after=crash"];
const ERROR: [&str; 1] = ["handler.error=transient"];
const ALONE: Setting = ("subscriptions.0.consumers", "1");
const AUTO_OFF: Setting = ("consumer.enable_auto_commit", "false");
const JAVA: Setting = ("consumer.client", "java");
const TIMER_FAR: Setting = ("consumer.auto_commit_interval", "30s");
const N_1: Setting = ("consumer.settle_every", "1");

/// C18: **the basic loop is the simplest exactly-once?** It loses and it duplicates, by crashes
/// alone: what a crash finds committed or not is up to the timer. Without auto-commit, or with
/// Java's, it only duplicates.
#[test]
fn c18_the_basic_loop_loses_and_duplicates() {
    let basic = |settings: &[Setting]| {
        every((Model::Log, ArticleBasic), &CRASHES, 1, &[&[ALONE], settings].concat())
    };
    let published = basic(&[]);
    assert_eq!(outcomes(&published), [Outcome::Loss, Outcome::Duplicate]);
    assert_eq!(causes(&published), [Cause::SettledByTimer, Cause::RedeliveredAfterCrash]);
    assert_eq!(outcomes(&published[..1]), [], "without a crash nothing goes wrong");
    assert_eq!(outcomes(&basic(&[TIMER_FAR])), outcomes(&published), "a handler can be slower");
    for settings in [AUTO_OFF, JAVA] {
        assert_eq!(outcomes(&basic(&[settings])), [Outcome::Duplicate], "{settings:?}");
    }
}

/// C19: `close()` commits the message that failed. With the published defaults every schedule with
/// one handler error loses exactly one message, in each loop that lets errors out; without
/// auto-commit none loses.
#[test]
fn c19_every_exception_loses_with_the_published_defaults() {
    for strategy in [ArticleBasic, ArticleCommitEveryN] {
        let published = every((Model::Log, strategy), &ERROR, 1, &[ALONE, TIMER_FAR]);
        assert_eq!(published.len(), 1 + 3, "{strategy}: each of three messages");
        assert_eq!(causes(&published), [Cause::SettledByClose], "{strategy}");
        let one = |run: &&Run| run.reports[0].lost() == 1;
        assert_eq!(published.iter().filter(one).count(), 3, "{strategy}");
        let off = every((Model::Log, strategy), &ERROR, 2, &[ALONE, AUTO_OFF]);
        assert_eq!((showing(&off, Outcome::Loss), off.len() > 10), (0, true), "{strategy}");
    }
    let java = every((Model::Log, ArticleBasic), &ERROR, 1, &[ALONE, TIMER_FAR, JAVA]);
    let lost: Vec<u64> = java.iter().map(|run| run.reports[0].lost()).collect();
    assert_eq!(lost, [0, 2, 1, 1], "and the rest of its poll; the first poll returned two");
}

/// C21: **`MIN_COMMIT_COUNT = 1` is exactly-once?** Each kill between effect and commit duplicates
/// one message, and with the published auto-commit a kill also loses. Handler errors are what the
/// article saw: without auto-commit they do no harm at N = 1.
#[test]
fn c21_a_commit_after_every_message_is_not_exactly_once() {
    let killed = |fault, settings: &[Setting]| {
        let settings = [&[ALONE, N_1], settings].concat();
        every((Model::Log, ArticleCommitEveryN), &[fault], 1, &settings)
    };
    let between = killed("effect.after=crash", &[AUTO_OFF, ("workload.messages", "3")]);
    assert_eq!(outcomes(&between), [Outcome::Duplicate]);
    assert_eq!(showing(&between, Outcome::Duplicate), between.len() - 1);
    assert!(between[1..].iter().all(|run| run.effects().iter().sum::<u32>() == 3 + 1));
    assert_eq!(outcomes(&killed("effect.before=crash", &[AUTO_OFF])), []);
    assert_eq!(outcomes(&killed("effect.before=crash", &[])), [Outcome::Loss]);
    assert_eq!(outcomes(&killed("handler.error=transient", &[AUTO_OFF])), []);
}

/// C23: **the dead-letter loop solves it?** With auto-commit off nothing is lost. But a dead letter
/// and its commit are two steps: a crash, a lost commit or an unanswered write in between gives a
/// second dead letter, or an effect and a dead letter.
#[test]
fn c23_the_dead_letter_loop_repeats_dead_letters_and_effects() {
    let faults = ["handler.error=transient", "message.poison=poison", "effect.before=crash"];
    let runs = every((Model::Log, ArticleDeadLetters), &faults, 2, &[ALONE, AUTO_OFF]);
    let wrong = [Outcome::Duplicate, Outcome::Split, Outcome::DeadLetteredTwice];
    assert_eq!(outcomes(&runs), [&wrong[..], &[Outcome::DeadLetter]].concat());
    let one = every((Model::Log, ArticleDeadLetters), &faults, 1, &[ALONE, AUTO_OFF]);
    assert_eq!(outcomes(&one), [Outcome::Duplicate, Outcome::DeadLetter], "the rest takes two");
    let unwritten = ["message.poison=poison", "dead_letter.request=lost"];
    let published = every((Model::Log, ArticleDeadLetters), &unwritten, 2, &[ALONE, TIMER_FAR]);
    assert_eq!(causes(&published), [Cause::SettledByClose], "a dead letter that nobody wrote");
    let off = every((Model::Log, ArticleDeadLetters), &unwritten, 2, &[ALONE, AUTO_OFF]);
    assert_eq!(showing(&off, Outcome::Loss), 0);
}

/// C23: **one failing message and a kill.** With the published auto-commit a kill anywhere loses,
/// duplicates, and doubles the dead letter; without it the loop only repeats. The dead letter is
/// doubled by the kill behind it alone, even with a commit after every message.
#[test]
fn c23_a_failing_message_and_a_kill() {
    const POISON: &str = "message.poison=poison";
    const KILL: &str = "dead_letter.after=crash";
    let every_kill = [POISON, CRASHES[0], CRASHES[1], "settle.after=crash", KILL];
    let killed = |faults: &[&str], settings: &[Setting]| {
        let settings = [&[ALONE], settings].concat();
        every((Model::Log, ArticleDeadLetters), faults, 2, &settings)
    };
    let repeats = [Outcome::Duplicate, Outcome::DeadLetteredTwice, Outcome::DeadLetter];
    let published = outcomes(&killed(&every_kill, &[]));
    assert_eq!(published, [&[Outcome::Loss][..], &repeats].concat());
    assert_eq!(outcomes(&killed(&every_kill, &[AUTO_OFF])), repeats);
    let after_each = killed(&[POISON, KILL], &[AUTO_OFF, N_1]);
    assert_eq!(outcomes(&after_each), [Outcome::DeadLetteredTwice, Outcome::DeadLetter]);
    assert_eq!(outcomes(&killed(&[POISON], &[AUTO_OFF, N_1])), [Outcome::DeadLetter]);
}

/// C35, M5: a commit without arguments is right as long as the loop is strictly sequential and its
/// library counts hand-overs. In Java the position already points past the rest of the batch.
#[test]
fn c35_a_commit_without_arguments_covers_more_than_the_message() {
    let crash = ["effect.before=crash"];
    let by = |settings: &[Setting]| {
        let settings = [&[ALONE, AUTO_OFF, N_1], settings].concat();
        every((Model::Log, ArticleCommitEveryN), &crash, 1, &settings)
    };
    assert_eq!(outcomes(&by(&[])), []);
    let java = by(&[JAVA]);
    assert_eq!(causes(&java), [Cause::SettledBeforeProcess]);
    let second = |run: &&Run| run.effects() == [1, 0, 1];
    assert_eq!((java.len(), java.iter().filter(second).count()), (1 + 3 * 4, 4));
    assert_eq!(showing(&java, Outcome::Loss), 4, "the second message of the first poll");
    assert_eq!(outcomes(&by(&[JAVA, ("consumer.prefetch", "1")])), []);
}
