//! Scenarios from files, with their workload files beside them.

use std::fs;
use std::path::Path;

use entrega_sim::scenario::{Scenario, ScenarioDigest};
use entrega_sim::workload::{Rows, Workload};

use crate::failure::Failure;

/// A scenario as the command line names it.
pub(crate) struct LoadedScenario {
    /// The path as it was given, for commands that a person copies.
    pub(crate) path: String,
    /// The scenario, with the overrides applied.
    pub(crate) scenario: Scenario,
    /// Names the scenario as written.
    pub(crate) digest: ScenarioDigest,
    /// What `--set` changed.
    pub(crate) overrides: Vec<(String, String)>,
    rows: Option<Rows>,
}

impl LoadedScenario {
    /// Reads a scenario file and the workload file that it names.
    pub(crate) fn read(path: &Path, overrides: &[(String, String)]) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, "read", &error))?;
        let name = path.display().to_string();
        let beside = |file: &str| {
            let file = path.parent().unwrap_or(Path::new("")).join(file);
            fs::read_to_string(file).map_err(|error| error.to_string())
        };
        let loaded = Scenario::parse(&name, &text, overrides, &beside)?;
        let overrides = overrides.to_vec();
        let (scenario, digest, rows) = (loaded.scenario, loaded.digest, loaded.rows);
        Ok(Self { path: name, scenario, digest, overrides, rows })
    }

    /// The short version of the scenario: this many messages at most, of two keys at most, so that a
    /// person can follow it and messages of one key still meet.
    pub(crate) fn short(&self, messages: u32) -> Scenario {
        let mut scenario = self.scenario.clone();
        let workload = &mut scenario.workload;
        workload.messages = Some(workload.message_count().min(messages));
        if workload.from.is_none() {
            workload.keys = Some(workload.key_count().min(SHORT_KEYS));
        }
        scenario
    }

    /// The messages of `scenario`, which is this one or its short version, for a seed.
    pub(crate) fn workload(&self, scenario: &Scenario, seed: u64) -> Workload {
        Workload::generate(scenario, self.rows.as_ref(), seed)
    }
}

/// How many keys a short version has.
const SHORT_KEYS: u32 = 2;
