//! `compare`: whatever its table counts has a story, and a line that repeats the run.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::{entrega, json, kept, stories, written};

/// What a replay calls an anomaly, and what counts it in a row.
const ANOMALIES: [(&str, &str); 7] = [
    ("lost", "lost"),
    ("duplicated", "duplicated"),
    ("split", "split"),
    ("dead_lettered", "dead_lettered"),
    ("stalled", "pending"),
    ("phantom", "phantom"),
    ("reordered", "reordered"),
];
/// The longest line that is printed.
const LONGEST: usize = 1_000;

/// Checks that every anomaly in the table of a scenario, and every cause of one, has an example
/// that repeats, and returns the examples.
fn check_examples(file: &Path, args: &[&str]) -> Vec<Value> {
    let comparison = json("compare", file, &[&["--quiet"], args].concat());
    let mut examples = Vec::new();
    for row in comparison["rows"].as_array().expect("rows") {
        let told = row["replays"].as_array().expect("a list");
        for (cause, count) in row["causes"].as_object().expect("causes") {
            let has_example = told.iter().any(|one| one["cause"] == **cause);
            assert!(has_example, "{count} by {cause}: {row:#}");
        }
        for (anomaly, count) in ANOMALIES {
            let of_it: Vec<&Value> = told.iter().filter(|one| one["anomaly"] == anomaly).collect();
            let is_shown = row[count].as_u64().expect("a count") > 0;
            assert_eq!(!of_it.is_empty(), is_shown, "{anomaly}: {row:#}");
            for example in of_it {
                check_example(file, example);
                examples.push(example.clone());
            }
        }
    }
    examples
}

/// The line of an example repeats a run in which its anomaly is told in the same words.
fn check_example(file: &Path, example: &Value) {
    let string = example["replay"].as_str().expect("a replay string");
    let sentence = example["sentence"].as_str().expect("a sentence");
    assert!(string.len() <= LONGEST && !sentence.is_empty(), "{string}");
    let told = stories(file, string);
    let anomaly = text(&example["anomaly"]);
    let again = told.iter().any(|(what, story)| what == anomaly && story == sentence);
    assert!(again, "{example:#}\n{told:#?}");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Messages in the buffer of a slow consumer outlive their leases: no fault is needed, but more
/// messages than a short version has.
#[test]
fn an_anomaly_that_five_messages_do_not_show_has_an_example() {
    let examples = check_examples(&kept("r11-buffered-lease.toml"), &[]);
    let found: Vec<(&str, u64, u64, bool)> = examples
        .iter()
        .map(|one| {
            let size = &one["shrunk"];
            let count = |name: &str| size[name].as_u64().expect("a count");
            let smallest = size["is_smallest"] == true;
            (text(&one["anomaly"]), count("messages"), count("faults"), smallest)
        })
        .collect();
    assert_eq!(found, [("duplicated", 5, 0, true), ("reordered", 13, 0, true)]);
}

/// Nearly everything is duplicated because of time alone, and a little by scripted crashes and a
/// fault at random: what is rare has the shorter example, and what is frequent has one too.
#[test]
fn every_cause_of_an_anomaly_has_an_example() {
    let scenario = |more: &str| {
        written(&format!(
            "models = [\"queue\"]\nstrategies = [\"process-then-settle\", \"dead-letter\"]\n\
             seeds = 2\n[workload]\nmessages = 60\nkeys = 60\n\
             arrivals = {{ distribution = \"burst\", burst_size = 60, every = \"1h\" }}\n\
             [[subscriptions]]\nname = \"sub\"\nconsumers = 2\n\
             service_time = {{ distribution = \"constant\", value = \"3s\" }}\n\
             [consumer]\nprefetch = 10\n[queue]\nvisibility_timeout = \"10s\"\n{more}"
        ))
    };
    let check = |more: &str, expect: &[&str]| {
        let (_dir, file) = scenario(more);
        let examples = check_examples(&file, &[]);
        let causes: BTreeSet<&str> =
            examples.iter().filter_map(|one| one["cause"].as_str()).collect();
        assert_eq!(causes, expect.iter().copied().collect(), "{more}");
        let text = entrega("compare", &file, &["--quiet"]).out;
        assert!(!text.contains("no example was found"), "{text}");
        let header = format!("duplicated, {}", expect[0].replace('_', " "));
        assert!(text.contains(&header), "{header}: {text}");
    };
    let crash = |nth: u64| {
        format!("[[script]]\npoint = \"sub.effect.after\"\nalternative = \"crash\"\nnth = {nth}\n")
    };
    check("", &["lease_expired"]);
    let scripted = crash(3) + &crash(7);
    check(&scripted, &["lease_expired", "redelivered_after_crash"]);
    let lost = scripted + "[faults]\nsettle.request.lost = \"1/20\"\n";
    check(&lost, &["lease_expired", "redelivered_after_crash", "settle_lost"]);
}

/// A limit of the queue's length, retention of the log, several crashes in a row: each shows itself
/// only in a run that is long enough.
#[test]
fn other_anomalies_of_scale_have_examples_too() {
    let check = |settings: &str, anomaly: &str| {
        let (_dir, file) = written(&format!(
            "seeds = 2\n[workload]\nmessages = 300\nkeys = 3\n\
             arrivals = {{ distribution = \"burst\", burst_size = 300, every = \"1h\" }}\n\
             [[subscriptions]]\nname = \"reader\"\n{settings}"
        ));
        let examples = check_examples(&file, &["--strategy", "process-then-settle"]);
        let named: Vec<&str> = examples.iter().map(|one| text(&one["anomaly"])).collect();
        assert!(named.contains(&anomaly), "{settings}: {named:?}");
        assert!(examples.iter().any(|one| !one["shrunk"].is_null()), "{settings}: {examples:#?}");
    };
    check("[queue]\nmax_length = 20\n[consumer]\nprefetch = 1\n", "lost");
    check(
        "service_time = { distribution = \"constant\", value = \"5s\" }\n[consumer]\n\
         prefetch = 1\n[log]\nauto_offset_reset = \"earliest\"\nretention_bytes = 9000\n\
         segment_bytes = 3000\n",
        "lost",
    );
    check(
        "faults.effect.before.crash = 0.2\n[queue]\ndelivery_limit = 4\n\
         [log]\nauto_offset_reset = \"earliest\"\n",
        "lost",
    );
}

/// The table and its examples are the same on any number of threads.
#[test]
fn examples_do_not_depend_on_threads() {
    let file = kept("r11-buffered-lease.toml");
    let one = json("compare", &file, &["--quiet", "--threads", "1"]);
    assert_eq!(json("compare", &file, &["--quiet", "--threads", "3"]), one);
}

/// A broker that restarts whenever it may: whatever is printed of it can be pasted.
#[test]
fn a_run_with_a_million_faults_has_lines_that_can_be_pasted() {
    let file = kept("brokerrestart1.toml");
    let text = entrega("run", &file, &["--set", "limits.steps=20000"]).out;
    assert!(text.lines().all(|line| line.len() <= LONGEST), "{text}");
    let string = text.rsplit('\'').nth(1).expect("a string in quotes");
    assert!(string.starts_with("2:909267fa:1:log:"), "{string}");
    let again = entrega("replay", &file, &[string]);
    let (_, digest) = text.split_once("History digest ").expect("a digest");
    assert!(again.out.contains(&digest[..16]), "{}", again.err);
    assert!(again.out.lines().count() < 3_000, "a timeline that can be read");
}
