//! Kinds of scenarios that explorations once called harmless: each is named by a comparison, and
//! its twin, in which the small version is right, is not.

use entrega_clients::Strategy;
use entrega_lab::exploration_plan::ExploredSpace;
use entrega_lab::property::{Occurs, Property};
use entrega_lab::run::run;
use entrega_lab::{Bounds, Configuration, ExplorationPlan, LoadedScenario, Model, Part};

type Set<'a> = &'a [(&'a str, &'a str)];

fn loaded(text: &str, set: Set<'_>) -> LoadedScenario {
    let set: Vec<(String, String)> =
        set.iter().map(|&(path, value)| (path.to_owned(), value.to_owned())).collect();
    let alone = |_: &str| Err(String::new());
    LoadedScenario::load("kind.toml", text, &set, &alone).expect("a scenario")
}

/// What `entrega explore` finds for the first row.
pub(crate) fn explored(text: &str, of: Configuration, set: Set<'_>) -> ExploredSpace {
    explored_within(Bounds::default(), text, of, set)
}

pub(crate) fn explored_within(
    bounds: Bounds,
    text: &str,
    of: Configuration,
    set: Set<'_>,
) -> ExploredSpace {
    let (models, strategies) = (&[of.model][..], &[of.strategy][..]);
    let part = Part { models, strategies, subscriptions: &[] };
    let plan = ExplorationPlan::new(loaded(text, set), part, bounds).expect("a plan");
    plan.run().rows.remove(0)
}

const ON_LOG: Configuration =
    Configuration { model: Model::Log, strategy: Strategy::ProcessThenSettle };
const EVERY_N: Configuration =
    Configuration { model: Model::Log, strategy: Strategy::SettleEveryN };

pub(crate) fn check(row: &ExploredSpace, said: &[&str], occurs: &[(Property, Occurs)]) {
    assert_eq!(row.not_tried.len(), said.len(), "{:#?}", row.not_tried);
    for (clause, said) in row.not_tried.iter().zip(said) {
        assert!(clause.contains(said), "{said}\n{clause}");
    }
    for &(property, expect) in occurs {
        assert_eq!(row.occurs(property), expect, "{property:?}");
    }
}

const LATEST: &str = "[workload]\nmessages = 20\n\
    arrivals = { distribution = 'poisson', rate_per_second = 0.05 }\n\
    [producer]\nstrategy = 'fire-and-forget'\n\
    [[subscriptions]]\nname = 'reader'\nconsumers = 2\n\
    [log]\npartitions = 2\nauto_offset_reset = 'latest'\n\
    [[script]]\npoint = 'reader.effect.after'\nalternative = 'crash'\nnth = 2\n";

/// In the small version all is stored before there is a group, so all is lost, and nothing twice.
#[test]
fn records_that_come_after_the_group_are_named() {
    let said = ["records that are stored after the group has formed"];
    let found = [(Property::Lost, Occurs::Sometimes), (Property::Duplicated, Occurs::NotFound)];
    check(&explored(LATEST, ON_LOG, &[]), &said, &found);
    let found = [(Property::Lost, Occurs::Always), (Property::Duplicated, Occurs::Never)];
    let at_once = ("workload.arrivals", "{ distribution = 'backlog' }");
    check(&explored(LATEST, ON_LOG, &[at_once]), &[], &found);
    let found = [(Property::Lost, Occurs::Never), (Property::Duplicated, Occurs::Sometimes)];
    let from_the_first = ("log.auto_offset_reset", "earliest");
    check(&explored(LATEST, ON_LOG, &[from_the_first]), &[], &found);
}

const JOINS: &str = "[workload]\nmessages = 3\narrivals = { distribution = 'backlog' }\n\
    [[subscriptions]]\nname = 'reader'\nconsumers = 2\n\
    service_time = { distribution = 'constant', value = '1ms' }\n\
    [consumer]\ndrain_on_revoke = false\n[network]\njitter = '50ms'\n\
    [log]\nauto_offset_reset = 'earliest'\n";

#[test]
fn members_that_join_while_others_work_are_named() {
    let said = ["a rebalance before a settle: members start apart"];
    let found = [(Property::Duplicated, Occurs::NotFound)];
    check(&explored(JOINS, EVERY_N, &[]), &said, &found);
    let never = [(Property::Duplicated, Occurs::Never)];
    for twin in [
        ("network.jitter", "0s"),
        ("consumer.drain_on_revoke", "true"),
        ("subscriptions.0.consumers", "1"),
    ] {
        check(&explored(JOINS, EVERY_N, &[twin]), &[], &never);
    }
    check(&explored(JOINS, ON_LOG, &[]), &[], &never);
    let again = ("faults.process.stall", "{ after = 0.1 }");
    let said = ["a rebalance before a settle: a member comes back"];
    check(&explored(JOINS, EVERY_N, &[("network.jitter", "0s"), again]), &said, &[]);
    let tried = ("faults.group.rebalance", "{ before = 0.1 }");
    let found = [(Property::Duplicated, Occurs::Sometimes)];
    check(&explored(JOINS, EVERY_N, &[tried]), &[], &found);
}

const COLLECTS: &str = "[workload]\nmessages = 2\n\
    arrivals = { distribution = 'constant', rate_per_second = 0.4 }\n\
    [[subscriptions]]\nname = 'reader'\nconsumers = 2\n\
    [consumer]\nsettle_every = 3\nsettle_interval = '5s'\n\
    [queue]\nvisibility_timeout = '2s'\ndelivery_limit = 3\ndead_letter = true\n";

/// What comes while a consumer waits for longer than a lease. What is there at once is tried.
#[test]
fn messages_that_come_while_a_consumer_collects_are_named() {
    let on_queue = Configuration { model: Model::Queue, ..EVERY_N };
    let said = ["settle_interval (5s) before they are settled"];
    let found = [(Property::Split, Occurs::NotFound)];
    check(&explored(COLLECTS, on_queue, &[]), &said, &found);
    let at_once = ("workload.arrivals", "{ distribution = 'backlog' }");
    let found = [(Property::Duplicated, Occurs::Always)];
    check(&explored(COLLECTS, on_queue, &[at_once]), &[], &found);
}

const BUFFERED: &str = "[workload]\nmessages = 8\narrivals = { distribution = 'backlog' }\n\
    [[subscriptions]]\nname = 'reader'\nconsumers = 2\n\
    service_time = { distribution = 'constant', value = '60s' }\n\
    [consumer]\nprefetch = 10\n[times]\ngrace = '20min'\n\
    [log]\npartitions = 2\nauto_offset_reset = 'earliest'\n\
    [[script]]\npoint = 'reader.process.shutdown'\nalternative = 'abandon'\nnth = 1\n";

#[test]
fn a_rebalance_that_waits_for_no_buffer_is_named() {
    let said = ["a rebalance that does not wait for what a client has fetched: 8 messages"];
    let found = [(Property::Duplicated, Occurs::NotFound)];
    check(&explored(BUFFERED, ON_LOG, &[]), &said, &found);
    let never = [(Property::Duplicated, Occurs::Never)];
    for twin in [("consumer.prefetch", "4"), ("log.rebalance_timeout", "9min")] {
        check(&explored(BUFFERED, ON_LOG, &[twin]), &[], &never);
    }
}

const TIMER: &str = "[workload]\nmessages = 3\nkeys = 1\n\
    [[subscriptions]]\nname = 'reader'\nconsumers = 2\n\
    service_time = { distribution = 'constant', value = '2.6s' }\n\
    [log]\nauto_offset_reset = 'earliest'\n\
    [[script]]\npoint = 'reader.process.stall'\nalternative = 'before'\nnth = 2\n";

/// A timer falls between two messages, and only then the process stalls: runs of the scenario show
/// it, and so does the exploration.
#[test]
fn a_timer_between_two_messages_is_tried() {
    let automatic = Strategy::AutoSettleAtDelivery;
    let of = Configuration { model: Model::Log, strategy: automatic };
    let found = [(Property::Reordered, Occurs::Sometimes)];
    check(&explored(TIMER, of, &[]), &[], &found);
    let report = run(&loaded(TIMER, &[]), of, 1).judged.report;
    assert_eq!(report.subscriptions[0].order.reordered, 1);
    let next = Configuration { strategy: Strategy::AutoSettleAtNextReceive, ..of };
    check(&explored(TIMER, next, &[]), &[], &[(Property::Reordered, Occurs::Never)]);
}

/// A long scenario is run with its first messages, and with faults however rare its odds are.
#[test]
fn of_a_long_scenario_the_first_messages_are_run() {
    let long = [("workload.messages", "1_000_000"), ("script", "[]")];
    let text = TIMER.replace("keys = 1", "arrivals = { distribution = 'backlog' }");
    let rare = ("faults", "{ effect = { after = { crash = '1/1000000' } } }");
    let of = Configuration { model: Model::Queue, strategy: Strategy::AutoSettleAtDelivery };
    let row = explored(&text, of, &[long[0], long[1], rare]);
    let said = "runs of its first 300 messages, of 1 key, show";
    assert!(row.not_tried.iter().any(|clause| clause.contains(said)), "{:#?}", row.not_tried);
    let alone = Bounds { as_it_is: false, ..Bounds::default() };
    let row = explored_within(alone, &text, of, &[long[0], long[1], rare]);
    check(&row, &[], &[(Property::Reordered, Occurs::Never)]);
}

/// Whoever ends the runs of the scenario early has not tried them.
#[test]
fn runs_that_were_not_made_are_named() {
    let part = Part { models: &[Model::Log], strategies: &[ON_LOG.strategy], subscriptions: &[] };
    let plan = ExplorationPlan::new(loaded(TIMER, &[]), part, Bounds::default()).expect("a plan");
    let prepared = plan.prepare(&plan.spaces[0]);
    let explored = prepared.exploration().run();
    assert_eq!(prepared.missed(&explored, &|_| true), [""; 0]);
    for made in [0, 5] {
        let missed = prepared.missed(&explored, &|seed| seed <= made);
        assert_eq!(missed, ["runs of the scenario as it is"]);
    }
}

/// Every message is struck in each of two subscriptions: what that does is no news where no fault
/// is explored, or only another's strike.
#[test]
fn runs_of_the_scenario_have_no_faults_but_those_that_are_explored() {
    let text = "[workload]\nmessages = 5\n\
        [[subscriptions]]\nname = 'reader'\n[[subscriptions]]\nname = 'other'\n\
        [log]\nauto_offset_reset = 'earliest'\n";
    let crash = "{ effect = { after = { crash = 0.5 } } }";
    let never = [(Property::Duplicated, Occurs::Never)];
    let without = Bounds { faults: 0, ..Bounds::default() };
    check(&explored_within(without, text, ON_LOG, &[("faults", crash)]), &[], &never);
    let of_other = [("subscriptions.1.faults", crash)];
    check(&explored(text, ON_LOG, &of_other), &[], &never);
    let of_both = [("faults", crash)];
    let found = [(Property::Duplicated, Occurs::Sometimes), (Property::Lost, Occurs::Never)];
    check(&explored(text, ON_LOG, &of_both), &[], &found);
}
