//! What only some queues have, rule by rule, each beside the queue that has it not.

use super::*;

fn with(features: Features) -> QueueSettings {
    QueueSettings { delivery_limit: None, features, ..QueueSettings::default() }
}

fn seconds(span: u64) -> Option<Duration> {
    Some(Duration::from_secs(span))
}

/// Redis Streams: no lease, and the end of a connection changes nothing.
fn redis(features: Features) -> QueueSettings {
    QueueSettings {
        visibility_timeout: Duration::MAX,
        requeue_on_disconnect: false,
        rules: Rules { late_settle: LateSettle::Honoured, ..Rules::default() },
        ..with(features)
    }
}

/// semantics.md 3.9, "No automatic redelivery timer": without a claim it is stuck for ever.
#[test]
fn what_a_dead_consumer_held_is_stuck_until_somebody_claims_it() {
    let check = |features, expect: &str, told: &str| {
        let mut bench = Bench::with(redis(features), &[1, 2]);
        bench.receive(A, 1);
        bench.disconnect(A);
        bench.pass(86_400);
        assert_eq!(bench.receive(B, 9), expect);
        assert_eq!(bench.ground_truth(), told);
    };
    check(Features::default(), "2:2", "");
    let claims = Features { claim_min_idle: seconds(60), ..Features::default() };
    check(claims, "2:1*x2 3:2", "expired(1,p1)");
}

/// It stays its consumer's until then, and an answer that extends it begins the time anew.
#[test]
fn a_claim_takes_only_what_was_idle_for_so_long() {
    let claims = Features { claim_min_idle: seconds(60), ..Features::default() };
    let mut bench = Bench::with(redis(claims), &[1, 2]);
    bench.receive(A, 2);
    bench.pass(59);
    assert_eq!(bench.receive(B, 9), "parked");
    bench.settle(A, &[2], Settlement::Extend);
    assert_eq!(bench.broker.next_deadline(), Some(bench.now + Duration::from_secs(1)));
    bench.pass(1);
    assert!(bench.broker.take_changed(), "who waits may claim now");
    assert_eq!(bench.settle(A, &[1], Settlement::Ack), "settled", "nobody has claimed it");
    assert_eq!(bench.receive(B, 9), "parked");
    bench.pass(59);
    assert_eq!(bench.receive(B, 9), "3:2*x2");
    assert_eq!(bench.settle(A, &[2], Settlement::Ack), "settled", "an XACK names no consumer");
    assert_eq!(bench.audit(), "");
}

/// semantics.md 3.9, "Delivery counter +1 on claim": the longest idle first, before new entries,
/// and a limit counts.
#[test]
fn claims_count_and_come_before_new_messages() {
    let claims = Features { claim_min_idle: seconds(60), ..Features::default() };
    let settings = QueueSettings { delivery_limit: Some(2), ..redis(claims) };
    let mut bench = Bench::with(settings, &[1, 2, 3]);
    bench.receive(A, 1);
    bench.pass(1);
    bench.receive(A, 1);
    bench.pass(60);
    assert_eq!(bench.receive(B, 9), "3:1*x2 4:2*x2 5:3");
    bench.pass(60);
    bench.ground_truth();
    assert_eq!(bench.receive(A, 9), "6:3*x2");
    let told = "expired(1,p2) removed(1,limit) expired(2,p2) removed(2,limit) expired(3,p2)";
    assert_eq!(bench.ground_truth(), told);
}

/// semantics.md 3.9, "`XREADGROUP … 0` re-reads own pending" and its counter.
#[test]
fn a_restarted_consumer_reads_its_own_if_it_asks() {
    let check = |restart_reads_own, expect: &str, of_another: &str| {
        let features = Features { restart_reads_own, ..Features::default() };
        let mut bench = Bench::with(redis(features), &[1, 2]);
        bench.receive(A, 1);
        bench.disconnect(A);
        assert_eq!(bench.receive(B, 1), "2:2");
        assert_eq!(bench.receive(A_AGAIN, 9), expect);
        assert_eq!(bench.receive(B, 1), of_another, "it is no other consumer's");
    };
    check(false, "parked", "parked");
    check(true, "3:1*x2", "parked");
}

/// semantics.md 3.8, "`MaxAckPending`": a few stuck messages stall the consumer. The cap of a
/// consumer leaves the others alone.
#[test]
fn a_cap_on_what_is_in_flight_stalls_its_scope() {
    let check = |scope, expect: [&str; 2]| {
        let max_in_flight = Some(MaxInFlight { most: 2, scope, is_soft: false });
        let features = Features { max_in_flight, ..Features::default() };
        let mut bench = Bench::with(with(features), &[1, 2, 3, 4, 5]);
        assert_eq!(bench.receive(A, 9), "1:1 2:2");
        assert_eq!([A, B].map(|client| bench.receive(client, 1)), expect, "{scope:?}");
        bench.broker.take_changed();
        bench.settle(A, &[2], Settlement::Ack);
        assert!(bench.broker.take_changed());
        bench.receive(A, 9)
    };
    assert_eq!(check(Scope::Consumer, ["parked", "3:3"]), "4:4");
    assert_eq!(check(Scope::Subscription, ["parked", "parked"]), "3:3");
    assert_eq!(check(Scope::Partition, ["parked", "parked"]), "parked", "1 is stuck at the head");
}

/// semantics.md 3.8: what was given back and waits is still pending.
#[test]
fn what_is_delayed_counts_towards_the_cap_of_a_subscription() {
    let max_in_flight = Some(MaxInFlight { most: 1, scope: Scope::Subscription, is_soft: false });
    let after = Duration::from_secs(5);
    let redelivery_delay = RedeliveryDelay { after, on_nack: true, ..RedeliveryDelay::NONE };
    let rules = Rules { redelivery_delay, ..Rules::default() };
    let features = Features { max_in_flight, ..Features::default() };
    let mut bench = Bench::with(QueueSettings { rules, ..with(features) }, &[1, 2]);
    bench.receive(A, 1);
    bench.settle(A, &[1], Settlement::Requeue);
    assert_eq!(bench.receive(A, 1), "parked");
    bench.pass(5);
    assert_eq!(bench.receive(A, 1), "2:1*x2");
}

/// semantics.md 3.6, "TTL": never delivered, removed at the head, the original expiry kept on
/// requeue, and dead-lettered if there is a target.
#[test]
fn expired_messages_are_never_delivered() {
    let features = Features { message_ttl: seconds(10), ..Features::default() };
    let mut bench = Bench::with(with(features), &[1, 2]);
    bench.pass(4);
    bench.publish(&[3]);
    assert_eq!(bench.broker.next_deadline(), Some(Instant::START + Duration::from_secs(10)));
    assert_eq!(bench.receive(A, 1), "1:1");
    bench.ground_truth();
    bench.pass(6);
    assert_eq!(bench.ground_truth(), "removed(2,ttl)", "in flight it does not expire");
    bench.settle(A, &[1], Settlement::Requeue);
    assert_eq!(bench.ground_truth(), "requeue(1,p1) removed(1,ttl)");
    assert_eq!(bench.receive(A, 9), "2:3");

    let mut bench = Bench::with(QueueSettings { dead_letter: true, ..with(features) }, &[1]);
    bench.pass(10);
    assert_eq!(bench.ground_truth(), "dead(1,ttl)");
}

/// Behind one that is not expired it stays until it is first in line.
#[test]
fn an_expired_message_is_removed_when_it_reaches_the_head() {
    let features = Features { message_ttl: seconds(10), ..Features::default() };
    let rules = Rules { requeue_position: RequeuePosition::End, ..Rules::default() };
    let mut bench = Bench::with(QueueSettings { rules, ..with(features) }, &[1]);
    bench.receive(A, 1);
    bench.pass(5);
    bench.publish(&[2]);
    bench.settle(A, &[1], Settlement::Requeue);
    bench.ground_truth();
    bench.pass(5);
    assert_eq!((bench.ground_truth().as_str(), bench.audit().as_str()), ("", "1 2"));
    assert_eq!(bench.receive(A, 9), "2:2");
    assert_eq!(bench.ground_truth(), "removed(1,ttl)");
}

/// semantics.md 3.7, "Retention default": it deletes wherever a message waits, and no drain waits
/// for it.
#[test]
fn retention_removes_what_waits_and_what_comes_back() {
    let features = Features { retention_time: seconds(100), ..Features::default() };
    let mut bench = Bench::with(QueueSettings { dead_letter: true, ..with(features) }, &[1, 2]);
    bench.pass(90);
    bench.receive(A, 1);
    assert_eq!(bench.broker.next_deadline(), Some(bench.now + Duration::from_secs(30)));
    let end = Instant::START + Duration::from_secs(100);
    assert_eq!(bench.broker.next_housekeeping(), Some(end));
    bench.pass(10);
    assert_eq!(bench.ground_truth(), "removed(2,retention)", "not dead-lettered");
    bench.pass(20);
    assert_eq!(bench.ground_truth(), "expired(1,p1) removed(1,retention)");
    assert_eq!((bench.broker.next_housekeeping(), bench.audit().as_str()), (None, ""));
}

/// semantics.md 3.7, "FIFO": while one message of a group is in flight, or waits to be redelivered,
/// no other of that group is; the other groups go on. Odd and even messages are two groups.
#[test]
fn a_group_is_locked_while_one_of_it_is_in_flight() {
    let features = Features { group_lock: true, ..Features::default() };
    let mut bench = Bench::with(with(features), &[1, 3, 5, 2, 4]);
    assert_eq!(bench.receive(A, 9), "1:1 2:2");
    assert_eq!(bench.receive(B, 9), "parked");
    assert_eq!(bench.broker.ready_count(QUEUE), 3);
    bench.settle(A, &[1], Settlement::Requeue);
    assert_eq!(bench.receive(B, 9), "3:1*x2", "its group keeps its order");
    bench.settle(B, &[3], Settlement::Ack);
    assert!(bench.broker.take_changed());
    assert_eq!(bench.receive(A, 9), "4:3");
    bench.disconnect(A);
    assert_eq!(bench.receive(B, 9), "5:3*x2 6:2*x2");
    assert_eq!(bench.audit(), "3 5 2 4");

    let mut bench = Bench::with(with(Features::default()), &[1, 3, 5]);
    assert_eq!((bench.receive(A, 1).as_str(), bench.receive(B, 1).as_str()), ("1:1", "2:3"));
}

/// semantics.md 3.6, "Single active consumer": one at a time; on failover the tail in flight is
/// redelivered to the next.
#[test]
fn one_consumer_at_a_time_is_served() {
    let features = Features { single_active_consumer: true, ..Features::default() };
    let mut bench = Bench::with(with(features), &[1, 2, 3]);
    assert_eq!(bench.receive(A, 2), "1:1 2:2");
    assert_eq!(bench.receive(B, 1), "parked");
    bench.settle(A, &[1], Settlement::Ack);
    bench.disconnect(A);
    assert!(bench.broker.take_changed());
    assert_eq!(bench.receive(B, 9), "3:2*x2 4:3");
    assert_eq!(bench.receive(A_AGAIN, 9), "parked");
}

/// semantics.md 3.7, "Delay": nobody has it before, so no lease runs.
#[test]
fn a_message_with_a_delay_is_delivered_when_it_is_due() {
    let features = Features { delivery_delay: seconds(600), ..Features::default() };
    let mut bench = Bench::with(with(features), &[1]);
    assert_eq!((bench.receive(A, 1).as_str(), bench.audit().as_str()), ("parked", "1"));
    assert_eq!(bench.broker.next_deadline(), Some(Instant::START + Duration::from_secs(600)));
    bench.pass(599);
    assert_eq!(bench.receive(A, 1), "parked");
    bench.pass(1);
    assert!(bench.broker.take_changed());
    assert_eq!(bench.receive(A, 1), "1:1");
    assert_eq!(bench.settle(A, &[1], Settlement::Requeue), "settled");
    assert_eq!(bench.receive(A, 1), "2:1*x2", "the delay is that of the first delivery");
}

/// What is due first comes first, whenever it was stored; of one instant, what was stored first.
#[test]
fn messages_with_due_times_are_delivered_in_their_order() {
    let at =
        [0, 600, 300, 300, 0, 300].map(|seconds| Instant::START + Duration::from_secs(seconds));
    let not_before = Some(at.into());
    let settings = QueueSettings { not_before, ..with(Features::default()) };
    let mut bench = Bench::with(settings, &[1, 2, 3, 4]);
    assert_eq!((bench.receive(A, 9).as_str(), bench.audit().as_str()), ("1:4", "1 2 3 4"));
    bench.settle(A, &[1], Settlement::Ack);
    assert_eq!(bench.broker.next_deadline(), Some(Instant::START + Duration::from_secs(300)));
    bench.pass(299);
    bench.publish(&[5]);
    assert_eq!(bench.receive(A, 9), "parked");
    bench.pass(1);
    assert!(bench.broker.take_changed());
    assert_eq!(bench.receive(A, 9), "2:2 3:3 4:5");
    assert_eq!(bench.settle(A, &[2], Settlement::Requeue), "settled");
    assert_eq!(bench.receive(A, 9), "5:2*x2", "what is past is not waited for again");
    bench.settle(A, &[3, 4, 5], Settlement::Ack);
    bench.pass(300);
    assert_eq!(bench.publish(&[1]), "published");
    assert_eq!(bench.receive(A, 9), "6:1 7:1", "nor by what is stored too late");
}

/// semantics.md 3.8 (`interest`) and 3.10: what is published before there is a subscription.
#[test]
fn what_is_published_for_nobody_is_kept_or_gone() {
    let check = |drops_for_nobody, expect: &str| {
        let features = Features { drops_for_nobody, ..Features::default() };
        let mut bench = Bench::new(with(features));
        assert_eq!(bench.publish(&[1]), "published");
        let first = bench.receive(A, 1);
        bench.publish(&[2]);
        assert_eq!(format!("{first}, then {}", bench.receive(A, 9)), expect);
        bench.disconnect(A);
        bench.publish(&[3]);
        assert_eq!(bench.audit().split(' ').next_back(), Some("3"), "a subscription stays");
    };
    check(false, "1:1, then 2:2");
    check(true, "parked, then 1:2");
}

/// semantics.md 3.9: "group state is replicated and persisted like data".
#[test]
fn what_is_in_flight_survives_a_restart_or_does_not() {
    let check = |in_flight_survives_restart, answer: &str, redelivered: &str| {
        let features = Features { in_flight_survives_restart, ..Features::default() };
        let mut bench = Bench::with(with(features), &[1]);
        bench.receive(A, 1);
        bench.restart();
        assert_eq!(bench.receive(B, 1), redelivered);
        assert_eq!(bench.settle(A, &[1], Settlement::Ack), answer);
    };
    check(false, "stale [1]", "2:1*x2");
    check(true, "settled", "parked");
}

/// semantics.md 3.8, "discard `old` (default) | `new`": what is in flight counts, and is not safe.
/// The opposite: RabbitMQ's limits count what is ready.
#[test]
fn a_limit_on_all_that_is_stored_counts_what_is_in_flight() {
    let check = |overflow, answer: &str, told: &str, late: &str| {
        let max_length = Some(2);
        let settings = QueueSettings { max_length, overflow, ..with(Features::default()) };
        let mut bench = Bench::with(settings, &[1, 2]);
        bench.receive(A, 1);
        assert_eq!(bench.publish(&[3]), answer, "{overflow:?}");
        assert_eq!(bench.ground_truth(), told, "{overflow:?}");
        assert_eq!(bench.settle(A, &[1], Settlement::Ack), late, "{overflow:?}");
    };
    let stored = "stored(3@2#1)";
    let discarded = format!("{stored} removed(1,overflow)");
    check(Overflow::DropHead, "published", stored, "settled");
    check(Overflow::RejectPublish, "published", stored, "settled");
    check(Overflow::DiscardOld, "published", &discarded, "stale [1]");
    check(Overflow::DiscardNew, "refused", "", "settled");
}
