//! Puts `--set path=value` into a parsed scenario: `log.partitions=4`,
//! `subscriptions.mailer.consumers=2`, `strategies=process-then-settle,dead-letter`.
//!
//! A value that parses as TOML is TOML; any other is a string as it stands, so that a shell needs
//! no quotes around `10s` and `1/200`.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// Puts `value` at `path`, with `mark` in place of every span in it, and makes missing tables on
/// the way. Items of a list are named by number or by `name`. The error says why there is no such
/// place.
pub(crate) fn apply<'t>(
    table: &mut DeTable<'t>,
    path: &'t str,
    value: &'t str,
    mark: usize,
) -> Result<(), String> {
    let value = marked(read_value(path, value), mark);
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    if path.split('.').any(str::is_empty) || path.split('.').count() > 16 {
        return Err(format!("`{path}` is no path; one looks like workload.messages"));
    }
    if path.starts_with("subscriptions.") && !table.contains_key("subscriptions") {
        table.insert(key("subscriptions".into(), mark), marked(default_subscriptions(), mark));
    }
    let mut here = Place::Table(table);
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        here = here.enter(name, mark)?;
    }
    match here {
        Place::Table(table) => replace(table, last, value, mark),
        Place::Array(array) => *item(array, last)? = value,
    }
    Ok(())
}

/// Whether something is written at a path.
pub(crate) fn has(table: &DeTable<'_>, path: &str) -> bool {
    let mut here = table;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        match here.get(name).map(Spanned::get_ref) {
            None => return false,
            Some(DeValue::Table(inner)) if names.peek().is_some() => here = inner,
            Some(_) => return true,
        }
    }
    true
}

/// The settings that are lists of names: there, `a,b` stands for `["a", "b"]`.
const LISTS: [&str; 3] = ["models", "strategies", "log.commit_checks"];

/// The settings whose words look like numbers.
const WORDS: [&str; 1] = ["producer.acks"];

/// The value of an override: TOML if it parses as TOML, otherwise a string as it stands.
fn read_value<'t>(path: &str, value: &'t str) -> DeValue<'t> {
    let parsed = DeValue::parse(value).map(Spanned::into_inner);
    if WORDS.contains(&path) && matches!(parsed, Ok(DeValue::Integer(_))) {
        return DeValue::String(Cow::Borrowed(value));
    }
    let list = LISTS.contains(&path) && !matches!(parsed, Ok(DeValue::Array(_)));
    if !list {
        return parsed.unwrap_or(DeValue::String(Cow::Borrowed(value)));
    }
    let name = |name: &'t str| Spanned::new(0..0, DeValue::String(name.trim().into()));
    DeValue::Array(value.split(',').map(name).collect())
}

/// The value with every span inside it replaced by `mark`.
fn marked(value: DeValue<'_>, mark: usize) -> Spanned<DeValue<'_>> {
    let inner = match value {
        DeValue::Table(table) => DeValue::Table(
            table.into_iter().map(|(k, v)| (key(k.into_inner(), mark), again(v, mark))).collect(),
        ),
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|item| again(item, mark)).collect())
        }
        plain => plain,
    };
    Spanned::new(mark..mark, inner)
}

fn again(value: Spanned<DeValue<'_>>, mark: usize) -> Spanned<DeValue<'_>> {
    marked(value.into_inner(), mark)
}

fn key(name: DeString<'_>, mark: usize) -> Spanned<DeString<'_>> {
    Spanned::new(mark..mark, name)
}

fn default_subscriptions<'t>() -> DeValue<'t> {
    let name = Spanned::new(0..0, DeValue::String("reader".into()));
    let reader: DeTable<'t> = [(key("name".into(), 0), name)].into_iter().collect();
    DeValue::Array([Spanned::new(0..0, DeValue::Table(reader))].into_iter().collect())
}

enum Place<'a, 't> {
    Table(&'a mut DeTable<'t>),
    Array(&'a mut DeArray<'t>),
}

impl<'a, 't> Place<'a, 't> {
    fn enter(self, name: &'t str, mark: usize) -> Result<Self, String> {
        let value = match self {
            Place::Array(array) => item(array, name)?,
            Place::Table(table) => {
                if !table.contains_key(name) {
                    replace(table, name, marked(DeValue::Table(DeTable::new()), mark), mark);
                }
                table.get_mut(name).ok_or_else(|| format!("there is no `{name}`"))?
            }
        };
        match value.get_mut() {
            DeValue::Table(table) => Ok(Place::Table(table)),
            DeValue::Array(array) => Ok(Place::Array(array)),
            _ => Err(format!("`{name}` is no table and has nothing inside")),
        }
    }
}

/// Replaces the key too, so that a mistake in it is attributed to the override.
fn replace<'t>(table: &mut DeTable<'t>, name: &'t str, value: Spanned<DeValue<'t>>, mark: usize) {
    table.remove(name);
    table.insert(key(name.into(), mark), value);
}

/// The item of a list with this number, or with this `name`.
fn item<'a, 't>(
    array: &'a mut DeArray<'t>,
    name: &str,
) -> Result<&'a mut Spanned<DeValue<'t>>, String> {
    let named = |item: &Spanned<DeValue<'t>>| {
        let table = item.get_ref().as_table();
        table.and_then(|table| table.get("name")?.get_ref().as_str()) == Some(name)
    };
    let count = array.len();
    let index = array.iter().position(named).or_else(|| name.parse().ok());
    let missing =
        || format!("there is no item `{name}` among {count}; name one or number it from 0");
    index.and_then(|index| array.get_mut(index)).ok_or_else(missing)
}
