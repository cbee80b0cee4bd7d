//! A scenario that was read once runs without its file: written as data and read again, it has the
//! same digest and plans the same messages.

use std::fs;
use std::path::{Path, PathBuf};

use entrega_scenario::workload::{Planner, Workload};
use entrega_scenario::{Loaded, Scenario};

/// Every scenario of the repository.
fn files() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../simulations");
    let entries = fs::read_dir(&top)
        .expect("simulations")
        .chain(fs::read_dir(top.join("book")).expect("simulations of the book"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == "toml")).collect();
    files.sort();
    files
}

fn load(path: &Path, overrides: &[(String, String)]) -> Loaded {
    let text = fs::read_to_string(path).expect("a scenario");
    let beside = |name: &str| {
        let file = path.parent().unwrap_or(Path::new("")).join(name);
        fs::read_to_string(file).map_err(|error| error.to_string())
    };
    let loaded = Scenario::parse(&path.display().to_string(), &text, overrides, &beside);
    loaded.unwrap_or_else(|problem| panic!("{problem}"))
}

fn planned(loaded: &Loaded) -> Workload {
    Planner::new(&loaded.scenario).plan(loaded.rows.as_ref(), 7)
}

#[test]
fn every_scenario_is_the_same_as_data() {
    let files = files();
    assert!(files.len() > 5, "{files:?}");
    let mut recorded = 0;
    for path in files {
        let loaded = load(&path, &[]);
        let data = serde_json::to_string(&loaded).expect("JSON");
        let again: Loaded = serde_json::from_str(&data).expect("a scenario");
        assert_eq!(again, loaded, "{}", path.display());
        assert!(planned(&again) == planned(&loaded), "{}", path.display());
        recorded += usize::from(loaded.rows.is_some());
    }
    assert!(recorded > 0, "no scenario has recorded messages");
}

#[test]
fn overrides_go_along_and_keep_their_digest() {
    let path = &files()[0];
    let overrides = [("workload.messages".to_owned(), "2".to_owned())];
    let (plain, changed) = (load(path, &[]), load(path, &overrides));
    let data = serde_json::to_string(&changed).expect("JSON");
    let again: Loaded = serde_json::from_str(&data).expect("a scenario");
    assert_eq!((again.digest, again.scenario.workload.messages), (plain.digest, Some(2)));
    assert!(again.written.iter().any(|one| one.is_override));
    assert_eq!(planned(&again).planned.len(), 2);
    assert_ne!(planned(&plain).planned.len(), 2);
}

#[test]
fn data_that_breaks_a_rule_is_refused() {
    let data = serde_json::to_value(load(&files()[0], &[])).expect("JSON");
    let check = |pointer: &str, value: serde_json::Value, expect: &str| {
        let mut broken = data.clone();
        *broken.pointer_mut(pointer).expect("a place") = value;
        let error = serde_json::from_value::<Loaded>(broken).expect_err("no scenario").to_string();
        assert!(error.contains(expect), "{error}");
    };
    check("/scenario/consumer/prefetch", 0.into(), "consumer.prefetch");
    check("/digest", "+1234567".into(), "is no digest");
    check("/digest", "1".into(), "is no digest");
}
