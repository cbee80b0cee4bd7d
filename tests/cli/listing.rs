//! `check --list`: which messages, and where in the file.

use std::io::{self, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::{Bench, Ended};

/// Sixty messages of two subscriptions: every twentieth has no effect in the first, and the last
/// has two in the second.
fn history() -> String {
    let mut text = concat!(
        r#"{"entrega_history":1,"model":"queue","subscriptions":["#,
        r#"{"name":"mail","guarantee":"at-least-once"},{"name":"bill","guarantee":"none"}]}"#,
        "\n"
    )
    .to_owned();
    let effect = |id: u32, of: &str| {
        format!("{{\"event\":\"effect\",\"message\":\"m-{id}\",\"subscription\":\"{of}\"}}\n")
    };
    for id in 1..=60 {
        for event in ["send.invoke", "send.ok"] {
            text += &format!("{{\"event\":\"{event}\",\"message\":\"m-{id}\"}}\n");
        }
        if id % 20 != 0 {
            text += &effect(id, "mail");
        }
        text += &effect(id, "bill");
    }
    text + &effect(60, "bill") + "{\"end\":\"quiescent\"}\n"
}

/// From a file, and from a pipe. What refuses its options may end before it reads.
fn both(options: &[&str]) -> [Ended; 2] {
    let bench = Bench::new();
    bench.write("h.jsonl", &history());
    let file = bench.run(&[&["check", "h.jsonl"], options].concat());
    let mut command = bench.command(&[&["check", "-"], options].concat());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    let written = input.write_all(history().as_bytes());
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    assert!(written.as_ref().err().is_none_or(refused), "{written:?}");
    drop(input);
    [file, child.wait_with_output().expect("the program ends").into()]
}

fn message(entry: &Value) -> &Value {
    &entry["message"]
}

#[test]
fn the_first_of_each_kind_is_told_with_its_lines() {
    for ended in both(&[]) {
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        let lost = "mail: m-20 was acknowledged and never takes effect: what is recorded does not";
        let twice = "bill: m-60 takes effect more than once: what is recorded does not say why.";
        for expect in [lost, twice, "  line 78: {\"event\":\"send.invoke\",\"message\":\"m-20\"}"] {
            assert!(ended.out.contains(expect), "{}", ended.out);
        }
        assert!(!ended.out.contains("Listed") && !ended.out.contains("m-40"), "{}", ended.out);
    }
}

#[test]
fn all_of_a_kind_are_listed_with_the_numbers_of_their_lines() {
    for ended in both(&["--list", "lost,duplicated"]) {
        let listed = [
            "  mail: lost (unknown) m-20, lines 78, 79\n",
            "  mail: lost (unknown) m-40, lines 157, 158\n",
            "  mail: lost (unknown) m-60, lines 236, 237\n",
            "  bill: duplicated (unknown) m-60, lines 236, 237, 238, 239\n",
        ];
        assert!(ended.out.contains(&listed.concat()), "{}", ended.out);
    }
    for ended in both(&["--list", "lost", "--format", "json"]) {
        let document: Value = serde_json::from_str(&ended.out).expect("JSON");
        let listed = document["listed"].as_array().expect("a list");
        let names: Vec<&Value> = listed.iter().map(message).collect();
        assert_eq!(names, [&json!("m-20"), &json!("m-40"), &json!("m-60")]);
        let (lines, kind) = (&listed[0]["lines"], &listed[0]["kind"]);
        assert_eq!((lines, kind), (&json!([78, 79]), &json!("lost")));
        let stories = document["stories"].as_array().expect("a list");
        let told: Vec<&Value> = stories.iter().map(message).collect();
        assert_eq!(told, [&json!("m-20"), &json!("m-60")]);
        assert_eq!(stories[0]["excerpt"][0]["line"], json!(78));
    }
}

#[test]
fn a_kind_that_there_is_not_is_refused() {
    for ended in both(&["--list", "missing"]) {
        assert_eq!(ended.code, Some(2), "{}", ended.out);
        assert!(ended.err.contains("possible values: exact, duplicated"), "{}", ended.err);
    }
    for ended in both(&["--list", "phantom"]) {
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(!ended.out.contains("Listed"), "{}", ended.out);
    }
}

/// An endless input is refused at its first mistake, and not copied until the disk is full.
#[test]
fn a_pipe_is_read_no_further_than_needed() {
    let bench = Bench::new();
    let mut command = bench.command(&["check", "-"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    while input.write_all(b"y\n").is_ok() {}
    assert_eq!(child.wait().expect("the program ends").code(), Some(2));
}
