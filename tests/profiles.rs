//! What each profile of a real system shows, strategy by strategy and fault by fault.
//!
//! Goal: the cells of `profiles/outcomes.toml`, each with its source. Method: a small version of a
//! scenario with one kind of fault is explored in full on each profile; what it shows beyond the
//! same without a fault is compared with the cell. A cell that rests on a setting which nobody has
//! verified is printed and not asserted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use entrega_clients::Strategy;
use entrega_lab::property::Property;
use entrega_lab::{Bounds, ExplorationPlan, LoadedScenario, Part};
use entrega_scenario::profile::{NAMES, Profile};
use serde::Deserialize;

/// What goes wrong, as a scenario says it. A consumer whose settle got no answer tries it once
/// more.
const FAULTS: [(&str, &str); 6] = [
    ("crash-after-effect", "effect.after = { crash = '1/100' }"),
    ("stall", "process.stall = { before = '1/100', after = '1/100' }"),
    ("poison", "message.poison = { poison = '1/100' }"),
    ("settle-lost", "settle.request = { lost = '1/100' }"),
    ("answer-lost", "settle.response = { lost = '1/100' }"),
    ("connection-lost", "connection.lost = { before = '1/100', after = '1/100' }"),
];

const STRATEGIES: [Strategy; 3] =
    [Strategy::SettleThenProcess, Strategy::ProcessThenSettle, Strategy::AutoSettleAtDelivery];

const SCENARIO: &str = "[workload]\nmessages = 3\nkeys = 1\narrivals = { distribution = 'backlog' }\n\
    [[subscriptions]]\nname = 'reader'\nconsumers = 2\n[consumer]\nprefetch = 2\non_error = 'crash'\n\
    request_timeout = '1s'\n[log]\nauto_offset_reset = 'earliest'\n\
    [queue]\nstored_for_nobody = 'kept'\n";

/// The letters of the properties that are compared: order is a matter of its own.
const LETTERS: [(Property, char); 4] = [
    (Property::Lost, 'L'),
    (Property::Duplicated, 'D'),
    (Property::Stalled, 'S'),
    (Property::DeadLettered, 'Q'),
];

/// What is found on a profile under a fault; none without one.
fn found(profile: &str, strategy: Strategy, fault: &str) -> Option<String> {
    found_with(&[("profile", profile)], strategy, fault)
}

fn found_with(set: &[(&str, &str)], strategy: Strategy, fault: &str) -> Option<String> {
    let text = format!("{SCENARIO}[faults]\n{fault}\n");
    let retries = if fault.starts_with("settle.response") { "1" } else { "0" };
    let own = [("consumer.settle_retries", retries)];
    let set: Vec<_> =
        set.iter().chain(&own).map(|&(path, value)| (path.to_owned(), value.to_owned())).collect();
    let alone = |_: &str| Err(String::new());
    let loaded = LoadedScenario::load("profiles", &text, &set, &alone).expect("a scenario");
    let models = loaded.scenario.models.clone();
    let part = Part { models: &models, strategies: &[strategy], subscriptions: &[] };
    let bounds = Bounds { as_it_is: false, ..Bounds::default() };
    let plan = ExplorationPlan::new(loaded, part, bounds).ok()?;
    let row = plan.run().rows.into_iter().next()?;
    let shows = |property: Property| property.runs(&row.explored) > 0;
    Some(
        LETTERS.iter().filter(|(property, _)| shows(*property)).map(|(_, letter)| letter).collect(),
    )
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcomes {
    profile: Vec<OfProfile>,
}

/// What a profile should show: for each strategy the letters of the faults, in their order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfProfile {
    name: String,
    source: String,
    cells: BTreeMap<String, BTreeMap<String, String>>,
    /// Cells that rest on what nobody has verified.
    #[serde(default)]
    unverified: Vec<String>,
}

#[test]
fn each_profile_shows_what_its_sources_say() {
    let outcomes: Outcomes =
        toml::from_str(include_str!("profiles/outcomes.toml")).expect("outcomes");
    let present = NAMES.iter().filter(|name| !name.contains('@'));
    assert!(outcomes.profile.iter().map(|one| one.name.as_str()).eq(present.copied()));
    let mut said = String::new();
    for OfProfile { name, source, cells, unverified } in &outcomes.profile {
        assert!(source.len() > 3 && Profile::builtin(name).is_some(), "{name}");
        for strategy in STRATEGIES {
            for (fault, written) in FAULTS {
                let expect = cells.get(strategy.name()).and_then(|cells| cells.get(fault));
                let expect = expect.map_or("", String::as_str);
                let shown = found(name, strategy, written).unwrap_or_else(|| "none".to_owned());
                if shown == expect {
                    continue;
                }
                let is_open = unverified.iter().any(|open| open == fault);
                let kind = if is_open { "unverified" } else { "WRONG" };
                let _ =
                    writeln!(said, "{kind}: {name}, {strategy}, {fault}: {shown}, not {expect}");
            }
        }
    }
    std::io::stderr().write_all(said.as_bytes()).expect("a place to report to");
    assert!(!said.contains("WRONG"), "{said}");
}

/// An ack of RabbitMQ has no answer; a client that asks for one by a barrier may lose it, acks once
/// more, and is refused with its channel.
#[test]
fn a_repeated_settle_loses_where_it_is_refused() {
    let barrier = ("consumer.settle_confirmed", "true");
    let (_, answer_lost) = FAULTS[4];
    let check = |profile: &str, expect: &str| {
        let set = [("profile", profile), barrier];
        let shown = found_with(&set, Strategy::SettleThenProcess, answer_lost);
        assert_eq!(shown.as_deref(), Some(expect), "{profile}");
    };
    for profile in ["rabbitmq-classic", "rabbitmq-quorum@4.2", "redis-streams"] {
        check(profile, "L");
    }
    for profile in ["jetstream", "sqs-standard", "sqs-fifo"] {
        check(profile, "");
    }
}

/// On Redis Streams a crash leaves its messages pending, unless somebody asks for them.
#[test]
fn what_is_pending_comes_back_where_it_is_claimed() {
    let (_, crash) = FAULTS[0];
    let shown = |more: &[(&str, &str)]| {
        let set = [&[("profile", "redis-streams")], more].concat();
        found_with(&set, Strategy::SettleThenProcess, crash).unwrap_or_default()
    };
    assert_eq!(shown(&[]), "S");
    assert_eq!(shown(&[("consumer.claim_min_idle", "1min")]), "");
    assert_eq!(shown(&[("consumer.restart_reads_own", "true")]), "");
}

/// One setting decides whether a zombie breaks at-most-once.
#[test]
fn a_late_settle_that_is_refused_keeps_at_most_once() {
    let (_, stall) = FAULTS[1];
    let shown = |late: &str| {
        let set = [("profile", "jetstream"), ("queue.late_settle", late)];
        found_with(&set, Strategy::SettleThenProcess, stall).unwrap_or_default()
    };
    assert_eq!(["honoured", "ignored", "refused"].map(shown), ["D", "D", ""]);
}
