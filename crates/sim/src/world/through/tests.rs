//! A process that goes on without waiting does what it does when it waits.
//!
//! Goal: nothing of a run depends on whether time goes on within a call. Method: each run is made
//! twice, once as it is and once while a watcher looks at every state, which makes every process
//! wait; events, choices, steps and the end are compared. The opposite: consumers with several
//! workers, which do not wait for one thing alone, are made to go on all the same, and that shows.

use std::cell::RefCell;

use entrega_brokers::{Broker, LogBroker, QueueBroker};
use entrega_choice::{Choice, Choices};
use entrega_clients::application::ProgressInSink;
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::{Catalogued, Stop, Strategy};
use entrega_model::{Event, Instant, Model, Observer};
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_scenario::{Order, ProducerStrategy, Scenario};

use crate::arena::Arena;
use crate::executor::Executor;
use crate::experiment::Experiment;
use crate::link::SimLink;
use crate::misbehaviour::Misbehaviour;
use crate::outcome::RunEnd;
use crate::program::Program;
use crate::watcher::Watcher;
use crate::world::{Routed, World};

/// Everything goes wrong now and then.
const FAULTY: &str = r#"
[workload]
messages = 60
keys = 5
arrivals = { distribution = "poisson", rate_per_second = 20 }

[[subscriptions]]
name = "mailer"
consumers = 2

[[subscriptions]]
name = "analytics"

[consumer]
prefetch = 3
request_timeout = "1s"
settle_every = 3
settle_retries = 1

[log]
partitions = 2
session_timeout = "6s"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "6s"

[times]
restart = "1s"
late = "2s"
stall = "10s"
outage = "3s"

[faults]
send.request = { lost = "1/20" }
send.response = { late = "1/30" }
send.before = { crash = "1/40" }
send.after = { crash = "1/40" }
receive.response = { lost = "1/50" }
handler.error = { transient = "1/20" }
handler.slow = { slow = "1/60" }
group.rebalance = { before = "1/40", after = "1/40" }
process.shutdown = { drain = "1/80", abandon = "1/80" }
dead_letter.after = { crash = "1/10" }
process.stall = { before = "1/60", after = "1/60" }
effect.request = { lost = "1/40" }
effect.response = { late = "1/40" }
effect.before = { crash = "1/40" }
effect.after = { crash = "1/40" }
settle.request = { lost = "1/30", late = "1/60" }
settle.response = { duplicated = "1/30" }
settle.after = { crash = "1/40" }
broker.restart = { restart = "1/300" }
sink.outage = { refuses = "1/100", silent = "1/150" }
broker.outage = { silent = "1/300" }
"#;

/// All of a run that anybody can see.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<Event>,
    made: Vec<Choice>,
    end: RunEnd,
    ended_at: Instant,
    steps: u64,
    misbehaviour: Option<Misbehaviour>,
}

/// Looks at every state, so that no process goes on without waiting.
struct Looks;

impl Watcher for Looks {
    fn goes_on<B: Broker>(
        &mut self,
        _executor: &mut Executor<'_, B>,
        _world: &RefCell<World<B>>,
        _observer: &mut dyn Observer,
        _at_rest: bool,
    ) -> bool
    where
        B::Request: Routed,
    {
        true
    }
}

/// Claims to wait for one thing at a time.
struct Hasty(Catalogued);

impl Program for Hasty {
    fn waits_for_one_thing(&self) -> bool {
        true
    }

    async fn on_log<'a>(
        &'a self,
        link: &'a SimLink<LogBroker>,
        inbox: &'a LogInbox<SimLink<LogBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop> {
        self.0.on_log(link, inbox, app).await
    }

    async fn on_queue<'a>(
        &'a self,
        link: &'a SimLink<QueueBroker>,
        inbox: &'a QueueInbox<SimLink<QueueBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop> {
        self.0.on_queue(link, inbox, app).await
    }
}

fn scenario(overrides: &[(&str, &str)]) -> Scenario {
    let owned = |(path, value): &(&str, &str)| ((*path).to_owned(), (*value).to_owned());
    let overrides: Vec<_> = overrides.iter().map(owned).collect();
    match Scenario::parse("faulty.toml", FAULTY, &overrides, &|_| Err("no files".to_owned())) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

fn seen(experiment: &Experiment<'_>, program: &impl Program, watcher: impl Watcher) -> Seen {
    seen_with(experiment, program, experiment.random_choices(), watcher)
}

fn seen_with(
    experiment: &Experiment<'_>,
    program: &impl Program,
    choices: Choices,
    watcher: impl Watcher,
) -> Seen {
    let mut events: Vec<Event> = Vec::new();
    let outcome =
        experiment.run_watched(&mut Arena::default(), program, choices, &mut events, watcher);
    Seen {
        events,
        made: outcome.choices.made().to_vec(),
        end: outcome.end,
        ended_at: outcome.ended_at,
        steps: outcome.steps,
        misbehaviour: outcome.misbehaviour.clone(),
    }
}

/// Runs all strategies on both models with these settings, and calls `check` for each.
fn each(overrides: &[(&str, &str)], mut check: impl FnMut(&Experiment<'_>)) {
    let scenario = scenario(overrides);
    for seed in 1..=6 {
        let workload = Workload::generate(&scenario, None, seed);
        for model in [Model::Log, Model::Queue] {
            for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
                let scenario = &scenario;
                check(&Experiment { scenario, workload: &workload, model, strategy, seed });
            }
        }
    }
}

fn agrees(overrides: &[(&str, &str)]) {
    each(overrides, |experiment| {
        let program = experiment.catalogued();
        let Experiment { model, strategy, seed, .. } = *experiment;
        assert!(
            seen(experiment, &program, ()) == seen(experiment, &program, Looks),
            "{model} {strategy} {seed} {overrides:?}"
        );
    });
}

#[test]
fn nothing_depends_on_who_waits() {
    agrees(&[]);
    agrees(&[("network.latency", "0s"), ("network.sink_latency", "0s")]);
    agrees(&[("network.jitter", "3ms")]);
    agrees(&[("network.jitter", "40ms"), ("network.order", "any")]);
    agrees(&[("workload.arrivals.rate_per_second", "2000")]);
    agrees(&[("workload.arrivals.rate_per_second", "1"), ("consumer.prefetch", "1")]);
    agrees(&[("consumer.on_error", "crash"), ("consumer.settle_confirmed", "false")]);
}

#[test]
fn a_run_ends_at_its_limits_all_the_same() {
    for steps in 1..60 {
        agrees_briefly(&[("limits.steps", &(steps * 7).to_string())]);
    }
    agrees_briefly(&[("limits.drain", "5ms"), ("workload.arrivals.rate_per_second", "2000")]);
    agrees_briefly(&[("limits.drain", "1s"), ("workload.arrivals.rate_per_second", "100")]);
}

/// As [`agrees`], for one strategy and one seed.
fn agrees_briefly(overrides: &[(&str, &str)]) {
    let scenario = scenario(overrides);
    let workload = Workload::generate(&scenario, None, 1);
    for model in [Model::Log, Model::Queue] {
        let (scenario, workload) = (&scenario, &workload);
        let strategy = Strategy::ProcessThenSettle;
        let experiment = Experiment { scenario, workload, model, strategy, seed: 1 };
        let program = experiment.catalogued();
        let at_once = seen(&experiment, &program, ());
        assert!(at_once == seen(&experiment, &program, Looks), "{model} {overrides:?}");
    }
}

/// Nothing takes any time there, and who comes first is a choice; every second one turns the order.
#[test]
fn a_chosen_order_is_obeyed() {
    let instant = [("network.latency", "0s"), ("network.sink_latency", "0s")];
    let mut scenario = scenario(&instant);
    scenario.network.order = Order::Chosen;
    scenario.producer.strategy = ProducerStrategy::FireAndForget;
    let workload = Workload::generate(&scenario, None, 1);
    let table = points::table(&scenario.subscription_names());
    let point = points::shared_point(points::Fault::ArrivalOrder);
    for model in [Model::Log, Model::Queue] {
        let strategy = Strategy::ProcessThenSettle;
        let (scenario, workload) = (&scenario, &workload);
        let experiment = Experiment { scenario, workload, model, strategy, seed: 1 };
        let turned = (1..60).step_by(2).map(|occurrence| Choice { point, occurrence, value: 1 });
        let choices = Choices::explicit(table.clone(), turned.collect());
        let program = experiment.catalogued();
        let at_once = seen_with(&experiment, &program, choices.clone(), ());
        assert!(at_once == seen_with(&experiment, &program, choices, Looks), "{model}");
        assert!(!at_once.made.is_empty(), "{model}: nobody met");
    }
}

#[test]
fn several_workers_must_wait() {
    let mut differ = 0;
    each(&[("consumer.workers", "2")], |experiment| {
        if !experiment.strategy.spec().waits_for_one_thing {
            let program = experiment.catalogued();
            let waits = seen(experiment, &program, ());
            differ += u32::from(seen(experiment, &Hasty(program), ()) != waits);
        }
    });
    assert!(differ > 0, "a process that goes on although others in it wait is not noticed");
}
