//! One thing, one place: what several parts of the workspace need is defined once, where
//! `ARCHITECTURE.md` says. A second definition would drift from the first, and the drift would look
//! like a result.

use crate::tree::{File, assert_none, file, files};

/// What is defined once: how the definition begins, and in which file it stands.
const DEFINITIONS: [(&str, &str); 8] = [
    ("enum Finding", "crates/checker/src/finding.rs"),
    ("struct Words", "crates/explain/src/words.rs"),
    ("enum RequestPurpose", "crates/model/src/purpose.rs"),
    ("enum Strategy", "crates/clients/src/consumers/catalogue.rs"),
    ("const FAULTS", "crates/scenario/src/points/table.rs"),
    ("enum Role", "crates/scenario/src/cast.rs"),
    ("struct Possessions", "crates/explain/src/possessions.rs"),
    ("fn printable", "crates/model/src/printable.rs"),
];

/// The most lines that the command line may have: what people use is in libraries.
const MOST_CLI_LINES: usize = 3_500;

/// Where `definition` stands although it belongs into `home`, and whether it is missing there.
fn complaints(definition: &str, home: &str, files: &[File]) -> Vec<String> {
    let defines = |file: &&File| file.text.lines().any(|line| begins(line, definition));
    let places: Vec<&str> = files.iter().filter(defines).map(|file| file.path.as_str()).collect();
    let second = places.iter().filter(|place| **place != home);
    let second = second.map(|place| format!("{place}: a second `{definition}`, beside {home}"));
    let missing = (!places.contains(&home)).then(|| format!("{home}: no `{definition}`"));
    second.chain(missing).collect()
}

/// Whether a line is this definition, public or not, of exactly this name.
fn begins(line: &str, definition: &str) -> bool {
    let line = line.trim_start();
    let public = ["pub ", "pub(crate) ", "pub(super) "].iter();
    let line = public.fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
    let rest = line.strip_prefix(definition);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn libraries() -> Vec<File> {
    let is_of_a_crate = |file: &File| {
        file.path.starts_with("crates/") && !file.path.contains("/tests/") && !is_test(&file.path)
    };
    files("rs").into_iter().filter(is_of_a_crate).collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs")
}

#[test]
fn one_thing_is_defined_in_one_place() {
    let files = libraries();
    let all: Vec<String> =
        DEFINITIONS.iter().flat_map(|(what, home)| complaints(what, home, &files)).collect();
    assert_none(&all);
}

#[test]
fn the_architecture_says_where() {
    let architecture = file("ARCHITECTURE.md").text;
    for home in ["consumers/catalogue.rs", "points/table.rs", "finding.rs", "explain/src/words"] {
        assert!(architecture.contains(home), "ARCHITECTURE.md does not name {home}");
    }
}

#[test]
fn the_command_line_holds_no_laboratory() {
    let own: Vec<File> =
        files("rs").into_iter().filter(|file| file.path.starts_with("crates/cli/")).collect();
    let lines: usize = own.iter().map(|file| file.text.lines().count()).sum();
    assert!(!own.is_empty() && lines < MOST_CLI_LINES, "crates/cli has {lines} lines");
    let within = |name: &str| own.iter().any(|file| file.path.starts_with(name));
    assert!(!within("crates/cli/lab") && !within("crates/cli/render"));
}

#[test]
fn a_second_definition_is_caught() {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let check = |text: &str, expect: usize| {
        let files = [file("a.rs", "pub enum Finding {"), file("b.rs", text)];
        assert_eq!(complaints("enum Finding", "a.rs", &files).len(), expect, "{text}");
    };
    check("enum Finding {}", 1);
    check("    pub(crate) enum Finding {", 1);
    check("enum Findings {}\n// enum Finding\nstruct Finding;", 0);
    assert_eq!(complaints("enum Finding", "c.rs", &[]), ["c.rs: no `enum Finding`"]);
}
