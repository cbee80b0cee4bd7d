//! A run is shrunk to what its anomaly needs: the result shows the same, and nothing of it can be
//! left out; with less of a budget it is larger, and says so.
//!
//! Method: deliveries wait in the buffer of a slow consumer until their leases expire, beside
//! faults of every kind that have nothing to do with it.

use std::cell::Cell;

use entrega_checker::{Cause, Class, Finding};
use entrega_lab::examples::{Example, Wanted};
use entrega_lab::replay_string::{Course, LONGEST, ReplayString};
use entrega_lab::shrunk::{BUDGET, Shrinking};
use entrega_lab::{Configuration, LoadedScenario, Model, Strategy, replay};
use entrega_model::SubscriptionId;

const SCENARIO: &str = r#"
models = ["queue"]
[workload]
messages = 60
keys = 60
arrivals = { distribution = "burst", burst_size = 60, every = "1h" }
[[subscriptions]]
name = "sub"
consumers = 2
service_time = { distribution = "constant", value = "3s" }
[consumer]
prefetch = 10
[queue]
visibility_timeout = "10s"
[faults]
receive.request.lost = "1/3"
send.response.late = "1/4"
handler.error.transient = "1/5"
"#;

fn loaded() -> LoadedScenario {
    LoadedScenario::parse("shrunk.toml", SCENARIO).expect("a scenario")
}

fn wanted(class: Class, cause: Cause) -> Wanted {
    let (model, strategy) = (Model::Queue, Strategy::ProcessThenSettle);
    let finding = Finding::Class(class, Some(cause));
    let subscription = SubscriptionId(0);
    Wanted { configuration: Configuration { model, strategy }, subscription, finding }
}

fn shrunk(budget: u64) -> Example {
    let (loaded, wanted) = (loaded(), wanted(Class::Duplicated, Cause::LeaseExpired));
    let example = Shrinking::new(&loaded, wanted, 1, budget, &|| false).example();
    example.expect("the run shows it")
}

/// How large it is: messages and faults, and whether it is known to be smallest.
fn size(example: &Example) -> (usize, usize, bool) {
    let extent = example.shrunk.expect("it was shrunk");
    (extent.messages, extent.faults, extent.is_smallest)
}

fn text(example: &Example) -> String {
    let string = example.replay.to_string();
    assert!(string.len() <= LONGEST, "{string}");
    string
}

/// The findings of a string's run.
fn shows(string: &str, wanted: &Wanted) -> bool {
    let string: ReplayString = string.parse().expect("a replay string");
    let run = replay::replay(&loaded(), string).expect("it repeats");
    wanted.finding.first_in(&run.report.subscriptions[0]).is_some()
}

#[test]
fn nothing_of_the_smallest_run_can_be_left_out() {
    let example = shrunk(BUDGET);
    assert_eq!(size(&example), (5, 0, true));
    let string = text(&example);
    let sizes = "first=5&consumers=1&prefetch=4";
    assert!(string.contains(&format!(":{sizes}::")), "{string}");
    assert!(shows(&string, &example.wanted));
    for smaller in
        ["first=4&consumers=1&prefetch=4", "first=5&consumers=1&prefetch=3", "first=1&prefetch=1"]
    {
        let mut smaller: ReplayString = resealed(&string.replace(sizes, smaller));
        assert!(!shows(&smaller.to_string(), &example.wanted), "{smaller}");
        smaller.course = Course::ByChance;
        assert!(smaller.to_string().starts_with("2:"));
    }
}

/// A changed string under a checksum that fits.
fn resealed(string: &str) -> ReplayString {
    let error = string.parse::<ReplayString>().expect_err("another checksum").to_string();
    let (_, fits) = error.rsplit_once(' ').expect("it says which");
    let (run, _) = string.rsplit_once(':').expect("a checksum");
    format!("{run}:{fits}").parse().expect("a replay string")
}

#[test]
fn the_smallest_run_so_far_is_the_example_when_the_budget_is_spent() {
    let mut least = usize::MAX;
    for budget in [1, 4, 12, BUDGET] {
        let example = shrunk(budget);
        let (messages, _, is_smallest) = size(&example);
        assert!(messages <= least, "more of a budget makes it no larger");
        assert_eq!(is_smallest, budget == BUDGET, "{budget}");
        assert!(shows(&text(&example), &example.wanted), "{budget}");
        least = messages;
    }
    assert_eq!(size(&shrunk(1)).0, 60, "one run is the run itself");
}

#[test]
fn it_is_the_same_again_and_ends_when_it_is_told_to() {
    assert_eq!(text(&shrunk(BUDGET)), text(&shrunk(BUDGET)));
    let (loaded, wanted) = (loaded(), wanted(Class::Duplicated, Cause::LeaseExpired));
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let example = Shrinking::new(&loaded, wanted, 1, BUDGET, &stop).example();
    assert!(example.is_some_and(|one| size(&one).0 > 5));
}

#[test]
fn a_run_that_does_not_show_it_has_no_example() {
    let (loaded, wanted) = (loaded(), wanted(Class::Lost, Cause::SettledByTimer));
    assert!(Shrinking::new(&loaded, wanted, 1, BUDGET, &|| false).example().is_none());
}
