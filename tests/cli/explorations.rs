//! `explore`: what it prints, that threads and cuts do not change it, and what it refuses.

use serde_json::Value;

use crate::{Bench, TINY};

/// Explores and gives the document.
fn explored(bench: &Bench, args: &[&str]) -> Value {
    let args = [&["explore", "tiny.toml", "--format", "json"], args].concat();
    serde_json::from_str(&bench.ok(&args)).expect("JSON")
}

/// Model, strategy, and what can happen.
fn outcomes(document: &Value) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rows = document["rows"].as_array().expect("rows").iter();
    rows.map(|row| {
        let findings = row["findings"].as_array().expect("findings").iter();
        let found = findings.map(|one| format!("{} {}", text(&one["property"]), one["cause"]));
        (text(&row["model"]), text(&row["strategy"]), found.collect())
    })
    .collect()
}

#[test]
fn an_exploration_is_told_in_full() {
    let bench = Bench::new();
    let args = ["explore", "tiny.toml", "--model", "queue", "--messages", "2"];
    insta::assert_snapshot!("explore", bench.ok(&args));
}

#[test]
fn the_document_has_everything() {
    let bench = Bench::new();
    let found = explored(&bench, &["--messages", "2"]);
    assert_eq!(found["schema"], "entrega.explore.v1");
    assert_eq!((&found["faults"], &found["preemptions"]), (&1.into(), &1.into()));
    assert_eq!(found["partial"], false);
    let row = &found["rows"][0];
    assert_eq!((&row["model"], &row["subscription"]), (&"queue".into(), &"mailer".into()));
    assert_eq!((&row["messages"], &row["consumers"]), (&2.into(), &1.into()));
    assert_eq!(row["points"], serde_json::json!({ "effect.after": ["crash"] }));
    assert!(
        row["tried"].as_str().is_some_and(|tried| tried.starts_with("every run of 2 messages"))
    );
    assert_eq!(
        (&row["not_tried"], &found["unproved"]),
        (&serde_json::json!([]), &row["not_tried"])
    );
    assert_eq!(row["complete"], true);
    assert_eq!(row["properties"]["lost"]["occurs"], "never");
    assert_eq!(row["properties"]["duplicated"]["occurs"], "sometimes");
    let (schedules, ended) = (row["schedules"].as_u64(), row["ended"].as_u64());
    assert_eq!(row["cut"].as_u64(), schedules.zip(ended).map(|(all, ended)| all - ended));
    let duplicate = &row["findings"][0];
    assert_eq!(duplicate["choices"], "mailer.effect.after#1=crash");
    assert_eq!((&duplicate["messages"], &duplicate["message"]), (&1.into(), &0.into()));
    assert!(duplicate["timeline"].as_array().is_some_and(|lines| lines.len() > 10));
    let expect = [
        ("queue", "process-then-settle", &["duplicated \"redelivered_after_crash\""][..]),
        ("queue", "deduplicating-sink", &[]),
        ("log", "process-then-settle", &["duplicated \"redelivered_after_crash\""]),
        ("log", "deduplicating-sink", &[]),
    ];
    let expect = expect.map(|(model, strategy, found)| {
        let found: Vec<String> = found.iter().map(|&one| one.to_owned()).collect();
        (model.to_owned(), strategy.to_owned(), found)
    });
    assert_eq!(outcomes(&found), expect);
}

#[test]
fn threads_change_nothing_and_cuts_only_the_effort() {
    let bench = Bench::new();
    let args = ["explore", "tiny.toml", "--format", "json", "--all-faults", "--messages", "1"];
    let on = |threads| bench.ok(&[&args[..], &["--threads", threads, "--quiet"]].concat());
    assert_eq!(on("1"), on("2"));
    let args = ["--messages", "2", "--faults", "2"];
    let (cut, whole) =
        (explored(&bench, &args), explored(&bench, &[&args[..], &["--no-cut"]].concat()));
    assert_eq!(outcomes(&cut), outcomes(&whole));
    let schedules = |document: &Value| document["rows"][0]["schedules"].as_u64();
    assert!(schedules(&cut) < schedules(&whole));
    assert_eq!((&whole["cuts"], &whole["rows"][0]["cut"]), (&false.into(), &0.into()));
}

#[test]
fn every_story_can_be_replayed() {
    let bench = Bench::new();
    bench.write("any.toml", &TINY[..TINY.find("[[expect]]").expect("expectations")]);
    let args = ["explore", "any.toml", "--all-faults", "--messages", "2", "--format", "json"];
    let strategies = ["process-then-settle", "dead-letter", "auto-settle-at-delivery"];
    let strategies = strategies.map(|name| ["--strategy", name]).concat();
    let set = ["--set", "consumer.max_attempts=1"];
    let args = [&args[..], &strategies, &set].concat();
    let found: Value = serde_json::from_str(&bench.ok(&args)).expect("JSON");
    let rows = found["rows"].as_array().expect("rows");
    let mut stories = 0;
    for one in rows.iter().flat_map(|row| row["findings"].as_array().expect("findings")) {
        let replay = one["replay"].as_str().expect("a replay string");
        let again = bench.ok(&["replay", "any.toml", replay, "--format", "json"]);
        let again: Value = serde_json::from_str(&again).expect("JSON");
        let property = one["property"].as_str().expect("a property");
        let of = &again["report"]["subscriptions"][0];
        let shown = match property {
            "reordered" => &of["order"]["reordered"],
            "stalled" => &of["classes"]["pending"],
            "dead_lettered_twice" => &of["dlq_excess"],
            class => &of["classes"][class],
        };
        assert!(shown.as_u64().is_some_and(|count| count > 0), "{property}: {replay}\n{of:#}");
        let told = again["anomalies"].as_array().expect("anomalies").iter().find(|told| {
            (&told["anomaly"], &told["story"]) == (&one["property"], &one["sentence"])
        });
        assert!(told.is_some(), "{property}: {replay} does not tell {}", one["sentence"]);
        if let Some(cause) = one["cause"].as_str() {
            assert!(of["causes"][cause].as_u64() > Some(0), "{cause}: {replay}\n{of:#}");
        }
        stories += 1;
    }
    assert!(stories >= 12, "only {stories} stories");
}

#[test]
fn a_budget_proves_nothing() {
    let bench = Bench::new();
    let args = ["explore", "tiny.toml", "--budget", "2", "--strategy", "deduplicating-sink"];
    let ended = bench.run(&args);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let text = ended.out;
    assert!(text.contains("INCOMPLETE") && text.contains("not found"), "{text}");
    assert!(!text.contains(" never "), "{text}");
    let tried = "Tried: not every run, but as many schedules as the table says, of 3 messages";
    assert!(text.contains(tried) && !text.contains("Tried: every run"), "{text}");
    assert!(text.contains("NOT PROVED: queue, deduplicating-sink, mailer: expected duplicated 0"));
    let ended = bench.run(&[&args[..], &["--format", "json"]].concat());
    let found: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(found["rows"][0]["complete"], false);
    assert_eq!(found["rows"][0]["schedules"], 2);
    let tried = found["rows"][0]["tried"].as_str().expect("a sentence");
    assert!(tried.starts_with("the first 2 runs, not all, of 3 messages"), "{tried}");
    assert_eq!(found["unproved"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["rows"][0]["properties"]["lost"]["occurs"], "not_found");
}

#[test]
fn what_should_not_happen_and_can_is_an_exit_code() {
    let bench = Bench::new();
    bench.write("wrong.toml", &TINY.replace("duplicated = \">0\"", "duplicated = 0"));
    let ended = bench.run(&["explore", "wrong.toml"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    let expect = "NOT AS EXPECTED: queue, process-then-settle, mailer: expected duplicated 0, and \
                  it happens\n";
    assert!(ended.out.contains(expect), "{}", ended.out);
}

#[test]
fn what_cannot_be_explored_is_refused() {
    let bench = Bench::new();
    let check = |args: &[&str], expect: &str| {
        let ended = bench.run(&[&["explore"], args].concat());
        assert_eq!(ended.code, Some(2), "{args:?}\n{}{}", ended.out, ended.err);
        assert!(ended.err.contains(expect), "{}", ended.err);
    };
    let script = TINY.find("[[script]]").zip(TINY.find("[[expect]]"));
    let (from, to) = script.expect("a script");
    bench.write("nothing.toml", &format!("{}{}", &TINY[..from], &TINY[to..]));
    check(&["nothing.toml"], "names nothing that can go wrong");
    check(&["nothing.toml"], "--all-faults");
    bench.ok(&["explore", "nothing.toml", "--faults", "0"]);
    bench.ok(&["explore", "nothing.toml", "--all-faults", "--messages", "1"]);
    check(&["tiny.toml", "--subscription", "nobody"], "there is no subscription `nobody`");
    check(&["tiny.toml", "--faults", "many"], "invalid value 'many'");
    check(&["tiny.toml", "--faults", "10"], "10 is not in 0..=9");
    check(&["tiny.toml", "--messages", "0"], "0 is not in 1..=99");
    check(&["tiny.toml", "--budget", "0"], "0 is not in 1..");
    check(&["tiny.toml", "--patience", "0"], "0 is not in 1..");
    let rejects = ["tiny.toml", "--model", "log", "--strategy", "broker-dead-letter"];
    check(&rejects, "broker-dead-letter");
    check(&["nowhere.toml"], "cannot read it");
}

/// A run that goes on for ever has a short story all the same, and all of it for whoever asks.
#[test]
fn timelines_are_excerpts_unless_somebody_asks() {
    let bench = Bench::new();
    let poison = TINY.replace("mailer.effect.after", "mailer.message.poison");
    let poison = poison.replace("alternative = \"crash\"", "alternative = \"poison\"");
    bench.write("poison.toml", &poison[..poison.find("[[expect]]").expect("expectations")]);
    let args = ["explore", "poison.toml", "--model", "queue", "--messages", "2"];
    let excerpts = bench.ok(&args);
    insta::assert_snapshot!("explore_stall", excerpts);
    assert!(excerpts.lines().count() < 70 && excerpts.contains("more lines: replay it"));
    let full = bench.ok(&[&args[..], &["--timelines"]].concat());
    assert!(full.contains("mailer 1 leaves") || full.contains("audit ──"), "{full}");
    assert!(full.lines().count() > excerpts.lines().count());
    assert!(!full.contains("more lines: replay it"));
}

/// A scope that the scenario does not have is not tried in silence; one that it has is.
#[test]
fn more_than_the_scenario_has_is_said() {
    let bench = Bench::new();
    let said = |args: &[&str]| {
        let ended = bench.run(&[&["explore", "tiny.toml", "--model", "queue"], args].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        ended.err.lines().filter(|line| line.contains("has only")).count()
    };
    assert_eq!(said(&["--messages", "99", "--set", "workload.messages=2"]), 1);
    assert_eq!(said(&["--messages", "2", "--set", "workload.messages=2"]), 0);
    assert_eq!(said(&["--set", "workload.messages=2"]), 0);
    assert_eq!(said(&["--messages", "2", "--consumers", "9", "--partitions", "9"]), 1);
}
