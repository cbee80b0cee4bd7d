//! `live`: short runs for real. Nothing here depends on how fast the machine is.

use serde_json::Value;

use crate::{Bench, TINY};

/// As fast as possible: the leases of `tiny.toml` end within milliseconds. They may then end by
/// themselves on a busy machine, which duplicates and loses nothing.
const FAST: [&str; 3] = ["live", "tiny.toml", "--time-scale=300"];

#[test]
fn a_live_run_ends_with_the_table_of_a_comparison() {
    let bench = Bench::new();
    let ended = bench.run(&FAST);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    for expect in [
        "live, 3 messages, seed 1, 300 times as fast as the clock, scenario ",
        "model  strategy             promise              lost",
        "deduplicating-sink   exactly-once-effect",
        "The simulator, with the same messages and the same odds, comes in 10 runs to the same verdict in 4 of 4 rows.",
    ] {
        assert!(ended.out.contains(expect), "{expect}\n{}", ended.out);
    }
    let deduplicating = ended.out.lines().filter(|line| line.contains(" deduplicating-sink"));
    assert!(deduplicating.clone().all(|line| line.contains("0 of 3")), "{}", ended.out);
    assert_eq!((deduplicating.count(), ended.out.contains('[')), (2, false), "{}", ended.out);
    assert!(ended.err.contains("the shortest lease lasts 100 ms"), "{}", ended.err);
    assert!(ended.err.contains("queue process-then-settle         done in"), "{}", ended.err);
}

/// A faster clock multiplies the machine's own delays: no latency is made of them.
#[test]
fn a_time_scale_invents_no_latency() {
    let bench = Bench::new();
    let only = ["--model", "queue", "--strategy", "process-then-settle", "--messages", "1"];
    let latencies = |scale: &str| {
        let json = ["live", "tiny.toml", "--format", "json", "--time-scale", scale];
        let ended = bench.run(&[&json[..], &only].concat());
        let live: Value = serde_json::from_str(&ended.out).expect("JSON");
        live["rows"][0]["latency_ns"].clone()
    };
    assert_eq!(latencies("20"), serde_json::json!({ "p50": null, "p99": null }));
    assert!(latencies("1")["p50"].as_u64() > Some(0));
    let text = bench.run(&[&["live", "tiny.toml", "--time-scale", "20"][..], &only].concat()).out;
    assert!(text.contains("p50, p99: not at this speed"), "{text}");
}

/// The scripted crash duplicates on both models, and the sink that knows its messages repairs it.
#[test]
fn programs_get_json_of_a_live_run() {
    let bench = Bench::new();
    let args = [&FAST[..], &["--format", "json", "--quiet", "--output", "live.json"]].concat();
    bench.ok(&args);
    let live: Value = serde_json::from_str(&bench.read("live.json")).expect("JSON");
    assert_eq!(live["schema"], "entrega.live.v1");
    assert_eq!((&live["messages"], &live["time_scale"]), (&3.into(), &300.into()));
    assert_eq!(live["left_out"], Value::Array(Vec::new()));
    let runs = live["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| run["at_rest"] == true && run["injected"] == 1), "{runs:?}");
    for row in live["rows"].as_array().expect("rows") {
        let duplicates = row["strategy"] == "process-then-settle";
        assert_eq!(row["duplicated"].as_u64() > Some(0), duplicates, "{row}");
        assert_eq!((&row["lost"], &row["verdict"]), (&0.into(), &"valid".into()), "{row}");
    }
}

/// What should happen and did not is no broken promise; what must not happen and did is one.
#[test]
fn only_what_must_not_happen_decides_the_exit_code() {
    let bench = Bench::new();
    let only = ["--model", "queue", "--strategy", "process-then-settle"];
    bench.write("calm.toml", &TINY.replace("nth = 2", "nth = 99"));
    let calm = bench.run(&[&["live", "calm.toml", "--time-scale=20"], &only[..]].concat());
    assert_eq!(calm.code, Some(0), "{}", calm.out);
    assert!(calm.out.contains("which one real run cannot decide"), "{}", calm.out);
    assert!(calm.out.contains("expected duplicated >0, found 0"), "{}", calm.out);
    bench.write("strict.toml", &TINY.replace("duplicated = \">0\"", "duplicated = \"0\""));
    let strict = bench.run(&[&["live", "strict.toml", "--time-scale=20"], &only[..]].concat());
    assert_eq!(strict.code, Some(1), "{}", strict.out);
    let expect = "NOT AS EXPECTED: queue, process-then-settle, mailer: expected duplicated 0";
    assert!(strict.out.contains(expect), "{}", strict.out);
}

#[test]
fn what_cannot_be_done_live_is_said() {
    let bench = Bench::new();
    let late =
        TINY.replace("[[script]]", "[faults]\nsettle.request = { late = 0.5 }\n\n[[script]]");
    bench.write("late.toml", &late);
    let ended = bench.run(&["live", "late.toml", "--time-scale=300", "--model", "queue"]);
    let expect = "note: mailer.settle.request = late cannot be injected live and is left out";
    assert!(ended.err.contains(expect), "{}", ended.err);
}

/// A late request is chosen at every settle, and none of them strikes.
#[test]
fn what_was_left_out_does_not_count_as_injected() {
    let bench = Bench::new();
    let late = TINY.replace("[[script]]", "[faults]\nsettle.request = { late = 1 }\n\n[[script]]");
    bench.write("late.toml", &late.replace("nth = 2", "nth = 99"));
    let args = ["live", "late.toml", "--time-scale=20", "--model", "queue", "--format", "json"];
    let ended = bench.run(&args);
    let live: Value = serde_json::from_str(&ended.out).expect("JSON");
    let runs = live["runs"].as_array().expect("runs");
    assert!(runs.iter().all(|run| run["injected"] == 0), "{runs:?}");
    assert!(ended.err.contains(", 0 faults of "), "{}", ended.err);
    assert_eq!((&live["agreed"], &live["disagreed"]), (&2.into(), &Value::Array(Vec::new())));
    assert_eq!(live["untested"], 2, "{live}");
}

#[test]
fn a_live_run_is_limited_to_what_is_asked_for() {
    let bench = Bench::new();
    let args = [&FAST[..], &["--messages", "2", "--model", "log", "--quiet"]].concat();
    let args = [&args[..], &["--strategy", "deduplicating-sink"]].concat();
    let text = bench.ok(&args);
    assert!(text.contains("live, 2 messages,"), "{text}");
    assert!(text.contains("in 1 of 1 rows"), "{text}");
    assert!(!text.contains("queue"), "{text}");
    for wrong in [
        &["live", "missing.toml"][..],
        &["live", "tiny.toml", "--time-scale", "0"],
        &["live", "tiny.toml", "--time-scale", "10001"],
        &["live", "tiny.toml", "--time-scale", "4000000000"],
        &["live", "tiny.toml", "--messages", "0"],
        &["live", "tiny.toml", "--set", "workload.mesages=1"],
        &["live", "tiny.toml", "--model", "log", "--strategy", "broker-dead-letter"],
    ] {
        let ended = bench.run(wrong);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{wrong:?} {}", ended.err);
        assert!(ended.err.starts_with("error: "), "{}", ended.err);
        let ranged = !wrong.contains(&"--time-scale") || ended.err.contains("from 1 to 10000");
        assert!(ranged, "{}", ended.err);
    }
}
