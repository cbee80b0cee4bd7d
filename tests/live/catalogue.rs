//! Every strategy, live and undisturbed: on both brokers it does what it promises, and each message
//! has exactly one effect.

use entrega_checker::{Class, Report, Verdict};
use entrega_clients::Strategy;
use entrega_live::Clock;
use entrega_model::Model;

use crate::stage::{Stage, calm, log, memory, queue};

const MESSAGES: u32 = 60;

async fn run(strategy: Strategy, model: Model) -> Report {
    let (sink, clock) = (memory(strategy, model), Clock::new());
    match model {
        Model::Log => calm(&Stage::new(log(), model, strategy, sink, clock, MESSAGES)).await,
        Model::Queue => calm(&Stage::new(queue(), model, strategy, sink, clock, MESSAGES)).await,
    }
}

#[tokio::test(start_paused = true)]
async fn every_strategy_runs_live_and_keeps_its_promise() {
    for model in [Model::Log, Model::Queue] {
        for strategy in
            Strategy::ALL.into_iter().filter(|one| one.supports(model) && one.runs_live())
        {
            let report = run(strategy, model).await;
            let of = format!("{strategy} on a {model}: {report:#?}");
            assert_eq!(report.verdict, Verdict::Valid, "{of}");
            let once = report.subscriptions[0].classes.get(Class::Exact);
            assert_eq!(once, u64::from(MESSAGES), "{of}");
        }
    }
}
