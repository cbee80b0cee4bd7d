//! Every include resolves, with its anchor; every generated file is included; anchors are paired.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::commands::commands;
use crate::pages::{Page, assert_none, assert_says, normal, pages, top};

/// What is wrong with the includes of a page. `read` gives a file of the repository by its path.
fn complaints(page: &Page, read: &dyn Fn(&Path) -> Option<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for include in includes(&page.text) {
        let (path, anchor) = include.split_once(':').unwrap_or((include, ""));
        let wrong = match resolve(path).and_then(|path| read(&path)) {
            None => "there is no such file",
            Some(text) if !anchor.is_empty() && !has_anchor(&text, anchor) => {
                "there is no such anchor"
            }
            Some(_) if anchor.is_empty() && path.ends_with(".rs") => "code needs an anchor",
            Some(_) => continue,
        };
        complaints.push(format!("{}: `{include}`: {wrong}", page.path));
    }
    complaints
}

/// What a page includes, as it is written.
fn includes(text: &str) -> Vec<&str> {
    let parts = text.split("{{#include ").skip(1);
    parts.filter_map(|part| Some(part.split_once("}}")?.0.trim())).collect()
}

/// A path as seen from a page, which is as seen from the top of the repository.
fn resolve(path: &str) -> Option<PathBuf> {
    normal(&Path::new("book/src").join(path))
}

fn has_anchor(text: &str, anchor: &str) -> bool {
    let anchors = anchors(text);
    anchors.is_ok_and(|anchors| anchors.iter().any(|found| found == anchor))
}

/// The anchors of a file, or what is wrong with them: each must begin, hold something and end.
fn anchors(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut open: Vec<(&str, usize)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(name) = line.trim().strip_prefix("// ANCHOR: ") {
            open.push((name, number));
        } else if let Some(name) = line.trim().strip_prefix("// ANCHOR_END: ") {
            match open.pop() {
                Some((begun, at)) if begun == name && number > at + 1 => {
                    found.push(name.to_owned())
                }
                _ => return Err(format!("the anchor `{name}` ends without a beginning or a body")),
            }
        }
    }
    match open.pop() {
        Some((name, _)) => Err(format!("the anchor `{name}` does not end")),
        None => Ok(found),
    }
}

/// Rust files below a directory.
fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    let paths = entries.flatten().map(|entry| entry.path());
    let below = paths.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    below.filter(|path| path.extension().is_some_and(|found| found == "rs")).collect()
}

#[test]
fn includes_resolve() {
    let commands = commands();
    let read = |path: &Path| {
        let generated = path.strip_prefix("book/src/generated").ok().map(Path::file_stem);
        match generated.flatten().and_then(OsStr::to_str) {
            Some(name) => commands.contains_key(name).then(String::new),
            None => fs::read_to_string(top().join(path)).ok(),
        }
    };
    let all: Vec<String> = pages().iter().flat_map(|page| complaints(page, &read)).collect();
    assert_none(&all);
}

#[test]
fn what_is_generated_is_shown() {
    let pages = pages();
    let shown: BTreeSet<&str> = pages.iter().flat_map(|page| includes(&page.text)).collect();
    let unshown = commands().into_keys().filter(|name| {
        let path = format!("generated/{name}.md");
        !shown.contains(path.as_str())
    });
    assert_eq!(unshown.collect::<Vec<_>>(), [""; 0], "no page includes these");
}

#[test]
fn anchors_are_paired_and_used() {
    let pages = pages();
    let shown: BTreeSet<&str> = pages.iter().flat_map(|page| includes(&page.text)).collect();
    let mut wrong = Vec::new();
    for file in rust_files(&top().join("crates")) {
        let text = fs::read_to_string(&file).expect("a source file");
        let shown = |anchor: &str| {
            let path = file.strip_prefix(top()).expect("a file of the repository");
            shown.contains(format!("../../{}:{anchor}", path.display()).as_str())
        };
        match anchors(&text) {
            Err(error) => wrong.push(format!("{}: {error}", file.display())),
            Ok(names) => wrong.extend(
                names
                    .iter()
                    .filter(|name| !shown(name))
                    .map(|name| format!("{}: no page shows the anchor `{name}`", file.display())),
            ),
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_wrong_include_is_caught() {
    let read = |path: &Path| {
        let code = "// ANCHOR: f\nfn f() {}\n// ANCHOR_END: f\n";
        (path == Path::new("crates/x.rs")).then(|| code.to_owned())
    };
    let check = |include: &str, expect: &str| {
        let text = format!("# X\n\n```rust\n{{{{#include {include}}}}}\n```\n");
        assert_says(&complaints(&Page { path: "x.md".to_owned(), text }, &read), expect);
    };
    check("../../crates/x.rs:f", "");
    check("../../crates/x.rs:g", "there is no such anchor");
    check("../../crates/y.rs:f", "there is no such file");
    check("../../../crates/x.rs:f", "there is no such file");
    check("../../crates/x.rs", "code needs an anchor");
}

#[test]
fn a_wrong_anchor_is_caught() {
    let check = |text: &str, expect: Result<&[&str], &str>| match (anchors(text), expect) {
        (Ok(found), Ok(expect)) => assert_eq!(found, expect),
        (Err(said), Err(expect)) => assert!(said.contains(expect), "{said}"),
        (found, _) => panic!("{text}: {found:?}"),
    };
    check("fn f() {}\n", Ok(&[]));
    check("// ANCHOR: f\nfn f() {}\n// ANCHOR_END: f\n", Ok(&["f"]));
    check("// ANCHOR: f\nfn f() {}\n", Err("`f` does not end"));
    check("// ANCHOR: f\n// ANCHOR_END: f\n", Err("without a beginning or a body"));
    check("fn f() {}\n// ANCHOR_END: f\n", Err("without a beginning or a body"));
    check("// ANCHOR: f\nfn f() {}\n// ANCHOR_END: g\n", Err("`g` ends"));
}
