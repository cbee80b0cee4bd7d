//! Links and pictures lead somewhere *within the book*: what lies outside of it is not there when
//! the book is read on a server. (That they lead somewhere at all is a house rule.)

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Parser, Tag};

use crate::chapters::chapters;
use crate::pages::{Page, assert_none, assert_says, names, page, pages, source};

fn complaints(page: &Page, targets: &BTreeSet<String>) -> Vec<String> {
    let inner = links(&page.text).into_iter().filter(|link| !link.contains("://"));
    let dead = inner.filter(|link| {
        let path = link.split('#').next().unwrap_or_default();
        !path.is_empty() && !targets.contains(path)
    });
    dead.map(|link| format!("{}: the book has no `{link}`", page.path)).collect()
}

/// Targets of all links and pictures.
fn links(markdown: &str) -> Vec<String> {
    let targets = Parser::new(markdown).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    targets.map(|target| target.to_string()).collect()
}

/// What may be linked to: the chapters and the pictures.
fn targets() -> BTreeSet<String> {
    let summary = page("SUMMARY.md").text;
    let pictures = names(&source().join("images"), "svg");
    let pictures = pictures.into_iter().map(|name| format!("images/{name}"));
    chapters(&summary).into_iter().map(str::to_owned).chain(pictures).collect()
}

#[test]
fn links_stay_in_the_book() {
    let targets = targets();
    let all: Vec<String> = pages().iter().flat_map(|page| complaints(page, &targets)).collect();
    assert_none(&all);
}

#[test]
fn every_picture_is_shown() {
    let shown: BTreeSet<String> = pages().iter().flat_map(|page| links(&page.text)).collect();
    let pictures = targets().into_iter().filter(|target| target.ends_with(".svg"));
    let unshown: Vec<String> = pictures.filter(|picture| !shown.contains(picture)).collect();
    assert_eq!(unshown, [""; 0], "no page shows these");
}

#[test]
fn a_link_out_of_the_book_is_caught() {
    let targets = BTreeSet::from(["why.md".to_owned(), "images/queue.svg".to_owned()]);
    let check = |link: &str, expect: &str| {
        let text = format!("# X\n\n[x]({link})\n");
        assert_says(&complaints(&Page { path: "x.md".to_owned(), text }, &targets), expect);
    };
    check("why.md#part", "");
    check("#part", "");
    check("images/queue.svg", "");
    check("https://example.org/x", "");
    check("how.md", "the book has no `how.md`");
    check("../../README.md", "the book has no");
}
