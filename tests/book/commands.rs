//! What the book shows of the program is what the program prints.
//!
//! `book/commands.toml` is the list: a name, and a command line as a person types it at the top of
//! the repository. A shell runs it, and `book/src/generated/<name>.md` holds the command and its
//! output. A page shows both with one include.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::pages::{assert_none, names, source, top};

/// Says how to repair it.
const REPAIR: &str = "`BOOK=write cargo test --test book` writes the files of book/src/generated";

/// This prints what `tests/table/expected.md` holds, as `tests/table.rs` proves. It takes minutes
/// in a debug build, so that it is not made here once more.
const WHOLE_TABLE: &str = "entrega table --quiet --format markdown";

/// The list: the name of each generated file, and its command.
pub(crate) fn commands() -> BTreeMap<String, String> {
    let text = fs::read_to_string(top().join("book/commands.toml")).expect("the list of commands");
    toml::from_str(&text).expect("the list is names and strings in TOML")
}

/// What each generated file holds.
fn generated() -> BTreeMap<String, String> {
    commands().into_iter().map(|(name, command)| (name, shown(&command))).collect()
}

/// A command and what it prints.
fn shown(command: &str) -> String {
    let command = with_replay_string(command);
    let output = match command.as_str() {
        WHOLE_TABLE => fs::read_to_string(top().join("tests/table/expected.md")).expect("a table"),
        _ => stdout(&command, shell(&command)),
    };
    if command.contains("--format markdown") {
        format!("```sh\n{command}\n```\n\n{output}")
    } else {
        format!("```sh\n{command}\n```\n\n```text\n{output}```\n")
    }
}

/// `replay FILE {options}` stands for the replay string that `run FILE options` prints: a string
/// holds a digest, which nobody should have to copy by hand. Whether the run is as its scenario
/// expects is not asked here: options may well change that.
fn with_replay_string(command: &str) -> String {
    let Some((before, rest)) = command.split_once('{') else { return command.to_owned() };
    let (options, after) = rest.split_once('}').expect("a closing brace");
    let mut words = before.split_whitespace();
    let file = words.find(|word| word.ends_with(".toml")).expect("a scenario file");
    let run = format!("entrega run {file} {options} --format json");
    let report: serde_json::Value = serde_json::from_slice(&shell(&run).stdout)
        .unwrap_or_else(|error| panic!("{run}: no report in JSON: {error}"));
    let string = report["replay"].as_str().expect("a replay string");
    format!("{before}'{string}'{after}")
}

/// Runs a command line where a person would, with `entrega` on the path.
fn shell(command: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_entrega"));
    let mut path = vec![program.parent().expect("a directory").to_path_buf()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(top());
    shell.env("PATH", env::join_paths(path).expect("a path"));
    shell.env("COLUMNS", "100").env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
    shell.output().expect("a shell")
}

/// What a command printed; it must have succeeded and said something.
fn stdout(command: &str, output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{error}");
    assert!(!output.stdout.is_empty(), "{command}\nprinted nothing\n{error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn directory() -> PathBuf {
    source().join("generated")
}

fn write(expected: &BTreeMap<String, String>) {
    fs::create_dir_all(directory()).expect("a directory");
    for stale in names(&directory(), "md") {
        fs::remove_file(directory().join(stale)).expect("a file to remove");
    }
    for (name, text) in expected {
        fs::write(directory().join(format!("{name}.md")), text).expect("a file to write");
    }
}

/// The files that differ from what they should hold, are missing, or belong to no command.
fn complaints(
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> Vec<String> {
    let stale = expected.iter().filter(|(name, text)| found.get(*name) != Some(*text));
    let stale = stale.map(|(name, _)| format!("{name}: is not what its command prints. {REPAIR}"));
    let extra = found.keys().filter(|name| !expected.contains_key(*name));
    stale.chain(extra.map(|name| format!("{name}: belongs to no command. {REPAIR}"))).collect()
}

#[test]
fn what_the_book_shows_is_current() {
    let expected = generated();
    if env::var_os("BOOK").is_some_and(|value| value == "write") {
        write(&expected);
    }
    let read = |file: String| {
        let text = fs::read_to_string(directory().join(&file)).expect("a file");
        (file.trim_end_matches(".md").to_owned(), text)
    };
    let found: BTreeMap<String, String> = names(&directory(), "md").into_iter().map(read).collect();
    assert!(expected.len() >= 10);
    assert_none(&complaints(&expected, &found));
}

#[test]
fn what_is_not_current_is_caught() {
    let check = |expected: &[(&str, &str)], found: &[(&str, &str)], expect: &[&str]| {
        let map = |list: &[(&str, &str)]| {
            list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let said = complaints(&map(expected), &map(found));
        assert_eq!(said.len(), expect.len(), "{said:?}");
        assert!(said.iter().zip(expect).all(|(said, expect)| said.starts_with(expect)), "{said:?}");
    };
    check(&[("a", "1")], &[("a", "1")], &[]);
    check(&[("a", "1")], &[("a", "2")], &["a: is not what"]);
    check(&[("a", "1")], &[], &["a: is not what"]);
    check(&[], &[("b", "1")], &["b: belongs to no command"]);
}

#[test]
fn a_replay_string_is_put_in_its_place() {
    let scenario = "simulations/recorded-orders.toml";
    let command = format!("entrega replay {scenario} {{--model queue}} | head -n 1");
    let command = with_replay_string(&command);
    assert!(command.starts_with(&format!("entrega replay {scenario} '2:")), "{command}");
    assert!(command.ends_with("' | head -n 1") && command.contains(":queue:"), "{command}");
    assert_eq!(with_replay_string("entrega list"), "entrega list");
}

#[test]
#[should_panic(expected = "printed nothing")]
fn a_command_that_prints_nothing_is_caught() {
    let _ = shown("entrega list | grep 'no such line' | cat");
}

#[test]
#[should_panic(expected = "unrecognized subcommand")]
fn a_command_that_fails_is_caught() {
    let _ = shown("entrega no-such-verb");
}
