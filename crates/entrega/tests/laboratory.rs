//! What a laboratory says of a run is what is said of that run by itself.
//!
//! Goal: nothing of one run is left in the judgement of the next. Method: seed after seed, on both
//! brokers, by every strategy, the report of one laboratory is compared with that of a single run.

use entrega::{Laboratory, judge};
use entrega_checker::Report;
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Scenario;
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::Experiment;

const SCENARIO: &str = r#"
[workload]
messages = 12
keys = 3
arrivals = { distribution = "poisson", rate_per_second = 20 }

[[subscriptions]]
name = "mailer"
consumers = 2

[[subscriptions]]
name = "analytics"

[consumer]
request_timeout = "1s"

[log]
partitions = 3
session_timeout = "6s"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "6s"

[faults]
send.response = { lost = 0.1 }
effect.after = { crash = 0.1 }
settle.request = { lost = 0.1 }
"#;

fn scenario() -> Scenario {
    match Scenario::parse("laboratory.toml", SCENARIO, &[], &|_| Err("no files".to_owned())) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

/// The judgement of one run by itself, and how many steps it took.
fn alone(
    scenario: &Scenario,
    workload: &Workload,
    model: Model,
    strategy: Strategy,
    seed: u64,
) -> (Report, u64) {
    let experiment = Experiment { scenario, workload, model, strategy, seed };
    let judged = judge(&experiment, experiment.random_choices(), &mut ());
    (judged.report, judged.outcome.steps)
}

#[test]
fn a_laboratory_says_what_is_said_of_each_run() {
    let scenario = scenario();
    let planner = Planner::new(&scenario);
    for model in [Model::Log, Model::Queue] {
        for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
            let mut laboratory = Laboratory::new(&scenario, model, strategy);
            for seed in 1..=5 {
                let workload = planner.plan(None, seed);
                let report = laboratory.run(&workload, seed);
                let steps = laboratory.outcome().map_or(0, |outcome| outcome.steps);
                let alone = alone(&scenario, &workload, model, strategy, seed);
                assert_eq!((report, steps), alone, "{model} {strategy} {seed}");
            }
        }
    }
}

/// Otherwise the comparison above would not tell one run from another.
#[test]
fn reports_differ_from_seed_to_seed() {
    let scenario = scenario();
    let workload = Planner::new(&scenario).plan(None, 1);
    let mut laboratory = Laboratory::new(&scenario, Model::Queue, Strategy::ProcessThenSettle);
    let [one, two] = [1, 2].map(|seed| laboratory.run(&workload, seed));
    assert_ne!(one, two);
    assert_eq!(laboratory.run(&workload, 1), one);
    laboratory.clear_out();
    assert!(laboratory.outcome().is_none());
    assert_eq!(laboratory.run(&workload, 1), one);
}
