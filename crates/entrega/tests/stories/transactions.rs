//! Effects that are records of the broker.

use super::*;

const CRASH: &str = "mailer.effect.after#2=crash";

/// Aborted records are no matter, unless somebody reads them.
#[test]
fn an_aborted_effect_that_was_seen_is_named() {
    let reads_all = [("consumer.isolation_level", "read-uncommitted")];
    let sentence = "mailer 2 crashes after the effect of m1 and before settling it; the \
        transaction of its effect is aborted, which a reader of uncommitted records has seen by \
        then; m1 is delivered again to mailer 2 and takes effect twice.";
    check(Log, Transactional, CRASH, &[], &[]);
    check(Log, Transactional, CRASH, &reads_all, &[sentence]);
}

/// What is no part of a transaction is told as ever.
#[test]
fn an_effect_outside_of_a_transaction_is_told_as_ever() {
    let outside = [("consumer.output", "outside")];
    let sentence = "mailer 2 crashes after the effect of m1 and before settling it; m1 is \
        delivered again to mailer 2 and takes effect twice.";
    check(Log, Transactional, CRASH, &outside, &[sentence]);
}

const CHECKPOINT: (&str, &str) = ("consumer.transaction_offsets", "checkpoint");

/// The effect has not happened, although its record was written.
#[test]
fn a_prepared_transaction_that_has_expired_is_named() {
    let gone = "the transaction is open for longer than transaction_timeout, and the log aborts \
        it; the checkpoint that names it stands behind m1; m1 is never delivered again and is lost.";
    let told =
        |what: &str| format!("mailer 2 {what} the transaction with the effect of m1; {gone}");
    let check = |choices: &str, set: &[(&str, &str)], expect: &[&str]| {
        let expect: Vec<_> = expect.iter().map(|what| told(what)).collect();
        let expect: Vec<_> = expect.iter().map(String::as_str).collect();
        check(Log, Transactional, choices, &[set, &[CHECKPOINT]].concat(), &expect);
    };
    let crash = "mailer.effect.after#4=crash";
    check(
        crash,
        &[("consumer.transaction_timeout", "500ms")],
        &["crashes before it has committed"],
    );
    check(crash, &[], &[]);
    let brief = [("consumer.transaction_timeout", "3s"), ("times.stall", "4s")];
    let stall = "mailer.process.stall#2=after";
    check(stall, &brief, &["is held up before it has committed"]);
    check(stall, &brief[1..], &[]);
}
