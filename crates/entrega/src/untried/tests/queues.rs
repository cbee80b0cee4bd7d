//! What only some queues keep, cap or drop.

use super::*;

#[test]
fn a_queue_keeps_messages_for_a_time() {
    let kept = |span| [("queue.retention_time", span)];
    check(&of(QUEUE, PLAIN, &kept("11s")), &["takes up to 11s, and retention_time is 11s"]);
    check(&of(QUEUE, PLAIN, &kept("11001ms")), &[]);
    check(&of(LOG, PLAIN, &kept("11s")), &[]);
    let ttl = |span| [("queue.message_ttl", span), ("queue.retention_time", "4d")];
    check(&of(QUEUE, PLAIN, &ttl("11s")), &["takes up to 11s, and message_ttl is 11s"]);
    check(&of(QUEUE, PLAIN, &ttl("12s")), &[]);
}

/// A cap below what is sent, and not below what is tried.
#[test]
fn a_cap_stops_what_is_in_flight() {
    let cap = |most| [("queue.max_in_flight", most)];
    check(&of(QUEUE, PLAIN, &cap("5")), &["6 messages are sent, and max_in_flight is 5"]);
    check(&of(QUEUE, PLAIN, &cap("6")), &[]);
    check(&of(QUEUE, PLAIN, &cap("2")), &[]);
    check(&of(LOG, PLAIN, &cap("5")), &[]);
}

/// Whether a message comes before the first consumer is an order, which is chosen if one may be.
#[test]
fn what_is_sent_for_nobody_is_an_order() {
    let set = [("queue.stored_for_nobody", "dropped")];
    check(&of(QUEUE, PLAIN, &set), &[]);
    let without = untried(&scenario(&set), QUEUE, Reader::Catalogued(PLAIN), (0, 0));
    assert!(without.not_tried.iter().any(|one| one.contains("stored_for_nobody")), "{without:?}");
}

/// Where a consumer claims, that is what a handler must not outlast.
#[test]
fn a_claim_is_a_deadline() {
    let set = |idle| [("queue.visibility_timeout", "never"), ("consumer.claim_min_idle", idle)];
    let said = of(QUEUE, PLAIN, &set("1s")).slow.unwrap_or_default();
    assert!(said.contains("claim_min_idle (1s)"), "{said}");
    assert_eq!(of(QUEUE, PLAIN, &set("2s")).slow, None);
}
