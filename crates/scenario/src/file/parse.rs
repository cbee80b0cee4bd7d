//! From the text of a scenario file to a scenario.

use serde::Deserialize;

use super::document::{Beneath, Document};
use super::reader::Reader;
use super::{Loaded, Problem, Rows, Scenario, ScenarioDigest, overrides, rules, words};
use crate::profile::Profile;

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
        let plain = Document::parse(file, text, overrides, None)?;
        let profile = profile_of(&plain, read)?;
        let beneath = profile.as_ref().map(|profile| Beneath::of(profile, &plain));
        let document = Document::parse(file, text, overrides, beneath.as_ref())?;
        let mut scenario = Self::deserialize(Reader::of(document.table()))
            .map_err(|mistake| words::explain(&document, &mistake))?;
        if let Some(profile) = &profile {
            restrict(&mut scenario, profile).map_err(|why| document.problem_with("models", why))?;
        }
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
        let written = Document::parse(file, text, &[], None)?;
        let content = recorded.as_ref().map(|(content, _)| content.as_str());
        let settings = profile.map(|profile| profile.overrides()).unwrap_or_default();
        let digest = ScenarioDigest::of(written.table(), content, &settings);
        Ok(Loaded { scenario, digest, written: named, rows: recorded.map(|(_, rows)| rows) })
    }
}

/// The profile that a scenario names.
fn profile_of(
    document: &Document<'_>,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Option<Profile>, Problem> {
    let named = document.table().get("profile").and_then(|value| value.get_ref().as_str());
    let Some(name) = named else { return Ok(None) };
    Profile::load(name, read).map(Some).map_err(|problem| {
        if problem.line > 0 {
            return problem;
        }
        let Problem { file, message, help, .. } = problem;
        let message = if file == name { message } else { format!("{file}: {message}") };
        Problem { help, ..document.problem_with("profile", message) }
    })
}

impl Beneath {
    /// The settings of a profile below a document. Where two settings answer one question, such as
    /// whether there are dead letters or how long a delivery may take, the profile's gives way to
    /// the document's.
    fn of(profile: &Profile, document: &Document<'_>) -> Self {
        let mut settings = profile.overrides();
        if overrides::has(document.table(), "queue.dead_letter") {
            settings.retain(|(path, _)| path != "queue.at_limit");
        }
        if overrides::has(document.table(), "queue.visibility_timeout") {
            settings.retain(|(path, _)| path != "queue.consumer_timeout");
        }
        Self { name: profile.name.clone(), settings }
    }
}

/// A scenario of a profile runs on the model that the profile is of, and expects nothing of the
/// other.
fn restrict(scenario: &mut Scenario, profile: &Profile) -> Result<(), String> {
    let Profile { name, model, .. } = profile;
    if !scenario.models.contains(model) {
        return Err(format!("the profile {name} is that of a {model}, which is not among these"));
    }
    scenario.models = vec![*model];
    scenario.expect.retain(|one| one.model.is_none_or(|of| of == *model));
    Ok(())
}

/// `name` in the directory of `file`.
fn beside(file: &str, name: &str) -> String {
    match file.rfind(['/', '\\']) {
        Some(slash) => format!("{}{name}", &file[..=slash]),
        None => name.to_owned(),
    }
}
