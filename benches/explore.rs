//! How fast explorations are: schedules and states a second, and the time beside a model checker
//! that checks a model of the same protocol made by hand.
//!
//! A model checker goes from state to state; an exploration has code to run, so it makes every run
//! anew from its list of choices. What that costs is the ratio that the last lines print.
//! `benches/README.md` says how to run and read this.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_types, reason = "a benchmark looks at the clock")]

#[path = "explore/model.rs"]
mod model;
#[path = "explore/protocol.rs"]
mod protocol;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use entrega::Exploration;
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::{FAULTS, FaultInfo, Site};
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::Experiment;
use entrega_sim::explore::{Scope, Space};
use stateright::{Checker, Model as _};

use model::Protocol;
use protocol::{Setting, checked_outcomes};

const SCENARIO: &str = r#"
[workload]
messages = 3
keys = 2

[[subscriptions]]
name = "reader"
consumers = 2

[consumer]
prefetch = 2
request_timeout = "1s"

[log]
session_timeout = "6s"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "10s"

[faults]
"#;

/// What goes wrong in the explorations of the first group.
const CRASHES_AND_SETTLES: &str = r#"
effect.before = { crash = 0.1 }
effect.after = { crash = 0.1 }
settle.request = { lost = 0.1, late = 0.1 }
settle.response = { lost = 0.1 }
"#;

/// Of a space that is too large to be completed here, so many runs are made.
const SOME: u64 = 5_000;

/// So many times each side of the comparison runs, in turn.
const ROUNDS: usize = 60;

/// A small scenario with its messages.
struct Small {
    scenario: Scenario,
    workload: Workload,
}

impl Small {
    fn new(faults: &str) -> Self {
        let text = SCENARIO.to_owned() + faults;
        let loaded = Scenario::parse("bench.toml", &text, &[], &|_| Err("no files".to_owned()));
        let loaded = loaded.unwrap_or_else(|problem| panic!("{problem}"));
        let scope =
            Scope { subscription: SubscriptionId(0), messages: 3, consumers: 2, partitions: 1 };
        let scenario = scope.of(&loaded.scenario);
        let workload = Planner::new(&scenario).plan(None, 1);
        Self { scenario, workload }
    }

    fn exploration(&self, model: Model, faults: u8, preemptions: u8) -> Exploration<'_> {
        let Self { scenario, workload } = self;
        let strategy = Strategy::ProcessThenSettle;
        let experiment = Experiment { scenario, workload, model, strategy, seed: 1 };
        let space = Space::of(scenario, faults, preemptions);
        Exploration { experiment, space, budget: u64::MAX, cuts: true }
    }
}

/// Whole explorations, with one fault and with two: schedules a second, then states a second.
fn explorations(criterion: &mut Criterion) {
    let small = Small::new(CRASHES_AND_SETTLES);
    for unit in ["schedules", "states"] {
        let mut group = criterion.benchmark_group(unit);
        for model in [Model::Log, Model::Queue] {
            for faults in [1, 2] {
                let exploration = small.exploration(model, faults, 0);
                let explored = exploration.run();
                assert!(explored.complete);
                let count = if unit == "states" { explored.states } else { explored.schedules };
                group.throughput(Throughput::Elements(count));
                let id = BenchmarkId::new(format!("{faults}-faults"), model);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| black_box(&exploration).run());
                });
            }
        }
        group.finish();
    }
}

/// The beginning of a large space: two faults of any kind and a change of order.
fn beginnings(criterion: &mut Criterion) {
    let small = Small::new(&every_fault());
    let mut group = criterion.benchmark_group("everything");
    group.throughput(Throughput::Elements(SOME)).sample_size(10);
    for model in [Model::Log, Model::Queue] {
        let exploration = Exploration { budget: SOME, ..small.exploration(model, 2, 1) };
        group.bench_function(BenchmarkId::new("2-faults", model), |bencher| {
            bencher.iter(|| black_box(&exploration).run());
        });
    }
    group.finish();
}

/// A table of every fault that a log without replicas, and a queue without dead letters of its own,
/// can have.
fn every_fault() -> String {
    let is_elsewhere = |site: Site| site.is_of_replicas() || site == Site::Transfer;
    let can_happen = |info: &&FaultInfo| info.can_happen_by_chance() && !is_elsewhere(info.site);
    let faults = FAULTS.iter().filter(can_happen);
    let row = |name: &str, chances: &[&str]| {
        let chances: Vec<String> = chances.iter().map(|one| format!("{one} = 0.1")).collect();
        format!("{name} = {{ {} }}\n", chances.join(", "))
    };
    faults.map(|info| row(info.name, info.chances())).collect()
}

/// The simulator beside stateright, one thread each: at the same outcomes, and once more with the
/// whole checker as the witness, which tells many more states apart than the model does.
fn against_a_model(criterion: &mut Criterion) {
    let setting = Setting::new();
    for is_log in [true, false] {
        let protocol = Protocol { is_log, crashes: 2, losses: 2 };
        assert_eq!(setting.explored_outcomes(protocol), checked_outcomes(protocol));
        let name = if is_log { "log" } else { "queue" };
        let judged = setting.exploration(protocol);
        let mut group = criterion.benchmark_group("2-crashes-2-lost-settles");
        group.bench_function(BenchmarkId::new("entrega", name), |bencher| {
            bencher.iter(|| black_box(&setting).explored(protocol));
        });
        group.bench_function(BenchmarkId::new("entrega-judged", name), |bencher| {
            bencher.iter(|| black_box(&judged).run());
        });
        group.bench_function(BenchmarkId::new("stateright", name), |bencher| {
            bencher.iter(|| check(black_box(protocol)));
        });
        group.finish();
        if std::env::args().any(|argument| argument == "--bench") {
            print_ratios(name, &setting, protocol);
        }
    }
}

/// How many states stateright sees.
fn check(protocol: Protocol) -> usize {
    protocol.checker().spawn_dfs().join().unique_state_count()
}

/// All sides in turn, and the best time of each: whatever else the machine does can only add.
fn print_ratios(name: &str, setting: &Setting, protocol: Protocol) {
    let judged = setting.exploration(protocol);
    let mut best = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(time(|| setting.explored(protocol).schedules));
        best[1] = best[1].min(time(|| judged.run().schedules));
        best[2] = best[2].min(time(|| check(protocol)));
    }
    let [ours, with_checker, theirs] = best;
    println!("{name}: stateright {theirs:?} for {} states", check(protocol));
    let same = setting.explored(protocol);
    print_ratio("at the same outcomes", ours, theirs, (same.schedules, same.states));
    let judged = judged.run();
    print_ratio("judged by the checker", with_checker, theirs, (judged.schedules, judged.states));
    println!();
}

fn print_ratio(what: &str, ours: Duration, theirs: Duration, (schedules, states): (u64, u64)) {
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("  {what}: {ours:?} for {schedules} schedules and {states} states; ratio {ratio:.1}");
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    targets = explorations, beginnings, against_a_model
}
criterion_main!(benches);
