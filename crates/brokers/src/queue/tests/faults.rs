//! What happens when consumers are slow, die or say nothing, and when the broker restarts.

use super::*;

/// SQS: no connections, no limit; only the lease brings a message back.
fn sqs() -> QueueSettings {
    QueueSettings { requeue_on_disconnect: false, delivery_limit: None, ..QueueSettings::default() }
}

#[test]
fn an_expired_lease_makes_the_message_ready_and_the_tag_stale() {
    let mut bench = Bench::with(QueueSettings::default(), &[1]);
    bench.receive(A, 1);
    assert_eq!(bench.broker.next_deadline(), Some(Instant::START + Duration::from_secs(30)));
    bench.pass(29);
    assert_eq!(bench.ground_truth(), "");
    bench.pass(1);
    assert_eq!(bench.ground_truth(), "expired(1,p1)");
    assert!(bench.broker.take_changed());
    assert_eq!(bench.broker.next_deadline(), None);
    assert_eq!(bench.settle(A, &[1], Settlement::Ack), "stale [1]", "nobody has it yet");
    assert_eq!(bench.receive(B, 1), "2:1*x2");
    assert_eq!(bench.settle(A, &[1], Settlement::Ack), "stale [1]", "the zombie comes too late");
    assert_eq!(bench.settle(B, &[2], Settlement::Ack), "settled");
    assert_eq!(bench.settle(A, &[1], Settlement::Ack), "stale [1]", "and stays late");
    assert_eq!(bench.ground_truth(), "ack(1,p2) removed(1,settled)");
}

#[test]
fn a_redelivery_to_the_same_client_has_a_new_tag() {
    let mut bench = Bench::with(QueueSettings::default(), &[1]);
    bench.receive(A, 1);
    bench.pass(30);
    assert_eq!(bench.receive(A, 1), "2:1*x2");
    assert_eq!(bench.settle(A, &[1], Settlement::Ack), "stale [1]");
    assert_eq!(bench.settle(A, &[2], Settlement::Ack), "settled");
}

#[test]
fn an_extension_starts_the_lease_anew_and_its_absence_does_not() {
    let expiry = |extend: bool| {
        let mut bench = Bench::with(QueueSettings::default(), &[1, 2]);
        bench.receive(A, 2);
        bench.pass(20);
        if extend {
            bench.settle(A, &[1], Settlement::Extend);
            bench.ground_truth();
        }
        bench.pass(20);
        bench.ground_truth()
    };
    assert_eq!(expiry(true), "expired(2,p1)");
    assert_eq!(expiry(false), "expired(1,p1) expired(2,p1)");
}

/// Heartbeats mean nothing to a lease: neither silence nor life ends or prolongs it.
#[test]
fn silence_and_heartbeats_leave_leases_alone() {
    let mut bench = Bench::with(QueueSettings::default(), &[1]);
    bench.receive(A, 1);
    bench.broker.silent(bench.now, A);
    bench.pass(20);
    bench.broker.heard(bench.now, A);
    assert_eq!(bench.ground_truth(), "");
    bench.pass(10);
    assert_eq!(bench.ground_truth(), "expired(1,p1)");
}

#[test]
fn a_disconnect_requeues_at_once_or_leaves_it_to_the_lease() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2]);
    bench.receive(A, 2);
    bench.disconnect(A);
    assert_eq!(bench.ground_truth(), "requeued(1,p1) requeued(2,p1)");
    assert!(bench.broker.take_changed());
    assert_eq!(bench.settle(A, &[1, 2], Settlement::Ack), "stale [1, 2]");
    assert_eq!(bench.receive(B, 9), "3:1*x2 4:2*x2");

    let mut bench = Bench::with(sqs(), &[1, 2]);
    bench.receive(A, 2);
    bench.disconnect(A);
    assert_eq!((bench.ground_truth().as_str(), bench.receive(B, 9).as_str()), ("", "parked"));
    assert_eq!(bench.settle(A, &[1], Settlement::Ack), "settled", "its delete was on the way");
    assert_eq!(
        bench.settle(A, &[1], Settlement::Ack),
        "stale [1]",
        "only what is in flight counts"
    );
    bench.pass(30);
    assert_eq!(bench.ground_truth(), "ack(1,p1) removed(1,settled) expired(2,p1)");
    assert_eq!(bench.settle(A, &[2], Settlement::Ack), "stale [2]");
    assert_eq!(bench.receive(B, 9), "3:2*x2");
}

#[test]
fn a_late_receive_of_a_dead_client_gets_nothing() {
    for settings in [QueueSettings::default(), sqs()] {
        let mut bench = Bench::with(settings, &[1, 2]);
        bench.disconnect(A);
        assert_eq!(bench.receive(A, 1), "", "answered, not parked");
        assert_eq!(bench.receive(A_AGAIN, 1), "1:1", "its next life is somebody else");
        bench.disconnect(A_AGAIN);
        assert_eq!(bench.receive(A, 1), "");
        assert_eq!(bench.receive_in(QUEUE, A_AGAIN, 1, true), "");
    }
}

/// The disconnect of a life may reach the broker when the next one has already started.
#[test]
fn two_lives_of_a_process_are_two_clients() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2]);
    bench.receive(A, 1);
    bench.receive(A_AGAIN, 1);
    assert_eq!(bench.settle(A_AGAIN, &[1], Settlement::Ack), "stale [1]");
    bench.disconnect(A);
    assert_eq!(bench.ground_truth(), "requeued(1,p1)");
    assert_eq!(bench.settle(A_AGAIN, &[2], Settlement::Ack), "settled");
}

#[test]
fn close_makes_ready_what_is_unsettled_and_its_tags_stale() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2]);
    bench.receive(A, 2);
    bench.settle(A, &[1], Settlement::Ack);
    bench.ground_truth();
    assert_eq!(bench.handle(A, Request::Close { queue: QUEUE }), Some(Response::Closed));
    assert_eq!(bench.ground_truth(), "requeued(2,p1)");
    assert!(bench.broker.take_changed());
    assert_eq!(bench.settle(A, &[2], Settlement::Ack), "stale [2]");
    assert_eq!(bench.receive(A, 9), "3:2*x2", "it may begin again");
}

#[test]
fn every_failed_delivery_counts_towards_the_limit() {
    let check = |dead_letter, end: fn(&mut Bench, ClientId, DeliveryTag), told: [&str; 2]| {
        let delivery_limit = Some(2);
        let settings = QueueSettings { dead_letter, delivery_limit, ..QueueSettings::default() };
        let mut bench = Bench::with(settings, &[1]);
        for (client, tag, told) in [(A, 1, told[0]), (B, 2, told[1])] {
            assert_ne!(bench.receive(client, 1), "parked");
            end(&mut bench, client, tag);
            assert_eq!(bench.ground_truth(), told);
        }
        assert_eq!(
            bench.receive(B, 1),
            if bench.broker.departed.contains(B) { "" } else { "parked" }
        );
        assert_eq!(bench.audit(), "", "it is given up");
    };
    let requeue = |bench: &mut Bench, client, tag| {
        assert_eq!(bench.settle(client, &[tag], Settlement::Requeue), "settled");
    };
    check(true, requeue, ["requeue(1,p1)", "requeue(1,p2) dead(1,limit)"]);
    check(false, requeue, ["requeue(1,p1)", "requeue(1,p2) removed(1,limit)"]);
    let lease = |bench: &mut Bench, _, _| bench.pass(30);
    check(true, lease, ["expired(1,p1)", "expired(1,p2) dead(1,limit)"]);
    check(false, lease, ["expired(1,p1)", "expired(1,p2) removed(1,limit)"]);
    let crash = |bench: &mut Bench, client, _| bench.disconnect(client);
    check(true, crash, ["requeued(1,p1)", "requeued(1,p2) dead(1,limit)"]);
    check(false, crash, ["requeued(1,p1)", "requeued(1,p2) removed(1,limit)"]);
    let close =
        |bench: &mut Bench, client, _| drop(bench.handle(client, Request::Close { queue: QUEUE }));
    check(true, close, ["requeued(1,p1)", "requeued(1,p2) dead(1,limit)"]);
}

#[test]
fn without_a_limit_a_poison_message_circulates_for_ever() {
    let mut bench = Bench::with(sqs(), &[1]);
    for tag in 1..=100_000 {
        bench.receive(A, 1);
        assert_eq!(bench.settle(A, &[tag], Settlement::Requeue), "settled");
    }
    assert_eq!(bench.receive(A, 1), "100001:1*x65535", "the count stays at its highest value");
}

/// The flag may be set in vain, but it is never missing: of five messages two were delivered, one
/// of them to a client that died before it could see anything.
#[test]
fn unset_redelivered_means_certainly_never_delivered() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2, 3, 4, 5]);
    bench.receive(A, 2);
    bench.disconnect(A);
    assert_eq!(bench.receive(B, 9), "3:1*x2 4:2*x2 5:3 6:4 7:5");
}

#[test]
fn a_restart_forgets_deliveries_but_no_message() {
    let settings =
        QueueSettings { delivery_limit: Some(1), prefetch: 2, ..QueueSettings::default() };
    let mut bench = Bench::with(settings, &[1, 2, 3]);
    bench.receive(A, 2);
    bench.restart();
    assert_eq!(bench.ground_truth(), "restarted");
    assert!(bench.broker.take_changed());
    assert_eq!(bench.broker.next_deadline(), None);
    assert_eq!(bench.audit(), "1 2 3");
    assert_eq!(bench.settle(A, &[1, 2], Settlement::Ack), "stale [1, 2]");
    assert_eq!(bench.receive(A, 9), "3:1*x2 4:2*x2", "and the prefetch is free again");
}

#[test]
fn time_alone_does_nothing_to_a_queue_without_leases() {
    let visibility_timeout = Duration::MAX;
    let settings = QueueSettings { visibility_timeout, ..QueueSettings::default() };
    let mut bench = Bench::with(settings, &[1]);
    bench.receive(A, 1);
    assert_eq!(bench.broker.next_deadline(), None);
    bench.pass(1_000_000_000);
    assert_eq!(bench.ground_truth(), "");
    bench.disconnect(A);
    assert_eq!(bench.ground_truth(), "requeued(1,p1)");
}
