//! `entrega`: the command line of the laboratory. Parses the arguments, runs the command, and turns
//! its outcome into an exit code.
//!
//! # Layout
//!
//! * [`args`]: the command line as data. [`commands`]: one verb a file.
//! * [`files`]: scenarios from files. [`input`]: histories.
//! * [`threads`]: the workers, and the watch over them.
//! * [`live`]: what is shown of live runs.
//! * [`memory`]: what there is of it, asked before it is taken.
//! * [`output`], [`failure`]: where results go, and the message when there is none. [`bars`]:
//!   progress.

mod args;
mod bars;
mod commands;
mod failure;
mod files;
mod input;
mod live;
mod memory;
mod output;
mod threads;

use std::borrow::Cow;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use entrega_model::printable::printable_lines;

use args::Args;

/// Exit code of a mistake in the usage or the input.
const MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let said = error.render().to_string();
            let _closed = match printable_lines(&said) {
                Cow::Borrowed(_) => error.print(),
                Cow::Owned(shown) => write!(io::stderr(), "{shown}"),
            };
            return if error.use_stderr() { ExitCode::from(MISTAKE) } else { ExitCode::SUCCESS };
        }
    };
    commands::run(&args.command).unwrap_or_else(|failure| {
        let _closed = writeln!(io::stderr(), "error: {failure}");
        ExitCode::from(MISTAKE)
    })
}
