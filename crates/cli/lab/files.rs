//! Scenarios from files, with their workload files beside them.

use std::fs;
use std::path::Path;

use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::workload::{Planner, Workload};
use entrega_scenario::{ErrorPolicy, Loaded, Rows, Scenario, ScenarioDigest, Written};
use entrega_sim::explore::Scope;

use super::replay_string::Size;
use super::table;
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
    /// What of it was written, in the file or by `--set`.
    pub(crate) written: Vec<Written>,
    rows: Option<Rows>,
}

/// The short version of a scenario, or the scenario itself, ready to plan workloads.
pub(crate) struct Version<'a> {
    pub(crate) scenario: Scenario,
    planner: Planner,
    rows: Option<&'a Rows>,
}

impl Version<'_> {
    /// The messages for a seed.
    pub(crate) fn workload(&self, seed: u64) -> Workload {
        self.planner.plan(self.rows, seed)
    }
}

impl LoadedScenario {
    /// Reads a scenario file and the workload file that it names; or the small world of the truth
    /// table, if that is asked for and no file is called so.
    pub(crate) fn read(path: &Path, overrides: &[(String, String)]) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Err(_) if path == Path::new(table::FILE) => table::SCENARIO.to_owned(),
            text => text.map_err(|error| Failure::file(path, "read", &error))?,
        };
        let name = path.display().to_string();
        let beside = |file: &str| {
            let file = path.parent().unwrap_or(Path::new("")).join(file);
            fs::read_to_string(file).map_err(|error| error.to_string())
        };
        let loaded = Scenario::parse(&name, &text, overrides, &beside)?;
        let overrides = overrides.to_vec();
        let Loaded { scenario, digest, written, rows } = loaded;
        Ok(Self { path: name, scenario, digest, overrides, written, rows })
    }

    /// Whether the scenario can run on a model at all, which `--model` may not have been checked
    /// for.
    pub(crate) fn allows(&self, model: Model) -> Result<(), Failure> {
        if model == Model::Log && self.scenario.consumer.on_error == ErrorPolicy::Requeue {
            return Err(Failure::new(format!(
                "{}: consumer.on_error = \"requeue\" is impossible on the log, which takes nothing \
                 back\n  help: choose another model or policy; valid on both: retry, skip, \
                 skip-and-settle, crash, dead-letter",
                self.path
            )));
        }
        Ok(())
    }

    /// Whether a strategy runs on a model at all, for a pair that was asked for by name.
    pub(crate) fn supports(&self, model: Model, strategy: Strategy) -> Result<(), Failure> {
        if strategy.supports(model) {
            return Ok(());
        }
        let valid: Vec<String> = [Model::Log, Model::Queue]
            .into_iter()
            .filter(|&model| strategy.supports(model))
            .map(|model| format!("--model {model}"))
            .collect();
        Err(Failure::new(format!(
            "{}: {strategy} does not run on the {model}\n  help: valid is {}",
            self.path,
            valid.join(", ")
        )))
    }

    /// The path as one word of a shell.
    pub(crate) fn shell_path(&self) -> String {
        let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
        if self.path.chars().all(plain) {
            return self.path.clone();
        }
        format!("'{}'", self.path.replace('\'', "'\\''"))
    }

    /// The scenario as it is.
    pub(crate) fn full(&self) -> Version<'_> {
        self.version(self.scenario.clone())
    }

    /// The short version of the scenario: this many messages at most, of two keys at most, so that
    /// a person can follow it and messages of one key still meet.
    pub(crate) fn short(&self, messages: u32) -> Version<'_> {
        let mut scenario = self.scenario.clone();
        scenario.limits.steps = scenario.limits.steps.min(SHORT_STEPS);
        let workload = &mut scenario.workload;
        workload.messages = Some(workload.message_count().min(messages));
        if workload.from.is_none() {
            workload.keys = Some(workload.key_count().min(SHORT_KEYS));
        }
        self.version(scenario)
    }

    /// The version that runs live: this many messages at most.
    pub(crate) fn live(&self, messages: u32) -> Version<'_> {
        let mut scenario = self.scenario.clone();
        scenario.workload.messages = Some(messages);
        self.version(scenario)
    }

    /// The version that is explored in a scope. Its messages have no times, so they are made up
    /// even if the scenario's are recorded.
    pub(crate) fn explored(&self, scope: Scope) -> Version<'_> {
        Version { rows: None, ..self.version(scope.of(&self.scenario)) }
    }

    /// The version that a replay string names.
    pub(crate) fn sized(&self, size: &Size) -> Result<Version<'_>, Failure> {
        Ok(match size {
            Size::Full => self.full(),
            Size::Short(messages) => self.short(*messages),
            Size::Explored { subscription, messages, consumers, partitions } => {
                let subscription = self.subscription(subscription)?;
                let (messages, consumers, partitions) = (*messages, *consumers, *partitions);
                self.explored(Scope { subscription, messages, consumers, partitions })
            }
        })
    }

    /// The subscription of this name.
    pub(crate) fn subscription(&self, name: &str) -> Result<SubscriptionId, Failure> {
        let names = self.scenario.subscription_names();
        let index = names.iter().position(|known| *known == name);
        index.map(|index| SubscriptionId(index as u8)).ok_or_else(|| {
            Failure::new(format!(
                "{}: there is no subscription `{name}`\n  help: there are {}",
                self.path,
                names.join(", ")
            ))
        })
    }

    fn version(&self, scenario: Scenario) -> Version<'_> {
        let planner = Planner::new(&scenario);
        Version { scenario, planner, rows: self.rows.as_ref() }
    }
}

/// How many steps a short version may take: it comes to rest within some hundreds, or not at all.
const SHORT_STEPS: u64 = 5_000;
/// How many keys a short version has.
const SHORT_KEYS: u32 = 2;
