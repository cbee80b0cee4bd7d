//! Sentences about dead letters, and runs that have none.

use super::zones::check_with;
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

/// The consumer that writes a dead letter need not be the one that was handed the message last:
/// the first one waits for its answer for longer than it may go without a poll.
#[test]
fn the_writer_of_a_dead_letter_is_named() {
    let polls = &[
        ("consumer.max_poll_interval", "20s"),
        ("consumer.request_timeout", "30s"),
        ("times.late", "35s"),
        ("consumer.max_attempts", "1"),
    ];
    check_with(
        polls,
        (Log, DeadLetter),
        (1, 2),
        "mailer.effect.request#1=late",
        &["the request for the effect of m0 is late and then mailer 1 takes longer than \
           max_poll_interval from one poll to the next and leaves its group; m0 is delivered again \
           to mailer 2 and takes effect; mailer 1 goes on as a zombie, and mailer 1 has no answer \
           about m0, which goes to the dead letters as well."],
    );
    check_with(
        polls,
        (Log, DeadLetter),
        (1, 1),
        "mailer.effect.request#1=late",
        &["the request for the effect of m0 is late and then mailer 1 takes longer than \
           max_poll_interval from one poll to the next and leaves its group; mailer 1 has no answer \
           about m0, which goes to the dead letters; m0 is delivered again to mailer 1 and takes \
           effect as well."],
    );
}

/// No answer is no failure of the handler, and a handler that fails is told as before.
#[test]
fn no_answer_is_no_failure() {
    let check = |attempts: &str, choices: &str, expect: &str| {
        let attempts = [("consumer.max_attempts", attempts)];
        check_with(&attempts, (Queue, DeadLetter), (1, 1), choices, &[expect]);
    };
    check(
        "1",
        "mailer.effect.request#1=lost",
        "the request for the effect of m0 is lost; mailer 1 has no answer about m0, which goes to \
         the dead letters.",
    );
    check(
        "2",
        "mailer.effect.request#1=lost+mailer.effect.request#2=lost",
        "the request for the effect of m0 is lost; twice mailer 1 has no answer about m0, which \
         goes to the dead letters.",
    );
    check(
        "2",
        "mailer.handler.error#1=transient+mailer.effect.request#1=lost",
        "the request for the effect of m0 is lost; the handler of mailer 1 fails once on m0 and \
         once has no answer about it, and m0 goes to the dead letters.",
    );
    check(
        "2",
        "mailer.message.poison#1=poison",
        "the handler of mailer 1 fails twice on m0, which goes to the dead letters.",
    );
}

/// Two faults of two kinds are not one of them twice.
#[test]
fn only_what_happens_twice_is_said_to() {
    let check = |choices: &str, expect: &str| {
        let attempts = [("consumer.max_attempts", "2")];
        check_with(&attempts, (Queue, DeadLetter), (1, 1), choices, &[expect]);
    };
    check(
        "mailer.effect.response#1=lost+mailer.effect.response#2=lost",
        "the sink's answer about m0 is lost (twice); mailer 1 gives up and dead-letters m0, which \
         has taken effect twice.",
    );
    check(
        "mailer.effect.request#1=lost+mailer.effect.response#1=lost",
        "the request for the effect of m0 is lost and then the sink's answer about m0 is lost; \
         mailer 1 gives up and dead-letters m0, which has taken effect once.",
    );
}

/// What takes a message from its consumer may come before the dead letter, or after it.
#[test]
fn a_dead_letter_is_told_in_its_turn() {
    let check = |choices: &str, expect: &str| {
        check_with(ONE_ATTEMPT, (Queue, DeadLetter), (1, 1), choices, &[expect]);
    };
    check(
        "mailer.handler.slow#1=slow-expiry+mailer.handler.error#1=transient",
        "mailer 1 is slow at m0 and then the lease of mailer 1 expires; the handler of mailer 1 \
         fails once on m0, which goes to the dead letters; m0 is delivered again to mailer 1 and \
         takes effect as well.",
    );
    check(
        "mailer.handler.error#1=transient+mailer.dead_letter.after#1=crash",
        "the handler of mailer 1 fails once on m0, which goes to the dead letters; mailer 1 crashes \
         after dead-lettering m0 and before settling it; m0 is delivered again to mailer 1 and takes \
         effect as well.",
    );
}

/// A limit may strike while a consumer still works on the message, or after its effect.
#[test]
fn a_limit_strikes_before_or_after_the_effect() {
    let limit = [("queue.delivery_limit", "1"), ("queue.dead_letter", "true")];
    let check = |choices: &str, expect: &str| {
        check_with(&limit, (Queue, ProcessThenSettle), (1, 1), choices, &[expect]);
    };
    check(
        "mailer.handler.slow#1=slow-expiry",
        "the lease of mailer 1 expires and then m0, on which no handler failed, comes back once and \
         then m0 has been delivered too often and goes to the dead letters; mailer 1 goes on as a \
         zombie, and m0 takes effect as well.",
    );
    check(
        "mailer.process.stall#1=after-expiry",
        "m0 takes effect; the lease of mailer 1 expires and then m0, on which no handler failed, \
         comes back once and then m0 has been delivered too often and goes to the dead letters as \
         well.",
    );
}

/// A reject on behalf of a request that comes late is no zombie's, and two copies are told as such.
#[test]
fn whose_copy_goes_to_the_dead_letters_is_told() {
    let limit = &[("queue.delivery_limit", "1"), ("queue.dead_letter", "true")];
    check_with(
        limit,
        (Queue, ProcessThenSettle),
        (1, 1),
        "mailer.receive.response#1=lost",
        &[
            "the lease of mailer 1 expires and then m0, on which no handler failed, comes back once and \
           then m0 has been delivered too often and goes to the dead letters.",
        ],
    );
    let as_long = [&limit[..], &[("consumer.request_timeout", "6s")]].concat();
    check_with(
        &as_long,
        (Queue, ProcessThenSettle),
        (1, 1),
        "mailer.receive.response#1=late-expiry+deadline.order#1=second",
        &[
            "a deadline of the broker comes just before one of mailer 1; the lease of mailer 1 expires and \
           then m0, on which no handler failed, comes back once and then m0 has been delivered too often \
           and goes to the dead letters; m0 is delivered to mailer 1 all the same, and m0 takes effect as \
           well.",
        ],
    );
    let polls = [("consumer.max_attempts", "1"), ("consumer.max_poll_interval", "5s")];
    check_with(
        &polls,
        (Log, DeadLetter),
        (1, 2),
        "mailer.handler.slow#1=slow-takeover+mailer.handler.error#1=transient",
        &[
            "mailer 1 is slow at m0 and then mailer 1 takes longer than max_poll_interval from one poll to \
           the next and leaves its group; m0 is delivered again to mailer 2 and takes effect; mailer 1 \
           goes on as a zombie, and the handler of mailer 1 fails once on m0, which goes to the dead \
           letters as well.",
        ],
    );
}
