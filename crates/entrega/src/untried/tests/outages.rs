//! Outages against what does not wait so long, each at its threshold.

use super::*;

const LONG: &str = "an outage of the sink (31s) beyond visibility_timeout (30s)";

/// The kinds of outages, one fault, on a queue that gives back.
fn of_outage(model: Model, set: Set<'_>) -> Vec<String> {
    let kinds = [
        kind("sink.outage", "refuses"),
        kind("sink.outage", "silent"),
        kind("broker.outage", "silent"),
    ];
    let reader = Reader::Catalogued(PLAIN);
    untried_of(&scenario(set), model, reader, (1, 1), &kinds).not_tried
}

fn contains(said: &[String], part: &str) -> bool {
    said.iter().any(|clause| clause.contains(part))
}

/// Only an outage that the scenario names has a span.
#[test]
fn an_outage_beyond_a_lease_or_a_session() {
    let named = |span| [("faults.sink.outage.refuses", "0.1"), ("times.outage", span)];
    assert!(!contains(&of_outage(QUEUE, &named("30s")), "an outage of the sink"));
    assert!(contains(&of_outage(QUEUE, &named("31s")), LONG));
    assert!(!contains(&of_outage(LOG, &named("31s")), "an outage of the sink"));
    assert!(!contains(&of_outage(QUEUE, &[("times.outage", "31s")]), "an outage"));
    let broker = |span| [("faults.broker.outage.silent", "0.1"), ("times.outage", span)];
    assert!(!contains(&of_outage(LOG, &broker("45s")), "an outage of the broker"));
    let beyond = "an outage of the broker (46s) beyond session_timeout (45s)";
    assert!(contains(&of_outage(LOG, &broker("46s")), beyond));
}

#[test]
fn an_outage_that_uses_up_the_deliveries() {
    let limited = |after| {
        [
            ("faults.sink.outage.refuses", "0.1"),
            ("times.outage", "30s"),
            ("models", "queue"),
            ("consumer.on_error", "requeue"),
            ("consumer.retry_backoff", "0s"),
            ("queue.delivery_limit", "5"),
            ("queue.redelivery_delay.after", after),
        ]
    };
    let said = "uses up its 5 deliveries in an outage of the sink";
    assert!(contains(&of_outage(QUEUE, &limited("7500ms")), said));
    assert!(!contains(&of_outage(QUEUE, &limited("7501ms")), said));
    let at_once = &limited("1s")[..6];
    assert!(!contains(&of_outage(QUEUE, at_once), said), "without a pause it is tried as it is");
    let counted = |on_error, counts| {
        let more = [("consumer.on_error", on_error), ("queue.limit_counts", counts)];
        contains(&of_outage(QUEUE, &[&limited("7500ms")[..], &more].concat()), said)
    };
    assert!(counted("reject", "['reject']") && counted("reject", "['delivery']"));
    assert!(!counted("requeue", "['reject']") && !counted("reject", "['nack']"));
}
