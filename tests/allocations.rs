//! A simulated message costs no allocation.
//!
//! Goal: the hot path stays free of the allocator, which is most of what makes it fast. Method: the
//! same scenario is run with 10 000 and with 20 000 messages. What a run allocates once (tables,
//! futures, timers) cancels out; what it allocates for each message would show 10 000 times. Only
//! vectors that hold the messages may differ, by the doublings of their growth.
//!
//! The checker watches and nothing records: that is how a large sweep runs. The article's loops run
//! without auto-commit: with it their commit fails now and then, and a restart allocates.

use allocation_counter::measure;
use entrega_checker::{Checker, Config, SubscriptionConfig};
use entrega_choice::Choices;
use entrega_clients::Strategy;
use entrega_model::{Event, Model, Observer};
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;

const SCENARIO: &str = r#"
[workload]
keys = 100
arrivals = { distribution = "poisson", rate_per_second = 20 }

[[subscriptions]]
name = "mailer"
consumers = 2

[[subscriptions]]
name = "analytics"

[consumer]
prefetch = 10
enable_auto_commit = false

[log]
partitions = 4
auto_offset_reset = "earliest"
"#;

/// How many vectors may double once more on the way from 10 000 messages to 20 000: for each of
/// four partitions and two queues a few tables, and those of world and checker.
const DOUBLINGS: u64 = 32;

fn scenario(messages: u32) -> Scenario {
    let overrides = [("workload.messages".to_owned(), messages.to_string())];
    match Scenario::parse("steady.toml", SCENARIO, &overrides, &|_| Err("no files".to_owned())) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

/// How often a run without faults allocates.
fn allocations(
    messages: u32,
    model: Model,
    strategy: Strategy,
    observer: &mut dyn Observer,
) -> u64 {
    let scenario = scenario(messages);
    let workload = Workload::generate(&scenario, None, 1);
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let choices = Choices::harmless(points::table(&scenario.subscription_names()));
    measure(|| {
        experiment.run(choices, observer);
    })
    .count_total
}

/// What 10 000 messages more allocate beyond the first 10 000.
fn growth<O: Observer>(model: Model, strategy: Strategy, observer: impl Fn(u32) -> O) -> u64 {
    let few = allocations(10_000, model, strategy, &mut observer(10_000));
    let many = allocations(20_000, model, strategy, &mut observer(20_000));
    many.saturating_sub(few)
}

/// A checker that knows how much is to come.
fn checker(messages: u32, model: Model, strategy: Strategy) -> Checker {
    let promise = SubscriptionConfig {
        guarantee: strategy.guarantee(model),
        dead_letters_declared: strategy.spec().declares_dead_letters,
        ordered: false,
    };
    let messages = messages as usize;
    Checker::new(Config {
        subscriptions: vec![promise; 2],
        processes: 4,
        messages,
        ..Config::default()
    })
}

#[test]
fn messages_do_not_allocate() {
    for model in [Model::Log, Model::Queue] {
        for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
            let growth = growth(model, strategy, |messages| checker(messages, model, strategy));
            assert!(growth <= DOUBLINGS, "{model} {strategy}: {growth} allocations more");
        }
    }
}

/// The known-bad twin: an observer that allocates once a message is caught.
#[test]
fn an_allocation_for_each_message_is_caught() {
    #[derive(Default)]
    struct Careless {
        last: Option<Box<Event>>,
    }
    impl Observer for Careless {
        fn observe(&mut self, events: &[Event]) {
            for event in events {
                self.last = Some(Box::new(*event));
            }
        }
    }
    let growth = growth(Model::Queue, Strategy::ProcessThenSettle, |_| Careless::default());
    assert!(growth >= 10_000, "{growth}");
}
