//! From the text of a scenario file to a scenario.

use serde::Deserialize;

use super::bounds::MOST_IDEMPOTENT;
use super::document::{Beneath, Document};
use super::feasible::held_too_long;
use super::reader::Reader;
use super::{Loaded, Problem, Rows, Scenario, ScenarioDigest, or_none, overrides, rules, words};
use crate::profile::{CLIENTS, Profile};

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
        let client = client_of(&plain, read)?;
        let both: Vec<&Profile> = client.iter().chain(&profile).collect();
        let beneath = (!both.is_empty()).then(|| Beneath::of(&both, &plain));
        let document = Document::parse(file, text, overrides, beneath.as_ref())?;
        let mut scenario = Self::deserialize(Reader::of(document.table()))
            .map_err(|mistake| words::explain(&document, &mistake))?;
        for profile in profile.iter().chain(&client) {
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
        let beneath = client.iter().chain(&profile).flat_map(Profile::overrides);
        let settings: Vec<(String, String)> = beneath.collect();
        let digest = ScenarioDigest::of(written.table(), content, &settings);
        let rows = recorded.map(|(_, rows)| rows);
        let beyond_profile = profile.iter().flat_map(|profile| {
            let too_long = held_too_long(&scenario, rows.as_ref(), profile);
            too_long.into_iter().map(|one| Problem {
                help: one.help,
                ..document.problem_with(&one.path, one.message)
            })
        });
        let beyond_profile = beyond_profile.collect();
        Ok(Loaded { scenario, digest, written: named, rows, beyond_profile })
    }
}

/// What a scenario names at the top level, unless it is that there is none.
fn named<'d>(document: &'d Document<'_>, setting: &str) -> Option<&'d str> {
    let named = document.table().get(setting)?.get_ref().as_str();
    named.filter(|name| *name != or_none::NONE)
}

/// The profile that a scenario names.
fn profile_of(
    document: &Document<'_>,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Option<Profile>, Problem> {
    let Some(name) = named(document, "profile") else { return Ok(None) };
    Profile::load(name, read).map(Some).map_err(|problem| {
        if problem.line > 0 {
            return problem;
        }
        let Problem { file, message, help, .. } = problem;
        let message = if file == name { message } else { format!("{file}: {message}") };
        Problem { help, ..document.problem_with("profile", message) }
    })
}

/// The profile of a client that a scenario names.
fn client_of(
    document: &Document<'_>,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Option<Profile>, Problem> {
    let Some(name) = named(document, "client") else { return Ok(None) };
    if CLIENTS.contains(&name) {
        return Profile::load(name, read).map(Some);
    }
    let problem = document.problem_with("client", format!("there is no client `{name}`"));
    Err(problem.with_help(format!("valid: {}", CLIENTS.join(", "))))
}

/// Whether a document says something that no idempotent producer can be combined with. Java's,
/// which is idempotent unless it is told otherwise, then is not.
fn rules_out_idempotence(document: &Document<'_>) -> bool {
    let producer = document.table().get("producer").and_then(|value| value.get_ref().as_table());
    let word = |name: &str| producer?.get(name)?.get_ref().as_str();
    let number = |name: &str| {
        let integer = producer?.get(name)?.get_ref().as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    };
    word("strategy") == Some("fire-and-forget")
        || number("retries") == Some(0)
        || number("max_in_flight").is_some_and(|most| most > i64::from(MOST_IDEMPOTENT))
        || overrides::has(document.table(), "log.partitions_added")
}

impl Beneath {
    /// The settings of profiles below a document, the nearest first. Where two settings answer one
    /// question, such as whether there are dead letters or how long a delivery may take, that of a
    /// profile gives way to the document's.
    fn of(profiles: &[&Profile], document: &Document<'_>) -> Self {
        let all = profiles.iter().flat_map(|profile| {
            profile.overrides().into_iter().map(|setting| (setting, profile.name.clone()))
        });
        let at_limit = overrides::has(document.table(), "queue.dead_letter");
        let timeout = overrides::has(document.table(), "queue.visibility_timeout");
        let idempotence = rules_out_idempotence(document);
        let gives_way = |path: &str| match path {
            "queue.at_limit" => at_limit,
            "queue.consumer_timeout" => timeout,
            "producer.enable_idempotence" => idempotence,
            _ => false,
        };
        let (settings, names) = all.filter(|((path, _), _)| !gives_way(path)).unzip();
        Self { settings, names }
    }
}

/// A scenario of a profile runs on the model that the profile is of, and expects nothing of the
/// other. A list that names one twice is left as it is, for the rules to say so.
fn restrict(scenario: &mut Scenario, profile: &Profile) -> Result<(), String> {
    let Profile { name, model, .. } = profile;
    if !scenario.models.contains(model) {
        return Err(format!("the profile {name} is that of a {model}, which is not among these"));
    }
    let models = &scenario.models;
    if (1..models.len()).all(|at| !models[..at].contains(&models[at])) {
        scenario.models = vec![*model];
    }
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
