//! Translates the deserialiser's messages for people who write scenarios, not Rust.

use toml::de::Error;

use super::Problem;
use super::document::{Document, Node, parent_of};
use super::problem::suggestion;

/// The problem behind a deserialisation error.
pub(crate) fn explain(document: &Document<'_>, error: &Error) -> Problem {
    let number = error.span().map_or(0, |span| span.start);
    let node = document.node(number);
    let message = error.message();
    let quoted = between_backticks(message);
    if message.starts_with("unknown field") {
        return unknown_field(document, node, &quoted);
    }
    if message.starts_with("missing field") {
        return missing_field(document, node, &quoted);
    }
    let written = quoted.first().copied().or_else(|| message.split('"').nth(1));
    let written = written.and_then(|written| document.child(&node.path, written));
    let place = written.unwrap_or(node);
    if message.starts_with("unknown variant") {
        return unknown_value(document, place, &quoted);
    }
    document.problem_at(place, plain(message))
}

fn unknown_field(document: &Document<'_>, node: &Node, quoted: &[&str]) -> Problem {
    let (field, valid) = quoted.split_first().map_or(("", &[][..]), |(one, rest)| (*one, rest));
    let owner = if node.is_key { parent_of(&node.path) } else { &node.path };
    let place = if node.is_key { node } else { document.child(owner, field).unwrap_or(node) };
    document
        .problem_at(place, format!("unknown field `{field}` {}", section(owner)))
        .with_help(suggestion(field, valid))
}

fn missing_field(document: &Document<'_>, node: &Node, quoted: &[&str]) -> Problem {
    let field = quoted.first().copied().unwrap_or_default();
    document
        .problem_at(node, format!("missing field `{field}` {}", section(&node.path)))
        .with_help(format!("add `{field} = …`"))
}

fn unknown_value(document: &Document<'_>, place: &Node, quoted: &[&str]) -> Problem {
    let (value, valid) = quoted.split_first().map_or(("", &[][..]), |(one, rest)| (*one, rest));
    document
        .problem_at(place, format!("unknown value `{value}`"))
        .with_help(suggestion(value, valid))
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

/// `invalid type: integer `3`, expected struct LogSettings` without the names of Rust types.
fn plain(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.replace('\n', " ");
    };
    let integer = |most: &str| format!("a whole number from 0 to {most}");
    let expected = match expected {
        "u8" => integer("255"),
        "u16" => integer("65535"),
        "u32" => integer("4294967295"),
        "u64" => integer("9223372036854775807"),
        "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        _ if expected.contains("struct ") || expected.contains("enum ") => "a table".to_owned(),
        _ => expected.to_owned(),
    };
    format!("{}, expected {expected}", found.replace("invalid type: map", "invalid type: table"))
}

/// Everything that stands between backticks.
fn between_backticks(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
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

    #[test]
    fn rust_types_are_not_mentioned() {
        let check = |message, expect: &str| assert_eq!(plain(message), expect);
        check(
            "invalid type: map, expected u32",
            "invalid type: table, expected a whole number from 0 to 4294967295",
        );
        check(
            "invalid type: integer `1`, expected struct LogSettings",
            "invalid type: integer `1`, expected a table",
        );
        check("something else", "something else");
    }
}
