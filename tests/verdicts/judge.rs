//! One judge for `run`, `compare` and expectations.

use super::*;

/// Small enough for a test; as calm as the whole.
const FEW: &str = "workload.messages=2000";
const RARE: &str = "rmq-kept-yes-vs-unknown";

fn rows(scenario: &str, set: &[&str]) -> (Option<i32>, Vec<Value>) {
    let ended = on("compare", scenario, set, &["--seeds", "1", "--format", "json", "--quiet"]);
    let compared: Value = serde_json::from_str(&ended.out).expect("JSON");
    (ended.code, compared["rows"].as_array().expect("rows").clone())
}

#[test]
fn what_nothing_struck_is_unknown_everywhere_and_fails_its_expectation() {
    let (code, rows) = rows(RARE, &[FEW]);
    assert_eq!((code, rows.len()), (Some(1), 12));
    for row in &rows {
        assert_eq!(row["verdict"], "unknown", "{row}");
        assert_eq!(row["reasons"]["nothing_put_to_the_test"], 1, "{row}");
        assert!(row["why"][0].as_str().is_some_and(|why| why.contains("no crash struck")), "{row}");
    }
    for model in ["log", "queue"] {
        let more = ["--model", model, "--strategy", "process-then-settle"];
        let ran = on("run", RARE, &[FEW], &more);
        assert_eq!(ran.code, Some(i32::from(model == "queue")), "{}", ran.out);
        let judged = "verdict       unknown (promised: at-least-once) because of: nothing put to \
                      the test";
        assert!(ran.out.contains(judged) && ran.out.contains("no crash struck"), "{}", ran.out);
    }
    let compared = on("compare", RARE, &[FEW], &["--seeds", "1", "--quiet"]);
    let violated = "found unknown (nothing was put to the test: no crash struck";
    assert!(compared.out.contains(violated), "{}", compared.out);
}

/// The opposites: no fault is named, and one that strikes.
#[test]
fn a_calm_scenario_and_a_tested_one_are_valid() {
    let calm = run("d2-drain-limit", &["script=[]"]);
    assert_eq!(report(&calm)["verdict"], "valid");
    assert_eq!(calm["report"]["verdict"], "valid");
    let (code, rows) = rows(RARE, &[FEW, "faults.effect.before.crash='1/200'"]);
    assert_eq!(code, Some(0));
    assert!(rows.iter().any(|row| row["verdict"] == "valid"));
}

/// Three consumers form a group, and the one fault that is named never comes.
#[test]
fn forming_a_group_is_no_test() {
    let set = [
        "subscriptions.0.consumers=3",
        "log.partitions=3",
        "script.0.nth=99",
        "log.auto_offset_reset='earliest'",
    ];
    let run = run("r29-latest-no-commit", &set);
    let rebalances = report(&run)["counters"]["rebalances"].as_u64();
    assert!(rebalances.is_some_and(|count| count > 0), "{}", report(&run)["counters"]);
    assert_eq!(report(&run)["verdict"], "unknown");
    assert!(why(&run).contains("no crash struck (mail.effect.before)"), "{}", why(&run));
    assert_eq!(run["untouched"][0][0], "crashes_before_effect");
}

#[test]
fn nothing_acknowledged_is_said() {
    let set = ["script=[]", "faults.send.response.lost='1/1'", "producer.retries=0"];
    let run = run("d2-drain-limit", &set);
    assert_eq!(report(&run)["verdict"], "unknown");
    assert!(why(&run).contains("none of 3 sends was acknowledged"), "{}", why(&run));
    let (_, rows) = rows("d2-drain-limit", &set);
    assert!(rows[0]["why"][0].as_str().is_some_and(|why| why.contains("acknowledged")));
}

#[test]
fn an_expectation_that_selects_no_run_is_named() {
    let nowhere = on("run", "expects-the-impossible", &[], &[]);
    assert_eq!(nowhere.code, Some(0), "{}", nowhere.err);
    let said = "[[expect]] number 1 applies to no run: none is of strategy \
                broker-dead-letter";
    assert!(nowhere.err.contains(said), "{}", nowhere.err);
    assert!(!nowhere.err.contains("number 2"), "{}", nowhere.err);
}

/// Also one that names only a model, on which none of the strategies runs.
#[test]
fn an_expectation_of_a_model_without_a_strategy_is_named() {
    let said = "[[expect]] number 1 applies to no run: none is of model log";
    for verb in ["run", "compare"] {
        let check = |set: &[&str], is_named: bool| {
            let ended = on(verb, "expects-of-a-model", set, &[]);
            assert_eq!(ended.err.contains(said), is_named, "{verb} {set:?}: {}", ended.err);
        };
        check(&[], true);
        check(&["expect.0.model='queue'"], false);
    }
}
