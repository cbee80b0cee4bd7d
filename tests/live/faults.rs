//! Every strategy under harm: it keeps its promise, and what promises less is caught.

use std::rc::Rc;

use entrega_checker::{Class, Report, Verdict};
use entrega_clients::Strategy;
use entrega_live::{Clock, LiveSink, ServedModel};
use entrega_model::Model;

use crate::harness::{Plan, harmed};
use crate::stage::{Stage, log, memory, queue};

const PLAN: Plan = Plan { seed: 1, harms: 60, consumers: 3, loses_one_in: 50, restarts_one_in: 50 };

async fn run(strategy: Strategy, model: Model, plan: Plan) -> Report {
    let sink = memory(strategy, model);
    match model {
        Model::Log => run_on(log(), model, strategy, sink, plan).await,
        Model::Queue => run_on(queue(), model, strategy, sink, plan).await,
    }
}

async fn run_on<B: ServedModel, S: LiveSink>(
    broker: B,
    model: Model,
    strategy: Strategy,
    sink: S,
    plan: Plan,
) -> Report {
    let stage = Rc::new(Stage::new(broker, model, strategy, sink, Clock::new(), 100));
    harmed(&stage, plan).await
}

fn count(report: &Report, class: Class) -> u64 {
    report.subscriptions[0].classes.get(class)
}

/// The same harm on every strategy of the catalogue, which keeps at least its own promise.
#[tokio::test(start_paused = true)]
async fn every_strategy_keeps_its_promise_under_harm() {
    for model in [Model::Log, Model::Queue] {
        for strategy in
            Strategy::ALL.into_iter().filter(|one| one.supports(model) && one.runs_live())
        {
            let report = run(strategy, model, PLAN).await;
            assert_eq!(report.verdict, Verdict::Valid, "{strategy} on a {model}: {report:#?}");
        }
    }
}

/// Looks for a message of a class, from seed to seed.
async fn find(strategy: Strategy, model: Model, class: Class) {
    for seed in 1..=20 {
        let plan = Plan { seed, harms: 40, ..PLAN };
        let report = run(strategy, model, plan).await;
        if count(&report, class) > 0 {
            return;
        }
    }
    panic!("{strategy} on a {model} never has a message that is {class:?}");
}

/// The opposite: what promises less does less, and is caught.
#[tokio::test(start_paused = true)]
async fn what_promises_less_is_caught() {
    for model in [Model::Log, Model::Queue] {
        find(Strategy::SettleThenProcess, model, Class::Lost).await;
        find(Strategy::ProcessThenSettle, model, Class::Duplicated).await;
        find(Strategy::AutoSettleAtDelivery, model, Class::Lost).await;
        find(Strategy::ParallelNaive, model, Class::Lost).await;
        find(Strategy::ProgressWithEffectUnconditional, model, Class::Duplicated).await;
    }
}
