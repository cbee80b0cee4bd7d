//! The truth table for people and for programs.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table as Grid, presets};
use entrega_model::Model;
use serde::Serialize;

use crate::lab::table::{COLUMNS, Cell, Column, FILE, ROWS, Row, Side};

/// A table, complete or in part.
pub(crate) struct Table<'a> {
    pub(crate) cells: &'a [Cell],
    pub(crate) preemptions: u8,
    /// Whether it was interrupted.
    pub(crate) partial: bool,
}

/// What the letters mean.
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
        self.each_part(|title, heads, rows| {
            let mut grid = Grid::new();
            grid.load_preset(presets::UTF8_BORDERS_ONLY);
            grid.set_content_arrangement(ContentArrangement::Disabled);
            grid.set_header(heads);
            for row in rows {
                grid.add_row(row);
            }
            let _ = write!(text, "\n{title}\n{grid}\n");
        });
        let _ = write!(text, "\n{LEGEND}\n\n{}", self.footer());
        text
    }

    /// For a document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        self.each_part(|title, heads, rows| {
            let _ = write!(text, "**{title}**\n\n| {} |\n", heads.join(" | "));
            let _ = writeln!(text, "|{}", "---|".repeat(heads.len()));
            for row in rows {
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
            text.push('\n');
        });
        let _ = write!(text, "{}\n\n{}", LEGEND.replace('\n', "  \n"), self.footer());
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

    /// Each model and side that has cells: a title, the heads and the rows.
    fn each_part(&self, mut part: impl FnMut(String, Vec<String>, Vec<Vec<String>>)) {
        for side in [Side::Consumer, Side::Producer] {
            for model in [Model::Log, Model::Queue] {
                let columns: Vec<&Column> = COLUMNS
                    .iter()
                    .filter(|column| column.is_of(side) && self.has_column(model, side, column))
                    .collect();
                let rows: Vec<Vec<String>> = ROWS
                    .iter()
                    .filter(|row| row.side == side && row.fits(model))
                    .filter_map(|row| self.row(model, row, &columns))
                    .collect();
                if rows.is_empty() {
                    continue;
                }
                let whose = match side {
                    Side::Consumer => "faults of consumers",
                    Side::Producer => "faults of producers and brokers",
                };
                let name = match model {
                    Model::Log => "Log",
                    Model::Queue => "Queue",
                };
                let heads = ["strategy", "setting"].into_iter().map(str::to_owned);
                let heads = heads.chain(columns.iter().map(|column| column.head.to_owned()));
                part(format!("{name}, {whose}"), heads.collect(), rows);
            }
        }
    }

    fn has_column(&self, model: Model, side: Side, column: &Column) -> bool {
        let rows = ROWS.iter().filter(|row| row.side == side);
        rows.into_iter()
            .any(|row| self.find(model, row, column).is_some_and(|cell| cell.applicable))
    }

    fn row(&self, model: Model, row: &Row, columns: &[&Column]) -> Option<Vec<String>> {
        let cells: Vec<Option<&Cell>> =
            columns.iter().map(|column| self.find(model, row, column)).collect();
        cells.iter().any(Option::is_some).then(|| {
            let head = [row.strategy.to_string(), row.setting.to_owned()];
            let letters = cells.iter().map(|cell| cell.map(Cell::letters).unwrap_or_default());
            head.into_iter().chain(letters).collect()
        })
    }

    fn find(&self, model: Model, row: &Row, column: &Column) -> Option<&Cell> {
        self.cells.iter().find(|cell| {
            (cell.model, cell.strategy, cell.setting) == (model, row.strategy, row.setting)
                && (cell.fault, cell.companion) == (column.fault, column.companion)
                && column.fits(model, row)
        })
    }

    fn footer(&self) -> String {
        let applicable = || self.cells.iter().filter(|cell| cell.applicable);
        let schedules: u64 = self.cells.iter().map(|cell| cell.schedules).sum();
        let states: u64 = self.cells.iter().map(|cell| cell.states).sum();
        let complete = applicable().filter(|cell| cell.complete).count();
        let mut text = format!(
            "{} cells, {complete} of {} complete; {schedules} schedules, {states} states. Each: 3 \
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
