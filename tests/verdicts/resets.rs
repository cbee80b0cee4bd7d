//! What a reset skips is lost, by the policy in force.

use super::*;

fn check(scenario: &str, set: &[&str], verdict: &str, counts: &[(&str, u64)]) {
    let run = run(scenario, set);
    let report = report(&run);
    let of = |name: &str| report["classes"][name].as_u64().or(report["causes"][name].as_u64());
    for (name, count) in counts {
        assert_eq!(of(name).unwrap_or(0), *count, "{scenario} {set:?}: {name} of {report}");
    }
    assert_eq!(report["verdict"], verdict, "{scenario} {set:?}");
}

const EARLIEST: &str = "log.auto_offset_reset='earliest'";

#[test]
fn a_group_that_never_committed_loses_what_its_reset_skips() {
    let lost = [("lost", 10), ("skipped_by_reset", 10), ("pending", 0)];
    check("r29-latest-no-commit", &[], "invalid", &lost);
    check("r29-latest-no-commit", &[EARLIEST], "valid", &[("lost", 0), ("exact", 10)]);
}

#[test]
fn a_partition_without_a_commit_loses_its_own() {
    let lost = [("lost", 5), ("skipped_by_reset", 5), ("pending", 0)];
    check("r29c-one-idle-partition", &[], "invalid", &lost);
    check("r29c-one-idle-partition", &[EARLIEST], "valid", &[("lost", 0), ("pending", 0)]);
}

#[test]
fn a_reader_that_lags_behind_retention_loses_what_is_retained_too() {
    let lost = [("lost", 521), ("skipped_by_reset", 121), ("pending", 0)];
    check("r27-lag-beyond-retention", &[], "invalid", &lost);
    let kept = [("skipped_by_reset", 0), ("pending", 0)];
    check("r27-lag-beyond-retention", &[EARLIEST], "invalid", &kept);
}

/// Nobody is there at the start, so that everything is sent before the group first joins. With
/// `none` somebody has to say where to begin, and the messages wait.
#[test]
fn every_subscription_has_a_group_of_its_own() {
    for (policy, class) in [("latest", "lost"), ("earliest", "exact"), ("none", "pending")] {
        let set = format!("log.auto_offset_reset='{policy}'");
        let run = run("two-groups", &[&set, "limits.drain='10min'"]);
        for (id, count) in [(0, 4), (1, 4)] {
            let classes = &run["report"]["subscriptions"][id]["classes"];
            assert_eq!(classes[class].as_u64(), Some(count), "{policy} {id}: {classes}");
        }
    }
}

/// A message that took effect before a reset skipped it is not lost.
#[test]
fn what_is_done_is_not_lost_when_a_reset_skips_it() {
    let run = run("processed-not-committed", &[]);
    let classes = &report(&run)["classes"];
    let of = |name: &str| classes[name].as_u64().unwrap_or(0);
    assert_eq!(of("lost"), report(&run)["causes"]["skipped_by_reset"].as_u64().unwrap_or(0));
    assert!(of("exact") >= 3 && of("lost") > 0, "{classes}");
    assert_eq!(of("exact") + of("lost"), 12, "{classes}");
}

/// A history that was recorded is judged as the run was.
#[test]
fn a_recorded_history_has_the_same_losses() {
    let dir = std::env::temp_dir().join(format!("verdicts-{}.jsonl", std::process::id()));
    let history = dir.to_str().expect("a name");
    for scenario in ["r29-latest-no-commit", "r29c-one-idle-partition", "processed-not-committed"] {
        let run = on("run", scenario, &[], &["--history", history, "--format", "json"]);
        let run: Value = serde_json::from_str(&run.out).expect("JSON");
        let checked = entrega(&["check", history, "--format", "json"]);
        let checked: Value = serde_json::from_str(&checked.out).expect("JSON");
        let counts = |of: &Value| (report(of)["classes"].clone(), report(of)["causes"].clone());
        assert_eq!(counts(&run), counts(&checked), "{scenario}");
    }
    let _ = std::fs::remove_file(dir);
}

#[test]
fn a_story_names_the_reset() {
    let compared = on("compare", "r24-retention", &[], &["--seeds", "1", "--format", "json"]);
    let compared: Value = serde_json::from_str(&compared.out).expect("JSON");
    let replays = compared["rows"][0]["replays"].as_array().expect("examples");
    let skipped = replays.iter().find(|one| one["cause"] == "skipped_by_reset").expect("one");
    let sentence = skipped["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("reset"), "{sentence}");
    let replay = skipped["replay"].as_str().expect("a replay string");
    let told = entrega(&["replay", "r24-retention.toml", replay]);
    assert!(told.out.contains(sentence), "{}", told.out);
    let run = run("r24-retention", &[]);
    let causes = &report(&run)["causes"];
    let of = |name: &str| causes[name].as_u64();
    assert_eq!((of("skipped_by_reset"), of("removed_retention")), (Some(82), Some(220)));
}
