//! A run for programs. Durations and points of time are in nanoseconds.

use std::collections::BTreeMap;

use entrega_checker::{Counter, Report};
use entrega_lab::Configuration;
use entrega_lab::expect::Expected;
use entrega_lab::run::{InjectedFault, PhaseNote, Run, TakenAlong};
use serde::Serialize;

/// The name and version of this form.
const SCHEMA: &str = "entrega.run.v1";

/// A run for programs.
#[derive(Serialize)]
pub struct Document<'a> {
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
    phases: &'a [PhaseNote],
    faults: Vec<InjectedFault>,
    subscription_names: &'a [String],
    report: &'a Report,
    /// Why each subscription's verdict is unknown; empty if it is not.
    why: Vec<&'a [String]>,
    /// The critical windows that the faults should have hit and did not, for each subscription.
    untouched: Vec<&'a [Counter]>,
    /// What to write in the scenario, by subscription.
    hints: BTreeMap<&'a str, &'a str>,
    taken_along: Vec<TakenAlong>,
    expected: &'a [Expected],
    replay: String,
}

/// The run as a document.
pub fn document<'a>(run: &'a Run<'_>) -> Document<'a> {
    let Configuration { model, strategy } = run.configuration;
    let (loaded, outcome) = (run.loaded, &run.judged.outcome);
    Document {
        schema: SCHEMA,
        scenario: &loaded.name,
        title: &loaded.scenario.title,
        scenario_digest: loaded.digest.to_string(),
        overrides: &loaded.overrides,
        model: model.to_string(),
        strategy: strategy.to_string(),
        seed: run.seed,
        digest: run.digest.to_string(),
        steps: outcome.steps,
        ended_at_ns: outcome.ended_at.as_nanos(),
        phases: &run.phases,
        faults: run.faults(),
        subscription_names: run.cast.subscriptions(),
        report: &run.judged.report,
        why: run.judgements.iter().map(|one| &*one.why).collect(),
        untouched: run.judgements.iter().map(|one| &*one.untouched).collect(),
        hints: run.hints().into_iter().collect(),
        taken_along: run.taken_along(),
        expected: &run.expected,
        replay: run.replay.to_string(),
    }
}
