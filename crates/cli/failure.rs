//! Why a command cannot do its work: one message, and exit code 2.

use std::fmt;
use std::path::Path;

use entrega_lab::Unfit;
use entrega_model::printable::{printable, printable_lines};
use entrega_scenario::Problem;

/// A mistake in the input or the usage: what is wrong, where, and what would be valid.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A mistake that this message explains in full.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A mistake that this error explains in full.
    pub(crate) fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }

    /// A worker that panicked outside of any run that could be named.
    pub(crate) fn panicked() -> Self {
        Self::new("a worker panicked; the message stands above")
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, verb: &str, error: &std::io::Error) -> Self {
        let path = path.display().to_string();
        Self(format!("{}: cannot {verb} it: {error}", printable(&path)))
    }
}

/// As a terminal may show it, whatever the message quotes.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        printable_lines(&self.0).fmt(f)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::of(problem)
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Self::of(unfit)
    }
}
