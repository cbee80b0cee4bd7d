//! The exact sentences for runs of the simulator: a strategy, a fault, and what came of it.

#[path = "../consumers/mod.rs"]
mod consumers;
mod dead_letters;
mod duplicates;
mod endings;
mod groups;
mod losses;
mod order;
mod random;
mod redrives;
mod sinks;
mod stalls;
mod transactions;
mod workers;
mod zones;

use entrega::judge;
use entrega_checker::{Class, Finding, findings};
use entrega_choice::{Choices, parse_choices};
use entrega_clients::Strategy;
use entrega_explain::{Run, Subject};
use entrega_model::{Event, Model, SubscriptionId};
use entrega_scenario::Cast;
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;

use Model::{Log, Queue};
use Strategy::{
    AutoSettleAtDelivery, AutoSettleAtNextReceive, DeadLetter, DeduplicatingSink,
    ProcessThenSettle, SettleEveryN, SettleThenProcess, Transactional,
};

const SCENARIO: &str = r#"
title = "Stories"

[workload]
messages = 5
keys = 2
arrivals = { distribution = "constant", rate_per_second = 20 }

[producer]
request_timeout = "1s"

[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "constant", value = "40ms" }

[consumer]
prefetch = 10
settle_every = 3
request_timeout = "1s"
auto_commit_interval = "20ms"

[log]
partitions = 2
session_timeout = "6s"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "6s"

[times]
stall = "10s"
slow = "10s"
late = "3s"
"#;

/// The scenario with these settings changed.
fn scenario(set: &[(&str, &str)]) -> Scenario {
    let set: Vec<(String, String)> =
        set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("stories.toml", SCENARIO, &set, &|_| Err(String::new()));
    loaded.expect("a valid scenario").scenario
}

/// All anomalies of a run in sentences, those of order last.
fn stories(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
    seed: u64,
    choices: impl Fn(&Experiment<'_>) -> Choices,
) -> Vec<String> {
    let workload = Workload::generate(scenario, None, seed);
    let experiment = Experiment { scenario, workload: &workload, model, strategy, seed };
    told_of(&experiment, choices(&experiment))
}

/// All anomalies of a run of this experiment.
fn told_of(experiment: &Experiment<'_>, choices: Choices) -> Vec<String> {
    let mut events: Vec<Event> = Vec::new();
    let judged = judge(experiment, choices, &mut events);
    assert_eq!(judged.outcome.choices.unused(), [], "every choice is reached");
    let cast = Cast::of(experiment.scenario);
    let of = &judged.report.subscriptions[0];
    let class = |class, cause, message| (Finding::Class(class, cause), message);
    let examples = of.examples.iter();
    let examples = examples.map(|(&(of, cause), &message)| class(of, Some(cause), message));
    let dead = of.firsts.iter().filter(|(class, _)| **class == Class::DeadLettered);
    let dead = dead.map(|(&of, &message)| class(of, None, message));
    let order = of.order.reordered_example.map(|one| (Finding::Reordered, one));
    let subjects = examples.chain(dead).chain(order);
    let subscription = SubscriptionId(0);
    let run = Run::new(&events, &cast);
    subjects
        .map(|(finding, message)| {
            let subject = Subject { subscription, finding, message: Some(message) };
            run.tell(&subject).sentence
        })
        .collect()
}

fn told(model: Model, strategy: Strategy, choices: &str, set: &[(&str, &str)]) -> Vec<String> {
    let scenario = scenario(set);
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, choices).expect("choices of this scenario");
    stories(&scenario, model, strategy, 1, |_| Choices::explicit(table.clone(), choices.clone()))
}

const SKIP: &[(&str, &str)] = &[("consumer.on_error", "skip")];
const SKIP_AND_SETTLE: &[(&str, &str)] = &[("consumer.on_error", "skip-and-settle")];
const CRASH: &[(&str, &str)] = &[("consumer.on_error", "crash")];
const AT_ONCE: &[(&str, &str)] = &[("workload.arrivals.rate_per_second", "1000")];
const SELDOM: &[(&str, &str)] = &[("consumer.auto_commit_interval", "5s")];
const FIRE: &[(&str, &str)] = &[("producer.strategy", "fire-and-forget")];
const ONE_ATTEMPT: &[(&str, &str)] = &[("consumer.max_attempts", "1")];

fn check(model: Model, strategy: Strategy, choices: &str, set: &[(&str, &str)], expect: &[&str]) {
    let told = told(model, strategy, choices, set);
    assert_eq!(told, expect, "{model} {strategy} {choices} {set:?}");
}
