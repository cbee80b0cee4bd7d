//! The judge on order: semantics.md 5.5.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::rules::{Facts, Lines, Offset, Send, kind, name, offset, shows_an_offset};

/// Program order: the first was acknowledged before the second was begun. A send that does not
/// begin with an invocation has no place in it.
fn precedes(sent: &Send, later: &Send) -> bool {
    let begun = later.place.filter(|_| sent.place.is_some());
    let is_known = matches!((sent.acknowledged, begun), (Some(ok), Some(begun)) if ok < begun);
    is_known && sent.key.is_some() && sent.key == later.key && sent.producer == later.producer
}

/// How many messages had their first effect after one of a later message, how many had one again
/// after it, and how many copies stand behind one of a later message in their partition.
pub(crate) fn inversions(
    sends: &BTreeMap<String, Send>,
    facts: &BTreeMap<String, Facts>,
) -> [usize; 3] {
    let mut found = [0; 3];
    for (message, send) in sends {
        let later = sends.iter().filter(|(_, later)| precedes(send, later));
        let later: Vec<&Facts> = later.map(|(later, _)| &facts[later]).collect();
        let after = later.iter().filter_map(|later| later.effects.first()).min();
        let is_late = |effect: &usize| after.is_some_and(|after| after < effect);
        let copies: Vec<&Offset> = later.iter().flat_map(|later| &later.copies).collect();
        let is_behind =
            |(lane, at): &Offset| copies.iter().any(|(other, later)| other == lane && later < at);
        let Facts { effects, copies, .. } = &facts[message];
        found[0] += usize::from(effects.first().is_some_and(is_late));
        found[1] += usize::from(effects.iter().skip(1).any(is_late));
        found[2] += copies.iter().filter(|copy| is_behind(copy)).count();
    }
    found
}

/// How many offsets were seen with two messages, over what was stored and what was delivered.
pub(crate) fn inconsistent_offsets(lines: &Lines<'_>) -> usize {
    let seen = lines.iter().filter(|(_, event)| shows_an_offset(event));
    let seen = seen.filter_map(|(_, event)| Some((offset(event)?, name(event, "message"))));
    let seen: Vec<(Offset, Option<String>)> = seen.collect();
    let differ = |(at, message): &&(Offset, Option<String>)| {
        seen.iter().any(|(other, another)| at == other && message != another)
    };
    seen.iter().filter(differ).map(|(at, _)| at).collect::<BTreeSet<_>>().len()
}

/// How many deliveries of a partition to a consumer jump over a record that is there, and how many
/// do not go on, with nothing since the last that gives the consumer another place to read from.
pub(crate) fn wrong_polls(subscription: &Value, lines: &Lines<'_>, all: &Lines<'_>) -> [usize; 2] {
    let mut found = [0; 2];
    let mut last: BTreeMap<(Option<String>, u64), u64> = BTreeMap::new();
    for (line, event) in lines {
        let consumer = name(event, "consumer").or_else(|| name(subscription, "name"));
        let lane = event["lane"].as_u64().unwrap_or(0);
        match (kind(event), offset(event)) {
            ("deliver", Some((_, to))) => {
                if let Some(from) = last.insert((consumer, lane), to) {
                    found[0] += usize::from(skips([lines, all], *line, lane, from, to));
                    found[1] += usize::from(to <= from);
                }
            }
            ("assign" | "revoke" | "lost" | "seek" | "reset", _) => {
                last.remove(&(consumer, lane));
            }
            ("session_expired" | "max_poll_exceeded", _) => {
                last.retain(|(reader, _), _| *reader != consumer)
            }
            ("crash" | "exit" | "start", _) => {
                last.retain(|(reader, _), _| *reader != name(event, "process"));
            }
            _ => {}
        }
    }
    found
}

/// Whether a record between two offsets had been seen by this line, and not removed. At an offset
/// stands the message that was first seen there.
fn skips([lines, all]: [&Lines<'_>; 2], line: usize, lane: u64, from: u64, to: u64) -> bool {
    let before = |(at, event): &(usize, &Value), what: &str| *at < line && kind(event) == what;
    let is_between = |event: &Value| {
        offset(event).is_some_and(|(other, at)| other == lane && from < at && at < to)
    };
    let is_gone = |stored: &Value| {
        let same = |event: &Value| name(event, "message") == name(stored, "message");
        lines.iter().any(|one| before(one, "remove") && same(one.1))
    };
    let seen = all.iter().filter(|one| before(one, "store") || before(one, "deliver"));
    let mut stands: BTreeMap<Offset, &Value> = BTreeMap::new();
    for (_, event) in seen.filter(|(_, event)| is_between(event)) {
        stands.entry(offset(event).expect("an offset")).or_insert(event);
    }
    stands.values().any(|event| !is_gone(event))
}
