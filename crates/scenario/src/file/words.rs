//! Tells mistakes to people who write scenarios, not Rust: what is wrong, and what would be valid
//! there, with an example.

use super::Problem;
use super::document::{Document, Node, join, last_of, parent_of};
use super::or_none::NONE;
use super::problem::suggestion;
use super::reader::{Mistake, What};
use super::schema::{at, takes_none};
use super::valid;

/// The problem behind a mistake.
pub(super) fn explain(document: &Document<'_>, mistake: &Mistake) -> Problem {
    let node = document.node(mistake.node.unwrap_or(0));
    match &mistake.what {
        What::UnknownField { name, valid } => unknown_field(document, node, name, valid),
        What::MissingField(name) => missing_field(document, node, name),
        What::UnknownValue { value, valid } => {
            let place = document.child(&node.path, value).unwrap_or(node);
            let none = may_be_left_out(place).then_some(NONE);
            let valid: Vec<&str> = valid.iter().copied().chain(none).collect();
            document
                .problem_at(place, format!("unknown value `{value}`"))
                .with_help(suggestion(value, &valid))
        }
        What::Type { found, expected } => {
            wrong_type(document, inside(document, node, found), expected)
        }
        What::Other(message) => {
            let place = inside(document, node, message);
            let or_none =
                if may_be_left_out(place) { format!(", or \"{NONE}\"") } else { String::new() };
            document.problem_at(place, message.replace('\n', " ") + &or_none)
        }
    }
}

/// Whether the setting at a place may be left out by its word.
fn may_be_left_out(place: &Node) -> bool {
    at(&place.path).is_some_and(takes_none)
}

fn unknown_field(document: &Document<'_>, node: &Node, name: &str, valid: &[&str]) -> Problem {
    let owner = if node.is_key { parent_of(&node.path) } else { &node.path };
    let place = if node.is_key { node } else { document.child(owner, name).unwrap_or(node) };
    document
        .problem_at(place, format!("unknown field `{name}` {}", section(owner)))
        .with_help(suggestion(name, valid))
}

fn missing_field(document: &Document<'_>, node: &Node, name: &str) -> Problem {
    let example = valid::example(&join(&node.path, name));
    document
        .problem_at(node, format!("missing field `{name}` {}", section(&node.path)))
        .with_help(format!("add `{name} = {}`", example.as_deref().unwrap_or("…")))
}

/// A value of the wrong type.
fn wrong_type(document: &Document<'_>, node: &Node, expected: &str) -> Problem {
    let valid = at(&node.path).and_then(valid::describe);
    let what = valid.as_ref().map_or(expected, |valid| &valid.what);
    let (parent, name) = (parent_of(&node.path), last_of(&node.path));
    let (subject, setting) = match name.parse::<usize>() {
        Ok(_) => (format!("an item of `{}`", last_of(parent)), String::new()),
        Err(_) => (format!("`{name}`"), format!("{name} = ")),
    };
    let problem =
        document.problem_at(node, format!("{subject} must be {what}, not {}", node.shown));
    match valid {
        Some(valid) => problem.with_help(format!("as in {setting}{}", valid.example)),
        None => problem,
    }
}

/// Where a mistake stands that was found in a table as a whole: at the value that its message
/// quotes.
fn inside<'d>(document: &'d Document<'_>, node: &'d Node, message: &str) -> &'d Node {
    let quoted = message.split('`').nth(1).or_else(|| message.split('"').nth(1));
    quoted.and_then(|quoted| document.child(&node.path, quoted)).unwrap_or(node)
}

/// `in [workload]`, `in [[subscriptions]]`, `at the top level`.
fn section(path: &str) -> String {
    if path.is_empty() {
        return "at the top level".to_owned();
    }
    match path.split_once('.') {
        Some((list, rest)) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            match rest.split_once('.') {
                Some((_, inside)) => format!("in `{inside}` of [[{list}]]"),
                None => format!("in [[{list}]]"),
            }
        }
        _ => format!("in [{path}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_read_as_in_the_file() {
        let check = |path, expect: &str| assert_eq!(section(path), expect);
        check("", "at the top level");
        check("workload", "in [workload]");
        check("faults.effect.before", "in [faults.effect.before]");
        check("subscriptions.0", "in [[subscriptions]]");
        check("subscriptions.1.service_time", "in `service_time` of [[subscriptions]]");
    }
}
