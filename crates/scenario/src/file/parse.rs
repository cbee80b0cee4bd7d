//! From the text of a scenario file to a scenario.

use serde::Deserialize;

use super::document::Document;
use super::reader::Reader;
use super::{Loaded, Problem, Rows, Scenario, ScenarioDigest, rules, words};

impl Scenario {
    /// Reads a scenario. Problems name `file` as its place; an override is a dotted path with a
    /// TOML value or a bare string; `read` returns the content of a workload file, named relative
    /// to the scenario, or the reason why it cannot.
    ///
    /// # Errors
    ///
    /// The first mistake found, with its place.
    pub fn parse(
        file: &str,
        text: &str,
        overrides: &[(String, String)],
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Loaded, Problem> {
        let document = Document::parse(file, text, overrides)?;
        let scenario = Self::deserialize(Reader::of(document.table()))
            .map_err(|mistake| words::explain(&document, &mistake))?;
        rules::check(&scenario).map_err(|violation| {
            let problem = document.problem_with(&violation.path, violation.message);
            Problem { help: violation.help, ..problem }
        })?;
        let named = document.written();
        let mut recorded = None;
        if let Some(name) = &scenario.workload.from {
            let content = read(name).map_err(|reason| {
                document.problem_with("workload.from", format!("cannot read `{name}`: {reason}"))
            })?;
            let rows = Rows::parse(&beside(file, name), &content)?;
            recorded = Some((content, rows));
        }
        let written = Document::parse(file, text, &[])?;
        let content = recorded.as_ref().map(|(content, _)| content.as_str());
        let digest = ScenarioDigest::of(written.table(), content);
        Ok(Loaded { scenario, digest, written: named, rows: recorded.map(|(_, rows)| rows) })
    }
}

/// `name` in the directory of `file`.
fn beside(file: &str, name: &str) -> String {
    match file.rfind(['/', '\\']) {
        Some(slash) => format!("{}{name}", &file[..=slash]),
        None => name.to_owned(),
    }
}
