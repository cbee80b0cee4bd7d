//! Something to count instructions of: one or more judged runs, and one line.
//!
//! Instructions do not depend on who else uses the machine, so they show a change of one per cent
//! that a clock would not. `benches/instructions.sh` runs this under callgrind for two sizes and
//! divides the difference of the counts by the difference of the sizes: what it costs to start
//! cancels out. Consumers take one message at a time, and one effect in 200 is followed by a crash.
//! With `--schedules N` it makes the first N runs of an exploration instead, each judged.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env;
use std::hint::black_box;

use entrega::{Exploration, Laboratory};
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Planner;
use entrega_sim::Experiment;
use entrega_sim::explore::{Scope, Space};

const SCENARIO: &str = include_str!("long-run.toml");

/// What is to be run.
struct Asked {
    model: Model,
    /// In each run.
    messages: u32,
    /// Each of another workload, all in one laboratory.
    runs: u64,
    /// How many schedules of an exploration to run instead; 0 for none.
    schedules: u64,
}

fn main() {
    let asked = asked(env::args().skip(1));
    if asked.schedules > 0 { explore(&asked) } else { simulate(&asked) }
}

/// One run after the other, seed by seed.
fn simulate(asked: &Asked) {
    let scenario = scenario(asked.messages);
    let planner = Planner::new(&scenario);
    let mut laboratory = Laboratory::new(&scenario, asked.model, Strategy::ProcessThenSettle);
    let (mut effects, mut steps) = (0, 0);
    for seed in 1..=asked.runs {
        let workload = planner.plan(None, seed);
        let report = laboratory.run(black_box(&workload), seed);
        effects += report.subscriptions[0].effects;
        steps += laboratory.outcome().map_or(0, |outcome| outcome.steps);
    }
    let Asked { model, messages, runs, .. } = asked;
    println!("{model}: {runs} runs of {messages} messages, {effects} effects, {steps} steps");
}

/// The beginning of a space that is large enough for so many schedules on both brokers: of four
/// faults and three changes of order.
fn explore(asked: &Asked) {
    let &Asked { model, schedules, .. } = asked;
    let subscription = SubscriptionId(0);
    let scope = Scope { subscription, messages: 3, consumers: 2, partitions: 1 };
    let scenario = scope.of(&scenario(3));
    let workload = Planner::new(&scenario).plan(None, 1);
    let strategy = Strategy::ProcessThenSettle;
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let space = Space::of(&scenario, 4, 3);
    let exploration = Exploration { experiment, space, budget: schedules, cuts: true };
    let explored = black_box(&exploration).run();
    assert_eq!(explored.schedules, schedules, "the space is too small");
    println!("{model}: {} schedules, {} states", explored.schedules, explored.states);
}

/// The scenario with so many messages, received one at a time.
fn scenario(messages: u32) -> Scenario {
    let overrides = [
        ("workload.messages".to_owned(), messages.to_string()),
        ("consumer.prefetch".to_owned(), "1".to_owned()),
    ];
    match Scenario::parse("bench.toml", SCENARIO, &overrides, &|_| Err("no files".to_owned())) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

/// Reads `--messages N --model log|queue --runs N --schedules N`, in any order; what is unknown is
/// left out, because `cargo bench` adds words of its own.
fn asked(mut words: impl Iterator<Item = String>) -> Asked {
    let mut asked = Asked { model: Model::Queue, messages: 10_000, runs: 1, schedules: 0 };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--messages" => asked.messages = number(words.next()),
            "--runs" => asked.runs = u64::from(number(words.next())),
            "--schedules" => asked.schedules = u64::from(number(words.next())),
            "--model" if words.next().as_deref() == Some("log") => asked.model = Model::Log,
            _ => {}
        }
    }
    asked
}

fn number(word: Option<String>) -> u32 {
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("a number is missing"))
}
