//! `entrega replay`: one run step by step, from its replay string.

use std::path::Path;
use std::process::ExitCode;

use entrega_lab::ReplayString;
use entrega_lab::memory::of_replay;
use entrega_lab::replay;
use entrega_report::replay as report;

use crate::args::{Format, ReplayArgs};
use crate::failure::Failure;
use crate::{files, memory, output};

/// Runs the command.
pub(crate) fn replay(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let string: ReplayString = files::argument(&args.replay)?.parse().map_err(Failure::of)?;
    let outputs = [("--output", args.output.as_deref())];
    let named = args.replay.strip_prefix('@').map(Path::new);
    output::check(named.as_slice(), &outputs)?;
    let loaded = files::read(&args.file, string.overrides.or(&args.set), &outputs)?;
    if let Ok(version) = loaded.sized(&string.size) {
        let what = format!("the timeline of a run of {} messages", version.messages());
        memory::require(of_replay(&version), &what, "replay a run of fewer messages")?;
    }
    let run = replay::replay(&loaded, string).map_err(Failure::of)?;
    let text = match args.format {
        Format::Text => {
            let colourful = output::is_colourful(args.output.as_deref());
            let columns = output::columns(args.output.as_deref(), args.wide);
            report::text(&run, report::Shown { all: args.all, colourful, columns })
        }
        Format::Json => output::json(&report::document(&run))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(ExitCode::SUCCESS)
}
