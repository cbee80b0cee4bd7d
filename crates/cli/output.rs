//! Where results go: to the standard output, or to the file that `--output` names.
//!
//! > **The rule.** A reader who has seen enough (`entrega … | head`) is no error: when the standard
//! > output is closed, what is left to say is dropped.

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

/// Says something on the standard error that is no mistake, if anybody still listens.
pub(crate) fn say(about: &str) {
    let _closed = writeln!(io::stderr(), "{about}");
}

/// Says what somebody should look at, and need not.
pub(crate) fn warn(about: &str) {
    say(&format!("warning: {about}"));
}

/// A result as JSON, for programs.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(format!("cannot write the result as JSON: {error}")))?;
    Ok(text + "\n")
}

/// Whether colours help whoever reads this: a person at a terminal who has not set `NO_COLOR`.
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
