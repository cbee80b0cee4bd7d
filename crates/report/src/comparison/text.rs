//! A comparison for people: a table for each subscription, then one example for every anomaly.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, TableComponent, presets};
use entrega_checker::Verdict;
use entrega_checker::summary::Rate;
use entrega_lab::comparison::{Comparison, ComparisonRow, ToldExample};
use entrega_lab::examples::Extent;
use entrega_model::printable::printable;
use entrega_model::{Duration, Guarantee, Model};

use crate::digits::thousands;

/// The comparison as text.
pub fn text(comparison: &Comparison<'_>) -> String {
    let mut text = String::new();
    heading(&mut text, comparison);
    for subscription in comparison.loaded.scenario.subscription_names() {
        let _ = writeln!(text, "\n{subscription}\n{}", table(comparison, subscription).trim_fmt());
    }
    legend(&mut text, comparison);
    text.push_str(&unknowns(comparison));
    hints(&mut text, comparison);
    examples(&mut text, comparison);
    for violation in &comparison.violated {
        let _ = writeln!(text, "NOT AS EXPECTED: {violation}");
    }
    text
}

/// Why rows are unknown, rows with one reason together; nothing if none is.
pub fn unknowns(comparison: &Comparison<'_>) -> String {
    let mut reasons: Vec<(&[String], Vec<String>)> = Vec::new();
    for row in comparison.rows.iter().filter(|row| !row.why.is_empty()) {
        let name = format!("{}, {}", row.configuration, row.subscription);
        match reasons.iter_mut().find(|(why, _)| *why == &*row.why) {
            Some((_, rows)) => rows.push(name),
            None => reasons.push((&row.why, vec![name])),
        }
    }
    let mut text = String::new();
    for (why, rows) in reasons {
        let _ = writeln!(text, "\nUnknown, because {}:", why.join("; "));
        rows.iter().for_each(|row| {
            let _ = writeln!(text, "  {row}");
        });
    }
    text
}

/// What to write in the scenario, with the rows that it would help.
fn hints(text: &mut String, comparison: &Comparison<'_>) {
    let hinted = || comparison.rows.iter().filter_map(|row| Some((row.hint?, row)));
    let Some((hint, _)) = hinted().next() else { return };
    let _ = writeln!(text, "\nHint: {hint}. This is all that fails in:");
    for (_, row) in hinted() {
        let _ = writeln!(text, "  {}, {}", row.configuration, row.subscription);
    }
}

fn heading(text: &mut String, comparison: &Comparison<'_>) {
    let scenario = &comparison.loaded.scenario;
    let messages = comparison.rows.iter().map(messages_a_run).max().unwrap_or(0);
    let last = comparison.seed + u64::from(comparison.seeds) - 1;
    let _ = writeln!(text, "{}", printable(&scenario.title));
    let _ = writeln!(
        text,
        "{} messages a run, seeds {} to {last}, scenario {}",
        thousands(messages),
        comparison.seed,
        comparison.loaded.digest
    );
    if comparison.partial {
        let _ = writeln!(text, "PARTIAL: interrupted; only the runs that were finished count");
    }
}

fn messages_a_run(row: &ComparisonRow) -> u64 {
    row.summary.sends.invoked.checked_div(row.summary.runs).unwrap_or(0)
}

/// The table of one subscription.
pub fn table(comparison: &Comparison<'_>, subscription: &str) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_header(HEADER);
    let mut model: Option<Model> = None;
    for row in comparison.rows.iter().filter(|row| row.subscription == subscription) {
        let of = row.configuration.model;
        let shown = if model == Some(of) { String::new() } else { of.to_string() };
        model = Some(of);
        table.add_row(cells(shown, row));
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

fn cells(model: String, row: &ComparisonRow) -> Vec<String> {
    let summary = &row.summary;
    let latency = |nanos: Option<u64>| nanos.map_or_else(|| "–".to_owned(), short);
    vec![
        model,
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
fn percent(share: f64) -> String {
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

const ONE_RUN: &str = "
1 run a row. lost, duplicated: of acknowledged sends. redelivered: deliveries; dead: letters; reordered: messages.
p50, p99: from send to first effect, in virtual time. The last column says whether the promise was kept.
";

fn legend(text: &mut String, comparison: &Comparison<'_>) {
    let runs = comparison.rows.iter().map(|row| row.summary.runs).max().unwrap_or(0);
    if runs <= 1 {
        text.push_str(ONE_RUN);
        return;
    }
    let _ = writeln!(
        text,
        "\n{runs} run(s) a row. lost, duplicated: shares of acknowledged sends with 95 % intervals over \
         runs; where nothing\nhappened, the share of runs in which it still could (1 − 0.025^(1/n)). redelivered: \
         deliveries; dead: letters; reordered: messages; all runs.\np50, p99: from send to first effect, in \
         virtual time. The last column says whether the promise was kept in every run."
    );
}

fn examples(text: &mut String, comparison: &Comparison<'_>) {
    let mut seen = Vec::new();
    let first_of_its_kind = |told: &&ToldExample| {
        let wanted = &told.example.wanted;
        let kind = (wanted.configuration, wanted.finding.name());
        let new = !seen.contains(&kind);
        seen.push(kind);
        new
    };
    let told: Vec<&ToldExample> = comparison.examples.iter().filter(first_of_its_kind).collect();
    if told.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nHow it happens, in runs of five messages unless a size is named:");
    for told in told {
        let wanted = &told.example.wanted;
        let anomaly = wanted.finding.name().replace('_', " ");
        let size = told.example.shrunk.map_or_else(String::new, size);
        let _ = writeln!(
            text,
            "\n{}, {anomaly}{size}: {}\n  {}",
            wanted.configuration, told.sentence, told.command
        );
    }
}

/// How large a run is that is not of five messages.
fn size(extent: Extent) -> String {
    let counted = |count: usize, what: &str| {
        format!("{} {what}{}", thousands(count as u64), if count == 1 { "" } else { "s" })
    };
    let (messages, faults) = (counted(extent.messages, "message"), counted(extent.faults, "fault"));
    if extent.is_smallest {
        format!(" (in a run of {messages} and {faults})")
    } else {
        format!(" (in the smallest run found so far, of {messages} and {faults})")
    }
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
