//! `entrega table`: the truth table, proved by exploration.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use entrega_lab::{TablePlan, TruthTable};
use entrega_report::truth_table;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{TableArgs, TableFormat};
use crate::failure::Failure;
use crate::output;
use crate::threads::truth_table::{Care, supervise};
use crate::threads::watch::Watch;

/// Runs the command.
pub(crate) fn table(args: &TableArgs) -> Result<ExitCode, Failure> {
    let TableArgs { preemptions, budget, .. } = *args;
    let plan = TablePlan::new(&args.model, &args.strategy, &args.fault, preemptions, budget);
    let table = explore(plan.map_err(Failure::of)?, args)?;
    let text = match args.format {
        TableFormat::Text => truth_table::text(&table),
        TableFormat::Markdown => truth_table::markdown(&table),
        TableFormat::Json => output::json(&truth_table::document(&table))?,
    };
    output::write(args.output.as_deref(), &text)?;
    let proved = table.cells.iter().all(|cell| cell.complete || !cell.applicable);
    Ok(super::code(proved && !table.partial))
}

fn explore(plan: TablePlan, args: &TableArgs) -> Result<TruthTable, Failure> {
    let threads = args.threads.unwrap_or_else(rayon::current_num_threads);
    let stop = super::interrupt::stop()?;
    let bar = progress(plan.pieces().len() as u64, args.quiet);
    let shown = bar.clone();
    let (watch, done) = (Watch::new(threads), Box::new(move || shown.inc(1)));
    let table = supervise(plan, &Arc::new(Care { stop, watch, done }), threads);
    bar.finish_and_clear();
    table
}

fn progress(cells: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} cells, {eta} to go");
    let bar = ProgressBar::new(cells);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
