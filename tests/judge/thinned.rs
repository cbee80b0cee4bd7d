//! Recorded runs of which lines are left out: no verdict becomes the opposite.
//!
//! > **The rule.** A record proves only what it says. Whatever lines are left out, a promise that
//! > was kept is never called broken, and one that was broken never kept: it may be unknown.
//!
//! The exceptions are what a record says by not saying it, each about the message whose line it is
//! and for no other reason:
//! * a drained record says that what has no effect and no dead letter is lost, and an audit that
//!   what it does not name is gone: without such a line an acknowledged message is *lost*, or a
//!   dead letter that was not promised;
//! * what no line says to be sent was not, and a refusal that stands alone is one: without lines of
//!   its send a message that takes effect is a *phantom*;
//! * a violation that is left out itself is not seen: each that is gone lacks one of its lines.

use std::collections::{BTreeMap, BTreeSet};

use entrega_checker::{Class, Listable, Listed, Reason};
use entrega_lab::history;
use entrega_model::history::Reading;
use serde_json::{Value, json};

use crate::compare::text;
use crate::dice::Dice;
use crate::recorded;
use crate::rewound::rewound;
use crate::rules::{is_applied, kind, name};

const RECORDS: u64 = 5_000;

/// What is promised: how the verdict on the same record comes about.
const PROMISES: [(&str, bool); 5] = [
    ("none", true),
    ("at-most-once", true),
    ("at-least-once", true),
    ("exactly-once-effect", false),
    ("exactly-once-effect", true),
];

/// A message and the subscription that it is for; none for what is about its send.
type Of = (Option<String>, String);

/// What is said of a record: verdict, what breaks the promise, and of which messages which classes.
struct Said {
    verdict: String,
    reasons: BTreeSet<Reason>,
    listed: BTreeMap<&'static str, BTreeSet<Of>>,
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
        let mut listed: BTreeMap<_, BTreeSet<Of>> = BTreeMap::new();
        for one in &judged.listed {
            let Listed { subscription, what, message, .. } = one;
            let of = &lines[0]["subscriptions"][subscription.index()];
            let of = (name(of, "name"), judged.message(*message));
            listed.entry(what.name()).or_default().insert(of);
        }
        Self {
            verdict: judged.report.verdict.name().to_owned(),
            reasons: broken.copied().collect(),
            listed,
        }
    }

    fn all(&self, what: &[&str]) -> BTreeSet<Of> {
        what.iter().filter_map(|what| self.listed.get(what)).flatten().cloned().collect()
    }
}

/// The lines that a record lacks.
struct Dropped<'a> {
    lines: Vec<&'a Value>,
    only: Option<String>,
}

impl<'a> Dropped<'a> {
    fn of(full: &'a [Value], kept: &[Value]) -> Self {
        let mut kept = kept.iter().peekable();
        let is_out = |line: &&Value| kept.next_if(|kept| kept == line).is_none();
        let lines = full.iter().filter(is_out).collect();
        Self { lines, only: name(&full[0]["subscriptions"][0], "name") }
    }

    /// Whether each of these has a line of one of these sorts among them.
    fn tell(&self, all: &BTreeSet<Of>, sorts: &[fn(&Value) -> bool]) -> bool {
        all.iter().all(|(of, message)| {
            self.lines.iter().any(|line| {
                let is_for = is_of_a_send(line) || self.subscription(line) == *of;
                let is_it = name(line, "message").as_ref() == Some(message);
                is_it && is_for && sorts.iter().any(|is_it| is_it(line))
            })
        })
    }

    fn subscription(&self, line: &Value) -> Option<String> {
        name(line, "subscription").or_else(|| self.only.clone())
    }

    fn has(&self, sorts: &[fn(&Value) -> bool]) -> bool {
        self.lines.iter().any(|line| sorts.iter().any(|is_it| is_it(line)))
    }
}

fn is_outcome(line: &Value) -> bool {
    is_applied(line) || is_letter(line) || kind(line) == "retrievable"
}

fn is_letter(line: &Value) -> bool {
    kind(line) == "dlq"
}

fn is_of_a_send(line: &Value) -> bool {
    kind(line).starts_with("send.")
}

fn is_placed(line: &Value) -> bool {
    matches!(kind(line), "store" | "deliver")
}

/// What is wrong with what is said of a record that lacks lines of another: it breaks a promise
/// for a reason that the whole does not show, and that is no exception.
fn wrongly_broken(whole: &Said, said: &Said, dropped: &Dropped<'_>) -> Vec<Reason> {
    use Reason::{Duplicated, Lost, Phantom, Reordered, Replayed, Split, UndeclaredDeadLetters};
    let added = |now: &[&str], then: &[&str]| &said.all(now) - &whole.all(then);
    let is_excused = |reason: &Reason| match reason {
        Lost => dropped.tell(&added(&["lost"], &["lost"]), &[is_outcome]),
        UndeclaredDeadLetters => {
            dropped.tell(&added(&["dead_lettered"], &["dead_lettered"]), &[is_applied])
        }
        Phantom => dropped.tell(&added(&["phantom"], &["phantom"]), &[is_of_a_send]),
        Duplicated | Split => {
            added(&["duplicated", "split"], &["duplicated", "split", "phantom"]).is_empty()
        }
        Reordered | Replayed => {
            added(&["reordered", "replayed"], &["reordered", "replayed"]).is_empty()
        }
        other => whole.reasons.contains(other),
    };
    said.reasons.iter().filter(|reason| !is_excused(reason)).copied().collect()
}

/// What broke a promise, is not seen any more, and lacks none of the lines that show it.
fn wrongly_kept(whole: &Said, dropped: &Dropped<'_>) -> Vec<Reason> {
    use Reason::{Duplicated, Lost, Phantom, Split};
    let is_hidden = |reason: &Reason| match reason {
        Lost => dropped.tell(&whole.all(&["lost"]), &[is_of_a_send]),
        Duplicated => dropped.tell(&whole.all(&["duplicated"]), &[is_applied]),
        Split => dropped.tell(&whole.all(&["split"]), &[is_applied, is_letter]),
        Phantom => dropped.tell(&whole.all(&["phantom"]), &[is_applied, is_of_a_send]),
        Reason::Reordered | Reason::Replayed => dropped.has(&[is_applied, is_of_a_send]),
        Reason::UndeclaredDeadLetters | Reason::DuplicatedDeadLetters => {
            dropped.has(&[is_letter, is_of_a_send])
        }
        _ => dropped.has(&[is_placed, is_of_a_send]),
    };
    whole.reasons.iter().filter(|reason| !is_hidden(reason)).copied().collect()
}

/// What is wrong with the judgement of a record that lacks lines of another.
fn wrong(full: &[Value], kept: &[Value]) -> Vec<Reason> {
    let (whole, said, dropped) = (Said::of(full), Said::of(kept), Dropped::of(full, kept));
    let mut wrong = wrongly_broken(&whole, &said, &dropped);
    if said.verdict == "valid" {
        wrong.extend(wrongly_kept(&whole, &dropped));
    }
    wrong
}

/// How many lines are kept, by a chance, of which kinds, and from where to where.
fn thinned(lines: &[Value], dice: &mut Dice) -> Vec<Value> {
    let events = &lines[1..lines.len() - 1];
    let kinds: BTreeSet<&str> = events.iter().map(kind).collect();
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
    let mut kept = vec![lines[0].clone()];
    for (at, line) in events.iter().enumerate() {
        let is_cut = at < from || at >= upto;
        let is_out = is_cut || chosen.contains(kind(line)) && dice.once_in(one_in);
        if !is_out {
            kept.push(line.clone());
        }
    }
    kept.push(lines.last().expect("a closing line").clone());
    if upto < events.len() {
        *kept.last_mut().expect("a closing line") = json!({ "end": "unfinished" });
    }
    kept
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
fn shortest(full: &[Value], kept: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let (mut full, mut kept) = (full.to_vec(), kept);
    for line in full.clone() {
        if !line["event"].is_string() {
            continue;
        }
        let without = |lines: &[Value]| -> Vec<Value> {
            let at = lines.iter().position(|one| *one == line);
            let at = at.unwrap_or(lines.len());
            lines
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != at)
                .map(|(_, one)| one.clone())
                .collect()
        };
        let (less, back) = (without(&full), without(&kept));
        if !wrong(&less, &back).is_empty() {
            (full, kept) = (less, back);
        }
    }
    (full, kept)
}

#[test]
fn every_thinned_record_is_judged_as_the_whole_or_is_unknown() {
    let recorded = recorded::runs();
    let mut counts = BTreeMap::new();
    for seed in 0..RECORDS {
        let mut dice = Dice::new(seed);
        let is_rewound = dice.once_in(3);
        let one = if is_rewound { rewound(&mut dice) } else { dice.pick(&recorded).clone() };
        let full = promised(&one, *dice.pick(&PROMISES));
        let kept = thinned(&full, &mut dice);
        let wrong = wrong(&full, &kept);
        if !wrong.is_empty() {
            let (full, kept) = shortest(&full, kept);
            panic!("{seed}: {wrong:?}\n{}\nof\n{}", text(&kept), text(&full));
        }
        let pair = [&full, &kept].map(|lines| Said::of(lines).verdict);
        *counts.entry(pair).or_insert(0) += 1;
    }
    let pairs = [["valid", "valid"], ["valid", "unknown"], ["invalid", "invalid"]];
    for pair in pairs.into_iter().chain([["invalid", "unknown"]]) {
        let count = counts.get(&pair.map(str::to_owned)).copied().unwrap_or(0);
        assert!(count >= RECORDS / 50, "{pair:?}: {counts:?}");
    }
}
