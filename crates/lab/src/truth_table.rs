//! The truth table: strategies × faults × models, each cell many explorations.
//!
//! A cell is (model, strategy, setting, fault, companion). Everything that can happen in it is
//! tried in a [`Family`] of small worlds, all of them variants of [`SCENARIO`]; what its outcome
//! is, is what some run in some world shows. The column without a fault is the baseline, and the
//! other columns say what the fault *adds* to it (`semantics.md` 0.4), world by world: what one
//! world shows without a fault hides nothing that the fault does in another.
//!
//! > **The rule.** The caller brings the threads, and the table does not depend on them: it is put
//! > together from its [`Piece`]s in their order.

mod cell;
mod columns;
mod covering;
mod family;
mod rows;
mod world;

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Problem;
use serde::Serialize;
use thiserror::Error;

pub use self::cell::{Cell, Letter, MARK};
pub use self::columns::{COLUMNS, Column};
pub use self::family::Family;
pub use self::rows::{ROWS, Side, TableRow};

use self::family::Families;
use self::world::{Tried, World};
use crate::replay_string::ReplayString;

/// What the small worlds are called where a scenario is asked for.
pub const NAME: &str = "truth-table";

/// The small world from which the others differ.
pub const SCENARIO: &str = include_str!("../../../simulations/truth-table.toml");

/// At most this many steps has a run of the table. One that comes to rest has 125 or fewer, so
/// nearly all that reach the limit never rest; and what is tried again every 100 ms goes on for
/// longer than a session of 45 s. A replay goes on to the limit of an exploration.
pub const STEPS: u64 = 500;

/// Which part of the table, and how far.
pub struct TablePlan {
    /// For each row the worlds that it is tried in.
    rows: Vec<Vec<World>>,
    columns: Vec<&'static Column>,
    family: Family,
    /// How many changes of order there may be in one run.
    preemptions: u8,
    /// How many runs each exploration may take.
    budget: u64,
}

/// A table, complete or in part.
#[derive(Clone, Debug)]
pub struct TruthTable {
    /// The cells, row by row.
    pub cells: Vec<Cell>,
    /// Which worlds the rows were tried in.
    pub family: Family,
    /// How many changes of order there could be in one run.
    pub preemptions: u8,
    /// The rows of which not every world was tried; none if the table is whole.
    pub unknown: Vec<UnknownRow>,
    /// Why it is not whole, if it is not.
    pub ended: Option<EndedEarly>,
}

/// A row of which not every world was tried. What its cells lack may be possible all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownRow {
    /// The kind of broker.
    pub model: Model,
    /// What every consumer does.
    pub strategy: Strategy,
    /// What the setting is called.
    pub setting: &'static str,
    /// How many worlds were tried; a row without any has no cells.
    pub tried: u64,
    /// How many there are.
    pub worlds: u64,
}

/// Why a table is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum EndedEarly {
    /// Somebody ended it.
    Interrupted,
    /// A small world took more real time than it was given.
    Patience {
        /// The world.
        world: String,
        /// How many seconds it was given.
        seconds: u64,
    },
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
        let mut rows = Vec::new();
        for model in [Model::Log, Model::Queue].into_iter().filter(has_model) {
            let fitting = ROWS.iter().filter(has_strategy).filter(|row| row.fits(model));
            let asked = |row: &&TableRow| columns.iter().any(|column| column.fits(model, row));
            rows.extend(fitting.filter(asked).map(|row| (model, row)));
        }
        if rows.is_empty() {
            return Err(TableError::NoCells);
        }
        let family = Family::default();
        let rows = worlds(rows.into_iter(), family)?;
        Ok(Self { rows, columns, family, preemptions, budget })
    }

    /// The same part, tried in these worlds.
    ///
    /// # Errors
    /// [`TableError::Row`].
    pub fn of_family(self, family: Family) -> Result<Self, TableError> {
        let rows = self.rows.iter().filter_map(|worlds| worlds.first());
        let rows = worlds(rows.map(|first| (first.model, first.row)), family)?;
        Ok(Self { rows, family, ..self })
    }

    /// What has to be explored, row by row. The pieces do not depend on each other.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        self.rows.iter().flatten().map(|world| Piece { plan: self, world }).collect()
    }

    /// For each row the piece of the plain small world: the scenario as written.
    pub fn plain_pieces(&self) -> Vec<Piece<'_>> {
        let plain = self.rows.iter().filter_map(|worlds| worlds.first());
        plain.map(|world| Piece { plan: self, world }).collect()
    }

    /// Explores the table on this thread.
    pub fn run(&self) -> TruthTable {
        self.table(self.pieces().iter().map(|piece| Some(piece.explore())).collect())
    }

    /// Puts the table together from what was explored, in the order of the pieces. A piece that was
    /// not explored leaves its cells incomplete and its row unknown, and makes the table partial.
    pub fn table(&self, explored: Vec<Option<ExploredPiece>>) -> TruthTable {
        let mut explored = explored.into_iter();
        let (mut cells, mut unknown) = (Vec::new(), Vec::new());
        for worlds in &self.rows {
            let tried: Vec<_> = explored.by_ref().take(worlds.len()).collect();
            unknown.extend(UnknownRow::of(worlds, &tried));
            for (number, column) in self.tried_in(worlds).enumerate() {
                let shown = tried.iter().map(|one| one.as_ref()?.0.get(number));
                let of_worlds: Vec<_> = worlds.iter().zip(shown).collect();
                let is_asked = self.columns.iter().any(|asked| asked.head == column.head);
                cells.extend(Cell::of(column, &of_worlds).filter(|_| is_asked));
            }
        }
        let &Self { family, preemptions, .. } = self;
        let ended = (!unknown.is_empty()).then_some(EndedEarly::Interrupted);
        TruthTable { cells, family, preemptions, unknown, ended }
    }

    /// The columns that a row is tried under: first the baseline, whether it was asked for or not.
    fn tried_in(&self, worlds: &[World]) -> impl Iterator<Item = &'static Column> {
        let fits = |column: &&Column| {
            worlds.first().is_some_and(|first| column.fits(first.model, first.row))
        };
        let faults = self.columns.iter().copied().filter(|column| !column.is_baseline());
        [&columns::NONE].into_iter().chain(faults.filter(fits))
    }
}

impl UnknownRow {
    /// None if every world was tried.
    fn of(worlds: &[World], tried: &[Option<ExploredPiece>]) -> Option<Self> {
        let first = worlds.first()?;
        let TableRow { strategy, setting, .. } = *first.row;
        let (count, tried) = (worlds.len() as u64, tried.iter().flatten().count() as u64);
        let row = Self { model: first.model, strategy, setting, tried, worlds: count };
        (tried < count).then_some(row)
    }
}

impl TruthTable {
    /// Whether something was left out.
    pub fn is_partial(&self) -> bool {
        self.ended.is_some()
    }
}

/// For each row its worlds.
fn worlds(
    rows: impl Iterator<Item = (Model, &'static TableRow)>,
    family: Family,
) -> Result<Vec<Vec<World>>, TableError> {
    let mut families = Families::default();
    let of_row = |(model, row): (Model, &'static TableRow)| {
        let small = families.worlds(model, row, family).into_iter();
        small.map(|small| World::new(model, row, small).map_err(TableError::Row)).collect()
    };
    rows.map(of_row).collect()
}

/// One small world of a row under all of its columns.
#[derive(Clone, Copy)]
pub struct Piece<'p> {
    plan: &'p TablePlan,
    world: &'p World,
}

/// What a piece has shown.
pub struct ExploredPiece(Vec<Tried>);

impl Piece<'_> {
    /// What is explored, in words.
    pub fn name(&self) -> String {
        self.world.name()
    }

    /// The model that the row is tried on.
    pub fn model(&self) -> Model {
        self.world.model
    }

    /// The row.
    pub fn row(&self) -> &'static TableRow {
        self.world.row
    }

    /// The run of this small world without any choice. It says what the world is.
    pub fn calm_run(&self) -> ReplayString {
        self.world.replay(&[])
    }

    /// Explores it.
    pub fn explore(&self) -> ExploredPiece {
        let &TablePlan { preemptions, budget, .. } = self.plan;
        let columns = self.plan.tried_in(std::slice::from_ref(self.world));
        ExploredPiece(self.world.explore(columns, preemptions, budget))
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
        assert!(!whole.is_partial() && whole.unknown.is_empty());
        let complete = |table: &TruthTable| table.cells.iter().all(|cell| cell.complete);
        assert!(complete(&whole));
        let first = |piece: Option<&Piece<'_>>| piece.map(Piece::explore);
        let pieces = plan.pieces();
        let mut explored: Vec<_> = pieces.iter().map(|_| None).collect();
        let nothing = plan.table(pieces.iter().map(|_| None).collect());
        assert_eq!((heads(&nothing), nothing.is_partial()), (vec![], true));
        explored[0] = first(pieces.first());
        let interrupted = plan.table(explored);
        assert_eq!(heads(&interrupted), heads(&whole));
        assert!(interrupted.is_partial() && !complete(&interrupted));
        let worlds = pieces.len() as u64;
        let row = |tried| UnknownRow {
            model: Model::Queue,
            strategy: Strategy::DeadLetter,
            setting: "default",
            tried,
            worlds,
        };
        assert_eq!((nothing.unknown, interrupted.unknown), (vec![row(0)], vec![row(1)]));
    }

    /// What a fault adds is known only where all that happens without it is known.
    #[test]
    fn a_budget_takes_letters_away_and_adds_none() {
        let (strategies, faults) = ([Strategy::ProcessThenSettle], ["send lost".to_owned()]);
        let table = |budget| {
            let plan = TablePlan::new(&[Model::Queue], &strategies, &faults, 1, budget);
            plan.expect("a part of it").run()
        };
        let (whole, mut cut) = (table(100_000), 0);
        for small in [1, 2, 4, 8].map(table) {
            for (small, whole) in small.cells.iter().zip(&whole.cells) {
                let is_one = |letter| whole.outcomes.contains(letter);
                assert!(small.outcomes.iter().all(is_one), "{} {}", small.setting, small.letters());
                cut += usize::from(!small.complete);
            }
        }
        assert!(cut > 0 && whole.cells.iter().all(|cell| cell.complete));
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
    fn every_small_world_takes_the_settings_of_its_row() {
        assert!(TablePlan::new(&[], &[], &[], 0, 1).is_ok());
    }
}
