//! `entrega table`: the truth table, proved by exploration.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entrega_lab::loaded::shell_word;
use entrega_lab::memory::of_exploring;
use entrega_lab::{TablePlan, TruthTable};
use entrega_report::truth_table;

use crate::args::{TableArgs, TableFormat};
use crate::failure::Failure;
use crate::threads::pool;
use crate::threads::truth_table::{Care, supervise};
use crate::threads::watch::Watch;
use crate::{bars, files, memory, output};

/// Runs the command.
pub(crate) fn table(args: &TableArgs) -> Result<ExitCode, Failure> {
    output::check(&[], &[("--output", args.output.as_deref())])?;
    let TableArgs { preemptions, budget, .. } = *args;
    let plan = TablePlan::new(&args.model, &args.strategy, &args.fault, preemptions, budget);
    let plan = plan.and_then(|plan| plan.of_family(args.family.family()));
    let table = explore(plan.map_err(Failure::of)?, args)?;
    let text = match args.format {
        TableFormat::Text => {
            let columns = output::columns(args.output.as_deref(), args.wide);
            truth_table::text(&table, columns, &shell_word(&files::program()))
        }
        TableFormat::Markdown => truth_table::markdown(&table),
        TableFormat::Json => output::json(&truth_table::document(&table))?,
    };
    output::write(args.output.as_deref(), &text)?;
    let proved = table.cells.iter().all(|cell| cell.complete || !cell.applicable);
    Ok(super::code(proved && !table.is_partial()))
}

fn explore(plan: TablePlan, args: &TableArgs) -> Result<TruthTable, Failure> {
    let threads = pool::size(args.threads);
    let what = format!("the table on {threads} threads");
    memory::require(of_exploring(threads), &what, "lower --threads")?;
    let stop = super::interrupt::stop()?;
    let bar = bars::bar(plan.pieces().len() as u64, "small worlds", args.quiet);
    let shown = bar.clone();
    let (watch, done) = (Watch::new(threads), Box::new(move || shown.inc(1)));
    let care = Care { stop, watch, done, explored: Mutex::default() };
    let patience = Duration::from_secs(args.patience);
    let table = supervise(plan, &Arc::new(care), threads, patience);
    bar.finish_and_clear();
    table
}
