//! An exploration for people: what was tried, a table of what can happen, and behind everything
//! that can the simplest story of how.

use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::{CellAlignment, Table, TableComponent, presets};
use entrega_explain::timeline::{LEGEND, Timeline};

use super::compare_text::thousands;
use super::tried::{count, tried, wrapped};
use crate::lab::exploration::Exploration;
use crate::lab::exploring::Row;
use crate::lab::property::{Occurs, Property};
use crate::lab::stories::Told;

/// How much of the runs is shown, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// Every line of every timeline, and not only those that decide.
    pub(crate) timelines: bool,
    /// Whether faults are coloured.
    pub(crate) colourful: bool,
}

/// The exploration as text.
pub(crate) fn render(exploration: &Exploration<'_>, shown: Shown) -> String {
    let mut text = String::new();
    let loaded = &exploration.plan.loaded;
    let title =
        if loaded.scenario.title.is_empty() { &loaded.path } else { &loaded.scenario.title };
    let _ = writeln!(text, "{title}, explored (scenario {})", loaded.digest);
    if exploration.partial {
        let _ = writeln!(text, "PARTIAL: interrupted; what was not found may still be possible");
    }
    let mut last = None;
    for row in &exploration.rows {
        let subscription = row.contest.scope.subscription;
        if last.replace(subscription) != Some(subscription) {
            let _ = writeln!(text, "\n{}", exploration.subscription(row));
            let tried = format!("Tried: {}.", tried(exploration.plan, &row.contest));
            text.push_str(&wrapped(&tried, WIDTH));
            let rows = exploration.rows.iter();
            let of_it = rows.filter(|row| row.contest.scope.subscription == subscription);
            let of_it: Vec<&Row> = of_it.collect();
            let (shown, never) = columns(&of_it);
            let _ = writeln!(text, "\n{}", table(&of_it, &shown).trim_fmt());
            if !never.is_empty() {
                text.push_str(&wrapped(&in_no_row(&of_it, &never), WIDTH));
            }
        }
    }
    legend(&mut text, exploration);
    stories(&mut text, exploration, shown);
    for one in &exploration.contradicted {
        let _ = writeln!(text, "NOT AS EXPECTED: {one}");
    }
    text
}

/// So many columns a line of prose has at most.
const WIDTH: usize = 100;

/// The properties that have a column, and the names of the others: those that nothing shows, but
/// for the two that everybody asks about.
fn columns(rows: &[&Row]) -> (Vec<Property>, Vec<&'static str>) {
    let has_column = |one: &Property| {
        matches!(one, Property::Lost | Property::Duplicated)
            || rows.iter().any(|row| one.runs(&row.explored) > 0)
    };
    let (shown, never): (Vec<Property>, Vec<Property>) =
        Property::ALL.into_iter().partition(has_column);
    (shown, never.into_iter().map(Property::column).collect())
}

/// What is said of properties without a column.
fn in_no_row(rows: &[&Row], properties: &[&str]) -> String {
    let proved = rows.iter().all(|row| row.explored.complete && row.explored.limited == 0);
    let what = properties.join(", ");
    match proved {
        true => format!("never, in no row: {what}"),
        false => {
            format!("not found in any row: {what} (a proof only where the search is complete)")
        }
    }
}

fn table(rows: &[&Row], properties: &[Property]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    let found = properties.iter().map(|one| one.column());
    let names = ["model", "strategy"].into_iter().chain(found);
    table.set_header(names.chain(["schedules", "cut", "states", "search"]));
    let mut model = None;
    for row in rows {
        let new = model.replace(row.contest.model) != Some(row.contest.model);
        let shown = if new { row.contest.model.to_string() } else { String::new() };
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

fn cells(model: String, row: &Row, properties: &[Property]) -> Vec<String> {
    let explored = &row.explored;
    let mut cells = vec![model, row.contest.strategy.to_string()];
    cells.extend(properties.iter().map(|one| word(one.occurs(explored)).to_owned()));
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
const LEGEND_OF_WORDS: [&str; 7] = [
    "",
    "always     even without a fault",
    "sometimes  in some schedules, and below is how",
    "never      in none: within these bounds it is impossible",
    "split: an effect and a dead letter; dead: in the dead letters; stalled: a run does not come to",
    "rest, or leaves messages behind. schedules: runs that were made; cut: those that came to a state",
    "seen before, so that how they go on is known; states: how many different ones were seen.",
];

fn legend(text: &mut String, exploration: &Exploration<'_>) {
    for line in LEGEND_OF_WORDS {
        text.push_str(line);
        text.push('\n');
    }
    if exploration.rows.iter().any(|row| row.explored.complete && row.explored.limited > 0) {
        let _ = writeln!(
            text,
            "to the limits: everything was tried, but some runs did not come to rest within {} steps; \
             what they\nwould have shown later is not known, so not found is no proof.",
            thousands(entrega_sim::explore::STEPS)
        );
    }
    if exploration.rows.iter().any(|row| !row.explored.complete) {
        let _ = writeln!(
            text,
            "INCOMPLETE: the search ended before everything was tried (--budget {}); not found is no \
             proof.",
            exploration.plan.budget
        );
    }
}

fn stories(text: &mut String, exploration: &Exploration<'_>, shown: Shown) {
    if exploration.rows.iter().all(|row| row.told.is_empty()) {
        return;
    }
    let how = match shown.timelines {
        true => "its timeline",
        false => "the lines of its timeline that decide (--timelines prints all of them)",
    };
    let how = format!(
        "How it happens: for each finding the simplest run that shows it, the command that replays \
         that run, and {how}."
    );
    let _ = write!(text, "\n{}", wrapped(&how, WIDTH));
    for row in &exploration.rows {
        for told in &row.told {
            story(text, exploration.subscription(row), row, told, shown);
        }
    }
    text.push_str(LEGEND);
}

fn story(text: &mut String, subscription: &str, row: &Row, told: &Told, shown: Shown) {
    let contest = &row.contest;
    let property = told.property.name().replace('_', "-");
    let cause = told
        .cause
        .map_or_else(String::new, |cause| format!(" ({})", cause.name().replace('_', " ")));
    let (messages, consumers) =
        (count(told.scope.messages, "message"), count(told.scope.consumers, "consumer"));
    let _ = writeln!(
        text,
        "\n{subscription}: {}, {}, {property}{cause}, with {messages} and {consumers}\n{}\n  {}\n",
        contest.model, contest.strategy, told.sentence, told.command
    );
    let timeline = Timeline {
        events: &told.events,
        cast: &told.cast,
        focus: told.message.into_iter().collect(),
        only: BTreeSet::new(),
        all: false,
        colourful: shown.colourful,
    };
    let lines = if shown.timelines { timeline.lines() } else { timeline.excerpt() };
    text.push_str(&lines);
}
