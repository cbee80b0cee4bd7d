//! The table of each subscription: in full, or in parts that fit the width of a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, TableComponent, presets};
use entrega_checker::Verdict;
use entrega_checker::summary::Rate;
use entrega_explain::digits::thousands;
use entrega_lab::comparison::{Comparison, ComparisonRow};
use entrega_model::{Duration, Guarantee, Model};

use crate::columns::{in_parts, width};

/// The tables of all subscriptions, each under its name: as wide as they are, or in parts of at
/// most so many columns.
pub fn tables(comparison: &Comparison<'_>, columns: Option<usize>) -> String {
    let mut text = String::new();
    for subscription in comparison.loaded.scenario.subscription_names() {
        let rows = comparison.rows.iter().filter(|row| row.subscription == subscription);
        let rows: Vec<&ComparisonRow> = rows.collect();
        let whole = whole(&rows).trim_fmt();
        let widest = whole.lines().map(width).max().unwrap_or(0);
        match columns.filter(|columns| *columns < widest) {
            Some(columns) => text.push_str(&narrow(subscription, &rows, columns)),
            None => {
                let _ = writeln!(text, "\n{subscription}\n{whole}");
            }
        }
    }
    text
}

/// One table with a column for everything.
fn whole(rows: &[&ComparisonRow]) -> Table {
    let of_model = rows.iter().map(|row| (row.configuration.model.to_string(), *row));
    grouped("model", of_model)
}

/// One table with a column for everything, and a first one that names groups of rows.
pub(super) fn grouped<'r>(
    head: &str,
    rows: impl Iterator<Item = (String, &'r ComparisonRow)>,
) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_header([&[head], &HEADER[1..]].concat());
    let mut group = None;
    for (of, row) in rows {
        let is_same = group.as_ref() == Some(&of);
        let shown = if is_same { String::new() } else { of.clone() };
        group = Some(of);
        table.add_row([vec![shown], cells(row)].concat());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    for column in table.column_iter_mut().skip(5).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

const HEADER: [&str; 11] = [
    "model",
    "strategy",
    "promise",
    "lost",
    "duplicated",
    "redelivered",
    "dead",
    "reordered",
    "p50",
    "p99",
    "kept?",
];

fn cells(row: &ComparisonRow) -> Vec<String> {
    let summary = &row.summary;
    let latency = |nanos: Option<u64>| nanos.map_or_else(|| "–".to_owned(), short);
    vec![
        row.configuration.strategy.to_string(),
        row.guarantee.to_string(),
        rate(summary.loss(), summary.runs),
        rate(summary.duplicates(), summary.runs),
        thousands(summary.redeliveries),
        thousands(summary.dead_letters),
        thousands(summary.order.reordered),
        latency(summary.latency.p50()),
        latency(summary.latency.p99()),
        verdict(row),
    ]
}

/// The columns of [`HEADER`] in the order in which a narrow terminal has them.
const NARROW: [usize; 10] = [1, 3, 4, 10, 2, 5, 6, 7, 8, 9];

/// A table for each model, in parts that repeat the strategies.
fn narrow(subscription: &str, rows: &[&ComparisonRow], columns: usize) -> String {
    let mut models: Vec<Model> = rows.iter().map(|row| row.configuration.model).collect();
    models.dedup();
    let heads = NARROW.map(|column| HEADER[column]);
    let line = |row: &&&ComparisonRow| {
        let cells = cells(row);
        NARROW.iter().map(|column| cells[column - 1].clone()).collect()
    };
    let mut text = String::new();
    for model in models {
        let of_model = rows.iter().filter(|row| row.configuration.model == model);
        let lines: Vec<Vec<String>> = of_model.map(|row| line(&row)).collect();
        let parts = in_parts(&heads, &lines, &|column| column > 4, columns);
        let _ = write!(text, "\n{subscription}, {model}\n{parts}");
    }
    text
}

fn verdict(row: &ComparisonRow) -> String {
    let word = match row.verdict {
        Verdict::Valid if row.guarantee == Guarantee::None => "–",
        Verdict::Valid => "yes",
        Verdict::Unknown => "unknown",
        Verdict::Invalid => "NO",
    };
    word.to_owned()
}

/// A rate with its interval: `0.20% [0.18, 0.22]`; for nothing at all the bound on the share of
/// runs. One run has no interval, but a count: `2 of 1 000`.
fn rate(rate: Rate, runs: u64) -> String {
    if runs <= 1 {
        return format!("{} of {}", thousands(rate.events), thousands(rate.of));
    }
    if rate.events == 0 {
        return format!("0 [≤{}% of runs]", percent(rate.high));
    }
    let (estimate, low, high) = (percent(rate.estimate), percent(rate.low), percent(rate.high));
    format!("{estimate}% [{low}, {high}]")
}

/// Two significant digits or so: rates here are small.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 || percent == 0.0 {
        format!("{percent:.0}")
    } else if percent >= 1.0 {
        format!("{percent:.1}")
    } else if percent >= 0.01 {
        format!("{percent:.2}")
    } else {
        format!("{percent:.4}")
    }
}

/// Milliseconds or seconds with three significant digits.
fn short(nanos: u64) -> String {
    let rounded = match nanos {
        0..10_000_000 => nanos / 10_000 * 10_000,
        10_000_000..100_000_000 => nanos / 100_000 * 100_000,
        100_000_000..1_000_000_000 => nanos / 1_000_000 * 1_000_000,
        1_000_000_000..10_000_000_000 => nanos / 10_000_000 * 10_000_000,
        _ => nanos / 100_000_000 * 100_000_000,
    };
    Duration::from_nanos(rounded).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_has_a_count_and_several_have_an_interval() {
        let found =
            |events| Rate { events, of: 1_000, runs: 1, estimate: 0.002, low: 0.0, high: 1.0 };
        assert_eq!(rate(found(2), 1), "2 of 1 000");
        assert_eq!(rate(found(0), 1), "0 of 1 000");
        assert_eq!(rate(found(2), 2), "0.20% [0, 100]");
        assert_eq!(rate(found(0), 2), "0 [≤100% of runs]");
    }

    #[test]
    fn times_keep_three_digits() {
        let check = |nanos, expect: &str| assert_eq!(short(nanos), expect);
        check(46_123_456, "46.1ms");
        check(6_049_999_999, "6.04s");
        check(123_456_789_012, "123.4s");
    }
}
