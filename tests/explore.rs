//! Explorations: that cutting them short changes nothing but the effort.

#[path = "explore/spaces.rs"]
mod spaces;

use entrega::{Exploration, Finding};
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_sim::Experiment;
use entrega_sim::explore::Explored;

use spaces::Small;

fn explore(model: Model, strategy: Strategy, small: &Small, cuts: bool) -> Explored<Finding> {
    let experiment = Experiment {
        scenario: &small.scenario,
        workload: &small.workload,
        model,
        strategy,
        seed: 1,
    };
    let space = small.space.clone();
    Exploration { experiment, space, budget: 3_000_000, cuts }.run()
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
