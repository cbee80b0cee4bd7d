//! Words that must not stand in code: left-over stubs anywhere, and in the simulated crates
//! whatever would make a run differ from itself.

use crate::tree::{File, assert_none, files};

const STUBS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

/// Order that differs between runs, wall clocks, threads. An import of several
/// modules of `std` at once could hide one of these.
const NOT_SIMULATED: [&str; 6] =
    ["HashMap", "HashSet", "SystemTime", "std::time", "std::thread", "std::{"];

/// The crates that must run the same on any machine.
const SIMULATED: [&str; 11] = [
    "model", "choice", "brokers", "clients", "checker", "scenario", "sim", "explain", "entrega",
    "lab", "report",
];

fn complaints(file: &File) -> Vec<String> {
    let simulated = SIMULATED.iter().any(|name| file.path.starts_with(&format!("crates/{name}/")));
    let banned = STUBS.iter().chain(NOT_SIMULATED.iter().filter(|_| simulated));
    let mut complaints = Vec::new();
    for word in banned {
        for (number, line) in (1..).zip(file.text.lines()) {
            if has_word(code_of(line), word) {
                complaints.push(format!("{}:{number}: `{word}`", file.path));
            }
        }
    }
    complaints
}

/// The line without its comment.
fn code_of(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Whether `word` stands in `code` and not within a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let goes_on =
            word.ends_with(part_of_word) && code[at + word.len()..].starts_with(part_of_word);
        !code[..at].ends_with(part_of_word) && !goes_on
    })
}

#[test]
fn no_banned_word_stands_in_code() {
    let own = "tests/house/words.rs";
    let files = files("rs");
    let all: Vec<String> =
        files.iter().filter(|file| file.path != own).flat_map(complaints).collect();
    assert_none(&all);
}

#[test]
fn a_banned_word_is_caught() {
    let check = |path: &str, text: &str, expect: usize| {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(complaints(&file).len(), expect, "{text}");
    };
    check("crates/sim/src/x.rs", "use std::collections::HashMap;", 1);
    check("crates/sim/src/x.rs", "let a: BTreeMap<u8, HashSet<u8>>;\nstd::thread::yield_now();", 2);
    check("crates/model/src/x.rs", "let now = std::time::Instant::now(); // not a HashMap", 1);
    check("crates/sim/src/x.rs", "use std::{thread, fmt};", 1);
    check("crates/sim/src/x.rs", "use std::time::{Duration};", 1);
    check("crates/sim/src/x.rs", "use std::fmt::{self, Write};", 0);
    check("crates/model/src/x.rs", "/// Never a HashMap, never SystemTime.", 0);
    check("crates/model/src/x.rs", "struct LinkedHashMap; fn my_todo() {}", 0);
    check("crates/cli/x.rs", "let now = std::time::Instant::now();", 0);
    for stub in STUBS {
        check("crates/cli/x.rs", &format!("{stub}(x)"), 1);
        check("tests/x.rs", &format!("    {stub}()"), 1);
    }
}
