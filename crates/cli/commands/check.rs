//! `entrega check`: judges a recorded history with the checker that judges the simulator.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use entrega_checker::Verdict;
use entrega_lab::history;
use entrega_report::history as report;

use crate::args::{CheckArgs, Format};
use crate::failure::Failure;
use crate::output;

/// Runs the command.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let file = args.history.as_path();
    let input = File::open(file).map_err(|error| Failure::file(file, "read", &error))?;
    let name = file.display().to_string();
    let judged = history::check(BufReader::new(input), &name).map_err(Failure::of)?;
    let text = match args.format {
        Format::Text => report::text(&judged, &name),
        Format::Json => output::json(&report::document(&judged))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(super::code(judged.report.verdict == Verdict::Valid))
}
