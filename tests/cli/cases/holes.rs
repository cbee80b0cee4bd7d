//! What an early end and missing lines leave open, and what they do not.

use serde_json::json;

use super::{ALO, Said, log};

const EOE: &str = r#""guarantee":"exactly-once-effect""#;

/// Messages that were acknowledged and stored, each at the offset of its place.
fn stored(messages: &[&str]) -> Vec<String> {
    let sent = |(at, one): (usize, &&str)| {
        let store = format!("store {one} \"position\":{at}");
        [format!("send.invoke {one}"), store, format!("send.ok {one}")]
    };
    messages.iter().enumerate().flat_map(sent).collect()
}

/// What is said of a log whose recording stopped, with messages a, b and c at 0, 1 and 2.
fn stopped(events: &[&str]) -> Said {
    let sent = stored(&["a", "b", "c"]);
    let events: Vec<&str> = sent.iter().map(String::as_str).chain(events.iter().copied()).collect();
    log(ALO, &events, "unfinished")
}

const DELIVERED: [&str; 2] = [r#"deliver a "position":0"#, "effect a"];
const TO_ONE: &str = r#"deliver b "position":1,"consumer":"one""#;

fn committed(upto: u64) -> String {
    format!("committed - \"upto\":{upto}")
}

/// What a committed offset covers is not retrievable: nobody is handed it any more.
#[test]
fn below_the_committed_offset_a_message_without_an_effect_is_lost() {
    let check = |commits: &[u64], then: &[&str], expect: &str| {
        let commits: Vec<String> = commits.iter().map(|upto| committed(*upto)).collect();
        let commits = commits.iter().map(String::as_str);
        let events: Vec<&str> =
            DELIVERED.into_iter().chain(commits).chain(then.iter().copied()).collect();
        stopped(&events).says(1, &[expect]);
    };
    check(&[1], &[], "1 exact, 2 pending");
    check(&[2], &[], "1 exact, 1 pending, 1 lost");
    check(&[3], &[], "2 settled before process (first lost b)");
    check(&[3, 2], &[], "1 exact, 1 pending, 1 lost");
    check(&[3], &[r#"seek - "to":1"#], "1 exact, 2 pending");
    check(&[3], &[r#"assign - "position":2"#], "1 exact, 1 pending, 1 lost");
    check(&[3], &["retrievable c"], "1 exact, 1 pending, 1 lost");
    check(&[3], &[r#"deliver c "position":2"#, "effect c"], "2 exact, 1 lost");
}

/// What a consumer was given, or has begun with, may still come to its effect, whatever is
/// committed and whatever became of the handler and the consumer: only a drained record says that
/// it is lost.
#[test]
fn what_somebody_was_given_is_not_lost_yet() {
    let commit = committed(2);
    let check = |begun: &str, then: &[&str], expect: &str| {
        let events = [&DELIVERED[..], &[begun, &commit], then].concat();
        stopped(&events).says(1, &[expect]);
    };
    let waits = "1 exact, 2 pending";
    check(TO_ONE, &[], waits);
    check(r#"process.start b "consumer":"one""#, &[], waits);
    for end in [
        r#"crash - "process":"one""#,
        r#"exit - "process":"one""#,
        r#"process.end b "result":"ok""#,
        r#"process.end b "result":"poison""#,
        r#"process.end b "result":"unknown""#,
    ] {
        check(TO_ONE, &[end], waits);
    }
    let events = [&DELIVERED[..], &[&commit]].concat();
    stopped(&events).says(1, &["1 exact, 1 pending, 1 lost"]);
}

/// Nothing that is not committed is lost because its consumer is.
#[test]
fn what_is_not_committed_will_be_delivered_again() {
    let commit = committed(1);
    let crash = r#"crash - "process":"one""#;
    let events = [&DELIVERED[..], &[TO_ONE, &commit, crash]].concat();
    stopped(&events).says(1, &["1 exact, 2 pending"]);
}

/// The messages a and b, which were sent, and these events; what is missing on which lines.
fn check_missing(events: &[&str], expect: &[(&str, &[u64])]) {
    let sent = ["send.invoke a", "send.ok a", "send.invoke b", "send.ok b"];
    let events = [&sent[..], events].concat();
    let (code, verdict, says) = match expect {
        [] => (0, "valid", "every promise was kept"),
        _ => (1, "unknown", "lines of consumers are missing in it"),
    };
    let said = log(EOE, &events, "quiescent").says(code, &[says]).gaps(expect);
    said.of("/verdict", json!(verdict)).of("/classes/exact", json!(2));
}

const A: [&str; 2] = [r#"deliver a "position":0"#, "effect a"];
const B: [&str; 2] = [r#"deliver b "position":1"#, "effect b"];

/// A consumer that died may not have logged what it had done.
#[test]
fn an_effect_without_its_delivery_leaves_it_open() {
    check_missing(&[A, B].concat(), &[]);
    check_missing(&["effect a", "effect b"], &[]);
    check_missing(&["send.invoke c", "send.info c", "deliver c", "effect a", "effect b"], &[]);
    check_missing(&[A[0], A[1], B[1]], &[("effect_without_delivery", &[8])]);
    check_missing(&[A[0], B[1], A[1], B[0]], &[("effect_without_delivery", &[7])]);
    let suppressed = r#"effect c "verdict":"suppressed""#;
    let sent = ["send.invoke c", "send.info c", suppressed];
    check_missing(&[&A[..], &B, &sent].concat(), &[]);
}

#[test]
fn a_commit_over_offsets_that_nobody_recorded_leaves_it_open() {
    let commits = |all: &[u64]| all.iter().map(|upto| committed(*upto)).collect::<Vec<_>>();
    let check = |third: Option<&str>, before: u64, after: u64, expect: &[(&str, &[u64])]| {
        let commits = commits(&[before, after]);
        let open = ["send.invoke c", "send.info c"];
        let third = third.as_slice();
        let events = [&open[..], &A, &[&commits[0]], &B, third, &[&commits[1]]].concat();
        check_missing(&events, expect);
    };
    check(None, 1, 2, &[]);
    check(None, 1, 3, &[("commit_over_unrecorded", &[13])]);
    check(None, 0, 2, &[]);
    check(Some(r#"deliver a "position":3"#), 1, 4, &[("commit_over_unrecorded", &[14])]);
    check(Some(r#"store c "position":2"#), 1, 3, &[]);
    check(Some(r#"deliver a "position":2"#), 1, 3, &[]);
    let first = [&A[..], &B, &[r#"committed - "upto":9"#]].concat();
    check_missing(&first, &[]);
    let named = [&A[..], &B, &[r#"committed - "upto":9,"previous":7"#]].concat();
    check_missing(&named, &[]);
    let open = [&named[..], &["send.invoke c", "send.info c"]].concat();
    check_missing(&open, &[("commit_over_unrecorded", &[10])]);
    let vague = [&named[..], &["deliver a", "send.invoke c", "send.info c"]].concat();
    check_missing(&vague, &[]);
}

/// That every message had an effect is known, whatever is missing.
#[test]
fn what_an_effect_more_would_not_break_is_not_in_doubt() {
    let sent = ["send.invoke a", "send.ok a", "send.invoke b", "send.ok b"];
    let events = [&sent[..], &A, &["effect b"]].concat();
    let gaps: &[(&str, &[u64])] = &[("effect_without_delivery", &[8])];
    log(ALO, &events, "quiescent").says(0, &["every promise was kept"]).gaps(gaps);
    log(EOE, &events, "quiescent").says(1, &["there may be another effect"]).gaps(gaps);
}

/// Missing lines excuse nothing: a promise that is broken stays broken.
#[test]
fn what_is_broken_stays_broken_where_lines_are_missing() {
    let sent = ["send.invoke a", "send.ok a", "send.invoke b", "send.ok b"];
    let lost = [&sent[..], &A, &["effect c"]].concat();
    log(EOE, &lost, "quiescent")
        .says(1, &["is invalid", "first lost b"])
        .gaps(&[("effect_without_delivery", &[8])]);
    let twice = [&sent[..], &A, &["effect b", "effect b"]].concat();
    log(EOE, &twice, "quiescent").says(1, &["is invalid", "1 duplicated"]);
}
