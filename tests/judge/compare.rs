//! The checker's answer in the words of the judge, and the shortest history on which they differ.

use std::fmt::Write as _;

use entrega_lab::history;
use entrega_model::Duration;
use entrega_model::history::{Reading, TimeOrder};
use serde_json::{Map, Value, json};

use crate::rules::judge;

/// By so many nanoseconds time may go back.
pub(crate) const SKEW: u64 = 10_000_000;

/// A history as text.
pub(crate) fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What the checker says of a history, or why it refuses it.
pub(crate) fn checked(lines: &[Value]) -> Result<Value, String> {
    let text = text(lines);
    let order = TimeOrder::AsWritten(Duration::from_nanos(SKEW));
    let reading = Reading { order, ..Reading::default() };
    let judged = history::check(text.as_bytes(), "history.jsonl", reading);
    let judged = judged.map_err(|error| error.to_string())?;
    let report = serde_json::to_value(&judged.report).expect("JSON");
    let subscriptions = report["subscriptions"].as_array().expect("subscriptions");
    Ok(json!({
        "verdict": report["verdict"],
        "exit": if report["verdict"] == "valid" { 0 } else { 1 },
        "subscriptions": subscriptions.iter().map(subscription).collect::<Vec<_>>(),
    }))
}

fn subscription(of: &Value) -> Value {
    let own = ["verdict", "classes"].map(|field| (field.to_owned(), of[field].clone()));
    let counts = ["reordered", "replayed", "write_inversions"];
    let counts = counts.map(|field| (field.to_owned(), of["order"][field].clone()));
    let signs = ["poll_skips", "nonmonotonic_polls", "inconsistent_offsets"];
    let signs = signs.map(|field| (field.to_owned(), json!(of["order"][field] != 0)));
    Value::Object(own.into_iter().chain(counts).chain(signs).collect::<Map<_, _>>())
}

/// Whether both have an answer, and not the same.
pub(crate) fn differ(lines: &[Value]) -> bool {
    checked(lines).is_ok_and(|answer| answer != judge(lines, SKEW))
}

/// Leaves out lines and fields as long as the answers differ.
pub(crate) fn shrunk(mut lines: Vec<Value>, differ: &dyn Fn(&[Value]) -> bool) -> Vec<Value> {
    loop {
        let before = text(&lines);
        for at in (1..lines.len() - 1).rev() {
            let without = [&lines[..at], &lines[at + 1..]].concat();
            if differ(&without) {
                lines = without;
            }
        }
        for at in 1..lines.len() - 1 {
            let fields: Vec<String> =
                lines[at].as_object().expect("a line").keys().cloned().collect();
            for field in fields.iter().filter(|field| *field != "event") {
                let mut without = lines.clone();
                without[at].as_object_mut().expect("a line").remove(field);
                if differ(&without) {
                    lines = without;
                }
            }
        }
        if text(&lines) == before {
            return lines;
        }
    }
}

/// A history on which the answers differ, where they do, and both of them.
pub(crate) fn dispute(lines: &[Value]) -> String {
    let (checked, judged) = (checked(lines).expect("an answer"), judge(lines, SKEW));
    let mut places = String::new();
    compare("", &checked, &judged, &mut places);
    format!("{}{places}checker: {checked}\njudge:   {judged}\n", text(lines))
}

pub(crate) fn compare(path: &str, checked: &Value, judged: &Value, places: &mut String) {
    match (checked, judged) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                compare(&format!("{path}/{key}"), value, &other[key], places);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{path}/{at}"), one, other, places);
            }
        }
        _ if checked == judged => {}
        _ => writeln!(places, "{path}: checker {checked}, judge {judged}").expect("memory"),
    }
}
