//! Sentences about dead letters, and runs that have none.

use super::*;

#[test]
fn dead_letters_are_split_and_doubled() {
    check(
        Log,
        DeadLetter,
        "mailer.message.poison#2=poison",
        &[],
        &["the handler of mailer 2 fails 3 times on m1, which goes to the dead letters."],
    );
    check(
        Log,
        DeadLetter,
        "mailer.effect.response#2=lost",
        ONE_ATTEMPT,
        &["the sink's answer about m1 is lost; mailer 2 gives up and dead-letters m1, which \
             has taken effect once."],
    );
    check(
        Log,
        DeadLetter,
        "mailer.handler.error#2=transient+mailer.settle.request#2=lost",
        ONE_ATTEMPT,
        &["the handler of mailer 2 fails once on m1, which goes to the dead letters."],
    );
    check(
        Queue,
        DeadLetter,
        "mailer.message.poison#2=poison",
        &[],
        &["the handler of mailer 2 fails 3 times on m1, which goes to the dead letters."],
    );
    check(
        Queue,
        DeadLetter,
        "mailer.effect.response#2=lost",
        ONE_ATTEMPT,
        &["the sink's answer about m1 is lost; mailer 2 gives up and dead-letters m1, which \
             has taken effect once."],
    );
    check(
        Queue,
        DeadLetter,
        "mailer.handler.error#2=transient+mailer.settle.request#2=lost",
        ONE_ATTEMPT,
        &[
            "the handler of mailer 2 fails once on m1, which goes to the dead letters; the \
             request to settle m1 is lost and then the lease of mailer 2 expires; m1 is \
             delivered again to mailer 1 and takes effect as well.",
            "the handler of mailer 2 fails on m1 and then the request to settle m1 is lost and \
             then the lease of mailer 2 expires; m1 is delivered again to mailer 1 and takes \
             effect after m2, which has the same key and was sent later.",
        ],
    );
}

#[test]
fn nothing_to_tell() {
    check(Log, DeduplicatingSink, "mailer.effect.after#2=crash", &[], &[]);
    check(Log, SettleThenProcess, "mailer.settle.request#2=lost", &[], &[]);
    check(Log, ProcessThenSettle, "mailer.effect.before#1=crash", &[], &[]);
    check(Queue, DeduplicatingSink, "mailer.effect.after#2=crash", &[], &[]);
    check(
        Queue,
        SettleThenProcess,
        "mailer.settle.request#2=lost",
        &[],
        &["the request to settle m1 is lost; m1 takes effect after m2, which has the same key \
             and was sent later."],
    );
    check(Queue, ProcessThenSettle, "mailer.effect.before#1=crash", &[], &[]);
}
