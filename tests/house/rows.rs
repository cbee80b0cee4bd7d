//! What is asked of a strategy is a column of its row, so code elsewhere names no strategy.
//!
//! A list of strategies outside of the catalogue is one that the author of the next strategy does
//! not know of; with a `_ =>` in it, the compiler does not either. Tests, benches and the rows of
//! the truth table are figures: they may name what they show.

use std::collections::BTreeSet;

use entrega_clients::Strategy;

use crate::tree::{File, assert_none, files};

/// Where the strategies and their rows are.
const CATALOGUE: &str = "crates/clients/src/consumers";
/// The rows of the truth table, and a program that compares two strategies.
const FIGURES: [&str; 2] = ["truth_table/rows.rs", "docs/two-strategies.rs"];

fn complaints(file: &File) -> Vec<String> {
    let path = &file.path;
    if path.starts_with(CATALOGUE) || is_figure(path) {
        return Vec::new();
    }
    let code: Vec<&str> = code(&file.text).collect();
    let mut names = aliases(&code);
    names.insert("Strategy".to_owned());
    let named = |line: &str| {
        let mut all = Strategy::ALL.iter().map(|strategy| format!("{strategy:?}"));
        all.find(|strategy| {
            let mentions = |name: &String| has(line, &format!("{name}::{strategy}"));
            names.iter().any(mentions) || (imports(line) && has(line, strategy))
        })
    };
    let lines = (1..).zip(&code);
    lines
        .filter_map(|(number, line)| {
            Some(format!("{path}:{number}: names the strategy {}", named(line)?))
        })
        .collect()
}

fn is_figure(path: &str) -> bool {
    let test = path.contains("/tests/") || path.ends_with("/tests.rs");
    let top = path.starts_with("tests/") || path.starts_with("benches/");
    test || top || FIGURES.iter().any(|figure| path.ends_with(figure))
}

/// The lines of a file without comments, up to its tests; the others are empty, so that numbers
/// stay.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    before_tests.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code))
}

/// Other names that a file gives to the enum.
fn aliases(code: &[&str]) -> BTreeSet<String> {
    let alias = |line: &&str| {
        let (_, rest) = line.split_once("Strategy as ")?;
        Some(rest.chars().take_while(|letter| letter.is_alphanumeric()).collect())
    };
    code.iter().filter_map(alias).collect()
}

/// Whether a line imports the strategies themselves.
fn imports(line: &str) -> bool {
    line.contains("use ") && line.contains("Strategy::")
}

/// Whether a line has a name, and not as part of a longer one.
fn has(line: &str, name: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(name)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + name.len()..].starts_with(part))
}

#[test]
fn only_the_catalogue_names_strategies() {
    let all: Vec<String> = files("rs").iter().flat_map(complaints).collect();
    assert_none(&all);
}

#[test]
fn a_strategy_that_is_named_elsewhere_is_caught() {
    let check = |path: &str, text: &str, expect: usize| {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(complaints(&file).len(), expect, "{path}: {text}");
    };
    let list = "match strategy {\n    Strategy::DeadLetter => 1,\n    _ => 2,\n}\n";
    check("crates/sim/src/run.rs", list, 1);
    check("crates/clients/src/inbox.rs", list, 1);
    check("crates/clients/src/consumers/dead_letter.rs", list, 0);
    check("crates/lab/src/truth_table/rows.rs", list, 0);
    check("crates/sim/tests/x.rs", list, 0);
    check("benches/x.rs", list, 0);
    check("crates/sim/src/x.rs", "use x::Strategy as S;\nlet all = [S::Parallel, S::CORE[0]];", 1);
    check("crates/sim/src/x.rs", "use Strategy::{Parallel, ParallelNaive};", 1);
    check("crates/sim/src/x.rs", "/// As Strategy::Parallel does.\nfn x() {}", 0);
    check(
        "crates/sim/src/x.rs",
        "fn x() {}\n#[cfg(test)]\nmod tests {\n    Strategy::Parallel\n}",
        0,
    );
    check("crates/sim/src/x.rs", "OtherStrategy::Parallel; Strategy::ParallelWorld", 0);
}
