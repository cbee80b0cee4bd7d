//! Scenarios with something wrong in them: no panic, the schema refuses what it can, and what is
//! accepted is run, compared and explored.

use std::collections::BTreeSet;

use entrega_lab::{Bounds, ExplorationPlan, LoadedScenario, Part, Sweep, run};
use entrega_report::{comparison, exploration, run as run_report, to_json};
use entrega_scenario::{NOT_SAID, schema};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use crate::inputs::{SCENARIOS, load};
use crate::{mutate, numbers, without_panic};

/// What is said about a broken rule that the schema cannot state, and the place of that rule in its
/// list.
const UNSAID: [(&str, usize); 53] = [
    ("add up to more than 1", 0),
    ("take more than 100 years", 1),
    ("longer than `max`", 2),
    ("there are two subscriptions", 3),
    ("there is no fault point", 4),
    ("there is no subscription", 4),
    ("is none of the scenario's models", 4),
    ("is none of the scenario's strategies", 4),
    ("a duration is at most 36500d", 5),
    ("a duration has no part finer than a nanosecond", 5),
    ("a probability is at most 1", 5),
    ("has too many digits", 5),
    ("cannot read `", 6),
    ("this row has", 6),
    ("there is no column", 6),
    ("unknown column", 6),
    ("there is no message in this file", 6),
    ("not the date or time", 7),
    ("not nan", 7),
    ("must be a whole number", 7),
    ("must be a condition", 7),
    ("is no CSV", 6),
    ("a topic of", 8),
    ("a lease or a consumer timeout", 9),
    ("can prolong a consumer timeout", 9),
    ("counts towards the delivery limit", 9),
    ("goes to the dead letters, by dead_letter", 9),
    ("has no longest one", 9),
    ("shorter than the first one", 9),
    ("follows no end of a delivery", 9),
    ("nothing is left to claim", 9),
    ("is about the cap of a partition", 9),
    ("that locks the keys of its messages", 9),
    ("dead-letters nothing", 9),
    ("none dead-letters anything", 9),
    ("what it has no room for cannot", 9),
    ("is not sent twice", 9),
    ("taken for a duplicate by", 9),
    ("that forgets settles", 9),
    ("no record waits until it is due", 9),
    ("there is no profile", 10),
    ("the profile ", 10),
    ("profile ", 10),
    ("nothing could be stored", 11),
    ("so no other could lead", 11),
    ("is out of sync after", 11),
    ("nothing is confirmed", 11),
    ("that waits for no answer has acks", 11),
    ("needs acks = ", 11),
    ("befalls a log with replicas", 11),
    ("there is no consumer", 12),
    ("the change before of consumer", 12),
    (" already", 12),
];

/// A TOML value as JSON, as an editor sees it.
fn as_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => {
            let whole = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX);
            let small = i64::try_from(whole).map(Value::from);
            small.or_else(|_| u64::try_from(whole).map(Value::from)).unwrap_or(json!(whole as f64))
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(json!(""), Value::from),
        DeValue::Boolean(value) => json!(value),
        DeValue::Datetime(time) => json!(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| as_json(item.get_ref())).collect(),
        DeValue::Table(table) => object(table),
    }
}

fn object(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| -> (String, Value) {
        (ToString::to_string(key.get_ref()), as_json(value.get_ref()))
    };
    Value::Object(table.iter().map(|(key, value)| entry((key, value))).collect::<Map<_, _>>())
}

/// What was found out about all mutants.
#[derive(Debug, Default)]
struct Tally {
    accepted: u64,
    refused: u64,
    /// Refused by the program alone, each by a rule of this number.
    unsaid: BTreeSet<usize>,
}

impl Tally {
    /// Holds what the program says against what the schema says.
    fn compare(&mut self, validator: &Validator, text: &str, said: Option<&str>) {
        let Ok(table) = DeTable::parse(text) else {
            assert!(said.is_some(), "this is no TOML, and was accepted:\n{text}");
            self.refused += 1;
            return;
        };
        let instance = object(table.get_ref());
        let valid = validator.is_valid(&instance);
        match said {
            None => {
                let why = validator.iter_errors(&instance).map(|error| error.to_string());
                let why: Vec<String> = why.collect();
                assert!(valid, "the schema refuses what the program accepts: {why:?}\n{text}");
                self.accepted += 1;
            }
            Some(said) => {
                self.refused += 1;
                if valid {
                    let rule = UNSAID.iter().find(|(words, _)| said.contains(words));
                    let (_, rule) = rule.unwrap_or_else(|| {
                        panic!("the schema accepts what the program refuses\n{said}\n{text}")
                    });
                    self.unsaid.insert(*rule);
                }
            }
        }
    }
}

/// Keeps what an accepted mutant asks for small.
fn small(mut loaded: LoadedScenario) -> LoadedScenario {
    let scenario = &mut loaded.scenario;
    let workload = &mut scenario.workload;
    workload.messages = Some(workload.message_count().min(12));
    scenario.limits.steps = scenario.limits.steps.min(5_000);
    for subscription in &mut scenario.subscriptions {
        subscription.consumers = subscription.consumers.min(4);
    }
    scenario.log.partitions = scenario.log.partitions.min(8);
    scenario.consumer.workers = scenario.consumer.workers.min(8);
    scenario.seeds = 1;
    loaded
}

/// Does with an accepted mutant what the verbs do.
fn use_it(number: u64, loaded: LoadedScenario) {
    let Ok(sweep) = Sweep::of(&loaded, &[]) else { return };
    let Some(&configuration) = sweep.configurations.first() else { return };
    let run = run::run(&loaded, configuration, number);
    let written = run_report::text(&run) + &to_json(&run_report::document(&run)).expect("JSON");
    assert!(written.contains("Replay") || written.contains("replay"));
    if number.is_multiple_of(8) {
        let compared = entrega_lab::Comparison::new(&sweep, sweep.run(), Vec::new(), false);
        let text = comparison::text(&compared, comparison::Shown::default());
        assert!(!text.is_empty() && to_json(&comparison::document(&compared)).is_ok());
    }
    if number.is_multiple_of(32) {
        let bounds = Bounds { budget: 20, messages: 2, consumers: 1, ..Bounds::default() };
        let Ok(plan) = ExplorationPlan::new(loaded, Part::default(), bounds) else { return };
        let explored = plan.run();
        assert!(to_json(&exploration::document(&explored)).is_ok());
    }
}

#[test]
fn the_schema_refuses_what_it_can_and_nothing_panics() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let mut tally = Tally::default();
    for number in numbers(60) {
        let input = &SCENARIOS[number as usize % SCENARIOS.len()];
        let text = mutate::scenario(number, &input.text);
        without_panic(&text, || match load(input, &text, &[]) {
            Ok(loaded) => {
                tally.compare(&validator, &text, None);
                use_it(number, small(loaded));
            }
            Err(said) => tally.compare(&validator, &text, Some(&said)),
        });
    }
    assert!(tally.accepted > 50 && tally.refused > 200, "{tally:?}");
}

/// What is unchanged is accepted by both.
#[test]
fn the_schema_accepts_every_scenario() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let mut tally = Tally::default();
    for input in SCENARIOS.iter() {
        assert_eq!(load(input, &input.text, &[]).err(), None);
        tally.compare(&validator, &input.text, None);
    }
    assert_eq!(tally.accepted as usize, SCENARIOS.len());
}

/// Each rule that the schema lists as unsaid is one: a scenario that breaks it alone is refused,
/// and the schema does not see it.
#[test]
fn the_rules_that_no_schema_states_are_listed() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let breaks = [
        "[faults]\nsettle.request = { lost = 0.9, late = 0.9 }",
        "[workload]\nmessages = 1000000\narrivals = { distribution = 'burst', burst_size = 1, every = '1d' }",
        "[[subscriptions]]\nname = 'a'\nservice_time = { distribution = 'uniform', min = '2s', max = '1s' }",
        "[[subscriptions]]\nname = 'a'\n[[subscriptions]]\nname = 'a'",
        "[[expect]]\nsubscription = 'nobody'\nlost = 0",
        "[times]\nstall = '99999d'",
        "[workload]\nfrom = 'nowhere.csv'",
        "title = 1979-05-27",
        "[log]\npartitions = 4\npartitions_added = { at = '1s', to = 3 }",
        "[queue]\nconsumer_timeout = '30min'",
        "profile = 'rabbit'",
        "[log]\nmin_insync_replicas = 2",
        "[[subscriptions]]\nname = 'a'\nchanges = [{ consumer = 9, at = '1s', what = 'leaves' }]",
    ];
    assert_eq!(breaks.len(), NOT_SAID.len());
    let mut tally = Tally::default();
    for (rule, text) in breaks.iter().enumerate() {
        let said = load(&SCENARIOS[0], text, &[]).err().expect("a broken rule");
        tally.compare(&validator, text, Some(&said));
        assert!(tally.unsaid.contains(&rule), "{said}\n{text}");
    }
    let comment = schema()["$comment"].as_str().map(str::to_owned).unwrap_or_default();
    assert!(NOT_SAID.iter().all(|rule| comment.contains(rule)), "{comment}");
}

/// A schema that says less is caught.
#[test]
#[should_panic(expected = "the schema accepts what the program refuses")]
fn a_schema_without_bounds_is_caught() {
    let validator = jsonschema::validator_for(&json!({ "type": "object" })).expect("a schema");
    let text = "[consumer]\nprefetch = 0";
    let said = load(&SCENARIOS[0], text, &[]).err().expect("a broken rule");
    Tally::default().compare(&validator, text, Some(&said));
}
