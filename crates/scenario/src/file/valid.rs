//! What would be valid at a place, in words and by example, as the schema says it.

use serde_json::{Map, Value};

use super::schema::{at, resolved, takes_none};

/// What would be valid.
pub(super) struct Valid {
    /// As in `a whole number from 1 to 8`.
    pub(super) what: String,
    /// A value, as TOML.
    pub(super) example: String,
}

/// What a schema wants, if it says more than the type that it stands for.
pub(super) fn describe(schema: &'static Value) -> Option<Valid> {
    let real = resolved(schema);
    let all = words(real);
    let what = match real["type"].as_str() {
        _ if !all.is_empty() => format!("one of {}", all.join(", ")),
        Some("integer") => format!("a whole number{}", range(schema, real)),
        Some("number") => format!("a number{}", range(schema, real)),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => "a list".to_owned(),
        Some("object") => "a table".to_owned(),
        Some("string") if given(real).is_none() || given(schema).is_some() => {
            "a text in quotes".to_owned()
        }
        None if real["oneOf"].is_array() => "a table".to_owned(),
        _ => return None,
    };
    let what = if takes_none(schema) { format!("{what}, or \"none\"") } else { what };
    Some(Valid { what, example: value(schema) })
}

/// A value that is valid at a path, as TOML.
pub(super) fn example(path: &str) -> Option<String> {
    Some(value(at(path)?))
}

/// The words that a schema lists, as it does for a setting that is one of a few.
fn words(schema: &'static Value) -> Vec<&'static str> {
    let listed = schema["enum"].as_array().into_iter().flatten();
    let either = schema["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
    listed.chain(either).filter_map(Value::as_str).collect()
}

/// ` from 1 to 8`; only what the property says narrows what its type says.
fn range(schema: &Value, real: &Value) -> String {
    let bound = |name: &str| [schema, real].into_iter().find_map(|one| one.get(name));
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {} to {}", plain(least), plain(most)),
        _ => String::new(),
    }
}

/// A number without an exponent.
fn plain(number: &Value) -> String {
    let real = number.as_f64().filter(|_| number.is_f64());
    real.map_or_else(|| number.to_string(), |real| real.to_string())
}

/// The example that a schema gives itself.
fn given(schema: &Value) -> Option<&Value> {
    schema["examples"].get(0).or_else(|| schema.get("const"))
}

fn value(schema: &'static Value) -> String {
    let plain = |one: &&Value| !one.is_object() && !one.is_array() && *one != "";
    if let Some(default) = schema.get("default").filter(plain) {
        return default.to_string();
    }
    let real = resolved(schema);
    let least = schema.get("minimum").or_else(|| real.get("minimum"));
    if let Some(example) = given(schema).or_else(|| given(real)) {
        return example.to_string();
    }
    if let Some(word) = words(real).first() {
        return format!("\"{word}\"");
    }
    match real["type"].as_str() {
        Some("integer") => least.and_then(Value::as_u64).unwrap_or(0).max(1).to_string(),
        Some("number") => "1.0".to_owned(),
        Some("boolean") => "true".to_owned(),
        Some("array") => format!("[{}]", value(&real["items"])),
        Some("string") => "\"…\"".to_owned(),
        _ => table(real),
    }
}

/// The entries that have to be there, or else the first.
fn table(schema: &'static Value) -> String {
    let schema = schema["oneOf"].get(0).unwrap_or(schema);
    let all = schema["properties"].as_object();
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut names: Vec<&str> = required.collect();
    if names.is_empty() {
        names.extend(all.into_iter().flat_map(Map::keys).next().map(String::as_str));
    }
    let entries = names.into_iter().filter_map(|name| {
        let one = all?.get(name)?;
        Some(format!("{name} = {}", value(one)))
    });
    format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
}
