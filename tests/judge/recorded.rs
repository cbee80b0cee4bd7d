//! Histories to start from: short runs of the program, and the cases in `tests/judge/cases`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A few messages and many faults.
const SETTINGS: [&str; 4] = [
    "workload.messages=4",
    "workload.keys=2",
    "faults.effect.after.crash=1/6",
    "faults.settle.response.lost=1/8",
];

/// Scenario, model, strategy, and what else is set.
const RUNS: [(&str, &str, &str, &[&str]); 16] = [
    ("purchase-emails", "log", "settle-then-process", &["faults.effect.before.crash=1/4"]),
    ("purchase-emails", "log", "process-then-settle", &[]),
    ("purchase-emails", "log", "deduplicating-sink", &[]),
    ("purchase-emails", "log", "dead-letter", &["faults.message.poison.poison=1/3"]),
    ("purchase-emails", "log", "parallel-naive", &[]),
    ("purchase-emails", "log", "auto-settle-at-delivery", &["faults.process.stall.before=1/3"]),
    ("purchase-emails", "queue", "settle-then-process", &["faults.effect.before.crash=1/4"]),
    ("purchase-emails", "queue", "process-then-settle", &["faults.process.stall.after=1/3"]),
    ("purchase-emails", "queue", "deduplicating-sink", &[]),
    ("purchase-emails", "queue", "broker-dead-letter", &["faults.message.poison.poison=1/3"]),
    ("producer-retries", "log", "process-then-settle", &["faults.send.request.lost=1/3"]),
    ("producer-retries", "log", "settle-then-process", &["faults.send.response.lost=1/3"]),
    ("producer-retries", "log", "deduplicating-sink", &["producer.retries=0"]),
    ("producer-retries", "queue", "process-then-settle", &["faults.send.response.lost=1/3"]),
    ("producer-retries", "queue", "dead-letter", &["producer.strategy=fire-and-forget"]),
    ("producer-retries", "queue", "settle-every-n", &["producer.retries=0"]),
];

/// The lines of a history.
fn lines(text: &str) -> Vec<Value> {
    let lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The names and lines of the cases.
pub(crate) fn cases() -> Vec<(String, Vec<Value>)> {
    let folder = Path::new(ROOT).join("tests/judge/cases");
    let files = fs::read_dir(folder).expect("cases").map(|file| file.expect("a file").path());
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, lines(&fs::read_to_string(path).expect("UTF-8")))
    };
    let mut cases: Vec<(String, Vec<Value>)> = files.map(read).collect();
    cases.sort_by(|(one, _), (other, _)| one.cmp(other));
    cases
}

/// What the program records. Without times, so that lines can be moved.
/// Lines will be changed and left out: so none of them says that it is complete.
pub(crate) fn runs() -> Vec<Vec<Value>> {
    let folder = TempDir::new().expect("a temporary directory");
    RUNS.iter().map(|run| record(folder.path(), run)).collect()
}

fn record(folder: &Path, run: &(&str, &str, &str, &[&str])) -> Vec<Value> {
    let (scenario, model, strategy, more) = run;
    let file = folder.join("history.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrega"));
    command.arg("run").arg(format!("{ROOT}/simulations/{scenario}.toml"));
    command.args(["--model", model, "--strategy", strategy]).arg("--history").arg(&file);
    for setting in SETTINGS.iter().chain(*more) {
        command.arg("--set").arg(setting);
    }
    let ended = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code().is_some_and(|code| code < 2), "{run:?}: {said}");
    let mut lines = lines(&fs::read_to_string(&file).expect("a history"));
    for line in &mut lines {
        for field in ["at", "complete"] {
            line.as_object_mut().expect("an object").remove(field);
        }
    }
    lines
}
