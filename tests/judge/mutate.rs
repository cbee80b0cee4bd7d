//! Histories that were recorded, and then changed in a few places.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::shapes::{Cast, SHAPES, value};

/// One of the recorded histories with one to four changes.
pub(crate) fn mutant(seed: u64, recorded: &[Vec<Value>]) -> Vec<Value> {
    let mut dice = Dice::new(seed);
    let mut lines = dice.pick(recorded).clone();
    for _ in 0..1 + dice.below(4) {
        change(&mut lines, &mut dice);
    }
    lines
}

fn change(lines: &mut Vec<Value>, dice: &mut Dice) {
    let events = lines.len() - 2;
    if events == 0 || dice.once_in(6) {
        return change_frame(lines, dice);
    }
    let at = interesting(lines, dice);
    match dice.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(1 + dice.below(events), lines[at].clone()),
        2 => lines.insert(at, lines[at].clone()),
        3 if at + 1 < lines.len() - 1 => lines.swap(at, at + 1),
        3 | 4 => {
            let moved = lines.remove(at);
            lines.insert(1 + dice.below(events), moved);
        }
        5 => drop_field(&mut lines[at], dice),
        6 => change_event(&mut lines[at], dice),
        _ => change_field(lines, at, dice),
    }
}

/// The header or the closing line.
fn change_frame(lines: &mut [Value], dice: &mut Dice) {
    let last = lines.len() - 1;
    let other = |end: &Value| if *end == "quiescent" { "unfinished" } else { "quiescent" };
    if dice.once_in(3) {
        lines[last] = json!({ "end": other(&lines[last]["end"]) });
        return;
    }
    let subscriptions = lines[0]["subscriptions"].as_array_mut().expect("subscriptions");
    let one = dice.below(subscriptions.len());
    let of = &mut subscriptions[one];
    match dice.below(4) {
        0 => of["dead_letters"] = json!(of["dead_letters"] != true),
        1 => of["guarantee"] = json!(dice.pick(&["none", "at-most-once", "exactly-once-effect"])),
        _ => of["ordered"] = json!(of["ordered"] != true),
    }
}

/// The number of a line; most often of one that says something about what became of a message.
fn interesting(lines: &[Value], dice: &mut Dice) -> usize {
    let telling = ["send.", "store", "deliver", "effect", "dlq", "retrievable"];
    loop {
        let at = 1 + dice.below(lines.len() - 2);
        let event = lines[at]["event"].as_str().expect("an event");
        if dice.once_in(6) || telling.iter().any(|name| event.starts_with(name)) {
            return at;
        }
    }
}

/// Leaves out a field that may be left out.
fn drop_field(line: &mut Value, dice: &mut Dice) {
    let optional = SHAPES.iter().find(|shape| line["event"] == shape.0).expect("a shape").2;
    let field = optional.iter().filter_map(|field| field.rsplit('.').next());
    let fields: Vec<&str> = field.filter(|field| !line[*field].is_null()).collect();
    if !fields.is_empty() {
        line.as_object_mut().expect("an object").remove(*dice.pick(&fields));
    }
}

/// Another outcome.
fn change_event(line: &mut Value, dice: &mut Dice) {
    let event = line["event"].as_str().expect("an event").to_owned();
    match event.as_str() {
        "send.invoke" | "send.ok" | "send.fail" | "send.info" => {
            let outcome = json!({ "event": dice.pick(&["send.ok", "send.fail", "send.info"]) });
            line["event"] = outcome["event"].clone();
            line.as_object_mut().expect("an object").remove("key");
        }
        "effect" if dice.once_in(2) => {
            let about = |field: &str| (field.to_owned(), line[field].clone());
            *line = Value::Object(["message", "subscription"].map(about).into_iter().collect());
            line["event"] = json!("dlq");
        }
        "effect" => line["verdict"] = json!(dice.pick(&["suppressed", "rejected", "applied"])),
        _ => {}
    }
}

/// A field gets the value that it has in another line, or one of its own.
fn change_field(lines: &mut [Value], at: usize, dice: &mut Dice) {
    let fields: Vec<String> = lines[at].as_object().expect("an object").keys().cloned().collect();
    let field = dice.pick(&fields).as_str();
    let values = lines[1..].iter().map(|line| &line[field]);
    let others: Vec<Value> = values.filter(|value| !value.is_null()).cloned().collect();
    if others.is_empty() || ["event", "at", "reason", "incarnation", "alternative"].contains(&field)
    {
        return;
    }
    let is_own = dice.once_in(4) && !["subscription", "point", "phase"].contains(&field);
    let cast = Cast { model: "log", subscriptions: Vec::new() };
    lines[at][field] = if is_own { value(field, &cast, dice) } else { dice.pick(&others).clone() };
}
