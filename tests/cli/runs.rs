//! `run`: its report, its JSON, its history, its exit code.

use std::process::Stdio;

use serde_json::Value;

use crate::{Bench, TINY};

#[test]
fn a_run_is_told_in_full() {
    let bench = Bench::new();
    insta::assert_snapshot!("run_queue", bench.ok(&["run", "tiny.toml"]));
    insta::assert_snapshot!("run_log", bench.ok(&["run", "tiny.toml", "--model", "log"]));
}

#[test]
fn the_same_run_is_the_same_bytes() {
    let bench = Bench::new();
    let args = ["run", "tiny.toml", "--seed", "7", "--format", "json"];
    assert_eq!(bench.ok(&args), bench.ok(&args));
}

/// Each run of a comparison has a seed of its own, and the runs are counted in their order.
#[test]
fn threads_change_nothing_in_a_comparison() {
    let bench = Bench::new();
    let compared = |threads: &str, format: &str, seeds: &str| {
        let args = ["compare", "tiny.toml", "--seeds", seeds, "--quiet", "--format"];
        bench.run(&[&args[..], &[format, "--threads", threads]].concat()).out
    };
    for format in ["text", "json"] {
        let alone = compared("1", format, "7");
        assert!(alone.len() > 1_000, "{alone}");
        assert_eq!(compared("3", format, "7"), alone);
        assert_ne!(compared("1", format, "6"), alone, "what is compared must depend on the runs");
    }
}

#[test]
fn programs_get_json() {
    let bench = Bench::new();
    let text = bench.ok(&["run", "tiny.toml", "--format", "json", "--seed", "3"]);
    let run: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(run["schema"], "entrega.run.v1");
    assert_eq!(run["seed"], 3);
    assert_eq!(run["model"], "queue");
    assert_eq!(run["strategy"], "process-then-settle");
    assert_eq!(run["scenario_digest"].as_str().map(str::len), Some(8));
    assert_eq!(run["digest"].as_str().map(str::len), Some(16));
    let mailer = &run["report"]["subscriptions"][0];
    assert_eq!(mailer["classes"]["exact"], 2);
    assert_eq!(mailer["classes"]["duplicated"], 1);
    assert_eq!(mailer["causes"]["redelivered_after_crash"], 1);
    assert_eq!(run["faults"][0]["point"], "mailer.effect.after");
    assert_eq!(run["faults"][0]["count"], 1);
    bench.ok(&["run", "tiny.toml", "--format", "json", "--seed", "3", "--output", "run.json"]);
    assert_eq!(bench.read("run.json"), text);
}

/// The exit code says whether the expectations of this model and strategy hold, and of no other.
#[test]
fn expectations_decide_the_exit_code() {
    let bench = Bench::new();
    let kept = bench.run(&["run", "tiny.toml", "--strategy", "deduplicating-sink"]);
    assert_eq!(kept.code, Some(0), "{}", kept.out);
    bench.write("calm.toml", &TINY.replace("nth = 2", "nth = 99"));
    let calm = bench.run(&["run", "calm.toml"]);
    assert_eq!(calm.code, Some(1), "{}", calm.out);
    assert!(calm.out.contains("NOT AS EXPECTED mailer: duplicated >0, found 0"), "{}", calm.out);
    let other = bench.run(&["run", "calm.toml", "--strategy", "settle-then-process"]);
    assert_eq!(other.code, Some(0), "{}", other.out);
}

#[test]
fn settings_can_be_changed() {
    let bench = Bench::new();
    let text = bench.ok(&["run", "tiny.toml", "--set", "workload.messages=2"]);
    assert!(text.contains("changed    workload.messages = 2\n"), "{text}");
    assert!(text.contains("2 sent: 2 ok"), "{text}");
}

#[test]
fn a_closed_standard_output_is_no_error() {
    let bench = Bench::new();
    for args in [&["run", "tiny.toml"][..], &["--help"], &["schema"], &["completions", "bash"]] {
        let mut child = bench
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("the program ends");
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}

/// The first Ctrl-C prints what there is; all verbs that take long behave alike. The signal
/// is sent when the program listens for it, which Linux tells.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_prints_what_was_found() {
    use std::process::Command;
    let bench = Bench::new();
    let long = ["--set", "workload.messages=50000", "--seeds", "500", "--threads", "1"];
    let explored = ["--messages", "9", "--faults", "4", "--all-faults", "--threads", "1"];
    let check = |args: &[&str], expect: &str| {
        let mut command = bench.command(args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.expect("the program runs");
        let status = format!("/proc/{}/status", child.id());
        let listens = || {
            let status = std::fs::read_to_string(&status).expect("a process");
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            caught.is_some_and(|mask| mask & 0b10 != 0)
        };
        while !listens() {
            std::thread::yield_now();
        }
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let ended = child.wait_with_output().expect("the program ends");
        let (out, err) =
            (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(1), "{args:?}\n{out}{err}");
        assert!(err.contains("interrupted: what was found follows"), "{err}");
        assert!(out.contains(expect), "{args:?}\n{out}");
    };
    check(&[&["compare", "tiny.toml"], &long[..]].concat(), "PARTIAL");
    check(&[&["explore", "tiny.toml"], &explored[..]].concat(), "PARTIAL");
    check(&["table", "--threads", "1"], "INTERRUPTED");
    let slow = ["--set", "workload.messages=50000", "--messages", "50000", "--time-scale", "1"];
    check(&[&["live", "tiny.toml"], &slow[..]].concat(), "PARTIAL");
}
