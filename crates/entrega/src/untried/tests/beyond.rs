//! What comes only after more messages, time or waiting than is tried.

use super::*;

/// Of three hundred messages each of two consumers gets a half; a log of one partition has one.
#[test]
fn a_settle_after_more_messages_than_are_run() {
    let check_of = |model, strategy, every, sent, expect: &[&str]| {
        let set = [
            ("consumer.settle_every", every),
            ("consumer.settle_interval", "1h"),
            ("workload.messages", sent),
            ("log.retention_time", "7d"),
            ("queue.visibility_timeout", "12h"),
        ];
        check(&of(model, strategy, &set), expect);
    };
    let every_n = Strategy::SettleEveryN;
    let said = |many| format!("what follows a settle, which comes after {many} messages");
    check_of(LOG, every_n, "299", "600", &[]);
    check_of(LOG, every_n, "300", "600", &[&said(300)]);
    check_of(LOG, every_n, "300", "300", &[]);
    check_of(QUEUE, every_n, "149", "600", &[]);
    check_of(QUEUE, every_n, "150", "600", &[&said(150)]);
    check_of(QUEUE, PLAIN, "300", "600", &[]);
}

/// Six messages are sent and three are tried.
#[test]
fn a_memory_that_forgets_before_all_are_sent() {
    let check_of = |model, path, entries, expect: &[&str]| {
        let recognises = ("sink.dedup", "atomic");
        let window = ("queue.dedup_window", "1h");
        let set = [recognises, window, (path, entries)];
        check(&of(model, PLAIN, &set), expect);
    };
    let said = |of| format!("a repetition after 5 other messages, which {of} has forgotten");
    for model in [LOG, QUEUE] {
        let of = "sink.dedup_entries";
        check_of(model, of, "6", &[]);
        check_of(model, of, "5", &[&said(of)]);
        check_of(model, of, "2", &[]);
    }
    let of = "queue.dedup_entries";
    check_of(QUEUE, of, "5", &[&said(of)]);
    check_of(LOG, of, "5", &[]);
}

/// One message a second: the three hundredth is sent after five minutes.
#[test]
fn consumers_that_go_later_than_what_is_run() {
    let check_of = |messages, at: &str, expect: &[&str]| {
        let changes = format!("[{{ at = '{at}', consumer = 1, what = 'dies' }}]");
        let set = [
            ("workload.messages", messages),
            ("subscriptions.0.changes", changes.as_str()),
            ("log.retention_time", "7d"),
        ];
        check(&of(LOG, PLAIN, &set), expect);
    };
    check_of("600", "10min", &["come or go at 10min, when more than the first 300 messages"]);
    check_of("600", "4min", &[]);
    check_of("300", "10min", &[]);
}

/// Nothing waits for longer than the run, unless nothing goes wrong at all.
#[test]
fn what_waits_for_longer_than_the_drain() {
    let drain = |span| [("limits.drain", span), ("times.broker_restart", "2min")];
    let restart = [kind("broker.restart", "restart")];
    let check_of = |span, kinds: &[FaultKind], faults, expect: &[&str]| {
        let (reader, scenario) = (Reader::Catalogued(PLAIN), scenario(&drain(span)));
        check(&untried_of(&scenario, QUEUE, reader, (faults, 0), kinds), expect);
    };
    let said = "what waits for longer than limits.drain (2min), where a run ends: up to 2min";
    check_of("2min", &restart, 1, &[said]);
    check_of("121s", &restart, 1, &[]);
    check_of("2min", &[kind("effect.after", "crash")], 1, &[]);
    check_of("30s", &[kind("effect.after", "crash")], 1, &["up to 30s"]);
    check_of("1s", &restart, 0, &[]);
    let error = [kind("handler.error", "transient")];
    let crash = [kind("effect.after", "crash")];
    let backoff = scenario(&[("limits.drain", "1min"), ("consumer.retry_backoff", "90s")]);
    let reader = Reader::Catalogued(PLAIN);
    check(&untried_of(&backoff, QUEUE, reader, (1, 0), &error), &["up to 90s"]);
    check(&untried_of(&backoff, QUEUE, reader, (1, 0), &restart), &[]);
    let strategy = |strategy| {
        let strategy = ("queue.dead_letter_strategy", strategy);
        scenario(&[("limits.drain", "2min"), ("queue.dead_letter", "true"), strategy])
    };
    let lost = [kind("dead_letter.transfer", "lost")];
    let (kept, gone) = (strategy("at-least-once"), strategy("at-most-once"));
    check(&untried_of(&kept, QUEUE, reader, (1, 0), &lost), &["up to 3min"]);
    check(&untried_of(&kept, QUEUE, reader, (1, 0), &crash), &[]);
    check(&untried_of(&gone, QUEUE, reader, (1, 0), &lost), &[]);
    let never = scenario(&[("limits.drain", "1h"), ("queue.visibility_timeout", "never")]);
    check(&untried_of(&never, QUEUE, Reader::Catalogued(PLAIN), (1, 0), &crash), &[]);
}
