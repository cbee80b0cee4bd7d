//! The digest of a scenario as it was written: its TOML as text that does not depend on the form.

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::ScenarioDigest;

/// The keys that do not affect a single run: prose, what is compared, and what is expected.
const PROSE: [&str; 6] = ["expect", "models", "narration", "seeds", "strategies", "title"];

impl ScenarioDigest {
    /// The digest of a scenario as written, of its workload file, if it has one, and of what a
    /// profile sets below it.
    pub(crate) fn of(
        scenario: &DeTable<'_>,
        workload_file: Option<&str>,
        profile: &[(String, String)],
    ) -> Self {
        let mut hasher = Sha256::new();
        let relevant = scenario.iter().filter(|(key, _)| !PROSE.contains(&key.get_ref().as_ref()));
        let canonical = entries(relevant.map(|(key, value)| (key.get_ref(), value.get_ref())));
        hasher.update(canonical.as_bytes());
        hasher.update(b"\n");
        hasher.update(workload_file.unwrap_or_default().replace("\r\n", "\n").as_bytes());
        for (path, value) in profile {
            hasher.update(format!("\n{path}={value}").as_bytes());
        }
        let bytes = hasher.finalize();
        Self(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

/// A table as text that depends on its content only.
fn entries<'a, 't: 'a>(table: impl Iterator<Item = (impl AsRef<str>, &'a DeValue<'t>)>) -> String {
    let mut sorted: Vec<(String, String)> =
        table.map(|(key, value)| (quoted(key.as_ref()), canonical(value))).collect();
    sorted.sort();
    let entries: Vec<String> =
        sorted.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", entries.join(","))
}

fn canonical(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Table(table) => {
            entries(table.iter().map(|(key, value)| (key.get_ref(), value.get_ref())))
        }
        DeValue::Array(array) => {
            let items: Vec<String> = array.iter().map(|item| canonical(item.get_ref())).collect();
            format!("[{}]", items.join(","))
        }
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| number.to_string(), |number| number.to_string()),
        DeValue::Float(number) => {
            number.as_str().parse::<f64>().map_or_else(|_| number.to_string(), |n| format!("{n:?}"))
        }
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}
