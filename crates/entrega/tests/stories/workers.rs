//! Sentences about workers, batches and rejects.

use super::*;
use Strategy::{BrokerDeadLetter, MicroBatch, Parallel, ParallelNaive};

/// The first message is slow, and the process dies while it is in work.
const STRAGGLER: &str = "mailer.handler.slow#1=slow+mailer.effect.before#3=crash";
const ALONE: &[(&str, &str)] = &[("subscriptions.0.consumers", "1"), ("log.partitions", "1")];
const POISON: &str = "mailer.message.poison#2=poison";

#[test]
fn what_covers_the_straggler_is_named() {
    check(
        Log,
        ParallelNaive,
        STRAGGLER,
        ALONE,
        &[
            "mailer 1 is slow at m0 and then mailer 1 crashes before the effect of m3 while it holds \
             m0, which the commit of m1 already covers; m0 is never delivered again and is lost.",
        ],
    );
    check(
        Queue,
        ParallelNaive,
        STRAGGLER,
        ALONE,
        &[
            "mailer 1 is slow at m0 and then mailer 1 crashes before the effect of m3 while it holds \
             m0, which the ack of m1 already covers; m0 is never delivered again and is lost.",
        ],
    );
}

#[test]
fn the_mark_repeats_what_is_above_it_and_single_acks_do_not() {
    check(
        Log,
        Parallel,
        STRAGGLER,
        ALONE,
        &[
            "mailer 1 crashes before the effect of m3 and before settling m1, which has taken effect; \
             m1 is delivered again to mailer 1 and takes effect twice.",
            "mailer 1 is slow at m0 and then mailer 1 crashes before the effect of m3 while it holds \
             m0; m0 is delivered again to mailer 1 and takes effect after m1, which has the same key \
             and was sent later.",
        ],
    );
    check(
        Queue,
        Parallel,
        STRAGGLER,
        ALONE,
        &[
            "mailer 1 is slow at m0 and then mailer 1 crashes before the effect of m3 while it holds \
             m0; m0 is delivered again to mailer 1 and takes effect after m1, which has the same key \
             and was sent later.",
        ],
    );
}

#[test]
fn a_batch_is_repeated_as_a_whole() {
    check(
        Queue,
        MicroBatch,
        "mailer.effect.after#1=crash",
        ALONE,
        &[
            "mailer 1 crashes after the effect of m0 and before settling it; m0 is delivered again to \
             mailer 1 and takes effect twice.",
        ],
    );
}

#[test]
fn a_reject_without_a_target_is_a_loss() {
    check(
        Queue,
        BrokerDeadLetter,
        POISON,
        ALONE,
        &[
            "the handler of mailer 1 fails on m1, which is poison; mailer 1 rejects it, and the queue \
             has no target for it; m1 is never delivered again and is lost.",
        ],
    );
}

const SETTLES: &[(&str, &str)] = &[("models", "queue"), ("consumer.worker_lost", "settle")];
const REQUEUES: &[(&str, &str)] = &[("models", "queue"), ("consumer.worker_lost", "requeue")];

/// Who died and who settled are two, and both are named.
#[test]
fn a_supervisor_settles_for_its_worker() {
    let check =
        |choices, expect: &[&str]| check(Queue, ProcessThenSettle, choices, SETTLES, expect);
    check(
        "mailer.effect.before#2=crash",
        &[
            "the worker of mailer 2 crashes before the effect of m1; mailer 2 lives on and settles m1 \
             for its worker; m1 is never delivered again and is lost.",
        ],
    );
    check(
        "mailer.message.poison#2=kills",
        &[
            "m1 is poison that kills its worker, and one of mailer 2 works on it; mailer 2 lives on \
             and settles m1 for its worker; m1 is never delivered again and is lost.",
        ],
    );
    check("mailer.effect.after#2=crash", &[]);
}

#[test]
fn a_supervisor_gives_back_for_its_worker() {
    check(
        Queue,
        ProcessThenSettle,
        "mailer.effect.after#2=crash",
        REQUEUES,
        &[
            "the worker of mailer 2 crashes after the effect of m1 and then mailer 2, which lives on, \
             gives m1 back; m1 is delivered again to mailer 1 and takes effect twice.",
        ],
    );
    check(Queue, ProcessThenSettle, "mailer.effect.before#2=crash", REQUEUES, &[]);
}

const LATER: &[(&str, &str)] = &[
    ("models", "queue"),
    ("consumer.on_error", "retry-topic"),
    ("consumer.retry_backoff", "1min"),
    ("subscriptions.0.consumers", "1"),
];

/// A copy that is published, and an original that is not settled: who did what, and what failed.
#[test]
fn a_copy_and_its_original() {
    let check = |choices: &str, expect: &[&str]| {
        let failed = format!("{choices}+mailer.handler.error#2=transient");
        let order = "m1 is delivered again";
        let told = told(Queue, ProcessThenSettle, &failed, LATER);
        let told: Vec<&str> =
            told.iter().map(String::as_str).filter(|one| !one.contains(order)).collect();
        assert_eq!(told, expect, "{choices}");
    };
    check(
        "send.after#3=crash",
        &[
            "the handler of mailer 1 fails on m1 and then mailer 1 publishes a copy of m1 to be tried \
             later and then mailer 1 crashes before it notes that a copy of m1 is stored; m1 comes \
             back beside its copy, and both are processed; m1 takes effect twice.",
        ],
    );
    check(
        "send.response#3=lost",
        &[
            "the handler of mailer 1 fails on m1 and then mailer 1 publishes a copy of m1 to be tried \
             later and then the answer that a copy of m1 is stored is lost; m1 comes back beside its \
             copy, and both are processed; m1 takes effect twice.",
        ],
    );
    check(
        "send.request#3=duplicated",
        &[
            "the handler of mailer 1 fails on m1 and then mailer 1 publishes a copy of m1 to be tried \
             later and then the request to store a copy of m1 arrives twice; both copies are \
             processed; m1 takes effect twice.",
        ],
    );
    check("send.request#3=lost", &[]);
}

/// An effect that nobody heard of, and its copy.
#[test]
fn a_copy_of_what_is_done() {
    check(
        Queue,
        ProcessThenSettle,
        "mailer.effect.response#2=lost",
        LATER,
        &[
            "the sink's answer about m1 is lost and then mailer 1 publishes a copy of m1 to be tried \
             later; the copy is delivered to mailer 1, and m1 takes effect twice.",
        ],
    );
}

/// Two handlers are at work at once: the sink's answer that is lost is that of the first, although
/// the second has begun since.
#[test]
fn an_unanswered_effect_is_of_its_own_message() {
    let within = [ALONE, AT_ONCE].concat();
    for (choices, m) in [("mailer.effect.response#1=lost", 0), ("mailer.effect.response#2=lost", 1)]
    {
        let expect = format!(
            "the sink's answer about m{m} is lost; mailer 1 tries again and m{m} takes effect twice."
        );
        check(Queue, Parallel, choices, &within, &[&expect]);
    }
}
