//! What `check` reads: compressed, from a pipe, out of order, with more than the format knows; and
//! what it says of what it cannot read.

use std::io::Write;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::{Bench, Ended};

const HEADER: &str = r#"{"entrega_history":1,"model":"queue","subscriptions":[{"name":"mailer","guarantee":"at-least-once"}]}"#;

/// A message that was sent; without an effect it is lost.
const SENT: &str = concat!(
    "\n{\"event\":\"send.invoke\",\"message\":\"order-1\"}\n",
    "{\"event\":\"send.ok\",\"message\":\"order-1\"}\n"
);
const EFFECT: &str = "{\"event\":\"effect\",\"message\":\"order-1\"}\n";
const QUIESCENT: &str = "{\"end\":\"quiescent\"}\n";

fn lost() -> String {
    [HEADER, SENT, QUIESCENT].concat()
}

fn valid() -> String {
    [HEADER, SENT, EFFECT, QUIESCENT].concat()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// Judges these bytes, in a file and from a pipe.
fn both(bytes: &[u8], options: &[&str]) -> [Ended; 2] {
    let bench = Bench::new();
    std::fs::write(bench.path().join("h.jsonl"), bytes).expect("a writable directory");
    let file = bench.run(&[&["check", "h.jsonl"], options].concat());
    let mut command = bench.command(&[&["check", "-"], options].concat());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let _closed_early = child.stdin.take().expect("a pipe").write_all(bytes);
    [file, child.wait_with_output().expect("the program ends").into()]
}

/// Checks the exit code, and what is said on either output.
#[track_caller]
fn check(bytes: &[u8], options: &[&str], code: i32, expect: &str) {
    for ended in both(bytes, options) {
        let said = format!("{}{}", ended.out, ended.err);
        assert_eq!(ended.code, Some(code), "{said}");
        assert!(said.contains(expect) && !said.contains("panicked"), "{said}");
        assert!(code != 2 || ended.out.is_empty(), "{said}");
    }
}

#[test]
fn compressed_histories_are_read_whatever_they_are_called() {
    check(&gzip(&lost()), &[], 1, "first lost order-1");
    check(&gzip(&valid()), &[], 0, "The history is valid");
    let whole = lost();
    let (first, second) = whole.split_at(HEADER.len() + 20);
    check(&[gzip(first), gzip(second)].concat(), &[], 1, "first lost order-1");
}

#[test]
fn what_is_damaged_is_named() {
    let whole = gzip(&valid());
    check(&whole[..whole.len() / 2], &[], 2, "the gzip data is cut short");
    check(&whole[..5], &[], 2, "the gzip data is cut short");
    let mut flipped = whole.clone();
    let checksum = flipped.len() - 6;
    flipped[checksum] ^= 1;
    check(&flipped, &[], 2, "the gzip data is damaged");
    check(b"", &[], 2, "1:1: the history is empty");
    check(&gzip(""), &[], 2, "1:1: the history is empty");
    check(b"\x1f", &[], 2, "error: ");
    check(&valid().as_bytes()[..HEADER.len() + 30], &[], 2, "the history is truncated");
    check(&valid().replace("order-1", "é\0").into_bytes(), &[], 2, ":2:36: there is a NUL byte");
    check(&[HEADER.as_bytes(), b"\n{\"event\":\"\xff\"}\n"].concat(), &[], 2, ":2:11: not UTF-8");
    let long = valid().replace("order-1", &"x".repeat(1 << 20));
    check(long.as_bytes(), &[], 2, ":2:1: the line is longer than 1048576 bytes");
}

#[test]
fn a_directory_is_no_history() {
    let bench = Bench::new();
    let ended = bench.run(&["check", "."]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(2), "error: .: cannot read it: it is a directory\n")
    );
}

#[test]
fn files_of_windows_are_read() {
    let windows = format!("\u{feff}{}", lost().replace('\n', "\r\n"));
    check(windows.as_bytes(), &[], 1, "first lost order-1");
}

const EARLY: &str =
    "{\"at\":\"2024-05-01T12:00:00.01Z\",\"event\":\"send.invoke\",\"message\":1}\n";
const LATE: &str = "{\"at\":\"2024-05-01T14:00:00.05+02:00\",\"event\":\"effect\",\"message\":1}\n";
const OK: &str = "{\"at\":\"2024-05-01T12:00:00.02Z\",\"event\":\"send.ok\",\"message\":1}\n";

#[test]
fn timestamps_make_latencies() {
    let text = [HEADER, "\n", EARLY, OK, LATE, QUIESCENT].concat();
    check(text.as_bytes(), &[], 0, "max 40ms from send to effect");
    let mixed = text.replace("\"2024-05-01T12:00:00.02Z\"", "7");
    check(mixed.as_bytes(), &[], 2, ":3:7: a number and a timestamp cannot be compared");
    let before = text.replace("2024-05-01T12:00:00.01Z", "1969-01-01T00:00:00Z");
    check(before.as_bytes(), &[], 2, "it is before 1970");
}

/// Two clocks that differ tell a time between them no better than that.
#[test]
fn a_latency_is_true_within_the_skew() {
    let text = [HEADER, "\n", EARLY, OK, LATE, QUIESCENT].concat();
    let within = "max 40ms from send to effect, each within ± 30ms, as clocks differ by that";
    check(text.as_bytes(), &["--skew", "30ms"], 0, within);
    check(text.as_bytes(), &["--sort", "--skew", "30ms"], 0, within);
    check(text.as_bytes(), &["--skew", "40ms"], 0, "unknown, as clocks differ by 40ms");
    let json = |options: &[&str]| {
        let [file, _] = both(text.as_bytes(), &[options, &["--format", "json"]].concat());
        let said: Value = serde_json::from_str(&file.out).expect("JSON");
        let latency = &said["report"]["subscriptions"][0]["latency"];
        ["max", "within"].map(|name| latency.get(name).map(Value::as_u64))
    };
    assert_eq!(json(&[]), [Some(Some(40_000_000)), None]);
    assert_eq!(json(&["--skew", "30ms"]), [Some(Some(40_000_000)), Some(Some(30_000_000))]);
    assert_eq!(json(&["--skew", "40ms"]), [Some(None), Some(Some(40_000_000))]);
}

#[test]
fn lines_out_of_order_are_refused_counted_or_sorted() {
    let text = [HEADER, "\n", EARLY, LATE, OK, QUIESCENT].concat();
    let refused = "time goes backwards from 2024-05-01T12:00:00.05Z to 2024-05-01T12:00:00.02Z";
    check(text.as_bytes(), &[], 2, refused);
    check(text.as_bytes(), &[], 2, "(here by 30ms)");
    check(text.as_bytes(), &["--skew", "30ms"], 0, "max 40ms from send to effect");
    let noted = "note: 1 line goes back in time by more than --skew allows, by 30ms at most; the \
                 first is line 4";
    check(text.as_bytes(), &["--skew", "29ms"], 1, noted);
    let doubted = "unknown (promised: at-least-once) because of: inconsistent record";
    check(text.as_bytes(), &["--skew", "29ms"], 1, doubted);
    let broken = text.replace("\"effect\",\"message\":1", "\"effect\",\"message\":2");
    check(broken.as_bytes(), &["--skew", "29ms"], 1, "The history is invalid");
    check(text.as_bytes(), &["--sort", "--skew", "30ms"], 0, "The history is valid");
    check(text.as_bytes(), &["--sort", "--skew", "29ms"], 2, "and `--skew` allows 29ms");
    check(text.as_bytes(), &["--sort"], 2, ":4:7: time goes backwards");
    check(text.as_bytes(), &["--skew", "soon"], 2, "invalid value 'soon'");
}

#[test]
fn unknown_fields_pass_on_request_and_are_named_once() {
    let text = valid().replace("\"message\"", "\"host\":\"a\",\"message\"");
    check(text.as_bytes(), &[], 2, "unknown field `host` of send.invoke");
    let note = "fields that the format does not know were passed over: host (3)";
    check(text.as_bytes(), &["--lenient"], 0, &format!("note: {note}\n"));
    for ended in both(text.as_bytes(), &["--lenient", "--format", "json"]) {
        let checked: Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!(checked["notes"], serde_json::json!([note]));
    }
    for ended in both(valid().as_bytes(), &["--lenient", "--format", "json"]) {
        let checked: Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!((&checked["notes"], ended.err.as_str()), (&serde_json::json!([]), ""));
    }
}

/// Whether a terminal would obey something in this text.
fn is_obeyed(text: &str) -> bool {
    text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}'))
}

#[test]
fn names_cannot_command_a_terminal() {
    let text = lost().replace("order-1", "a\\u001b[2Jb\\n\\u202e").replace("mailer", "m\\u009b31m");
    for ended in both(text.as_bytes(), &[]) {
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(!is_obeyed(&ended.out) && !is_obeyed(&ended.err), "{:?}", ended.out);
        assert!(ended.out.contains("first lost a\\u{1b}[2Jb\\n\\u{202e}"), "{}", ended.out);
        assert!(ended.out.contains("m\\u{9b}31m"), "{}", ended.out);
    }
    for ended in both(text.as_bytes(), &["--format", "json"]) {
        let checked: Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!(checked["message_names"][0], "a\u{1b}[2Jb\n\u{202e}");
    }
    let wrong = text.replace("send.ok", "send.o\\u001bk");
    check(wrong.as_bytes(), &[], 2, "unknown event \"send.o\\u{1b}k\"");
    let bench = Bench::new();
    let missing = bench.run(&["check", "no\u{1b}where"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.starts_with("error: no\\u{1b}where: cannot read it"), "{:?}", missing.err);
}

#[test]
fn scenarios_cannot_command_a_terminal_either() {
    let bench = Bench::new();
    let titled = crate::TINY.replace("\"Tiny\"", "\"Ti\\u001b[31mny\"");
    bench.write("ti\u{1b}ny.toml", &titled.replace("One crash", "One \\u0007crash"));
    let file = "ti\u{1b}ny.toml";
    let verbs = [
        &["run", file][..],
        &["compare", file, "--quiet"],
        &["explore", file, "--quiet"],
        &["list", "."],
        &["run", file, "--set", "title=\u{1b}c"],
        &["run", file, "--set", "workload.messages=\u{1b}c"],
        &["run", file, "--set", "workload.mess\u{9b}=1"],
        &["run", file, "--model", "\u{1b}c"],
        &["replay", file, "1:\u{1b}c"],
        &["replay", file, "1:a:1:queue:\u{1b}c::x:y"],
    ];
    for args in verbs {
        let ended = bench.run(args);
        assert!(
            !is_obeyed(&ended.out) && !is_obeyed(&ended.err),
            "{:?} {:?}",
            ended.out,
            ended.err
        );
        assert!(ended.out.contains("\\u{1b}") || ended.code == Some(2), "{args:?} {}", ended.out);
    }
    let run = bench.ok(&["run", file]);
    assert!(run.contains("entrega replay $'ti\\x1bny.toml' '2:"), "{run}");
}
