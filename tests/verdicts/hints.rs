//! A first own scenario does not mislead.

use super::*;

fn warned(scenario: &str, set: &[&str], model: &str) -> String {
    on("run", scenario, set, &["--model", model]).err
}

#[test]
fn a_row_that_fails_through_latest_alone_says_what_to_write() {
    let few = "workload.messages=2000";
    let more = ["--seeds", "1", "--quiet"];
    let hint = "write auto_offset_reset = \"earliest\" under [log]";
    let compared = on("compare", "rmq3", &[few], &more).out;
    assert!(compared.contains(hint), "{compared}");
    assert!(compared.contains("  log, process-then-settle, mailer\n"), "{compared}");
    let earliest = "log.auto_offset_reset='earliest'";
    assert!(!on("compare", "rmq3", &[few, earliest], &more).out.contains("Hint"));
    let ran = on("run", "r29-latest-no-commit", &[], &[]).out;
    assert!(ran.contains(hint), "{ran}");
    let otherwise = on("run", "r27-lag-beyond-retention", &[], &[]).out;
    assert!(!otherwise.contains(hint), "retention lost most of it:\n{otherwise}");
}

#[test]
fn overload_warns_with_the_utilisation() {
    let of = |time: &str| format!("subscriptions.0.service_time.value='{time}'");
    let check = |time: &str, expect: &str| {
        let said = warned("d2-drain-limit", &["script=[]", &of(time)], "queue");
        assert_eq!(said.contains("utilisation"), !expect.is_empty(), "{time}: {said}");
        assert!(said.contains(expect), "{time}: {said}");
    };
    check("900ms", "");
    check("1s", "utilisation 1;");
    check("2500ms", "utilisation 2.5;");
    let two = ["script=[]", &of("1500ms"), "subscriptions.0.consumers=2"];
    assert!(!warned("d2-drain-limit", &two, "queue").contains("utilisation"));
}

/// Time alone ends leases, and nothing but time does it.
#[test]
fn leases_that_end_without_a_fault_are_warned_of_once() {
    let path = "../told/scenarios/r11-buffered-lease.toml";
    let ran = |verb: &str, set: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|one| ["--set", *one]).collect();
        entrega(&[&[verb, path], &set[..]].concat()).err
    };
    let check = |set: &[&str], expect: &str| {
        for verb in ["run", "compare"] {
            let said = ran(verb, set);
            let count = said.matches("too little time").count();
            assert_eq!(count, usize::from(!expect.is_empty()), "{verb} {set:?}: {said}");
            assert!(said.contains(expect), "{verb} {set:?}: {said}");
        }
    };
    let waits = "sub has too little time on the queue: 10 messages (prefetch) in the client, one \
                 after another, with a usual service time of 3s and 8ms of calls each, take 30.08s, \
                 and visibility_timeout is 10s";
    check(&[], waits);
    check(&[], "`consumer.prefetch = 3` or a `queue.visibility_timeout` of more than 30.08s would");
    check(&["consumer.prefetch=3"], "");
    check(&["queue.visibility_timeout='30081ms'"], "");
    let alone = "a service time of up to 3s and 8ms of calls reaches visibility_timeout (3s)";
    check(&["queue.visibility_timeout='3s'", "limits.drain='10min'"], alone);
    let workers = ["strategies=['parallel']", "consumer.workers=5"];
    check(&workers, "");
    let two = ["strategies=['parallel']", "consumer.workers=2", "consumer.prefetch=7"];
    check(&two, "2 at a time (workers)");
    check(&["strategies=['auto-settle-at-delivery']"], "");
    let collects = |interval| ["strategies=['settle-every-n']", interval];
    let depends = "how much, depends on when it settles";
    check(&collects("consumer.settle_interval='9999ms'"), depends);
    let reaches = "settle_interval (10s) reaches visibility_timeout (10s)";
    check(&collects("consumer.settle_interval='10s'"), reaches);
}

#[test]
fn a_poll_that_comes_too_late_without_a_fault_is_warned_of() {
    let check = |set: &[&str], expect: &str| {
        let said = warned("r13-max-poll-loop", set, "log");
        assert_eq!(said.contains("too little time"), !expect.is_empty(), "{set:?}: {said}");
        assert!(said.contains(expect), "{set:?}: {said}");
    };
    check(&[], "reaches max_poll_interval (");
    check(&["consumer.max_poll_interval='1h'"], "");
    let batch = ["strategies=['micro-batch']", "consumer.batch_size=5"];
    check(&[&batch[..], &["consumer.max_poll_interval='1h'"]].concat(), "");
    check(&[&batch[..], &["consumer.max_poll_interval='20min'"]].concat(), "a batch of 4 messages");
}

/// Everything in `simulations/` has the time that it needs, but for what teaches what happens when
/// there is too little.
#[test]
fn no_simulation_has_too_little_time() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/simulations");
    let in_folder = |folder: &str| {
        let files = std::fs::read_dir(format!("{root}/{folder}")).expect("a folder");
        files.map(|file| file.expect("a file").path()).collect::<Vec<_>>()
    };
    let mut tried = 0;
    for path in in_folder(".").into_iter().chain(in_folder("book")) {
        let file = path.to_string_lossy();
        let teaches = file.ends_with("due-later.toml");
        if !file.ends_with(".toml") || file.ends_with("truth-table.toml") || teaches {
            continue;
        }
        let said = entrega(&["run", &file, "--quiet"]);
        assert!(said.code.is_some_and(|code| code != 2), "{file}: {}", said.err);
        assert!(!said.err.contains("too little time"), "{file}: {}", said.err);
        tried += 1;
    }
    assert!(tried > 12, "{tried}");
}

#[test]
fn idle_consumers_are_counted() {
    let set = ["subscriptions.0.consumers=5", "log.partitions=2"];
    let said = warned("r29-latest-no-commit", &set, "log");
    assert!(said.contains("3 of the 5 consumers of mail are idle"), "{said}");
    let enough = ["subscriptions.0.consumers=2", "log.partitions=2"];
    assert!(!warned("r29-latest-no-commit", &enough, "log").contains("idle"));
}

#[test]
fn a_rate_that_a_producer_cannot_reach_is_named() {
    let rate = "workload.arrivals.rate_per_second=1000";
    let said = warned("r29-latest-no-commit", &[rate], "log");
    assert!(said.contains("it sends 500 a second at most"), "{said}");
    let unconfirmed = [rate, "producer.strategy='fire-and-forget'"];
    assert!(!warned("r29-latest-no-commit", &unconfirmed, "log").contains("at most"));
}
