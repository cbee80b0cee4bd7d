//! What a person can name in a scenario is documented: fault points with their alternatives, and
//! strategies.

use entrega_clients::Strategy;
use entrega_sim::points::{FAULTS, FaultInfo};

use crate::tree::file;

/// A fault point has a row that begins with its name and names each of its alternatives.
fn undocumented<'f>(faults: &'f [FaultInfo], prose: &str) -> Vec<&'f str> {
    let documented = |info: &FaultInfo| {
        prose.lines().any(|line| {
            let row = line.strip_prefix(&format!("| `{}` |", info.name));
            row.is_some_and(|row| {
                info.chances().iter().all(|alternative| row.contains(&format!("`{alternative}`")))
            })
        })
    };
    faults
        .iter()
        .filter(|info| info.by_chance > 0 && !documented(info))
        .map(|info| info.name)
        .collect()
}

fn unmentioned(prose: &str) -> Vec<&'static str> {
    let mentioned = |strategy: &Strategy| prose.contains(&format!("`{strategy}`"));
    Strategy::ALL.iter().filter(|one| !mentioned(one)).map(|one| one.name()).collect()
}

#[test]
fn every_fault_point_is_documented() {
    let prose = file("README.md").text + &file("simulations/README.md").text;
    let missing = undocumented(&FAULTS, &prose);
    assert!(missing.is_empty(), "no row with all alternatives for {missing:?}");
}

#[test]
fn an_undocumented_fault_point_is_caught() {
    let legs = "| `send.request` | `lost`, `late`, `duplicated` | text |\n";
    assert_eq!(undocumented(&FAULTS[..1], legs), [""; 0]);
    assert_eq!(undocumented(&FAULTS[..2], legs), ["send.response"]);
    assert_eq!(undocumented(&FAULTS[..1], &legs.replace("late", "slow")), ["send.request"]);
}

#[test]
fn every_strategy_is_in_the_readme() {
    let missing = unmentioned(&file("README.md").text);
    assert!(missing.is_empty(), "README.md does not mention {missing:?}");
}

#[test]
fn an_unmentioned_strategy_is_caught() {
    let names: Vec<String> =
        Strategy::ALL[1..].iter().map(|strategy| format!("`{strategy}`")).collect();
    assert_eq!(unmentioned(&names.join(" ")), [Strategy::ALL[0].name()]);
}
