//! The truth table within the width of a terminal.
//!
//! The settings of a strategy stand below it, the two faults of a column one above the other.
//! Columns that do not fit form a block of their own.

use entrega_lab::truth_table::MARK;

use super::{Columns, Part};
use crate::columns::{blocks, width};
use crate::prose::wrapped;

/// The columns that every terminal has.
pub(super) const WIDTH: usize = 100;

/// What stands at the left of a row, and its cells.
type Line = (String, Vec<String>);

/// One part of the table: a title and one block of columns or several.
pub(super) fn part(part: &Part, columns: usize) -> String {
    let lines = lines(part);
    let label = lines.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..part.heads.len())
        .map(|column| {
            let cells = lines.iter().filter_map(|(_, cells)| cells.get(column));
            let head = stacked(&part.heads[column]);
            cells.map(|cell| width(cell)).chain(head.iter().map(|one| width(one))).max()
        })
        .map(|width| width.unwrap_or(0))
        .collect();
    let mut text = format!("\n{}\n", part.title);
    for (number, block) in blocks(&widths, columns.saturating_sub(label)).iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let row = |left: &str, cells: &[&str]| {
            let mut row = format!("{left:label$}");
            for (cell, width) in cells.iter().zip(&widths[block.clone()]) {
                row.push_str(&format!(" {cell:width$}"));
            }
            format!("{}\n", row.trim_end())
        };
        let heads: Vec<[&str; 2]> =
            part.heads[block.clone()].iter().map(|one| stacked(one)).collect();
        for line in 0..2 {
            let heads: Vec<&str> = heads.iter().map(|one| one[line]).collect();
            if line == 0 || heads.iter().any(|head| !head.is_empty()) {
                text.push_str(&row("", &heads));
            }
        }
        let rule = label + block.clone().map(|column| widths[column] + 1).sum::<usize>();
        text.push_str(&"─".repeat(rule));
        text.push('\n');
        for (left, cells) in &lines {
            let cells = cells.get(block.clone()).unwrap_or_default();
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            text.push_str(&row(left, &cells));
        }
    }
    text
}

/// The rows: a strategy with its default setting, and below it those with other settings.
fn lines(part: &Part) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut last = "";
    for row in &part.rows {
        let is_new = row.strategy != last;
        last = row.strategy;
        if is_new && row.setting == DEFAULT {
            lines.push((row.strategy.to_owned(), row.cells.clone()));
            continue;
        }
        if is_new {
            lines.push((row.strategy.to_owned(), Vec::new()));
        }
        lines.push((format!("  {}", row.setting), row.cells.clone()));
    }
    lines
}

/// The setting that is not shown.
const DEFAULT: &str = "default";

/// `QL+C0` as `QL` and `+C0`, `send lost` as `send` and `lost`.
fn stacked(head: &str) -> [&str; 2] {
    let at = head.find(['+', ' ']).unwrap_or(head.len());
    let (above, below) = head.split_at(at);
    [above, below.trim_start()]
}

/// What the letters and the heads mean. An item stays on its line.
pub(super) fn legend(
    shown: Columns,
    heads: &[(&str, &str)],
    pairs: bool,
    columns: usize,
) -> String {
    let mut items = vec![shown.baseline().to_owned()];
    items.extend(heads.iter().map(|(head, meaning)| format!("{head} {meaning}")));
    if pairs {
        items.push("one above the other: both faults".to_owned());
    }
    items.push(format!("{MARK} only worlds with four messages show it"));
    let [before @ .., blank, unknown] = LETTERS;
    let letters = before.into_iter().chain([shown.dash(), blank, unknown]);
    let letters = in_lines(letters, columns);
    format!("{letters}\n{}", in_lines(items.iter().map(String::as_str), columns))
}

fn in_lines<'i>(items: impl Iterator<Item = &'i str>, columns: usize) -> String {
    let items: Vec<String> = items.map(|item| item.replace(' ', GLUE)).collect();
    wrapped(&items.join(&format!("{GLUE}· ")), columns).replace(GLUE, " ")
}

/// A space at which no line is broken.
const GLUE: &str = "\u{a0}";

const LETTERS: [&str; 8] = [
    "L loss",
    "D duplicate, also of a dead letter",
    "R reorder",
    "S stall",
    "Q dead letter",
    "P phantom",
    "blank: cannot happen here",
    "? not everything was tried",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_faults_of_a_column_stand_one_above_the_other() {
        let check = |head, expect| assert_eq!(stacked(head), expect);
        check("QL+C0", ["QL", "+C0"]);
        check("send lost", ["send", "lost"]);
        check("C0", ["C0", ""]);
    }
}
