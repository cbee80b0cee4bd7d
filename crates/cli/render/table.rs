//! The truth table for people and for programs.

mod terminal;

use std::fmt::Write;

use entrega_model::Model;
use serde::Serialize;

use super::tried::wrapped;
use crate::lab::table::{COLUMNS, Cell, Column, FILE, ROWS, Row, Side};

/// A table, complete or in part.
pub(crate) struct Table<'a> {
    pub(crate) cells: &'a [Cell],
    pub(crate) preemptions: u8,
    /// Whether it was interrupted.
    pub(crate) partial: bool,
}

/// The rows and columns of one model that belong together.
struct Part {
    title: String,
    heads: Vec<String>,
    rows: Vec<PartRow>,
}

/// A strategy under a setting.
struct PartRow {
    strategy: &'static str,
    setting: &'static str,
    /// As many as there are heads.
    cells: Vec<String>,
}

/// What the letters mean, in a document.
const LEGEND: &str = "\
L loss · D duplicate (also of a dead letter) · R reorder · S stall (followed for 1 000 steps) · Q dead letter · P phantom · – none of these is possible · \
blank: cannot happen here · ? not everything was tried
none: without any fault, handlers take no time; the other columns say what the fault adds · E handler error · X poison message · \
C0 crash before the effect · C1 after it · C2 after the settle · QL, RL request or answer of a settle lost · \
late: a settle arrives late · Z stall or slow handler, beyond lease and session too · recv: a receive is lost \
· RB the group rebalances · +C0, +QL, +slow: and that as well, which may \
show something alone";

#[derive(Serialize)]
pub(crate) struct TableJson<'a> {
    schema: &'static str,
    scenario: &'static str,
    preemptions: u8,
    partial: bool,
    cells: &'a [Cell],
}

impl Table<'_> {
    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("Truth table: what can happen, by trying everything\n");
        for part in self.parts() {
            text.push_str(&terminal::part(&part));
        }
        let shown = |column: &&Column| self.cells.iter().any(|cell| cell.fault == column.fault);
        let faults: Vec<_> = COLUMNS.iter().filter(shown).filter_map(Column::meaning).collect();
        let pairs = self.cells.iter().any(|cell| cell.companion.is_some());
        let _ = write!(text, "\n{}\n", terminal::legend(&faults, pairs));
        for line in self.footer(&self.impossible()).lines() {
            match line.split_once(" '") {
                Some((command, string)) => {
                    let _ = writeln!(text, "{command} \\\n    '{string}");
                }
                None => text.push_str(&wrapped(line, terminal::WIDTH)),
            }
        }
        text
    }

    /// For a document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for Part { title, heads, rows } in self.parts() {
            let names = heads.join(" | ");
            let _ = write!(text, "**{title}**\n\n| strategy | setting | {names} |\n");
            let _ = writeln!(text, "|{}", "---|".repeat(heads.len() + 2));
            for PartRow { strategy, setting, cells } in rows {
                let _ = writeln!(text, "| {strategy} | {setting} | {} |", cells.join(" | "));
            }
            text.push('\n');
        }
        let _ = write!(text, "{}\n\n{}", LEGEND.replace('\n', "  \n"), self.footer(""));
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> TableJson<'_> {
        TableJson {
            schema: "entrega.table.v1",
            scenario: FILE,
            preemptions: self.preemptions,
            partial: self.partial,
            cells: self.cells,
        }
    }

    /// Each model and side that has cells.
    fn parts(&self) -> Vec<Part> {
        let sides = [Side::Consumer, Side::Producer].into_iter();
        let parts = sides.flat_map(|side| [Model::Log, Model::Queue].map(|model| (model, side)));
        parts.filter_map(|(model, side)| self.part(model, side)).collect()
    }

    fn part(&self, model: Model, side: Side) -> Option<Part> {
        let columns: Vec<&Column> = COLUMNS
            .iter()
            .filter(|column| column.is_of(side) && self.has_column(model, side, column))
            .collect();
        let rows: Vec<PartRow> = ROWS
            .iter()
            .filter(|row| row.side == side && row.fits(model))
            .filter_map(|row| self.row(model, row, &columns))
            .collect();
        let whose = match side {
            Side::Consumer => "faults of consumers",
            Side::Producer => "faults of producers and brokers",
        };
        let name = match model {
            Model::Log => "Log",
            Model::Queue => "Queue",
        };
        let heads = columns.iter().map(|column| column.head.to_owned()).collect();
        (!rows.is_empty()).then(|| Part { title: format!("{name}, {whose}"), heads, rows })
    }

    fn has_column(&self, model: Model, side: Side, column: &Column) -> bool {
        let rows = ROWS.iter().filter(|row| row.side == side);
        rows.into_iter()
            .any(|row| self.find(model, row, column).is_some_and(|cell| cell.applicable))
    }

    fn row(&self, model: Model, row: &Row, columns: &[&Column]) -> Option<PartRow> {
        let cells: Vec<Option<&Cell>> =
            columns.iter().map(|column| self.find(model, row, column)).collect();
        cells.iter().any(Option::is_some).then(|| {
            let letters = cells.iter().zip(columns).map(|(cell, column)| match cell {
                Some(cell) => cell.letters(),
                None if self.partial && column.fits(model, row) => "?".to_owned(),
                None => String::new(),
            });
            let strategy = row.strategy.name();
            PartRow { strategy, setting: row.setting, cells: letters.collect() }
        })
    }

    fn find(&self, model: Model, row: &Row, column: &Column) -> Option<&Cell> {
        self.cells.iter().find(|cell| {
            (cell.model, cell.strategy, cell.setting) == (model, row.strategy, row.setting)
                && column.is_of_cell(cell)
                && column.fits(model, row)
        })
    }

    /// `, 53 cannot happen`: the cells that stay blank.
    fn impossible(&self) -> String {
        match self.cells.iter().filter(|cell| !cell.applicable).count() {
            0 => String::new(),
            count => format!(", {count} cannot happen"),
        }
    }

    /// How much was tried; `also` stands behind the number of complete cells.
    fn footer(&self, also: &str) -> String {
        let applicable = || self.cells.iter().filter(|cell| cell.applicable);
        let schedules: u64 = self.cells.iter().map(|cell| cell.schedules).sum();
        let states: u64 = self.cells.iter().map(|cell| cell.states).sum();
        let complete = applicable().filter(|cell| cell.complete).count();
        let mut text = format!(
            "{} cells, {complete} of {} complete{also}; {schedules} schedules, {states} states. Each: 3 \
             messages of one key, 2 consumers unless a setting says one, at most one fault (and its companion) at every place \
             where it can happen, at most {} request{} before {} turn.\n",
            self.cells.len(),
            applicable().count(),
            self.preemptions,
            if self.preemptions == 1 { "" } else { "s" },
            if self.preemptions == 1 { "its" } else { "their" },
        );
        if self.partial {
            text.push_str("INTERRUPTED: the table is not whole.\n");
        }
        let example = applicable().find_map(|cell| Some((cell, cell.replay.first_key_value()?)));
        if let Some((cell, (_, replay))) = example {
            let _ = writeln!(
                text,
                "Every letter has a shortest run; `--format json` has them all. For example {} on a \
                 {}, {}:\n  entrega replay {FILE} '{replay}'",
                cell.strategy, cell.model, cell.fault
            );
        }
        text
    }
}
