//! `replay`: the timeline of a run from its replay string, and strings that are not of this run.

use std::io::Write;
use std::process::Stdio;

use crate::{Bench, Ended, TINY};

/// The longest string that is printed.
const LONGEST: usize = 1_000;

/// Crashes and lost settles by chance, in two subscriptions and on a network with jitter.
const BY_CHANCE: &str = r#"
models = ["queue", "log"]
strategies = ["process-then-settle", "settle-then-process", "micro-batch"]
seeds = 3
[workload]
messages = 60
[[subscriptions]]
name = "mailer"
consumers = 2
faults.effect.after.crash = "1/9"
[[subscriptions]]
name = "search"
faults.settle.request.lost = "1/7"
[network]
jitter = "3ms"
[faults]
broker.restart.restart = "1/200"
"#;

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
    let list = bench.example();
    check(&list.replace("crash", "crush"), "the replay string is damaged");
    for whole in [&replay, &list] {
        check(&whole[..whole.len() - 1], "the replay string is damaged");
        check(&whole.replace("queue", "log"), "the replay string is damaged");
    }
    check("hello", "a replay string has 7 parts");
    check("", "a replay string has 7 parts");
    check("7:4f2a91c0:7:queue:process-then-settle::9b1e", "version `7`");
}

/// A run by chance is its seed, whatever goes wrong and however often.
#[test]
fn a_run_by_chance_is_its_seed() {
    let bench = Bench::new();
    bench.write("chance.toml", BY_CHANCE);
    for model in ["log", "queue"] {
        for seed in ["1", "2", "77"] {
            let args = ["chance.toml", "--model", model, "--seed", seed, "--format", "json"];
            let ended = bench.run(&[&["run"][..], &args].concat());
            let run: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
            let replay = run["replay"].as_str().expect("a replay string");
            assert!(replay.starts_with("2:") && replay.len() < 80, "{replay}");
            let again = bench.ok(&["replay", "chance.toml", replay, "--format", "json"]);
            let again: serde_json::Value = serde_json::from_str(&again).expect("JSON");
            assert_eq!(again["digest"], run["digest"]);
            assert_eq!(again["report"], run["report"]);
            assert_eq!(again["replay"], run["replay"]);
        }
    }
}

/// A broker that restarts whenever it may: as a list its faults were 54 MB.
#[test]
fn a_run_with_a_million_faults_fits_a_message() {
    let bench = Bench::new();
    let scenario = "[workload]\nmessages = 5\n[[subscriptions]]\nname = \"m\"\n\
                    [times]\nbroker_restart = \"0s\"\n[limits]\nsteps = 20000\n\
                    [faults]\nbroker.restart.restart = 1\n";
    bench.write("restarts.toml", scenario);
    let text = bench.run(&["run", "restarts.toml"]).out;
    let command = text.lines().last().expect("a command").trim();
    assert!(command.starts_with("entrega replay restarts.toml '2:"), "{command}");
    assert!(command.len() < 100, "{command}");
    let string = command.split('\'').nth(1).expect("a string in quotes");
    let (_, digest) = text.split_once("History digest ").expect("a digest");
    let digest = &digest[..16];
    assert!(bench.ok(&["replay", "restarts.toml", string]).contains(digest));
}

/// A string from a file or from a pipe, with whatever ends its line.
#[test]
fn a_string_may_come_from_a_file_or_a_pipe() {
    let bench = Bench::new();
    for string in [bench.replay_string(&[]), bench.example()] {
        let expect = bench.ok(&["replay", "tiny.toml", &string]);
        bench.write("run.txt", &format!("{string}\n"));
        assert_eq!(bench.ok(&["replay", "tiny.toml", "@run.txt"]), expect);
        let mut command = bench.command(&["replay", "tiny.toml", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(format!("{string}\r\n").as_bytes()).expect("it reads");
        drop(pipe);
        let ended = Ended::from(child.wait_with_output().expect("the program ends"));
        assert_eq!((ended.code, ended.out), (Some(0), expect));
    }
    let ended = bench.run(&["replay", "tiny.toml", "@none.txt"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.starts_with("error: none.txt: cannot read it"), "{}", ended.err);
}

/// Overrides travel in the string; if they are too long for it, `--set` gives them again.
#[test]
fn overrides_that_do_not_fit_are_given_again() {
    let bench = Bench::new();
    let title = format!("title={}", "so it goes ".repeat(200));
    let set = ["--set", title.as_str(), "--set", "workload.messages=7"];
    let string = bench.replay_string(&set);
    assert!(string.len() <= LONGEST, "{} characters", string.len());
    let json = ["run", "tiny.toml", "--format", "json"];
    let run: serde_json::Value =
        serde_json::from_str(&bench.ok(&[&json[..], &set].concat())).expect("JSON");
    let replay = ["replay", "tiny.toml", string.as_str(), "--format", "json"];
    let again: serde_json::Value =
        serde_json::from_str(&bench.ok(&[&replay[..], &set].concat())).expect("JSON");
    assert_eq!((&again["digest"], &again["report"]), (&run["digest"], &run["report"]));
    let text = bench.ok(&[&["run", "tiny.toml"][..], &set].concat());
    let command = text.lines().last().expect("a command");
    assert!(command.ends_with(" --set workload.messages=7"), "{command}");
    let refused = |args: &[&str], expect: &str| {
        let ended = bench.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.err.contains(expect), "{}", ended.err);
    };
    refused(&replay, "none are given\n  help: give every --set of the run again");
    let others = ["--set", "workload.messages=8"];
    refused(&[&replay[..], &others].concat(), "these are others: --set workload.messages=8");
    let short = bench.replay_string(&["--set", "workload.messages=7"]);
    let replay = ["replay", "tiny.toml", short.as_str()];
    refused(&[&replay[..], &others].concat(), "under --set workload.messages=7, and these are");
    bench.ok(&[&replay[..], &["--set", "workload.messages=7"]].concat());
}

/// The command that is shown can be typed: it names the program as it was started.
#[test]
fn the_command_shown_names_the_program_as_it_was_started() {
    let bench = Bench::new();
    let program = env!("CARGO_BIN_EXE_entrega");
    for verb in ["run", "compare"] {
        let mut command = std::process::Command::new(program);
        command.args([verb, "tiny.toml"]).current_dir(bench.path());
        let text = Ended::from(command.output().expect("the program runs")).out;
        assert!(text.contains(&format!("{program} replay tiny.toml '")), "{text}");
    }
}

#[test]
fn a_string_of_another_scenario_is_refused() {
    let bench = Bench::new();
    let replay = bench.replay_string(&[]);
    bench.write("other.toml", &TINY.replace("messages = 3", "messages = 4"));
    bench.write("prose.toml", &TINY.replace("One crash", "A crash"));
    for string in [replay, bench.example()] {
        let ended = bench.run(&["replay", "other.toml", &string]);
        assert_eq!(ended.code, Some(2));
        assert!(
            ended.err.contains("this replay string belongs to another scenario or another version"),
            "{}",
            ended.err
        );
        bench.ok(&["replay", "prose.toml", &string]);
    }
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
