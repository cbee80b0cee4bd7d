//! What is told of a run is true, and nothing that a person would ask for is left out: stories and
//! their counts, examples behind every number of a table, and strings that repeat what was seen.
//!
//! `scenarios/` holds runs in which it was not so: some of them are public reports of people who
//! run consumers.

mod examples;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What the program printed.
struct Ended {
    out: String,
    err: String,
}

/// A scenario that was kept because of what was said of it.
fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/told/scenarios").join(name)
}

/// A scenario of this text, in a directory of its own.
fn written(text: &str) -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a temporary directory");
    let file = dir.path().join("scenario.toml");
    fs::write(&file, text).expect("a writable directory");
    (dir, file)
}

/// Runs a verb on a scenario.
fn entrega(verb: &str, file: &Path, args: &[&str]) -> Ended {
    let output =
        Command::new(env!("CARGO_BIN_EXE_entrega")).arg(verb).arg(file).args(args).output();
    let output = output.expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { out: text(output.stdout), err: text(output.stderr) }
}

/// What a verb says of a scenario to programs.
fn json(verb: &str, file: &Path, args: &[&str]) -> Value {
    let ended = entrega(verb, file, &[&["--format", "json"], args].concat());
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.err))
}

/// The stories of a run by its replay string: of each anomaly its name and its sentence.
fn stories(file: &Path, string: &str) -> Vec<(String, String)> {
    let replayed = json("replay", file, &[string]);
    let anomalies = replayed["anomalies"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    anomalies.map(|one| (text(&one["anomaly"]), text(&one["story"]))).collect()
}
