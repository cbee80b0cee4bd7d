//! How files look: they open with prose, and nothing in them is too long.

use crate::tree::{File, assert_none, file, files};

const MAX_FILE_LINES: usize = 500;
/// Of code. A test may hold a table of cases, which is data and as long as it needs to be.
const MAX_FUNCTION_LINES: usize = 70;
/// Of prose. Code is kept within the same width by rustfmt, wherever it can be broken.
const MAX_COLUMNS: usize = 100;
/// What somebody reads before deciding to read on. Reference matter belongs in `docs/`.
const MAX_README_LINES: usize = 180;

fn complaints(file: &File) -> Vec<String> {
    let path = &file.path;
    let mut complaints = Vec::new();
    if !file.text.starts_with("//!") {
        complaints.push(format!("{path}: does not open with //! prose"));
    }
    let count = file.text.lines().count();
    if count > MAX_FILE_LINES {
        complaints.push(format!("{path}: {count} lines; does it hold one concept?"));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        let columns = line.chars().count();
        if columns > MAX_COLUMNS && is_prose(line) {
            complaints.push(format!("{path}:{number}: {columns} columns"));
        }
    }
    for (number, lines) in functions(&file.text) {
        if lines > MAX_FUNCTION_LINES && !is_test(path) {
            complaints.push(format!("{path}:{number}: a function of {lines} lines"));
        }
    }
    complaints
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// A comment, except for a row of a table or a line of JSON in it, which cannot be broken.
fn is_prose(line: &str) -> bool {
    let line = line.trim_start();
    let text = line.trim_start_matches(['/', '!']).trim_start();
    line.starts_with("//") && !text.starts_with(['|', '{'])
}

/// The functions of a formatted file: the line where each begins and how many lines it has. A
/// function ends where a closing brace stands in the column in which it began.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        if !begins_function(line) || line.ends_with([';', '}']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let ends = |line: &&str| {
            let rest = line.get(indent..).unwrap_or_default();
            let margin = line.len() - line.trim_start().len() == indent;
            margin && (rest == "}" || rest.ends_with(';'))
        };
        let body = lines[start + 1..].iter().position(ends).unwrap_or(0);
        found.push((start + 1, body + 2));
    }
    found
}

fn begins_function(line: &str) -> bool {
    let words = line.split_whitespace().take_while(|word| {
        matches!(*word, "const" | "async" | "unsafe" | "fn") || word.starts_with("pub")
    });
    words.last() == Some("fn")
}

/// Whether a README is short enough to be read.
fn is_short(readme: &str) -> bool {
    readme.lines().count() <= MAX_README_LINES
}

#[test]
fn the_readme_is_short() {
    assert!(is_short(&file("README.md").text), "README.md has more than {MAX_README_LINES} lines");
}

#[test]
fn a_long_readme_is_caught() {
    assert!(is_short(&"x\n".repeat(MAX_README_LINES)));
    assert!(!is_short(&"x\n".repeat(MAX_README_LINES + 1)));
}

#[test]
fn files_are_laid_out_as_the_house_wants() {
    let all: Vec<String> = files("rs").iter().flat_map(complaints).collect();
    assert_none(&all);
}

#[test]
fn what_is_too_long_is_caught() {
    let check = |text: &str, expect: &str| {
        let file = File { path: "bad.rs".to_owned(), text: text.to_owned() };
        let complaints = complaints(&file).join("; ");
        assert_eq!(complaints.is_empty(), expect.is_empty(), "{complaints}");
        assert!(complaints.contains(expect), "{complaints}");
    };
    let long = "x".repeat(101);
    let body = |lines| "        x();\n".repeat(lines);
    check("//! Prose.\nfn f() {}\n", "");
    check("fn f() {}\n", "does not open");
    check("", "does not open");
    check(&format!("//! Prose.\n{}", "\n".repeat(500)), "501 lines");
    check(&format!("//! Prose.\n// {long}\n"), "bad.rs:2: 104 columns");
    check(&format!("//! | {long} |\n//! {{\"x\": \"{long}\"}}\n"), "");
    let method =
        |lines| format!("//! X.\nimpl X {{\n    pub fn f() {{\n{}    }}\n}}\n", body(lines));
    check(&method(68), "");
    check(&method(69), "bad.rs:3: a function of 71 lines");
    let split = format!("//! X.\nasync fn f(\n    x: u8,\n) -> u8 {{\n{}}}\n", body(70));
    check(&split, "a function of 74 lines");
    check(&format!("//! X.\ntrait X {{\n    fn f(\n    );\n{}}}\n", body(90)), "");
}
