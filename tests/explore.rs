//! Explorations: that cutting them short changes nothing but the effort.

#[path = "explore/effects.rs"]
mod effects;
#[path = "explore/spaces.rs"]
mod spaces;

use std::collections::BTreeSet;

use entrega::{Exploration, Finding};
use entrega_clients::Strategy;
use entrega_model::{MessageId, Model};
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
    while let Some(batch) = frontier.batch() {
        let walk = |task| experiment.walk(task, frontier.seen(), &mut witness);
        let walked = batch.iter().map(walk).collect();
        frontier.absorb(batch, walked);
    }
    let explored = frontier.finish();
    assert!(explored.complete);
    explored.found.into_keys().collect()
}

/// With and without the cut, an exploration finds the same, for every strategy.
#[test]
fn the_cut_is_sound() {
    for small in spaces::all() {
        for model in [Model::Log, Model::Queue] {
            for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
                let cut = explore(model, strategy, &small, true);
                let whole = explore(model, strategy, &small, false);
                assert!(cut.complete && whole.complete);
                let found = |explored: &Explored<Finding>| -> Vec<Finding> {
                    explored.found.keys().copied().collect()
                };
                assert_eq!(found(&cut), found(&whole), "{model} {strategy} {}", small.name);
            }
        }
    }
}

/// The same of every order of effects, which is more than the checker asks, with a witness that
/// helps less to tell states apart.
#[test]
fn the_cut_loses_no_order_of_effects() {
    for small in spaces::all() {
        for model in [Model::Log, Model::Queue] {
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
