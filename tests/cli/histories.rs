//! `run --history` and `check`: a recorded history is judged as the run was.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::Bench;

const HEADER: &str = r#"{"entrega_history":1,"model":"queue","subscriptions":[{"name":"mailer","guarantee":"exactly-once-effect"}]}"#;

const SENT: &str = r#"
{"event":"send.invoke","message":"order-1"}
{"event":"send.ok","message":"order-1"}
"#;

const EFFECT: &str = "{\"event\":\"effect\",\"message\":\"order-1\"}\n";
const QUIESCENT: &str = "{\"end\":\"quiescent\"}\n";

/// The verdict on a history of these lines, by its exit code and what is printed.
fn check(lines: &[&str], code: i32, expect: &str) {
    let bench = Bench::new();
    bench.write("history.jsonl", &lines.concat());
    let ended = bench.run(&["check", "history.jsonl"]);
    assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.err);
    let said = if code == 2 { &ended.err } else { &ended.out };
    assert!(said.contains(expect), "{said}");
}

#[test]
fn histories_of_real_systems_are_judged() {
    check(&[HEADER, SENT, EFFECT, QUIESCENT], 0, "The history is valid: every promise was kept.");
    check(&[HEADER, SENT, QUIESCENT], 1, "first lost order-1");
    check(&[HEADER, SENT, EFFECT, EFFECT, QUIESCENT], 1, "invalid (promised: exactly-once-effect)");
    check(&[HEADER, SENT, "{\"end\":\"unfinished\"}\n"], 1, "The history is unknown");
    check(&[HEADER, "\n", QUIESCENT], 1, "nothing acknowledged");
}

/// A send that was acknowledged at last is acknowledged, whatever its first attempt came to; it is
/// refused only if all of them were. An outcome without a producer is that of the send.
#[test]
fn a_send_has_as_many_outcomes_as_attempts() {
    let attempts = |outcomes: &[&str]| {
        let attempt = |(number, outcome): (usize, &&str)| {
            let begun = format!(
                r#"{{"event":"send.invoke","message":"a","producer":"p","attempt":{number}}}"#
            );
            match *outcome {
                "" => begun + "\n",
                word => format!("{begun}\n{{\"event\":\"send.{word}\",\"message\":\"a\"}}\n"),
            }
        };
        (1..).zip(outcomes).map(attempt).collect::<String>()
    };
    let effect = r#"{"event":"effect","message":"a"}"#.to_owned() + "\n";
    let judge = |outcomes: &[&str], effects: usize, code: i32, expect: &str| {
        let lines = [HEADER, SENT, EFFECT, &attempts(outcomes), &effect.repeat(effects), QUIESCENT];
        check(&lines, code, expect);
    };
    judge(&["info", "ok"], 0, 1, "first lost a");
    judge(&["fail", "ok"], 0, 1, "first lost a");
    judge(&["fail", "ok"], 1, 0, "2 exact");
    judge(&["ok", "fail"], 0, 1, "first lost a");
    judge(&["fail", "fail"], 0, 0, "1 refused");
    judge(&["fail", "fail"], 1, 1, "phantom");
    judge(&["fail", "info"], 0, 0, "1 absent");
    judge(&["info", "fail"], 1, 0, "1 recovered");
    judge(&["fail", ""], 1, 0, "1 recovered");
}

/// What a history does not tell is not shown as nothing.
#[test]
fn a_history_without_times_and_a_broker_has_no_such_lines() {
    let bench = Bench::new();
    bench.write("history.jsonl", &[HEADER, SENT, EFFECT, QUIESCENT].concat());
    let said = bench.ok(&["check", "history.jsonl"]);
    assert!(!said.contains("latency") && !said.contains("deliveries"), "{said}");
    bench.ok(&["run", "tiny.toml", "--history", "run.jsonl"]);
    let said = bench.ok(&["check", "run.jsonl"]);
    assert!(said.contains("latency") && said.contains("deliveries"), "{said}");
}

#[test]
fn mistakes_in_histories_have_a_place() {
    check(&[HEADER, SENT, EFFECT], 2, "error: history.jsonl:5:1: the history is truncated");
    check(&[HEADER, SENT, "{\"event\":\"eff"], 2, "the history is truncated");
    check(&[HEADER, SENT, "{\"event\":\"efect\",\"message\":1}\n"], 2, "did you mean `effect`?");
    check(&["not json\n"], 2, "history.jsonl:1:");
    check(&["{}\n"], 2, "does not begin with a header");
    check(&[""], 2, "the history is empty");
}

#[test]
fn a_recorded_run_is_judged_as_the_run_was() {
    for model in ["log", "queue"] {
        let bench = Bench::new();
        let run = ["run", "tiny.toml", "--model", model, "--history", "run.jsonl"];
        let run = bench.ok(&[&run[..], &["--format", "json"]].concat());
        let run: Value = serde_json::from_str(&run).expect("JSON");
        let checked = bench.ok(&["check", "run.jsonl", "--format", "json"]);
        let checked: Value = serde_json::from_str(&checked).expect("JSON");
        assert_eq!(checked["schema"], "entrega.check.v1");
        assert_eq!(checked["report"], by_name(run["report"].clone()), "{model}");
    }
}

/// A producer that sends ahead promises the order of its program, and its history says so: with the
/// promise taken out of the first line, fewer messages are out of order.
#[test]
fn the_order_of_a_program_is_part_of_a_history() {
    let bench = Bench::new();
    bench.write(
        "ahead.toml",
        r#"
        title = "Ahead"
        [workload]
        messages = 40
        keys = 1
        arrivals = { distribution = "backlog" }
        [producer]
        max_in_flight = 5
        request_timeout = "100ms"
        [faults.send.request]
        lost = 0.2
        [[subscriptions]]
        name = "mailer"
        consumers = 1
        [log]
        auto_offset_reset = "earliest"
        "#,
    );
    let reordered = |file: &str| {
        let said = bench.run(&["check", file, "--format", "json"]).out;
        let said: Value = serde_json::from_str(&said).expect("JSON");
        said["report"]["subscriptions"][0]["order"]["reordered"].as_u64().expect("a number")
    };
    let run = ["run", "ahead.toml", "--model", "log", "--history", "run.jsonl"];
    let run = bench.run(&[&run[..], &["--format", "json"]].concat()).out;
    let run: Value = serde_json::from_str(&run).expect("JSON");
    let seen = &run["report"]["subscriptions"][0]["order"]["reordered"];
    assert_eq!(seen, reordered("run.jsonl"));
    let history = bench.read("run.jsonl");
    bench.write("silent.jsonl", &history.replacen(r#","program_order":true"#, "", 1));
    assert!(reordered("silent.jsonl") < reordered("run.jsonl"));
}

/// The report of a run with the names that its history gives to messages: their numbers.
fn by_name(mut report: Value) -> Value {
    let name = |place: &mut Value| {
        if let Some(number) = place.as_u64() {
            *place = number.to_string().into();
        }
    };
    for of in report["subscriptions"].as_array_mut().expect("a list") {
        of["firsts"].as_object_mut().expect("an object").values_mut().for_each(name);
        let examples = of["examples"].as_array_mut().expect("a list").iter_mut();
        examples.for_each(|example| name(&mut example["message"]));
        for example in ["reordered_example", "replayed_example"] {
            name(&mut of["order"][example]);
        }
        let waiting = of["waiting"].as_array_mut().expect("a list").iter_mut();
        waiting.for_each(|one| name(&mut one["message"]));
    }
    report
}

/// Strategies that lose or duplicate something, on both models.
const STRATEGIES: [&str; 7] = [
    "settle-then-process",
    "process-then-settle",
    "settle-every-n",
    "auto-settle-at-next-receive",
    "dead-letter",
    "micro-batch",
    "parallel-naive",
];

/// The files of the scenarios of this repository.
fn scenarios() -> Vec<String> {
    let folder = format!("{}/simulations", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(folder).expect("scenarios").map(|file| file.expect("a file").path());
    let files = files.map(|path| path.to_string_lossy().into_owned());
    files.filter(|path| path.ends_with(".toml")).collect()
}

/// The subscriptions of two reports, side by side.
fn of_both<'a>(one: &'a Value, other: &'a Value) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let of = |report: &'a Value| report["subscriptions"].as_array().expect("a list");
    assert_eq!(of(one).len(), of(other).len());
    of(one).iter().zip(of(other))
}

/// Of all that is lost and duplicated in the scenarios of this repository, a run and its record
/// name the same causes, and as many messages out of order. A record does not know what a scenario
/// meant to put to the test. Of rolling restarts only the classes are compared: a message that was
/// settled in time and moved all the same has two causes, and each of them names another.
#[test]
fn a_record_of_every_scenario_names_the_causes_of_its_run() {
    let mut causes = BTreeSet::new();
    for path in scenarios() {
        let is_large = path.ends_with("purchase-emails.toml");
        let text = fs::read_to_string(&path).expect("a scenario");
        let fewer: &[&str] = if is_large { &["--set", "workload.messages=3000"] } else { &[] };
        for (model, strategy) in STRATEGIES.iter().flat_map(|one| [("log", one), ("queue", one)]) {
            if text.contains("models = [\"") && !text.contains(&format!("\"{model}\"")) {
                continue;
            }
            let bench = Bench::new();
            let run = ["run", &path, "--model", model, "--strategy", strategy];
            let more = ["--history", "run.jsonl", "--format", "json", "--quiet"];
            let run = bench.run(&[&run[..], &more, fewer].concat());
            if run.err.contains("is impossible on the ") {
                continue;
            }
            let run: Value = serde_json::from_str(&run.out).expect("JSON");
            let checked = bench.run(&["check", "run.jsonl", "--format", "json"]);
            let checked: Value = serde_json::from_str(&checked.out).expect("JSON");
            let run = by_name(run["report"].clone());
            for (checked, run) in of_both(&checked["report"], &run) {
                let is_moved = path.ends_with("rolling-restart.toml");
                let compared = ["name", "classes", "causes"];
                for what in &compared[..compared.len() - usize::from(is_moved)] {
                    assert_eq!(checked[*what], run[*what], "{path}, {model}, {strategy}: {what}");
                }
                let reordered = [checked, run].map(|of| of["order"]["reordered"].clone());
                assert_eq!(reordered[0], reordered[1], "{path}, {model}, {strategy}");
            }
            assert_eq!(checked["inconsistent_record"], json!([]), "{path}, {model}, {strategy}");
            for of in run["subscriptions"].as_array().expect("a list") {
                causes.extend(of["causes"].as_object().expect("causes").keys().cloned());
            }
        }
    }
    let enough = ["lease_expired", "redelivered_after_crash", "settle_lost", "stored_twice"];
    assert!(enough.iter().all(|cause| causes.contains(*cause)), "{causes:?}");
}
