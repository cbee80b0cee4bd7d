//! A scenario as it comes out of its file, and as data that needs no file any more.
//!
//! > **The rule.** What is written as data and read again is the same scenario under the same
//! > digest. A program that has no TOML, such as a page, runs what a native one has read.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Problem, Rows, Scenario, ScenarioDigest, rules};

/// A scenario with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// The scenario, overrides applied.
    #[serde(deserialize_with = "checked")]
    pub scenario: Scenario,
    /// Names the scenario as written (before overrides) and the workload file.
    pub digest: ScenarioDigest,
    /// What was written of it; the rest has its defaults.
    pub written: Vec<Written>,
    /// The recorded messages, if the workload is `from` a file.
    pub rows: Option<Rows>,
    /// What it asks of the system of its profile that this cannot do. It is simulated all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond_profile: Vec<Problem>,
}

/// A scenario that keeps the same rules as one from a file.
fn checked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scenario, D::Error> {
    let scenario = Scenario::deserialize(deserializer)?;
    match rules::check(&scenario) {
        Ok(()) => Ok(scenario),
        Err(rules::Violation { path, message, help }) => {
            Err(de::Error::custom(Problem { help, ..Problem::new(path, message) }))
        }
    }
}

/// A setting that the file or an override gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The names from the top to it, separated by dots: `consumer.batch_size`.
    pub path: String,
    /// Whether it was changed by `--set`.
    pub is_override: bool,
    pub(super) place: Problem,
}

impl Written {
    /// A problem with it, at its place.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { message: message.into(), ..self.place.clone() }
    }
}
