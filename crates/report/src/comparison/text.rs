//! A comparison for people: the finding in words, a table for each subscription, then the stories
//! behind it.

use std::fmt::Write;

use entrega_explain::digits::thousands;
use entrega_lab::comparison::{Comparison, ComparisonRow};
use entrega_model::printable::printable;

use super::stories::stories;
use super::table::tables;
use super::{Shown, finding};
use crate::columns::fitted;
use crate::judgement::{self, exposed};
use crate::prose::wrapped;

/// The comparison as text.
pub fn text(comparison: &Comparison<'_>, shown: Shown) -> String {
    let mut text = String::new();
    heading(&mut text, comparison);
    finding::say(&mut text, comparison, shown.columns);
    text.push_str(&tables(comparison, shown.columns));
    legend(&mut text, comparison, shown.columns);
    text.push_str(&unknowns(comparison));
    redriven(&mut text, comparison);
    lateness(&mut text, comparison);
    exposures(&mut text, comparison);
    hints(&mut text, comparison);
    stories(&mut text, comparison, shown.all_stories);
    if !comparison.violated.is_empty() {
        text.push('\n');
    }
    for violation in &comparison.violated {
        let _ = writeln!(text, "NOT AS EXPECTED: {violation}");
    }
    match shown.columns {
        Some(columns) => fitted(&text, columns),
        None => text,
    }
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

/// What the crashes by time of each row hit, beside the share of time that it is in each window;
/// nothing if nobody dies by time.
fn exposures(text: &mut String, comparison: &Comparison<'_>) {
    let rows = comparison.rows.iter();
    let mut rows = rows.filter_map(|row| Some((row, row.summary.exposure.as_ref()?))).peekable();
    if rows.peek().is_some() {
        text.push_str(
            "\nWhat crashes by time hit, and the share of its life that a consumer spends there; with \
             several messages it is in several windows at once:\n",
        );
    }
    for (row, exposure) in rows {
        let _ =
            writeln!(text, "  {}, {}: {}", row.configuration, row.subscription, exposed(exposure));
    }
}

/// What copies did that were moved back from the dead letters; nothing if none took effect.
fn redriven(text: &mut String, comparison: &Comparison<'_>) {
    let rows = comparison.rows.iter();
    let mut rows = rows.filter(|row| !row.summary.redriven.is_nothing()).peekable();
    if rows.peek().is_some() {
        text.push_str("\nWhat the redrive did; a message may have been duplicated before:\n");
    }
    for row in rows {
        let did = judgement::redriven(row.summary.redriven);
        let _ = writeln!(text, "  {}, {}: {did}", row.configuration, row.subscription);
    }
}

/// How late effects were, where messages are due later than they are sent.
fn lateness(text: &mut String, comparison: &Comparison<'_>) {
    let late = |row| {
        let row: &ComparisonRow = row;
        Some((row, judgement::lateness(row.summary.lateness.as_ref()?)?))
    };
    let mut rows = comparison.rows.iter().filter_map(late).peekable();
    if rows.peek().is_some() {
        text.push_str(
            "\nMessages are due later than they are sent: p50 and p99 above hold that wait. From the \
             due time:\n",
        );
    }
    for (row, late) in rows {
        let _ = writeln!(text, "  {}, {}: {late}", row.configuration, row.subscription);
    }
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

pub(super) fn heading(text: &mut String, comparison: &Comparison<'_>) {
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

const COUNTS: &str = "redelivered: deliveries; dead: letters; reordered: messages; of all runs. \
    p50, p99: from send to first effect, in virtual time. The last column says whether the promise was \
    kept in every run.";

/// How wide prose is that nothing limits.
const WIDTH: usize = 120;

pub(super) fn legend(text: &mut String, comparison: &Comparison<'_>, columns: Option<usize>) {
    let runs = comparison.rows.iter().map(|row| row.summary.runs).max().unwrap_or(0);
    let shares = if runs <= 1 {
        "1 run a row. lost, duplicated: of acknowledged sends.".to_owned()
    } else {
        format!(
            "{runs} runs a row. lost, duplicated: shares of acknowledged sends with 95 % intervals \
             over runs; where nothing happened, the share of runs in which it still could \
             (1 − 0.025^(1/n))."
        )
    };
    let legend = format!("{shares} {COUNTS}");
    let _ = write!(text, "\n{}", wrapped(&legend, columns.unwrap_or(WIDTH).min(WIDTH)));
}
