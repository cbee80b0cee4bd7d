//! A thousand deaths and stalls: every strategy keeps its promise, and what promises less is caught.

use std::rc::Rc;

use entrega_checker::{Class, Report, Verdict};
use entrega_clients::Strategy;
use entrega_live::{Clock, LiveSink, Side};
use entrega_model::{Guarantee, Model};

use crate::harness::{Harmed, Plan, harmed, harms_of};
use crate::stage::{Stage, log, memory, queue};

const PLAN: Plan = Plan { seed: 1, harms: 1_000, consumers: 3, loses_one_in: 50 };

async fn run(strategy: Strategy, model: Model, plan: Plan) -> (Report, (u32, u32)) {
    let sink = memory(strategy, model);
    match model {
        Model::Log => run_on(log(), model, strategy, sink, plan).await,
        Model::Queue => run_on(queue(), model, strategy, sink, plan).await,
    }
}

async fn run_on<B: Side<Request: Harmed>, S: LiveSink>(
    broker: B,
    model: Model,
    strategy: Strategy,
    sink: S,
    plan: Plan,
) -> (Report, (u32, u32)) {
    let stage = Rc::new(Stage::new(broker, model, strategy, sink, Clock::new(), 100));
    let report = harmed(&stage, plan).await;
    (report, harms_of(&stage))
}

fn count(report: &Report, class: Class) -> u64 {
    report.subscriptions[0].classes.get(class)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_deaths_and_stalls_break_no_promise_of_exactly_one_effect() {
    for model in [Model::Log, Model::Queue] {
        for strategy in [Strategy::ProgressWithEffect, Strategy::DeduplicatingSink] {
            assert_eq!(strategy.guarantee(model), Guarantee::ExactlyOnceEffect);
            let (report, (deaths, stalls)) = run(strategy, model, PLAN).await;
            println!("{strategy} {model} {deaths} {stalls} {:?}", report.sends);
            let of = format!("{strategy} on a {model}: {report:#?}");
            assert!(deaths + stalls >= 990 && deaths >= 300 && stalls >= 300, "{deaths} {stalls}");
            assert_eq!(report.verdict, Verdict::Valid, "{of}");
            assert_eq!(count(&report, Class::Exact), report.sends.ok, "{of}");
        }
    }
}
