//! The judge on order: semantics.md 5.5.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::rules::{Facts, Lines, Offset, Send, kind, name, offset, shows_an_offset};

/// Program order: the first was acknowledged before the second was begun, or, where producers
/// promise the order of their program, begun before it and acknowledged at some time. A send that
/// does not begin with an invocation has no place in it.
fn is_before(sent: &Send, later: &Send) -> bool {
    let (Some(place), Some(begun), Some(ok)) = (sent.place, later.place, sent.acknowledged) else {
        return false;
    };
    if sent.is_in_program_order { place < begun } else { ok < begun }
}

fn precedes(sent: &Send, later: &Send) -> bool {
    is_before(sent, later)
        && sent.key.is_some()
        && sent.key == later.key
        && sent.producer == later.producer
}

/// The same, where the key of either is left out: perhaps they have one.
fn may_precede(sent: &Send, later: &Send) -> bool {
    is_before(sent, later)
        && (sent.key.is_none() || later.key.is_none())
        && sent.producer == later.producer
}

/// Whether messages came in another order than they were sent, by their effects or by where they
/// stand in a partition, and may have one key. Those of a log that stand in one partition each, and
/// not in the same, have two.
pub(crate) fn lack_of_keys_matters(
    is_log: bool,
    sends: &BTreeMap<String, Send>,
    facts: &BTreeMap<String, Facts>,
) -> bool {
    let lanes = |of: &Facts| of.copies.iter().map(|(lane, _)| *lane).collect::<BTreeSet<u64>>();
    let are_apart = |one: &Facts, other: &Facts| {
        let (one, other) = (lanes(one), lanes(other));
        is_log && one.len() == 1 && other.len() == 1 && one != other
    };
    let is_out_of_order = |one: &Facts, later: &Facts| {
        let first = later.effects.first();
        let by_effects = first.is_some_and(|first| one.effects.iter().any(|effect| first < effect));
        let is_behind = |(lane, at): &Offset| {
            later.copies.iter().any(|(other, later)| other == lane && later < at)
        };
        let by_place = is_log && one.copies.iter().any(is_behind);
        by_effects && !are_apart(one, later) || by_place
    };
    sends.iter().any(|(message, send)| {
        let later = sends.iter().filter(|(_, later)| may_precede(send, later));
        later.into_iter().any(|(later, _)| is_out_of_order(&facts[message], &facts[later]))
    })
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

/// Deliveries that jump over a record, and that go back. A line that is left out may excuse each.
#[derive(Clone, Copy, Default)]
pub(crate) struct Polls {
    pub(crate) skips: usize,
    pub(crate) backwards: usize,
}

/// Where a consumer has come in a partition: the offset and the message of its last delivery.
type Last = Option<(u64, Option<String>)>;

/// The lines about lives that are over: a later one has begun, or their end was told before. A
/// line that names no life is about the present one; a beginning, and an end after an end, about
/// the next.
pub(crate) fn past_lives(lines: &Lines<'_>) -> BTreeSet<usize> {
    let mut lives: BTreeMap<Option<String>, (u64, bool)> = BTreeMap::new();
    let about_lives = lines.iter().filter(|(_, event)| is_of_a_life(event));
    let is_past = |(_, event): &&(usize, &Value)| {
        let begins = kind(event) == "start";
        let known = lives.get(&name(event, "process")).copied();
        let next = known.map_or(0, |(life, is_over)| life + u64::from(is_over || begins));
        let life = event["incarnation"].as_u64().unwrap_or(next);
        let past = known.is_some_and(|(known, is_over)| life < known || life == known && is_over);
        if !past {
            lives.insert(name(event, "process"), (life, !begins));
        }
        past
    };
    about_lives.filter(is_past).map(|(line, _)| *line).collect()
}

pub(crate) fn is_of_a_life(event: &Value) -> bool {
    matches!(kind(event), "crash" | "exit" | "start")
}

/// Compares each delivery of a partition to a consumer with the one before, if nothing since gives
/// the consumer another place to read from.
pub(crate) fn wrong_polls(
    subscription: &Value,
    [lines, all]: [&Lines<'_>; 2],
    sends: &BTreeMap<String, Send>,
) -> Polls {
    let mut found = Polls::default();
    let mut places: BTreeMap<(u64, Option<String>), Last> = BTreeMap::new();
    let consumer = |event: &Value| name(event, "consumer").or_else(|| name(subscription, "name"));
    let past = past_lives(lines);
    for (line, event) in lines.iter().filter(|(line, _)| !past.contains(line)) {
        let (lane, who) = (event["lane"].as_u64().unwrap_or(0), consumer(event));
        match (kind(event), offset(event)) {
            ("deliver", Some((_, to))) => {
                let message = name(event, "message");
                let last = places.entry((lane, who)).or_default();
                let Some((from, held)) = last.replace((to, message.clone())) else { continue };
                let passed = skipped([lines, all], *line, (lane, from, to), sends);
                found.skips += usize::from(!passed.is_empty());
                found.backwards += usize::from(to < from || to == from && message != held);
            }
            ("assign", _) => _ = places.insert((lane, who), None),
            ("seek" | "reset", _) => _ = places.insert((lane, who), None),
            ("revoke" | "lost", _) => _ = places.remove(&(lane, who)),
            ("session_expired" | "max_poll_exceeded", _) => {
                places.retain(|(_, reader), _| *reader != who)
            }
            ("crash" | "exit" | "start", _) => {
                places.retain(|(_, reader), _| *reader != name(event, "process"));
            }
            _ => {}
        }
    }
    found
}

/// The offsets between two others at which a record stands that was visible, because its send was
/// acknowledged or somebody was given it there, and that had not been removed.
fn skipped(
    [lines, all]: [&Lines<'_>; 2],
    line: usize,
    (lane, from, to): (u64, u64, u64),
    sends: &BTreeMap<String, Send>,
) -> Vec<Offset> {
    let is_between = |event: &Value| {
        offset(event).is_some_and(|(other, at)| other == lane && from < at && at < to)
    };
    let is_gone = |seen: &Value| {
        let same = |event: &Value| name(event, "message") == name(seen, "message");
        let removed = |(at, event): &(usize, &Value)| *at < line && kind(event) == "remove";
        lines.iter().any(|one| removed(one) && same(one.1))
    };
    let is_acknowledged = |event: &Value| {
        let send = name(event, "message").and_then(|message| sends.get(&message));
        send.is_some_and(|send| send.outcome == "ok")
    };
    let seen = all.iter().map(|(_, event)| *event).filter(|event| shows_an_offset(event));
    seen.filter(|event| is_between(event) && !is_gone(event))
        .filter(|event| kind(event) == "deliver" || is_acknowledged(event))
        .filter_map(offset)
        .collect()
}
