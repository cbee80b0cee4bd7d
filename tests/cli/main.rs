//! The command line as people and programs meet it: output, exit codes, and what is said about
//! mistakes.

mod catalogue;
mod explorations;
mod histories;
mod live;
#[cfg(target_os = "linux")]
mod memory;
mod mistakes;
mod reading;
mod replays;
mod runs;
mod writing;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A scenario of three messages in which a crash duplicates the second.
const TINY: &str = r#"title = "Tiny"
narration = """
One crash between effect and settle.

This paragraph is not shown.
"""
models = ["queue", "log"]
strategies = ["process-then-settle", "deduplicating-sink"]
seeds = 2

[workload]
messages = 3
keys = 2
arrivals = { distribution = "constant", rate_per_second = 10 }

[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "10ms" }

[log]
auto_offset_reset = "earliest"

[[script]]
point = "mailer.effect.after"
alternative = "crash"
nth = 2

[[expect]]
strategy = "process-then-settle"
lost = "0"
duplicated = ">0"

[[expect]]
strategy = "deduplicating-sink"
verdict = "valid"
duplicated = "0"
"#;

/// A directory with scenarios in it, in which the program is run.
struct Bench {
    dir: TempDir,
}

/// How the program ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Bench {
    /// A directory with `tiny.toml` in it.
    fn new() -> Self {
        let bench = Self { dir: TempDir::new().expect("a temporary directory") };
        bench.write("tiny.toml", TINY);
        bench
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a writable directory");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("a file that was written")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entrega"));
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, "entrega");
        command.args(args).current_dir(self.path()).env("COLUMNS", "100");
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        Ended::from(self.command(args).output().expect("the program runs"))
    }

    /// Runs the program, which must succeed, and gives what it printed.
    fn ok(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}\n{}{}", ended.out, ended.err);
        ended.out
    }

    /// The replay string of a run.
    fn replay_string(&self, args: &[&str]) -> String {
        let args = [&["run", "tiny.toml", "--format", "json"], args].concat();
        let report: serde_json::Value = serde_json::from_str(&self.ok(&args)).expect("JSON");
        report["replay"].as_str().expect("a replay string").to_owned()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}
