//! An independent judge of recorded histories, compared with the checker.
//!
//! The judge ([`rules`], [`order`]) was written from semantics.md 5.2 to 5.7 and the description of
//! the format alone. On histories made up at random and on recorded ones that were changed at
//! random it must say what the checker says: classes, verdicts, order, exit code. Where it does
//! not, the history is shortened and printed with both answers; then read the formulas, and mend
//! whichever of the two is wrong.
//!
//! And the opposite: a judge with one rule altered is noticed on the same histories.
//!
//! `ENTREGA_JUDGED` says how many histories of each kind are compared.

mod dice;

#[path = "judge/alter.rs"]
mod alter;
#[path = "judge/compare.rs"]
mod compare;
#[path = "judge/generate.rs"]
mod generate;
#[path = "judge/handed.rs"]
mod handed;
#[path = "judge/mutate.rs"]
mod mutate;
#[path = "judge/order.rs"]
mod order;
#[path = "judge/recorded.rs"]
mod recorded;
#[path = "judge/rewound.rs"]
mod rewound;
#[path = "judge/rules.rs"]
mod rules;
#[path = "judge/shapes.rs"]
mod shapes;
#[path = "judge/thinned.rs"]
mod thinned;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use entrega_checker::{Class, Listable, Listed};
use entrega_lab::history;
use entrega_model::history::Reading;
use serde_json::{Value, json};
use tempfile::TempDir;

use alter::ALTERED;
use compare::{SKEW, checked, differ, dispute, shrunk, text};
use rules::{judge, name};

const HISTORIES: u64 = 5_000;
/// So many of each kind must be enough to notice an altered rule.
const FEW: u64 = 1_500;

fn histories() -> u64 {
    let asked = std::env::var("ENTREGA_JUDGED").ok();
    asked.map_or(HISTORIES, |count| count.parse().expect("a number in ENTREGA_JUDGED"))
}

/// Recorded by the program, and the cases.
fn recorded() -> Vec<Vec<Value>> {
    let cases = recorded::cases().into_iter().map(|(_, lines)| lines);
    recorded::runs().into_iter().chain(cases).collect()
}

/// In how many judgements there was what: classes, signs of disorder, verdicts.
#[derive(Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn count(&mut self, answer: &Value) {
        for of in answer["subscriptions"].as_array().expect("subscriptions") {
            let classes = of["classes"].as_object().expect("classes").iter();
            let signs = of.as_object().expect("an object").iter();
            let signs = signs.filter(|(_, sign)| sign.is_number() || sign.is_boolean());
            for (name, found) in classes.chain(signs) {
                let is_there = *found != json!(0) && *found != json!(false);
                *self.0.entry(name.clone()).or_default() += u64::from(is_there);
            }
            *self.0.entry(of["verdict"].to_string()).or_default() += 1;
        }
    }

    /// A comparison says nothing about what is never there.
    fn is_varied(&self) -> bool {
        let enough = histories().min(HISTORIES) / 250;
        self.0.len() == 10 + 6 + 3 && self.0.values().all(|count| *count >= enough)
    }
}

/// Compares the answers on histories by their seeds. How many of them the checker refused.
fn compare(kind: &str, history: impl Fn(u64) -> Vec<Value>) -> u64 {
    let (mut tally, mut refused) = (Tally::default(), 0);
    for seed in 0..histories() {
        let lines = history(seed);
        let Ok(answer) = checked(&lines) else {
            refused += 1;
            continue;
        };
        let judged = judge(&lines, SKEW);
        if answer != judged {
            let dispute = dispute(&shrunk(lines, &differ));
            panic!("{kind} {seed}: checker and judge disagree\n{dispute}");
        }
        tally.count(&judged);
    }
    assert!(tally.is_varied(), "{:?}", tally.0);
    refused
}

#[test]
fn random_histories_are_judged_alike() {
    assert_eq!(compare("random history", generate::history), 0, "well-formed, and refused");
}

#[test]
fn changed_recordings_are_judged_alike() {
    let recorded = recorded();
    let refused = compare("mutant", |seed| mutate::mutant(seed, &recorded));
    assert!(refused * 50 < histories(), "{refused} were refused");
}

#[test]
fn recordings_are_judged_alike() {
    let disputed = recorded().into_iter().find(|lines| differ(lines));
    assert!(disputed.is_none(), "{}", dispute(&shrunk(disputed.expect("a history"), &differ)));
}

/// What is lost in the beginning of a recording takes no effect in the rest of it.
#[test]
fn what_is_lost_before_the_end_stays_lost() {
    let mut beginnings = 0;
    for lines in recorded::runs().iter().filter(|lines| lines[0]["model"] == "log") {
        let effects = |subscription: &Value, message: &str| {
            lines.iter().any(|line| {
                let is_it = line["event"] == "effect" && line["subscription"] == *subscription;
                is_it
                    && line["verdict"] != "suppressed"
                    && name(line, "message") == Some(message.into())
            })
        };
        for until in 1..lines.len() - 1 {
            let beginning = [&lines[..until], &[json!({ "end": "unfinished" })]].concat();
            for (subscription, message) in lost(&beginning) {
                let subscription = &lines[0]["subscriptions"][subscription]["name"];
                let short = dispute(&beginning);
                assert!(!effects(subscription, &message), "{subscription}, {message}:\n{short}");
            }
            beginnings += 1;
        }
    }
    assert!(beginnings > 1000, "{beginnings}");
}

/// The messages that are lost: in which subscription, and their names.
fn lost(lines: &[Value]) -> Vec<(usize, String)> {
    let (text, list) = (text(lines), [Listable::Class(Class::Lost)].into());
    let judged = history::check_and_list(text.as_bytes(), "h.jsonl", Reading::default(), &list);
    let judged = judged.expect("a history");
    let one = |one: &Listed| (one.subscription.index(), judged.message(one.message));
    judged.listed.iter().map(one).collect()
}

/// An altered judge is noticed if it contradicts the checker where the judge agrees with it.
#[test]
fn an_altered_rule_is_noticed() {
    let recorded = recorded();
    let random = (0..FEW).map(generate::history);
    let mutants = (0..FEW).map(|seed| mutate::mutant(seed, &recorded));
    let mut unnoticed = ALTERED.to_vec();
    for lines in random.chain(mutants) {
        let answer = judge(&lines, SKEW);
        if checked(&lines).as_ref() != Ok(&answer) {
            continue;
        }
        unnoticed.retain(|(_, alter)| {
            let mut altered = lines.clone();
            alter(&mut altered);
            judge(&altered, SKEW) == answer
        });
    }
    let names: Vec<&str> = unnoticed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [""; 0]);
}

/// The exit code is that of the program.
#[test]
fn the_program_ends_as_the_judge_says() {
    let folder = TempDir::new().expect("a temporary directory");
    let file = folder.path().join("history.jsonl");
    let recorded = recorded();
    let random = (0..20).map(generate::history);
    for lines in random.chain((0..20).map(|seed| mutate::mutant(seed, &recorded))) {
        fs::write(&file, text(&lines)).expect("a writable directory");
        let mut program = Command::new(env!("CARGO_BIN_EXE_entrega"));
        let program = program.arg("check").arg(&file).args(["--skew", "10ms"]);
        let code = program.output().expect("the program runs").status.code();
        let expect = checked(&lines).map_or(json!(2), |_| judge(&lines, SKEW)["exit"].clone());
        assert_eq!(json!(code), expect, "{}", text(&lines));
    }
}

/// What is right for the cases, by hand: verdict, and what was found in the subscription.
#[test]
fn the_judge_is_right_about_the_cases() {
    let cases: BTreeMap<String, Vec<Value>> = recorded::cases().into_iter().collect();
    let check = |name: &str, verdict: &str, expect: &[(&str, u64)]| {
        let of = |case: &&String| case.split('-').next() == Some(name);
        let case = cases.keys().find(of).expect("a case");
        let answer = judge(&cases[case], SKEW);
        assert_eq!(answer["verdict"], verdict, "{case}: {answer}");
        let found = &answer["subscriptions"][0];
        for (what, count) in expect {
            let own = [&found[*what], &found["classes"][*what]];
            assert!(own.contains(&&json!(count)), "{case}: {what}: {answer}");
        }
    };
    check("h1", "invalid", &[("lost", 1), ("exact", 1)]);
    check("h1b", "invalid", &[("lost", 1), ("exact", 1)]);
    check("h1c", "valid", &[("exact", 2)]);
    check("h2", "invalid", &[("lost", 1), ("exact", 1)]);
    check("h2b", "invalid", &[("lost", 1), ("exact", 1)]);
    check("h2c", "valid", &[("exact", 2)]);
    check("okwithoutinvoke", "valid", &[("exact", 1)]);
    check("h3", "valid", &[("exact", 2), ("reordered", 0)]);
    check("h4b", "invalid", &[("exact", 2), ("reordered", 1)]);
    check("h4c", "invalid", &[("exact", 2), ("reordered", 1)]);
    check("h5", "unknown", &[("exact", 1)]);
    check("settle_of_unknown_message", "unknown", &[("exact", 1)]);
    check("effect_before_send", "unknown", &[("exact", 1)]);
    check("fail_then_effect", "invalid", &[("phantom", 1), ("exact", 1)]);
    check("only_effects", "invalid", &[("phantom", 1)]);
    check("06", "invalid", &[("lost", 3), ("recovered", 1)]);
    check("06b", "invalid", &[("lost", 2), ("pending", 1), ("recovered", 1)]);
    check("17", "valid", &[("exact", 4), ("write_inversions", 2)]);
    check("24", "valid", &[("exact", 10)]);
    check("q5", "invalid", &[("lost", 1)]);
    check("h16", "valid", &[("duplicated", 1), ("exact", 1)]);
    check("h33", "valid", &[("duplicated", 1)]);
    check("h26", "valid", &[("duplicated", 1), ("exact", 1)]);
    check("h31", "invalid", &[("split", 1), ("exact", 2), ("reordered", 1)]);
    check("esc", "invalid", &[("lost", 1)]);
    check("bomcrlf", "invalid", &[("lost", 1)]);
}
