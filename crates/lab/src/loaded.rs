//! A scenario with its name and its digest, and the versions of it that are run.
//!
//! > **The rule.** No file is read here. The caller passes the text, and a function that reads the
//! > files that the scenario names.

use std::fmt::Write;

use entrega_clients::Strategy;
use entrega_model::printable::printable;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::workload::{Extent, Planner, Workload};
use entrega_scenario::{ErrorPolicy, Loaded, Problem, Rows, Scenario, ScenarioDigest, Written};
use entrega_sim::explore::Scope;

use crate::configuration::{Configuration, Unfit};
use crate::replay_string::{Course, Overrides, ReplayString};
use crate::size::{Reduction, Size};

/// A scenario, and what is known of the text that it was read from.
pub struct LoadedScenario {
    /// What the text is called, as in a command that a person copies: the path of its file.
    pub name: String,
    /// What the program is called in such a command: `entrega`, unless the caller knows better.
    pub program: String,
    /// The scenario, with the overrides applied.
    pub scenario: Scenario,
    /// Names the scenario as written.
    pub digest: ScenarioDigest,
    /// What `--set` changed.
    pub overrides: Vec<(String, String)>,
    /// What of it was written, in the text or by an override.
    pub written: Vec<Written>,
    /// What it asks of the system of its profile that this cannot do.
    pub beyond_profile: Vec<Problem>,
    rows: Option<Rows>,
}

/// The scenario itself or a smaller version of it, ready to plan workloads.
pub struct Version<'a> {
    /// The scenario of this version.
    pub scenario: Scenario,
    planner: Planner,
    rows: Option<&'a Rows>,
}

impl Version<'_> {
    /// How many messages its workload has.
    pub fn messages(&self) -> u64 {
        let most = u64::from(self.scenario.workload.message_count());
        self.rows.map_or(most, |rows| most.min(rows.rows.len() as u64))
    }

    /// What the messages for a seed come to.
    pub(crate) fn extent(&self, seed: u64) -> Extent {
        self.planner.extent(self.rows, seed)
    }

    /// The messages for a seed.
    pub fn workload(&self, seed: u64) -> Workload {
        self.planner.plan(self.rows, seed)
    }
}

impl LoadedScenario {
    /// Parses a scenario that names no other file.
    ///
    /// # Errors
    /// The first mistake in it, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        Self::load(name, text, &[], &|_| Err("no file stands beside this scenario".to_owned()))
    }

    /// Parses a scenario under overrides. `beside` reads a file that the scenario names, such as a
    /// recorded workload; its error is a reason in words.
    ///
    /// # Errors
    /// The first mistake in it, with its place.
    pub fn load(
        name: &str,
        text: &str,
        overrides: &[(String, String)],
        beside: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Problem> {
        let loaded = Scenario::parse(name, text, overrides, beside)?;
        Ok(Self::of(name, loaded, overrides))
    }

    /// A scenario that was read before, perhaps elsewhere, under these overrides.
    pub fn of(name: &str, loaded: Loaded, overrides: &[(String, String)]) -> Self {
        let Loaded { mut scenario, digest, written, rows, beyond_profile } = loaded;
        scenario.workload.recorded_wait = rows.as_ref().and_then(Rows::longest_wait);
        let (name, overrides) = (name.to_owned(), overrides.to_vec());
        let program = "entrega".to_owned();
        Self { name, program, scenario, digest, overrides, written, beyond_profile, rows }
    }

    /// Whether a model and a strategy can do what the scenario's settings ask of them. Its own were
    /// checked when it was parsed; others were not.
    ///
    /// # Errors
    /// [`Unfit::RequeueOnLog`], [`Unfit::RetryTopicOnLog`], [`Unfit::WorkerLostOnLog`],
    /// [`Unfit::Setting`].
    pub fn allows(&self, configuration: Configuration) -> Result<(), Unfit> {
        let Configuration { model, strategy } = configuration;
        if model == Model::Log {
            self.allowed_on_log()?;
        }
        let fits = self.scenario.fits(model, strategy);
        fits.map_err(|problem| {
            let scenario = self.name.clone();
            Unfit::Setting { scenario, configuration, problem }
        })
    }

    fn allowed_on_log(&self) -> Result<(), Unfit> {
        let (scenario, consumer) = (self.name.clone(), &self.scenario.consumer);
        if let Some(policy) = consumer.on_error.gives_back() {
            return Err(Unfit::RequeueOnLog { scenario, policy });
        }
        if consumer.on_error == ErrorPolicy::RetryTopic {
            return Err(Unfit::RetryTopicOnLog { scenario });
        }
        if consumer.worker_lost.is_some() {
            return Err(Unfit::WorkerLostOnLog { scenario });
        }
        Ok(())
    }

    /// Whether a strategy runs on a model at all, for a pair that was asked for by name.
    ///
    /// # Errors
    /// [`Unfit::Unsupported`].
    pub fn supports(&self, configuration: Configuration) -> Result<(), Unfit> {
        if configuration.is_supported() {
            return Ok(());
        }
        Err(Unfit::Unsupported { scenario: self.name.clone(), configuration })
    }

    /// The configurations of some models and strategies, as far as the models support them; of an
    /// empty list, what the scenario names.
    ///
    /// # Errors
    /// [`Unfit::Unsupported`] if no model supports any of the strategies.
    pub fn configurations(
        &self,
        models: &[Model],
        strategies: &[Strategy],
    ) -> Result<Vec<Configuration>, Unfit> {
        let models = if models.is_empty() { &self.scenario.models } else { models };
        let strategies = if strategies.is_empty() { &self.scenario.strategies } else { strategies };
        let all = Configuration::all(models, strategies);
        let first = all.first().copied();
        let supported: Vec<_> = all.into_iter().filter(|one| one.is_supported()).collect();
        if let ([], Some(first)) = (supported.as_slice(), first) {
            self.supports(first)?;
        }
        Ok(supported)
    }

    /// What the scenario is called: its title, or its name if it has none.
    pub fn title(&self) -> &str {
        if self.scenario.title.is_empty() { &self.name } else { &self.scenario.title }
    }

    /// The string that repeats a run of this size.
    pub(crate) fn replay_string(
        &self,
        configuration: Configuration,
        seed: u64,
        size: Size,
        course: Course,
    ) -> ReplayString {
        let (digest, overrides) = (self.digest.to_string(), Overrides::of(&self.overrides));
        ReplayString { digest, seed, configuration, size, overrides, course }
    }

    /// The command that prints a run. It repeats overrides that the string only stands for.
    pub fn replay_command(&self, replay: &ReplayString) -> String {
        let (program, name) = (shell_word(&self.program), shell_word(&self.name));
        let mut command = replay.command(&program, &name);
        if let Overrides::Digest(_) = replay.shown_overrides() {
            for (path, value) in &self.overrides {
                let _ = write!(command, " --set {}", shell_word(&format!("{path}={value}")));
            }
        }
        command
    }

    /// The scenario as it is.
    pub fn full(&self) -> Version<'_> {
        self.version(self.scenario.clone())
    }

    /// The scenario as it is, but that it ends after so many messages or steps. Fewer messages have
    /// fewer keys, so that as many as before have the same one.
    pub fn cut(&self, messages: u32, steps: u64) -> Version<'_> {
        let mut scenario = self.scenario.clone();
        scenario.limits.steps = scenario.limits.steps.min(steps);
        let workload = &mut scenario.workload;
        let (all, first) = (workload.message_count(), workload.message_count().min(messages));
        if first < all && workload.from.is_none() {
            let keys = u64::from(workload.key_count()) * u64::from(first) / u64::from(all);
            workload.keys = Some(u32::try_from(keys).unwrap_or(u32::MAX).max(1));
        }
        workload.messages = Some(first);
        self.version(scenario)
    }

    /// The short version of the scenario: this many messages at most, of two keys at most, so that
    /// a person can follow it and messages of one key still meet.
    pub fn short(&self, messages: u32) -> Version<'_> {
        let mut scenario = self.scenario.clone();
        scenario.limits.steps = scenario.limits.steps.min(SHORT_STEPS);
        let workload = &mut scenario.workload;
        workload.messages = Some(workload.message_count().min(messages));
        if workload.from.is_none() {
            workload.keys = Some(workload.key_count().min(SHORT_KEYS));
        }
        self.version(scenario)
    }

    /// The version with less of some things. Faults, keys and times are those of the scenario, so
    /// that the run itself grows smaller.
    pub fn reduced(&self, reduction: &Reduction) -> Version<'_> {
        let mut scenario = self.scenario.clone();
        reduction.reduce(&mut scenario);
        self.version(scenario)
    }

    /// The version that runs live: this many messages at most.
    pub fn live(&self, messages: u32) -> Version<'_> {
        let mut scenario = self.scenario.clone();
        scenario.workload.messages = Some(messages);
        self.version(scenario)
    }

    /// The version that is explored in a scope. Its messages have no times, so they are made up
    /// even if the scenario's are recorded.
    pub fn explored(&self, scope: Scope) -> Version<'_> {
        Version { rows: None, ..self.version(scope.of(&self.scenario)) }
    }

    /// The version that a replay string names.
    ///
    /// # Errors
    /// [`Unfit::NoSubscription`].
    pub fn sized(&self, size: &Size) -> Result<Version<'_>, Unfit> {
        Ok(match size {
            Size::Full => self.full(),
            Size::Short(messages) => self.short(*messages),
            Size::Reduced(reduction) => self.reduced(reduction),
            Size::Explored { subscription, messages, consumers, partitions } => {
                let subscription = self.subscription(subscription)?;
                let (messages, consumers, partitions) = (*messages, *consumers, *partitions);
                self.explored(Scope { subscription, messages, consumers, partitions })
            }
        })
    }

    /// The subscription of this name.
    ///
    /// # Errors
    /// [`Unfit::NoSubscription`].
    pub fn subscription(&self, name: &str) -> Result<SubscriptionId, Unfit> {
        let names = self.scenario.subscription_names();
        let index = names.iter().position(|known| *known == name);
        index.map(|index| SubscriptionId(index as u8)).ok_or_else(|| Unfit::NoSubscription {
            scenario: self.name.clone(),
            asked: name.to_owned(),
            valid: names.join(", "),
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

/// A text as one word of a shell, and fit for a terminal.
pub fn shell_word(text: &str) -> String {
    if printable(text) != text {
        let byte = |byte: u8| match byte {
            b'!'..=b'~' if byte != b'\'' && byte != b'\\' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        return format!("$'{}'", text.bytes().map(byte).collect::<String>());
    }
    let plain = |c: char| c.is_alphanumeric() || "/._-=".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file may say for the models and strategies that it names, others refuse by name.
    #[test]
    fn a_setting_that_a_model_cannot_do_is_refused() {
        let check = |text: &str, configuration: Configuration, expect: Option<&str>| {
            let loaded = LoadedScenario::parse("x.toml", text).expect("a scenario");
            let said = loaded.allows(configuration).err().map(|unfit| unfit.to_string());
            let said = said.as_deref().map(|said| said.split("\n  help: ").next().unwrap_or(said));
            assert_eq!(said, expect, "{text}");
        };
        let with = |model, strategy| Configuration { model, strategy };
        let on = |model| with(model, Strategy::Transactional);
        let log = "models = ['log']\nstrategies = ['transactional']\n";
        let checkpoint = format!("{log}consumer.transaction_offsets = 'checkpoint'");
        check(&checkpoint, on(Model::Log), None);
        check(
            &checkpoint,
            on(Model::Queue),
            Some(
                "x.toml: consumer.transaction_offsets is impossible on the queue with transactional: \
                 on a queue `transactional` settles and publishes in one step: nothing is prepared",
            ),
        );
        check(&checkpoint, with(Model::Queue, Strategy::ProcessThenSettle), None);
        let no_product = format!("{log}queue.atomic_publish = false");
        check(
            &no_product,
            on(Model::Queue),
            Some(
                "x.toml: queue.atomic_publish is impossible on the queue with transactional: on a \
                 queue `transactional` settles and publishes in one step, which this one cannot",
            ),
        );
        let queue = "models = ['queue']\n";
        let abandon = format!("{queue}consumer.batch_on_failure = 'abandon'");
        check(
            &abandon,
            with(Model::Log, Strategy::MicroBatch),
            Some(
                "x.toml: consumer.batch_on_failure is impossible on the log with micro-batch: \
                 `abandon` leaves a batch to the end of its leases, and a log has none",
            ),
        );
        let renewal = format!("{queue}consumer.lease_renewal = '10s'");
        check(
            &renewal,
            on(Model::Queue),
            Some(
                "x.toml: consumer.lease_renewal is impossible on the queue with transactional: what \
                 `transactional` has settled on a queue its library would renew for ever",
            ),
        );
        check(&format!("{queue}sink.dedup = 'atomic'"), on(Model::Queue), None);
    }
}
