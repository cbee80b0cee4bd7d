//! What is said about wrong input: where it is, what would be valid, exit code 2, and never a
//! panic.

use std::fmt::Write;

use crate::{Bench, TINY};

/// What the program says when it refuses to do something.
fn refusal(bench: &Bench, args: &[&str]) -> String {
    let ended = bench.run(args);
    assert_eq!(ended.code, Some(2), "{args:?}\n{}{}", ended.out, ended.err);
    assert_eq!(ended.out, "", "nothing goes to the standard output");
    assert!(ended.err.starts_with("error: "), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    ended.err
}

/// Each is a scenario in which something was replaced.
const SCENARIOS: [(&str, &str); 10] = [
    ("messages = 3", "mesages = 3"),
    ("messages = 3", "messages = \"many\""),
    ("rate_per_second = 10", "rate_per_second = -1"),
    ("[log]", "[log]\npartitions = 0"),
    ("[log]", "[faults]\neffect.after = { crash = \"3/2\" }\n\n[log]"),
    ("\"deduplicating-sink\"]", "\"deduplicate-sink\"]"),
    ("title = \"Tiny\"", "title = \"Tiny"),
    ("mailer.effect.after", "mailer.effect.afterwards"),
    ("alternative = \"crash\"", "alternative = \"lost\""),
    ("lost = \"0\"", "lost = \"none\""),
];

#[test]
fn mistakes_in_scenarios_have_a_place_and_advice() {
    let bench = Bench::new();
    let mut said = String::new();
    for (from, to) in SCENARIOS {
        assert!(TINY.contains(from), "{from}");
        bench.write("bad.toml", &TINY.replacen(from, to, 1));
        let refusal = refusal(&bench, &["run", "bad.toml"]);
        assert!(refusal.contains("bad.toml:"), "{refusal}");
        let _ = writeln!(said, "{to:?}\n{refusal}");
    }
    insta::assert_snapshot!("mistakes_in_scenarios", said);
}

#[test]
fn mistakes_in_workload_files_have_a_place() {
    let bench = Bench::new();
    let made_up = TINY.lines().filter(|line| {
        !["messages =", "keys =", "arrivals ="].iter().any(|key| line.starts_with(key))
    });
    let made_up = made_up.collect::<Vec<_>>().join("\n");
    let from = made_up.replace("[workload]", "[workload]\nfrom = \"orders.csv\"");
    bench.write("rows.toml", &from);
    let missing = refusal(&bench, &["run", "rows.toml"]);
    assert!(missing.contains("rows.toml:12:8: cannot read `orders.csv`"), "{missing}");

    bench.write("orders.csv", "at,key\n1s,7\nsoon,8\n");
    insta::assert_snapshot!("mistake_in_a_row", refusal(&bench, &["run", "rows.toml"]));
    bench.write("orders.csv", "at,key\n1s,7\n2s,8\n3s,9\n");
    bench.ok(&["run", "rows.toml"]);
}

#[test]
fn mistakes_in_the_usage_say_what_is_valid() {
    let bench = Bench::new();
    let check = |args: &[&str], expect: &str| {
        let said = refusal(&bench, args);
        assert!(said.contains(expect), "{said}");
    };
    check(&["run", "nowhere.toml"], "nowhere.toml: cannot read it");
    check(&["replay", "tiny.toml", "x"], "a replay string has 7 parts");
    check(&["check", "nowhere.jsonl"], "nowhere.jsonl: cannot read it");
    check(&["run", "tiny.toml", "--set", "workload.mesages=3"], "did you mean `messages`?");
    check(&["run", "tiny.toml", "--set", "workload.messages=few"], "--set workload.messages=few");
    check(&["run", "tiny.toml", "--set", "nonsense"], "write path=value");
    check(&["run", "tiny.toml", "--strategy", "process-then-setle"], "'process-then-settle'");
    let rejects = ["--strategy", "broker-dead-letter", "--model", "log"];
    check(&[&["run", "tiny.toml"], &rejects[..]].concat(), "valid is --model queue");
    check(&[&["compare", "tiny.toml"], &rejects[..]].concat(), "does not run on the log");
    check(&["run", "tiny.toml", "--model", "stack"], "[possible values: log, queue]");
    check(&["run", "tiny.toml", "--seed", "many"], "invalid value 'many'");
    check(&["compare", "tiny.toml", "--threads", "0"], "from 1 to 512");
    check(&["table", "--fault", "crash"], "there is no fault `crash`");
    check(&["table", "--fault", "crash"], "crash-after-effect [C1]");
    check(&["table", "--fault", "crash"], "poison [X, X+QL]");
    check(&["table", "--preemptions", "9"], "invalid value '9'");
    let rejects = ["--strategy", "broker-dead-letter", "--model", "log"];
    check(&[&["table"], &rejects[..]].concat(), "no cell of the table is left");
    check(&["replay", "truth-table", "x"], "a replay string has 7 parts");
    check(&["rnu"], "unrecognized subcommand 'rnu'");
    check(&["run", "tiny.toml", "--output", "no/such/dir/x"], "cannot write it");
    check(&["run", "tiny.toml", "--history", "no/such/dir/x"], "cannot write it");
    check(&["list", "tiny.toml"], "cannot read it");
    let nothing = bench.run(&[]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("Usage: entrega <COMMAND>"), "{}", nothing.err);
}

/// A setting that nobody reads is no mistake, but whoever wrote it should know.
#[test]
fn settings_that_nobody_reads_are_told_once() {
    let bench = Bench::new();
    let calm = TINY.replace("[log]", "[consumer]\nbatch_size = 3\nprefetch = 9\n\n[log]");
    bench.write("unread.toml", &calm);
    let expect = "warning: unread.toml:21:1: none of the chosen strategies reads \
                  `consumer.batch_size`\n  help: micro-batch would\n";
    for verb in [&["run"][..], &["compare", "--quiet"], &["explore", "--quiet"]] {
        let said = bench.run(&[verb, &["unread.toml"]].concat());
        assert_eq!((said.code, said.err.as_str()), (Some(0), expect), "{verb:?}");
    }
    let without = bench.run(&["run", "tiny.toml", "--set", "consumer.workers=2"]);
    assert!(without.err.starts_with("warning: --set consumer.workers=2: "), "{}", without.err);
    assert_eq!(bench.run(&["run", "tiny.toml"]).err, "");
    let read = ["run", "unread.toml", "--strategy", "micro-batch"];
    let said = bench.run(&read).err;
    assert!(!said.contains("none of the chosen strategies"), "{said}");
}

/// What a scenario counts on and does not happen is said: a scripted fault that never strikes, a
/// setting of what does not run.
#[test]
fn what_never_happens_is_told() {
    let bench = Bench::new();
    bench.write("calm.toml", &TINY.replace("nth = 2", "nth = 99"));
    let said = bench.run(&["run", "calm.toml", "--strategy", "deduplicating-sink"]);
    let expect = "warning: calm.toml:24:1: this scripted fault never struck: on the queue with \
                  deduplicating-sink the run came to `mailer.effect.after` 3 times\n";
    assert_eq!((said.code, said.err.as_str()), (Some(1), expect));
    let fault = "[[script]]\npoint = \"mailer.effect.after\"\nalternative = \"crash\"\n";
    let rest: Vec<String> =
        ["nth = 99", "nth = 98", "at = \"1h\""].map(|when| format!("{fault}{when}\n")).into();
    bench.write("most.toml", &format!("{TINY}{}", rest.concat()));
    let said = bench.run(&["run", "most.toml"]);
    let lines: Vec<&str> = said.err.lines().collect();
    let first = 2 + TINY.lines().count();
    let expect = [0, 1, 2].map(|index| {
        format!("warning: most.toml:{}:1: this scripted fault never", first + 4 * index)
    });
    assert_eq!(lines.len(), expect.len(), "{}", said.err);
    for (line, expect) in lines.iter().zip(&expect) {
        assert!(line.starts_with(expect), "{expect}\n{}", said.err);
    }
    let said = bench.run(&["run", "tiny.toml", "--set", "log.partitions=2"]);
    let expect = "warning: --set log.partitions=2: `log.partitions` changes nothing here\n  help: \
                  the log would read it, and does not run\n";
    assert_eq!((said.code, said.err.as_str()), (Some(0), expect));
    bench.write(
        "never.toml",
        &TINY.replace(
            "strategy = \"process-then-settle\"\nlost",
            "model = \"log\"\nstrategy = \"broker-dead-letter\"\nlost",
        ),
    );
    let said = refusal(&bench, &["run", "never.toml"]);
    let expect = "`broker-dead-letter` does not run on the log, so this is never asked\n  help: \
                  remove it, or name another model or strategy";
    assert!(said.contains("never.toml:") && said.contains(expect), "{said}");
}

/// A fault of the table has a name and the heads of its columns, in any case.
#[test]
fn a_column_of_the_table_is_asked_for_by_either_name() {
    let bench = Bench::new();
    let table = |fault: &str| {
        let args = ["table", "--quiet", "--model", "queue", "--strategy", "dead-letter"];
        bench.ok(&[&args[..], &["--fault", fault]].concat())
    };
    assert_eq!(table("c1"), table("crash-after-effect"));
    assert_eq!(table("C1"), table("Crash-After-Effect"));
    assert!(table("X+QL").lines().count() > 3 && table("x+ql") != table("poison"));
}
