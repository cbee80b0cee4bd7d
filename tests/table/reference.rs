//! The reference table as data, and how a cell of it is compared with what was found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One row: a strategy under a setting on a model.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    model: String,
    strategy: String,
    setting: String,
    /// The name of the strategy in the reference.
    id: String,
    /// What the reference says, by column.
    cells: BTreeMap<String, String>,
    /// Why something else was found, by column.
    #[serde(default)]
    differs: BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
struct Reference {
    row: Vec<Row>,
}

/// The faults of a column, with their companions; what is found with any of them counts.
fn faults(column: &str) -> &'static [(&'static str, Option<&'static str>)] {
    const CRASH: Option<&str> = Some("crash-before-effect");
    match column {
        "E" => &[("handler-error", None)],
        "X" => &[("poison", None)],
        "C0" => &[("crash-before-effect", None)],
        "C1" => &[("crash-after-effect", None)],
        "C2" => &[("crash-after-settle", None)],
        "CQ" => &[("crash-after-dead-letter", Some("failure"))],
        "QL" => &[("settle-request-lost", None), ("settle-request-lost", CRASH)],
        "RL" => &[("settle-response-lost", None), ("settle-response-lost", CRASH)],
        "SD" => &[("shutdown", None)],
        "Z" => &[("zombie", None)],
        "RB" => &[("rebalance", None), ("rebalance", Some("handler-slow"))],
        _ => &[],
    }
}

/// Differences without a reason, and reasons without a difference.
pub(crate) fn complaints(reference: &str, cells: &[Value]) -> Vec<String> {
    let reference: Reference = toml::from_str(reference).expect("a reference table");
    let mut complaints = Vec::new();
    for row in &reference.row {
        for (column, said) in &row.cells {
            let found = found(row, column, cells);
            let place =
                format!("{} {} ({}), {}: {column}", row.model, row.strategy, row.id, row.setting);
            let Some(found) = found else {
                complaints.push(format!("{place}: the table has no such cell"));
                continue;
            };
            let agrees = Said::parse(said).agrees(&found, row.model == "queue");
            let letters: String = found.letters.iter().collect();
            match (agrees, row.differs.get(column)) {
                (false, None) => complaints
                    .push(format!("{place}: the reference says {said:?}, found {letters:?}")),
                (true, Some(_)) => {
                    complaints.push(format!("{place}: found {letters:?} as the reference says"));
                }
                _ => {}
            }
        }
        for column in row.differs.keys().filter(|column| !row.cells.contains_key(*column)) {
            complaints.push(format!("{} {}: a reason for {column}", row.model, row.strategy));
        }
    }
    complaints
}

/// What was found in a column.
struct Found {
    /// All letters, with and without the companion.
    letters: BTreeSet<char>,
    /// Those that the companion alone does not explain.
    own: BTreeSet<char>,
}

/// What was found in a column; none if there is no such cell or it is n/a.
fn found(row: &Row, column: &str, cells: &[Value]) -> Option<Found> {
    let here = |cell: &&Value| {
        cell["model"] == row.model.as_str()
            && cell["strategy"] == row.strategy.as_str()
            && cell["setting"] == row.setting.as_str()
            && cell["applicable"] == true
    };
    let letters_of = |fault: &str, companion: Option<&str>| -> Option<BTreeSet<char>> {
        let named =
            |cell: &&Value| cell["fault"] == fault && cell["companion"].as_str() == companion;
        let cell = cells.iter().filter(here).find(named)?;
        Some(cell["outcomes"].as_array()?.iter().filter_map(letter).collect())
    };
    let mut any = None;
    for &(fault, companion) in faults(column) {
        let Some(letters) = letters_of(fault, companion) else { continue };
        let alone = companion.and_then(|name| letters_of(name, None)).unwrap_or_default();
        let empty = || Found { letters: BTreeSet::new(), own: BTreeSet::new() };
        let found = any.get_or_insert_with(empty);
        found.own.extend(letters.difference(&alone));
        found.letters.extend(letters);
    }
    any
}

fn letter(outcome: &Value) -> Option<char> {
    Some(match outcome.as_str()? {
        "loss" => 'L',
        "duplicate" => 'D',
        "reorder" => 'R',
        "stall" => 'S',
        "dead_letter" => 'Q',
        _ => 'P',
    })
}

/// What the reference says of a cell.
struct Said {
    required: BTreeSet<char>,
    /// At least one of these, if there are any.
    one_of: BTreeSet<char>,
    optional: BTreeSet<char>,
}

impl Said {
    fn parse(text: &str) -> Self {
        let (main, optional) = text.split_once('(').unwrap_or((text, ""));
        let letters = |text: &str| text.chars().filter(char::is_ascii_uppercase).collect();
        let mut said = Self {
            required: BTreeSet::new(),
            one_of: BTreeSet::new(),
            optional: letters(optional),
        };
        match main.strip_prefix("-/") {
            Some(possible) => said.optional.extend(letters(possible) as BTreeSet<char>),
            None if main.contains('/') => said.one_of = letters(main),
            None => said.required = letters(main),
        }
        said
    }

    /// On a queue a redelivery may reorder wherever it likes.
    fn agrees(&self, found: &Found, is_queue: bool) -> bool {
        let has = |letter: &char| found.letters.contains(letter);
        let allowed = |letter: &char| {
            self.required.contains(letter)
                || self.one_of.contains(letter)
                || self.optional.contains(letter)
                || (is_queue && *letter == 'R')
        };
        let one = self.one_of.is_empty() || self.one_of.iter().any(has);
        one && self.required.iter().all(has) && found.own.iter().all(allowed)
    }
}
