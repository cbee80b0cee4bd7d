//! `entrega table`: the truth table, proved by exploration.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entrega_model::Model;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{TableArgs, TableFormat};
use crate::failure::Failure;
use crate::lab::table::{COLUMNS, Care, Cell, Column, Plan, ROWS, Row};
use crate::lab::watch::{NoResult, Watch};
use crate::output;
use crate::render::table as render;

/// Runs the command.
pub(crate) fn table(args: &TableArgs) -> Result<ExitCode, Failure> {
    let plan = Arc::new(plan(args)?);
    let (cells, partial) = explore(&plan, args)?;
    let table = render::Table { cells: &cells, preemptions: plan.preemptions, partial };
    let text = match args.format {
        TableFormat::Text => table.text(),
        TableFormat::Markdown => table.markdown(),
        TableFormat::Json => output::json(&table.json())?,
    };
    output::write(args.output.as_deref(), &text)?;
    let proved = cells.iter().all(|cell| cell.complete || !cell.applicable);
    Ok(super::code(proved && !partial))
}

fn plan(args: &TableArgs) -> Result<Plan, Failure> {
    let models = [Model::Log, Model::Queue].into_iter();
    let wanted = |model: &Model| args.model.is_empty() || args.model.contains(model);
    let rows = models.filter(wanted).flat_map(|model| {
        let of_strategy =
            |row: &&Row| args.strategy.is_empty() || args.strategy.contains(&row.strategy);
        ROWS.iter()
            .filter(of_strategy)
            .filter(move |row| row.fits(model))
            .map(move |row| (model, row))
    });
    let columns = columns(&args.fault)?;
    let plan =
        Plan { rows: rows.collect(), columns, preemptions: args.preemptions, budget: args.budget };
    if plan.cells() == 0 {
        return Err(Failure::new("no cell of the table is left by these options"));
    }
    Ok(plan)
}

/// The columns that were asked for, by the name of their fault or by their head; all of them if
/// none was.
fn columns(wanted: &[String]) -> Result<Vec<&'static Column>, Failure> {
    let unknown = wanted.iter().find(|one| !COLUMNS.iter().any(|column| column.is_called(one)));
    if let Some(unknown) = unknown {
        return Err(Failure::new(format!(
            "there is no fault `{unknown}` in the table\n  help: there are {}; in brackets: single \
             columns",
            names().join(", ")
        )));
    }
    let is_wanted = |column: &&Column| {
        wanted.is_empty() || wanted.iter().any(|wanted| column.is_called(wanted))
    };
    Ok(COLUMNS.iter().filter(is_wanted).collect())
}

/// Every fault with the heads of its columns: `poison [X, X+QL]`.
fn names() -> Vec<String> {
    let faults = COLUMNS.chunk_by(|one, next| one.fault == next.fault);
    let named = |columns: &[Column]| {
        let heads: Vec<&str> = columns.iter().map(|column| column.head).collect();
        match heads.as_slice() {
            [head] if *head == columns[0].fault => (*head).to_owned(),
            _ => format!("{} [{}]", columns[0].fault, heads.join(", ")),
        }
    };
    faults.map(named).collect()
}

/// Lets workers explore, under a watch: whoever blocks its thread ends the command and is named.
fn explore(plan: &Arc<Plan>, args: &TableArgs) -> Result<(Vec<Cell>, bool), Failure> {
    let threads = args.threads.unwrap_or_else(rayon::current_num_threads);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool =
        pool.map_err(|error| Failure::new(format!("cannot start the worker threads: {error}")))?;
    let stop: Arc<AtomicBool> = super::interrupt::stop()?;
    let bar = progress(plan.cells() as u64, args.quiet);
    let told = bar.clone();
    let (watch, done) = (Watch::new(threads), Box::new(move || told.inc(1)));
    let care = Arc::new(Care { stop: Arc::clone(&stop), watch, done });
    let (plan, looked_after) = (Arc::clone(plan), Arc::clone(&care));
    let cells = care.watch.supervise(&pool, PATIENCE, move || plan.explore(&looked_after));
    bar.finish_and_clear();
    match cells {
        Ok(cells) => Ok((cells?, stop.load(Ordering::Relaxed))),
        Err(NoResult::Stuck(cell)) => Err(Failure::new(format!(
            "the cell {cell} has been explored for more than {} s without an end",
            PATIENCE.as_secs()
        ))),
        Err(NoResult::Panicked) => Err(Failure::new("a worker panicked; the message stands above")),
    }
}

/// A cell takes some milliseconds; with more requests out of turn it may take a minute.
const PATIENCE: Duration = Duration::from_secs(600);

fn progress(cells: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} cells, {eta} to go");
    let bar = ProgressBar::new(cells);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
