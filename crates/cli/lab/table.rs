//! The truth table: strategies × faults × models, each cell an exploration.
//!
//! A cell is (model, strategy, setting, fault, companion). Everything that can happen in it is
//! tried in the small world of [`FILE`]; what its outcome is, is what some run shows. The column
//! without a fault is the baseline, and the other columns say what the fault *adds* to it
//! (`semantics.md` 0.4).

mod cell;
mod columns;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entrega_model::Model;
use rayon::prelude::*;

pub(crate) use self::cell::Cell;
pub(crate) use self::columns::{COLUMNS, Column};
pub(crate) use self::rows::{ROWS, Row, Side};

use super::watch::Watch;
use crate::failure::Failure;

/// What the small world is called where a scenario file is asked for.
pub(crate) const FILE: &str = "truth-table";

/// The small world itself.
pub(crate) const SCENARIO: &str = include_str!("../../../simulations/truth-table.toml");

/// Which part of the table, and how far.
pub(crate) struct Plan {
    pub(crate) rows: Vec<(Model, &'static Row)>,
    pub(crate) columns: Vec<&'static Column>,
    /// How many requests may come before their turn.
    pub(crate) preemptions: u8,
    /// How many runs each cell may take.
    pub(crate) budget: u64,
}

/// How an exploration of the table is looked after.
pub(crate) struct Care {
    /// Raised when nobody wants to wait any longer: the cells that are left are left out.
    pub(crate) stop: Arc<AtomicBool>,
    /// Knows which cell each worker explores.
    pub(crate) watch: Watch<String>,
    /// Hears of every cell that is done.
    pub(crate) done: Box<dyn Fn() + Send + Sync>,
}

impl Plan {
    /// How many cells there are.
    pub(crate) fn cells(&self) -> usize {
        let of_row = |(model, row): &(Model, &Row)| {
            self.columns.iter().filter(|column| column.fits(*model, row)).count()
        };
        self.rows.iter().map(of_row).sum()
    }

    /// Explores every cell, row by row. To be called on a worker.
    pub(crate) fn explore(&self, care: &Care) -> Result<Vec<Cell>, Failure> {
        let rows = self.rows.par_iter().map(|&(model, row)| self.explore_row(model, row, care));
        let rows: Result<Vec<Vec<Cell>>, Failure> = rows.collect();
        Ok(rows?.into_iter().flatten().collect())
    }

    fn explore_row(&self, model: Model, row: &Row, care: &Care) -> Result<Vec<Cell>, Failure> {
        let world = cell::World::new(model, row)?;
        let explore = |column: &Column| {
            care.watch.begin(format!("{model}, {}, {}", row.strategy.name(), column.head));
            let explored = care.watch.during(|| world.cell(column, self.preemptions, self.budget));
            explored.map_err(|cell| {
                let cell = cell.unwrap_or_default();
                Failure::new(format!("the cell {cell} panicked; the message stands above"))
            })
        };
        let baseline = explore(&columns::NONE)?;
        let fitting = self.columns.iter().filter(|column| column.fits(model, row));
        let mut cells = Vec::new();
        for column in fitting {
            if care.stop.load(Ordering::Relaxed) {
                break;
            }
            let mut cell = match column.primary {
                [] => baseline.clone(),
                _ => explore(column)?,
            };
            if !column.primary.is_empty() {
                cell.subtract(&baseline);
            }
            cells.push(cell);
            (care.done)();
        }
        Ok(cells)
    }
}
