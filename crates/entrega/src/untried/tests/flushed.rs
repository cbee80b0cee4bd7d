//! What a power loss takes and what it leaves.

use super::*;

/// What a power loss takes, against what is old enough by then to stay.
#[test]
fn what_was_flushed_in_time_is_not_tried() {
    let check_of = |model, kind: FaultKind, set: (&str, &str), expect: &[&str]| {
        let (reader, scenario) = (Reader::Catalogued(PLAIN), scenario(&[set]));
        check(&untried_of(&scenario, model, reader, (1, 0), &[kind]), expect);
    };
    let restart = kind("broker.restart", "restart");
    let forgets =
        |what: &str, span: &str| format!("{{ forgets = ['{what}'], of_the_last = '{span}' }}");
    let queue = |what: &str, span: &str, expect: &[&str]| {
        let set = forgets(what, span);
        check_of(QUEUE, restart, ("queue.broker_restart", &set), expect);
        check_of(LOG, restart, ("queue.broker_restart", &set), &[]);
    };
    queue("messages", "11s", &["up to 11s, and queue.broker_restart.of_the_last is 11s"]);
    queue("settles", "11s", &["up to 11s, and queue.broker_restart.of_the_last is 11s"]);
    queue("messages", "11001ms", &[]);
    queue("counts", "1s", &[]);
    let log = |of: &str, span: &str, expect: &[&str]| {
        check_of(LOG, kind("broker.failover", of), ("log.flush_interval", span), expect);
    };
    log("blackout", "11s", &["up to 11s, and log.flush_interval is 11s"]);
    log("poweroff", "1s", &["up to 11s, and log.flush_interval is 1s"]);
    log("blackout", "11001ms", &[]);
    log("blackout", "0s", &[]);
    log("crash", "1s", &[]);
}
