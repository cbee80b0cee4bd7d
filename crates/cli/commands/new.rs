//! `entrega new`: a commented scenario to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use entrega_lab::loaded::shell_word;
use entrega_model::printable::printable;

use crate::args::NewArgs;
use crate::failure::Failure;
use crate::files;
use crate::output::{self, Target};

/// Writes the template. An existing file is replaced only with `--force`.
pub(crate) fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    let file = args.file.as_path();
    match create(file, args.force) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = file.display().to_string();
            let file = printable(&file);
            return Err(Failure::new(format!(
                "{file}: it exists already\n  help: choose another name, or replace it with --force"
            )));
        }
        Err(error) => return Err(Failure::file(file, "write", &error)),
    }
    let name = file.display().to_string();
    let name = printable(&name);
    let program = shell_word(&files::program());
    output::write(
        None,
        &format!(
            "wrote {name}; try it with\n  {program} run {name}\nall that it may say:\n  {program} list settings\n"
        ),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn create(file: &Path, force: bool) -> std::io::Result<()> {
    let template = entrega_scenario::template();
    if !force {
        let mut options = OpenOptions::new();
        return options.write(true).create_new(true).open(file)?.write_all(template.as_bytes());
    }
    let mut target = Target::create(file)?;
    target.write_all(template.as_bytes())?;
    target.finish()
}
