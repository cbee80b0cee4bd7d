//! How fast the simulator is: messages a second in a long run, and short runs a second.
//!
//! Two figures, because they depend on different things. A sweep over seeds is long runs, where an
//! event must be cheap; exploring and shrinking are thousands of runs of a few messages, where
//! building a world must be. `benches/README.md` says how to run and read this.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use entrega::Laboratory;
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Scenario;
use entrega_scenario::workload::{Planner, Workload};

const SCENARIO: &str = include_str!("long-run.toml");

/// Messages in a long run; one effect in 200 is followed by a crash.
const LONG: u32 = 10_000;
/// Messages in a short run.
const SHORT: u32 = 10;

fn scenario(messages: u32) -> Scenario {
    let overrides = [("workload.messages".to_owned(), messages.to_string())];
    match Scenario::parse("bench.toml", SCENARIO, &overrides, &|_| Err("no files".to_owned())) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

/// A long run, checker on, recorder off.
fn messages(criterion: &mut Criterion) {
    let scenario = scenario(LONG);
    let workload = Workload::generate(&scenario, None, 1);
    let mut group = criterion.benchmark_group("messages");
    group.throughput(Throughput::Elements(LONG.into()));
    for model in [Model::Log, Model::Queue] {
        let strategy = Strategy::ProcessThenSettle;
        let mut laboratory = Laboratory::new(&scenario, model, strategy);
        let id = BenchmarkId::new(strategy.name(), model);
        group.bench_function(id, |bencher| {
            bencher.iter(|| laboratory.run(black_box(&workload), 1));
        });
    }
    group.finish();
}

/// Short runs, workload and checker included, under another seed each time. What does not depend
/// on the seed is prepared once, and all of them use the same memory, as `compare` does.
fn fresh_runs(criterion: &mut Criterion) {
    let scenario = scenario(SHORT);
    let planner = Planner::new(&scenario);
    let mut group = criterion.benchmark_group("fresh-runs");
    group.throughput(Throughput::Elements(1));
    for model in [Model::Log, Model::Queue] {
        let strategy = Strategy::ProcessThenSettle;
        let mut laboratory = Laboratory::new(&scenario, model, strategy);
        let mut seed = 0;
        let id = BenchmarkId::new(strategy.name(), model);
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                seed += 1;
                let workload = planner.plan(None, seed);
                laboratory.run(black_box(&workload), seed)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    targets = messages, fresh_runs
}
criterion_main!(benches);
