//! Each rule of the real systems in `docs/semantics.md` 3.1 to 3.10 is held against the program by
//! a test, or stands with its reason among what is not modelled: `rules.toml` beside this file.
//!
//! A point of those sections needs an entry that quotes words of it, and each of its longer
//! emphasised phrases needs one of its own. Each test that an entry names must exist, and each
//! quotation must stand in its section.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::tree::{assert_none, file, files, top};

/// The file with the entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rule: Vec<Rule>,
}

/// An entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// The section.
    r#in: String,
    /// Words of the rule, as they stand there.
    says: String,
    /// Test functions, or paths of scenarios whose expectations are tests.
    #[serde(default)]
    tests: Vec<String>,
    /// Why there is none.
    not_modelled: Option<String>,
}

/// A shorter emphasised phrase is a number or a word that is stressed, no rule.
const LEAST_PHRASE: usize = 16;

/// The points of a section, each on one line: lists of any depth, numbered ones too.
fn points(semantics: &str, section: &str) -> Vec<String> {
    let heading = format!("### {section} ");
    let lines = semantics.lines().skip_while(|line| !line.starts_with(&heading)).skip(1);
    let lines = lines.take_while(|line| !line.starts_with("##")).map(str::trim_start);
    let is_numbered =
        |line: &str| line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
    let is_point = |line: &&str| line.starts_with("* ") || is_numbered(line);
    lines.filter(is_point).map(str::to_owned).collect()
}

/// The longer emphasised phrases of a point, without the one that it begins with.
fn phrases(point: &str) -> Vec<&str> {
    let emphasised = point.split("**").skip(1).step_by(2);
    let begins = |phrase: &&str| point.starts_with(&format!("* **{phrase}"));
    emphasised.filter(|phrase| phrase.len() >= LEAST_PHRASE && !begins(phrase)).collect()
}

/// What a list of rules lacks, or says that is not so.
fn complaints(rules: &Rules, semantics: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for section in (1..=10).map(|number| format!("3.{number}")) {
        let points = points(semantics, &section);
        let mine: Vec<&Rule> = rules.rule.iter().filter(|rule| rule.r#in == section).collect();
        for rule in &mine {
            if !points.iter().any(|point| point.contains(&rule.says)) {
                found.push(format!("{section}: no point says {:?}", rule.says));
            }
        }
        for point in &points {
            let says =
                || mine.iter().map(|rule| rule.says.as_str()).filter(|says| point.contains(says));
            if says().next().is_none() {
                found.push(format!("{section}: no entry quotes {point:.70}"));
            }
            let is_named =
                |phrase: &&str| says().any(|says| phrase.contains(says) || says.contains(*phrase));
            let silent = phrases(point).into_iter().filter(|phrase| !is_named(phrase));
            found.extend(silent.map(|phrase| format!("{section}: no entry quotes {phrase:?}")));
        }
    }
    for rule in &rules.rule {
        let Rule { r#in, says, tests: named, not_modelled } = rule;
        if named.is_empty() == not_modelled.is_none() {
            found.push(format!("{in} {says:?} has neither tests nor a reason, or both"));
        }
        let missing = named.iter().filter(|name| !tests.contains(*name));
        found.extend(missing.map(|name| format!("{in} {says:?}: there is no test {name}")));
    }
    found
}

/// The names of all functions that stand alone, which tests do, and the paths of all scenarios.
fn tests() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for file in files("rs") {
        let functions = file.text.split("fn ").skip(1).filter_map(|after| after.split('(').next());
        names.extend(functions.map(str::to_owned));
    }
    names.extend(files("toml").into_iter().map(|file| file.path));
    names
}

fn rules() -> Rules {
    toml::from_str(&file("tests/house/rules.toml").text).expect("a list of rules")
}

#[test]
fn every_rule_of_the_real_systems_has_a_test_or_a_reason() {
    assert!(top().is_dir());
    assert_none(&complaints(&rules(), &file("docs/semantics.md").text, &tests()));
}

#[test]
fn a_rule_without_a_test_is_caught() {
    let semantics = "### 3.1 Groups\n\n* **Liveness.** A sentence, and **a phrase that is long**.\n  1. again\n## 4";
    let tests = BTreeSet::from(["a_test".to_owned()]);
    let check = |entries: &str, expect: &[&str]| {
        let rules: Rules = toml::from_str(entries).expect("entries");
        let found = complaints(&rules, semantics, &tests);
        assert_eq!(found.len(), expect.len(), "{found:?}");
        let says = |words: &&str| found.iter().any(|complaint| complaint.contains(words));
        assert!(expect.iter().all(says), "{found:?}");
    };
    let entry =
        |says: &str, rest: &str| format!("[[rule]]\nin = \"3.1\"\nsays = {says:?}\n{rest}\n");
    let tested = r#"tests = ["a_test"]"#;
    let whole = [entry("Liveness", tested), entry("a phrase that is long", tested)].concat();
    let whole = whole + &entry("again", "not_modelled = \"why\"");
    check(&whole, &[]);
    check(&whole.replace("a_test", "another"), &["no test another"; 2]);
    check(&entry("Liveness", tested), &["a phrase that is long", "1. again"]);
    check(&(whole.clone() + &entry("absent", tested)), &["no point says \"absent\""]);
    check(&whole.replacen(tested, "", 1), &["neither tests nor a reason"]);
}
