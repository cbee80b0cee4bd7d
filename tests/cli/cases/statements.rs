//! What is said of a record is no more than it shows.

use serde_json::json;

use super::{ALO, ORDERED, Said, log, queue};

const SENT: [&str; 2] = ["send.invoke m \"attempt\":1", "send.ok m \"attempt\":1"];
const AGAIN: [&str; 3] =
    ["send.info m \"attempt\":1", "send.invoke m \"attempt\":2", "send.ok m \"attempt\":2"];
const HELD: [&str; 2] = ["deliver m \"consumer\":\"c\"", "effect m"];
const ACKED: &str = "settled m \"act\":\"ack\"";
const CRASH: &str = "crash - \"process\":\"c\"";
const TWICE: &str = "it was sent more than once, and what was stored is not recorded";

/// A delivery to another consumer, with more fields, and its effect.
fn next(fields: &str) -> [String; 2] {
    [format!("deliver m \"consumer\":\"d\"{fields}"), "effect m".to_owned()]
}

fn check(events: &[&[&str]], fields: &str) -> Said {
    let next = next(fields);
    let last: Vec<&str> = next.iter().map(String::as_str).collect();
    queue(ALO, &[&events.concat()[..], &last].concat())
}

/// The cause of the only duplicate.
fn has_cause(said: Said, cause: &str) -> Said {
    said.of("/causes", json!({ cause: 1 }))
}

#[test]
fn another_copy_need_not_be_the_one_that_was_delivered() {
    let sent = [&SENT[..1], &HELD, &[ACKED]].concat();
    for between in [&[][..], &[CRASH]] {
        for fields in ["", ",\"redelivered\":false", ",\"attempt\":1"] {
            has_cause(check(&[&sent, between, &AGAIN], fields), "unknown").says(0, &[TWICE]);
        }
        for fields in [",\"redelivered\":true", ",\"attempt\":2"] {
            let said = check(&[&sent, between, &AGAIN], fields);
            has_cause(said, "redelivered_after_settle").says(0, &["nothing recorded took it back"]);
        }
    }
    let unsettled = [&SENT[..1], &HELD, &AGAIN, &[CRASH]];
    has_cause(check(&unsettled, ",\"redelivered\":false"), "unknown").says(0, &[TWICE]);
    has_cause(check(&unsettled, ""), "redelivered_after_crash");
}

#[test]
fn what_was_stored_or_refused_is_known() {
    let fields = ",\"redelivered\":false";
    let (store, sent) = ("store m", &SENT[..1]);
    let one = [sent, &[store], &HELD, &[ACKED], &AGAIN];
    has_cause(check(&one, fields), "unknown").says(0, &[TWICE]);
    has_cause(check(&one, ",\"redelivered\":true"), "redelivered_after_settle");
    let two = [sent, &[store], &HELD, &[ACKED], &AGAIN, &[store]];
    has_cause(check(&two, fields), "stored_twice");
    let refused = ["send.fail m \"attempt\":1", AGAIN[1], AGAIN[2]];
    let refused = [sent, &HELD, &[ACKED], &refused];
    has_cause(check(&refused, fields), "redelivered_after_settle");
}

/// Of a log the offsets tell.
#[test]
fn two_offsets_are_two_copies() {
    let cause = |events: &[&str], offset: &str, cause: &str| {
        let next = next(&format!(",\"position\":{offset}"));
        let last: Vec<&str> = next.iter().map(String::as_str).collect();
        let first = ["deliver m \"consumer\":\"c\",\"position\":4", "effect m"];
        let events = [&SENT[..1], &first, events, &AGAIN, &last].concat();
        has_cause(log(ALO, &events, "quiescent"), cause);
    };
    cause(&[], "5", "stored_twice");
    cause(&[CRASH], "5", "stored_twice");
    cause(&[CRASH], "4", "redelivered_after_crash");
    let (commit, assign) = ("committed - \"upto\":5", "assign - \"consumer\":\"d\"");
    cause(&[CRASH, commit], "4", "redelivered_after_crash");
    cause(&[commit, CRASH], "4", "redelivered_after_settle");
    cause(&[commit, assign], "4", "redelivered_after_settle");
    cause(&[assign], "4", "unknown");
}

/// As in a run: the crash comes first among the causes. Its line is shown beside that of the lease.
#[test]
fn a_crash_of_its_consumer_decides_over_a_lease_of_the_message() {
    let lease = "lease_expired m \"consumer\":\"c\"";
    let start = "start - \"process\":\"c\"";
    let held = [&SENT[..], &HELD].concat();
    has_cause(check(&[&held, &[CRASH, start, lease]], ""), "redelivered_after_crash");
    has_cause(check(&[&held, &[lease, CRASH]], ""), "redelivered_after_crash");
    has_cause(check(&[&held, &[lease]], ""), "lease_expired");
    has_cause(check(&[&held, &[CRASH]], ""), "redelivered_after_crash");
    has_cause(check(&[&held, &[ACKED, CRASH, lease]], ""), "unknown");
    has_cause(check(&[&held, &[ACKED, CRASH]], ""), "redelivered_after_settle");
}

/// What a cause speaks of is among the lines, and what befell others is not.
#[test]
fn the_line_of_the_crash_is_shown() {
    let other = "crash - \"process\":\"d\"";
    let held = [&SENT[..], &[other], &HELD].concat();
    let said = check(&[&held, &[other, CRASH]], "");
    let lines = json!([2, 3, 5, 6, 8, 9, 10]);
    let said = said.has("/stories/0/lines", &lines);
    let _ = said.says(0, &["line 8: {\"event\":\"crash\",\"process\":\"c\"}"]);
}

/// Order that nothing could be compared for is unknown; of one send there is nothing to compare.
#[test]
fn order_without_keys_is_unknown() {
    let why = "nothing could be compared: no two sends have a recorded key in common";
    let sends = |keys: [&str; 2], effects: [&str; 2]| {
        let events = [
            format!("send.invoke a{}", keys[0]),
            "send.ok a".to_owned(),
            format!("send.invoke b{}", keys[1]),
            "send.ok b".to_owned(),
            format!("effect b{}", effects[1]),
            format!("effect a{}", effects[0]),
        ];
        queue(ORDERED, &events.each_ref().map(String::as_str))
    };
    let (none, k, l) = ("", " \"key\":\"k\"", " \"key\":\"l\"");
    let unknown = sends([none, none], [none, none]).says(1, &[why, "unknown"]);
    unknown.of("/reasons", json!(["nothing_compared"]));
    sends([k, none], [none, none]).says(1, &[why]);
    sends([k, l], [none, none]).says(0, &["valid"]);
    sends([k, k], [none, none]).says(1, &["because of: reordered"]);
    sends([none, none], [k, k]).says(1, &["because of: reordered"]);
    sends([none, none], [k, l]).says(0, &["valid"]);
    sends([k, l], [k, k]).says(0, &["valid"]);
    queue(ORDERED, &["send.invoke a", "send.ok a", "effect a"]).says(0, &["valid"]);
    let unordered = ["send.invoke a", "send.ok a", "effect a", "send.invoke b", "effect b"];
    queue(ALO, &unordered).says(0, &["valid"]);
}

/// What is open is no reason of a promise that is broken.
#[test]
fn a_broken_promise_is_broken_by_nothing_that_is_open() {
    let twice = ["send.invoke a", "send.ok a", "effect a", "effect a"];
    let (open, once) = (["send.invoke b", "send.ok b"], r#""guarantee":"exactly-once-effect""#);
    let said = log(once, &[&twice[..], &open].concat(), "unfinished");
    let said = said.says(1, &["because of: duplicated\n", "1 duplicated, 1 pending"]);
    said.of("/reasons", json!(["duplicated"])).has("/report/reasons", &json!(["duplicated"]));
    let said = log(ALO, &[&twice[..], &open].concat(), "unfinished");
    said.says(1, &["unknown"]).of("/reasons", json!(["stalled", "pending"]));
}

/// A record of which nobody knows whether anything crashed proves nothing about crashes.
#[test]
fn what_was_put_to_the_test_is_unknown_without_crashes_and_leases() {
    let calm = [&SENT[..], &HELD, &[ACKED]].concat();
    let unknown = "unknown, as no crash and no lease or session that ran out is recorded";
    queue(ALO, &calm).says(0, &[unknown]);
    let other = "crash - \"process\":\"d\"";
    queue(ALO, &[&calm[..], &[other]].concat()).says(0, &["no critical window was hit"]);
    queue(ALO, &[&calm[..], &[CRASH]].concat()).says(0, &["crashes after settle: 1"]);
}

/// Names that are not the numbers of their order, everywhere in JSON.
#[test]
fn messages_have_the_names_of_the_record_everywhere() {
    let key = "\"key\":\"k\"";
    let (first, second) = (format!("send.invoke 17 {key}"), format!("send.invoke 9 {key}"));
    let events = [
        "effect 5 \"verdict\":\"suppressed\"",
        &first,
        "send.ok 17",
        &second,
        "send.ok 9",
        "deliver 9 \"consumer\":\"c\"",
        "effect 9",
        "effect 17",
        "effect 17",
        "send.invoke 4",
        "send.ok 4",
        "deliver 4 \"consumer\":\"c\"",
        "retrievable 4",
    ];
    let said = queue(ORDERED, &events).has("/inconsistent_record/0/lines/0/message", &json!("5"));
    let said = said.has("/stories/0/message", &json!("17"));
    let said = said.of("/examples/0/message", json!("17")).of("/firsts/exact", json!("9"));
    let said = said.of("/order/reordered_example", json!("17"));
    said.of("/waiting", json!([{ "message": "4", "last_with": "c" }]));
}
