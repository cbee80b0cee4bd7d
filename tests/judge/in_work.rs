//! The judge on who may still come to an effect: semantics.md 5.3, `prefix`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::rules::{Lines, kind, name};

/// A delivery and its consumer.
type Handed = (String, Option<String>);

/// Whether a delivery of a message is still in work: neither is its own handler said to be done for
/// good, nor does the life of its consumer end after it.
pub(crate) fn is_in_work(of: &Value, lines: &Lines<'_>, all: &Lines<'_>, message: &str) -> bool {
    let handed = handed(of, all);
    let about = |event: &Value| name(event, "message").as_deref() == Some(message);
    let mut open: Vec<(usize, &Handed)> = Vec::new();
    for (line, event) in lines.iter().filter(|(_, event)| about(event)) {
        let for_good = event["result"] == "ok" || event["result"] == "poison";
        match kind(event) {
            "deliver" => open.push((*line, &handed[line])),
            "process.end" if for_good => is_over(&mut open, &handed[line]),
            _ => {}
        }
    }
    let life_ends = |since: usize, consumer: &Option<String>| {
        all.iter().any(|(line, event)| {
            let ends = matches!(kind(event), "crash" | "exit" | "start");
            *line > since && ends && name(event, "process") == *consumer
        })
    };
    open.iter().any(|(since, (_, consumer))| !life_ends(*since, consumer))
}

/// The delivery that the line means is over; if it is none of the consumer, its latest.
fn is_over(open: &mut Vec<(usize, &Handed)>, ended: &Handed) {
    let same = open.iter().rposition(|(_, one)| *one == ended);
    let own = || open.iter().rposition(|(_, (_, consumer))| *consumer == ended.1);
    if let Some(over) = same.or_else(own) {
        open.remove(over);
    }
}

/// Of each line about a delivery, which one, and to whom. Left out on `deliver`, the delivery is a
/// new one, elsewhere the message's latest; a `process.start` begins one if no `deliver` did. A
/// consumer that is left out is the one that the delivery is known by, else the subscription's.
fn handed(of: &Value, all: &Lines<'_>) -> BTreeMap<usize, Handed> {
    let mut latest: BTreeMap<[Option<String>; 2], (String, bool)> = BTreeMap::new();
    let mut consumers: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    let steps = ["deliver", "process.start", "process.end", "effect"];
    for (line, event) in all.iter().filter(|(_, event)| steps.contains(&kind(event))) {
        let subscription = name(event, "subscription").or_else(|| name(of, "name"));
        let about = [subscription.clone(), name(event, "message")];
        let known = latest.get(&about).filter(|(_, is_delivered)| match kind(event) {
            "deliver" => false,
            "process.start" => *is_delivered,
            _ => true,
        });
        let (known, named) = (known.cloned(), name(event, "delivery"));
        let delivery = match (&named, &known) {
            (Some(named), _) => format!("named {named}"),
            (None, Some((latest, _))) => latest.clone(),
            (None, None) => format!("of line {line}"),
        };
        let is_another = named.is_some() || known.is_none();
        if is_another && matches!(kind(event), "deliver" | "process.start") {
            latest.insert(about, (delivery.clone(), kind(event) == "deliver"));
        }
        let known = consumers.get(&delivery).filter(|_| kind(event) != "deliver").cloned();
        let consumer = name(event, "consumer").or(known.flatten()).or(subscription);
        consumers.entry(delivery.clone()).or_insert(consumer.clone());
        found.insert(*line, (delivery, consumer));
    }
    found
}
