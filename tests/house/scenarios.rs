//! Every scenario in `simulations/` can be read, says what it is about, and has a row in the
//! catalogue there. That its expectations hold is asserted by the test `simulations`, which runs
//! them.

use entrega_scenario::Scenario;

use crate::tree::{File, assert_none, file, files};

fn complaints(scenario: &File, catalogue: &str) -> Vec<String> {
    let path = &scenario.path;
    let beside = |name: &str| {
        let file = files("csv").into_iter().find(|file| file.path == format!("simulations/{name}"));
        file.map(|file| file.text).ok_or_else(|| "there is no such file".to_owned())
    };
    let loaded = match Scenario::parse(path, &scenario.text, &[], &beside) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => return vec![problem.to_string()],
    };
    let mut complaints = Vec::new();
    if loaded.title.is_empty() || loaded.narration.trim().is_empty() {
        complaints.push(format!("{path}: has no title or no narration"));
    }
    if loaded.expect.is_empty() {
        complaints.push(format!("{path}: expects nothing, so it tests nothing"));
    }
    let name = path.strip_prefix("simulations/").unwrap_or(path);
    if !catalogue.contains(&format!("({name})")) {
        complaints.push(format!("{path}: simulations/README.md has no row for it"));
    }
    complaints
}

#[test]
fn scenarios_can_be_read_and_are_listed() {
    let catalogue = file("simulations/README.md").text;
    let scenarios = files("toml");
    let scenarios = scenarios.iter().filter(|file| file.path.starts_with("simulations/"));
    let all: Vec<String> = scenarios.clone().flat_map(|one| complaints(one, &catalogue)).collect();
    assert_none(&all);
    assert!(scenarios.count() >= 3);
}

#[test]
fn a_bad_scenario_is_caught() {
    let check = |text: &str, catalogue: &str, expect: &str| {
        let file = File { path: "simulations/bad.toml".to_owned(), text: text.to_owned() };
        let complaints = complaints(&file, catalogue).join("; ");
        assert_eq!(complaints.is_empty(), expect.is_empty(), "{complaints}");
        assert!(complaints.contains(expect), "{complaints}");
    };
    let good = "title = 'T'\nnarration = 'N'\n[[expect]]\nlost = 0\n";
    check(good, "[bad](bad.toml)", "");
    check(good, "[other](other.toml)", "no row for it");
    check("title = 'T'\n[[expect]]\nlost = 0\n", "(bad.toml)", "no narration");
    check("title = 'T'\nnarration = 'N'\n", "(bad.toml)", "expects nothing");
    check(good, "[bad](book/bad.toml)", "no row for it");
    check("mesages = 7", "", "bad.toml");
    check("workload.from = 'missing.csv'", "", "there is no such file");
}
