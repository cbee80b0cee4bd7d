//! `entrega check`: judges a recorded history with the checker that judges the simulator.

use std::path::Path;
use std::process::ExitCode;

use entrega_checker::Verdict;
use entrega_lab::history::{self, Evidence, JudgedHistory};
use entrega_model::Duration;
use entrega_model::history::{Reading, TimeOrder};
use entrega_report::history as report;

use crate::args::{CheckArgs, Format};
use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output;

/// Runs the command.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let inputs: Vec<_> = input::file(&args.history).into_iter().collect();
    output::check(&inputs, &[("--output", args.output.as_deref())])?;
    let source = input::source(&args.history)?;
    let reading = Reading { lenient: args.lenient, order: order(args) };
    let list = args.list.iter().copied().collect();
    let judged = history::check_and_list(source.open()?, &source.name, reading, &list);
    let judged = judged.map_err(Failure::of)?;
    let evidence = evidence(&judged, &source, reading)?;
    let text = match args.format {
        Format::Text => {
            let text = report::text(&judged, &evidence, &source.name);
            output::fitted(args.output.as_deref(), args.wide, text)
        }
        Format::Json => output::json(&report::document(&judged, &evidence))?,
    };
    output::write(args.output.as_deref(), &text)?;
    report::notes(&judged.notes).iter().for_each(|note| output::note(note));
    Ok(super::code(judged.report.verdict == Verdict::Valid))
}

/// The lines that are about the messages of the judgement; nothing is read again if there are none.
fn evidence(
    judged: &JudgedHistory,
    source: &Source,
    reading: Reading,
) -> Result<Evidence, Failure> {
    if judged.firsts.is_empty() && judged.listed.is_empty() {
        return Ok(Evidence::default());
    }
    let found = Evidence::find(judged, source.open()?, &source.name, reading);
    let mut evidence = found.map_err(Failure::of)?;
    let read = evidence.read(judged, source.open()?);
    read.map_err(|error| Failure::file(Path::new(&source.name), "read", &error))?;
    Ok(evidence)
}

fn order(args: &CheckArgs) -> TimeOrder {
    let skew = args.skew.map(Duration::from);
    match (args.sort, skew) {
        (true, skew) => TimeOrder::Sorted(skew.unwrap_or_default()),
        (false, Some(skew)) => TimeOrder::AsWritten(skew),
        (false, None) => TimeOrder::Rising,
    }
}
