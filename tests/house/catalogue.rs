//! What a person can name in a scenario is documented in `docs/`: fault points with their
//! alternatives, and strategies.

use entrega_clients::Strategy;
use entrega_scenario::points::{FAULTS, FaultInfo};

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
        .filter(|info| info.can_happen_by_chance() && !documented(info))
        .map(|info| info.name)
        .collect()
}

/// A strategy has a row that begins with its name.
fn without_row(prose: &str) -> Vec<&'static str> {
    let row = |strategy: &Strategy| {
        let beginning = format!("| `{strategy}` |");
        prose.lines().any(|line| line.starts_with(&beginning))
    };
    Strategy::ALL.iter().filter(|one| !row(one)).map(|one| one.name()).collect()
}

#[test]
fn every_fault_point_is_documented() {
    let missing = undocumented(&FAULTS, &file("docs/faults.md").text);
    assert!(missing.is_empty(), "docs/faults.md has no row with all alternatives for {missing:?}");
}

#[test]
fn an_undocumented_fault_point_is_caught() {
    let legs = "| `send.request` | `lost`, `late`, `duplicated` | text |\n";
    assert_eq!(undocumented(&FAULTS[..1], legs), [""; 0]);
    assert_eq!(undocumented(&FAULTS[..2], legs), ["send.response"]);
    assert_eq!(undocumented(&FAULTS[..1], &legs.replace("late", "slow")), ["send.request"]);
}

#[test]
fn every_strategy_is_documented() {
    let missing = without_row(&file("docs/strategies.md").text);
    assert!(missing.is_empty(), "docs/strategies.md has no row for {missing:?}");
}

#[test]
fn an_undocumented_strategy_is_caught() {
    let rows = |strategies: &[Strategy]| {
        let rows = strategies.iter().map(|strategy| format!("| `{strategy}` | text |\n"));
        rows.collect::<String>()
    };
    let first = Strategy::ALL[0].name();
    assert_eq!(without_row(&rows(&Strategy::ALL)), [""; 0]);
    assert_eq!(without_row(&rows(&Strategy::ALL[1..])), [first]);
    assert_eq!(without_row(&(rows(&Strategy::ALL[1..]) + &format!("As `{first}`.\n"))), [first]);
}
