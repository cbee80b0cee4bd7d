//! What is wrong with a person's input: where, what, and what would be valid there.
//!
//! Scenario files, workload files and `--set` overrides share this form, so the command line prints
//! every input error alike and exits with code 2.

use std::fmt;

use entrega_model::printable::{printable, printable_lines};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One mistake in a scenario, a workload file or an override.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The file as the caller named it, or `--set path=value`.
    pub file: String,
    /// The line, from 1; 0 if the mistake is not in a text (an override, an unreadable file).
    pub line: u32,
    /// The column in characters, from 1; 0 together with `line`.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What would be valid.
    pub help: Option<String>,
}

impl Problem {
    /// A mistake without a place in a text.
    pub fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: 0, column: 0, message: message.into(), help: None }
    }

    /// A mistake at a byte of `text`.
    pub fn at(
        file: impl Into<String>,
        text: &str,
        offset: usize,
        message: impl Into<String>,
    ) -> Self {
        let (line, column) = position(text, offset);
        Self { line, column, ..Self::new(file, message) }
    }

    /// The same mistake with advice.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// `simulations/x.toml:12:5: what is wrong`, and the advice on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.file))?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", printable_lines(&self.message))?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {}", printable_lines(help)),
            None => Ok(()),
        }
    }
}

/// Line and column of a byte, both from 1; the column counts characters.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let column = 1 + before[line_start..].chars().count();
    (clamp(line), clamp(column))
}

fn clamp(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The closest of `names` to what was written, if one is close enough to be meant.
pub(crate) fn nearest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let score = |name: &str| strsim::damerau_levenshtein(&written.to_lowercase(), name);
    let (distance, name) = names.iter().map(|name| (score(name), *name)).min()?;
    let allowed = (name.len().max(written.len()) / 3).max(1);
    (distance <= allowed).then_some(name)
}

/// ``did you mean `messages`? valid here: messages, from``.
pub(crate) fn suggestion(written: &str, names: &[&str]) -> String {
    let valid = format!("valid here: {}", names.join(", "));
    match nearest(written, names) {
        Some(name) => format!("did you mean `{name}`? {valid}"),
        None => valid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let check = |text: &str, offset, expect| assert_eq!(position(text, offset), expect);
        check("", 0, (1, 1));
        check("ab\ncd", 3, (2, 1));
        check("é = 1", 3, (1, 3));
        check("é", 1, (1, 1));
        check("a\n", 99, (2, 1));
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["messages", "from", "body"];
        let check = |written, expect: Option<&str>| assert_eq!(nearest(written, &names), expect);
        check("mesages", Some("messages"));
        check("Form", Some("from"));
        check("bdoy", Some("body"));
        check("retention", None);
        check("", None);
    }

    #[test]
    fn a_problem_reads_as_file_line_column() {
        let problem = Problem::at("x.toml", "a\n  b", 4, "unknown field `b`").with_help("try `a`");
        assert_eq!(problem.to_string(), "x.toml:2:3: unknown field `b`\n  help: try `a`");
        assert_eq!(Problem::new("--set a=1", "no").to_string(), "--set a=1: no");
    }
}
