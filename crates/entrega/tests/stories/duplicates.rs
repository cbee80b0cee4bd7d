//! Sentences about duplicated messages.

use super::*;

#[test]
fn duplicates_say_why_it_came_again() {
    check(
        Log,
        ProcessThenSettle,
        "mailer.effect.after#2=crash",
        &[],
        &["mailer 2 crashes after the effect of m1 and before settling it; m1 is delivered \
             again to mailer 2 and takes effect twice."],
    );
    check(Log, ProcessThenSettle, "mailer.settle.request#2=lost", &[], &[]);
    check(
        Log,
        ProcessThenSettle,
        "mailer.settle.request#2=lost+mailer.effect.before#3=crash",
        &[],
        &["the request to settle m1 is lost and then mailer 2 crashes before the effect of \
             m2; m1 is delivered again to mailer 2 and takes effect twice."],
    );
    check(
        Log,
        ProcessThenSettle,
        "mailer.process.stall#2=before",
        &[],
        &["mailer 2 stalls before the effect of m1 and then the session of mailer 2 expires; \
             m1 is delivered again to mailer 1, mailer 2 goes on as a zombie, and m1 takes \
             effect twice."],
    );
    check(
        Log,
        ProcessThenSettle,
        "mailer.process.stall#2=after",
        &[],
        &["mailer 2 stalls after the effect of m1 and then the session of mailer 2 expires; \
             m1 is delivered again to mailer 1 and takes effect twice."],
    );
    check(Log, ProcessThenSettle, "mailer.handler.slow#2=slow", &[], &[]);
    check(
        Log,
        SettleEveryN,
        "mailer.effect.before#3=crash",
        &[],
        &["mailer 2 crashes before the effect of m2 and before settling m0, which has taken \
             effect; m0 is delivered again to mailer 2 and takes effect twice."],
    );
    check(
        Log,
        AutoSettleAtDelivery,
        "mailer.effect.after#2=crash",
        SELDOM,
        &["mailer 2 crashes after the effect of m1 and before m0, which has taken effect, is \
             settled; m0 is delivered again to mailer 2 and takes effect twice."],
    );
    check(
        Log,
        AutoSettleAtNextReceive,
        "mailer.effect.after#2=crash",
        &[],
        &["mailer 2 crashes after the effect of m1 and before it is settled; m1 is delivered \
             again to mailer 2 and takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.effect.after#2=crash",
        &[],
        &["mailer 2 crashes after the effect of m1 and before settling it; m1 is delivered \
             again to mailer 1 and takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.settle.request#2=lost",
        &[],
        &["the request to settle m1 is lost and then the lease of mailer 2 expires; m1 is \
             delivered again to mailer 1 and takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.settle.request#2=lost+mailer.effect.before#3=crash",
        &[],
        &["the request to settle m1 is lost and then the lease of mailer 2 expires; m1 is \
             delivered again to mailer 1 and takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.process.stall#2=before",
        &[],
        &[
            "mailer 2 stalls before the effect of m1 and then the lease of mailer 2 expires; m1 \
             is delivered again to mailer 1, mailer 2 goes on as a zombie, and m1 takes effect \
             twice.",
            "mailer 2 stalls before the effect of m1 and then the lease of mailer 2 expires; m1 \
             is delivered again to mailer 1 and takes effect after m2, which has the same key \
             and was sent later.",
        ],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.process.stall#2=after",
        &[],
        &["mailer 2 stalls after the effect of m1 and then the lease of mailer 2 expires; m1 \
             is delivered again to mailer 1 and takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.handler.slow#2=slow",
        &[],
        &[
            "mailer 2 is slow at m1 and then the lease of mailer 2 expires; m1 is delivered \
             again to mailer 1, mailer 2 goes on as a zombie, and m1 takes effect twice.",
            "mailer 2 is slow at m1 and then the lease of mailer 2 expires; m1 is delivered \
             again to mailer 1 and takes effect after m2, which has the same key and was sent \
             later.",
        ],
    );
    check(
        Queue,
        SettleEveryN,
        "mailer.effect.before#3=crash",
        &[],
        &["mailer 1 crashes before the effect of m2 and before settling m0, which has taken \
             effect; m0 is delivered again to mailer 2 and takes effect twice."],
    );
    check(Queue, AutoSettleAtDelivery, "mailer.effect.after#2=crash", SELDOM, &[]);
    check(
        Queue,
        AutoSettleAtNextReceive,
        "mailer.effect.after#2=crash",
        &[],
        &["mailer 2 crashes after the effect of m1 and before it is settled; m1 is delivered \
             again to mailer 1 and takes effect twice."],
    );
}

#[test]
fn the_broker_forgets() {
    check(Log, ProcessThenSettle, "broker.restart#2=restart", &[], &[]);
    check(
        Log,
        ProcessThenSettle,
        "broker.restart#7=restart",
        &[],
        &["the broker restarts and forgets that mailer 2 has m0; m0 is delivered again to \
             mailer 1 and takes effect twice."],
    );
    check(
        Log,
        ProcessThenSettle,
        "broker.restart#8=restart",
        &[],
        &["the broker restarts and then mailer 2 loses the partition of m0; m0 is delivered \
             again to mailer 2 and takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "broker.restart#2=restart",
        &[],
        &["the broker restarts and forgets that mailer 1 has m0; m0 is delivered again to \
             mailer 2 and takes effect twice."],
    );
    check(Queue, ProcessThenSettle, "broker.restart#7=restart", &[], &[]);
    check(Queue, ProcessThenSettle, "broker.restart#8=restart", &[], &[]);
}

#[test]
fn the_sink_and_the_producer_double() {
    check(
        Log,
        ProcessThenSettle,
        "mailer.effect.response#2=lost",
        &[],
        &["the sink's answer about m1 is lost; mailer 2 tries again and m1 takes effect twice."],
    );
    check(
        Log,
        ProcessThenSettle,
        "mailer.effect.request#2=duplicated",
        &[],
        &["the request for the effect of m1 arrives twice, and m1 takes effect twice."],
    );
    check(
        Log,
        ProcessThenSettle,
        "send.response#2=lost",
        &[],
        &["the answer that m1 is stored is lost; the producer sends m1 again, and it is \
             stored twice; both copies are processed, and m1 takes effect twice."],
    );
    check(
        Log,
        ProcessThenSettle,
        "send.request#2=duplicated",
        &[],
        &["the request to store m1 arrives twice, and m1 is stored twice; both copies are \
             processed, and m1 takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.effect.response#2=lost",
        &[],
        &["the sink's answer about m1 is lost; mailer 2 tries again and m1 takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "mailer.effect.request#2=duplicated",
        &[],
        &["the request for the effect of m1 arrives twice, and m1 takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "send.response#2=lost",
        &[],
        &["the answer that m1 is stored is lost; the producer sends m1 again, and it is \
             stored twice; both copies are processed, and m1 takes effect twice."],
    );
    check(
        Queue,
        ProcessThenSettle,
        "send.request#2=duplicated",
        &[],
        &["the request to store m1 arrives twice, and m1 is stored twice; both copies are \
             processed, and m1 takes effect twice."],
    );
}

/// A zombie sets the stored progress back and later starts from there. What the other consumer has
/// settled in the meantime was not taken from that consumer by a timeout.
#[test]
fn a_seek_goes_back_over_what_another_has_settled() {
    check(
        Log,
        Strategy::ProgressWithEffectUnconditional,
        "mailer.process.stall#2=before",
        &[("log.partitions", "1"), ("workload.messages", "3")],
        &[
            "mailer 1 stalls before the effect of m1 and then the session of mailer 1 expires; m1 is \
             delivered again to mailer 2, mailer 1 goes on as a zombie, and m1 takes effect twice.",
            "mailer 1 seeks back over m2; m2 is delivered again to mailer 1 and takes effect twice.",
        ],
    );
}

/// A window that has closed is named. The opposite: while it is open, there is nothing to tell.
#[test]
fn a_dedup_window_that_has_closed_is_told() {
    let check = |window: &str, expect: &[&str]| {
        let set = [("queue.dedup_window", window)];
        check(Queue, ProcessThenSettle, "send.response#1=lost", &set, expect);
    };
    let sentence = "the answer that m0 is stored is lost; the producer sends m0 again when the \
                    dedup window of 500ms is over, and it is stored twice; both copies are \
                    processed, and m0 takes effect twice.";
    check("500ms", &[sentence]);
    check("5min", &[]);
}

/// One delivery with two effects may have lost its message between them; else nothing is said.
#[test]
fn a_lease_that_ends_within_one_delivery_is_told() {
    let alone = ("subscriptions.0.consumers", "1");
    let set = |lease| [alone, ("queue.visibility_timeout", lease)];
    let lost = "the sink's answer about m1 is lost; mailer 1 tries again and m1 takes effect";
    let choices = "mailer.effect.response#2=lost";
    check(Queue, ProcessThenSettle, choices, &set("6s"), &[&format!("{lost} twice.")]);
    let ended = "before the second effect, the lease of mailer 1 on m1 has run out.";
    let told = told(Queue, ProcessThenSettle, choices, &set("500ms"));
    assert!(told.contains(&format!("{lost} 3 times; {ended}")), "{told:#?}");
}
