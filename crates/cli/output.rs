//! Where results go: to the standard output, or to the file that `--output` names.
//! [`Target`] is how a file is written.
//!
//! > **The rule.** A reader who has seen enough (`entrega … | head`) is no error: once the standard
//! > output is closed, the rest is dropped.

mod target;

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use entrega_model::printable::{printable, printable_lines};
use serde::Serialize;
use terminal_size::Width;

use crate::failure::Failure;
use target::Identity;
pub(crate) use target::{Target, abandon};

/// An option that names a file to write, and the file if it was given.
pub(crate) type Output<'a> = (&'static str, Option<&'a Path>);

/// Refuses, before any work is done, what could not be written at its end: a file that the command
/// reads, by name or as its standard input, one that another option names too, or one that cannot
/// be written at all.
pub(crate) fn check(inputs: &[&Path], outputs: &[Output<'_>]) -> Result<(), Failure> {
    let read = inputs.iter().filter_map(|path| Identity::of(path)).chain(Identity::of_stdin());
    let mut known: Vec<_> = read.map(|identity| ("", identity)).collect();
    for (option, file) in outputs.iter().filter_map(|(option, file)| Some((*option, (*file)?))) {
        target::probe(file).map_err(|error| Failure::file(file, "write", &error))?;
        let Some(identity) = Identity::of(file) else { continue };
        if let Some((other, _)) = known.iter().find(|(_, known)| *known == identity) {
            return Err(clash(file, option, other));
        }
        known.push((option, identity));
    }
    Ok(())
}

fn clash(file: &Path, option: &str, other: &str) -> Failure {
    let file = file.display().to_string();
    let file = printable(&file);
    let why = match other {
        "" => format!("{option} would replace a file that the command reads"),
        other => format!("{other} and {option} name the same file"),
    };
    Failure::new(format!("{file}: {why}\n  help: choose another name for {option}"))
}

/// Writes a result to the file, or to the standard output if there is none.
pub(crate) fn write(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    match file {
        Some(file) => {
            let written = Target::create(file).and_then(|mut target| {
                target.write_all(text.as_bytes())?;
                target.finish()
            });
            written.map_err(|error| Failure::file(file, "write", &error))
        }
        None => to_stdout(text),
    }
}

/// How wide a text may be: as wide as the terminal that it goes to; as it is, if it goes elsewhere
/// or is wanted `wide`.
pub(crate) fn columns(file: Option<&Path>, wide: bool) -> Option<usize> {
    if file.is_some() || wide || !io::stdout().is_terminal() {
        return None;
    }
    let (Width(columns), _) = terminal_size::terminal_size()?;
    Some(usize::from(columns).max(NARROWEST))
}

/// No text is made for fewer columns.
const NARROWEST: usize = 60;

/// A text in lines that fit the terminal, unless it is wanted `wide`.
pub(crate) fn fitted(file: Option<&Path>, wide: bool, text: String) -> String {
    columns(file, wide)
        .map_or_else(|| text.clone(), |columns| entrega_report::fitted(&text, columns))
}

/// Writes a line to the standard error; a closed one is ignored.
pub(crate) fn say(about: &str) {
    let _closed = writeln!(io::stderr(), "{}", printable_lines(about));
}

/// Says something that is worth to know.
pub(crate) fn note(about: &str) {
    say(&format!("note: {}", printable(about)));
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
