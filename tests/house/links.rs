//! Links within the Markdown files lead somewhere.

use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag};

use crate::tree::{File, assert_none, files, top};

fn complaints(file: &File) -> Vec<String> {
    let exists = |target: &Path| top().join(target).exists();
    let dead = links(&file.text).into_iter().filter(|link| !resolves(&file.path, link, &exists));
    dead.map(|link| format!("{}: nothing at `{link}`", file.path)).collect()
}

/// Targets of all links and images, code excepted.
fn links(markdown: &str) -> Vec<String> {
    let targets = Parser::new(markdown).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    targets.map(|target| target.to_string()).collect()
}

/// Whether a link of the file `from` leads to something. Other sites are believed to exist.
fn resolves(from: &str, link: &str, exists: &dyn Fn(&Path) -> bool) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return true;
    }
    let path = link.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return !link.is_empty();
    }
    let directory = Path::new(from).parent().unwrap_or(Path::new(""));
    normal(&directory.join(path)).is_some_and(|target| exists(&target))
}

/// The path without `..`; none if it leaves the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}

#[test]
fn links_lead_somewhere() {
    let all: Vec<String> = files("md").iter().flat_map(complaints).collect();
    assert_none(&all);
}

#[test]
fn a_dead_link_is_caught() {
    let exists = |path: &Path| path == Path::new("docs/a.md") || path == Path::new("b.md");
    let check = |link: &str, expect| {
        assert_eq!(resolves("docs/index.md", link, &exists), expect, "{link}");
    };
    check("a.md", true);
    check("./a.md#part", true);
    check("../b.md", true);
    check("https://example.org/missing", true);
    check("#part", true);
    check("missing.md", false);
    check("b.md", false);
    check("../../b.md", false);
    check("/b.md", false);
    check("", false);
}

#[test]
fn links_in_code_are_no_links() {
    assert_eq!(
        links("[a](x.md) `[b](y.md)`\n\n```\n[c](z.md)\n```\n![d](w.svg)"),
        ["x.md", "w.svg"]
    );
}
