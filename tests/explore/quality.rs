//! What shrinking comes to: known anomalies end in their known minimal story, exactly.
//!
//! A shrinker that merely makes things smaller is easy; that the last step is the simplest story
//! there is can only be asserted on results.

use std::cell::Cell;

use entrega::{Exploration, Finding, Shrinker, Story};
use entrega_checker::{Cause, Class};
use entrega_choice::{Choice, Choices, format_choices};
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Planner;
use entrega_sim::Experiment;
use entrega_sim::explore::{Scope, Space};

use Model::{Log, Queue};
use Strategy::{
    AutoSettleAtDelivery, AutoSettleAtNextReceive, ProcessThenSettle, SettleEveryN,
    SettleThenProcess,
};

const CRASHES: &str = "effect.before = { crash = 0.2 }\neffect.after = { crash = 0.2 }\n\
                       settle.after = { crash = 0.2 }\n";
const SETTLES: &str = "settle.request = { lost = 0.2 }\n";
const DELAYS: &str = "process.stall = { before = 0.2, after = 0.2 }\n";

const MOST: Scope =
    Scope { subscription: SubscriptionId(0), messages: 3, consumers: 2, partitions: 1 };

const DUPLICATED: Finding = Finding::Class(Class::Duplicated, Some(Cause::RedeliveredAfterCrash));
const SETTLE_LOST: Finding = Finding::Class(Class::Duplicated, Some(Cause::SettleLost));
const LOST: Finding = Finding::Class(Class::Lost, Some(Cause::SettledBeforeProcess));

fn scenario(faults: &str) -> Scenario {
    let text = format!(
        "[workload]\nkeys = 1\n[[subscriptions]]\nname = \"reader\"\nconsumers = 2\n\
         [consumer]\nprefetch = 2\nsettle_every = 2\nrequest_timeout = \"1s\"\n\
         [log]\nsession_timeout = \"6s\"\nauto_offset_reset = \"earliest\"\n\
         [queue]\nvisibility_timeout = \"10s\"\n[faults]\n{faults}"
    );
    let loaded = Scenario::parse("quality", &text, &[], &|_| Err(String::new()));
    loaded.expect("a scenario").scenario
}

/// Has `look` look at the experiment that a story is a run of.
fn within<T>(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
    scope: Scope,
    look: impl FnOnce(Experiment<'_>) -> T,
) -> T {
    let small = scope.of(scenario);
    let workload = Planner::new(&small).plan(None, 1);
    look(Experiment { scenario: &small, workload: &workload, model, strategy, seed: 1 })
}

/// The simplest list with which an exploration of the largest scope meets a finding.
fn found(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
    (faults, orders): (u8, u8),
    finding: Finding,
) -> Vec<Choice> {
    within(scenario, model, strategy, MOST, |experiment| {
        let space = Space::of(experiment.scenario, faults, orders);
        let explored = Exploration { experiment, space, budget: 200_000, cuts: true }.run();
        let showing = explored.found.get(&finding).unwrap_or_else(|| {
            panic!("{model} {strategy}: {finding:?} is not in {:?}", explored.found.keys())
        });
        showing.simplest.clone()
    })
}

/// `1 message, 1 consumer: reader.effect.after#1=crash`.
fn told(scenario: &Scenario, story: &Story) -> String {
    let table = points::table(&scenario.subscription_names());
    let Scope { messages, consumers, .. } = story.scope;
    format!("{messages}x{consumers} {}", format_choices(&table, &story.choices))
}

fn shrunk(
    scenario: &Scenario,
    (model, strategy): (Model, Strategy),
    choices: Vec<Choice>,
    wanted: &dyn Fn(&Finding) -> bool,
) -> String {
    let shrinker =
        Shrinker { scenario, model, strategy, seed: 1, budget: 20_000, before: &|_, _| true };
    told(scenario, &shrinker.shrink(&Story { scope: MOST, choices }, wanted))
}

/// Explores, and shrinks what was found.
fn check(model: Model, strategy: Strategy, faults: (&str, u8), finding: Finding, expect: &str) {
    let scenario = scenario(faults.0);
    let choices = found(&scenario, model, strategy, (faults.1, 1), finding);
    let story = shrunk(&scenario, (model, strategy), choices, &|one| *one == finding);
    assert_eq!(story, expect, "{model} {strategy} {finding:?}");
}

#[test]
fn one_crash_tells_it_all() {
    let class = |class, cause| Finding::Class(class, Some(cause));
    for model in [Log, Queue] {
        let after = "1x1 reader.effect.after#1=crash";
        check(model, ProcessThenSettle, (CRASHES, 1), DUPLICATED, after);
        check(model, SettleEveryN, (CRASHES, 1), DUPLICATED, after);
        check(model, AutoSettleAtNextReceive, (CRASHES, 1), DUPLICATED, after);
        let before = "1x1 reader.effect.before#1=crash";
        check(model, SettleThenProcess, (CRASHES, 1), LOST, before);
    }
    let at_delivery = class(Class::Lost, Cause::SettledAtDelivery);
    let before = "1x1 reader.effect.before#1=crash";
    check(Queue, AutoSettleAtDelivery, (CRASHES, 1), at_delivery, before);
    let by_timer = class(Class::Lost, Cause::SettledByTimer);
    let slow = "1x1 reader.effect.before#1=crash-expiry";
    check(Log, AutoSettleAtDelivery, (CRASHES, 1), by_timer, slow);
}

#[test]
fn what_needs_more_keeps_more() {
    let lost = "1x1 reader.settle.request#1=lost";
    check(Queue, ProcessThenSettle, (SETTLES, 1), SETTLE_LOST, lost);
    let both = "2x1 reader.settle.request#1=lost+reader.effect.before#2=crash";
    let faults = format!("effect.before = {{ crash = 0.2 }}\n{SETTLES}");
    check(Log, ProcessThenSettle, (&faults, 2), DUPLICATED, both);
    let stall = "2x2 reader.process.stall#1=before-expiry";
    check(Queue, ProcessThenSettle, (DELAYS, 1), Finding::Reordered, stall);
}

/// A random run in which much goes wrong, and the choices that it made.
fn noisy(scenario: &Scenario, model: Model, strategy: Strategy, finding: Finding) -> Vec<Choice> {
    let table = points::table(&["reader"]);
    let run = |seed| {
        within(scenario, model, strategy, MOST, |experiment| {
            let odds = experiment.scenario.odds();
            let choices = Choices::random(table.clone(), seed, &odds).expect("odds");
            let judged = entrega::judge(&experiment, choices, &mut ());
            let made = judged.outcome.choices.made().to_vec();
            let shows = entrega::shrink::shows(&experiment, &made, finding);
            (shows && made.len() >= 12).then_some(made)
        })
    };
    (1..5_000).find_map(run).expect("a noisy run")
}

#[test]
fn noise_is_dropped() {
    let often = format!("{CRASHES}{SETTLES}{DELAYS}handler.error = {{ transient = 0.4 }}\n")
        .replace("0.2", "0.3");
    let scenario = scenario(&often);
    let contest = (Queue, ProcessThenSettle);
    let shrink = |finding| {
        let choices = noisy(&scenario, contest.0, contest.1, finding);
        shrunk(&scenario, contest, choices, &|one| *one == finding)
    };
    assert_eq!(shrink(DUPLICATED), "1x1 reader.effect.after#1=crash");
    assert_eq!(shrink(SETTLE_LOST), "1x1 reader.settle.request#1=lost");
}

/// A shrinker that forgets the cause ends in another story.
#[test]
fn forgetting_the_cause_is_caught() {
    let scenario = scenario(&format!("{CRASHES}{SETTLES}"));
    let contest = (Queue, ProcessThenSettle);
    let mut choices = found(&scenario, contest.0, contest.1, (1, 1), SETTLE_LOST);
    let after = points::own_point(points::Fault::EffectAfter, SubscriptionId(0));
    choices.push(Choice { point: after, occurrence: 3, value: 1 });
    let faithful = shrunk(&scenario, contest, choices.clone(), &|one| *one == SETTLE_LOST);
    let forgetful = shrunk(&scenario, contest, choices, &|one| {
        matches!(one, Finding::Class(Class::Duplicated, _))
    });
    assert_eq!(faithful, "1x1 reader.settle.request#1=lost");
    assert_eq!(forgetful, "1x1 reader.effect.after#1=crash");
}

/// What does not show the finding is given back, and every run is announced.
#[test]
fn nothing_to_shrink_stays_as_it_is() {
    let scenario = scenario(CRASHES);
    let runs = Cell::new(0);
    let shrinker = Shrinker {
        scenario: &scenario,
        model: Log,
        strategy: ProcessThenSettle,
        seed: 1,
        budget: 20_000,
        before: &|_, _| {
            runs.set(runs.get() + 1);
            true
        },
    };
    let story = Story { scope: MOST, choices: Vec::new() };
    assert_eq!(shrinker.shrink(&story, &|one| *one == DUPLICATED), story);
    assert_eq!(runs.get(), 1);
}

/// What an exploration finds with two faults and a change of order is not told with three faults.
/// What it finds with three is.
#[test]
fn a_change_of_order_is_not_given_for_a_fault() {
    let counted = |faults: &str, strategy, most: (u8, u8)| {
        let scenario = scenario(faults);
        let choices = found(&scenario, Queue, strategy, most, DUPLICATED);
        shrunk(&scenario, (Queue, strategy), choices, &|one| *one == DUPLICATED)
    };
    let restarts = "broker.restart = { restart = 0.2 }\nsettle.after = { crash = 0.2 }\n";
    let story = |faults, orders| counted(restarts, ProcessThenSettle, (faults, orders));
    assert_eq!(story(2, 1), "3x1 broker.restart#6=restart+reader.settle.after#2=crash");
    let three = "broker.restart#3=restart+broker.restart#4=restart+reader.settle.after#1=crash";
    assert_eq!(story(3, 0), format!("2x1 {three}"));
}
