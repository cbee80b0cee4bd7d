//! The files of the repository, as the rules see them.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file.
pub(crate) struct File {
    /// Where it is, relative to the top, with slashes.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The top of the repository.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One file by its path.
pub(crate) fn file(path: &str) -> File {
    let text = fs::read_to_string(top().join(path));
    File { path: path.to_owned(), text: text.unwrap_or_else(|error| panic!("{path}: {error}")) }
}

/// All files with this extension that belong to the project, in the order of their paths.
pub(crate) fn files(extension: &str) -> Vec<File> {
    let mut paths = Vec::new();
    collect(top(), extension, &mut paths);
    paths.sort();
    let relative = |path: &PathBuf| {
        let path = path.strip_prefix(top()).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    };
    paths.iter().map(|path| file(&relative(path))).collect()
}

/// Hidden directories and what cargo builds are not the project's.
fn collect(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// Fails with all complaints, one a line.
#[track_caller]
pub(crate) fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn the_project_has_files() {
    assert!(files("rs").iter().any(|file| file.path == "crates/sim/src/run.rs"));
    assert!(files("md").iter().any(|file| file.path == "README.md"));
}
