//! The planted bugs are what `tests/planted/README.md` says of them, and each can still be planted.
//!
//! `.ci/planted` builds and runs them, which takes minutes. Here it is only asked whether it could:
//! a patch that a refactoring has left behind fails at once, with its name.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::tree::{File, assert_none, file, files, top};

/// A layer, where its code is, and the least number of bugs in it.
const LAYERS: [(&str, &str, usize); 6] = [
    ("queue broker", "crates/brokers/src/queue", 3),
    ("log broker", "crates/brokers/src/log", 3),
    ("client library", "crates/clients/src", 3),
    ("sink", "crates/clients/src/sinks", 1),
    ("simulator", "crates/sim/src/world", 2),
    ("checker", "crates/checker/src", 3),
];

/// Who may see a bug first, in the order of the search, and what the command has then.
const SEERS: [(&str, &str); 5] = [
    ("unit", " --lib "),
    ("property", " --lib "),
    ("histories", "-p entrega-checker --test histories "),
    ("runs", "-p entrega-sim --test "),
    ("nobody", "--test determinism "),
];

/// The head of a patch, and the files that it changes.
#[derive(Default)]
struct Patch<'a> {
    name: &'a str,
    /// What the bug is, in one sentence on one line.
    what: &'a str,
    layer: &'a str,
    seer: &'a str,
    test: &'a str,
    changed: Vec<&'a str>,
}

impl<'a> Patch<'a> {
    fn read(file: &'a File) -> Self {
        let head = file.text.split("\ndiff ").next().unwrap_or_default();
        let field = |name| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
        let changed = file.text.lines().filter_map(|line| line.strip_prefix("+++ b/"));
        Self {
            name: name_of(&file.path),
            what: head.lines().next().unwrap_or_default(),
            layer: field("Layer: "),
            seer: field("Seen first by: "),
            test: field("Test: cargo test "),
            changed: changed.collect(),
        }
    }

    fn row(&self) -> String {
        let Self { name, what, layer, seer, test, changed: _ } = self;
        let test = test.strip_suffix(" -- --exact").unwrap_or(test);
        format!("| [{name}]({name}.patch) | {what} | {layer} | {seer} | `{test}` |")
    }

    /// What is wrong with it, if these are the sources.
    fn complaints(&self, sources: &[File]) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |what: &str| complaints.push(format!("{}: {what}", self.name));
        if !self.what.ends_with('.') {
            complain("its first line is no sentence about the bug");
        }
        let layer = LAYERS.iter().find(|(name, ..)| *name == self.layer);
        match layer {
            Some((_, place, _)) => {
                let inside = |path: &&str| path.starts_with(place);
                if self.changed.is_empty() || !self.changed.iter().all(inside) {
                    complain(&format!("changes something that is not in {place}"));
                }
            }
            None => complain(&format!("no layer is called `{}`", self.layer)),
        }
        match SEERS.iter().find(|(name, _)| *name == self.seer) {
            Some((_, target)) if self.test.contains(target) => {}
            Some((_, target)) => complain(&format!("its command has no `{}`", target.trim())),
            None => complain(&format!("no tests are called `{}`", self.seer)),
        }
        if !has_test(self.test, sources) {
            complain("its command names no test that there is, or does not end in `-- --exact`");
        }
        complaints
    }
}

fn name_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".patch").unwrap_or(name)
}

/// Whether the test that a command names is in the target that it names.
fn has_test(command: &str, sources: &[File]) -> bool {
    let Some(command) = command.strip_suffix(" -- --exact") else { return false };
    let words: Vec<&str> = command.split(' ').collect();
    let (home, test) = match words[..] {
        ["-p", package, "--lib", test] => (format!("{}/src/", home_of(package)), test),
        ["-p", package, "--test", target, test] => {
            (format!("{}/tests/{target}", home_of(package)), test)
        }
        ["--test", target, test] => (format!("tests/{target}"), test),
        _ => return false,
    };
    let function = format!("fn {}(", test.rsplit("::").next().unwrap_or(test));
    sources.iter().any(|file| file.path.starts_with(&home) && file.text.contains(&function))
}

fn home_of(package: &str) -> String {
    format!("crates/{}", package.strip_prefix("entrega-").unwrap_or(package))
}

/// What keeps a patch from being applied to this tree.
fn applied(patch: &str) -> Result<(), String> {
    let mut git = Command::new("git")
        .args(["apply", "--check", "-"])
        .current_dir(top())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git starts");
    let written = git.stdin.take().map(|mut input| input.write_all(patch.as_bytes()));
    let output = git.wait_with_output().expect("git ends");
    match written {
        Some(Ok(())) if output.status.success() => Ok(()),
        _ => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

fn planted() -> Vec<File> {
    let is_planted = |file: &File| file.path.starts_with("tests/planted/");
    files("patch").into_iter().filter(is_planted).collect()
}

#[test]
fn every_planted_bug_says_what_it_is_and_can_be_planted() {
    let (files, sources) = (planted(), files("rs"));
    let mut all: Vec<String> =
        files.iter().flat_map(|file| Patch::read(file).complaints(&sources)).collect();
    for file in &files {
        all.extend(applied(&file.text).err().map(|why| format!("{}: {why}", file.path)));
    }
    assert_none(&all);
}

#[test]
fn the_table_lists_the_planted_bugs() {
    let files = planted();
    let rows: Vec<String> = files.iter().map(|file| Patch::read(file).row()).collect();
    let readme = file("tests/planted/README.md").text;
    let listed: Vec<&str> = readme.lines().filter(|line| line.starts_with("| [")).collect();
    assert_eq!(listed, rows, "the rows are to be\n{}\n", rows.join("\n"));
}

/// Twelve bugs, spread over the layers; and those that show that the script can tell.
#[test]
fn there_are_planted_bugs_in_every_layer() {
    let files = planted();
    let patches: Vec<Patch<'_>> = files.iter().map(Patch::read).collect();
    let unseen: Vec<&str> =
        patches.iter().filter(|patch| patch.seer == "nobody").map(|patch| patch.name).collect();
    assert_eq!(unseen, ["control"]);
    assert!(patches.iter().any(|patch| patch.name == "canary"));
    let bugs = || patches.iter().filter(|one| !["canary", "control"].contains(&one.name));
    assert!(bugs().count() >= 12);
    for (layer, _, least) in LAYERS {
        let count = bugs().filter(|patch| patch.layer == layer).count();
        assert!(count >= least, "{layer}: {count}");
    }
}

#[test]
fn a_planted_bug_that_cannot_be_planted_is_caught() {
    let sources = files("rs");
    let good = file("tests/planted/canary.patch");
    assert_none(&Patch::read(&good).complaints(&sources));
    assert_eq!(applied(&good.text), Ok(()));
    let check = |from: &str, to: &str, expect: &str| {
        let bad = File { path: good.path.clone(), text: good.text.replacen(from, to, 1) };
        assert_ne!(bad.text, good.text, "`{from}` is not in it");
        let mut complaints = Patch::read(&bad).complaints(&sources);
        complaints.extend(applied(&bad.text).err());
        assert!(complaints.join("; ").contains(expect), "{complaints:?}");
    };
    check(".\n", "\n", "no sentence");
    check("Layer: sink", "Layer: cellar", "no layer");
    check("Layer: sink", "Layer: checker", "not in crates/checker");
    check("by: unit", "by: chance", "no tests are called");
    check("by: unit", "by: runs", "has no `-p entrega-sim --test`");
    check(" -- --exact", "", "names no test");
    check("::the_second_", "::the_third_", "names no test");
    check("\n         ", "\n         moved ", "patch does not apply");
}
