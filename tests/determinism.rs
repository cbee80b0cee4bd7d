//! The same scenario and seed are the same run, to the byte, on every machine.
//!
//! Goal: nobody changes what a seed means without noticing, and every run can be had again from its
//! replay list. Method: the digest of the whole history is compared between runs of this build, and
//! with literals that were taken once.
//!
//! **When the pinned digests fail.** If the change was meant to alter histories (a new event,
//! another order of events, a mended broker), the failing test prints the new table: put it in
//! place of [`PINNED`], and say in `CHANGELOG.md` that old replay strings are void. If it was not
//! meant, the change has a bug, however well the other tests pass.

use std::collections::BTreeSet;
use std::fmt::Write;

use entrega_choice::{Choice, Choices};
use entrega_clients::Strategy;
use entrega_model::{Event, Model};
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;
use entrega_sim::digest::Digest;
use proptest::prelude::*;

/// Small, and every part of the machinery is in it: two subscriptions, two consumers of one of
/// them, crashes, stalls, lost and late legs, errors, and a broker that restarts. Faults end with
/// the last send, so the sends are spread over half a minute.
const SMALL: &str = r#"
[workload]
messages = 60
keys = 7
arrivals = { distribution = "poisson", rate_per_second = 2 }

[producer]
request_timeout = "1s"

[[subscriptions]]
name = "mailer"
consumers = 2

[[subscriptions]]
name = "analytics"
service_time = { distribution = "constant", value = "1ms" }

[consumer]
prefetch = 5
request_timeout = "1s"
auto_commit_interval = "200ms"

[log]
partitions = 3
session_timeout = "6s"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "6s"

[network]
jitter = "2ms"

[times]
stall = "10s"
late = "2s"
slow = "8s"

[faults]
send.response = { lost = "1/30" }
receive.response = { lost = "1/50" }
handler.error = { transient = "1/3" }
handler.slow = { slow = "1/60" }
process.stall = { before = "1/60", after = "1/60" }
effect.before = { crash = "1/40" }
effect.after = { crash = "1/40" }
settle.request = { lost = "1/30", late = "1/60" }
settle.response = { duplicated = "1/30" }
broker.restart = { restart = "1/1500" }
"#;

/// The digests of [`SMALL`] under seed 1.
const PINNED: [(Model, Strategy, &str); 30] = [
    (Model::Log, Strategy::SettleThenProcess, "736ab783b9019927"),
    (Model::Log, Strategy::ProcessThenSettle, "c2f3c88eff7afabb"),
    (Model::Log, Strategy::SettleEveryN, "664e42b2b9f9fc33"),
    (Model::Log, Strategy::AutoSettleAtDelivery, "6c5e59abdb02f228"),
    (Model::Log, Strategy::AutoSettleAtNextReceive, "67f9d7bdc2f05b40"),
    (Model::Log, Strategy::DeduplicatingSink, "e2e5b32a41dc7b1d"),
    (Model::Log, Strategy::DeadLetter, "97a12bdd30e77faf"),
    (Model::Log, Strategy::MicroBatch, "b76562228f517116"),
    (Model::Log, Strategy::ParallelNaive, "a25627219cf9b35a"),
    (Model::Log, Strategy::Parallel, "977de01bf6467818"),
    (Model::Log, Strategy::ProgressWithEffect, "56d0481cb545c7ce"),
    (Model::Log, Strategy::ProgressWithEffectUnconditional, "56d0481cb545c7ce"),
    (Model::Log, Strategy::Transactional, "96657a67cca451c5"),
    (Model::Log, Strategy::ArticleBasic, "97464869fb290128"),
    (Model::Log, Strategy::ArticleCommitEveryN, "9f9e0907075ebd29"),
    (Model::Log, Strategy::ArticleDeadLetters, "799f6096ee172312"),
    (Model::Queue, Strategy::SettleThenProcess, "43c60b4b0d1e6203"),
    (Model::Queue, Strategy::ProcessThenSettle, "485449e69dff79e0"),
    (Model::Queue, Strategy::SettleEveryN, "6e55f97347670f97"),
    (Model::Queue, Strategy::AutoSettleAtDelivery, "08de6e3fc203cb76"),
    (Model::Queue, Strategy::AutoSettleAtNextReceive, "e01dee2104bfa288"),
    (Model::Queue, Strategy::DeduplicatingSink, "f910b8c5e9b13015"),
    (Model::Queue, Strategy::DeadLetter, "3a57dd20535e30f0"),
    (Model::Queue, Strategy::MicroBatch, "e5db03ad26f72dd5"),
    (Model::Queue, Strategy::BrokerDeadLetter, "6b77afc121ac7e0c"),
    (Model::Queue, Strategy::ParallelNaive, "6d79380cb9fc4717"),
    (Model::Queue, Strategy::Parallel, "63aebf01e8be27c7"),
    (Model::Queue, Strategy::ProgressWithEffect, "f910b8c5e9b13015"),
    (Model::Queue, Strategy::ProgressWithEffectUnconditional, "e1041ebc98485895"),
    (Model::Queue, Strategy::Transactional, "07faacc39d9c7307"),
];

/// What it is about, which settings it changes, and the digests.
type Corner = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Corners of the machinery that [`SMALL`] does not come to, by what is set otherwise. Each has one
/// digest of all combinations under three seeds.
const CORNERS: [Corner; 4] = [
    ("a watchdog", &[("consumer.max_poll_interval", "4s")], "959bab1c4aaba4fa"),
    (
        "many things due",
        &[("consumer.request_timeout", "30s"), ("consumer.batch_interval", "9s")],
        "e43301b438f37a87",
    ),
    ("no time to drain", &[("limits.drain", "2s")], "b7b7fa460554482f"),
    ("few steps", &[("limits.steps", "400")], "468fb58c661960d8"),
];

/// What a run was like.
#[derive(Debug, PartialEq)]
struct Seen {
    digest: String,
    events: Vec<Event>,
    choices: Vec<Choice>,
}

fn scenario(text: &str) -> Scenario {
    scenario_with(text, &[])
}

fn scenario_with(text: &str, overrides: &[(&str, &str)]) -> Scenario {
    let no_files = |_: &str| Err("there are no files here".to_owned());
    let overrides: Vec<(String, String)> =
        overrides.iter().map(|&(path, value)| (path.to_owned(), value.to_owned())).collect();
    match Scenario::parse("small.toml", text, &overrides, &no_files) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

/// Runs with chance, or with `replayed` choices instead.
fn run(
    scenario: &Scenario,
    (model, strategy): (Model, Strategy),
    seed: u64,
    replayed: Option<&[Choice]>,
) -> Seen {
    let workload = Workload::generate(scenario, None, seed);
    let experiment = Experiment { scenario, workload: &workload, model, strategy, seed };
    let choices = match replayed {
        None => experiment.random_choices(),
        Some(made) => {
            Choices::explicit(points::table(&scenario.subscription_names()), made.to_vec())
        }
    };
    let mut observer = (Digest::default(), Vec::new());
    let outcome = experiment.run(choices, &mut observer);
    let (digest, events) = observer;
    Seen { digest: digest.to_string(), events, choices: outcome.choices.made().to_vec() }
}

fn combinations() -> impl Iterator<Item = (Model, Strategy)> {
    [Model::Log, Model::Queue]
        .into_iter()
        .flat_map(|model| Strategy::ALL.map(|strategy| (model, strategy)))
        .filter(|(model, strategy)| strategy.supports(*model))
}

#[test]
fn a_seed_means_one_history() {
    let scenario = scenario(SMALL);
    for combination in combinations() {
        let first = run(&scenario, combination, 7, None);
        assert_eq!(run(&scenario, combination, 7, None), first, "{combination:?}");
        assert!(!first.choices.is_empty(), "no fault happened under {combination:?}");
    }
}

/// The known-bad twin: a digest that ignored what happens would pass every other test here.
#[test]
fn another_seed_means_another_history() {
    let scenario = scenario(SMALL);
    for combination in combinations() {
        let one = run(&scenario, combination, 1, None);
        let other = run(&scenario, combination, 2, None);
        assert_ne!(one.digest, other.digest, "{combination:?}");
    }
}

#[test]
fn digests_are_as_they_were_taken() {
    let scenario = scenario(SMALL);
    let mut table = String::new();
    let mut found = Vec::new();
    for (model, strategy) in combinations() {
        let digest = run(&scenario, (model, strategy), 1, None).digest;
        let _ = writeln!(table, "    (Model::{model:?}, Strategy::{strategy:?}, \"{digest}\"),");
        found.push((model, strategy, digest));
    }
    let pinned = PINNED.map(|(model, strategy, digest)| (model, strategy, digest.to_owned()));
    let same = found == pinned;
    assert!(same, "histories have changed; see the head of this file. They are now:\n{table}");
}

/// The corners are those of the strategies that there were when they were taken: one more moves
/// none of them.
fn is_in_corners((_, strategy): &(Model, Strategy)) -> bool {
    *strategy != Strategy::Transactional
}

#[test]
fn corners_are_as_they_were_taken() {
    let mut found = Vec::new();
    for (name, overrides, _) in CORNERS {
        let scenario = scenario_with(SMALL, overrides);
        let mut digest = Digest::default();
        for ((model, strategy), seed) in
            combinations().filter(is_in_corners).flat_map(|one| (1..=3).map(move |s| (one, s)))
        {
            let workload = Workload::generate(&scenario, None, seed);
            let experiment =
                Experiment { scenario: &scenario, workload: &workload, model, strategy, seed };
            experiment.run(experiment.random_choices(), &mut digest);
        }
        found.push((name, digest.to_string()));
    }
    let pinned = CORNERS.map(|(name, _, digest)| (name, digest.to_owned()));
    assert_eq!(found, pinned, "histories have changed; see the head of this file");
}

/// Each strategy does something of its own in this scenario, so each literal guards something;
/// except where one is meant to be as good as another: a row under a unique key is a unique key,
/// and without a zombie nothing catches who does not look at the progress.
#[test]
fn no_two_pinned_digests_are_equal() {
    let equal = [
        (Model::Queue, Strategy::DeduplicatingSink, Strategy::ProgressWithEffect),
        (Model::Log, Strategy::ProgressWithEffect, Strategy::ProgressWithEffectUnconditional),
    ];
    let digest_of = |of: (Model, Strategy)| {
        PINNED.iter().find(|(model, strategy, _)| (*model, *strategy) == of).map(|row| row.2)
    };
    for (model, one, other) in equal {
        assert_eq!(digest_of((model, one)), digest_of((model, other)), "{model} {one} {other}");
    }
    let distinct: BTreeSet<&str> = PINNED.iter().map(|(_, _, digest)| *digest).collect();
    assert_eq!(distinct.len(), PINNED.len() - equal.len());
}

/// Every choice counts: a list with one of them left out is another run.
#[test]
fn a_shorter_list_is_another_run() {
    let scenario = scenario(SMALL);
    for combination in combinations() {
        let random = run(&scenario, combination, 1, None);
        let (_, rest) = random.choices.split_first().expect("some fault happened");
        let shorter = run(&scenario, combination, 1, Some(rest));
        assert_ne!(shorter.digest, random.digest, "{combination:?}");
    }
}

/// A table `[faults]` with a chance of 1 in `one_in[i]` for the i-th alternative of all points; 0
/// for never.
fn faults(one_in: &[u32]) -> String {
    let mut chances = one_in.iter();
    let mut text = String::from("\n[faults]\n");
    for info in points::FAULTS.iter().filter(|info| info.can_happen_by_chance()) {
        let alternatives: Vec<String> = info
            .chances()
            .iter()
            .zip(&mut chances)
            .filter(|(_, chance)| **chance > 0)
            .map(|(alternative, chance)| format!("{alternative} = \"1/{chance}\""))
            .collect();
        let _ = writeln!(text, "{} = {{ {} }}", info.name, alternatives.join(", "));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_choices_of_a_run_make_it_again(
        seed: u64,
        model in prop::sample::select(vec![Model::Log, Model::Queue]),
        strategy in prop::sample::select(Strategy::ALL.to_vec()),
        one_in in prop::collection::vec(prop_oneof![3 => Just(0_u32), 1 => 4_u32..200], 48),
    ) {
        let (calm, _) = SMALL.split_once("[faults]").unwrap_or((SMALL, ""));
        let replicated = "[log]\nreplicas = 3\nreplica_delay = \"5ms\"\nflush_interval = \"1s\"\n";
        let calm = calm.replacen("[log]\n", replicated, 1);
        let bounded = "\n[limits]\ndrain = \"1min\"\nsteps = 100_000\n";
        let scenario = scenario(&format!("{calm}{bounded}{}", faults(&one_in)));
        prop_assume!(strategy.supports(model));
        let combination = (model, strategy);
        let random = run(&scenario, combination, seed, None);
        let replayed = run(&scenario, combination, seed, Some(&random.choices));
        prop_assert_eq!(&replayed.digest, &random.digest);
        prop_assert_eq!(replayed.choices, random.choices);
    }
}
