//! Due times, explored: what the broker holds is never done twice, and what a worker holds for
//! longer than its lease lasts is.

use std::collections::BTreeSet;

use entrega::{Exploration, Finding, Laboratory};
use entrega_checker::{Cause, Class};
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Planner;
use entrega_sim::Experiment;
use entrega_sim::explore::{Scope, Space};

fn duplicated(model: Model, set: &[(&str, &str)], budget: (u8, u8)) -> BTreeSet<Cause> {
    let text = "workload = { keys = 1, due_after = '2h' }\nlog.auto_offset_reset = 'earliest'\n\
        subscriptions = [{ name = 'worker', consumers = 3 }]\n\
        consumer = { prefetch = 1, request_timeout = '1s' }\n\
        queue = { visibility_timeout = '1h', late_settle = 'honoured' }\n\
        limits.drain = '7d'\nfaults.handler.error.transient = '1/9'\n";
    let set: Vec<_> =
        set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("due", text, &set, &|_| Err(String::new())).expect("a scenario");
    let scope = Scope { subscription: SubscriptionId(0), messages: 2, consumers: 3, partitions: 1 };
    let scenario = scope.of(&loaded.scenario);
    let workload = Planner::new(&scenario).plan(None, 1);
    let space = Space::of(&scenario, budget.0, budget.1);
    let strategy = Strategy::ProcessThenSettle;
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let explored = Exploration { experiment, space, budget: 1_000_000, cuts: true }.run();
    assert!(explored.complete);
    let causes = explored.found.into_keys().filter_map(|finding| match finding {
        Finding::Class(Class::Duplicated, Some(cause)) => Some(cause),
        Finding::Class(Class::Lost | Class::Pending | Class::Phantom, _) | Finding::Stalled => {
            panic!("{finding:?} on the {model} with {set:?}")
        }
        _ => None,
    });
    causes.collect()
}

const WORKER: (&str, &str) = ("queue.due_time", "worker");

#[test]
fn what_the_broker_holds_is_never_done_twice() {
    for budget in [(1, 1), (0, 2)] {
        assert_eq!(duplicated(Model::Queue, &[], budget), [].into());
    }
}

/// Even without a fault.
#[test]
fn what_a_worker_holds_beyond_its_lease_is_done_twice() {
    for budget in [(0, 0), (1, 1)] {
        let causes = duplicated(Model::Queue, &[WORKER], budget);
        assert_eq!(causes, [Cause::LeaseExpired].into());
    }
    let patient = [WORKER, ("queue.visibility_timeout", "3h")];
    assert_eq!(duplicated(Model::Queue, &patient, (1, 1)), [].into());
    assert_eq!(duplicated(Model::Log, &[], (1, 1)), [].into());
}

/// From the due time to the first effect, run by run in one laboratory; and not at all where
/// nothing is due later.
#[test]
fn lateness_is_counted_from_the_due_time() {
    let of = |more: &str| {
        let text = format!(
            "workload = {{ messages = 20, arrivals = {{ distribution = 'constant', rate_per_second = \
             10 }}{more} }}\nlog.auto_offset_reset = 'earliest'\nlimits.drain = '7d'\n\
             subscriptions = [{{ name = 'worker', service_time = {{ distribution = 'constant', \
             value = '5ms' }} }}]\n"
        );
        let scenario = Scenario::parse("due", &text, &[], &|_| Err(String::new()));
        let scenario = scenario.expect("a scenario").scenario;
        let planner = Planner::new(&scenario);
        let strategy = Strategy::ProcessThenSettle;
        let mut laboratory = Laboratory::new(&scenario, Model::Queue, strategy);
        let mut run = |seed| {
            let report = laboratory.run(&planner.plan(None, seed), seed);
            let of = report.subscriptions[0].clone();
            (of.latency, of.lateness)
        };
        [run(1), run(2)]
    };
    for (latency, lateness) in of(", due_after = '1h'") {
        let lateness = lateness.expect("messages are due later");
        assert_eq!((lateness.early, lateness.late.count()), (0, 20));
        let (late, since) = (lateness.late.max().unwrap_or(0), latency.min().unwrap_or(0));
        assert!(late < 1_000_000_000 && since > 3_600_000_000_000, "{late} {since}");
    }
    assert!(of("").into_iter().all(|(_, lateness)| lateness.is_none()));
}
