//! Pages are read as text as well: no line of prose is longer than 120 columns, no page longer
//! than one sitting, and nothing has a name that means nothing.

use crate::pages::{Page, assert_none, assert_says, pages};

const MAX_COLUMNS: usize = 120;
const MAX_LINES: usize = 150;

/// Names that mean nothing.
const BANNED: [&str; 3] = ["foo", "bar", "baz"];

fn complaints(page: &Page) -> Vec<String> {
    let path = &page.path;
    let mut complaints = Vec::new();
    let lines = page.text.lines().count();
    if lines > MAX_LINES {
        complaints.push(format!("{path}: {lines} lines; is it one idea?"));
    }
    let mut fenced = false;
    for (number, line) in (1..).zip(page.text.lines()) {
        fenced ^= line.starts_with("```");
        let columns = line.chars().count();
        if columns > MAX_COLUMNS && !fenced && !line.starts_with('|') {
            complaints.push(format!("{path}:{number}: {columns} columns"));
        }
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        if let Some(word) = words.find(|word| BANNED.contains(&word.to_lowercase().as_str())) {
            complaints.push(format!("{path}:{number}: `{word}`: say what it is in the shop"));
        }
    }
    if fenced {
        complaints.push(format!("{path}: a block of code does not end"));
    }
    complaints
}

#[test]
fn pages_are_easy_to_read() {
    let all: Vec<String> = pages().iter().flat_map(complaints).collect();
    assert_none(&all);
}

#[test]
fn what_is_hard_to_read_is_caught() {
    let check = |text: &str, expect: &str| {
        let page = Page { path: "x.md".to_owned(), text: text.to_owned() };
        assert_says(&complaints(&page), expect);
    };
    let long = "x".repeat(121);
    check(&format!("# X\n\n```text\n{long}\n```\n| {long} |\n"), "");
    check(&format!("# X\n\n{long}\n"), "x.md:3: 121 columns");
    check(&"x\n".repeat(151), "151 lines");
    check("# X\n\nLet Foo send a message to a bar.\n", "x.md:3: `Foo`");
    check("# X\n\n```text\n", "does not end");
}
