//! Sentences about lost messages.

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
