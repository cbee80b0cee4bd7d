//! Records that leave out, repeat or shuffle what real recorders do say nothing that the whole
//! record contradicts.
//!
//! Short runs are recorded, thinned in one way each, and judged. What is lost, duplicated or out of
//! order in a thinned record is so in the whole one, and what a cause says of a message is borne out
//! by the lines of the whole record; otherwise it is unknown. The opposite: a line that is made up is
//! contradicted.

mod dice;

#[path = "judge/recorded.rs"]
mod recorded;

use std::collections::BTreeMap;

use entrega_checker::{Cause, Class, Listable, Verdict};
use entrega_lab::history;
use entrega_model::Duration;
use entrega_model::history::{Reading, TimeOrder};
use serde_json::{Value, json};

use dice::Dice;

/// Kinds of lines that recorders leave out, and fields.
const KINDS: &str = "store remove deliver settle. settled committed lease_expired requeued \
     session_expired assign revoke lost reset seek crash start process.";
const FIELDS: &str = "delivery consumer position attempt redelivered trigger producer";
/// Nanoseconds between two lines, and by how much the clocks differ that stamp them.
const STEP: u64 = 10;
const SKEW: u64 = 25;

/// What a record says: of each subscription whether it is invalid and its reasons, and the cause for
/// which each message is lost or has several outcomes.
struct Said {
    invalid: Vec<Vec<String>>,
    causes: BTreeMap<(usize, String, Class), Option<Cause>>,
}

fn judged(lines: &[Value]) -> Said {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let has_times = lines.iter().any(|line| line.get("at").is_some());
    let sorted = TimeOrder::Sorted(Duration::from_nanos(SKEW));
    let order = if has_times { sorted } else { TimeOrder::Rising };
    let list = [Class::Lost, Class::Duplicated, Class::Split].map(Listable::Class).into();
    let reading = Reading { order, ..Reading::default() };
    let judged = history::check_and_list(text.as_bytes(), "h", reading, &list).expect(&text);
    let invalid = judged.report.subscriptions.iter().map(|of| {
        let broken = of.verdict == Verdict::Invalid;
        of.reasons.iter().filter(|_| broken).map(|reason| format!("{reason:?}")).collect()
    });
    let causes = judged.listed.iter().filter_map(|one| {
        let Listable::Class(class) = one.what else { return None };
        Some(((one.subscription.index(), judged.message(one.message), class), one.cause))
    });
    Said { invalid: invalid.collect(), causes: causes.collect() }
}

fn is(line: &Value, kind: &str) -> bool {
    let event = line["event"].as_str().unwrap_or_default();
    event == kind || kind.ends_with('.') && event.starts_with(kind)
}

/// What a thinned record says and the whole one contradicts; nothing if all is well.
fn contradictions(whole: &[Value], thinned: &[Value]) -> Vec<String> {
    let (all, some) = (judged(whole), judged(thinned));
    let mut found = Vec::new();
    for (of, (full, thin)) in all.invalid.iter().zip(&some.invalid).enumerate() {
        found.extend(thin.iter().filter(|one| !full.contains(one)).map(|r| format!("{of}: {r}")));
    }
    for ((of, message, class), cause) in &some.causes {
        let Some(known) = all.causes.get(&(*of, message.clone(), *class)) else {
            found.push(format!("{of}: {message} {class:?}"));
            continue;
        };
        let so = cause == known || cause.is_none_or(|cause| is_borne_out(whole, message, cause));
        found.extend((!so).then(|| format!("{of}: {message} {class:?} {cause:?}, not {known:?}")));
    }
    found
}

/// Whether the lines of a whole record show what a cause says, although another counts first.
fn is_borne_out(whole: &[Value], message: &str, cause: Cause) -> bool {
    let about = |line: &&Value| line["message"].to_string().trim_matches('"') == message;
    let count = |kind: &str, field: (&str, &str)| {
        let all = whole.iter().filter(|line| is(line, kind));
        let of_it = all.filter(|line| line.get("message").is_none() || about(line));
        of_it.filter(|line| field.0.is_empty() || line[field.0] == field.1).count()
    };
    let has = |kind: &str| count(kind, ("", "")) > 0;
    match cause {
        Cause::Unknown => true,
        Cause::StoredTwice => count("store", ("", "")) > 1,
        Cause::NeverStoredButAcked => !has("store"),
        Cause::RedeliveredAfterCrash => has("crash"),
        Cause::LeaseExpired => has("lease_expired"),
        Cause::SessionExpired => has("session_expired"),
        Cause::Rebalanced => has("assign") || has("lost") || has("revoke"),
        Cause::NackedAfterEffect => count("settled", ("act", "requeue")) > 0,
        Cause::ClosedWithoutSettle => has("exit") || has("requeued"),
        Cause::SkippedByReset | Cause::OffsetReset => has("reset"),
        Cause::BrokerForgot => has("broker_restart"),
        _ => false,
    }
}

/// A history thinned in one way.
fn thinned(whole: &[Value], way: usize, dice: &mut Dice) -> Vec<Value> {
    let mut lines = whole.to_vec();
    let kind = |at: usize| KINDS.split_whitespace().nth(at).expect("a kind");
    let last = lines.len() - 1;
    match way {
        0..17 => lines.retain(|line| !is(line, kind(way))),
        17..34 => lines.retain(|line| !is(line, kind(way - 17)) || !dice.once_in(6)),
        34..41 => {
            let field = FIELDS.split_whitespace().nth(way - 34).expect("a field");
            for line in &mut lines[1..last] {
                line.as_object_mut().expect("an object").remove(field);
            }
        }
        41 => {
            let twice = |line: Value| {
                let count = if is(&line, "deliver") && dice.once_in(3) { 2 } else { 1 };
                std::iter::repeat_n(line, count)
            };
            lines = lines.into_iter().flat_map(twice).collect();
        }
        42 => {
            lines.truncate(1 + dice.below(last));
            lines.push(json!({ "end": "unfinished" }));
        }
        43 => {
            let gap = 1 + dice.below(last)..1 + dice.below(last);
            let mut at = 0;
            lines.retain(|line| {
                at += 1;
                let is_kept = ["send.", "effect", "dlq", "retrievable"];
                !gap.contains(&at) || at == 1 || at > last || is_kept.iter().any(|k| is(line, k))
            });
        }
        _ => skewed(&mut lines, dice),
    }
    lines
}

/// Two machines log what consumers do and what everybody else does, each in order, and their clocks
/// differ.
fn skewed(lines: &mut [Value], dice: &mut Dice) {
    let [_, events @ .., _] = lines else { return };
    let late = dice.below(SKEW as usize + 1) as u64;
    for (at, line) in events.iter_mut().enumerate() {
        let is_consumer = ["deliver", "process.", "effect"].iter().any(|kind| is(line, kind));
        line["at"] = json!(1_000 + STEP * at as u64 - if is_consumer { late } else { 0 });
    }
}

const WAYS: usize = 45;

/// All records, promising order and not.
fn records() -> Vec<Vec<Value>> {
    let strict = |mut lines: Vec<Value>| {
        for of in lines[0]["subscriptions"].as_array_mut().expect("subscriptions") {
            (of["ordered"], of["guarantee"]) = (json!(true), json!("exactly-once-effect"));
        }
        lines
    };
    let runs = recorded::runs();
    let cases = recorded::cases().into_iter().map(|(_, lines)| lines);
    let strict: Vec<_> = runs.iter().cloned().map(strict).collect();
    runs.into_iter().chain(strict).chain(cases).collect()
}

#[test]
fn a_thinned_record_says_nothing_that_the_whole_one_contradicts() {
    let records = records();
    let mut compared = [0; WAYS];
    for (at, whole) in records.iter().enumerate() {
        for (way, count) in compared.iter_mut().enumerate() {
            let mut dice = Dice::new((at * WAYS + way) as u64);
            let is_by_chance = !matches!(way, 0..17 | 34..41);
            for _ in 0..if is_by_chance { 3 } else { 1 } {
                let thinned = thinned(whole, way, &mut dice);
                *count += u64::from(thinned != *whole);
                let found = contradictions(whole, &thinned);
                let lines = || thinned.iter().map(|line| format!("{line}\n")).collect::<String>();
                assert!(found.is_empty(), "record {at}, way {way}: {found:?}\n{}", lines());
            }
        }
    }
    assert!(compared.iter().all(|count| *count > 0), "{compared:?}");
}

/// Lines that are made up are contradicted: one for each record in which it matters.
#[test]
fn a_line_that_is_made_up_is_contradicted() {
    let of = |id: u64| {
        [
            json!({ "event": "lease_expired", "message": id }),
            json!({ "event": "effect", "message": id }),
            json!({ "event": "remove", "message": id, "reason": "ttl" }),
        ]
    };
    let records = records();
    let is_seen = |line: &Value| {
        records.iter().any(|whole| {
            (1..whole.len()).any(|at| {
                let mut line = line.clone();
                line["subscription"] = whole[0]["subscriptions"][0]["name"].clone();
                let altered = [&whole[..at], &[line], &whole[at..]].concat();
                !contradictions(whole, &altered).is_empty()
            })
        })
    };
    for kind in 0..3 {
        assert!((0..4).any(|id| is_seen(&of(id)[kind])), "{}", of(0)[kind]);
    }
}
