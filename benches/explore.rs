//! Scratch.
use std::time::Instant;
use entrega::Exploration;
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_sim::Experiment;
use entrega_sim::explore::{Scope, Space, Class};
use entrega_sim::points::{self, Fault, own_point};
use entrega_sim::scenario::Scenario;
use entrega_sim::workload::Planner;

fn main() {
    let text = "[workload]\nkeys = 1\n[[subscriptions]]\nname = \"reader\"\nconsumers = 1\n\
         [consumer]\nprefetch = 1\nrequest_timeout = \"1s\"\n\
         [log]\nsession_timeout = \"6s\"\nauto_offset_reset = \"earliest\"\n\
         [queue]\nvisibility_timeout = \"10s\"\n";
    let loaded = Scenario::parse("small", text, &[], &|_| Err(String::new())).unwrap();
    let scope = Scope { subscription: SubscriptionId(0), messages: 3, consumers: 1, partitions: 1 };
    let scenario = scope.of(&loaded.scenario);
    let workload = Planner::new(&scenario).plan(None, 1);
    let at = |fault| own_point(fault, SubscriptionId(0));
    let crashes = Class { most: 2, required: false, choices: vec![(at(Fault::EffectBefore),1),(at(Fault::EffectAfter),1),(at(Fault::SettleAfter),1)] };
    let lost = Class { most: 2, required: false, choices: vec![(at(Fault::SettleRequest), points::LOST),(at(Fault::SettleResponse), points::LOST)] };
    let space = Space::new(vec![crashes, lost]);
    for model in [Model::Log, Model::Queue] {
        if std::env::var("M").is_ok_and(|m| m != model.to_string()) { continue; }
        let experiment = Experiment { scenario: &scenario, workload: &workload, model, strategy: Strategy::ProcessThenSettle, seed: 1 };
        if std::env::var("NOSR").is_err() {
            use stateright::{Checker, Model as _, StateRecorder};
            let p = model::Protocol { is_log: model == Model::Log, crashes: 2, losses: 2 };
            let (recorder, accessor) = StateRecorder::new_with_accessor();
            let c = p.checker().visitor(recorder).spawn_dfs().join();
            let outs: std::collections::BTreeSet<_> = accessor().iter().filter_map(|s| s.outcome()).collect();
            println!("stateright {model}: states {} unique {} outcomes {}", c.state_count(), c.unique_state_count(), outs.len());
            let t = Instant::now();
            for _ in 0..std::env::var("SRN").map_or(100, |n| n.parse().unwrap()) { p.checker().spawn_dfs().join(); }
            println!("  {:?}", t.elapsed() / 100);
        }
        for cuts in [true] {
            let e = Exploration { experiment, space: space.clone(), budget: 3_000_000, cuts };
            let r = e.run();
            let t = Instant::now();
            let n = std::env::var("N").map_or(1, |n| n.parse().unwrap());
            for _ in 0..n { e.run(); }
            let d = t.elapsed() / n;
            println!("{model} cuts {cuts} schedules {} ended {} states {} complete {} found {:?} {d:?} per schedule {:?}", r.schedules, r.ended, r.states, r.complete, r.found.keys().collect::<Vec<_>>(), d / r.schedules as u32);
        }
    }
}
#[path = "explore/model.rs"]
mod model;
