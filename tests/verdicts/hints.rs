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
