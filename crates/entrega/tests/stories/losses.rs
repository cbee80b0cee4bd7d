//! Sentences about lost messages.

use super::zones::check_with;
use super::*;

#[test]
fn losses_say_what_settled_the_message() {
    check(
        Log,
        SettleThenProcess,
        "mailer.effect.before#2=crash",
        &[],
        &["mailer 2 crashes before the effect of m1, which it has already settled; m1 is \
             never delivered again and is lost."],
    );
    check(
        Log,
        SettleThenProcess,
        "mailer.settle.after#2=crash",
        &[],
        &["mailer 2 crashes right after settling m1 and before its effect; m1 is never \
             delivered again and is lost."],
    );
    check(
        Log,
        SettleThenProcess,
        "mailer.effect.request#2=lost",
        SKIP,
        &["the request for the effect of m1 is lost after m1 was settled; m1 is never \
             delivered again and is lost."],
    );
    check(
        Log,
        AutoSettleAtDelivery,
        "mailer.effect.before#2=crash",
        &[],
        &["mailer 2 crashes before the effect of m1, whose offset the auto-commit timer has \
             already committed; m1 is never delivered again and is lost."],
    );
    check(Log, AutoSettleAtDelivery, "mailer.effect.after#3=crash", AT_ONCE, &[]);
    check(
        Log,
        ProcessThenSettle,
        "send.request#2=lost",
        FIRE,
        &["the request to store m1 is lost; the producer takes m1 for sent all the same; m1 \
             is stored nowhere and is lost."],
    );
    check(
        Queue,
        SettleThenProcess,
        "mailer.effect.before#2=crash",
        &[],
        &["mailer 2 crashes before the effect of m1, which it has already settled; m1 is \
             never delivered again and is lost."],
    );
    check(
        Queue,
        SettleThenProcess,
        "mailer.settle.after#2=crash",
        &[],
        &["mailer 2 crashes right after settling m1 and before its effect; m1 is never \
             delivered again and is lost."],
    );
    check(
        Queue,
        SettleThenProcess,
        "mailer.effect.request#2=lost",
        SKIP,
        &["the request for the effect of m1 is lost after m1 was settled; m1 is never \
             delivered again and is lost."],
    );
    check(
        Queue,
        AutoSettleAtDelivery,
        "mailer.effect.before#2=crash",
        &[],
        &["mailer 2 crashes before the effect of m1, which handing it over has already acked; \
             m1 is never delivered again and is lost."],
    );
    check(
        Queue,
        AutoSettleAtDelivery,
        "mailer.effect.after#3=crash",
        AT_ONCE,
        &["mailer 1 crashes after the effect of m2 while it holds m3, which handing it over \
             has already acked; m3 is never delivered again and is lost."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "send.request#2=lost",
        FIRE,
        &["the request to store m1 is lost; the producer takes m1 for sent all the same; m1 \
             is stored nowhere and is lost."],
    );
}

#[test]
fn a_failed_handler_loses_by_its_policy() {
    check(
        Log,
        ProcessThenSettle,
        "mailer.handler.error#2=transient",
        SKIP,
        &["the handler of mailer 2 fails on m1; mailer 2 goes on, and its commit of m2 covers \
             m1; m1 is never delivered again and is lost."],
    );
    check(
        Log,
        ProcessThenSettle,
        "mailer.message.poison#2=poison",
        SKIP_AND_SETTLE,
        &["the handler of mailer 2 fails on m1, which is poison; mailer 2 settles it all the \
             same; m1 is never delivered again and is lost."],
    );
    check(
        Log,
        AutoSettleAtDelivery,
        "mailer.handler.error#2=transient",
        CRASH,
        &["the handler of mailer 2 fails on m1, whose offset the auto-commit timer has \
             already committed; m1 is never delivered again and is lost."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.handler.error#2=transient",
        SKIP,
        &["the handler of mailer 2 fails on m1 and then the lease of mailer 2 expires; m1 is \
             delivered again to mailer 2 and takes effect after m2, which has the same key and \
             was sent later."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.message.poison#2=poison",
        SKIP_AND_SETTLE,
        &["the handler of mailer 2 fails on m1, which is poison; mailer 2 settles it all the \
             same; m1 is never delivered again and is lost."],
    );
    check(
        Queue,
        AutoSettleAtDelivery,
        "mailer.handler.error#2=transient",
        CRASH,
        &["the handler of mailer 2 fails on m1, which handing it over has already acked; m1 \
             is never delivered again and is lost."],
    );
}

/// Two consumers of a group that begins at the end, on a network that takes no time.
const FROM_THE_END: &[(&str, &str)] = &[
    ("log.auto_offset_reset", "latest"),
    ("log.partitions", "1"),
    ("consumer.max_poll_interval", "5s"),
    ("workload.messages", "3"),
    ("workload.arrivals", "{ distribution = \"poisson\", rate_per_second = 20 }"),
    ("network.latency", "0s"),
    ("network.sink_latency", "0s"),
    ("network.jitter", "0s"),
];

/// A process that is slow for longer than its group waits crashes only after the reset that loses.
#[test]
fn a_reset_before_a_crash_is_told_before_it() {
    let reset = "mailer 2 has no committed offset, and its reset (auto_offset_reset) skips m1; m1 is \
                 never delivered and is lost.";
    let check = |choices: &str, before: &str| {
        let expect = format!("{before} and then {reset}");
        check(Log, ProcessThenSettle, choices, FROM_THE_END, &[&expect]);
    };
    check("mailer.effect.after#1=crash-takeover", "mailer 1 is slow after the effect of m0");
    check(
        "mailer.effect.after#1=crash-expiry",
        "mailer 1 is slow until its max_poll_interval has ended and then crashes after the effect of \
         m0",
    );
}

/// What was asked for too late is handed to nobody, and what is lost in a kill has the kill before
/// it.
#[test]
fn what_never_comes_to_work_has_a_reason() {
    check_with(
        &[],
        (Queue, AutoSettleAtDelivery),
        (1, 1),
        "mailer.receive.request#1=late-expiry",
        &[
            "a request of mailer 1 for messages is late until mailer 1 no longer waits; handing m0 over \
           acks it, and it never reaches mailer 1; m0 is never delivered again and is lost.",
        ],
    );
    let limit = [("queue.delivery_limit", "1")];
    let check = |choices: &str, before: &str| {
        let expect = format!(
            "{before} and then m0 is delivered too often, and the queue of mailer drops it; m0 is lost."
        );
        check_with(&limit, (Queue, AutoSettleAtNextReceive), (1, 1), choices, &[&expect]);
    };
    check(
        "mailer.process.shutdown#2=drain-calm+mailer.handler.order#1=last",
        "mailer 1 is asked to stop and then mailer 1 is at work on m0 and then mailer 1 is not gone in \
         time and is killed",
    );
    check("mailer.effect.before#1=crash", "mailer 1 crashes before the effect of m0");
}

/// What a producer has not sent when it ends is told as that. The opposite: it flushes.
#[test]
fn a_buffer_that_was_not_flushed_is_told() {
    let check = |flush: &str, expect: &[&str]| {
        let set = [
            ("workload.messages", "1"),
            ("producer.strategy", "fire-and-forget"),
            ("producer.linger", "500ms"),
            ("producer.flush_on_close", flush),
        ];
        for model in [Log, Queue] {
            check(model, ProcessThenSettle, "", &set, expect);
        }
    };
    let sentence = "the producer ends with m0 in its buffer, and does not flush it; the producer \
                    takes m0 for sent all the same; m0 is stored nowhere and is lost.";
    check("false", &[sentence]);
    check("true", &[]);
}

/// What a log cuts off and what a queue forgets is told with the failures that did it.
#[test]
fn what_a_broker_loses_is_told_with_its_failures() {
    let laggards = [
        ("log.replicas", "2"),
        ("log.replica_lag_max", "10ms"),
        ("log.unclean_leader_election", "true"),
    ];
    let said = told(Log, ProcessThenSettle, "replica.lag#1=all+broker.failover#8=crash", &laggards);
    let begins = "all followers fall behind and then the leader of the log crashes and then a \
                  failover cuts ";
    assert!(said.iter().any(|one| one.starts_with(begins)), "{said:?}");
    let forgets =
        [("queue.broker_restart", "{ forgets = ['messages', 'settles'], of_the_last = '2min' }")];
    let said = told(Queue, ProcessThenSettle, "broker.restart#1=restart", &forgets);
    let begins = "the broker restarts and then the broker loses ";
    assert!(said.iter().any(|one| one.starts_with(begins)), "{said:?}");
}
