//! Every setting of the schema: what is said of a value that it cannot have, and where its bounds
//! are.

use serde_json::Value;

use super::{FULL, parse};
use crate::file::bounds::{self, NOT_ZERO, REAL, WHOLE};
use crate::file::schema;
use crate::file::schema::resolved;

/// The paths of all settings, with 0 for the item of a list.
fn settings() -> Vec<String> {
    let mut found = Vec::new();
    collect(schema::shared(), "", &mut found);
    assert!(found.len() > 100, "{}", found.len());
    found
}

fn collect(schema: &'static Value, path: &str, found: &mut Vec<String>) {
    let schema = resolved(schema);
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, one) in schema["properties"].as_object().into_iter().flatten() {
        found.push(below(name));
        collect(one, &below(name), found);
    }
    if schema["items"].is_object() {
        found.push(below("0"));
        collect(&schema["items"], &below("0"), found);
    }
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        collect(one, path, found);
    }
}

/// What is said of a scenario in which a setting has this value, if anything is.
fn said(path: &str, value: &str) -> Option<crate::Problem> {
    parse(FULL, &[(path, value)]).err()
}

const VALUES: [&str; 11] = [
    "3.5",
    "true",
    "-7",
    "'some words'",
    "['list']",
    "[1, 2]",
    "{}",
    "{ order = {} }",
    "99999999999999999999999",
    "1979-05-27",
    "nan",
];

/// Words of the parser, which mean nothing to a person.
const PARSERS: [&str; 9] = [
    "expected ",
    "invalid type",
    "struct ",
    "enum ",
    "variant",
    "identifier",
    "i128",
    "u64",
    "map",
];

#[test]
fn no_message_leaks_the_parser() {
    for path in settings() {
        for value in VALUES {
            let Some(problem) = said(&path, value) else { continue };
            let text = problem.to_string();
            let leaked = PARSERS.iter().find(|word| text.contains(**word));
            assert_eq!(leaked, None, "{text}");
        }
    }
}

/// An example in a message is one that can be written.
#[test]
fn what_is_shown_as_an_example_is_valid() {
    let mut shown = 0;
    for path in settings() {
        for value in VALUES {
            let Some(problem) = said(&path, value) else { continue };
            let Some(example) = problem.help.as_ref().and_then(|help| help.strip_prefix("as in "))
            else {
                continue;
            };
            let example = example.split_once(" = ").filter(|(name, _)| path.ends_with(name));
            let Some((_, example)) = example else { continue };
            let again = said(&path, example).map(|problem| problem.message).unwrap_or_default();
            assert!(!again.contains("must be"), "{path} = {example}: {again}");
            shown += 1;
        }
    }
    assert!(shown > 500, "{shown}");
}

/// A list in the order of the fields was a table once.
#[test]
fn a_list_is_no_table() {
    let check = |text: &str, expect: &str| {
        let problem = parse(text, &[]).err().map(|problem| problem.message);
        assert_eq!(problem.as_deref(), Some(expect));
    };
    check("workload = [5]", "`workload` must be a table, not a list");
    check("log = []", "`log` must be a table, not a list");
    check(
        "subscriptions = [['mailer', 1]]",
        "an item of `subscriptions` must be a table, not a list",
    );
    check(
        "workload.arrivals = ['constant', 3.0]",
        "`arrivals` must be a table, or \"none\", not a list",
    );
    check("workload.body = { order = {} }", "`body` must be one of order, opaque, not a table");
    check(
        "models = ['log', { queue = {} }]",
        "an item of `models` must be one of log, queue, not a table",
    );
}

/// Every bound is a rule too: what lies beyond it is refused, and what lies on it is not.
#[test]
fn the_rules_have_the_bounds_of_the_schema() {
    for (setting, least, most) in WHOLE {
        let path = setting.replace('*', "0");
        let is_out = |value: u64| {
            let text = FULL.replace("at = '1.5s'", "nth = 1");
            let message = parse(&text, &[(&path, &value.to_string())]).err();
            let message = message.map(|problem| problem.message);
            message
                .is_some_and(|text| text.contains("it is at ") || text.contains("must be a whole"))
        };
        assert!(!is_out(least) && !is_out(most), "{path}");
        assert!(least == 0 || is_out(least - 1), "{path}");
        assert!(most == u64::MAX || is_out(most + 1), "{path}");
    }
    for (setting, least, most) in REAL {
        let name = setting.rsplit('.').next().unwrap_or(setting);
        assert!(bounds::of(&REAL, &setting.replace('*', "0")) == Some((least, most)), "{name}");
    }
}

/// A duration of zero is refused exactly where the schema refuses it.
#[test]
fn the_rules_know_the_durations_that_are_not_zero() {
    let is_span = |path: &&String| {
        let places = |one: &Value| [one["$ref"].clone(), one["anyOf"][0]["$ref"].clone()];
        schema::at(path).is_some_and(|one| places(one).contains(&"#/$defs/Span".into()))
    };
    let spans = settings();
    let spans: Vec<&String> = spans.iter().filter(is_span).collect();
    assert!(spans.len() > NOT_ZERO.len());
    for path in spans {
        let message = said(path, "0s").map(|problem| problem.message).unwrap_or_default();
        let refused = message.contains("longer than no time");
        assert_eq!(
            refused,
            NOT_ZERO.iter().any(|one| bounds::is_at(one, path)),
            "{path}: {message}"
        );
    }
}

/// The tables of what happens, whose entries are no settings.
const EVENTS: [&str; 3] = ["faults", "script", "expect"];

/// The settings of a table that may be left out and have no default, but for lists: none of their
/// items is an empty list.
fn optional(schema: &'static Value, path: &str, found: &mut Vec<(String, &'static Value)>) {
    let schema = resolved(schema);
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    for (name, one) in schema["properties"].as_object().into_iter().flatten() {
        let below = format!("{path}{name}");
        if EVENTS.contains(&below.as_str()) {
            continue;
        }
        let is_given = ["default", "const", "items"].iter().any(|word| one.get(word).is_some());
        if !is_required(name) && !is_given {
            found.push((below.clone(), one));
        }
        if !below.ends_with(".faults") {
            optional(one, &format!("{below}."), found);
        }
    }
    if schema["items"].is_object() {
        optional(&schema["items"], &format!("{path}reader."), found);
    }
}

/// Whatever may be left out, `"none"` leaves out: alone, and where a file has it.
#[test]
fn every_optional_setting_takes_none() {
    let mut found = Vec::new();
    optional(schema::shared(), "", &mut found);
    let takes_none = |one: &&(String, &'static Value)| !schema::takes_none(one.1);
    let without: Vec<&str> =
        found.iter().filter(takes_none).map(|(path, _)| path.as_str()).collect();
    assert_eq!(without, [""; 0], "these cannot be left out by their word");
    let names: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    for name in ["queue.redrive", "sink.dedup_window", "subscriptions.reader.mtbf", "profile"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let plain = parse("", &[]).expect("a scenario").scenario;
    for path in names.into_iter().filter(|path| *path != "queue.redelivery_delay.most") {
        let none = parse("", &[(path, "none")]).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(none.scenario, plain, "{path}");
    }
}

/// What a file sets, a `--set` switches off.
#[test]
fn none_switches_off_what_a_file_sets() {
    let set = |path, value| parse(FULL, &[(path, value)]).expect("a scenario").scenario;
    assert!(parse(FULL, &[]).expect("a scenario").scenario.queue.redrive.is_some());
    assert_eq!(set("queue.redrive", "none").queue.redrive, None);
    assert_eq!(set("sink.dedup_window", "none").sink.dedup_window, None);
    assert_eq!(set("sink.dedup", "none").sink.dedup, crate::Dedup::None);
    assert_eq!(set("subscriptions.mailer.faults", "none").subscriptions[0].faults, None);
    let said =
        |path, value| said(path, value).map(|problem| problem.to_string()).unwrap_or_default();
    let redrive = said("queue.redrive", "off");
    assert!(redrive.contains("must be a table, or \"none\", not \"off\""), "{redrive}");
    let window = said("sink.dedup_window", "never");
    assert!(window.ends_with("as in \"1.5s\", or \"none\""), "{window}");
}
