//! Every scenario in `simulations/`, those of the book included, comes out as it says, and what the
//! README and `docs/` show of the program still works.
//!
//! Method: `entrega compare` with all models and strategies of the scenario; its exit code says
//! whether the `[[expect]]` tables hold. Ten seeds at most, so that the test stays short.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How many seeds are run at most.
const SEEDS: i64 = 10;

/// The program, started where a person would start it.
fn entrega(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrega"));
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "entrega");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    command.output().expect("the program starts")
}

fn scenarios() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for directory in ["simulations", "simulations/book"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        let entries = fs::read_dir(&directory).expect("the directory can be read");
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// How many seeds to run of those that a scenario asks for.
fn seeds(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a scenario can be read");
    let table: toml::Table = text.parse().expect("a scenario is TOML");
    let asked = table.get("seeds").and_then(toml::Value::as_integer);
    asked.map_or(SEEDS, |seeds| seeds.min(SEEDS)).to_string()
}

#[test]
fn every_scenario_comes_out_as_it_says() {
    let files = scenarios();
    assert!(files.len() >= 15);
    for file in files {
        let name = file.to_string_lossy();
        let output = entrega(&["compare", &name, "--quiet", "--seeds", &seeds(&file)]);
        let said = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}:\n{said}{error}");
    }
}

/// The opposite: the same scenario with another expectation, or with a mistake in it, is noticed.
#[test]
fn an_expectation_that_does_not_hold_is_noticed() {
    let check = |set: &str, expect| {
        let file = "simulations/recorded-orders.toml";
        let output = entrega(&["compare", file, "--quiet", "--set", set]);
        assert_eq!(output.status.code(), Some(expect), "{set}");
    };
    check("title=The same", 0);
    check("expect.2.duplicated=0", 1);
    check("expect.2.duplicated=some", 2);
}

/// Whether an exploration of process-then-settle says that no schedule duplicates.
fn never_duplicates(scenario: &str, settings: &[&str]) -> bool {
    let file = format!("simulations/{scenario}.toml");
    let mut arguments = vec!["explore", &file, "--strategy", "process-then-settle"];
    arguments.extend(settings.iter().flat_map(|set| ["--set", set]));
    let output = entrega(&arguments);
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{file} {settings:?}:\n{said}{error}");
    let rows = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows: Vec<_> = rows.filter(|row| row.get(1) == Some(&"process-then-settle")).collect();
    assert!(!rows.is_empty() && said.contains(" lost   duplicated "), "{said}");
    rows.iter().all(|row| row[3] == "never")
}

/// What a narration calls a cure takes the anomaly out of every schedule, and what it calls none
/// does not.
#[test]
fn cures_cure_and_others_do_not() {
    let sink = |settings: &[&str]| never_duplicates("forgetful-sink", settings);
    assert!(!sink(&[]));
    assert!(sink(&["sink.dedup_window=1h"]));
    assert!(!sink(&["sink.dedup_window=1h", "sink.dedup=check-then-write"]));
    assert!(!sink(&["sink.dedup_window=1h", "sink.dedup=process-memory"]));
    let lease = |settings: &[&str]| never_duplicates("slow-handler", settings);
    assert!(!lease(&[]));
    assert!(lease(&["consumer.lease_renewal=10s"]));
    assert!(!lease(&["consumer.lease_renewal=35s"]));
    let stalls = "faults.process.stall.before=1/200";
    assert!(!lease(&["consumer.lease_renewal=10s", stalls]));
}

/// What the narration of a scenario names as the way out is one: with it, the anomaly that the file
/// expects is gone, and without it the changed expectation fails.
#[test]
fn the_way_out_that_a_scenario_names_is_one() {
    let check = |file: &str, way_out: &[&str], expect: &[&str]| {
        let path = format!("simulations/{file}");
        let run = |set: &[&str]| {
            let mut arguments = vec!["compare", path.as_str(), "--quiet"];
            arguments.extend(set.iter().flat_map(|one| ["--set", *one]));
            entrega(&arguments)
        };
        let output = run(&[way_out, expect].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{file} with {way_out:?}:\n{said}");
        assert_eq!(run(expect).status.code(), Some(1), "{file} without {way_out:?}");
    };
    let drains = ["subscriptions.0.rolling_restart.how=drain"];
    check("graceful-stop.toml", &drains, &["expect.0.lost=<6"]);
    for commits in ["consumer.drain_on_revoke=true", "consumer.group_instance_id=true"] {
        check("rolling-restart.toml", &[commits], &["expect.0.duplicated=0"]);
    }
    let fenced = ["expect.0.duplicated=0", "expect.0.verdict=valid"];
    check("late-ack.toml", &["profile=rabbitmq-quorum"], &fenced);
    let delay = "queue.redelivery_delay.after=10s";
    check("nack-loop.toml", &[delay], &["expect.0.lost=0", "expect.0.verdict=valid"]);
    let ends = ["expect.0.dead_lettered=1", "expect.0.pending=0", "expect.0.redeliveries=20"];
    let ends = [&ends[..], &["expect.0.verdict=valid"]].concat();
    for counted in ["consumer.on_error=reject", "profile=rabbitmq-quorum@4.2"] {
        check("nack-or-reject.toml", &[counted], &ends);
    }
    check(
        "late-commit.toml",
        &["log.commit_checks=forward"],
        &["expect.1.duplicated=0", "expect.2.duplicated=0", "expect.2.verdict=valid"],
    );
    let begins = ["log.auto_offset_reset=by-duration", "log.auto_offset_reset_duration=2h"];
    let nothing_lost = ["expect.0.lost=0", "expect.0.exact=12", "expect.0.verdict=valid"];
    check("first-start.toml", &begins, &nothing_lost);
    let kept = ["log.offsets_retention=7d"];
    check(
        "long-absence.toml",
        &kept,
        &["expect.0.lost=0", "expect.0.exact=8", "expect.0.verdict=valid"],
    );
    let again = ["log.auto_offset_reset=earliest"];
    let twice =
        ["expect.0.lost=0", "expect.0.duplicated=2", "expect.0.exact=6", "expect.0.verdict=valid"];
    check("long-absence.toml", &again, &twice);
    let nothing_lost = ["expect.0.lost=0", "expect.0.exact=150", "expect.0.verdict=valid"];
    check("more-partitions.toml", &["log.auto_offset_reset=earliest"], &nothing_lost);
    let long = ["log.auto_offset_reset=by-duration", "log.auto_offset_reset_duration=10min"];
    check("more-partitions.toml", &long, &nothing_lost);
    let in_time = ["consumer.metadata_refresh=1min"];
    check("more-partitions.toml", &in_time, &["expect.0.lost=1", "expect.0.exact=149"]);
    let too_short = ["log.auto_offset_reset=by-duration", "log.auto_offset_reset_duration=30min"];
    let alone = ["consumer.prefetch=1"];
    let one = ["expect.0.dead_lettered=1", "expect.0.exact=39"];
    check("bad-company.toml", &alone, &one);
    check("first-start.toml", &too_short, &["expect.0.lost=4", "expect.0.exact=8"]);
}

/// What the narration of the transactions names one by one breaks the promise each time.
#[test]
fn each_part_of_a_transaction_is_needed() {
    let code = |file: &str, set: &str, expect: &[&str]| {
        let file = format!("simulations/{file}.toml");
        let mut arguments = vec!["compare", file.as_str(), "--quiet", "--set", set];
        arguments.extend(expect.iter().flat_map(|one| ["--set", *one]));
        entrega(&arguments).status.code()
    };
    for set in [
        "consumer.isolation_level=read-uncommitted",
        "consumer.transaction_offsets=after-commit",
        "consumer.transaction_offsets=before-commit",
        "consumer.group_metadata=false",
        "consumer.output=outside",
    ] {
        assert_eq!(code("transactions", set, &[]), Some(1), "{set}");
    }
    let remedy = "consumer.isolation_level=read-committed";
    let exact = ["expect.0.duplicated=0", "expect.0.verdict=valid"];
    assert_eq!(code("aborted-records", remedy, &exact), Some(0));
    for remedy in
        ["consumer.transaction_timeout=15min", "consumer.transaction_offsets=in-transaction"]
    {
        let exact = ["expect.0.lost=0", "expect.0.verdict=valid"];
        assert_eq!(code("expired-transaction", remedy, &exact), Some(0), "{remedy}");
    }
}

/// What an exploration of one configuration says never happens: in the columns of its only row, and
/// in the sentence below.
fn never_found(said: &str) -> Vec<&str> {
    let words = |line: &'static str| said.lines().find(|one| one.trim_start().starts_with(line));
    let (head, row) = (words("model "), words("log ").or_else(|| words("queue ")));
    let head = head.into_iter().flat_map(str::split_whitespace);
    let cells = head.zip(row.into_iter().flat_map(str::split_whitespace));
    let columns = cells.filter(|(_, cell)| *cell == "never").map(|(name, _)| name);
    let sentence = words("never, in no row: ").into_iter();
    columns.chain(sentence.flat_map(|one| one.split([',', ' ']))).collect()
}

/// What a narration names as a remedy is one: with it, the anomaly that the scenario shows is not
/// found in any run, and an exploration says *never*.
#[test]
fn the_remedies_of_the_narrations_help() {
    let check = |scenario: &str, with: &[&str], never: &str| {
        let faults = match scenario {
            "unflushed-buffer" | "due-later" => "0",
            "unclean-election" => "2",
            _ => "1",
        };
        let file = format!("simulations/{scenario}.toml");
        let set = |setting: &&str| ["--set".to_owned(), (*setting).to_owned()];
        let with: Vec<String> = with.iter().flat_map(set).collect();
        let with: Vec<&str> = with.iter().map(String::as_str).collect();
        let output = entrega(&[&["compare", &file, "--quiet"], with.as_slice()].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{file} {with:?}:\n{said}");
        let strategy = match scenario {
            "late-ack" => ["--strategy", "settle-then-process"],
            "bad-item" => ["--strategy", "micro-batch"],
            "rolling-restart" => ["--strategy", "settle-every-n"],
            _ => ["--strategy", "process-then-settle"],
        };
        let explore = [&["explore", &file, "--quiet", "--faults", faults], &strategy[..]].concat();
        let output = entrega(&[explore.as_slice(), with.as_slice()].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(never_found(&said).contains(&never), "{file} {with:?}:\n{said}");
    };
    let in_order = ["producer.max_in_flight=1", "expect.0.reordered=0"];
    check("overtaken-retries", &in_order, "reordered");
    let delayed = ["queue.redelivery_delay.after=10s", "expect.0.lost=0", "expect.0.verdict=valid"];
    check("nack-loop", &delayed, "lost");
    let atomic = "sink.dedup=atomic";
    let fenced = [atomic, "expect.0.duplicated=0", "expect.0.verdict=valid"];
    check("late-ack", &fenced, "duplicated");
    check("lost-connection", &[atomic, "expect.0.duplicated=0"], "duplicated");
    let alone =
        ["consumer.batch_on_failure=per-item", "expect.0.dead_lettered=1", "expect.0.split=0"];
    check("bad-item", &alone, "split");
    let at_once = ["consumer.settle_every=1", "expect.0.duplicated=0"];
    check("rolling-restart", &at_once, "duplicated");
    let once = [
        "producer.enable_idempotence=true",
        "expect.0.reordered=0",
        "expect.1.duplicated=0",
        "expect.1.verdict=valid",
        "expect.2.duplicated=0",
    ];
    check("overtaken-retries", &once, "reordered");
    check("overtaken-retries", &once, "duplicated");
    let flushed = [
        "producer.flush_on_close=true",
        "expect.0.lost=0",
        "expect.2.verdict=valid",
        "expect.3.verdict=valid",
    ];
    check("unflushed-buffer", &flushed, "lost");
    let confirmed = [
        "producer.strategy=confirmed",
        "expect.0.lost=0",
        "expect.0.absent=>0",
        "expect.2.verdict=valid",
        "expect.3.verdict=valid",
    ];
    check("unflushed-buffer", &confirmed, "lost");
    let all = ["producer.acks=all", "expect.0.lost=0"];
    check("acks-one", &all, "lost");
    let flushes = ["queue.broker_restart.forgets=['counts']", "expect.0.lost=0"];
    check("broker-forgets", &flushes, "lost");
    for remedy in ["log.unclean_leader_election=false", "log.min_insync_replicas=2"] {
        check("unclean-election", &[remedy, "expect.0.lost=0"], "lost");
    }
    for in_time in ["queue.dedup_window=5min", "producer.retry_backoff=1min"] {
        let in_time =
            [in_time, "expect.1.duplicated=0", "expect.1.verdict=valid", "expect.2.duplicated=0"];
        check("dedup-window", &in_time, "duplicated");
    }
    let none_twice = ["expect.1.duplicated=0", "expect.1.verdict=valid", "expect.2.duplicated=0"];
    let forgets = ["producer.outbox=false", "expect.0.absent=>0", "expect.3.verdict=unknown"];
    let unknown = ["expect.1.duplicated=0", "expect.1.verdict=unknown", "expect.2.duplicated=0"];
    let forgets = [&forgets[..], &unknown, &["expect.2.verdict=unknown"]].concat();
    check("outbox", &forgets, "duplicated");
    let comes_out = |with: &[&str]| {
        let with = with.iter().flat_map(|set| ["--set", set]);
        let compare = ["compare", "simulations/outbox.toml", "--quiet"].into_iter().chain(with);
        entrega(&compare.collect::<Vec<_>>()).status.code()
    };
    assert_eq!(comes_out(&["producer.enable_idempotence=true"]), Some(0), "duplicates stay");
    let by_send = ["models=['queue']", "queue.dedup_window=2min", "producer.publish_id=send"];
    assert_eq!(comes_out(&by_send), Some(0), "duplicates stay");
    let knows = ["models=['queue']", "queue.dedup_window=2min"];
    check("outbox", &[&knows[..], &none_twice].concat(), "duplicated");
    let back = ["consumer.worker_lost=requeue", "expect.0.lost=0", "expect.0.duplicated=>0"];
    check("worker-lost", &[&back[..], &["expect.0.verdict=valid"]].concat(), "lost");
    check("retry-topic", &["sink.dedup=atomic", "expect.0.duplicated=0"], "lost");
    for brings_back in ["consumer.claim_min_idle=1min", "consumer.restart_reads_own=true"] {
        let back = [brings_back, "expect.0.pending=0", "expect.0.verdict=valid"];
        check("pending-list", &back, "stalled");
    }
    let archived = ["queue.at_limit=dead-letter", "expect.0.lost=0", "expect.0.dead_lettered=>0"];
    check("share-group", &[&archived[..], &["expect.0.verdict=valid"]].concat(), "lost");
    let once = ["expect.0.duplicated=0", "expect.0.exact=18"];
    let renewed = ["consumer.lease_renewal=20min"];
    let held = ["queue.delivery_delay=150min", "subscriptions.0.service_time.value=1s"];
    for way_out in [&renewed[..], &held] {
        check("due-later", &[way_out, &once].concat(), "duplicated");
    }
}

/// Where each message of a file has a due time of its own, a run of the file shows what helps: an
/// exploration makes its messages up, and says that it has not tried different times.
#[test]
fn reminders_with_times_of_their_own_are_sent_once() {
    let file = "simulations/due-times.toml";
    for way_out in
        ["queue.due_time=broker", "queue.visibility_timeout=4h", "consumer.lease_renewal=20min"]
    {
        let set = ["--quiet", "--set", way_out, "--set", "expect.0.duplicated=0"];
        let output = entrega(&[&["compare", file][..], &set].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{way_out}:\n{said}");
        let set = ["--quiet", "--faults", "0", "--set", way_out];
        let output = entrega(&[&["explore", file][..], &set].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("not tried: messages that are due at different times"), "{said}");
        assert!(never_found(&said).is_empty(), "{said}");
    }
}

/// A sink recognises what is moved back from the dead letters if its window is longer than that
/// takes, and if its key is the producer's, or the queue's own id stays the same.
#[test]
fn a_redriven_order_is_recognised_within_the_window() {
    let check = |settings: &[&str], expect: bool| {
        let mut arguments = vec!["explore", "simulations/redrive.toml", "--quiet", "--faults", "2"];
        arguments.extend(settings.iter().flat_map(|set| ["--set", set]));
        let said = String::from_utf8_lossy(&entrega(&arguments).stdout).into_owned();
        assert_eq!(never_found(&said).contains(&"duplicated"), expect, "{settings:?}:\n{said}");
        assert_eq!(said.contains("under a new id"), !expect, "{settings:?}:\n{said}");
    };
    let long = "sink.dedup_window=2h";
    check(&[], false);
    check(&[long], true);
    check(&[long, "sink.dedup_key=broker"], false);
    check(&[long, "sink.dedup_key=broker", "queue.redrive.ids=same"], true);
}

/// A copy that is tried later is another message for the queue, and the same one for a sink that
/// goes by the producer's id.
#[test]
fn a_copy_to_be_tried_later_is_recognised_by_its_sink() {
    let check = |settings: &[&str], expect: bool| {
        let file = "simulations/retry-topic.toml";
        let mut arguments = vec!["explore", file, "--quiet", "--faults", "2"];
        arguments.extend(settings.iter().flat_map(|set| ["--set", set]));
        let said = String::from_utf8_lossy(&entrega(&arguments).stdout).into_owned();
        assert!(never_found(&said).contains(&"lost"), "{settings:?}:\n{said}");
        assert_eq!(never_found(&said).contains(&"duplicated"), expect, "{settings:?}:\n{said}");
        assert_eq!(said.contains("retry copy"), !expect, "{settings:?}:\n{said}");
    };
    check(&[], false);
    check(&["sink.dedup=atomic"], true);
    check(&["sink.dedup=atomic", "sink.dedup_key=broker"], false);
}

/// An offset that an unclean election frees names two orders that are both read (semantics.md 3.5,
/// 5.5). With a clean one no offset is used again.
#[test]
fn an_unclean_election_gives_an_offset_to_two_orders() {
    let check = |set: &[&str], expect: bool| {
        let file = "simulations/unclean-election.toml";
        let run = ["run", file, "--strategy", "process-then-settle"];
        let output = entrega(&[&run[..], set].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        let is_seen = said.contains("seen at an offset of another message");
        assert_eq!(is_seen, expect, "{set:?}:\n{said}");
        assert_eq!(said.contains("removed truncation"), expect, "{set:?}:\n{said}");
    };
    check(&[], true);
    check(&["--set", "log.unclean_leader_election=false"], false);
}

/// A page by its path in the repository.
fn page(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The replay strings that people copy from the documents replay. Each page shows at least one.
#[test]
fn the_replay_strings_of_the_documents_replay() {
    for path in ["README.md", "docs/explore.md", "docs/replay.md", "docs/truth-table.md"] {
        let text = page(path);
        let commands: Vec<&str> =
            text.lines().filter_map(|line| line.trim().strip_prefix("entrega replay ")).collect();
        assert!(!commands.is_empty(), "{path}");
        for command in commands {
            let (file, string) = command.split_once(' ').expect("a file and a string");
            let output = entrega(&["replay", file, string.trim_matches('\'')]);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{path}: {command}\n{error}");
        }
    }
}

/// The exploration in `docs/explore.md` is what its command prints; `…` stands for what is left
/// out.
#[test]
fn the_exploration_of_the_documents_is_current() {
    let page = page("docs/explore.md").replace("\\\n", "");
    let command = page.lines().find_map(|line| line.strip_prefix("entrega explore "));
    let arguments: Vec<&str> = command.expect("a command").split_whitespace().collect();
    let (_, shown) = page.split_once("<!-- explore:begin -->\n```text\n").expect("a beginning");
    let (shown, _) = shown.split_once("```\n<!-- explore:end -->").expect("an end");
    let output = entrega(&[&["explore"], arguments.as_slice()].concat());
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in shown.split("…\n") {
        let at = printed.find(part).unwrap_or_else(|| panic!("not printed:\n{part}"));
        printed.drain(..at + part.len());
    }
    assert_eq!(output.status.code(), Some(0));
}

/// A delay that is shorter than the outage is no cure, and no exploration says that it is.
#[test]
fn a_delay_that_ends_within_the_outage_is_no_cure() {
    let too_short = "queue.redelivery_delay.after=5s";
    let file = "simulations/nack-loop.toml";
    let lost = ["--set", "expect.0.lost=<100"];
    let run = entrega(&[&["compare", file, "--quiet", "--set", too_short], &lost[..]].concat());
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stdout));
    let output = entrega(&["explore", file, "--quiet", "--faults", "1", "--set", too_short]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!never_found(&said).contains(&"lost"), "{said}");
    assert!(said.contains("uses up its 5 deliveries in an outage of the sink"), "{said}");
}
