//! Explorations: that cutting them short changes nothing but the effort, and that what they find
//! shrinks to the simplest story.

#[path = "explore/effects.rs"]
mod effects;
#[path = "explore/orders.rs"]
mod orders;
#[path = "explore/quality.rs"]
mod quality;
#[path = "explore/spaces.rs"]
mod spaces;

use std::collections::BTreeSet;

use entrega::{Exploration, Finding};
use entrega_clients::Strategy;
use entrega_model::{MessageId, Model, SubscriptionId};
use entrega_scenario::points;
use entrega_sim::Experiment;
use entrega_sim::explore::{Explored, Frontier};

use effects::Effects;
use spaces::Small;

const BUDGET: u64 = 3_000_000;

fn experiment(model: Model, strategy: Strategy, small: &Small) -> Experiment<'_> {
    let Small { scenario, workload, .. } = small;
    Experiment { scenario, workload, model, strategy, seed: 1 }
}

fn explore(model: Model, strategy: Strategy, small: &Small, cuts: bool) -> Explored<Finding> {
    let experiment = experiment(model, strategy, small);
    let space = small.space.clone();
    Exploration { experiment, space, budget: BUDGET, cuts }.run()
}

/// Every order of effects that a space has, and whether the run came to rest.
fn effects(
    experiment: &Experiment<'_>,
    small: &Small,
    cuts: bool,
    mut witness: Effects,
) -> BTreeSet<(Vec<MessageId>, bool)> {
    let mut frontier = Frontier::new(small.space.clone(), BUDGET);
    if !cuts {
        frontier = frontier.without_cuts();
    }
    while let Some(batch) = frontier.batch(1) {
        let walk = |task| experiment.walk(task, frontier.seen(), &mut witness);
        let walked = batch.iter().map(walk).collect();
        frontier.absorb(batch, walked);
    }
    let explored = frontier.finish();
    assert!(explored.complete);
    explored.found.into_keys().collect()
}

/// With and without the cut, an exploration finds the same.
fn check_cut(model: Model, strategy: Strategy, small: &Small) {
    let cut = explore(model, strategy, small, true);
    let whole = explore(model, strategy, small, false);
    assert!(cut.complete && whole.complete);
    let accused = whole.misbehaved.keys().find(|misdeed| !misdeed.is_unrest());
    assert_eq!(accused, None, "{model} {strategy} {}", small.name);
    let found =
        |explored: &Explored<Finding>| -> Vec<Finding> { explored.found.keys().copied().collect() };
    assert_eq!(found(&cut), found(&whole), "{model} {strategy} {}", small.name);
}

/// For every strategy.
#[test]
fn the_cut_is_sound() {
    for small in spaces::all() {
        for &model in &small.scenario.models {
            for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
                check_cut(model, strategy, &small);
            }
        }
    }
}

/// However many lists are run at a time, an exploration is the same in every number.
#[test]
fn the_size_of_a_batch_changes_nothing() {
    for small in spaces::all() {
        for &model in &small.scenario.models {
            for strategy in [Strategy::ProcessThenSettle, Strategy::SettleThenProcess] {
                let experiment = experiment(model, strategy, &small);
                let space = small.space.clone();
                let exploration = Exploration { experiment, space, budget: BUDGET, cuts: true };
                let mut judge = exploration.judge();
                let in_batches = exploration.run_with(|tasks, seen| {
                    tasks.iter().map(|task| exploration.walk(task, seen, &mut judge)).collect()
                });
                let whole = |explored: Explored<Finding>| format!("{explored:#?}");
                let one_by_one = whole(exploration.run());
                assert_eq!(one_by_one, whole(in_batches), "{model} {strategy} {}", small.name);
            }
        }
    }
}

/// What a sink, the memory of a process and the renewal of a lease remember is in the state.
#[test]
fn the_cut_is_sound_for_sinks_and_leases() {
    let strategies = [
        Strategy::SettleThenProcess,
        Strategy::ProcessThenSettle,
        Strategy::AutoSettleAtNextReceive,
        Strategy::MicroBatch,
        Strategy::Parallel,
    ];
    for small in spaces::sinks_and_leases() {
        for &model in &small.scenario.models {
            for strategy in strategies {
                check_cut(model, strategy, &small);
                let experiment = experiment(model, strategy, &small);
                let cut = effects(&experiment, &small, true, Effects::default());
                let whole = effects(&experiment, &small, false, Effects::default());
                assert_eq!(cut, whole, "{model} {strategy} {}", small.name);
            }
        }
    }
}

/// A budget that is just enough proves as much as any, and one run less proves nothing.
#[test]
fn a_budget_ends_an_exploration_where_it_says() {
    let small = spaces::all().swap_remove(0);
    let within = |budget| {
        let Small { scenario, workload, .. } = &small;
        let (model, strategy) = (Model::Queue, Strategy::ProcessThenSettle);
        let experiment = Experiment { scenario, workload, model, strategy, seed: 1 };
        Exploration { experiment, space: small.space.clone(), budget, cuts: true }.run()
    };
    let whole = within(3_000_000);
    let enough = within(whole.schedules);
    assert!(whole.complete && enough.complete);
    assert_eq!((&whole.found, whole.states), (&enough.found, enough.states));
    for budget in [1, 2, 40, whole.schedules - 1] {
        let cut_short = within(budget);
        assert!(!cut_short.complete);
        assert_eq!(cut_short.schedules, budget);
    }
}

/// The spaces leave no kind of fault out, or the test above would say nothing about it.
#[test]
fn every_kind_is_in_some_space() {
    let mut missing: Vec<String> = Vec::new();
    let spaces = spaces::all();
    for info in points::FAULTS.iter().filter(|info| info.can_happen_by_chance()) {
        for ((_, act), name) in info.kinds().map(|(kind, _)| kind).zip(info.chances()) {
            let point = info.point(SubscriptionId(0));
            let tried = |value| {
                let budgets = spaces.iter().flat_map(|small| small.space.budgets());
                budgets.flat_map(|budget| &budget.choices).any(|one| *one == (point, value))
            };
            if !info.explored(act).all(tried) {
                missing.push(format!("{} {name}", info.name));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// The same of every order of effects, which is more than the checker asks, with a witness that
/// helps less to tell states apart.
#[test]
fn the_cut_loses_no_order_of_effects() {
    for small in spaces::all() {
        for &model in &small.scenario.models {
            for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
                let experiment = experiment(model, strategy, &small);
                let cut = effects(&experiment, &small, true, Effects::default());
                let whole = effects(&experiment, &small, false, Effects::default());
                assert_eq!(cut, whole, "{model} {strategy} {}", small.name);
            }
        }
    }
}

/// A witness that hides what it has seen lets runs be cut that would have shown something new.
#[test]
fn a_cut_by_too_little_is_caught() {
    let loses = |small: &Small| {
        let experiment = experiment(Model::Queue, Strategy::ProcessThenSettle, small);
        let hiding = Effects { hides: true, ..Effects::default() };
        let cut = effects(&experiment, small, true, hiding);
        cut != effects(&experiment, small, false, Effects::default())
    };
    assert!(spaces::all().iter().any(loses));
}
