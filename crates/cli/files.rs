//! Scenarios from files, with their workload files beside them; and arguments from files.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use entrega_lab::LoadedScenario;
use entrega_lab::truth_table;

use crate::args::Set;
use crate::failure::Failure;
use crate::output::{self, Output};

/// The longest file that is read, in bytes. What is longer is none of this program's.
const LONGEST: u64 = 256 << 20;

/// Reads a scenario file and the workload file that it names; or the small world of the truth
/// table, if that is asked for and no file is called so. Refuses `outputs` that would replace them.
pub(crate) fn read(
    path: &Path,
    overrides: &[Set],
    outputs: &[Output<'_>],
) -> Result<LoadedScenario, Failure> {
    let inputs = RefCell::new(Vec::new());
    let read = |path: PathBuf| {
        let text = text(&path)?;
        inputs.borrow_mut().push(path);
        io::Result::Ok(text)
    };
    let text = match read(path.to_owned()) {
        Err(_) if path == Path::new(truth_table::NAME) => truth_table::SCENARIO.to_owned(),
        text => text.map_err(|error| Failure::file(path, "read", &error))?,
    };
    let beside = |file: &str| {
        let file = path.parent().unwrap_or(Path::new("")).join(file);
        read(file).map_err(|error| error.to_string())
    };
    let name = path.display().to_string();
    let mut loaded = LoadedScenario::load(&name, &text, overrides, &beside)?;
    loaded.program = program();
    let inputs = inputs.borrow();
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    output::check(&inputs, outputs)?;
    Ok(loaded)
}

/// An argument that may be too long for a command line: `@FILE` stands for the text of a file, `-`
/// for that on the standard input.
pub(crate) fn argument(argument: &str) -> Result<Cow<'_, str>, Failure> {
    let (name, text) = match argument.strip_prefix('@') {
        Some(file) => (file, text(Path::new(file))),
        None if argument == "-" => ("standard input", all_of(io::stdin().lock())),
        None => return Ok(Cow::Borrowed(argument)),
    };
    text.map(Cow::Owned).map_err(|error| Failure::file(Path::new(name), "read", &error))
}

/// How this program was called: what a command that it shows begins with.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next().and_then(|called| called.into_string().ok());
    called.filter(|called| !called.is_empty()).unwrap_or_else(|| "entrega".to_owned())
}

fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    all_of(file)
}

fn all_of(input: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let length = input.take(LONGEST + 1).read_to_string(&mut text)?;
    if length as u64 > LONGEST {
        return Err(io::Error::other(format!("it is longer than {} MiB", LONGEST >> 20)));
    }
    Ok(text)
}
