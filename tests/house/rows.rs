//! What is asked of a strategy or of a fault point is a column of its row, so code elsewhere names
//! neither.
//!
//! A list of strategies outside of the catalogue is one that the author of the next strategy does
//! not know of; with a `_ =>` in it, the compiler does not either. The same goes for fault points
//! outside of their table, but for where they are injected. Tests, benches and the rows of the
//! truth table are figures: they may name what they show.

use std::collections::BTreeSet;

use entrega_clients::Strategy;
use entrega_scenario::points::FAULTS;

use crate::tree::{File, assert_none, files};

/// An enum whose variants stand in few places only.
struct Rule {
    name: &'static str,
    variants: Vec<String>,
    /// How the paths begin where they may stand.
    places: &'static [&'static str],
    /// How the paths of figures end.
    figures: &'static [&'static str],
}

/// The catalogue of strategies, the rows of the truth table, and a program that compares two of
/// them.
fn strategies() -> Rule {
    Rule {
        name: "Strategy",
        variants: Strategy::ALL.iter().map(|strategy| format!("{strategy:?}")).collect(),
        places: &["crates/clients/src/consumers"],
        figures: &["truth_table/rows.rs", "docs/two-strategies.rs"],
    }
}

/// The table of fault points, and simulated and live injection.
fn faults() -> Rule {
    Rule {
        name: "Fault",
        variants: FAULTS.iter().map(|info| format!("{:?}", info.fault)).collect(),
        places: &[
            "crates/scenario/src/points",
            "crates/sim/src/handler",
            "crates/sim/src/world",
            "crates/stage/src/faults",
        ],
        figures: &[],
    }
}

fn complaints(rule: &Rule, file: &File) -> Vec<String> {
    let path = &file.path;
    if rule.places.iter().any(|place| path.starts_with(place)) || rule.is_figure(path) {
        return Vec::new();
    }
    let code: Vec<&str> = code(&file.text).collect();
    let mut names = aliases(rule.name, &code);
    names.insert(rule.name.to_owned());
    let named = |line: &str| {
        rule.variants.iter().find(|variant| {
            let mentions = |name: &String| has(line, &format!("{name}::{variant}"));
            names.iter().any(mentions) || (imports(rule.name, line) && has(line, variant))
        })
    };
    let lines = (1..).zip(&code);
    lines
        .filter_map(|(number, line)| {
            Some(format!("{path}:{number}: names {}::{}", rule.name, named(line)?))
        })
        .collect()
}

impl Rule {
    fn is_figure(&self, path: &str) -> bool {
        let test = path.contains("/tests/") || path.ends_with("/tests.rs");
        let top = path.starts_with("tests/") || path.starts_with("benches/");
        test || top || self.figures.iter().any(|figure| path.ends_with(figure))
    }
}

/// The lines of a file without comments, up to its tests; the others are empty, so that numbers
/// stay.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    before_tests.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code))
}

/// Other names that a file gives to the enum.
fn aliases(name: &str, code: &[&str]) -> BTreeSet<String> {
    let alias = |line: &&str| {
        let (_, rest) = line.split_once(&format!("{name} as "))?;
        Some(rest.chars().take_while(|letter| letter.is_alphanumeric()).collect())
    };
    code.iter().filter_map(alias).collect()
}

/// Whether a line imports the variants themselves.
fn imports(name: &str, line: &str) -> bool {
    line.contains("use ") && line.contains(&format!("{name}::"))
}

/// Whether a line has a name, and not as part of a longer one.
fn has(line: &str, name: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(name)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + name.len()..].starts_with(part))
}

#[test]
fn only_the_catalogue_names_strategies() {
    let rule = strategies();
    let all: Vec<String> = files("rs").iter().flat_map(|file| complaints(&rule, file)).collect();
    assert_none(&all);
}

#[test]
fn only_the_table_and_injection_name_fault_points() {
    let rule = faults();
    let all: Vec<String> = files("rs").iter().flat_map(|file| complaints(&rule, file)).collect();
    assert_none(&all);
}

#[test]
fn a_fault_point_that_is_named_elsewhere_is_caught() {
    let check = |path: &str, text: &str, expect: usize| {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(complaints(&faults(), &file).len(), expect, "{path}: {text}");
    };
    let list = "match fault {\n    Fault::EffectAfter => 1,\n    _ => 2,\n}\n";
    check("crates/entrega/src/shrink.rs", list, 1);
    check("crates/sim/src/explore/space.rs", list, 1);
    check("crates/sim/src/world/network.rs", list, 0);
    check("crates/scenario/src/points/table.rs", list, 0);
    check("tests/live/faults.rs", list, 0);
    check("crates/sim/src/x.rs", "use entrega_scenario::points::Fault::SettleAfter;", 1);
    check("crates/sim/src/x.rs", "let none = Fault::NoSuchPoint;", 0);
}

#[test]
fn a_strategy_that_is_named_elsewhere_is_caught() {
    let check = |path: &str, text: &str, expect: usize| {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(complaints(&strategies(), &file).len(), expect, "{path}: {text}");
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
