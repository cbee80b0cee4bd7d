//! `replay`: the timeline of a run from its replay string, and strings that are not of this run.

use crate::{Bench, TINY};

#[test]
fn a_replay_shows_the_story_and_the_timeline() {
    let bench = Bench::new();
    let replay = bench.replay_string(&[]);
    insta::assert_snapshot!("replay", bench.ok(&["replay", "tiny.toml", &replay]));
    let log = bench.replay_string(&["--model", "log"]);
    insta::assert_snapshot!("replay_log", bench.ok(&["replay", "tiny.toml", &log]));
}

#[test]
fn a_replay_is_the_run_again() {
    let bench = Bench::new();
    let args = ["--seed", "5", "--set", "workload.messages=9", "--set", "workload.keys=3"];
    let run = [&["run", "tiny.toml", "--format", "json"][..], &args].concat();
    let run: serde_json::Value = serde_json::from_str(&bench.ok(&run)).expect("JSON");
    let replay = bench.replay_string(&args);
    let again = bench.ok(&["replay", "tiny.toml", &replay, "--format", "json"]);
    let again: serde_json::Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(run["digest"], again["digest"]);
    assert_eq!(run["report"], again["report"]);
    assert_eq!(
        again["anomalies"][0]["story"],
        "mailer 1 crashes after the effect of m1 and before settling it; m1 is delivered again to \
         mailer 1 and takes effect twice."
    );
}

#[test]
fn a_damaged_string_is_noticed() {
    let bench = Bench::new();
    let replay = bench.replay_string(&[]);
    let check = |text: &str, expect: &str| {
        let ended = bench.run(&["replay", "tiny.toml", text]);
        assert_eq!(ended.code, Some(2), "{text}");
        assert!(ended.err.starts_with("error: ") && ended.err.contains(expect), "{}", ended.err);
    };
    check(&replay.replace("crash", "crush"), "the replay string is damaged");
    check(&replay[..replay.len() - 1], "the replay string is damaged");
    check("hello", "a replay string has 8 parts");
    check("", "a replay string has 8 parts");
}

#[test]
fn a_string_of_another_scenario_is_refused() {
    let bench = Bench::new();
    let replay = bench.replay_string(&[]);
    bench.write("other.toml", &TINY.replace("messages = 3", "messages = 4"));
    let ended = bench.run(&["replay", "other.toml", &replay]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("this replay string belongs to another scenario or another version"),
        "{}",
        ended.err
    );
    bench.write("prose.toml", &TINY.replace("One crash", "A crash"));
    bench.ok(&["replay", "prose.toml", &replay]);
}

/// What waits, and for whom: a message that can never be processed, and the one behind it.
#[test]
fn a_stall_is_told() {
    let bench = Bench::new();
    let poison = TINY.replace("mailer.effect.after", "mailer.message.poison");
    bench
        .write("tiny.toml", &poison.replace("alternative = \"crash\"", "alternative = \"poison\""));
    let args = ["run", "tiny.toml", "--format", "json", "--set", "limits.drain=2s"];
    let run: serde_json::Value = serde_json::from_str(&bench.run(&args).out).expect("JSON");
    let again = bench.ok(&["replay", "tiny.toml", run["replay"].as_str().expect("a string")]);
    let told = "mailer: m1 is poison, and the handler of mailer 1 fails on it; mailer 1 tries m1 \
                again and again, ";
    assert!(again.contains(told), "{again}");
    assert!(again.contains("; m2 waits for mailer 1 behind m1.\n"), "{again}");
    assert!(!again.contains("No message is lost"), "{again}");
}
