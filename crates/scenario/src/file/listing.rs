//! The settings of scenario files as a list: what each may be, what it is if nobody sets it, and
//! what it is for.
//!
//! > **The rule.** All of it is read from the schema, so a setting is listed as it is checked.

use std::fmt::Write;

use serde_json::Value;

use super::problem::suggestion;
use super::schema::{resolved, shared, takes_none};
use super::valid;

/// The tables of what happens and of what is expected. Their entries have lists of their own.
const NOT_LISTED: [&str; 3] = ["faults", "script", "expect"];

/// A section of a scenario file, or what stands above the first.
struct Section {
    name: &'static str,
    about: String,
    settings: Vec<Setting>,
}

struct Setting {
    /// Below its section, as `redrive.after`.
    name: String,
    schema: &'static Value,
    is_required: bool,
}

/// The settings of a section, such as `queue`, or of all; of one setting, such as
/// `queue.redrive.after`, all that is known of it.
///
/// # Errors
///
/// There is no such section or setting; what there is.
pub fn settings(wanted: Option<&str>) -> Result<String, String> {
    let sections = sections();
    let Some(wanted) = wanted else {
        let mut text: String = sections.iter().map(listed).collect();
        text.push_str(
            "`entrega list settings queue` lists one section, and `entrega list settings \
             queue.redrive` says all of one setting.\n`entrega list` has the fault points, for \
             [faults] and [[script]]; `entrega schema` has all of it for an editor.\n",
        );
        return Ok(text);
    };
    if let Some(section) = sections.iter().find(|section| section.name == wanted) {
        return Ok(listed(section));
    }
    let within = |path: &str| path == wanted || path.starts_with(&format!("{wanted}."));
    let found = sections.iter().flat_map(|of| of.settings.iter().map(move |one| (of, one)));
    let found = found.filter(|(of, one)| within(&path(of, one)));
    let text: String = found.map(|(of, one)| in_full(&path(of, one), one)).collect();
    if !text.is_empty() {
        return Ok(text);
    }
    let known: Vec<String> = sections
        .iter()
        .flat_map(|of| of.settings.iter().map(|one| path(of, one)))
        .filter(|path| path.rsplit('.').next() == wanted.rsplit('.').next())
        .collect();
    let names: Vec<&str> = sections.iter().map(|section| section.name).collect();
    let names: Vec<&str> = names.into_iter().chain(known.iter().map(String::as_str)).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    Err(format!(
        "there is no section or setting `{wanted}`\n  help: {}",
        suggestion(wanted, &names)
    ))
}

fn path(section: &Section, setting: &Setting) -> String {
    if section.name.is_empty() {
        return setting.name.clone();
    }
    format!("{}.{}", section.name, setting.name)
}

fn sections() -> Vec<Section> {
    let (mut top, mut tables) = (Vec::new(), Vec::new());
    for (name, schema) in shared()["properties"].as_object().into_iter().flatten() {
        if NOT_LISTED.contains(&name.as_str()) {
            continue;
        }
        let real = item_of(resolved(schema));
        if real["properties"].is_object() {
            let mut settings = Vec::new();
            collect(real, "", &mut settings);
            tables.push(Section { name, about: first_sentence(schema), settings });
        } else {
            top.push(Setting { name: name.clone(), schema, is_required: false });
        }
    }
    let about = "What stands above the first section.".to_owned();
    [Section { name: "", about, settings: top }].into_iter().chain(tables).collect()
}

/// Of a list of tables, one of them.
fn item_of(schema: &'static Value) -> &'static Value {
    if schema["items"].is_object() { resolved(&schema["items"]) } else { schema }
}

fn collect(table: &'static Value, above: &str, found: &mut Vec<Setting>) {
    let required = table["required"].as_array();
    for (name, schema) in table["properties"].as_object().into_iter().flatten() {
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        let name = format!("{above}{name}");
        let below = item_of(resolved(schema));
        found.push(Setting { name: name.clone(), schema, is_required });
        if below["properties"].is_object() && !name.ends_with("faults") {
            collect(below, &format!("{name}."), found);
        }
    }
}

fn listed(section: &Section) -> String {
    let mut text = match section.name {
        "" => format!("{}\n", section.about),
        name => format!("[{name}] {}\n", section.about),
    };
    for setting in &section.settings {
        let _ = writeln!(text, "  {}", headline(&setting.name, setting));
        let _ = writeln!(text, "      {}", first_sentence(setting.schema));
    }
    text.push('\n');
    text
}

fn in_full(path: &str, setting: &Setting) -> String {
    let about = setting.schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    format!("{}\n      {about}\n", headline(path, setting))
}

/// `delivery_limit, left out: a whole number from 1 to 60000, or "none"`.
fn headline(name: &str, setting: &Setting) -> String {
    let given = match setting.schema.get("default") {
        _ if setting.is_required => ", required".to_owned(),
        Some(Value::Object(_)) => String::new(),
        Some(default) => format!(" = {default}"),
        None if setting.schema["type"] == "array" => " = []".to_owned(),
        None => ", left out".to_owned(),
    };
    format!("{name}{given}: {}", what(setting.schema))
}

/// What a setting may be.
fn what(schema: &'static Value) -> String {
    let real = resolved(schema);
    let is_span = |one: &Value| one["pattern"].as_str().is_some_and(|text| text.contains("min|s"));
    if !is_span(real) {
        let what = valid::describe(schema).map(|valid| valid.what);
        let what = what.unwrap_or_else(|| "a text in quotes".to_owned());
        let shapes: Vec<String> =
            real["oneOf"].as_array().into_iter().flatten().filter_map(shape).collect();
        return if shapes.is_empty() { what } else { format!("{what}: {}", shapes.join(", ")) };
    }
    let is_never = real["pattern"].as_str().is_some_and(|text| text.ends_with("^never$"));
    let mut what = "a duration".to_owned();
    if schema.get("not").is_some() {
        what.push_str(" longer than 0s");
    }
    if is_never {
        what.push_str(", or \"never\"");
    }
    if takes_none(schema) {
        what.push_str(", or \"none\"");
    }
    what
}

/// One of several tables that a setting may be: `{ distribution = "burst", burst_size, every }`.
fn shape(table: &Value) -> Option<String> {
    let entry = |(name, one): (&String, &Value)| match one.get("const") {
        Some(word) => format!("{name} = {word}"),
        None => name.clone(),
    };
    let mut entries: Vec<_> = table["properties"].as_object()?.iter().collect();
    entries.sort_by_key(|(_, one)| one.get("const").is_none());
    Some(format!("{{ {} }}", entries.into_iter().map(entry).collect::<Vec<_>>().join(", ")))
}

/// The first sentence of a description.
fn first_sentence(schema: &'static Value) -> String {
    let about = schema["description"].as_str().unwrap_or_default();
    let end = about.find(". ").into_iter().chain(about.find(".\n")).min();
    end.map_or(about, |end| &about[..=end]).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_listed_with_default_and_bounds() {
        let all = settings(None).expect("all of them");
        for line in [
            "  delivery_limit, left out: a whole number from 1 to 60000, or \"none\"\n",
            "  visibility_timeout = \"30s\": a duration longer than 0s, or \"never\"\n",
            "  due_time = \"broker\": one of broker, worker\n",
            "  worker_lost, left out: one of settle, requeue, or \"none\"\n",
            "  redrive.after, required: a duration longer than 0s\n",
            "  prefetch = 100: a whole number from 1 to 1000000\n",
            "  name, required: a text in quotes\n",
            "{ distribution = \"burst\", burst_size, every }",
        ] {
            assert!(all.contains(line), "{line}{all}");
        }
        let is_told = |line: &str| line.is_empty() || line.starts_with([' ', '[', '`', 'W']);
        assert!(all.lines().all(is_told), "a sentence is one line");
        for name in ["transaction_offsets", "retry-topic", "rate_per_second"] {
            assert!(all.contains(name), "{name}");
        }
    }

    #[test]
    fn a_section_or_a_setting_is_listed_alone() {
        let queue = settings(Some("queue")).expect("a section");
        assert!(queue.contains("\n  redrive, left out: a table") && !queue.contains("[log]"));
        let redrive = settings(Some("queue.redrive")).expect("a setting");
        assert!(redrive.contains("StartMessageMoveTask") && redrive.contains("queue.redrive.ids"));
        assert!(!redrive.contains("due_time"), "{redrive}");
        assert!(settings(Some("seeds")).is_ok_and(|text| text.starts_with("seeds = 30")));
        let said = settings(Some("redrive")).expect_err("no section");
        assert!(said.contains("valid here: ") && said.contains("queue.redrive"), "{said}");
        let said = settings(Some("qeue")).expect_err("no section");
        assert!(said.contains("did you mean `queue`?"), "{said}");
    }

    /// A new scenario names every section, so that nobody has to guess that there is one.
    #[test]
    fn the_template_names_every_section() {
        let template = crate::template();
        for section in sections().iter().filter(|section| !section.name.is_empty()) {
            let named = format!("[{}]", section.name);
            assert!(template.contains(&named), "{named}");
        }
        let sought = ["worker_lost", "transaction_offsets", "retry-topic", "due_time", "redrive"];
        for name in sought.into_iter().chain(["entrega list settings"]) {
            assert!(template.contains(name), "{name}");
        }
        let lines = template.lines().filter_map(|line| line.strip_prefix("#   "));
        let paths = lines.flat_map(|line| line.split([' ', ',', ';'])).filter(|word| {
            word.contains('.')
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte))
        });
        let paths: Vec<&str> = paths.collect();
        assert!(paths.len() > 20, "{paths:?}");
        for path in paths {
            assert!(settings(Some(path)).is_ok(), "{path} is no setting");
        }
    }
}
