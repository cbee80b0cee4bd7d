//! Sentences about what ends the work of a process that is not told of it: it is killed after it
//! was asked to stop, or its group goes on without it.

use super::zones::check_with;
use super::*;

const POLLS: &[(&str, &str)] = &[("consumer.max_poll_interval", "5min")];

/// A kill is no crash, and it comes after the request to stop and what kept the process.
#[test]
fn a_kill_comes_after_the_request_to_stop() {
    check_with(
        &[],
        (Log, SettleEveryN),
        (2, 1),
        "mailer.process.shutdown#4=drain-calm+mailer.handler.order#2=last",
        &[
            "mailer 1 is asked to stop and then mailer 1 is at work on m1 and then mailer 1 is not gone \
             in time and is killed before settling m0, which has taken effect; m0 is delivered again \
             to mailer 1 and takes effect twice.",
        ],
    );
    check_with(
        &[],
        (Log, SettleThenProcess),
        (1, 1),
        "mailer.process.shutdown#4=drain-calm+mailer.handler.order#1=last",
        &[
            "mailer 1 is asked to stop and then mailer 1 is at work on m0 and then mailer 1 is not gone \
             in time and is killed before the effect of m0, which it has already settled; m0 is never \
             delivered again and is lost.",
        ],
    );
}

/// Who crashes although it was asked to stop is not killed, and who is gone in time is neither.
#[test]
fn a_crash_after_the_request_to_stop_is_a_crash() {
    check_with(
        &[],
        (Log, ProcessThenSettle),
        (1, 1),
        "mailer.process.shutdown#4=drain-calm+mailer.effect.after#1=crash",
        &[
            "mailer 1 crashes after the effect of m0 and before settling it; m0 is delivered again to \
             mailer 1 and takes effect twice.",
        ],
    );
    check_with(
        &[],
        (Queue, AutoSettleAtNextReceive),
        (1, 1),
        "mailer.process.shutdown#2=drain-calm",
        &[
            "mailer 1 is asked to stop, and mailer 1 leaves without settling m0; m0 is delivered again to \
             mailer 1 and takes effect twice.",
        ],
    );
}

/// `max_poll_interval` ends a delay as a lease does; without it nothing else is left to happen.
#[test]
fn max_poll_interval_ends_a_delay() {
    let crash = |until: &str| {
        format!(
            "mailer 1 is slow until {until} and then crashes before the effect of m0, whose offset the \
             auto-commit timer has already committed; m0 is never delivered again and is lost."
        )
    };
    let choices = "mailer.effect.before#1=crash-expiry";
    let check = |set, until: &str| {
        check_with(set, (Log, AutoSettleAtDelivery), (1, 1), choices, &[&crash(until)]);
    };
    check(POLLS, "its max_poll_interval has ended");
    check(&[], "nothing else is left to happen");
    check_with(
        POLLS,
        (Log, SettleThenProcess),
        (2, 2),
        "mailer.handler.slow#1=slow-takeover",
        &[
            "mailer 1 is slow at m0 until its max_poll_interval has ended and somebody else has taken \
             over; m0 takes effect after m1, which has the same key and was sent later.",
        ],
    );
}

/// No event says that a member is removed because it has not rejoined, but that another one is
/// assigned its partition does.
#[test]
fn a_group_goes_on_without_who_does_not_rejoin() {
    let faults = "mailer.process.shutdown#3=drain+mailer.handler.slow#1=slow";
    let told = |timeout| {
        let set = [("log.rebalance_timeout", timeout)];
        told(Log, ProcessThenSettle, faults, &set)
    };
    let story = "mailer 1 is asked to stop, and mailer 1 leaves and then mailer 2 is slow at m0; when \
                 mailer 1 starts again, mailer 2 has not rejoined its group within \
                 rebalance_timeout and loses the partition of m0; m0 is delivered again to mailer \
                 1, mailer 2 goes on as a zombie, and m0 takes effect twice.";
    assert_eq!(told("2s"), [story]);
    assert!(told("5min").is_empty(), "{:?}", told("5min"));
}

/// Who had a message is told by when it was handed over: two that work at once, or one after the
/// other.
#[test]
fn one_after_the_other_is_not_at_once() {
    check_with(
        &[],
        (Queue, AutoSettleAtDelivery),
        (2, 2),
        "mailer.receive.response#1=late-calm",
        &[
            "an answer with messages for mailer 1 is late until everybody else is done; mailer 2 works on \
             m1 before m0 is delivered to mailer 1; m0 takes effect after m1, which has the same key and \
             was sent later.",
        ],
    );
}

/// What the client had fetched for nobody is told: the request for it was doubled before the
/// message was stored.
#[test]
fn what_a_doubled_request_fetches_is_told() {
    check_with(
        &[],
        (Queue, AutoSettleAtDelivery),
        (2, 1),
        "mailer.receive.request#1=duplicated",
        &[
            "a request of mailer 1 for messages arrives twice; handing m1 over acks it, and it never reaches \
             mailer 1; m1 is never delivered again and is lost.",
        ],
    );
}

/// Orders stand where they happen: after what was injected before them.
#[test]
fn a_change_of_order_is_told_in_its_turn() {
    check_with(
        &[],
        (Queue, ProcessThenSettle),
        (1, 2),
        "send.request#1=duplicated+arrival.order#1=second",
        &[
            "the request to store m0 arrives twice and then a request of mailer 1 overtakes one that was \
             sent before it, and m0 is stored twice; both copies are processed, and m0 takes effect \
             twice.",
        ],
    );
}

/// What waits in a buffer until its lease ends waits because of what its consumer met with another
/// message.
#[test]
fn what_kept_a_consumer_from_its_buffer_is_told() {
    let patient = [("consumer.request_timeout", "30s"), ("queue.visibility_timeout", "30s")];
    check_with(
        &patient,
        (Queue, ProcessThenSettle),
        (3, 1),
        "mailer.settle.request#2=lost",
        &[
            "the request to settle m1 is lost and then m2 waits in the buffer of mailer 1 until its \
             lease expires (it has run since m2 was fetched, at 0.000000s); m2 is delivered again to \
             mailer 1 and takes effect twice.",
            "the request to settle m1 is lost and then the lease of mailer 1 expires; m1 is delivered \
             again to mailer 1 and takes effect twice.",
        ],
    );
}

/// A settle of several messages is told with the one that the story is about.
#[test]
fn a_settle_that_covers_others_says_so() {
    check_with(
        &[("consumer.batch_size", "2")],
        (Queue, Strategy::MicroBatch),
        (2, 1),
        "mailer.settle.request#1=lost",
        &[
            "the request to settle m1, which covers m0, is lost and then the lease of mailer 1 expires; \
             m0 is delivered again to mailer 1 and takes effect twice.",
        ],
    );
}

/// A commit that arrives late and goes back undoes what another has settled: that is what brings
/// the message back.
#[test]
fn a_commit_that_goes_back_is_told() {
    check_with(
        &[("consumer.workers", "2")],
        (Log, Strategy::ParallelNaive),
        (2, 1),
        "mailer.process.shutdown#5=drain-calm+mailer.settle.request#1=late-calm",
        &[
            "mailer 1 is asked to stop and then the request to settle m0 is late until everybody else \
             is done and then mailer 1 is not gone in time and is killed and then a commit of mailer \
             1 takes the offset back over m1; m1 is delivered again to mailer 1 and takes effect \
             twice.",
        ],
    );
}

/// Two relative clauses are joined.
#[test]
fn what_is_poison_and_settled_is_both() {
    check(
        Queue,
        SettleThenProcess,
        "mailer.message.poison#1=poison",
        SKIP,
        &[
            "the handler of mailer 1 fails on m0, which is poison and which it has already settled; m0 \
             is never delivered again and is lost.",
        ],
    );
}
