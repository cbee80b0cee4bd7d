//! The pages of the book, as the rules see them.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// A page that somebody has written.
pub(crate) struct Page {
    /// Where it is, relative to `book/src`.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The top of the repository.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the pages are.
pub(crate) fn source() -> PathBuf {
    top().join("book/src")
}

/// A page by its path.
pub(crate) fn page(path: &str) -> Page {
    let text = fs::read_to_string(source().join(path));
    Page { path: path.to_owned(), text: text.unwrap_or_else(|error| panic!("{path}: {error}")) }
}

/// All pages but the table of contents, by name. What is generated is no page.
pub(crate) fn pages() -> Vec<Page> {
    let names = names(&source(), "md").into_iter().filter(|name| name != "SUMMARY.md");
    names.map(|name| page(&name)).collect()
}

/// The names of the files with this extension in a directory.
pub(crate) fn names(directory: &Path, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    let paths = entries.flatten().map(|entry| entry.path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    let mut names: Vec<String> =
        paths.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

/// The path without `..`; none if it leads out of where it began.
pub(crate) fn normal(path: &Path) -> Option<PathBuf> {
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

/// Fails with all complaints, one a line.
#[track_caller]
pub(crate) fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The complaints of a rule contain `expect`; there are none if it is empty.
#[track_caller]
pub(crate) fn assert_says(complaints: &[String], expect: &str) {
    let said = complaints.join("; ");
    assert_eq!(said.is_empty(), expect.is_empty(), "{said}");
    assert!(said.contains(expect), "{said}");
}
