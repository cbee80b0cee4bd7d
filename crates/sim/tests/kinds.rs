//! A new kind of fault point changes no run in which it does not strike.
//!
//! The number of a point is in every event that tells of a fault, so in the digest of a history. If
//! it depended on how many kinds there are, the first new kind would change every digest that was
//! ever pinned for two subscriptions.

use entrega_choice::{Choice, Choices, format_choices};
use entrega_clients::Strategy;
use entrega_model::{Event, Kind, Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::{self, FAULTS, FaultInfo};
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;
use entrega_sim::digest::Digest;

const SCENARIO: &str = r#"
[workload]
messages = 300

[[subscriptions]]
name = "mailer"
consumers = 2

[[subscriptions]]
name = "analytics"

[faults]
send.request = { lost = "1/20", duplicated = "1/20" }
effect.before = { crash = "1/40" }
effect.after = { crash = "1/40" }
process.stall = { before = "1/60", after = "1/60" }
settle.request = { lost = "1/20", late = "1/20" }
group.rebalance = { before = "1/80" }
"#;

/// A run by chance with the points of these kinds: its digest, choices, and the points that struck.
fn run(kinds: &[FaultInfo], model: Model) -> (Digest, Vec<Choice>, String, Vec<u16>) {
    let loaded = Scenario::parse("kinds.toml", SCENARIO, &[], &|_| Err("none".to_owned()));
    let scenario = loaded.unwrap_or_else(|problem| panic!("{problem}")).scenario;
    let workload = Workload::generate(&scenario, None, 1);
    let strategy = Strategy::ProcessThenSettle;
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let table = points::table_of(kinds, &scenario.subscription_names());
    let choices = Choices::random(table.clone(), 7, &scenario.odds()).expect("odds");
    let mut observer = (Digest::default(), Vec::<Event>::new());
    let outcome = experiment.run(choices, &mut observer);
    let struck = observer.1.iter().filter_map(|event| match event.kind {
        Kind::Faulted { point, .. } => Some(point),
        _ => None,
    });
    let made = outcome.choices.made().to_vec();
    (observer.0, made.clone(), format_choices(&table, &made), struck.collect())
}

#[test]
fn a_new_kind_changes_no_run_without_it() {
    let added = FaultInfo { name: "clock.skew", ..FAULTS[9] };
    let more = [&FAULTS[..], &[added]].concat();
    for model in [Model::Log, Model::Queue] {
        let today = run(&FAULTS, model);
        assert_eq!(run(&more, model), today, "{model}");
        for subscription in [SubscriptionId(0), SubscriptionId(1)] {
            let of = |point: &u16| points::describe(entrega_choice::Point(*point)).1;
            assert!(today.3.iter().any(|point| of(point) == Some(subscription)), "{model}");
        }
    }
}
