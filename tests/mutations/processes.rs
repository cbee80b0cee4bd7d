//! Mutants as files and arguments of the program, under a limit to its memory: exit codes say what
//! happened, and a file has its old content or all of the new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::dice::Dice;
use crate::inputs::{HISTORIES, Input, SCENARIOS, STRINGS, load};
use crate::mutate;
use crate::numbers;

/// What the files that are written hold before.
const OLD: &str = "old";
/// The files that there may be in the end.
const FILES: [&str; 6] = ["in.toml", "in.jsonl", "everything.toml", "out", "history", "new.toml"];
/// How much address space the program has, in KiB.
const LIMIT: u32 = 1_000_000;

/// Why a scenario that is none of a mistake cannot be run all the same.
const UNFIT: [&str; 8] = [
    "of memory, and there is",
    "a log cannot take",
    "does not run on",
    "is impossible on the log",
    "is impossible on the queue",
    "names nothing that can go wrong",
    "there is nothing to",
    "cannot be injected live",
];

/// A directory in which the program is run with a mutant.
struct Bench(TempDir);

/// The command line of a mutant.
struct Line {
    args: Vec<String>,
    /// Whether its scenario was refused, if that is what it is about.
    refused: Option<bool>,
    /// Whether its result is JSON.
    json: bool,
}

impl Bench {
    fn new() -> Self {
        let bench = Self(TempDir::new().expect("a directory"));
        let everything = &SCENARIOS.last().expect("a scenario").text;
        bench.write("everything.toml", everything);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file in UTF-8")
    }

    fn run(&self, args: &[String]) -> Output {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -v {LIMIT}; exec \"$0\" \"$@\"")]);
        shell.arg(env!("CARGO_BIN_EXE_entrega")).args(args).current_dir(self.0.path());
        shell.output().expect("a shell")
    }

    /// Runs a mutant and holds how it ended against what there is then.
    fn check(&self, line: &Line) -> Option<i32> {
        self.write("out", OLD);
        self.write("history", OLD);
        let ended = self.run(&line.args);
        let (out, err) = (text(&ended.stdout), text(&ended.stderr));
        let about = format!("{:?}\n{out}{err}\n{}", line.args, self.read("in.toml"));
        let written = ["out", "history"].map(|file| self.read(file));
        assert!(!err.contains("panicked") && !err.contains("memory allocation"), "{about}");
        match ended.status.code() {
            Some(2) => {
                assert!(out.is_empty() && err.contains("error: "), "{about}");
                assert_eq!(written, [OLD; 2], "{about}");
                let unfit = UNFIT.iter().any(|why| err.contains(why));
                assert!(line.refused != Some(false) || unfit, "{about}");
            }
            Some(0 | 1) => {
                assert_ne!(line.refused, Some(true), "{about}");
                let [result, history] = written;
                let has_output = line.args.iter().any(|arg| arg == "--output");
                assert_eq!(has_output, result != OLD, "{about}");
                let whole = serde_json::from_str::<serde_json::Value>(&result).is_ok();
                assert!(!line.json || whole, "{about}");
                assert!(history == OLD || history.trim_end().ends_with('}'), "{about}");
            }
            other => panic!("exit code {other:?}\n{about}"),
        }
        let found = fs::read_dir(self.0.path()).expect("a directory");
        let found: BTreeSet<String> =
            found.map(|one| one.expect("a file").file_name().to_string_lossy().into()).collect();
        assert!(found.iter().all(|name| FILES.contains(&name.as_str())), "{found:?} {about}");
        ended.status.code()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8")
}

fn words(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

/// The options of the verbs that read a scenario, so that none takes long.
const VERBS: [&[&str]; 6] = [
    &["run", "in.toml", "--history", "history"],
    &["run", "in.toml", "--model", "queue", "--format", "json", "--output", "out"],
    &[
        "compare",
        "in.toml",
        "--seeds",
        "1",
        "--quiet",
        "--model",
        "log",
        "--output",
        "out",
        "--strategy",
        "process-then-settle",
        "--format",
        "json",
    ],
    &["compare", "in.toml", "--seeds", "2", "--quiet", "--strategy", "settle-then-process"],
    &[
        "explore",
        "in.toml",
        "--quiet",
        "--budget",
        "5",
        "--messages",
        "2",
        "--consumers",
        "1",
        "--format",
        "json",
        "--output",
        "out",
    ],
    &[
        "live",
        "in.toml",
        "--quiet",
        "--messages",
        "2",
        "--time-scale",
        "10000",
        "--model",
        "queue",
        "--strategy",
        "process-then-settle",
        "--format",
        "json",
        "--output",
        "out",
    ],
];

/// A verb with a mutant of a scenario, kept small by `--set`.
fn with_scenario(bench: &Bench, number: u64) -> Line {
    let input = &SCENARIOS[number as usize % SCENARIOS.len()];
    let mutant = mutate::scenario(number, &input.text);
    bench.write("in.toml", &mutant);
    let mut args = words(VERBS[number as usize % VERBS.len()]);
    let json = args.iter().any(|arg| arg == "json");
    let mut set = vec![("limits.steps", "5000")];
    if !mutant.contains("from") {
        set.push(("workload.messages", "9"));
    }
    let set: Vec<(String, String)> =
        set.into_iter().map(|(path, value)| (path.to_owned(), value.to_owned())).collect();
    for (path, value) in &set {
        args.extend(["--set".to_owned(), format!("{path}={value}")]);
    }
    let beside = Input { path: bench.path("in.toml"), text: String::new() };
    let refused = load(&beside, &mutant, &set).is_err();
    Line { args, refused: Some(refused), json }
}

/// A verb with something else wrong: a history, a replay string, an option.
fn with_something_else(bench: &Bench, number: u64) -> Line {
    let mut dice = Dice::new(number);
    let word = |dice: &mut Dice| {
        let all =
            ["log", "C1", "x", "", "queue", "zombie", "X+QL", "dead-letter", "\u{1b}", "-1", "9"];
        (*dice.pick(&all)).to_owned()
    };
    bench.write("in.toml", "");
    let json = ["--format", "json", "--output", "out"];
    let mut args = match number % 5 {
        0 => {
            let history = &HISTORIES[number as usize % HISTORIES.len()];
            bench.write("in.jsonl", &mutate::lines(number, history));
            words(&["check", "in.jsonl"])
        }
        1 => {
            let string = dice.pick(&STRINGS);
            let string = mutate::replay_string(&mut dice, string);
            words(&["replay", "everything.toml", &string])
        }
        2 => words(&[
            "table",
            "--quiet",
            "--budget",
            "3",
            "--strategy",
            "dead-letter",
            "--model",
            "queue",
            "--fault",
            &word(&mut dice),
        ]),
        3 => words(&[
            "run",
            "everything.toml",
            "--set",
            &format!("{}={}", word(&mut dice), word(&mut dice)),
        ]),
        _ => {
            let verb = *dice.pick(&["list", "schema", "new", "completions", "rnu"]);
            let word = if verb == "new" { "new.toml".to_owned() } else { word(&mut dice) };
            return Line { args: words(&[verb, &word]), refused: None, json: false };
        }
    };
    args.extend(words(&json));
    Line { args, refused: None, json: true }
}

#[test]
fn exit_codes_are_right_and_files_are_whole() {
    let bench = Bench::new();
    let mut codes = [0_u32; 3];
    for number in numbers(10) {
        for of in [with_scenario, with_something_else] {
            let code = bench.check(&of(&bench, number)).expect("an exit code");
            codes[code as usize] += 1;
        }
    }
    assert!(codes.iter().all(|count| *count > 5), "{codes:?}");
}
