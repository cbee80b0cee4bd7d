//! A laboratory bench for exact runs: a scenario, overrides, a list of faults, and what came out.

use entrega_choice::{Choices, parse_choices};
use entrega_clients::Strategy;
use entrega_model::event::EffectVerdict;
use entrega_model::{Event, Kind, Model};
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::{Experiment, RunEnd};

/// A run to its end.
pub(crate) struct Run {
    /// Whether it came to rest.
    pub(crate) end: RunEnd,
    /// All that happened.
    pub(crate) events: Vec<Event>,
    /// How many effects each message had.
    pub(crate) effects: Vec<u32>,
    /// How many dead letters each message became.
    pub(crate) dead_letters: Vec<u32>,
    /// Whether every fault of the list was reached.
    pub(crate) reached: bool,
}

impl Run {
    /// How many events are as wanted.
    pub(crate) fn count(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.kind)).count()
    }
}

/// Runs `scenario` with overrides and exactly these faults.
pub(crate) fn run(
    scenario: &str,
    overrides: &[(&str, &str)],
    model: Model,
    strategy: Strategy,
    faults: &str,
) -> Run {
    let overrides: Vec<_> =
        overrides.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("test.toml", scenario, &overrides, &|_| Err("none".to_owned()));
    let scenario = loaded.unwrap_or_else(|problem| panic!("{problem}")).scenario;
    let workload = Workload::generate(&scenario, None, 1);
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, faults).expect("valid choices");
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let mut events = Vec::new();
    let outcome = experiment.run(Choices::explicit(table, choices), &mut events);
    let mut effects = vec![0; workload.planned.len()];
    let mut dead_letters = effects.clone();
    for event in &events {
        match event.kind {
            Kind::Effect { message, verdict: EffectVerdict::Applied, .. } => {
                effects[message.index()] += 1;
            }
            Kind::DeadLettered { message, .. } => dead_letters[message.index()] += 1,
            _ => {}
        }
    }
    let reached = outcome.choices.unused().is_empty();
    Run { end: outcome.end, events, effects, dead_letters, reached }
}
