//! Prepared transactions, explored: a crash between the checkpoint and the commit is harmless if
//! the next life comes in time, and loses the message if it does not.

use std::collections::BTreeSet;

use entrega::{Exploration, Finding};
use entrega_checker::{Cause, Class};
use entrega_choice::Point;
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::describe;
use entrega_scenario::workload::Planner;
use entrega_sim::Experiment;
use entrega_sim::explore::{Budget, Scope, Space};

/// What befalls a process and its calls. Each fault stands for all of its delays.
const FAULTS_NAMED: &str = r#"
[faults]
effect.before.crash = "1/9"
effect.after.crash = "1/9"
effect.request = { lost = "1/9", late = "1/9", duplicated = "1/9" }
effect.response = { lost = "1/9" }
settle.request = { lost = "1/9", late = "1/9", duplicated = "1/9" }
settle.response = { lost = "1/9" }
settle.after.crash = "1/9"
process.stall = { before = "1/9", after = "1/9" }
group.rebalance = { before = "1/9", after = "1/9" }
"#;

const LOST: Finding = Finding::Class(Class::Lost, Some(Cause::TransactionExpired));

/// Until when a fault may delay what it befalls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delays {
    /// No longer than until all others have done what they can.
    InTime,
    /// Also past the next deadline, which may be that of a transaction.
    All,
}

fn scenario(set: &[(&str, &str)]) -> Scenario {
    let text = format!(
        "workload = {{ keys = 1 }}\nsubscriptions = [{{ name = 'mailer', consumers = 2 }}]\n\
         [consumer]\nprefetch = 2\nrequest_timeout = '1s'\ntransaction_offsets = 'checkpoint'\n\
         transaction_timeout = '10min'\n[log]\nsession_timeout = '6s'\n\
         auto_offset_reset = 'earliest'\n{FAULTS_NAMED}"
    );
    let set: Vec<_> =
        set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("prepared", &text, &set, &|_| Err(String::new()));
    loaded.expect("a scenario").scenario
}

/// Everything that up to `faults` faults, and so many changes of order, can bring about.
fn explored(set: &[(&str, &str)], delays: Delays, budget: (u8, u8)) -> BTreeSet<Finding> {
    let scope = Scope { subscription: SubscriptionId(0), messages: 2, consumers: 2, partitions: 1 };
    let scenario = scope.of(&scenario(set));
    let workload = Planner::new(&scenario).plan(None, 1);
    let space = Space::of(&scenario, budget.0, budget.1);
    let [faults, orders] = space.budgets() else { panic!("two budgets") };
    let is_in_time = |&(point, value): &(Point, u32)| {
        let chosen = describe(point).0.alternative(value);
        chosen.is_some_and(|chosen| !chosen.zone.is_past_a_deadline())
    };
    let choices = faults.choices.iter().copied();
    let choices = choices.filter(|one| delays == Delays::All || is_in_time(one)).collect();
    let faults = Budget { choices, ..faults.clone() };
    let space = Space::new(vec![faults, orders.clone()]);
    let experiment = Experiment {
        scenario: &scenario,
        workload: &workload,
        model: Model::Log,
        strategy: Strategy::Transactional,
        seed: 1,
    };
    let explored = Exploration { experiment, space, budget: 1_000_000, cuts: true }.run();
    assert!(explored.complete);
    explored.found.into_keys().collect()
}

/// Whether a message is lost or takes effect twice.
fn harms(found: &BTreeSet<Finding>) -> BTreeSet<Finding> {
    let classes = [Class::Lost, Class::Duplicated, Class::Split, Class::Phantom, Class::Pending];
    let is_harm = |one: &&Finding| {
        matches!(one, Finding::Stalled)
            || matches!(one, Finding::Class(class, Some(_)) if classes.contains(class))
    };
    found.iter().filter(is_harm).copied().collect()
}

#[track_caller]
fn check(set: &[(&str, &str)], delays: Delays, budget: (u8, u8), expect: &[Finding]) {
    let found = explored(set, delays, budget);
    assert_eq!(harms(&found), expect.iter().copied().collect(), "{set:?}");
}

#[test]
fn a_transaction_that_is_resumed_in_time_is_never_lost_or_repeated() {
    check(&[], Delays::InTime, (2, 0), &[]);
    check(&[], Delays::InTime, (1, 1), &[]);
}

/// Nothing else is lost, and nothing is repeated.
#[test]
fn one_that_has_expired_by_then_is_lost() {
    check(&[], Delays::All, (1, 0), &[LOST]);
    check(&[("times.restart", "11min")], Delays::InTime, (1, 0), &[LOST]);
    check(&[("times.restart", "9min")], Delays::InTime, (1, 0), &[]);
}

/// The offset alone, without the transaction: a crash in between loses, however short it is.
#[test]
fn an_offset_without_its_transaction_is_lost_in_time() {
    let before = [("consumer.transaction_offsets", "before-commit")];
    let settled = Finding::Class(Class::Lost, Some(Cause::SettledBeforeProcess));
    check(&before, Delays::InTime, (1, 0), &[settled]);
    let away = [before[0], ("times.restart", "11min")];
    check(&away, Delays::InTime, (1, 0), &[settled]);
}
