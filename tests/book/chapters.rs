//! The table of contents: every chapter in it exists, and every page is a chapter.

use std::collections::BTreeSet;

use crate::pages::{Page, assert_none, assert_says, page, pages};

fn complaints(summary: &str, pages: &[Page]) -> Vec<String> {
    let chapters = chapters(summary);
    let known: BTreeSet<&str> = chapters.iter().copied().collect();
    let mut complaints = Vec::new();
    if known.len() < chapters.len() {
        complaints.push("SUMMARY.md: a chapter is there twice".to_owned());
    }
    for chapter in &known {
        if !pages.iter().any(|page| page.path == *chapter) {
            complaints.push(format!("SUMMARY.md: there is no {chapter}"));
        }
    }
    for page in pages {
        if !known.contains(page.path.as_str()) {
            complaints.push(format!("{}: is not in SUMMARY.md", page.path));
        }
        if !page.text.starts_with("# ") {
            complaints.push(format!("{}: does not begin with its title", page.path));
        }
    }
    complaints
}

/// The targets of the links of a table of contents.
pub(crate) fn chapters(summary: &str) -> Vec<&str> {
    let link = |line: &'_ str| Some(line.split_once("](")?.1.split_once(')')?.0.len());
    let target = |line| {
        let length = link(line)?;
        let start = line.find("](")? + 2;
        line.get(start..start + length)
    };
    summary.lines().filter_map(target).collect()
}

#[test]
fn the_table_of_contents_is_complete() {
    let pages = pages();
    assert!(pages.len() >= 11);
    assert_none(&complaints(&page("SUMMARY.md").text, &pages));
}

#[test]
fn a_wrong_table_of_contents_is_caught() {
    let check = |summary: &str, expect: &str| {
        let text = "# Why events\n".to_owned();
        assert_says(&complaints(summary, &[Page { path: "why.md".to_owned(), text }]), expect);
    };
    check("# Summary\n\n- [Why](why.md)\n", "");
    check("# Summary\n", "why.md: is not in SUMMARY.md");
    check("[Why](why.md)\n- [How](how.md)\n", "there is no how.md");
    check("[Why](why.md)\n- [Why](why.md)\n", "twice");
    let untitled = Page { path: "why.md".to_owned(), text: "Why?\n".to_owned() };
    assert_says(&complaints("[Why](why.md)", &[untitled]), "does not begin with its title");
}
