//! Histories made up: every event, few names, in an order that is often possible and often not.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::shapes::{Cast, SHAPES, Shape, line, value};

/// A history, a line each.
pub(crate) fn history(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed);
    let subscriptions = ["r", "s", "t"][..*dice.pick(&[1, 1, 1, 2, 3])].to_vec();
    let cast = Cast { model: *dice.pick(&["log", "queue"]), subscriptions };
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
    json!({ "entrega_history": 1, "model": cast.model, "subscriptions": subscriptions })
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

/// What befell a few messages, told in turns, with a few lines that went wrong.
fn stories(cast: &Cast, dice: &mut Dice) -> Vec<Value> {
    let names = [json!("a"), json!("b"), json!("c"), json!(1)];
    let mut stories: Vec<Vec<Value>> = Vec::new();
    for (at, name) in names[..1 + dice.below(4)].iter().enumerate() {
        let mut story = story(name, at, cast, dice);
        story.reverse();
        stories.push(story);
    }
    let mut events: Vec<Value> = Vec::new();
    while !stories.is_empty() {
        let one = if dice.once_in(2) { dice.below(stories.len()) } else { 0 };
        for _ in 0..1 + dice.below(4) {
            events.extend(stories[one].pop());
        }
        stories.retain(|story| !story.is_empty());
    }
    for _ in 0..*dice.pick(&[0, 0, 1, 2]) {
        let at = dice.below(events.len() + 1);
        events.insert(at, line(dice.pick(&SHAPES), cast, dice));
    }
    for _ in 0..*dice.pick(&[0, 0, 0, 1, 3]) {
        let moved = events.remove(dice.below(events.len()));
        events.insert(dice.below(events.len() + 1), moved);
    }
    events
}

/// A message from its first send to its last effect, most of the time as it should be.
fn story(message: &Value, position: usize, cast: &Cast, dice: &mut Dice) -> Vec<Value> {
    let mut told = Vec::new();
    let position = if dice.once_in(6) { dice.below(5) } else { position };
    let place = |line: &mut Value| {
        line["position"] = json!(position);
        line["lane"] = json!(0);
    };
    let (producer, key) = (*dice.pick(&["p", "p", "q"]), *dice.pick(&["k", "k", "k", "l"]));
    let may_say = |line: &mut Value, field: &str, word: &str, dice: &mut Dice| {
        if dice.once_in(2) {
            line[field] = json!(word);
        }
    };
    for attempt in 1..=*dice.pick(&[1, 1, 1, 2, 3]) {
        let mut invoke = json!({ "event": "send.invoke", "message": message, "attempt": attempt });
        may_say(&mut invoke, "producer", producer, dice);
        if !dice.once_in(6) {
            invoke["key"] = json!(key);
        }
        told.push(invoke);
        if dice.once_in(2) {
            let mut store = json!({ "event": "store", "message": message });
            place(&mut store);
            told.push(store);
        }
        if !dice.once_in(8) {
            let outcome = dice.pick(&["send.ok", "send.ok", "send.ok", "send.fail", "send.info"]);
            let mut outcome = json!({ "event": outcome, "message": message });
            may_say(&mut outcome, "producer", producer, dice);
            if dice.once_in(3) {
                outcome["attempt"] = json!(attempt);
            }
            told.push(outcome);
        }
    }
    for subscription in &cast.subscriptions {
        for _ in 0..*dice.pick(&[0, 1, 1, 1, 1, 2]) {
            told.extend(delivery(message, subscription, &place, cast, dice));
        }
        if dice.once_in(8) {
            told.push(about("retrievable", message, subscription));
        }
    }
    told
}

fn about(event: &str, message: &Value, subscription: &str) -> Value {
    json!({ "event": event, "message": message, "subscription": subscription })
}

/// A message on its way through a consumer.
fn delivery(
    message: &Value,
    subscription: &str,
    place: &dyn Fn(&mut Value),
    cast: &Cast,
    dice: &mut Dice,
) -> Vec<Value> {
    let mut told = Vec::new();
    if dice.once_in(2) {
        let mut deliver = about("deliver", message, subscription);
        if !dice.once_in(4) {
            place(&mut deliver);
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
