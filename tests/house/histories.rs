//! The format of histories stands in two places: beside the code that reads it, and where people
//! who write one look it up. Both say the same.

use crate::tree::file;

/// The sections that both have.
const SHARED: [&str; 2] = ["Events", "Values"];

/// The lines below a heading, up to the next one of its kind.
fn section<'a>(text: &'a str, mark: &str, name: &str) -> Vec<&'a str> {
    let heading = format!("{mark} {name}");
    let after = text.lines().skip_while(|line| *line != heading).skip(1);
    let lines = after.take_while(|line| !line.starts_with(&format!("{mark} ")));
    lines.filter(|line| !line.is_empty()).collect()
}

/// The prose that a file opens with.
fn prose(code: &str) -> String {
    let lines = code.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

/// The sections in which the page and the code differ, or that one of them lacks.
fn differ(page: &str, code: &str) -> Vec<&'static str> {
    let prose = prose(code);
    let differs = |name: &&str| {
        let (one, other) = (section(page, "##", name), section(&prose, "#", name));
        one.is_empty() || one != other
    };
    SHARED.into_iter().filter(differs).collect()
}

#[test]
fn the_page_on_histories_has_the_events_of_the_format() {
    let (page, code) = (file("docs/histories.md").text, file("crates/model/src/history.rs").text);
    assert_eq!(differ(&page, &code), [""; 0], "copy them from crates/model/src/history.rs");
}

#[test]
fn a_row_that_differs_is_caught() {
    let code = "//! X.\n//!\n//! # Events\n//! | `a` | b |\n//!\n//! # Values\n//! * `b`: c\n\nfn x() {}\n";
    let page = "# X\n\n## Events\n\n| `a` | b |\n\n## Values\n\n* `b`: c\n\n## More\n\nd\n";
    assert_eq!(differ(page, code), [""; 0]);
    assert_eq!(differ(&page.replace("| b |", "| c |"), code), ["Events"]);
    assert_eq!(differ(page, &code.replace("`b`: c", "`b`: d")), ["Values"]);
    assert_eq!(differ(&page.replace("## Events", "## Other"), code), ["Events"]);
    assert_eq!(differ(page, "//! X.\n"), SHARED);
}
