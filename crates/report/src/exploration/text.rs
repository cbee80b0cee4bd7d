//! Explorations for people: what was tried, a table of what can happen, and behind everything
//! that can the simplest story of how.

use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::{CellAlignment, Table, TableComponent, presets};
use entrega_explain::digits::{counted, thousands};
use entrega_explain::timeline::{LEGEND, Timeline};
use entrega_lab::exploration_plan::ExploredSpace;
use entrega_lab::explorations::Explorations;
use entrega_lab::property::{Occurs, Property};
use entrega_lab::stories::FindingStory;
use entrega_model::printable::printable;

use crate::columns::{fitted, in_parts, width};
use crate::prose::{caused, wrapped};
use crate::tried::{clauses, tried};

/// How much of the runs is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Every line of every timeline, and not only those that decide.
    pub timelines: bool,
    /// Whether faults are coloured.
    pub colourful: bool,
    /// At most so many columns wide; as wide as it is, if none.
    pub columns: Option<usize>,
}

/// The explorations as text.
pub fn text(explorations: &Explorations<'_>, shown: Shown) -> String {
    let mut text = String::new();
    let prose = shown.columns.unwrap_or(WIDTH).min(WIDTH);
    let loaded = &explorations.plan.loaded;
    let _ = writeln!(text, "{}, explored (scenario {})", printable(loaded.title()), loaded.digest);
    if explorations.partial {
        let _ = writeln!(text, "PARTIAL: interrupted; what was not found may still be possible");
    }
    let mut last = None;
    for row in &explorations.rows {
        let subscription = row.space.scope.subscription;
        if last.replace(subscription) != Some(subscription) {
            let _ = writeln!(text, "\n{}", explorations.subscription(row));
            let rows = explorations.rows.iter();
            let of_it = rows.filter(|row| row.space.scope.subscription == subscription);
            let of_it: Vec<&ExploredSpace> = of_it.collect();
            what_was_tried(&mut text, explorations, &of_it, prose);
            let (found, never) = columns(&of_it);
            text.push_str(&tables(&of_it, &found, shown.columns));
            if !never.is_empty() {
                text.push_str(&wrapped(&in_no_row(&of_it, &never), prose));
            }
        }
    }
    legend(&mut text, explorations, shown.columns);
    stories(&mut text, explorations, shown);
    for one in &explorations.contradicted {
        let _ = writeln!(text, "NOT AS EXPECTED: {one}");
    }
    for one in &explorations.unproved {
        let _ = writeln!(text, "NOT PROVED: {one}");
    }
    match shown.columns {
        Some(columns) => fitted(&text, columns),
        None => text,
    }
}

/// What was tried, and what was not although time could do it.
fn what_was_tried(
    text: &mut String,
    explorations: &Explorations<'_>,
    rows: &[&ExploredSpace],
    prose: usize,
) {
    let tried = format!("Tried: {}.", tried(explorations.plan, rows));
    text.push_str(&wrapped(&tried, prose));
    for slow in clauses(rows, |row| row.space.untried.tried().into_iter().collect()) {
        text.push_str(&wrapped(&format!("tried: {slow}"), prose));
    }
    for left_out in clauses(rows, |row| row.not_tried.clone()) {
        text.push_str(&wrapped(&format!("not tried: {left_out}"), prose));
    }
}

/// The most columns that a line of prose has.
const WIDTH: usize = 100;

/// The properties that have a column, and the names of the others. A property that no row shows has
/// none, except for the two that everybody asks about.
fn columns(rows: &[&ExploredSpace]) -> (Vec<Property>, Vec<&'static str>) {
    let has_column = |one: &Property| {
        matches!(one, Property::Lost | Property::Duplicated)
            || rows.iter().any(|row| one.runs(&row.explored) > 0)
    };
    let (shown, never): (Vec<Property>, Vec<Property>) =
        Property::ALL.into_iter().partition(has_column);
    (shown, never.into_iter().map(Property::column).collect())
}

/// The sentence about properties without a column.
fn in_no_row(rows: &[&ExploredSpace], properties: &[&str]) -> String {
    let what = properties.join(", ");
    let complete = rows.iter().all(|row| row.explored.complete && row.explored.limited == 0);
    if !complete {
        format!("not found in any row: {what} (a proof only where the search is complete)")
    } else if rows.iter().any(|row| !row.not_tried.is_empty()) {
        format!("not found in any row: {what} (a proof only where everything was tried)")
    } else {
        format!("never, in no row: {what}")
    }
}

/// The table of one subscription; a narrow terminal has one for each model, in parts.
fn tables(rows: &[&ExploredSpace], properties: &[Property], columns: Option<usize>) -> String {
    let whole = table(rows, properties).trim_fmt();
    let widest = whole.lines().map(width).max().unwrap_or(0);
    let Some(columns) = columns.filter(|columns| *columns < widest) else {
        return format!("\n{whole}\n");
    };
    let heads = heads(properties);
    let numbers = 1 + properties.len()..4 + properties.len();
    let mut models: Vec<_> = rows.iter().map(|row| row.space.configuration.model).collect();
    models.dedup();
    let mut text = String::new();
    for model in models {
        let of_model = rows.iter().filter(|row| row.space.configuration.model == model);
        let lines = of_model.map(|row| cells(String::new(), row, properties)[1..].to_vec());
        let lines: Vec<Vec<String>> = lines.collect();
        let parts = in_parts(&heads[1..], &lines, &|column| numbers.contains(&column), columns);
        let _ = write!(text, "\n{model}\n{parts}");
    }
    text
}

/// What stands above the columns.
fn heads(properties: &[Property]) -> Vec<&'static str> {
    let found = properties.iter().map(|one| one.column());
    let names = ["model", "strategy"].into_iter().chain(found);
    names.chain(["schedules", "cut", "states", "search"]).collect()
}

fn table(rows: &[&ExploredSpace], properties: &[Property]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_header(heads(properties));
    let mut model = None;
    for row in rows {
        let of = row.space.configuration.model;
        let new = model.replace(of) != Some(of);
        let shown = if new { of.to_string() } else { String::new() };
        table.add_row(cells(shown, row, properties));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    for column in table.column_iter_mut().skip(2 + properties.len()).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(model: String, row: &ExploredSpace, properties: &[Property]) -> Vec<String> {
    let explored = &row.explored;
    let mut cells = vec![model, row.space.configuration.strategy.to_string()];
    cells.extend(properties.iter().map(|one| word(row.occurs(*one)).to_owned()));
    cells.push(thousands(explored.schedules));
    cells.push(thousands(explored.schedules - explored.ended));
    cells.push(if explored.states > 0 { thousands(explored.states) } else { "–".to_owned() });
    let search = match (explored.complete, explored.limited) {
        (false, _) => "INCOMPLETE",
        (true, 0) => "complete",
        (true, _) => "to the limits",
    };
    cells.push(search.to_owned());
    cells
}

const fn word(occurs: Occurs) -> &'static str {
    match occurs {
        Occurs::Always => "always",
        Occurs::Sometimes => "sometimes",
        Occurs::Never => "never",
        Occurs::NotFound => "not found",
    }
}

/// What the words of the table mean.
const LEGEND_OF_WORDS: [&str; 4] = [
    "",
    "always     even without a fault",
    "sometimes  in some schedules, and below is how",
    "never      in none: within these bounds it is impossible",
];

/// What the heads of the columns mean.
const LEGEND_OF_HEADS: &str = "split: an effect and a dead letter; dead: in the dead letters; \
    stalled: a run does not come to rest, or leaves messages behind. schedules: runs that were made; \
    cut: those that came to a state seen before, so that how they go on is known; states: how many \
    different ones were seen.";

const NOT_TRIED: &str = "not tried: in these rows the scenario as it is can do more than an \
    exploration tries; not found is no proof, and sometimes may be always.";

fn legend(text: &mut String, explorations: &Explorations<'_>, columns: Option<usize>) {
    for line in LEGEND_OF_WORDS {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&wrapped(LEGEND_OF_HEADS, columns.unwrap_or(WIDTH).min(WIDTH)));
    if explorations.rows.iter().any(|row| row.explored.complete && row.explored.limited > 0) {
        let _ = writeln!(
            text,
            "to the limits: everything was tried, but some runs did not come to rest within {} steps; \
             what they\nwould have shown later is not known, so not found is no proof.",
            thousands(entrega_sim::explore::STEPS)
        );
    }
    if explorations.rows.iter().any(|row| !row.not_tried.is_empty()) {
        text.push_str(&wrapped(NOT_TRIED, columns.unwrap_or(WIDTH).min(WIDTH)));
    }
    if explorations.rows.iter().any(|row| !row.explored.complete) {
        let _ = writeln!(
            text,
            "INCOMPLETE: the search ended before everything was tried (--budget {}); not found is no \
             proof.",
            explorations.plan.bounds.budget
        );
    }
}

fn stories(text: &mut String, explorations: &Explorations<'_>, shown: Shown) {
    if explorations.rows.iter().all(|row| row.stories.is_empty()) {
        return;
    }
    let how = if shown.timelines {
        "its timeline"
    } else {
        "the lines of its timeline that decide (--timelines prints all of them)"
    };
    let how = format!(
        "How it happens: for each finding the simplest run that shows it, the command that replays \
         that run, and {how}."
    );
    let prose = shown.columns.unwrap_or(WIDTH).min(WIDTH);
    let _ = write!(text, "\n{}", wrapped(&how, prose));
    for row in &explorations.rows {
        for one in &row.stories {
            story(text, explorations.subscription(row), row, one, shown);
        }
    }
    text.push_str(LEGEND);
}

fn story(
    text: &mut String,
    subscription: &str,
    row: &ExploredSpace,
    one: &FindingStory,
    shown: Shown,
) {
    let property = one.property.name().replace('_', "-");
    let cause = one.cause.map_or_else(String::new, |cause| format!(" ({})", caused(cause)));
    let (messages, consumers) =
        (counted(one.scope.messages, "message"), counted(one.scope.consumers, "consumer"));
    let _ = writeln!(
        text,
        "\n{subscription}: {}, {property}{cause}, with {messages} and {consumers}\n{}\n  {}\n",
        row.space.configuration, one.sentence, one.command
    );
    let timeline = Timeline {
        events: &one.events,
        cast: &one.cast,
        focus: one.message.into_iter().collect(),
        only: BTreeSet::new(),
        all: false,
        colourful: shown.colourful,
        columns: shown.columns,
    };
    let lines = if shown.timelines { timeline.lines() } else { timeline.excerpt() };
    text.push_str(&lines);
}
