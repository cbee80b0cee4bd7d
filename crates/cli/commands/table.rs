//! `entrega table`: the truth table, proved by exploration.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entrega_model::Model;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{TableArgs, TableFormat};
use crate::failure::Failure;
use crate::lab::table::{COLUMNS, Cell, Column, Plan, ROWS, Row};
use crate::output;
use crate::render::table as render;

/// Runs the command.
pub(crate) fn table(args: &TableArgs) -> Result<ExitCode, Failure> {
    let plan = plan(args)?;
    let (cells, partial) =
        super::compare::on_threads(args.threads, || explore(&plan, args.quiet))??;
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

fn explore(plan: &Plan, quiet: bool) -> Result<(Vec<Cell>, bool), Failure> {
    let stop: Arc<AtomicBool> = super::interrupt::stop()?;
    let bar = progress(plan.cells() as u64, quiet);
    let cells = plan.explore(&stop, &|| bar.inc(1));
    bar.finish_and_clear();
    Ok((cells?, stop.load(Ordering::Relaxed)))
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
