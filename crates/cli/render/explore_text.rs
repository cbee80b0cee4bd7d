//! An exploration for people: what was tried, a table of what can happen, and behind everything
//! that can the simplest story of how.

use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::{CellAlignment, Table, TableComponent, presets};

use super::compare_text::thousands;
use super::timeline::{LEGEND, Timeline};
use super::tried::{count, tried};
use crate::lab::exploration::Exploration;
use crate::lab::exploring::Row;
use crate::lab::property::{Occurs, Property};
use crate::lab::stories::Told;

/// The exploration as text.
pub(crate) fn render(exploration: &Exploration<'_>, colourful: bool) -> String {
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
            text.push_str(&wrapped(&tried));
            let rows = exploration.rows.iter();
            let of_it = rows.filter(|row| row.contest.scope.subscription == subscription);
            let _ = writeln!(text, "\n{}", table(of_it).trim_fmt());
        }
    }
    legend(&mut text, exploration);
    stories(&mut text, exploration, colourful);
    for one in &exploration.contradicted {
        let _ = writeln!(text, "NOT AS EXPECTED: {one}");
    }
    text
}

/// So many columns a line of prose has at most.
const WIDTH: usize = 110;

/// Prose in lines.
fn wrapped(prose: &str) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in prose.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines.push('\n');
    lines
}

fn table<'r>(rows: impl Iterator<Item = &'r Row>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    let names = ["model", "strategy"].into_iter().chain(Property::ALL.map(Property::column));
    table.set_header(names.chain(["schedules", "cut", "states", "search"]));
    let mut model = None;
    for row in rows {
        let new = model.replace(row.contest.model) != Some(row.contest.model);
        let shown = if new { row.contest.model.to_string() } else { String::new() };
        table.add_row(cells(shown, row));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    for column in table.column_iter_mut().skip(2 + Property::ALL.len()).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(model: String, row: &Row) -> Vec<String> {
    let explored = &row.explored;
    let mut cells = vec![model, row.contest.strategy.to_string()];
    cells.extend(Property::ALL.map(|one| word(one.occurs(explored)).to_owned()));
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

fn legend(text: &mut String, exploration: &Exploration<'_>) {
    let _ = writeln!(
        text,
        "\nalways: even without a fault; sometimes: in some schedules; never: in none, so within these \
         bounds it is\nimpossible. split: an effect and a dead letter; dead: in the dead letters; stalled: a \
         run does not come to rest,\nor leaves messages behind that nobody processed. schedules: runs that \
         were made; cut: those of them that\ncame to a state seen before, so that how they go on is known; \
         states: how many different ones were seen."
    );
    if exploration.rows.iter().any(|row| row.explored.complete && row.explored.limited > 0) {
        let _ = writeln!(
            text,
            "to the limits: everything was tried, but some runs did not come to rest within {} steps; what they \
             would\nhave shown later is not known, so not found is no proof.",
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

fn stories(text: &mut String, exploration: &Exploration<'_>, colourful: bool) {
    if exploration.rows.iter().all(|row| row.told.is_empty()) {
        return;
    }
    let _ = writeln!(
        text,
        "\nHow it happens, each time in the simplest run that shows it (`entrega` is \
         target/release/entrega):"
    );
    for row in &exploration.rows {
        for told in &row.told {
            story(text, exploration.subscription(row), row, told, colourful);
        }
    }
    text.push_str(LEGEND);
}

fn story(text: &mut String, subscription: &str, row: &Row, told: &Told, colourful: bool) {
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
        colourful,
    };
    text.push_str(&timeline.lines());
}
