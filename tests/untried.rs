//! What explorations call impossible, time does not do without a fault.
//!
//! Scenarios are made up whose numbers lie around the thresholds at which time begins to matter: a
//! lease of as long as a handler needs, or a little less, or as long as all messages need that wait
//! together. Each is run with some seeds, as it is. What a run shows the exploration of the same
//! configuration must not call *never*: it finds it, or says what it did not try.
//!
//! And the opposite: without the comparisons ([`entrega::untried`]) explorations of the same
//! scenarios say *never* of what runs show.
//!
//! `ENTREGA_UNTRIED` says how many scenarios are made up.

#[path = "untried/cases.rs"]
mod cases;
#[path = "../crates/entrega/tests/consumers/dead_letters.rs"]
mod dead_letters;
mod dice;
#[path = "untried/made_up.rs"]
mod made_up;
#[path = "untried/own.rs"]
mod own;

use std::collections::BTreeMap;

use entrega::untried::Untried;
use entrega_checker::findings;
use entrega_clients::Strategy;
use entrega_lab::property::{Occurs, Property};
use entrega_lab::{Bounds, Configuration, ExplorationPlan, LoadedScenario, Model, Part, run::run};

use made_up::MadeUp;

const SCENARIOS: u64 = 600;
/// So many must be enough for explorations without the comparisons to be wrong.
const FEW: u64 = 150;
/// Each scenario is run with these seeds.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=6;

fn scenarios() -> u64 {
    let asked = std::env::var("ENTREGA_UNTRIED").ok();
    asked.map_or(SCENARIOS, |count| count.parse().expect("a number in ENTREGA_UNTRIED"))
}

/// What runs of a configuration show.
fn shown(loaded: &LoadedScenario, configuration: Configuration) -> Vec<Property> {
    let runs = SEEDS.map(|seed| run(loaded, configuration, seed).judged.report);
    let found: Vec<Property> = runs
        .flat_map(|report| {
            let of = report.subscriptions.iter();
            of.flat_map(|of| findings(of, report.end).into_keys()).collect::<Vec<_>>()
        })
        .filter_map(|finding| Property::ALL.into_iter().find(|one| one.counts(finding)))
        .collect();
    Property::ALL.into_iter().filter(|one| found.contains(one)).collect()
}

/// Explorations of the whole of a small scenario.
fn plan(loaded: LoadedScenario, configuration: Configuration, faults: u8) -> ExplorationPlan {
    let Configuration { model, strategy } = configuration;
    let (models, strategies) = (&[model][..], &[strategy][..]);
    let part = Part { models, strategies, subscriptions: &[] };
    let (messages, consumers, partitions) = (4, 2, 2);
    let budget = 4_000;
    let bounds = Bounds { faults, messages, consumers, partitions, budget, ..Bounds::default() };
    ExplorationPlan::new(loaded, part, bounds).expect("a plan")
}

/// Orders that only show where handlers overlap, which is not tried yet.
fn needs_overlap(loaded: &LoadedScenario, configuration: Configuration, one: Property) -> bool {
    let Configuration { model, strategy } = configuration;
    let several = loaded.scenario.subscriptions[0].consumers > 1 && model == Model::Queue;
    one == Property::Reordered && (several || strategy.reads("workers"))
}

/// What an exploration calls impossible although a run has shown it.
fn wrong(made_up: &MadeUp, knows_time: bool) -> (Vec<Property>, Vec<Property>) {
    let loaded = made_up.loaded();
    let configuration = made_up.configuration;
    let shown: Vec<Property> = shown(&loaded, configuration)
        .into_iter()
        .filter(|one| !needs_overlap(&loaded, configuration, *one))
        .collect();
    if shown.is_empty() {
        return (shown, Vec::new());
    }
    let mut plan = plan(loaded, configuration, 0);
    if !knows_time {
        plan.spaces.iter_mut().for_each(|space| space.untried = Untried::default());
    }
    let explored = plan.run();
    let is_wrong =
        |one: &&Property| explored.rows.iter().all(|row| row.occurs(**one) == Occurs::Never);
    let wrong = shown.iter().filter(is_wrong).copied().collect();
    (shown, wrong)
}

#[test]
fn what_a_run_shows_no_exploration_calls_impossible() {
    let mut tally: BTreeMap<(Model, &str), u64> = BTreeMap::new();
    for number in 0..scenarios() {
        let made_up = MadeUp::new(number);
        let (shown, wrong) = wrong(&made_up, true);
        let names: Vec<&str> = wrong.iter().map(|one| one.name()).collect();
        assert!(wrong.is_empty(), "number {number}: never {names:?}\n{made_up}");
        for one in shown {
            *tally.entry((made_up.configuration.model, one.name())).or_default() += 1;
        }
    }
    let few = scenarios() < SCENARIOS;
    for both in [Model::Log, Model::Queue].map(|model| [(model, "lost"), (model, "duplicated")]) {
        assert!(few || both.iter().all(|one| tally.contains_key(one)), "{both:?}: {tally:?}");
    }
}

#[test]
fn without_the_comparisons_explorations_are_wrong() {
    let mut on = BTreeMap::new();
    for number in 0..FEW {
        let made_up = MadeUp::new(number);
        let (_, wrong) = wrong(&made_up, false);
        *on.entry(made_up.configuration.model).or_insert(0) += wrong.len();
    }
    assert!(on.values().all(|wrong| *wrong >= 5), "{on:?}");
}

/// The scenarios are about all strategies.
#[test]
fn every_strategy_is_made_up() {
    let made: Vec<Strategy> =
        (0..FEW).map(|number| MadeUp::new(number).configuration.strategy).collect();
    assert!(Strategy::ALL.iter().all(|one| made.contains(one)));
}
