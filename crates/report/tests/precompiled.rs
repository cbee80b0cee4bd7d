//! A scenario that was read elsewhere and handed on as data gives the same documents, byte for
//! byte, as one that was read from its text: a page needs no parser of scenario files.

use entrega_lab::{LoadedScenario, Strategy, Sweep};
use entrega_report::{comparison, to_json};
use entrega_scenario::{Loaded, Scenario};

const SCENARIO: &str = "\
seeds = 3
workload = { messages = 20, keys = 2 }
log = { auto_offset_reset = 'earliest' }
faults = { effect.after.crash = '1/5', settle.request.lost = '1/5' }
";

/// Both documents of a comparison.
fn documents(loaded: &LoadedScenario) -> (String, String) {
    let strategies = [Strategy::ProcessThenSettle, Strategy::SettleThenProcess];
    let compared = Sweep::of(loaded, &strategies).expect("a sweep").compare();
    let json = to_json(&comparison::document(&compared)).expect("JSON");
    (comparison::text(&compared, comparison::Shown::default()), json)
}

#[test]
fn the_documents_of_data_are_those_of_the_text() {
    let overrides = [("workload.messages".to_owned(), "30".to_owned())];
    let alone = |_: &str| Err("no file stands beside this scenario".to_owned());
    let from_text = LoadedScenario::load("orders.toml", SCENARIO, &overrides, &alone);
    let from_text = documents(&from_text.expect("a scenario"));
    assert!(from_text.0.contains("entrega replay orders.toml '1:"), "{}", from_text.0);

    let parsed = Scenario::parse("orders.toml", SCENARIO, &overrides, &alone).expect("a scenario");
    let data = serde_json::to_string(&parsed).expect("JSON");
    let read = || serde_json::from_str::<Loaded>(&data).expect("a scenario");
    assert!(documents(&LoadedScenario::of("orders.toml", read(), &overrides)) == from_text);

    let without_overrides = documents(&LoadedScenario::of("orders.toml", read(), &[]));
    assert_ne!(without_overrides.0, from_text.0, "its replay strings would repeat another run");
}
