//! `entrega`: the command line of the laboratory. Parses the arguments, runs the command, and turns
//! its outcome into an exit code.
//!
//! # Layout
//!
//! * [`args`]: the command line as data. [`commands`]: one verb a file.
//! * [`files`]: scenarios from files. [`threads`]: the workers, and the watch over them.
//! * [`live`]: what is shown of live runs.
//! * [`output`], [`failure`]: where results go, and the message when there is none. [`bars`]:
//!   progress.

mod args;
mod bars;
mod commands;
mod failure;
mod files;
mod live;
mod output;
mod threads;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::Args;

/// Exit code of a mistake in the usage or the input.
const MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _closed = error.print();
            return if error.use_stderr() { ExitCode::from(MISTAKE) } else { ExitCode::SUCCESS };
        }
    };
    commands::run(&args.command).unwrap_or_else(|failure| {
        let _closed = writeln!(io::stderr(), "error: {failure}");
        ExitCode::from(MISTAKE)
    })
}
