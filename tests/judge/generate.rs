//! Histories made up: every event, few names, in an order that is often possible and often not.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::shapes::{Cast, SHAPES, Shape, line, value};

/// Events that give a consumer another place to read from.
const PLACES: [&str; 9] =
    ["assign", "revoke", "lost", "seek", "reset", "session_expired", "crash", "exit", "start"];

/// A history, a line each.
pub(crate) fn history(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed);
    let subscriptions = ["r", "s", "t"][..*dice.pick(&[1, 1, 1, 2, 3])].to_vec();
    let cast = Cast { model: ["log", "queue"][dice.below(2)], subscriptions };
    let mut events =
        if dice.once_in(4) { noise(&cast, &mut dice) } else { stories(&cast, &mut dice) };
    if dice.once_in(8) {
        tell_the_time(&mut events, &mut dice);
    }
    let end = dice.pick(&["quiescent", "quiescent", "quiescent", "unfinished"]);
    let mut lines = vec![header(&cast, &mut dice)];
    lines.extend(events);
    lines.push(json!({ "end": end }));
    lines
}

fn header(cast: &Cast, dice: &mut Dice) -> Value {
    let mut subscription = |name: &&str| {
        let mut of = json!({ "name": name, "guarantee": value("guarantee", cast, dice) });
        for field in ["dead_letters", "ordered"] {
            if dice.once_in(2) {
                of[field] = json!(!dice.once_in(4));
            }
        }
        of
    };
    let subscriptions: Vec<Value> = cast.subscriptions.iter().map(&mut subscription).collect();
    let mut header =
        json!({ "entrega_history": 1, "model": cast.model, "subscriptions": subscriptions });
    if dice.once_in(4) {
        header["program_order"] = json!(!dice.once_in(4));
    }
    header
}

/// Some of the lines have a time, and some of those a time that is too early.
fn tell_the_time(events: &mut [Value], dice: &mut Dice) {
    let mut now = 30;
    for event in events {
        now += dice.below(4);
        if dice.once_in(2) {
            let late = *dice.pick(&[0, 0, 0, 0, 3, 9, 10, 11, 20]);
            event["at"] = json!((now - late) * 1_000_000);
        }
    }
}

/// Lines that have nothing to do with each other.
fn noise(cast: &Cast, dice: &mut Dice) -> Vec<Value> {
    (0..5 + dice.below(25)).map(|_| line(dice.pick(&SHAPES), cast, dice)).collect()
}

/// What befell a few messages, and a few lines that went wrong. Every other time all of them are
/// sent one after the other, by one producer and with one key, before the first is delivered.
fn stories(cast: &Cast, dice: &mut Dice) -> Vec<Value> {
    let names = [json!("a"), json!("b"), json!("c"), json!(1)];
    let are_alike = dice.once_in(2);
    let (mut events, mut stories) = (Vec::new(), Vec::new());
    for (at, name) in names[..1 + dice.below(4)].iter().enumerate() {
        let position = if dice.once_in(6) { dice.below(5) } else { at };
        let (producer, key) = (dice.pick(&["p", "p", "q"]), dice.pick(&["k", "k", "k", "l"]));
        let (producer, key) = if are_alike { ("p", "k") } else { (*producer, *key) };
        let mut story = Vec::new();
        let sent = if are_alike { &mut events } else { &mut story };
        sent.extend(sends(name, position, producer, key, dice));
        story.extend(deliveries(name, position, cast, dice));
        story.reverse();
        stories.push(story);
    }
    while !stories.is_empty() {
        let one = if dice.once_in(2) { dice.below(stories.len()) } else { 0 };
        for _ in 0..1 + dice.below(4) {
            events.extend(stories[one].pop());
        }
        stories.retain(|story| !story.is_empty());
    }
    if dice.once_in(3) {
        events.extend(polls(&names, cast.subscriptions[0], dice));
    }
    go_wrong(&mut events, cast, dice);
    events
}

/// A consumer that reads on, and sometimes back or too far.
fn polls(names: &[Value], subscription: &str, dice: &mut Dice) -> Vec<Value> {
    let (mut told, mut at) = (Vec::new(), dice.below(3));
    for _ in 0..1 + dice.below(4) {
        if dice.once_in(3) {
            let mut place = json!({ "event": dice.pick(&PLACES) });
            let is_life = matches!(place["event"].as_str(), Some("crash" | "exit" | "start"));
            place[if is_life { "process" } else { "consumer" }] = json!("c");
            if matches!(place["event"].as_str(), Some("seek" | "reset")) {
                place["to"] = json!(at);
            }
            if !is_life {
                place["subscription"] = json!(subscription);
            }
            told.push(place);
        }
        let mut deliver = about("deliver", &names[at % names.len()], subscription);
        deliver["consumer"] = json!("c");
        deliver["position"] = json!(at);
        told.push(deliver);
        at = (at + dice.pick(&[0, 2, 2, 2, 2, 3])).saturating_sub(1);
    }
    told
}

/// Lines that do not belong there, and lines that stand elsewhere.
fn go_wrong(events: &mut Vec<Value>, cast: &Cast, dice: &mut Dice) {
    for _ in 0..*dice.pick(&[0, 0, 1, 2]) {
        let places = SHAPES.into_iter().filter(|shape| PLACES.contains(&shape.0));
        let shapes: Vec<Shape> = if dice.once_in(2) { SHAPES.into() } else { places.collect() };
        let at = dice.below(events.len() + 1);
        events.insert(at, line(dice.pick(&shapes), cast, dice));
    }
    for _ in 0..*dice.pick(&[0, 0, 0, 1, 3]) {
        let moved = events.remove(dice.below(events.len()));
        events.insert(dice.below(events.len() + 1), moved);
    }
}

/// A message is sent, and perhaps once more.
fn sends(
    message: &Value,
    position: usize,
    producer: &str,
    key: &str,
    dice: &mut Dice,
) -> Vec<Value> {
    let mut told = Vec::new();
    for attempt in 1..=*dice.pick(&[1, 1, 1, 2, 3]) {
        let mut invoke = json!({ "event": "send.invoke", "message": message, "attempt": attempt });
        let outcome = dice.pick(&["send.ok", "send.ok", "send.ok", "send.fail", "send.info"]);
        let mut outcome = json!({ "event": outcome, "message": message });
        for line in [&mut invoke, &mut outcome] {
            if !dice.once_in(3) {
                line["producer"] = json!(producer);
            }
        }
        if !dice.once_in(6) {
            invoke["key"] = json!(key);
        }
        if dice.once_in(3) {
            outcome["attempt"] = json!(attempt);
        }
        told.push(invoke);
        if dice.once_in(2) {
            told.push(json!({ "event": "store", "message": message, "position": position }));
        }
        if !dice.once_in(8) {
            told.push(outcome);
        }
    }
    told
}

/// What becomes of a message in every subscription.
fn deliveries(message: &Value, position: usize, cast: &Cast, dice: &mut Dice) -> Vec<Value> {
    let mut told = Vec::new();
    for subscription in &cast.subscriptions {
        if dice.once_in(8) {
            told.extend(passed_by(message, position, subscription, cast, dice));
            continue;
        }
        if dice.once_in(8) {
            told.extend(removed(message, subscription, dice));
            continue;
        }
        for _ in 0..*dice.pick(&[0, 1, 1, 1, 1, 2]) {
            told.extend(delivery(message, position, subscription, cast, dice));
        }
        if dice.once_in(8) {
            told.push(about("retrievable", message, subscription));
        }
    }
    told
}

/// A message that the broker removes, mostly before anybody had it and with a look at what is left.
fn removed(message: &Value, subscription: &str, dice: &mut Dice) -> Vec<Value> {
    let mut removal = about("remove", message, subscription);
    removal["reason"] = json!(dice.pick(&["ttl", "ttl", "unroutable", "overflow", "purge"]));
    let mut told = vec![removal];
    if dice.once_in(6) {
        told.insert(0, about("lease_expired", message, subscription));
    }
    if dice.once_in(6) {
        told.push(json!({ "event": "broker_restart" }));
    }
    if dice.once_in(6) {
        told.push(about("retrievable", message, subscription));
    }
    if !dice.once_in(6) {
        told.push(json!({ "event": "phase", "phase": "audit" }));
    }
    told
}

fn about(event: &str, message: &Value, subscription: &str) -> Value {
    json!({ "event": event, "message": message, "subscription": subscription })
}

/// A message that a consumer is done with and that took no effect, and sometimes one that another
/// consumer has too.
fn passed_by(
    message: &Value,
    position: usize,
    subscription: &str,
    cast: &Cast,
    dice: &mut Dice,
) -> Vec<Value> {
    let [mut deliver, mut end] =
        ["deliver", "process.end"].map(|event| about(event, message, subscription));
    deliver["position"] = json!(position);
    end["result"] = value("result", cast, dice);
    if dice.once_in(2) {
        deliver["consumer"] = json!("c");
        end = json!({ "event": dice.pick(&["crash", "exit", "start"]), "process": "c" });
    }
    let upto = position + 1;
    let commit = json!({ "event": "committed", "subscription": subscription, "upto": upto });
    if dice.once_in(3) {
        return vec![commit];
    }
    let mut told = vec![deliver, end, commit];
    if dice.once_in(3) {
        let mut other = told[0].clone();
        other["consumer"] = json!("d");
        if told[1]["event"] == "process.end" && dice.once_in(2) {
            told[1]["consumer"] = json!(dice.pick(&["d", subscription]));
        }
        told.insert(dice.below(3), other);
    }
    told
}

/// A message on its way through a consumer.
fn delivery(
    message: &Value,
    position: usize,
    subscription: &str,
    cast: &Cast,
    dice: &mut Dice,
) -> Vec<Value> {
    let mut told = Vec::new();
    if dice.once_in(6) {
        let events = ["assign", "revoke", "session_expired"];
        told.push(json!({ "event": dice.pick(&events), "subscription": subscription }));
    }
    if dice.once_in(2) {
        let mut deliver = about("deliver", message, subscription);
        if !dice.once_in(4) {
            deliver["position"] = json!(position);
        }
        if dice.once_in(3) {
            deliver["consumer"] = value("consumer", cast, dice);
        }
        told.push(deliver);
    }
    let chance = dice.below(8);
    if chance > 0 {
        told.push(about(if chance == 1 { "dlq" } else { "effect" }, message, subscription));
    }
    if dice.once_in(4) {
        let upto = position + *dice.pick(&[0, 1, 1, 1, 2]);
        told.push(json!({ "event": "committed", "subscription": subscription, "upto": upto }));
    }
    let after: Vec<Shape> =
        SHAPES.into_iter().filter(|shape| shape.0.starts_with("settle")).collect();
    if dice.once_in(4) {
        let mut settle = line(dice.pick(&after), cast, dice);
        settle["message"] = message.clone();
        settle["subscription"] = json!(subscription);
        told.push(settle);
    }
    told
}
