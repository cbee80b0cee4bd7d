//! `entrega check`: judges a recorded history with the checker that judges the simulator.

use std::process::ExitCode;

use entrega_checker::Verdict;
use entrega_lab::history;
use entrega_model::Duration;
use entrega_model::history::{Reading, TimeOrder};
use entrega_report::history as report;

use crate::args::{CheckArgs, Format};
use crate::failure::Failure;
use crate::{input, output};

/// Runs the command.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let inputs: Vec<_> = input::file(&args.history).into_iter().collect();
    output::check(&inputs, &[("--output", args.output.as_deref())])?;
    let input = input::open(&args.history)?;
    let reading = Reading { lenient: args.lenient, order: order(args) };
    let judged = history::check(input.text, &input.name, reading).map_err(Failure::of)?;
    let text = match args.format {
        Format::Text => {
            let text = report::text(&judged, &input.name);
            output::fitted(args.output.as_deref(), args.wide, text)
        }
        Format::Json => output::json(&report::document(&judged))?,
    };
    output::write(args.output.as_deref(), &text)?;
    report::notes(&judged.notes).iter().for_each(|note| output::note(note));
    Ok(super::code(judged.report.verdict == Verdict::Valid))
}

fn order(args: &CheckArgs) -> TimeOrder {
    let skew = args.skew.map(Duration::from);
    match (args.sort, skew) {
        (true, skew) => TimeOrder::Sorted(skew.unwrap_or_default()),
        (false, Some(skew)) => TimeOrder::AsWritten(skew),
        (false, None) => TimeOrder::Rising,
    }
}
