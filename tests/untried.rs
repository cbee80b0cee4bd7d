//! What explorations call impossible, no run of the scenario does; nor does one leave out what they
//! call inevitable.
//!
//! Scenarios are made up whose numbers lie around the thresholds at which time begins to matter: a
//! lease of as long as a handler needs, or a little less, or as long as all messages need that wait
//! together. Messages are there from the start or come one after another, members of a group join
//! apart, and in every other scenario something goes wrong. Each is run with some seeds, as it is.
//! What a run with no more faults than are explored shows, the exploration of the same
//! configuration must not call *never*: it finds it, or says what it did not try.
//!
//! The comparisons ([`entrega::untried`]) are held to that without the net below them
//! ([`entrega_lab::by_chance`]), and the net without the comparisons.
//!
//! And the opposite: without both, explorations of the same scenarios say *never* of what runs
//! show.
//!
//! `ENTREGA_UNTRIED` says how many scenarios are made up.

#[path = "untried/cases.rs"]
mod cases;
#[path = "../crates/entrega/tests/consumers/dead_letters.rs"]
mod dead_letters;
mod dice;
#[path = "untried/kinds.rs"]
mod kinds;
#[path = "untried/made_up.rs"]
mod made_up;
#[path = "untried/neighbours.rs"]
mod neighbours;
#[path = "untried/own.rs"]
mod own;

use std::collections::BTreeMap;

use entrega::judge;
use entrega::untried::Untried;
use entrega_clients::Strategy;
use entrega_lab::property::{Occurs, Property};
use entrega_lab::{Bounds, Configuration, ExplorationPlan, LoadedScenario, Model, Part, run::run};
use entrega_sim::RunEnd;

use made_up::{MadeUp, is_made};

const SCENARIOS: u64 = 600;
/// So many must be enough for explorations that know nothing of time to be wrong.
const FEW: u64 = 150;
/// Each scenario is run with these seeds, none of which the net below the comparisons uses.
const SEEDS: std::ops::RangeInclusive<u64> = 1_001..=1_006;
/// At most so many faults strike.
const FAULTS: u8 = 1;

fn scenarios() -> u64 {
    let asked = std::env::var("ENTREGA_UNTRIED").ok();
    asked.map_or(SCENARIOS, |count| count.parse().expect("a number in ENTREGA_UNTRIED"))
}

/// What an exploration is told of the scenario as it is.
#[derive(Clone, Copy, Debug)]
struct Knows {
    numbers: bool,
    runs: bool,
}

const BOTH: Knows = Knows { numbers: true, runs: true };
const NUMBERS: Knows = Knows { numbers: true, runs: false };
const RUNS: Knows = Knows { numbers: false, runs: true };
const NOTHING: Knows = Knows { numbers: false, runs: false };

/// What each run of a configuration shows that has no more faults than are explored.
fn shown(loaded: &LoadedScenario, configuration: Configuration) -> Vec<(RunEnd, Vec<Property>)> {
    let runs = SEEDS.map(|seed| run(loaded, configuration, seed).judged);
    let few = runs.filter(|run| run.outcome.choices.made().len() <= FAULTS.into());
    let shows = few.map(|run| {
        let of = run.report.subscriptions.iter();
        let found: Vec<_> = of.flat_map(|of| judge::shown(of, run.outcome.end)).collect();
        let is_found = |one: &Property| found.iter().any(|&finding| one.counts(finding));
        (run.outcome.end, Property::ALL.into_iter().filter(is_found).collect())
    });
    shows.collect()
}

/// Explorations of the whole of a small scenario.
fn plan(loaded: LoadedScenario, configuration: Configuration, knows: Knows) -> ExplorationPlan {
    let Configuration { model, strategy } = configuration;
    let (models, strategies) = (&[model][..], &[strategy][..]);
    let part = Part { models, strategies, subscriptions: &[] };
    let bounds = Bounds {
        faults: FAULTS,
        messages: 4,
        consumers: 2,
        partitions: 2,
        budget: 4_000,
        as_it_is: knows.runs,
        ..Bounds::default()
    };
    let mut plan = ExplorationPlan::new(loaded, part, bounds).expect("a plan");
    if !knows.numbers {
        plan.spaces.iter_mut().for_each(|space| space.untried = Untried::default());
    }
    plan
}

/// What an exploration says although a run has shown the opposite.
fn wrong(made_up: &MadeUp, knows: Knows) -> (Vec<Property>, Vec<(Property, Occurs)>) {
    let loaded = made_up.loaded();
    let configuration = made_up.configuration;
    let runs = shown(&loaded, configuration);
    let in_some = |one: &Property| runs.iter().any(|(_, shows)| shows.contains(one));
    let shown: Vec<Property> = Property::ALL.into_iter().filter(in_some).collect();
    if runs.is_empty() {
        return (shown, Vec::new());
    }
    let in_all = |one: &Property| {
        let mut at_rest = runs.iter().filter(|(end, _)| *end == RunEnd::Quiescent);
        at_rest.all(|(_, shows)| shows.contains(one))
    };
    let plan = plan(loaded, configuration, knows);
    let explored = plan.run();
    let said = Property::ALL.into_iter().map(|one| (one, explored.rows[0].occurs(one)));
    let is_wrong = |(one, said): &(Property, Occurs)| match said {
        Occurs::Never => in_some(one),
        Occurs::Always => !in_all(one),
        Occurs::Sometimes | Occurs::NotFound => false,
    };
    let wrong = said.filter(is_wrong).collect();
    (shown, wrong)
}

/// Nothing is said that a run contradicts, in any scenario. What runs have shown, by how many.
fn nothing_is_wrong(knows: Knows) -> BTreeMap<(Model, &'static str), u64> {
    let mut tally = BTreeMap::new();
    let mut contradicted = String::new();
    for number in 0..scenarios() {
        let made_up = MadeUp::new(number);
        let (shown, wrong) = wrong(&made_up, knows);
        for (one, said) in wrong {
            let (one, said) = (one.name(), said.name());
            contradicted += &format!("number {number}: {said} {one}\n{made_up}\n");
        }
        for one in shown {
            *tally.entry((made_up.configuration.model, one.name())).or_default() += 1;
        }
    }
    assert!(contradicted.is_empty(), "{knows:?}\n{contradicted}");
    tally
}

#[test]
fn what_a_run_shows_no_exploration_calls_impossible() {
    let tally = nothing_is_wrong(BOTH);
    let few = scenarios() < SCENARIOS;
    for both in [Model::Log, Model::Queue].map(|model| [(model, "lost"), (model, "duplicated")]) {
        assert!(few || both.iter().all(|one| tally.contains_key(one)), "{both:?}: {tally:?}");
    }
}

#[test]
fn comparisons_alone_find_what_time_does() {
    nothing_is_wrong(NUMBERS);
}

/// How often explorations of a few scenarios are wrong on each model.
fn wrong_on(knows: Knows) -> BTreeMap<Model, usize> {
    let mut on = BTreeMap::new();
    for number in 0..FEW {
        let made_up = MadeUp::new(number);
        let (_, wrong) = wrong(&made_up, knows);
        *on.entry(made_up.configuration.model).or_default() += wrong.len();
    }
    on
}

#[test]
fn without_either_explorations_are_wrong() {
    let on = wrong_on(NOTHING);
    assert!(on.values().all(|wrong| *wrong >= 5), "{on:?}");
}

/// Runs alone refute most of that; the rest is too rare for so few.
#[test]
fn runs_alone_find_most_of_what_time_does() {
    let [found, without] = [RUNS, NOTHING].map(wrong_on);
    let sum = |on: &BTreeMap<Model, usize>| on.values().sum::<usize>();
    assert!(2 * sum(&found) < sum(&without), "{found:?} of {without:?}");
}

/// The scenarios are about all strategies but those of which none is made up.
#[test]
fn every_strategy_is_made_up() {
    let made: Vec<Strategy> =
        (0..FEW).map(|number| MadeUp::new(number).configuration.strategy).collect();
    assert!(Strategy::ALL.iter().filter(|one| is_made(one)).all(|one| made.contains(one)));
}
