//! What is printed is true: public reports and first scenarios of their own that once came out
//! wrong, each with its right answer, and others of the same kind.
//!
//! Method: the program itself, on the scenarios in `tests/verdicts/`; text and JSON of one run are
//! compared where both say why.

use std::process::{Command, Output};

use serde_json::Value;

#[path = "verdicts/drains.rs"]
mod drains;
#[path = "verdicts/hints.rs"]
mod hints;
#[path = "verdicts/judge.rs"]
mod judge;
#[path = "verdicts/resets.rs"]
mod resets;

/// How the program ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn entrega(arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrega"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verdicts"));
    let Output { status, stdout, stderr } =
        command.args(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// A verb on a scenario of `tests/verdicts/`, with settings changed.
fn on(verb: &str, scenario: &str, set: &[&str], more: &[&str]) -> Ended {
    let file = format!("{scenario}.toml");
    let mut arguments = vec![verb, &file];
    set.iter().for_each(|one| arguments.extend(["--set", one]));
    arguments.extend(more);
    entrega(&arguments)
}

/// A run, as JSON.
fn run(scenario: &str, set: &[&str]) -> Value {
    let ended = on("run", scenario, set, &["--format", "json"]);
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err))
}

/// The report on the first subscription.
fn report(run: &Value) -> &Value {
    &run["report"]["subscriptions"][0]
}

/// Why the first subscription of a run is unknown.
fn why(run: &Value) -> String {
    let why = run["why"][0].as_array().expect("a list");
    why.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
}
