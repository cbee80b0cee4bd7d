//! Live runs against the simulator: whatever comes out live with an injected fault, an exploration
//! of the same strategy with the same kinds of faults finds too; and every named anomaly is reached
//! live by a fault at a named place and occurrence.
//!
//! The clock is paused, so a run takes no time and depends on nothing but what is injected.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use entrega::{Exploration, Finding};
use entrega_checker::{Cause, Class, findings};
use entrega_choice::{Choice, Choices, parse_choices};
use entrega_clients::Strategy;
use entrega_live::Clock;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::{self, Act, Fault};
use entrega_scenario::workload::Planner;
use entrega_sim::explore::{Scope, Space};
use entrega_stage::{Limits, LiveRun, Setup};

use Model::{Log, Queue};

/// Three messages and two consumers.
const SCOPE: Scope =
    Scope { subscription: SubscriptionId(0), messages: 3, consumers: 2, partitions: 1 };

const SCENARIO: &str = "
[[subscriptions]]
name = \"reader\"
consumers = 2
[consumer]
prefetch = 2
settle_every = 2
workers = 3
request_timeout = \"1s\"
auto_commit_interval = \"1s\"
[log]
session_timeout = \"6s\"
auto_offset_reset = \"earliest\"
[queue]
visibility_timeout = \"10s\"
[faults]
effect.before = { crash = 0.2 }
effect.after = { crash = 0.2 }
settle.after = { crash = 0.2 }
settle.request = { lost = 0.2 }
settle.response = { lost = 0.2 }
process.stall = { before = 0.2, after = 0.2 }
handler.error = { transient = 0.2 }
";

fn small() -> Scenario {
    let loaded = Scenario::parse("conformance", SCENARIO, &[], &|_| Err(String::new()));
    SCOPE.of(&loaded.expect("a scenario").scenario)
}

fn setup(scenario: &Scenario, model: Model, strategy: Strategy) -> Setup {
    let workload = Arc::new(Planner::new(scenario).plan(None, 1));
    Setup { scenario: Arc::new(scenario.clone()), workload, model, strategy, seed: 1 }
}

/// A paused clock is looked at every few milliseconds, so a fast one is looked at less often.
const FASTER: u32 = 50;

/// What a live run with these faults shows.
async fn live(setup: &Setup, choices: &[Choice]) -> (BTreeSet<Finding>, LiveRun) {
    let table = points::table(&setup.scenario.subscription_names());
    let choices = Choices::explicit(table, choices.to_vec());
    let stop = AtomicBool::new(false);
    let limits = Limits { patience: Duration::from_secs(10_000), stop: &stop };
    let clock = Clock::faster(FASTER.try_into().expect("not 0"));
    let lived = setup.run(choices, clock, limits, ()).await;
    let end = lived.report.end;
    let of = findings(&lived.report.subscriptions[0], end);
    (of.into_keys().collect(), lived)
}

/// What runs with at most so many of the scenario's faults can show, at every place and with every
/// delay.
fn explored(setup: &Setup, faults: u8) -> BTreeSet<Finding> {
    let experiment = setup.experiment();
    let space = Space::of(experiment.scenario, faults, 0);
    let explored = Exploration { experiment, space, budget: 200_000, cuts: true }.run();
    assert!(explored.complete, "{} {}", setup.model, setup.strategy);
    explored.found.into_keys().collect()
}

/// Every fault of the scenario at its first occurrences, one at a time, and none at all.
fn injections(scenario: &Scenario) -> Vec<Vec<Choice>> {
    let odds = scenario.odds().into_iter();
    let one =
        |point, value| (1..=4).map(move |occurrence| vec![Choice { point, occurrence, value }]);
    let single = odds.flat_map(|odds| one(odds.point, odds.value));
    std::iter::once(Vec::new()).chain(single).collect()
}

async fn is_a_subset(model: Model, strategy: Strategy) {
    let scenario = small();
    let setup = setup(&scenario, model, strategy);
    let possible = explored(&setup, 1);
    for choices in injections(&scenario) {
        let (found, _) = live(&setup, &choices).await;
        let impossible: Vec<_> = found.difference(&possible).collect();
        assert!(
            impossible.is_empty(),
            "{model} {strategy} with {choices:?} shows {impossible:?}, which is not among {possible:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_out_live_on_a_log_is_explored() {
    for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(Log) && one.runs_live()) {
        is_a_subset(Log, strategy).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_out_live_on_a_queue_is_explored() {
    for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(Queue) && one.runs_live()) {
        is_a_subset(Queue, strategy).await;
    }
}

/// A crash that the exploration was not allowed shows something that it has not found.
#[tokio::test(start_paused = true)]
async fn an_outcome_beyond_an_exploration_is_seen() {
    let scenario = small();
    let setup = setup(&scenario, Queue, Strategy::ProcessThenSettle);
    let point = points::own_point(Fault::EffectAfter, SubscriptionId(0));
    let (found, _) = live(&setup, &[Choice { point, occurrence: 1, value: 1 }]).await;
    assert!(found.contains(&CRASHED), "{found:?}");
    assert!(!explored(&setup, 0).contains(&CRASHED));
    assert!(explored(&setup, 1).contains(&CRASHED));
}

const LOST: Finding = Finding::Class(Class::Lost, Some(Cause::SettledBeforeProcess));
const CRASHED: Finding = Finding::Class(Class::Duplicated, Some(Cause::RedeliveredAfterCrash));
const UNSETTLED: Finding = Finding::Class(Class::Duplicated, Some(Cause::SettleLost));
const ANY_LOSS: Finding = Finding::Class(Class::Lost, None);
const ANY_DUPLICATE: Finding = Finding::Class(Class::Duplicated, None);

/// Model, strategy, faults as in a replay string, and what comes of them; nothing for none. On a
/// queue with two consumers an order may change without any fault.
const NAMED: [(Model, Strategy, &str, Option<Finding>); 19] = [
    (Log, Strategy::SettleThenProcess, "reader.effect.before#1=crash", Some(LOST)),
    (Queue, Strategy::SettleThenProcess, "reader.effect.before#1=crash", Some(LOST)),
    (Log, Strategy::ProcessThenSettle, "reader.effect.after#2=crash", Some(CRASHED)),
    (Queue, Strategy::ProcessThenSettle, "reader.effect.after#2=crash", Some(CRASHED)),
    (Log, Strategy::DeduplicatingSink, "reader.effect.after#2=crash", None),
    (Queue, Strategy::DeduplicatingSink, "reader.effect.after#2=crash", None),
    (Queue, Strategy::ProcessThenSettle, "reader.settle.request#1=lost", Some(UNSETTLED)),
    (Log, Strategy::ProcessThenSettle, "reader.settle.request#1=lost", None),
    (Log, Strategy::ParallelNaive, SLOW_AND_DEAD, Some(ANY_LOSS)),
    (Log, Strategy::Parallel, SLOW_AND_DEAD, Some(ANY_DUPLICATE)),
    (Queue, Strategy::ParallelNaive, SLOW_AND_DEAD, Some(ANY_LOSS)),
    (Log, Strategy::ProgressWithEffectUnconditional, ZOMBIE, Some(ANY_DUPLICATE)),
    (Log, Strategy::ProgressWithEffect, ZOMBIE, None),
    (Queue, Strategy::ProgressWithEffect, ZOMBIE, None),
    (Log, Strategy::ProcessThenSettle, ZOMBIE, Some(ANY_DUPLICATE)),
    (Queue, Strategy::ProcessThenSettle, ZOMBIE, Some(ANY_DUPLICATE)),
    (Queue, Strategy::AutoSettleAtDelivery, "reader.effect.before#1=crash", Some(ANY_LOSS)),
    (Log, Strategy::AutoSettleAtDelivery, LONG_AND_DEAD, Some(ANY_LOSS)),
    (Log, Strategy::AutoSettleAtNextReceive, LONG_AND_DEAD, None),
];

/// The first message takes long while the others are done, and its process dies over it.
const SLOW_AND_DEAD: &str = "reader.handler.slow#1=slow+reader.effect.before#3=crash";
/// The first message takes so long that a timer commits, and its process dies over it.
const LONG_AND_DEAD: &str = "reader.handler.slow#1=slow+reader.effect.before#1=crash";
/// A process stands still before its first effect, loses its lease or session, and goes on.
const ZOMBIE: &str = "reader.process.stall#1=before";

#[tokio::test(start_paused = true)]
async fn every_named_anomaly_is_reached_by_a_fault_at_its_place() {
    let scenario = small();
    let table = points::table(&scenario.subscription_names());
    for (model, strategy, faults, expect) in NAMED {
        let setup = setup(&scenario, model, strategy);
        let choices = parse_choices(&table, faults).expect("choices");
        let (found, lived) = live(&setup, &choices).await;
        let of = format!("{model} {strategy} {faults}: {found:?} {:?}", lived.made);
        assert_eq!(lived.made, choices, "all is injected: {of}");
        match expect {
            Some(finding) => assert!(found.contains(&finding), "{of}"),
            None => assert!(is_harmless(&found), "{of}"),
        }
        let (calm, _) = live(&setup, &[]).await;
        assert!(is_harmless(&calm), "{model} {strategy} without faults: {calm:?}");
    }
}

fn is_harmless(found: &BTreeSet<Finding>) -> bool {
    found.iter().all(|finding| *finding == Finding::Reordered)
}

/// What happens to legs and to the broker happens where it is chosen, and costs no message.
#[tokio::test(start_paused = true)]
async fn faults_of_broker_and_legs_are_injected() {
    let scenario = small();
    let at = |(fault, act)| {
        let (point, value) = points::chosen_in((fault, act)).next().expect("a choice");
        vec![Choice { point, occurrence: 1, value }]
    };
    for model in [Log, Queue] {
        let setup = setup(&scenario, model, Strategy::ProcessThenSettle);
        for kind in [
            (Fault::BrokerRestart, Act::Restart),
            (Fault::SendRequest, Act::Lost),
            (Fault::SendRequest, Act::Duplicated),
            (Fault::SendResponse, Act::Lost),
            (Fault::ReceiveRequest, Act::Lost),
            (Fault::ReceiveResponse, Act::Lost),
            (Fault::SettleRequest, Act::Duplicated),
            (Fault::EffectRequest, Act::Lost),
            (Fault::EffectResponse, Act::Lost),
        ] {
            let choices = at(kind);
            let (found, lived) = live(&setup, &choices).await;
            let of = format!("{model} {kind:?}: {found:?}");
            assert_eq!(lived.made, choices, "{of}");
            assert!(!found.contains(&ANY_LOSS) && !found.contains(&Finding::Stalled), "{of}");
        }
    }
}
