//! Runs in memory that was used before go as runs in new memory do.
//!
//! Goal: no run can observe in which memory it takes place. Method: the same runs, of both models
//! and all strategies, with faults of every kind, are made in one arena and each in one of its own,
//! and their whole histories compared. The scenario changes now and then, so that a world is kept
//! that does not fit. That something left behind would be seen is tested in `world::beginning`.

use entrega_clients::Strategy;
use entrega_model::{Event, Model};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_sim::{Arena, Experiment};

const SCENARIO: &str = r#"
[workload]
messages = 25
keys = 7
arrivals = { distribution = "poisson", rate_per_second = 2 }

[[subscriptions]]
name = "mailer"
consumers = 2

[[subscriptions]]
name = "analytics"

[consumer]
prefetch = 5
request_timeout = "1s"
auto_commit_interval = "200ms"

[log]
partitions = 3
session_timeout = "6s"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "6s"

[network]
jitter = "2ms"

[faults]
send.request = { lost = 0.05, late = 0.05, duplicated = 0.05 }
broker.restart = { restart = 0.01 }
effect.after = { crash = 0.05 }
process.stall = { before = 0.02, after = 0.02 }
settle.request = { lost = 0.05 }
handler.error = { transient = 0.05 }
"#;

fn scenario(consumers: u32) -> Scenario {
    let overrides = [("subscriptions.mailer.consumers".to_owned(), consumers.to_string())];
    match Scenario::parse("arena.toml", SCENARIO, &overrides, &|_| Err("no files".to_owned())) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

/// The whole history of a run.
fn history(arena: &mut Arena, experiment: &Experiment<'_>) -> (Vec<Event>, u64) {
    let mut events = Vec::new();
    let outcome = experiment.run_in(arena, experiment.random_choices(), &mut events);
    (events, outcome.steps)
}

#[test]
fn an_arena_cannot_be_told_from_a_new_one() {
    let scenarios = [scenario(2), scenario(3)];
    let mut arena = Arena::default();
    for (seed, scenario) in (1..=6).zip([0, 0, 1, 0, 1, 1].map(|which| &scenarios[which])) {
        let workload = &Workload::generate(scenario, None, seed);
        for model in [Model::Log, Model::Queue] {
            for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
                let experiment = Experiment { scenario, workload, model, strategy, seed };
                let (kept, kept_steps) = history(&mut arena, &experiment);
                let (new, new_steps) = history(&mut Arena::default(), &experiment);
                assert!(kept == new, "{model} {strategy} {seed}");
                assert_eq!(kept_steps, new_steps, "{model} {strategy} {seed}");
            }
        }
    }
}
