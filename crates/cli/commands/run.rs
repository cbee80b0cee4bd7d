//! `entrega run`: one configuration of a scenario in full.

mod notes;
mod record;
mod text;

use std::process::ExitCode;

use entrega::{Judged, judge};
use entrega_choice::format_choices;
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Cast;
use entrega_scenario::Scenario;
use entrega_sim::Experiment;
use serde::Serialize;

use crate::args::{Format, RunArgs};
use crate::expect::{self, Expected, Found};
use crate::failure::Failure;
use crate::lab::files::LoadedScenario;
use crate::lab::replay_string::{ReplayString, Size};
use crate::lab::unread;
use crate::output;
use notes::Notes;

/// Runs the command.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let loaded = LoadedScenario::read(&args.file, &args.set)?;
    let workload = loaded.full().workload(args.seed);
    let scenario = &loaded.scenario;
    let (model, strategy) = chosen(args, scenario)?;
    loaded.allows(model)?;
    loaded.supports(model, strategy)?;
    unread::warnings(&loaded, &[strategy]).iter().for_each(|one| output::warn(one));
    let experiment = Experiment { scenario, workload: &workload, model, strategy, seed: args.seed };
    let mut notes = Notes::default();
    let choices = experiment.random_choices();
    let judged = match &args.history {
        None => judge(&experiment, choices, &mut notes),
        Some(file) => record::recorded(&experiment, choices, &mut notes, file)?,
    };
    let result = RunResult::new(&loaded, &experiment, judged, notes);
    let text = match args.format {
        Format::Text => text::render(&result),
        Format::Json => output::json(&result.json())?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(super::code(result.expected.iter().all(|one| one.holds)))
}

/// What was asked for. What was left open is the scenario's first that goes with it, or else the
/// first.
fn chosen(args: &RunArgs, scenario: &Scenario) -> Result<(Model, Strategy), Failure> {
    let models = args.model.map_or_else(|| scenario.models.clone(), |model| vec![model]);
    let strategies = args.strategy.map_or_else(|| scenario.strategies.clone(), |one| vec![one]);
    let pairs = || {
        models.iter().flat_map(|&model| strategies.iter().map(move |&strategy| (model, strategy)))
    };
    pairs()
        .find(|(model, strategy)| strategy.supports(*model))
        .or_else(|| pairs().next())
        .ok_or_else(|| Failure::new("the scenario names no model or no strategy"))
}

/// A run and everything that is told of it.
struct RunResult<'a> {
    loaded: &'a LoadedScenario,
    experiment: &'a Experiment<'a>,
    cast: Cast,
    judged: Judged,
    notes: Notes,
    expected: Vec<Expected>,
    replay: ReplayString,
}

impl<'a> RunResult<'a> {
    fn new(
        loaded: &'a LoadedScenario,
        experiment: &'a Experiment<'a>,
        judged: Judged,
        notes: Notes,
    ) -> Self {
        let Experiment { scenario, model, strategy, seed, .. } = *experiment;
        let choices = &judged.outcome.choices;
        let replay = ReplayString {
            digest: loaded.digest.to_string(),
            seed,
            model,
            strategy,
            size: Size::Full,
            overrides: loaded.overrides.clone(),
            choices: format_choices(choices.table(), choices.made()),
        };
        let names = scenario.subscription_names();
        let found: Vec<Found<'_>> = names
            .into_iter()
            .zip(&judged.report.subscriptions)
            .map(|(subscription, of)| Found {
                subscription,
                verdict: of.verdict,
                classes: &of.classes,
                reordered: of.order.reordered,
                redeliveries: of.redeliveries,
            })
            .collect();
        let expected = expect::checked(scenario, model, strategy, &found);
        Self { loaded, experiment, cast: Cast::of(scenario), judged, notes, expected, replay }
    }

    /// How often each fault was injected: point, alternative, count.
    fn faults(&self) -> Vec<InjectedFault> {
        let choices = &self.judged.outcome.choices;
        let mut faults: Vec<InjectedFault> = Vec::new();
        for (point, spec) in (0..).map(entrega_choice::Point).zip(choices.table().iter()) {
            for (value, alternative) in (1..).zip(spec.alternatives) {
                let made = choices.made().iter();
                let count =
                    made.filter(|one| (one.point, one.value) == (point, value)).count() as u64;
                let occurrences = choices.occurrences(point);
                let (point, alternative) = (spec.name.clone(), *alternative);
                faults.push(InjectedFault { point, alternative, count, occurrences });
            }
        }
        faults.retain(|fault| fault.count > 0);
        faults
    }

    fn json(&self) -> RunJson<'_> {
        let Experiment { model, strategy, seed, .. } = *self.experiment;
        RunJson {
            schema: "entrega.run.v1",
            scenario: &self.loaded.path,
            title: &self.loaded.scenario.title,
            scenario_digest: self.loaded.digest.to_string(),
            overrides: &self.loaded.overrides,
            model: model.to_string(),
            strategy: strategy.to_string(),
            seed,
            digest: self.notes.digest.to_string(),
            steps: self.judged.outcome.steps,
            ended_at_ns: self.judged.outcome.ended_at.as_nanos(),
            phases: &self.notes.phases,
            faults: self.faults(),
            subscription_names: self.cast.subscriptions(),
            report: &self.judged.report,
            expected: &self.expected,
            replay: self.replay.to_string(),
        }
    }
}

/// A kind of fault that was injected.
#[derive(Serialize)]
struct InjectedFault {
    point: String,
    alternative: &'static str,
    count: u64,
    /// How often it could have been.
    occurrences: u32,
}

/// The result for programs. Durations and points of time are in nanoseconds.
#[derive(Serialize)]
struct RunJson<'a> {
    schema: &'static str,
    scenario: &'a str,
    title: &'a str,
    scenario_digest: String,
    overrides: &'a [(String, String)],
    model: String,
    strategy: String,
    seed: u64,
    digest: String,
    steps: u64,
    ended_at_ns: u64,
    phases: &'a [notes::PhaseNote],
    faults: Vec<InjectedFault>,
    subscription_names: &'a [String],
    report: &'a entrega_checker::Report,
    expected: &'a [Expected],
    replay: String,
}
