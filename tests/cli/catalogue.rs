//! `list`, `new`, `schema`, `completions` and `--help`.

use crate::Bench;

#[test]
fn help_teaches() {
    let bench = Bench::new();
    insta::assert_snapshot!("help", bench.ok(&["--help"]));
    insta::assert_snapshot!("help_run", bench.ok(&["run", "--help"]));
    insta::assert_snapshot!("help_check", bench.ok(&["check", "--help"]));
    for verb in ["compare", "explore", "live", "table"] {
        assert!(bench.ok(&[verb, "--help"]).contains("130  a second Ctrl-C ended the program"));
    }
    for verb in ["compare", "explore", "live", "replay", "list", "new", "schema", "completions"] {
        let help = bench.ok(&[verb, "--help"]);
        assert!(help.contains("Example"), "{help}");
    }
}

#[test]
fn the_catalogue_lists_everything() {
    let bench = Bench::new();
    bench.write("broken.toml", "title = 3\n");
    bench.write("notes.txt", "no scenario");
    insta::assert_snapshot!("list", bench.ok(&["list", "."]));
    assert!(bench.ok(&["list"]).contains("Scenarios in simulations\n  none"));
}

#[test]
fn settings_are_listed() {
    let bench = Bench::new();
    let all = bench.ok(&["list", "settings"]);
    let queue = bench.ok(&["list", "settings", "queue"]);
    assert!(all.contains(&queue) && queue.starts_with("[queue] "), "{queue}");
    let ended = bench.run(&["list", "settings", "qeue"]);
    assert_eq!(ended.code, Some(2), "{}", ended.out);
    assert!(ended.err.contains("did you mean `queue`?"), "{}", ended.err);
    let ended = bench.run(&["list", "profiles", "queue"]);
    assert_eq!(ended.code, Some(2), "{}", ended.out);
    assert!(ended.err.contains("help: entrega list settings queue"), "{}", ended.err);
}

#[test]
fn a_new_scenario_runs_and_is_not_overwritten() {
    let bench = Bench::new();
    let said = bench.ok(&["new", "orders.toml"]);
    let run = "try it with\n  entrega run orders.toml\n";
    let all = "all that it may say:\n  entrega list settings\n";
    assert_eq!(said, format!("wrote orders.toml; {run}{all}"));
    let template = bench.read("orders.toml");
    assert!(template.starts_with("# A scenario is one experiment."), "{template}");

    bench.write("orders.toml", "mine");
    let ended = bench.run(&["new", "orders.toml"]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.err,
        "error: orders.toml: it exists already\n  \
         help: choose another name, or replace it with --force\n"
    );
    assert_eq!(bench.read("orders.toml"), "mine");
    bench.ok(&["new", "orders.toml", "--force"]);
    assert_eq!(bench.read("orders.toml"), template);
    let run = bench.run(&["run", "orders.toml", "--strategy", "deduplicating-sink"]);
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.err);
}

#[test]
fn the_schema_is_json_schema() {
    let bench = Bench::new();
    let text = bench.ok(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["title"], "Scenario");
    assert!(schema["properties"]["workload"].is_object());
    bench.ok(&["schema", "--output", "scenario.schema.json"]);
    assert_eq!(bench.read("scenario.schema.json"), text);
}

#[test]
fn shells_are_completed() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.ok(&["completions", shell]);
        assert!(script.contains("entrega") && script.contains("replay"), "{script}");
    }
}

/// A settle that nobody confirms has no answer after which a process could crash.
#[test]
fn cells_that_cannot_happen_are_counted() {
    let bench = Bench::new();
    let of = |fault: &str| {
        let cells = ["table", "--quiet", "--model", "log", "--strategy", "settle-then-process"];
        bench.ok(&[&cells[..], &["--fault", fault]].concat())
    };
    let some = of("crash-after-settle");
    assert!(some.contains("3 cells, 2 of 2 complete, 1 cannot happen;"), "{some}");
    let none = of("crash-before-effect");
    assert!(none.contains("complete; ") && !none.contains("cannot happen;"), "{none}");
}
