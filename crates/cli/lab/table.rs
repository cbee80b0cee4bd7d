//! The truth table: strategies × faults × models, each cell an exploration.
//!
//! A cell is (model, strategy, setting, fault, companion). Everything that can happen in it is
//! tried in the small world of [`FILE`]; what its outcome is, is what some run shows. The column
//! without a fault is the baseline, and the other columns say what the fault *adds* to it
//! (`semantics.md` 0.4).

mod cell;
mod columns;
mod rows;

use std::sync::atomic::{AtomicBool, Ordering};

use entrega_model::Model;
use rayon::prelude::*;

pub(crate) use self::cell::Cell;
pub(crate) use self::columns::{COLUMNS, Column};
pub(crate) use self::rows::{ROWS, Row, Side};

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

impl Plan {
    /// How many cells there are.
    pub(crate) fn cells(&self) -> usize {
        let of_row = |(model, row): &(Model, &Row)| {
            self.columns.iter().filter(|column| column.fits(*model, row)).count()
        };
        self.rows.iter().map(of_row).sum()
    }

    /// Explores every cell, row by row. `done` hears of each; raising `stop` leaves the rest out.
    pub(crate) fn explore(
        &self,
        stop: &AtomicBool,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<Cell>, Failure> {
        let rows: Result<Vec<Vec<Cell>>, Failure> = self
            .rows
            .par_iter()
            .map(|&(model, row)| self.explore_row(model, row, stop, done))
            .collect();
        Ok(rows?.into_iter().flatten().collect())
    }

    fn explore_row(
        &self,
        model: Model,
        row: &Row,
        stop: &AtomicBool,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<Cell>, Failure> {
        let world = cell::World::new(model, row)?;
        let baseline = world.cell(&columns::NONE, self.preemptions, self.budget);
        let fitting = self.columns.iter().filter(|column| column.fits(model, row));
        let mut cells = Vec::new();
        for column in fitting {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let mut cell = match column.primary {
                [] => baseline.clone(),
                _ => world.cell(column, self.preemptions, self.budget),
            };
            if !column.primary.is_empty() {
                cell.subtract(&baseline);
            }
            cells.push(cell);
            done();
        }
        Ok(cells)
    }
}
