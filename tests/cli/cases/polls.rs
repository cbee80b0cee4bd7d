//! Polls that skip a record or go back leave a promise of order open, because a line that explains
//! them may be left out; and beside each record the one that has the line.

use serde_json::json;

use super::{ORDERED, Said, log, record};
use crate::Bench;

const ASSIGN: &str = "assign - \"consumer\":\"c\"";
const LEFT_OUT: &str = "because of: polls left out";

/// Messages with a key each that were acknowledged, each stored at the offset of its place.
fn stored(messages: &str) -> Vec<String> {
    let sent = |(at, one)| {
        let store = format!("store {one} \"position\":{at}");
        [format!("send.invoke {one} \"key\":\"{one}\""), store, format!("send.ok {one}")]
    };
    messages.chars().enumerate().flat_map(sent).collect()
}

fn deliver(to: &str, one: &str, at: u64) -> String {
    format!("deliver {one} \"consumer\":\"{to}\",\"position\":{at}")
}

fn effect(to: &str, one: &str) -> String {
    format!("effect {one} \"consumer\":\"{to}\"")
}

/// `c` is given a and then c, with these lines in between and after; each takes effect.
fn skip(promise: &str, between: &[&str], after: &[&str]) -> Said {
    let sent = stored("abc");
    let first = [ASSIGN.to_owned(), deliver("c", "a", 0), effect("c", "a")];
    let third = [deliver("c", "c", 2), effect("c", "c")];
    let sent = sent.iter().chain(&first).map(String::as_str);
    let rest = between.iter().copied().chain(third.iter().map(String::as_str));
    let events: Vec<&str> = sent.chain(rest).chain(after.iter().copied()).collect();
    log(promise, &events, "quiescent")
}

/// The line of a delivery may be missing that nothing shows, and so may one that other lines show.
#[test]
fn a_skip_is_open_where_a_delivery_may_be_missing() {
    let later = [deliver("d", "b", 1), effect("d", "b")];
    let later = later.each_ref().map(String::as_str);
    skip(ORDERED, &[], &later).says(1, &[LEFT_OUT]);
    let vague = r#"deliver b "consumer":"c""#;
    skip(ORDERED, &[vague, "effect b"], &[]).says(1, &[LEFT_OUT]);
    skip(ORDERED, &[vague], &later).says(1, &[LEFT_OUT]);
    for shows in [
        r#"process.start b "consumer":"c""#,
        "process.start b",
        r#"process.end b "consumer":"c","result":"transient""#,
        r#"effect b "consumer":"c","verdict":"suppressed""#,
        r#"effect b "verdict":"rejected""#,
        r#"settle.invoke b "consumer":"c","act":"requeue""#,
        r#"settle.info b "consumer":"c","act":"commit""#,
    ] {
        let said = skip(ORDERED, &[shows], &later).says(1, &[LEFT_OUT]);
        said.of("/order/poll_skips", json!(1));
        let whole = [deliver("c", "b", 1), effect("c", "b")];
        skip(ORDERED, &[&whole[0], shows], &[&whole[1]]).says(0, &["valid"]);
    }
    let worked = [r#"process.start b "consumer":"d""#, r#"process.end b "result":"ok""#];
    skip(ORDERED, &[], &[later[0], worked[0], worked[1], later[1]]).says(1, &[LEFT_OUT]);
    let twice = [later[0], worked[0], worked[1], worked[0], later[1]];
    skip(ORDERED, &[], &twice).says(1, &[LEFT_OUT]);
}

/// Where nothing says that what was skipped was ever delivered, deliveries may be sampled.
#[test]
fn a_skip_is_open_where_deliveries_may_be_sampled() {
    let none = r#""guarantee":"none","ordered":true"#;
    skip(none, &[], &[]).says(1, &[LEFT_OUT]);
    let later = deliver("d", "b", 1);
    skip(none, &[], &[&later]).says(1, &[LEFT_OUT]);
    let sampled = |kept: &[(&str, u64)], code: i32, says: &str| {
        let kept = kept.iter().map(|(one, at)| deliver("c", one, *at));
        let lines: Vec<String> =
            stored("abcde").into_iter().chain([ASSIGN.to_owned()]).chain(kept).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        log(none, &lines, "quiescent").says(code, &[says]);
    };
    let all = [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4)];
    sampled(&all, 0, "valid");
    sampled(&[all[0], all[2], all[4]], 1, LEFT_OUT);
    sampled(&[all[1], all[3], all[4]], 1, LEFT_OUT);
    sampled(&all[2..], 0, "valid");
}

/// A consumer goes back where it seeks: a record with one seek need not have them all.
#[test]
fn going_back_is_open_where_a_seek_may_be_missing() {
    let check = |seek: &[&str], again: &[&str], second: &[(&str, u64)], code: i32, says: &str| {
        let first = [deliver("c", "a", 0), effect("c", "a"), deliver("c", "b", 1)];
        let polls = second.iter().map(|(one, at)| deliver("c", one, *at));
        let sought = again.iter().map(|line| (*line).to_owned());
        let rest = first.into_iter().chain([effect("c", "b")]).chain(sought);
        let rest: Vec<String> = rest.chain(polls).collect();
        let sent = stored("ab");
        let head = sent.iter().map(String::as_str).chain([ASSIGN]).chain(seek.iter().copied());
        let events: Vec<&str> = head.chain(rest.iter().map(String::as_str)).collect();
        log(ORDERED, &events, "quiescent").says(code, &[says]);
    };
    let seek = r#"seek - "consumer":"c","to":0"#;
    check(&[], &[], &[("a", 0), ("b", 1)], 1, LEFT_OUT);
    check(&[seek], &[], &[("a", 0), ("b", 1)], 1, LEFT_OUT);
    check(&[seek], &[seek], &[("a", 0), ("b", 1)], 0, "valid");
    check(&[], &[], &[("b", 1)], 0, "valid");
}

/// Lines that clocks put in order may have come in another, as far as these differ.
#[test]
fn what_another_order_within_the_skew_explains_is_not_found() {
    let check = |polls: &[(u64, &str, u64)], extra: &[(u64, &str)], sort: bool, says: &[&str]| {
        let sent = stored("abc");
        let sent = sent.iter().enumerate().map(|(at, line)| (at as u64, line.clone()));
        let polls = polls.iter().map(|(at, one, offset)| (*at, deliver("c", one, *offset)));
        let effects = ["a", "b", "c"].iter().map(|one| (5000, effect("c", one)));
        let extra = extra.iter().map(|(at, line)| (*at, (*line).to_owned()));
        let assign = [(20, ASSIGN.to_owned()), (21, r#"seek - "consumer":"c","to":0"#.to_owned())];
        let mut lines: Vec<(u64, String)> =
            sent.chain(assign).chain(polls).chain(extra).chain(effects).collect();
        lines.sort_by_key(|(at, _)| *at);
        let timed = |(at, line): &(u64, String)| {
            let gap = if line.contains(" \"") { "," } else { " " };
            format!("{line}{gap}\"at\":{at}")
        };
        let lines: Vec<String> = lines.iter().map(timed).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let bench = Bench::new();
        bench.write("h.jsonl", &record("log", ORDERED, &lines, "quiescent"));
        let more: &[&str] = if sort { &["--sort"] } else { &[] };
        let ended = bench.run(&[&["check", "h.jsonl", "--skew", "50ns"], more].concat());
        for says in says {
            assert!(ended.out.contains(says), "{}", ended.out);
        }
        assert_eq!(ended.code, Some(i32::from(says != ["is valid"])), "{}", ended.out);
    };
    let open = ["because of: order within skew"];
    let found = [LEFT_OUT];
    let swapped = |apart: u64| [(100, "a", 0), (1000, "c", 2), (1000 + apart, "b", 1)];
    check(&swapped(50), &[], true, &open);
    check(&swapped(51), &[], true, &found);
    check(&swapped(50), &[], false, &found);
    let first = |apart: u64| [(100, "b", 1), (100 + apart, "a", 0), (1000, "c", 2)];
    check(&first(50), &[], true, &open);
    check(&first(51), &[], true, &[LEFT_OUT]);
    let back = [(100, "a", 0), (1000, "b", 1), (2000, "a", 0), (3000, "b", 1), (4000, "c", 2)];
    let seek = r#"seek - "consumer":"c","to":0"#;
    check(&back, &[(2050, seek)], true, &open);
    check(&back, &[(1990, seek)], true, &["is valid"]);
    check(&back, &[(2051, seek)], true, &[LEFT_OUT]);
    check(&back, &[], true, &[LEFT_OUT]);
}
