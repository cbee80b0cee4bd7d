//! Loop (c): dead letters. Its defects by number are those of semantics.md 1.3.

use super::*;

const THOUSAND: [Override; 4] = [
    AUTO_OFF,
    ("consumer.settle_every", "10"),
    ("workload.messages", "1000"),
    ("workload.arrivals", "{ distribution = \"constant\", rate_per_second = 20 }"),
];

/// Fails these messages, by number from 1.
fn poison(numbers: impl Iterator<Item = u32>) -> String {
    let each: Vec<String> = numbers.map(|n| format!("mailer.message.poison#{n}=poison")).collect();
    each.join("+")
}

/// C23, defect 1: the count is looked at for every message, and only successes are counted.
#[test]
fn c23_one_success_and_999_failures_commit_nothing() {
    let run = run(ArticleDeadLetters, &THOUSAND, &poison(2..=1000));
    assert_eq!(run.effects.iter().sum::<u32>(), 1);
    assert_eq!(run.dead_letters.iter().sum::<u32>(), 999);
    assert_eq!(commits(&run), []);
}

/// … so a crash behind them repeats a thousand messages and writes 999 dead letters again.
#[test]
fn c23_a_crash_behind_999_failures_repeats_them_all() {
    let mut overrides = THOUSAND;
    overrides[2] = ("workload.messages", "1001");
    let faults = format!("{}+mailer.effect.before#2=crash", poison(2..=1000));
    let run = run(ArticleDeadLetters, &overrides, &faults);
    assert_eq!(run.dead_letters.iter().sum::<u32>(), 2 * 999);
    assert_eq!((run.effects[0], run.effects[1000]), (2, 1));
    assert_eq!(commits(&run), []);
}

#[test]
fn c23_ten_successes_and_990_failures_commit_991_times() {
    let run = run(ArticleDeadLetters, &THOUSAND, &poison(11..=1000));
    assert_eq!(run.dead_letters.iter().sum::<u32>(), 990);
    let expect: Vec<_> = (10..=1000).map(|upto| (upto, SettleTrigger::Application)).collect();
    assert_eq!(commits(&run), expect);
    assert_eq!(expect.len(), 991);
}

/// 0 is a multiple of N: until the first success every dead letter commits.
#[test]
fn c23_at_the_start_every_dead_letter_commits() {
    let run = run(ArticleDeadLetters, &[AUTO_OFF, every("10")], &poison(1..=4));
    assert_eq!(run.effects, [0, 0, 0, 0, 1]);
    let expect: Vec<_> = (1..=4).map(|upto| (upto, SettleTrigger::Application)).collect();
    assert_eq!(commits(&run), expect);
}

/// Success and failure in turn: the window nearly doubles, from 10 messages to 19.
#[test]
fn c23_every_other_failure_nearly_doubles_the_window() {
    let run = run(ArticleDeadLetters, &THOUSAND, &poison((2..=1000).step_by(2)));
    let expect: Vec<_> = (1..=50_u64)
        .flat_map(|tens| [20 * tens - 1, 20 * tens])
        .map(|upto| (upto, SettleTrigger::Application))
        .collect();
    assert_eq!(commits(&run), expect);
}

/// C23, defect 2: a crash between the dead letter and the commit that would cover it. A poison
/// message has two dead letters; one that failed by chance has a dead letter *and* its effect.
#[test]
fn c23_a_crash_between_dead_letter_and_commit_repeats_it() {
    let crash = "mailer.effect.before#2=crash";
    let poison = format!("mailer.message.poison#2=poison+{crash}");
    let run = check(ArticleDeadLetters, &[AUTO_OFF], &poison, [2, 0, 1, 1, 1]);
    assert_eq!(run.dead_letters, [0, 2, 0, 0, 0]);
    let transient = format!("mailer.handler.error#2=transient+{crash}");
    let run = check(ArticleDeadLetters, &[AUTO_OFF], &transient, [2, 1, 1, 1, 1]);
    assert_eq!(run.dead_letters, [0, 1, 0, 0, 0]);
}

/// The same by a crash at that very moment, with a commit after every message.
#[test]
fn c23_a_crash_right_after_the_dead_letter_repeats_it() {
    let crash = "mailer.dead_letter.after#1=crash";
    let settings = [AUTO_OFF, every("1")];
    let poison = format!("mailer.message.poison#2=poison+{crash}");
    let run = check(ArticleDeadLetters, &settings, &poison, [1, 0, 1, 1, 1]);
    assert_eq!(run.dead_letters, [0, 2, 0, 0, 0]);
    let transient = format!("mailer.handler.error#2=transient+{crash}");
    let run = check(ArticleDeadLetters, &settings, &transient, [1, 1, 1, 1, 1]);
    assert_eq!(run.dead_letters, [0, 1, 0, 0, 0]);
}

/// The same by a commit that is lost, with a commit after every message.
#[test]
fn c23_a_lost_commit_behind_a_dead_letter_repeats_it() {
    let faults = "mailer.message.poison#2=poison+mailer.settle.request#2=lost";
    let run = check(ArticleDeadLetters, &[AUTO_OFF, every("1")], faults, [1, 0, 1, 1, 1]);
    assert_eq!(run.dead_letters, [0, 2, 0, 0, 0]);
}

/// C23, defect 3: the dead letter cannot be written, so the loop raises. `close()` with auto-commit
/// on commits the message: neither effect nor dead letter. With auto-commit off it comes again.
#[test]
fn c23_a_dead_letter_that_cannot_be_written_loses_with_auto_commit() {
    let faults = "mailer.message.poison#2=poison+mailer.dead_letter.request#1=lost";
    let run = check(ArticleDeadLetters, &[], faults, [1, 0, 1, 1, 1]);
    assert_eq!((run.dead_letters.as_slice(), failures(&run)), ([0; 5].as_slice(), 1));
    let run = check(ArticleDeadLetters, &[AUTO_OFF], faults, [2, 0, 1, 1, 1]);
    assert_eq!((run.dead_letters[1], failures(&run)), (1, 1));
}

/// The dead-letter store is away for a while: a crash loop at the same message. (`S` in the table.)
#[test]
fn a_dead_letter_store_that_is_away_stops_the_loop() {
    let away: Vec<String> =
        (1..=6).map(|nth| format!("mailer.dead_letter.request#{nth}=lost")).collect();
    let faults = format!("mailer.message.poison#2=poison+{}", away.join("+"));
    let run = check(ArticleDeadLetters, &[AUTO_OFF, every("1")], &faults, [1, 0, 1, 1, 1]);
    assert_eq!((run.dead_letters[1], failures(&run)), (1, 6));
}

/// Defects 4 and 5: one attempt, and no difference between a failure that would pass and one that
/// would not. Both become dead letters, once if nothing crashes.
#[test]
fn a_failure_becomes_a_dead_letter_after_one_attempt() {
    for fault in ["mailer.message.poison#2=poison", "mailer.handler.error#2=transient"] {
        for auto in [&[][..], &[AUTO_OFF], &[JAVA], &[JAVA, AUTO_OFF]] {
            let run = check(ArticleDeadLetters, auto, fault, [1, 0, 1, 1, 1]);
            assert_eq!(
                (run.dead_letters.as_slice(), failures(&run)),
                ([0, 1, 0, 0, 0].as_slice(), 0)
            );
            let attempts = run.count(|kind| match kind {
                Kind::ProcessingStarted { message, .. } => message.0 == 1,
                _ => false,
            });
            assert_eq!(attempts, 1);
        }
    }
}

/// Defect 4: an exception that `msg_process` does not turn into false takes the path of loop (b),
/// and with the published defaults `close()` commits the message that raised it.
#[test]
fn c23_an_exception_loses_the_message_unless_auto_commit_is_off() {
    let raises = ("consumer.on_error", "crash");
    for fault in ["mailer.message.poison#2=poison", "mailer.handler.error#2=transient"] {
        let run = check(ArticleDeadLetters, &[raises], fault, [1, 0, 1, 1, 1]);
        assert_eq!(run.dead_letters, [0; 5]);
    }
    let fault = "mailer.handler.error#2=transient";
    let run = check(ArticleDeadLetters, &[raises, AUTO_OFF], fault, [2, 1, 1, 1, 1]);
    assert_eq!(run.dead_letters, [0; 5]);
}

/// A rebalance while the loop waits for the dead-letter store: the new owner writes a second one.
#[test]
fn a_rebalance_while_saving_a_dead_letter_repeats_it() {
    let overrides = [
        AUTO_OFF,
        TWO_CONSUMERS,
        every("1"),
        ("consumer.max_poll_interval", "1s"),
        ("consumer.request_timeout", "10s"),
    ];
    let faults = "mailer.message.poison#2=poison+mailer.dead_letter.response#1=late";
    let run = check(ArticleDeadLetters, &overrides, faults, [1, 0, 1, 1, 1]);
    assert_eq!(run.dead_letters, [0, 2, 0, 0, 0]);
}
