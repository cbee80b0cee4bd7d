//! Sentences about sinks that recognise what they have had, and then do not.

use super::*;

const CRASH: &str = "mailer.effect.after#2=crash";
const ZOMBIE: &str = "mailer.process.stall#2=before";
const STALL: &str = "mailer.process.stall#2=after";

/// Each ends with why the second effect was not recognised; where it was, there is no story.
fn check_end(dedup: &str, more: &[(&str, &str)], choices: &str, expect: Option<&str>) {
    check_end_on(Log, dedup, more, choices, expect);
}

fn check_end_on(
    model: Model,
    dedup: &str,
    more: &[(&str, &str)],
    choices: &str,
    expect: Option<&str>,
) {
    let set = [&[("sink.dedup", dedup)], more].concat();
    let told = told(model, ProcessThenSettle, choices, &set);
    let ends: Vec<&str> = told
        .iter()
        .filter_map(|one| one.split_once("takes effect twice"))
        .map(|(_, end)| end)
        .collect();
    let expect: Vec<String> = expect.into_iter().map(|end| format!("; {end}.")).collect();
    assert_eq!(ends, expect, "{dedup} {more:?} {choices}: {told:?}");
}

#[test]
fn a_key_that_is_forgotten_is_told() {
    check_end("atomic", &[], CRASH, None);
    check_end("atomic", &[("sink.dedup_window", "1h")], CRASH, None);
    check_end(
        "atomic",
        &[("sink.dedup_window", "500ms")],
        CRASH,
        Some("the sink had forgotten m1: its window of 500ms had closed"),
    );
    check_end_on(
        Queue,
        "atomic",
        &[("sink.dedup_entries", "1")],
        STALL,
        Some("the sink had forgotten m1: it has room for one message, and newer ones had come"),
    );
    check_end_on(Queue, "atomic", &[("sink.dedup_entries", "5")], STALL, None);
}

#[test]
fn a_look_that_came_too_early_is_told() {
    check_end("check-then-write", &[], CRASH, None);
    check_end(
        "check-then-write",
        &[],
        ZOMBIE,
        Some(
            "mailer 2 had looked for the key of m1 before it was there, and nobody looks \
             again",
        ),
    );
    check_end(
        "check-then-write",
        &[("sink.dedup_window", "500ms")],
        CRASH,
        Some("the sink had forgotten m1: its window of 500ms had closed"),
    );
}

#[test]
fn a_memory_that_is_gone_or_another_s_is_told() {
    check_end(
        "process-memory",
        &[],
        CRASH,
        Some("what mailer 2 remembered was gone with its process"),
    );
    check_end(
        "process-memory",
        &[],
        STALL,
        Some("only mailer 2 could remember m1, and mailer 1 did not"),
    );
}

/// A lost renewal is told as what it is, in a world in which a single one must not be lost.
#[test]
fn a_renewal_that_is_lost_is_told() {
    let set: &[(&str, &str)] =
        &[("consumer.lease_renewal", "5s"), ("workload.messages", "1"), ("times.slow", "8s")];
    check(Queue, ProcessThenSettle, "mailer.handler.slow#1=slow", set, &[]);
    check(
        Queue,
        ProcessThenSettle,
        "mailer.handler.slow#1=slow+mailer.settle.request#1=lost",
        set,
        &["mailer 1 is slow at m0 and then the request for more time for m0 is lost and then the \
             lease of mailer 1 expires; m0 is delivered again to mailer 2, mailer 1 goes on as a \
             zombie, and m0 takes effect twice."],
    );
}

/// Of a message that is stored twice too.
#[test]
fn two_copies_that_come_too_far_apart_are_told() {
    let copies = "send.response#2=lost";
    check_end("atomic", &[], copies, None);
    check_end(
        "atomic",
        &[("sink.dedup_window", "500ms")],
        copies,
        Some("the sink had forgotten m1: its window of 500ms had closed"),
    );
}
