//! The lines of the format, as `crates/model/src/history.rs` describes them: which fields each
//! event has, and values for them. There are few names, so that lines often speak of the same
//! thing.

use serde_json::{Map, Value, json};

use crate::dice::Dice;

/// An event, the fields that it must have, and those that it may have.
pub(crate) type Shape = (&'static str, &'static [&'static str], &'static [&'static str]);

const OF_A_DELIVERY: &[&str] = &["subscription", "consumer", "delivery"];

pub(crate) const SHAPES: [Shape; 41] = [
    ("send.invoke", &["message"], &["key", "producer", "attempt"]),
    ("send.ok", &["message"], &["producer", "attempt"]),
    ("send.fail", &["message"], &["producer", "attempt"]),
    ("send.info", &["message"], &["producer", "attempt"]),
    ("store", &["message"], &["subscription", "lane", "position", "copy"]),
    ("remove", &["message", "reason"], &["subscription"]),
    (
        "deliver",
        &["message"],
        &["subscription", "consumer", "delivery", "lane", "position", "attempt", "redelivered"],
    ),
    ("process.start", &["message"], OF_A_DELIVERY),
    ("process.end", &["message", "result"], OF_A_DELIVERY),
    ("effect", &["message"], &["key", "subscription", "consumer", "delivery", "verdict"]),
    (
        "settle.invoke",
        &["message", "act"],
        &["subscription", "consumer", "lane", "position", "trigger"],
    ),
    ("settle.ok", &["message", "act"], &["subscription", "consumer"]),
    ("settle.fail", &["message", "act"], &["subscription", "consumer"]),
    ("settle.info", &["message", "act"], &["subscription", "consumer"]),
    ("settled", &["message", "act"], &["subscription", "consumer", "trigger"]),
    ("committed", &["upto"], &["subscription", "consumer", "lane", "previous", "trigger"]),
    ("dlq", &["message"], &["subscription", "dlq.reason"]),
    ("lease_expired", &["message"], &["subscription", "consumer"]),
    ("requeued", &["message"], &["subscription", "consumer"]),
    ("session_expired", &[], &["subscription", "consumer"]),
    ("reset", &["to"], &["subscription", "consumer", "lane", "from"]),
    ("assign", &[], &["subscription", "consumer", "lane", "generation", "position"]),
    ("revoke", &[], &["subscription", "consumer", "lane"]),
    ("lost", &[], &["subscription", "consumer", "lane"]),
    ("crash", &["process"], &["incarnation"]),
    ("exit", &["process"], &["incarnation", "failed"]),
    ("start", &["process"], &["incarnation"]),
    ("stall", &["process"], &[]),
    ("resume", &["process"], &[]),
    ("broker_restart", &[], &[]),
    ("fault", &["point", "alternative", "process"], &["message"]),
    ("phase", &["phase"], &[]),
    ("retrievable", &["message"], &["subscription"]),
    ("seek", &["to"], &["subscription", "consumer", "lane", "from"]),
    ("max_poll_exceeded", &[], &["subscription", "consumer"]),
    ("kept", &["message"], &["subscription"]),
    ("settle_forgotten", &["message"], &["subscription"]),
    ("aborted", &["message"], &["subscription", "consumer", "delivery", "seen", "abort.reason"]),
    ("redriven", &["message"], &["subscription", "position", "tag"]),
    ("retried", &["message"], &["subscription", "consumer", "position"]),
    ("effect.invoke", &["message"], OF_A_DELIVERY),
];

/// Who takes part in a history.
pub(crate) struct Cast {
    pub(crate) model: &'static str,
    pub(crate) subscriptions: Vec<&'static str>,
}

/// A line of this shape. Of the fields that may be left out, each is there once in two times.
pub(crate) fn line(shape: &Shape, cast: &Cast, dice: &mut Dice) -> Value {
    let (event, required, optional) = shape;
    let must_say = cast.subscriptions.len() > 1 && !matches!(*event, "store" | "remove");
    let mut line = Map::from_iter([("event".to_owned(), json!(event))]);
    for field in required.iter().chain(*optional) {
        let needed = required.contains(field) || *field == "subscription" && must_say;
        if needed || dice.once_in(2) {
            let name = field.rsplit('.').next().expect("a name");
            line.insert(name.to_owned(), value(field, cast, dice));
        }
    }
    Value::Object(line)
}

/// A value for a field.
pub(crate) fn value(field: &str, cast: &Cast, dice: &mut Dice) -> Value {
    let words: &[&str] = match field {
        "message" => return dice.pick(&[json!("a"), json!("b"), json!("c"), json!(1)]).clone(),
        "lane" => return json!(dice.below(6) / 5),
        "attempt" => return json!(1 + dice.below(3)),
        "copy" => return json!(1 + dice.below(2)),
        "position" | "tag" | "upto" | "to" | "from" | "previous" | "generation" | "incarnation" => {
            return json!(dice.below(5));
        }
        "redelivered" | "failed" | "seen" => return json!(dice.once_in(2)),
        "subscription" => &cast.subscriptions,
        "key" => &["k", "k", "l"],
        "producer" => &["p", "p", "q"],
        "consumer" => &["c", "c", "d", "r"],
        "process" => &["c", "d", "p", "r"],
        "delivery" => &["1", "2", "3"],
        "act" => &["ack", "requeue", "reject", "extend", "commit"],
        "trigger" => {
            &["application", "timer", "delivery", "next_receive", "close", "revoke", "worker_lost"]
        }
        "reason" => {
            &["settled", "ttl", "overflow", "retention", "delivery_limit", "purge", "unroutable"]
        }
        "dlq.reason" => &["rejected", "delivery_limit", "ttl", "overflow", "client"],
        "abort.reason" => &["asked", "fenced", "expired"],
        "result" => &["ok", "transient", "poison", "unknown", "worker_lost"],
        "verdict" => &["applied", "applied", "suppressed", "rejected"],
        "point" => &["r.effect.after", "r.settle.request"],
        "alternative" => &["crash", "lost"],
        "phase" => &["workload", "heal", "drain", "quiescent", "audit"],
        "guarantee" => &["none", "at-most-once", "at-least-once", "exactly-once-effect"],
        other => panic!("no value for {other}"),
    };
    json!(dice.pick(words))
}

/// An event that the format has and the judge is never asked about would be compared by nobody.
#[test]
fn the_format_has_these_events_with_these_fields() {
    let format = include_str!("../../crates/model/src/history.rs");
    let rows: Vec<&str> = format.lines().filter(|line| line.starts_with("//! | `")).collect();
    let fields = |names: &[&str]| -> String {
        let names = names.iter().filter_map(|name| name.rsplit('.').next());
        names.map(|name| format!("`{name}` ")).collect()
    };
    let shapes = SHAPES.map(|(event, required, optional)| {
        format!("//! | `{event}` | {}| {}| ", fields(required), fields(optional))
    });
    let differ = rows.iter().zip(&shapes).find(|(row, shape)| !row.starts_with(shape.as_str()));
    assert_eq!(differ, None);
    assert_eq!(rows.len(), shapes.len());
}
