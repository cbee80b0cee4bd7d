//! The verbs of the command line, one a file.

mod check;
mod compare;
mod completions;
mod explore;
mod interrupt;
mod list;
mod live;
mod new;
mod replay;
mod run;
mod schema;
mod table;

use std::process::ExitCode;

use crate::args::Command;
use crate::failure::Failure;

/// Runs a command. The exit code says whether what the scenario expects holds.
pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Compare(args) => compare::compare(args),
        Command::Explore(args) => explore::explore(args),
        Command::Live(args) => live::live(args),
        Command::Replay(args) => replay::replay(args),
        Command::Table(args) => table::table(args),
        Command::Check(args) => check::check(args),
        Command::List(args) => list::list(args),
        Command::New(args) => new::new(args),
        Command::Schema(args) => schema::schema(args),
        Command::Completions(args) => completions::completions(args),
    }
}

/// 0 if what the scenario expects holds, 1 if it does not.
fn code(holds: bool) -> ExitCode {
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
