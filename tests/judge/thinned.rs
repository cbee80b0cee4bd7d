//! Recorded runs of which lines are left out: no verdict becomes the opposite.
//!
//! > **The rule.** A record proves only what it says. Whatever lines are left out, a promise that
//! > was kept is never called broken, and one that was broken never kept: it may be unknown.
//!
//! The exceptions are what a record says by not saying it, each about the message whose line it is
//! and for no other reason:
//! * a drained record says that what has no effect and no dead letter is lost, and an audit that
//!   what it does not name is gone: without such a line an acknowledged message is *lost*;
//! * what no line says to be sent was not, and a refusal that stands alone is one: without lines of
//!   its send a message that takes effect is a *phantom*;
//! * a violation that is left out itself is not seen: it is made of effects, dead letters and sends.

use std::collections::{BTreeMap, BTreeSet};

use entrega_checker::{Class, Listable, Listed, Reason};
use entrega_lab::history;
use entrega_model::history::Reading;
use serde_json::{Value, json};

use crate::compare::text;
use crate::dice::Dice;
use crate::recorded;
use crate::rules::{is_applied, kind, name};

const RECORDS: u64 = 2_500;

/// What is promised: how the verdict on the same record comes about.
const PROMISES: [(&str, bool); 5] = [
    ("none", true),
    ("at-most-once", true),
    ("at-least-once", true),
    ("exactly-once-effect", false),
    ("exactly-once-effect", true),
];

/// What is said of a record: verdict, what breaks the promise, and of which messages which classes.
struct Said {
    verdict: String,
    reasons: BTreeSet<Reason>,
    listed: BTreeSet<(&'static str, String)>,
}

impl Said {
    fn of(lines: &[Value]) -> Self {
        use Class::{DeadLettered, Duplicated, Lost, Phantom, Split};
        let classes = [DeadLettered, Duplicated, Lost, Phantom, Split].map(Listable::Class);
        let list = classes.into_iter().chain([Listable::Reordered, Listable::Replayed]).collect();
        let text = text(lines);
        let judged = history::check_and_list(text.as_bytes(), "h", Reading::default(), &list);
        let judged = judged.expect("a history");
        let broken = judged.report.reasons.iter().filter(|reason| !reason.is_open());
        let one = |one: &Listed| (one.what.name(), judged.message(one.message));
        Self {
            verdict: judged.report.verdict.name().to_owned(),
            reasons: broken.copied().collect(),
            listed: judged.listed.iter().map(one).collect(),
        }
    }

    fn all(&self, what: &str) -> BTreeSet<&String> {
        self.listed.iter().filter(|(of, _)| *of == what).map(|(_, message)| message).collect()
    }
}

/// The messages of lines of one kind.
fn about<'a>(lines: &'a [Value], is_it: impl Fn(&Value) -> bool + 'a) -> BTreeSet<String> {
    lines.iter().filter(|line| is_it(line)).filter_map(|line| name(line, "message")).collect()
}

fn is_outcome(line: &Value) -> bool {
    is_applied(line) || matches!(kind(line), "dlq" | "retrievable")
}

fn is_of_a_send(line: &Value) -> bool {
    kind(line).starts_with("send.")
}

/// Whether a record that is called invalid is so by the exceptions alone.
fn is_excused(said: &Said, dropped: &[Value]) -> bool {
    let excuse = |reason: Reason| match reason {
        Reason::Lost => said.all("lost").is_subset(&about(dropped, is_outcome).iter().collect()),
        Reason::Phantom => {
            said.all("phantom").is_subset(&about(dropped, is_of_a_send).iter().collect())
        }
        _ => false,
    };
    said.reasons.iter().all(|reason| excuse(*reason))
}

/// Whether what broke a promise may be among what was dropped: an outcome, or the line of a send.
fn is_hidden(dropped: &[Value]) -> bool {
    !about(dropped, |line| is_outcome(line) || is_of_a_send(line)).is_empty()
}

/// How many lines are kept, by a chance, of which kinds, and from where to where.
fn thinned(lines: &[Value], dice: &mut Dice) -> (Vec<Value>, Vec<Value>) {
    let events = &lines[1..lines.len() - 1];
    let kinds: BTreeSet<&str> = events.iter().map(|line| kind(line)).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let all = dice.below(4);
    let chosen: BTreeSet<&str> =
        kinds.iter().copied().filter(|_| all == 0 || dice.once_in(4)).collect();
    let one_in = *dice.pick(&[1, 1, 2, 3, 10, 40]);
    let (mut from, mut upto) = (0, events.len());
    match dice.below(6) {
        0 => from = dice.below(events.len()),
        1 => upto = dice.below(events.len()),
        _ => {}
    }
    let (mut kept, mut dropped) = (vec![lines[0].clone()], Vec::new());
    for (at, line) in events.iter().enumerate() {
        let is_cut = at < from || at >= upto;
        let is_out = is_cut || chosen.contains(kind(line)) && dice.once_in(one_in);
        if is_out { dropped.push(line.clone()) } else { kept.push(line.clone()) }
    }
    kept.push(lines.last().expect("a closing line").clone());
    if upto < events.len() {
        *kept.last_mut().expect("a closing line") = json!({ "end": "unfinished" });
    }
    (kept, dropped)
}

fn promised(lines: &[Value], (guarantee, ordered): (&str, bool)) -> Vec<Value> {
    let mut lines = lines.to_vec();
    for of in lines[0]["subscriptions"].as_array_mut().expect("subscriptions") {
        of["guarantee"] = json!(guarantee);
        of["ordered"] = json!(ordered);
    }
    lines
}

/// Leaves out no line that need not be, as long as it is wrong.
fn shortest(full: &[Value], kept: Vec<Value>, is_wrong: impl Fn(&[Value]) -> bool) -> String {
    let mut kept = kept;
    for line in full {
        let Some(_) = kept.iter().find(|one| *one == line) else { continue };
        let less: Vec<Value> = kept.iter().filter(|one| *one != line).cloned().collect();
        if line["event"].is_string() && is_wrong(&less) {
            kept = less;
        }
    }
    text(&kept)
}

#[test]
fn every_thinned_record_is_judged_as_the_whole_or_is_unknown() {
    let recorded = recorded::runs();
    let mut counts = BTreeMap::new();
    for seed in 0..RECORDS {
        let mut dice = Dice::new(seed);
        let one: &Vec<Value> = dice.pick(&recorded);
        let full = promised(one, *dice.pick(&PROMISES));
        let (kept, dropped) = thinned(&full, &mut dice);
        let (whole, said) = (Said::of(&full), Said::of(&kept));
        let is_wrong = match (&*whole.verdict, &*said.verdict) {
            ("valid", "invalid") => !is_excused(&said, &dropped),
            ("invalid", "valid") => !is_hidden(&dropped),
            _ => false,
        };
        if is_wrong {
            let without = |kept: &[Value]| {
                full.iter().filter(|line| !kept.contains(line)).cloned().collect::<Vec<_>>()
            };
            let short = shortest(&full, kept, |kept| {
                let said = Said::of(kept);
                said.verdict != whole.verdict
                    && said.verdict != "unknown"
                    && !is_excused(&said, &without(kept))
            });
            panic!("{seed}: {} became {}\n{short}", whole.verdict, said.verdict);
        }
        *counts.entry((whole.verdict.clone(), said.verdict.clone())).or_insert(0) += 1;
    }
    let pairs = [("valid", "valid"), ("valid", "unknown"), ("invalid", "invalid")];
    for (whole, said) in pairs.into_iter().chain([("invalid", "unknown")]) {
        let count = counts.get(&(whole.to_owned(), said.to_owned())).copied().unwrap_or(0);
        assert!(count >= RECORDS / 50, "{whole}, {said}: {counts:?}");
    }
}
