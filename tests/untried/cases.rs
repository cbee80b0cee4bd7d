//! Scenarios from public reports in which time does it without a fault, and what an exploration
//! says of each: it finds it, or names what it did not try. And one in which time does nothing.

use std::process::{Command, Output};

use serde_json::Value;

/// What the program prints for a scenario, which it must explore without a complaint.
fn explored(file: &str, more: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrega"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("COLUMNS", "100");
    command.args(["explore", file, "--quiet"]).args(more);
    if !more.contains(&"--faults") {
        command.args(["--faults", "0"]);
    }
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let (out, err) = (text(stdout), text(stderr));
    assert!(status.success(), "{out}{err}");
    out
}

fn rows(file: &str, more: &[&str]) -> Vec<Value> {
    let text = explored(file, &[&["--format", "json"], more].concat());
    let document: Value = serde_json::from_str(&text).expect("JSON");
    document["rows"].as_array().expect("rows").clone()
}

fn occurs<'r>(row: &'r Value, property: &str) -> &'r str {
    row["properties"][property]["occurs"].as_str().expect("a word")
}

fn not_tried(row: &Value) -> String {
    let clauses = row["not_tried"].as_array().expect("a list").iter();
    clauses.map(|one| one.as_str().expect("a clause")).collect::<Vec<_>>().join("\n")
}

const ETA: &str = "tests/untried/r07-eta-longer-than-lease.toml";
const BUFFERED: &str = "tests/untried/r11-buffered-lease.toml";
const POLLS: &str = "tests/verdicts/r13-max-poll-loop.toml";

/// A handler that outlasts its lease: both strategies repeat it, and one sink recognises it. That
/// it is tried in two handlers alone is said, and so nothing is impossible.
#[test]
fn a_service_time_beyond_the_lease_is_found() {
    let rows = rows(ETA, &[]);
    let [plain, deduplicating] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(occurs(plain, "duplicated"), "sometimes");
    assert_eq!(occurs(deduplicating, "duplicated"), "not_found");
    for row in &rows {
        assert_eq!(not_tried(row), "more than 2 handlers of one run that outlast a deadline");
        let tried = row["tried"].as_str().expect("a sentence");
        let why = "a service time of up to 150min and 8ms of calls reaches visibility_timeout (1h)";
        assert!(tried.starts_with("every run of") && tried.contains(why), "{tried}");
        assert_eq!(occurs(row, "lost"), "not_found");
    }
    let story = rows[0]["findings"][0]["choices"].as_str().expect("choices");
    assert!(story.starts_with("scheduler.handler.slow#1=slow-"), "{story}");
}

#[test]
fn a_service_time_beyond_max_poll_interval_is_found() {
    let rows = rows(POLLS, &[]);
    assert_eq!(occurs(&rows[0], "duplicated"), "sometimes");
    assert!(not_tried(&rows[0]).starts_with("more than 2 handlers"), "{rows:?}");
    let mut causes =
        rows[0]["findings"].as_array().expect("findings").iter().map(|one| &one["cause"]);
    assert!(causes.any(|cause| cause == "session_expired" || cause == "rebalanced"));
}

#[test]
fn messages_that_wait_in_the_client_are_named() {
    let rows = rows(BUFFERED, &[]);
    assert_eq!(occurs(&rows[0], "duplicated"), "not_found");
    let said = not_tried(&rows[0]);
    let expect = "10 messages (prefetch), one after another, with a service time of up to 3s";
    assert!(said.contains(expect) && !said.contains('\n'), "{said}");
    let calm = self::rows(BUFFERED, &["--set", "consumer.prefetch=1"]);
    assert_eq!((occurs(&calm[0], "duplicated"), not_tried(&calm[0])), ("never", String::new()));
}

/// It stands above the table, and no row below says never.
#[test]
fn it_is_told_above_the_table() {
    let text = explored(BUFFERED, &[]);
    let said = text.find("not tried: messages whose lease ends").expect("it is said");
    assert!(text.find("Tried: every run of 3 messages").is_some_and(|tried| tried < said));
    let table = text.find("process-then-settle").expect("a table");
    let legend = text.find("\nalways ").expect("a legend");
    assert!(said < table && table < legend);
    let rows = &text[table..legend];
    assert!(!rows.contains("never") && rows.contains("not found"), "{text}");
    let text = explored(ETA, &["--set", "models=[\"log\", \"queue\"]"]);
    assert!(text.contains("tried: without a fault, up to 2 handlers of a run"), "{text}");
    assert!(text.replace('\n', " ").contains("that outlast a deadline (queue)"), "{text}");
}

#[test]
fn where_time_can_do_nothing_nothing_is_said() {
    let file = "simulations/purchase-emails.toml";
    let text = explored(file, &[]);
    assert!(text.contains("never, in no row:"), "{text}");
    assert!(!text.to_lowercase().contains("not tried") && !text.contains("not found"), "{text}");
    let rows = rows(file, &[]);
    assert_eq!(rows.len(), 28);
    assert!(rows.iter().all(|row| not_tried(row).is_empty()));
}

/// Without any fault but a stall: the timer commits the offset of what is in work, and the process
/// stalls only then, so somebody else goes on with what comes next.
#[test]
fn a_timer_may_come_before_a_stall() {
    let stalls = "faults={ process.stall = { before = '1/100' } }";
    let of = |strategy: &str| {
        let strategies = format!("strategies=['{strategy}']");
        let sets = ["models=['log']", &strategies, stalls, "expect=[]"].map(|set| ["--set", set]);
        rows("simulations/purchase-emails.toml", &[&["--faults", "1"], &sets.concat()[..]].concat())
    };
    for (strategy, expect) in [
        ("auto-settle-at-delivery", "sometimes"),
        ("auto-settle-at-next-receive", "never"),
        ("process-then-settle", "never"),
        ("settle-then-process", "sometimes"),
    ] {
        let rows = of(strategy);
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| occurs(row, "reordered") == expect), "{rows:?}");
    }
}

/// An expectation of nothing is neither contradicted nor proved.
#[test]
fn what_is_expected_and_not_tried_is_not_proved() {
    let expect = ["--set", "expect=[{ lost = 0, duplicated = 0 }]"];
    let text = explored(BUFFERED, &expect);
    for what in ["lost", "duplicated"] {
        let said = format!(
            "NOT PROVED: queue, process-then-settle, sub: expected {what} 0, and it was not found, \
             but not everything was tried\n"
        );
        assert!(text.contains(&said), "{text}");
    }
    assert!(!text.contains("NOT AS EXPECTED"), "{text}");
    let calm = [&expect[..], &["--set", "consumer.prefetch=1"]].concat();
    assert!(!explored(BUFFERED, &calm).contains("NOT PROVED"));
}
