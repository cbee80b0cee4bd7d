//! Judges with one rule altered. Each is the judge, reading a history in which what the rule looks
//! at is not there, or says something else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// A rule that is altered, and how the history looks to such a judge.
pub(crate) type Altered = (&'static str, fn(&mut Vec<Value>));

pub(crate) const ALTERED: [Altered; 20] = [
    ("every outcome speaks for all attempts", |lines| forget(lines, "send.", "attempt")),
    ("only the last outcome counts", only_the_last_outcome),
    ("an outcome without an invocation is none", only_after_an_invocation),
    ("an invocation comes first", invocations_first),
    ("a suppressed effect is one", |lines| forget(lines, "effect", "verdict")),
    ("a dead letter is nothing", |lines| overlook(lines, "dlq")),
    ("a dead letter is an effect", |lines| rename(lines, "dlq", "effect")),
    ("one effect is as good as two", one_effect),
    ("what is retrievable is lost", |lines| overlook(lines, "retrievable")),
    ("a record is always finished", |lines| *end(lines) = json!({ "end": "quiescent" })),
    ("a record is never finished", |lines| *end(lines) = json!({ "end": "unfinished" })),
    ("a log has no prefix, and a queue no offsets", |lines| lines[0]["model"] = json!("queue")),
    ("an unknown offset is 0", unknown_offsets_are_0),
    ("nothing is delivered before it is sent", |lines| overlook(lines, "deliver")),
    ("producers are all the same", |lines| forget(lines, "send.", "producer")),
    ("keys are all the same", |lines| lines.iter_mut().for_each(|line| line["key"] = json!("k"))),
    ("an assignment changes nothing", |lines| overlook(lines, "assign")),
    ("order is never promised", |lines| promise(lines, "ordered", false)),
    ("dead letters are always declared", |lines| promise(lines, "dead_letters", true)),
    ("clocks never differ", |lines| forget(lines, "", "at")),
];

fn end(lines: &mut [Value]) -> &mut Value {
    lines.last_mut().expect("a closing line")
}

fn is(line: &Value, event: &str) -> bool {
    line["event"].as_str().is_some_and(|own| own.starts_with(event))
}

fn overlook(lines: &mut Vec<Value>, event: &str) {
    lines.retain(|line| !is(line, event));
}

fn rename(lines: &mut [Value], event: &str, other: &str) {
    for line in lines.iter_mut().filter(|line| is(line, event)) {
        line["event"] = json!(other);
    }
}

fn forget(lines: &mut [Value], event: &str, field: &str) {
    for line in lines.iter_mut().filter(|line| is(line, event)) {
        line.as_object_mut().expect("an object").remove(field);
    }
}

fn promise(lines: &mut [Value], what: &str, given: bool) {
    for of in lines[0]["subscriptions"].as_array_mut().expect("subscriptions") {
        of[what] = json!(given);
    }
}

fn is_outcome(line: &Value) -> bool {
    is(line, "send.") && line["event"] != "send.invoke"
}

fn only_the_last_outcome(lines: &mut Vec<Value>) {
    let mut seen = BTreeSet::new();
    lines.reverse();
    lines.retain(|line| !is_outcome(line) || seen.insert(line["message"].to_string()));
    lines.reverse();
}

fn only_after_an_invocation(lines: &mut Vec<Value>) {
    let mut begun = BTreeSet::new();
    lines.retain(|line| {
        if is(line, "send.invoke") {
            begun.insert(line["message"].to_string());
        }
        !is_outcome(line) || begun.contains(&line["message"].to_string())
    });
}

fn invocations_first(lines: &mut Vec<Value>) {
    lines[1..].sort_by_key(|line| !is(line, "send.invoke"));
}

fn one_effect(lines: &mut Vec<Value>) {
    let mut seen = BTreeSet::new();
    let mut about =
        |line: &Value| seen.insert(format!("{} {}", line["message"], line["subscription"]));
    lines.retain(|line| !is(line, "effect") || about(line));
}

fn unknown_offsets_are_0(lines: &mut Vec<Value>) {
    let places = |line: &&mut Value| is(line, "store") || is(line, "deliver");
    for line in lines.iter_mut().filter(places).filter(|line| line["position"].is_null()) {
        line["position"] = json!(0);
    }
}
