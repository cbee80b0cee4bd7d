//! A crate outside of the workspace compares two strategies with `entrega-lab` and
//! `entrega-report`, and prints the table and one story: in at most 25 lines, natively and for
//! wasm32.
//!
//! Method: the program of `docs/two-strategies.rs` becomes a crate in a temporary directory, with
//! path dependencies and the workspace's lock file. It is built offline, in the target directory
//! that holds this test, so that what is built there already is not built again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use toml::{Table, Value};

const PROGRAM: &str = include_str!("../docs/two-strategies.rs");

/// The most lines that it may take.
const MOST_LINES: usize = 25;

/// The target of a web page.
const WASM: &str = "wasm32-unknown-unknown";

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The target directory that this test was built in.
fn target_dir() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    test.ancestors().nth(3).expect("target/profile/deps/test").to_path_buf()
}

/// The program as a crate of its own, built by this profile.
fn outside(profile: &str) -> TempDir {
    let dir = TempDir::new().expect("a temporary directory");
    let crates = top().join("crates");
    let manifest = format!(
        "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [[bin]]\nname = \"outside\"\npath = \"main.rs\"\n\n[workspace]\n\n[dependencies]\n\
         entrega-lab.path = '{0}/lab'\nentrega-report.path = '{0}/report'\n\n{profile}",
        crates.display(),
    );
    fs::write(dir.path().join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(dir.path().join("main.rs"), PROGRAM).expect("a program");
    fs::copy(top().join("Cargo.lock"), dir.path().join("Cargo.lock")).expect("a lock file");
    dir
}

/// How the workspace builds its crates for tests: built alike, they are built once. From outside,
/// `"*"` means the workspace's crates too, so each of them is named.
fn profile() -> String {
    let mut dev = manifest("Cargo.toml")["profile"]["dev"].clone();
    let debug = dev["debug"].clone();
    let packages = dev["package"].as_table_mut().expect("settings for packages");
    for directory in fs::read_dir(top().join("crates")).expect("the crates").flatten() {
        let path = directory.path().join("Cargo.toml");
        if !path.is_file() {
            continue;
        }
        let manifest = manifest(&path);
        let name = manifest["package"]["name"].as_str().expect("a name");
        let own = packages.entry(name).or_insert_with(|| Table::new().into());
        own.as_table_mut().expect("settings").entry("debug").or_insert_with(|| debug.clone());
    }
    let profile = Table::from_iter([("dev".to_owned(), dev)]);
    Table::from_iter([("profile".to_owned(), Value::Table(profile))]).to_string()
}

fn manifest(path: impl AsRef<Path>) -> Table {
    let text = fs::read_to_string(top().join(path)).expect("a manifest");
    text.parse().expect("a table")
}

/// What is not run is built as quickly as possible.
const QUICK: &str = "[profile.dev]\ndebug = false\n";

/// Runs cargo in the crate, offline.
fn cargo(dir: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).arg("--offline").arg("--target-dir").arg(target_dir());
    command.current_dir(dir.path()).env_remove("CARGO_TARGET_DIR");
    command.output().expect("cargo starts")
}

/// Whether the standard library of the target is installed.
fn has_wasm() -> bool {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let Ok(sysroot) = sysroot else { return false };
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    Path::new(&sysroot).join("lib/rustlib").join(WASM).is_dir()
}

#[test]
fn two_strategies_are_compared_in_a_few_lines() {
    let lines = PROGRAM.lines().count();
    assert!(lines <= MOST_LINES, "{lines} lines");
    let output = cargo(&outside(&profile()), &["run", "--quiet"]);
    let (said, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{error}");
    for part in [
        "log    process-then-settle  at-least-once        0 [≤31% of runs]  2.3%",
        "queue  process-then-settle  at-least-once        0 [≤31% of runs]  2.3%",
        "deduplicating-sink   exactly-once-effect  0 [≤31% of runs]  0 [≤31% of runs]",
    ] {
        assert!(said.contains(part), "{part} is not printed:\n{said}");
    }
    let story = said.lines().last().unwrap_or_default();
    assert!(story.ends_with("takes effect twice."), "{said}");
}

#[test]
#[expect(clippy::print_stderr, reason = "what is left out is said aloud")]
fn the_same_builds_for_wasm32() {
    if !has_wasm() {
        eprintln!("SKIPPED: the target is not installed; 'rustup target add {WASM}' installs it");
        return;
    }
    let output = cargo(&outside(QUICK), &["build", "--quiet", "--target", WASM]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
