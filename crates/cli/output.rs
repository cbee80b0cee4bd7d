//! Where results go: to the standard output, or to the file that `--output` names.
//!
//! > **The rule.** A reader who has seen enough (`entrega … | head`) is no error: once the standard
//! > output is closed, the rest is dropped.

use std::env;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use crate::failure::Failure;

/// Writes a result to the file, or to the standard output if there is none.
pub(crate) fn write(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    match file {
        Some(file) => fs::write(file, text).map_err(|error| Failure::file(file, "write", &error)),
        None => to_stdout(text),
    }
}

/// Writes a line to the standard error; a closed one is ignored.
pub(crate) fn say(about: &str) {
    let _closed = writeln!(io::stderr(), "{about}");
}

/// Warns of something that is worth a look and no mistake.
pub(crate) fn warn(about: &str) {
    say(&format!("warning: {about}"));
}

/// A result as JSON, for programs.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    entrega_report::to_json(value)
        .map_err(|error| Failure::new(format!("cannot write the result as JSON: {error}")))
}

/// Whether to use colours: the output goes to a terminal, and `NO_COLOR` is not set.
pub(crate) fn is_colourful(file: Option<&Path>) -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    file.is_none() && !unwanted && io::stdout().is_terminal()
}

fn to_stdout(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to the standard output: {error}")))
        }
        _ => Ok(()),
    }
}
