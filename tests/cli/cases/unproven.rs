//! What was not recorded is unknown: each statement that a record does not bear out, and beside it
//! the record that does.

use serde_json::{Value, json};

use super::{ALO, ORDERED, Said, log, queue, record};
use crate::Bench;

const EOE: &str = r#""guarantee":"exactly-once-effect","dead_letters":true"#;
const SENT: [&str; 2] = ["send.invoke m", "send.ok m"];
const HELD: [&str; 2] = [r#"deliver m "consumer":"c""#, r#"effect m "consumer":"c""#];
const AGAIN: [&str; 2] = [r#"deliver m "consumer":"d""#, r#"effect m "consumer":"d""#];

fn duplicate(between: &[&str]) -> Said {
    queue(ALO, &[&SENT, &HELD, between, &AGAIN].concat())
}

#[track_caller]
fn has_cause(said: Said, cause: &str) -> Said {
    said.of("/causes", json!({ cause: 1 }))
}

/// Messages that were acknowledged, each stored at the offset of its place.
fn stored(messages: &[&str]) -> Vec<String> {
    let sent = |(at, one): (usize, &&str)| {
        let store = format!("store {one} \"position\":{at}");
        [format!("send.invoke {one}"), store, format!("send.ok {one}")]
    };
    messages.iter().enumerate().flat_map(sent).collect()
}

fn on_log(promise: &str, messages: &[&str], events: &[&str], end: &str) -> Said {
    let sent = stored(messages);
    let events: Vec<&str> = sent.iter().map(String::as_str).chain(events.iter().copied()).collect();
    log(promise, &events, end)
}

#[test]
fn a_reset_is_named_where_one_is_recorded() {
    let check = |events: &[&str], cause: &str| {
        let events = [&["deliver b \"position\":1", "effect b"], events].concat();
        has_cause(on_log(ALO, &["a", "b"], &events, "quiescent"), cause);
    };
    let audit = "phase - \"phase\":\"audit\"";
    check(&[audit], "unknown");
    check(&["reset - \"from\":0,\"to\":1", audit], "skipped_by_reset");
    check(&["reset - \"from\":1,\"to\":2", audit], "unknown");
}

#[test]
fn a_second_start_is_no_crash() {
    let start = "start - \"process\":\"c\"";
    let lease = "lease_expired m \"consumer\":\"c\"";
    let requeued = "requeued m \"consumer\":\"c\"";
    for between in [&[start][..], &[start, lease], &[start, requeued], &[lease, start]] {
        has_cause(duplicate(between), "unknown");
    }
    has_cause(duplicate(&["crash - \"process\":\"c\"", start]), "redelivered_after_crash");
    has_cause(duplicate(&["exit - \"process\":\"c\"", start]), "closed_without_settle");
    has_cause(duplicate(&[lease]), "lease_expired");
    let settled = r#"settled m "act":"ack","consumer":"c""#;
    has_cause(duplicate(&[settled, start]), "redelivered_after_settle");
}

/// A line that only a stored message can have shows that stores are left out.
#[test]
fn what_was_removed_or_settled_was_stored() {
    let others = ["send.invoke a", "store a", "send.ok a", "effect a"];
    let lost = |more: &[&str]| queue(ALO, &[&others[..], &SENT, more].concat());
    has_cause(lost(&[]), "never_stored_but_acked");
    has_cause(lost(&["remove m \"reason\":\"unroutable\""]), "never_stored_but_acked");
    has_cause(lost(&["remove m \"reason\":\"ttl\""]), "removed_ttl");
    has_cause(lost(&["remove m \"reason\":\"settled\""]), "unknown");
    has_cause(lost(&["settled m \"act\":\"ack\""]), "settled_before_process");
    for line in ["settle.invoke m \"act\":\"ack\"", "lease_expired m", "process.start m"] {
        has_cause(lost(&[line]), "unknown");
    }
    let unseen = ["send.invoke b", "send.ok b", "deliver b", "effect b"];
    has_cause(lost(&unseen), "unknown");
    let gap = |place: u64| {
        let last = format!("store b \"position\":{place}");
        let events = ["send.invoke b", &*last, "send.ok b", "deliver a \"position\":0"];
        let events = [&events[..], &["effect a", "effect b"], &SENT].concat();
        on_log(ALO, &["a"], &events, "quiescent")
    };
    has_cause(gap(1), "never_stored_but_acked");
    has_cause(gap(2), "unknown");
}

#[test]
fn two_effects_of_one_delivery_are_so_by_their_lines() {
    let check = |events: &[&str], cause: &str| {
        has_cause(queue(ALO, &[&SENT[..], events].concat()), cause);
    };
    let [deliver, effect] = HELD;
    check(&[deliver, effect, AGAIN[1]], "unknown");
    check(&["deliver m", effect, AGAIN[1]], "unknown");
    check(&[deliver, effect, effect], "handler_retry");
    check(&[deliver, "effect m", "effect m"], "handler_retry");
    check(&["deliver m", effect, effect], "handler_retry");
    let lease = "lease_expired m \"consumer\":\"c\"";
    check(&[deliver, lease, AGAIN[0], AGAIN[1], effect], "lease_expired");
    check(&[deliver, lease, AGAIN[0], "effect m", "effect m"], "unknown");
    let named = [r#"deliver m "delivery":"1""#, r#"deliver m "delivery":"2""#];
    let effect = r#"effect m "delivery":"2""#;
    check(&[named[0], lease, named[1], effect, effect], "handler_retry");
}

#[test]
fn a_settle_is_lost_if_nobody_answered() {
    let invoke = r#"settle.invoke m "act":"ack","consumer":"c""#;
    let answer = |outcome: &str| format!("settle.{outcome} m \"act\":\"ack\",\"consumer\":\"c\"");
    let other =
        ["send.invoke a", "send.ok a", "deliver a", "effect a", "settled a \"act\":\"ack\""];
    let check = |between: &[&str], cause: &str| {
        has_cause(queue(ALO, &[&other[..], &SENT, &HELD, between, &AGAIN].concat()), cause);
    };
    check(&[invoke], "settle_lost");
    check(&[invoke, &answer("info")], "settle_lost");
    check(&[invoke, &answer("fail")], "unknown");
    check(&[invoke, &answer("ok")], "unknown");
    check(&[invoke, &answer("fail"), invoke], "settle_lost");
    let crash = "crash - \"process\":\"c\"";
    check(&[invoke, &answer("fail"), crash], "redelivered_after_crash");
    has_cause(duplicate(&[invoke, &answer("info")]), "unknown");
    let commit = |outcome: &str| format!("settle.{outcome} b \"act\":\"commit\"");
    let events = |outcome: &str| {
        let ask = commit("invoke") + ",\"position\":1";
        let told = commit(outcome);
        let all = ["deliver a \"position\":0", "effect a", "deliver b \"position\":1", "effect b"];
        let then = ["deliver a \"position\":0", "effect a", "committed - \"upto\":1"];
        let events = [&all[..], &[&ask, &told], &then].concat();
        on_log(ALO, &["a", "b"], &events, "quiescent")
    };
    has_cause(events("info"), "settle_lost");
    has_cause(events("fail"), "unknown");
}

#[test]
fn a_poll_skips_within_an_assignment_that_is_recorded() {
    let sent = stored(&["a", "b", "c"]);
    let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
    let deliver = |one: &str, at: u64, to: &str| {
        [format!("deliver {one} \"position\":{at},\"consumer\":\"{to}\""), format!("effect {one}")]
    };
    let check = |places: &[(&str, u64, &str)], before: &[&str], promise: &str, code, says: &str| {
        let polls: Vec<String> =
            places.iter().flat_map(|(one, at, to)| deliver(one, *at, to)).collect();
        let polls: Vec<&str> = polls.iter().map(String::as_str).collect();
        let events = [&sent[..], before, &polls].concat();
        log(promise, &events, "quiescent").says(code, &[says]);
    };
    let assign = &["assign - \"consumer\":\"c\""][..];
    let skip = [("a", 0, "c"), ("c", 2, "c"), ("b", 1, "d")];
    let open = "because of: polls outside one assignment";
    check(&skip, &[], ORDERED, 1, open);
    check(&skip, &[], ALO, 0, "1 deliveries that skip a record");
    check(&skip, assign, ORDERED, 1, "because of: polls left out");
    let back = [("a", 0, "c"), ("b", 1, "c"), ("a", 0, "c"), ("b", 1, "c"), ("c", 2, "c")];
    check(&back, &[], ORDERED, 1, open);
    let seeks = ["assign - \"consumer\":\"c\"", "seek - \"consumer\":\"c\",\"to\":0"];
    check(&back, &seeks, ORDERED, 1, "because of: polls left out");
    check(&back, assign, ORDERED, 1, "because of: polls left out");
    let meanwhile = [("a", 0, "c"), ("b", 1, "d"), ("c", 2, "c")];
    check(&meanwhile, assign, ORDERED, 1, open);
    let taken = ["assign - \"consumer\":\"c\"", "assign - \"consumer\":\"d\""];
    check(&skip, &taken, ORDERED, 1, open);
}

/// What an aborted transaction leaves behind is no record that a poll skips.
#[test]
fn a_hole_of_an_indeterminate_send_is_not_skipped() {
    let check = |outcome: &str, more: &[&str], code, says: &str| {
        let outcome = format!("send.{outcome} b");
        let events = [
            "send.invoke a",
            "store a \"position\":0",
            "send.ok a",
            "send.invoke b",
            "store b \"position\":1",
            &outcome,
            "send.invoke c",
            "store c \"position\":2",
            "send.ok c",
            "assign -",
            "deliver a \"position\":0",
            "effect a",
            "deliver c \"position\":2",
            "effect c",
        ];
        log(ORDERED, &[&events[..], more].concat(), "quiescent").says(code, &[says]);
    };
    let reason = "because of: polls left out";
    check("info", &[], 0, "valid");
    check("ok", &["deliver b \"position\":1", "effect b"], 1, reason);
    check("info", &["seek - \"to\":1", "deliver b \"position\":1", "effect b"], 1, reason);
}

/// The same line once more is not another delivery.
#[test]
fn a_delivery_that_stands_there_twice_is_one() {
    let line = |id: &str| format!("deliver a \"position\":0,\"delivery\":\"{id}\"");
    let check = |ids: [&str; 2], code, deliveries: u64| {
        let [one, other] = ids.map(line);
        let rest = ["deliver b \"position\":1,\"delivery\":\"9\"", "effect b"];
        let events = [&["assign -", &*one, "effect a"], &rest[..], &[&other]].concat();
        let said = on_log(ORDERED, &["a", "b"], &events, "quiescent");
        said.says(code, &[]).of("/deliveries", json!(deliveries));
    };
    check(["1", "1"], 0, 2);
    check(["1", "2"], 1, 3);
}

/// What clocks that sorted the lines cannot tell is not out of order.
#[test]
fn order_within_the_skew_is_unknown() {
    let check = |apart: u64, sort: bool, code: i32, says: &str| {
        let key = "\"key\":\"k\"";
        let at = |at: u64| format!("\"at\":{at}");
        let a = format!("send.invoke a {key},{}", at(1));
        let (ok, b) = (format!("send.ok a {}", at(2)), format!("send.invoke b {key},{}", at(3)));
        let both = [format!("effect b {}", at(1000)), format!("effect a {}", at(1000 + apart))];
        let acked = format!("send.ok b {}", at(4));
        let events = [&*a, &ok, &b, &acked, &both[0], &both[1]];
        let bench = Bench::new();
        bench.write("h.jsonl", &record("queue", ORDERED, &events, "quiescent"));
        let more: &[&str] = if sort { &["--sort"] } else { &[] };
        let ended = bench.run(&[&["check", "h.jsonl", "--skew", "50ns"], more].concat());
        assert_eq!(ended.code, Some(code), "{}", ended.out);
        assert!(ended.out.contains(says), "{}", ended.out);
    };
    check(50, true, 1, "because of: order within skew");
    check(50, true, 1, "closer together than the clock skew");
    check(51, true, 1, "because of: reordered");
    check(50, false, 1, "because of: reordered");
}

/// Deliveries that lines after them need, and that are not there.
#[test]
fn a_delivery_that_is_needed_is_missing() {
    let sent = ["send.invoke a", "send.ok a", r#"deliver a "consumer":"c""#, "effect a"];
    let check = |events: &[&str], expect: &[(&str, &[u64])]| {
        let said = queue(EOE, &[&sent[..], &SENT, events].concat()).gaps(expect);
        let verdict = if expect.is_empty() { "valid" } else { "unknown" };
        said.of("/verdict", json!(verdict));
    };
    let second = |fields: &str| format!("deliver m \"consumer\":\"d\",{fields}");
    let effect = r#"effect m "consumer":"d""#;
    let missing: &[(&str, &[u64])] = &[("redelivery_without_delivery", &[8])];
    for fields in ["\"attempt\":2", "\"redelivered\":true"] {
        check(&[&second(fields), effect], missing);
        let after = |line: &str| [line, &*second(fields), effect].map(str::to_owned);
        for back in ["lease_expired m \"consumer\":\"c\"", "requeued m \"consumer\":\"c\""] {
            let lines = after(back);
            check(&lines.each_ref().map(String::as_str), &[]);
        }
        let lines = after("broker_restart -");
        check(&lines.each_ref().map(String::as_str), &[]);
    }
    check(&[&second("\"attempt\":1"), effect], &[]);
    check(&[HELD[0], &second("\"attempt\":2"), effect], &[]);
    check(&[HELD[0], &second("\"attempt\":3"), effect], &[("redelivery_without_delivery", &[9])]);
    let settled = r#"settled m "act":"ack","consumer":"d""#;
    let unsettled: &[(&str, &[u64])] = &[("settle_without_delivery", &[10])];
    check(&[HELD[0], HELD[1], settled], unsettled);
    check(&[HELD[0], HELD[1], &settled.replace("\"d\"", "\"c\"")], &[]);
    let ahead = r#"settled m "act":"ack","consumer":"c","trigger":"delivery""#;
    check(&[ahead, HELD[0], HELD[1]], &[]);
    check(&[HELD[0], effect], &[("effect_without_delivery", &[9])]);
}

/// What is delivered after a commit does not fill a hole below it.
#[test]
fn a_later_delivery_hides_no_hole() {
    let sent = ["send.invoke a", "send.ok a", "send.invoke b", "send.ok b"];
    let open = ["send.invoke c", "send.info c"];
    let first = ["deliver a \"position\":0", "effect a", "committed - \"upto\":1"];
    let rest =
        ["committed - \"upto\":2", "seek - \"to\":1", "deliver b \"position\":1", "effect b"];
    let events = [&sent[..], &open, &first, &rest].concat();
    let said = log(EOE, &events, "quiescent").gaps(&[("commit_over_unrecorded", &[11])]);
    said.of("/verdict", json!("unknown"));
    let whole = [rest[2], rest[3], rest[0]];
    let events = [&sent[..], &open, &first, &whole].concat();
    log(EOE, &events, "quiescent").gaps(&[]).of("/verdict", json!("valid"));
}

/// Nobody knows when that happened which stands before the first time.
#[test]
fn a_latency_needs_two_times() {
    let check = |sent: &str, effect: &str, count: u64, longest: Value| {
        let (sent, effect) = (format!("send.invoke m{sent}"), format!("effect m{effect}"));
        let said = queue(ALO, &[&sent, "send.ok m", &effect]);
        let is_told = said.text.contains("latency");
        assert_eq!(is_told, longest.is_number(), "{}", said.text);
        said.of("/latency/count", json!(count)).of("/latency/max", longest);
    };
    check("", "", 0, Value::Null);
    check("", " \"at\":1700000000000000000", 0, Value::Null);
    check(" \"at\":1700000000000000000", " \"at\":1700000000000000007", 1, json!(7));
}

/// Exactly once is promised for what was acknowledged.
#[test]
fn a_refused_message_may_have_two_dead_letters() {
    let check = |outcome: &str, code: i32, excess: u64| {
        let sent = ["send.invoke a", "send.ok a", "effect a", "send.invoke m", outcome];
        let said = queue(EOE, &[&sent[..], &["dlq m", "dlq m"]].concat()).says(code, &[]);
        said.of("/dlq_excess", json!(excess));
    };
    check("send.fail m", 0, 0);
    check("send.ok m", 1, 1);
    check("send.info m", 1, 1);
}

/// A delivery shows where a consumer has come, also if no line says that it went back.
#[test]
fn what_may_follow_a_delivery_further_back_is_not_lost() {
    let events = [
        "deliver a \"position\":0",
        "effect a",
        "deliver d \"position\":3",
        "effect d",
        "committed - \"upto\":4",
    ];
    let check = |more: &[&str], expect: &str| {
        let said = on_log(ALO, &["a", "b", "c", "d"], &[&events, more].concat(), "unfinished");
        said.says(1, &[expect]);
    };
    check(&[], "2 exact, 2 lost");
    let back = ["deliver b \"position\":1", "effect b"];
    check(&back, "3 exact, 1 pending");
    check(&[back[0], back[1], "deliver d \"position\":3"], "3 exact, 1 lost");
}

/// A consumer that lost its partition and delivers what it has in its buffer is a zombie: the log
/// has not handed out again what was committed.
#[test]
fn a_zombie_is_no_broker_that_breaks_its_word() {
    let check = |before: &[&str], between: &[&str], cause: &str| {
        let first = "deliver a \"position\":0,\"consumer\":\"c\"";
        let next = ["deliver b \"position\":1,\"consumer\":\"d\"", "effect b"];
        let commit = "committed - \"upto\":2,\"consumer\":\"d\"";
        let late = ["deliver b \"position\":1,\"consumer\":\"c\"", "effect b"];
        let events = [before, &[first, "effect a"], between, &next, &[commit], &late].concat();
        has_cause(on_log(ALO, &["a", "b"], &events, "quiescent"), cause);
    };
    let (one, other) = ("assign - \"consumer\":\"c\"", "assign - \"consumer\":\"d\"");
    let lost = "lost - \"consumer\":\"c\"";
    check(&[one], &[lost, other], "rebalanced");
    check(&[one], &[other], "rebalanced");
    check(&[one], &["session_expired - \"consumer\":\"c\"", lost, other], "session_expired");
    check(&[], &[], "unknown");
}

/// A record whose first line of a send is that of a later attempt lacks an attempt that is open:
/// the send is not refused, and nobody knows when it began.
#[test]
fn a_later_attempt_without_a_first_is_open() {
    let refused = ["send.invoke a \"attempt\":2", "send.fail a \"attempt\":2", "effect a"];
    let rest = ["send.invoke b", "send.ok b", "effect b"];
    let missing = "a later attempt to send a, and no first one is recorded";
    queue(ALO, &[&refused[..], &rest].concat()).says(0, &["valid", missing]);
    let first = ["send.invoke a", "send.fail a", "effect a"];
    queue(ALO, &[&first[..], &rest].concat()).says(1, &["because of: phantom"]);
    let sent = |attempt: &str| {
        let again = format!("send.invoke b \"key\":\"k\"{attempt}");
        let before = ["send.invoke a \"key\":\"k\"", "send.ok a", &again, "send.ok b"];
        let events = [&before[..], &["effect b", "effect a"]].concat();
        queue(ORDERED, &events)
    };
    sent(",\"attempt\":2").says(1, &["unknown"]);
    sent("").says(1, &["because of: reordered"]);
}

/// On a log one offset holds one copy, however often a line says so.
#[test]
fn a_store_that_stands_there_twice_is_one() {
    let check = |second: u64, cause: &str| {
        let store = |at| format!("store a \"position\":{at}");
        let seen = |consumer: &str, delivery: u64| {
            let of = format!("\"consumer\":\"{consumer}\",\"delivery\":{delivery}");
            [format!("deliver a \"position\":0,{of}"), format!("effect a {of}")]
        };
        let sends = ["send.invoke a", "send.ok a"].map(str::to_owned);
        let [delivered, applied] = seen("c", 1);
        let [again, twice] = seen("e", 2);
        let crash = "crash - \"process\":\"c\"".to_owned();
        let rest = [store(0), store(second), delivered, applied, crash, again, twice];
        let events: Vec<String> = sends.into_iter().chain(rest).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        log(ALO, &events, "quiescent").says(0, &[cause]);
    };
    check(0, "redelivered after crash");
    check(1, "stored twice");
}

/// Whatever a consumer did with a message says that it was given it, so a log has not passed it by.
#[test]
fn what_a_consumer_has_done_something_with_was_given_to_it() {
    let check = |with: &[&str], code, says: &str| {
        let later = ["deliver b \"consumer\":\"c\",\"position\":1", "effect b \"consumer\":\"c\""];
        on_log(ALO, &["a", "b"], &[&later[..], with].concat(), "unfinished").says(code, &[says]);
    };
    check(&[], 1, "because of: lost");
    check(&["process.start a"], 1, "because of: stalled");
    check(&["process.end a \"result\":\"transient\""], 1, "because of: stalled");
    check(&["effect a \"consumer\":\"c\",\"verdict\":\"rejected\""], 1, "because of: stalled");
    let settle = "settle.invoke a \"consumer\":\"c\",\"act\":\"commit\",\"position\":0";
    check(&[settle], 1, "because of: stalled");
}
