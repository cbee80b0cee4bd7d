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
