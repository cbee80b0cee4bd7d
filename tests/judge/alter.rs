//! Judges with one rule altered. Each is the judge, reading a history in which what the rule looks
//! at is not there, or says something else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// A rule that is altered, and how the history looks to such a judge.
pub(crate) type Altered = (&'static str, fn(&mut Vec<Value>));

pub(crate) const ALTERED: [Altered; 34] = [
    ("every outcome speaks for all attempts", |lines| forget(lines, "send.", "attempt")),
    ("only the last outcome counts", only_the_last_outcome),
    ("an outcome without an invocation is none", only_after_an_invocation),
    ("an invocation comes first", |lines| invocations_first(lines)),
    ("what is indeterminate is refused", |lines| rename(lines, "send.info", "send.fail")),
    ("what is refused is indeterminate", |lines| rename(lines, "send.fail", "send.info")),
    ("a send without an invocation has a place", invocations_before_outcomes),
    ("a suppressed effect is one", |lines| forget(lines, "effect", "verdict")),
    ("a dead letter is nothing", |lines| overlook(lines, "dlq")),
    ("a letter that was moved back is still there", |lines| overlook(lines, "redriven")),
    ("a dead letter is an effect", |lines| rename(lines, "dlq", "effect")),
    ("one effect is as good as two", one_effect),
    ("what is retrievable is lost", |lines| overlook(lines, "retrievable")),
    ("nothing is read at the end", |lines| overlook(lines, "phase")),
    ("a broker never restarts", |lines| overlook(lines, "broker_restart")),
    ("everything goes because its time is over", |lines| expire(lines)),
    ("a record is always finished", |lines| *end(lines) = json!({ "end": "quiescent" })),
    ("a record is never finished", |lines| *end(lines) = json!({ "end": "unfinished" })),
    ("a log has no prefix, and a queue no offsets", |lines| lines[0]["model"] = json!("queue")),
    ("nothing is known of what was delivered", |lines| forget(lines, "deliver", "position")),
    ("copies stand in the order of their lines", |lines| offsets_in_order(lines)),
    ("an unknown offset is 0", |lines| unknown_offsets_are_0(lines)),
    ("a settle may come first", |lines| overlook(lines, "settle")),
    ("every consumer is the same", |lines| forget(lines, "deliver", "consumer")),
    ("producers are all the same", |lines| forget(lines, "send.", "producer")),
    ("keys are all the same", |lines| lines.iter_mut().for_each(|line| line["key"] = json!("k"))),
    ("an assignment changes nothing", |lines| overlook(lines, "assign")),
    ("a crash changes nothing", |lines| overlook(lines, "crash")),
    ("a commit covers nothing", |lines| overlook(lines, "committed")),
    ("no delivery is recorded", |lines| overlook(lines, "deliver")),
    ("order is never promised", |lines| promise(lines, "ordered", false)),
    ("dead letters are always declared", |lines| promise(lines, "dead_letters", true)),
    ("sends have no order before an answer", |lines| lines[0]["program_order"] = json!(false)),
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

fn expire(lines: &mut [Value]) {
    for line in lines.iter_mut().filter(|line| is(line, "remove")) {
        line["reason"] = json!("ttl");
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

fn invocations_first(lines: &mut [Value]) {
    lines[1..].sort_by_key(|line| !is(line, "send.invoke"));
}

fn invocations_before_outcomes(lines: &mut Vec<Value>) {
    let mut begun = BTreeSet::new();
    let with_invocation = |line: Value| {
        let is_first = is(&line, "send.") && begun.insert(line["message"].to_string());
        let invocation = json!({ "event": "send.invoke", "message": line["message"] });
        (is_first && is_outcome(&line)).then_some(invocation).into_iter().chain([line])
    };
    *lines = lines.drain(..).flat_map(with_invocation).collect();
}

fn one_effect(lines: &mut Vec<Value>) {
    let mut seen = BTreeSet::new();
    let mut about =
        |line: &Value| seen.insert(format!("{} {}", line["message"], line["subscription"]));
    lines.retain(|line| !is(line, "effect") || about(line));
}

fn unknown_offsets_are_0(lines: &mut [Value]) {
    let places = |line: &&mut Value| is(line, "store") || is(line, "deliver");
    for line in lines.iter_mut().filter(places).filter(|line| line["position"].is_null()) {
        line["position"] = json!(0);
    }
}

fn offsets_in_order(lines: &mut [Value]) {
    let stored = |line: &&mut Value| is(line, "store") && !line["position"].is_null();
    for (position, line) in lines.iter_mut().filter(stored).enumerate() {
        line["position"] = json!(position);
    }
}
