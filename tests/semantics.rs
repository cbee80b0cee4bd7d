//! The semantics, proved as far as random runs can, and a little further by exploration: for each
//! strategy and model a *contract*, which is a pair.
//!
//! * *Always*: what the guarantee forbids never happens, whatever the workload, the settings and
//!   the stream of choices, as long as its needs are given.
//! * *Sometimes*: the anomaly that it is known for does happen, so that a simulator in which
//!   nothing happens fails.
//!
//! And the opposite of each: without a need the promise is broken, and the checker says so.
//!
//! Method: proptest makes up a [`mix`] of workload, settings and choices; the [`contracts`] are
//! data. The cases are the same every time, so that a green run stays green; `PROPTEST_RNG_SEED`
//! chooses others and `PROPTEST_CASES` more.

#[path = "semantics/contracts.rs"]
mod contracts;
#[path = "semantics/generate.rs"]
mod generate;
#[path = "semantics/mix.rs"]
mod mix;
#[path = "semantics/sights.rs"]
mod sights;

use entrega_checker::{Cause, Checker, Class, End, Report, Verdict};
use entrega_clients::Strategy;
use entrega_model::{Guarantee, Model};
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;
use proptest::prelude::*;
use proptest::strategy::{Strategy as Recipe, ValueTree};
use proptest::test_runner::{RngSeed, TestRunner};

use contracts::{CONTRACTS, Contract, Sight, UNPROMISED};
use generate::mixes;
use mix::{Mix, Stream};
use sights::Small;

/// So many mixes are tried to break a promise that lacks one of its needs.
const ATTEMPTS: u64 = 3_000;
const SEED: RngSeed = RngSeed::Fixed(20_261_123);

fn cases() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = SEED;
    }
    config
}

/// Runs a mix under a strategy and judges it by a promise.
fn judge(mix: &Mix, contract: &Contract, seed: u64) -> Report {
    let scenario = mix.scenario();
    let Contract { model, strategy, guarantee, .. } = *contract;
    let workload = Workload::generate(&scenario, None, seed);
    let experiment = Experiment { scenario: &scenario, workload: &workload, model, strategy, seed };
    let mut config = entrega::judge::config(&experiment);
    config.subscriptions[0].guarantee = guarantee;
    let mut checker = Checker::new(config);
    let outcome = experiment.run(mix.stream.choices(&scenario, seed), &mut checker);
    checker.finish(entrega::judge::end(outcome.end))
}

/// What is wrong with a run: with the simulator, or with the promise.
fn complaint(report: &Report) -> Option<String> {
    let of = &report.subscriptions[0];
    let sound = report.end == End::Quiescent
        && of.classes.get(Class::Phantom) == 0
        && of.classes.get(Class::Pending) == 0
        && !of.causes.contains_key(&Cause::Unexplained);
    let forbidden = match of.guarantee {
        Guarantee::None => 0,
        Guarantee::AtMostOnce => of.duplicated(),
        Guarantee::AtLeastOnce => of.lost(),
        Guarantee::ExactlyOnceEffect => of.lost() + of.duplicated(),
    };
    let kept = forbidden == 0 && report.verdict == Verdict::Valid;
    (!sound || !kept)
        .then(|| format!("{:?} {:?} {:?} {:?}", report.end, report.reasons, of.causes, of.examples))
}

/// A strategy that promises nothing is judged by that, and has to come to rest and be explained.
fn unpromised() -> impl Iterator<Item = Contract> {
    let safe = |contract: &Contract| Contract { needs: contracts::PASSING, ..*contract };
    UNPROMISED.iter().map(safe)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_contract_is_kept(mix in mixes(), seed: u64) {
        for contract in CONTRACTS.iter().copied().chain(unpromised()) {
            let mut mix = mix.clone();
            contract.provide(&mut mix, None);
            let complaint = complaint(&judge(&mix, &contract, seed));
            let Contract { strategy, model, guarantee, .. } = contract;
            prop_assert!(
                complaint.is_none(),
                "{} {} {}: {} in {:?}", model, strategy, guarantee, complaint.unwrap_or_default(), mix
            );
        }
    }

    /// Without faults every strategy has every effect once, whatever its settings.
    #[test]
    fn without_faults_nothing_goes_wrong(mix in mixes(), seed: u64) {
        for contract in CONTRACTS.iter().chain(UNPROMISED) {
            let guarantee = Guarantee::ExactlyOnceEffect;
            let mut mix = Mix { stream: Stream::HARMLESS, ..mix.clone() };
            contract.provide(&mut mix, None);
            let complaint = complaint(&judge(&mix, &Contract { guarantee, ..*contract }, seed));
            let Contract { strategy, model, .. } = contract;
            prop_assert!(
                complaint.is_none(),
                "{} {}: {} in {:?}", model, strategy, complaint.unwrap_or_default(), mix
            );
        }
    }
}

/// Every strategy has a contract on every model that supports it, and each is known for something.
#[test]
fn every_strategy_has_a_contract() {
    for strategy in Strategy::ALL {
        for model in [Model::Log, Model::Queue] {
            let its =
                |contract: &&Contract| (contract.strategy, contract.model) == (strategy, model);
            let all: Vec<_> = CONTRACTS.iter().chain(UNPROMISED).filter(its).collect();
            assert_eq!(!all.is_empty(), strategy.supports(model), "{model} {strategy}");
            assert!(all.iter().all(|contract| !contract.sometimes.is_empty()));
            let promised = all.iter().any(|one| one.guarantee == strategy.guarantee(model));
            assert!(promised || all.is_empty(), "{model} {strategy} promises something else");
        }
    }
}

/// A need is one: without it, and with everything else, the promise is broken.
#[test]
fn every_need_is_needed() {
    let config = ProptestConfig { rng_seed: SEED, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let recipe = mixes();
    let mut idle = Vec::new();
    for contract in CONTRACTS {
        for &need in contract.needs {
            let broken = (0..ATTEMPTS).any(|seed| {
                let mut mix = recipe.new_tree(&mut runner).expect("a mix").current();
                need.withhold(&mut mix);
                contract.provide(&mut mix, Some(need));
                complaint(&judge(&mix, contract, seed)).is_some()
            });
            if !broken {
                let Contract { strategy, model, .. } = contract;
                idle.push(format!("{model} {strategy} does without {need:?}: {}", need.reason()));
            }
        }
    }
    assert!(idle.is_empty(), "\n{}", idle.join("\n"));
}

/// What each strategy is known for is found among the runs with at most two faults; what its
/// promise forbids is not; and each run that shows an anomaly is told from one that does not by
/// every promise that forbids it.
#[test]
fn every_strategy_does_what_it_is_known_for() {
    let mut wrong = Vec::new();
    for contract in CONTRACTS.iter().chain(UNPROMISED) {
        let Contract { strategy, model, guarantee, sometimes, .. } = *contract;
        let small = Small::of(contract);
        let explored = small.explore();
        assert!(explored.complete, "{model} {strategy}: {} schedules", explored.schedules);
        let unseen = sometimes.iter().filter(|sight| !explored.found.contains_key(sight));
        wrong.extend(unseen.map(|sight| format!("{model} {strategy} {guarantee}: no {sight:?}")));
        for (&sight, showing) in &explored.found {
            let caught = |other: &Guarantee| {
                small.judge(&showing.simplest, *other).verdict == Verdict::Invalid
            };
            let uncaught =
                PROMISES.iter().filter(|&&one| forbids(one, sight)).any(|one| !caught(one));
            if forbids(guarantee, sight) || uncaught {
                wrong.push(format!("{model} {strategy} {guarantee}: {sight:?} {showing:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

const PROMISES: [Guarantee; 3] =
    [Guarantee::AtMostOnce, Guarantee::AtLeastOnce, Guarantee::ExactlyOnceEffect];

fn forbids(guarantee: Guarantee, sight: Sight) -> bool {
    let no_loss = matches!(guarantee, Guarantee::AtLeastOnce | Guarantee::ExactlyOnceEffect);
    let no_duplicate = matches!(guarantee, Guarantee::AtMostOnce | Guarantee::ExactlyOnceEffect);
    match sight {
        Sight::Class(Class::Lost) => no_loss,
        Sight::Class(Class::Duplicated | Class::Split) => no_duplicate,
        _ => false,
    }
}
