//! The truth table: strategies × faults × models, each cell an exploration.
//!
//! A cell is (model, strategy, setting, fault, companion). Everything that can happen in it is
//! tried in the small world of [`SCENARIO`]; what its outcome is, is what some run shows. The
//! column without a fault is the baseline, and the other columns say what the fault *adds* to it
//! (`semantics.md` 0.4).
//!
//! > **The rule.** The caller brings the threads, and the table does not depend on them: it is put
//! > together from its [`Piece`]s in their order.

mod cell;
mod columns;
mod rows;

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Problem;
use thiserror::Error;

pub use self::cell::{Cell, Letter};
pub use self::columns::{COLUMNS, Column};
pub use self::rows::{ROWS, Side, TableRow};

use self::cell::World;

/// What the small world is called where a scenario is asked for.
pub const NAME: &str = "truth-table";

/// The small world itself.
pub const SCENARIO: &str = include_str!("../../../simulations/truth-table.toml");

/// Which part of the table, and how far.
pub struct TablePlan {
    worlds: Vec<World>,
    columns: Vec<&'static Column>,
    /// How many changes of order there may be in one run.
    preemptions: u8,
    /// How many runs each cell may take.
    budget: u64,
}

/// A table, complete or in part.
#[derive(Clone, Debug)]
pub struct TruthTable {
    /// The cells, row by row.
    pub cells: Vec<Cell>,
    /// How many changes of order there could be in one run.
    pub preemptions: u8,
    /// Whether it was interrupted.
    pub partial: bool,
}

/// Why there is no such table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// The table has no such fault: choose one that it has.
    #[error(
        "there is no fault `{asked}` in the table\n  help: there are {valid}; in brackets: single \
         columns"
    )]
    NoSuchFault {
        /// What was asked for.
        asked: String,
        /// The faults, with the heads of their columns.
        valid: String,
    },
    /// Nothing is left: ask for less particular things.
    #[error("no cell of the table is left by these options")]
    NoCells,
    /// A row has settings that the small world refuses.
    #[error("{0}")]
    Row(Problem),
}

impl TablePlan {
    /// The part of the table with these models, strategies and faults (by name or by the head of a
    /// column); what is empty stands for all of them.
    ///
    /// # Errors
    /// All of [`TableError`].
    pub fn new(
        models: &[Model],
        strategies: &[Strategy],
        faults: &[String],
        preemptions: u8,
        budget: u64,
    ) -> Result<Self, TableError> {
        let columns = columns(faults)?;
        let has_model = |model: &Model| models.is_empty() || models.contains(model);
        let has_strategy =
            |row: &&TableRow| strategies.is_empty() || strategies.contains(&row.strategy);
        let mut worlds = Vec::new();
        for model in [Model::Log, Model::Queue].into_iter().filter(has_model) {
            let rows = ROWS.iter().filter(has_strategy).filter(|row| row.fits(model));
            for row in rows.filter(|row| columns.iter().any(|column| column.fits(model, row))) {
                worlds.push(World::new(model, row).map_err(TableError::Row)?);
            }
        }
        if worlds.is_empty() {
            return Err(TableError::NoCells);
        }
        Ok(Self { worlds, columns, preemptions, budget })
    }

    /// What has to be explored, row by row: in each the baseline first. The pieces do not depend on
    /// each other.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let of_row = |world| {
            let piece = move |column| Piece { plan: self, world, column };
            let faults = self.fitting(world).filter(|column| !column.is_baseline());
            [&columns::NONE].into_iter().chain(faults).map(piece)
        };
        self.worlds.iter().flat_map(of_row).collect()
    }

    /// Explores the table on this thread.
    pub fn run(&self) -> TruthTable {
        self.table(self.pieces().iter().map(|piece| Some(piece.explore())).collect())
    }

    /// Puts the table together from what was explored, in the order of the pieces. A piece that was
    /// not explored has no cell, and makes the table partial.
    pub fn table(&self, explored: Vec<Option<Cell>>) -> TruthTable {
        let partial = explored.iter().any(Option::is_none);
        let mut explored = explored.into_iter();
        let mut cells = Vec::new();
        for world in &self.worlds {
            let baseline = explored.next().flatten();
            for column in self.fitting(world) {
                if column.is_baseline() {
                    cells.extend(baseline.clone());
                } else if let (Some(mut cell), Some(baseline)) =
                    (explored.next().flatten(), &baseline)
                {
                    cell.subtract(baseline);
                    cells.push(cell);
                }
            }
        }
        TruthTable { cells, preemptions: self.preemptions, partial }
    }

    /// The columns that a row has.
    fn fitting(&self, world: &World) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().copied().filter(|column| column.fits(world.model, world.row))
    }
}

/// One exploration of the table: a row under a fault, or without any.
#[derive(Clone, Copy)]
pub struct Piece<'p> {
    plan: &'p TablePlan,
    world: &'p World,
    column: &'static Column,
}

impl Piece<'_> {
    /// What is explored, in words.
    pub fn name(&self) -> String {
        let World { model, row, .. } = self.world;
        format!("{model}, {}, {}", row.strategy, self.column.head)
    }

    /// Explores it.
    pub fn explore(&self) -> Cell {
        self.world.cell(self.column, self.plan.preemptions, self.plan.budget)
    }
}

/// The columns that were asked for, by the name of their fault or by their head; all of them if
/// none was.
fn columns(wanted: &[String]) -> Result<Vec<&'static Column>, TableError> {
    let unknown = wanted.iter().find(|one| !COLUMNS.iter().any(|column| column.is_called(one)));
    if let Some(unknown) = unknown {
        let (asked, valid) = (unknown.clone(), names().join(", "));
        return Err(TableError::NoSuchFault { asked, valid });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(strategy: Strategy, faults: &[&str]) -> TablePlan {
        let faults: Vec<String> = faults.iter().map(|&fault| fault.to_owned()).collect();
        TablePlan::new(&[Model::Queue], &[strategy], &faults, 0, 10_000).expect("a part of it")
    }

    #[test]
    fn a_table_is_put_together_in_the_order_of_its_pieces() {
        let plan = plan(Strategy::DeadLetter, &["none", "C0"]);
        let heads = |table: &TruthTable| -> Vec<(&str, &str)> {
            table.cells.iter().map(|cell| (cell.setting, cell.fault)).collect()
        };
        let whole = plan.run();
        assert_eq!(heads(&whole), [("default", "none"), ("default", "crash-before-effect")]);
        assert!(!whole.partial);
        let pieces = plan.pieces();
        let without_baseline = vec![None, Some(pieces[1].explore())];
        let interrupted = plan.table(without_baseline);
        assert_eq!((heads(&interrupted), interrupted.partial), (vec![], true));
    }

    #[test]
    fn what_the_table_does_not_have_is_named() {
        let no = |faults: &[String]| TablePlan::new(&[], &[], faults, 0, 1).err();
        let said = no(&["C9".to_owned()]).expect("an error").to_string();
        assert!(said.starts_with("there is no fault `C9` in the table\n  help: there are none, "));
        let sides =
            TablePlan::new(&[Model::Log], &[Strategy::ArticleBasic], &["restart".to_owned()], 0, 1);
        assert_eq!(sides.err(), Some(TableError::NoCells));
    }

    #[test]
    fn the_small_world_takes_the_settings_of_every_row() {
        assert!(TablePlan::new(&[], &[], &[], 0, 1).is_ok());
    }
}
