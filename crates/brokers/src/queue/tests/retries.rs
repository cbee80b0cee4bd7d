//! Copies that consumers publish to be tried later.

use super::*;

fn settings() -> QueueSettings {
    let features = Features { takes_retries: true, ..Features::default() };
    QueueSettings { features, delivery_limit: Some(2), ..QueueSettings::default() }
}

fn retry(bench: &mut Bench, message: u32, tried: u16, after: u64) -> Option<Response> {
    let (record, after) = (record(message), Duration::from_secs(after));
    bench.handle(A, Request::Retry { queue: QUEUE, record, tried, after })
}

/// It waits, takes its place at the end, and tells of what came before it. The delivery limit
/// counts the deliveries of each copy.
#[test]
fn a_copy_comes_later() {
    let mut bench = Bench::with(settings(), &[1, 2]);
    assert_eq!(bench.receive(A, 1), "1:1");
    let stored = retry(&mut bench, 1, 1, 60);
    assert!(matches!(stored, Some(Response::Published { .. })), "{stored:?}");
    bench.settle(A, &[1], Settlement::Ack);
    bench.publish(&[3]);
    assert_eq!((bench.audit().as_str(), bench.receive(A, 9).as_str()), ("2 1 3", "2:2 3:3"));
    assert_eq!(bench.receive(A, 9), "parked");
    bench.settle(A, &[2, 3], Settlement::Ack);
    bench.broker.take_changed();
    bench.pass(59);
    assert!(!bench.broker.take_changed());
    assert_eq!(bench.broker.next_deadline(), Some(Instant::START + Duration::from_secs(60)));
    bench.pass(1);
    assert!(bench.broker.take_changed());
    let given = bench.receive(B, 1);
    assert_eq!(given, "4:1x2");
    bench.settle(B, &[4], Settlement::Requeue);
    assert_eq!(bench.receive(A, 1), "5:1*x3");
    bench.settle(A, &[5], Settlement::Requeue);
    assert!(bench.ground_truth().ends_with("removed(1,limit)"), "it was delivered twice");
}

/// Each waits for as long as its consumer says: one that was stored later may come first.
#[test]
fn copies_that_wait_for_different_times_come_when_each_is_due() {
    let mut bench = Bench::with(settings(), &[1, 2]);
    bench.receive(A, 9);
    for (message, after) in [(1, 60), (2, 10)] {
        retry(&mut bench, message, 1, after);
    }
    bench.settle(A, &[1, 2], Settlement::Ack);
    let at = |seconds| Some(Instant::START + Duration::from_secs(seconds));
    assert_eq!((bench.broker.next_deadline(), bench.audit().as_str()), (at(10), "1 2"));
    bench.pass(10);
    assert_eq!((bench.receive(A, 9).as_str(), bench.broker.next_deadline()), ("3:2x2", at(40)));
    bench.settle(A, &[3], Settlement::Ack);
    assert_eq!(bench.broker.next_deadline(), at(60));
    bench.pass(50);
    assert_eq!(bench.receive(A, 9), "4:1x2");
}

/// It is as old as its place says, although newer ones that did not wait stand before it.
#[test]
fn a_copy_that_has_waited_is_the_oldest() {
    let bound = QueueSettings { max_length: Some(2), overflow: Overflow::DiscardOld, ..settings() };
    let mut bench = Bench::with(bound, &[1]);
    bench.receive(A, 1);
    retry(&mut bench, 1, 1, 5);
    bench.settle(A, &[1], Settlement::Ack);
    bench.publish(&[2]);
    bench.pass(5);
    bench.ground_truth();
    bench.publish(&[3]);
    assert_eq!(bench.ground_truth(), "stored(3@3#1) removed(1,overflow)");
    assert_eq!(bench.receive(A, 9), "2:2 3:3");
}

/// Where it would not know how often it was tried, or has no room, it is refused.
#[test]
fn a_copy_is_refused() {
    let check = |settings: QueueSettings, expect: bool| {
        let mut bench = Bench::with(settings, &[1]);
        bench.receive(A, 1);
        bench.publish(&[2]);
        let refused = matches!(retry(&mut bench, 1, 1, 0), Some(Response::PublishRefused { .. }));
        assert_eq!(refused, expect);
    };
    check(settings(), false);
    check(QueueSettings { features: Features::default(), ..settings() }, true);
    let overflow = Overflow::RejectPublish;
    check(QueueSettings { max_length: Some(1), overflow, ..settings() }, true);
    let mut bench = Bench::with(settings(), &[]);
    let (record, after, queue) = (record(1), Duration::ZERO, SubscriptionId(7));
    let nowhere = bench.handle(A, Request::Retry { queue, record, tried: 1, after });
    assert_eq!(nowhere, Some(Response::UnknownQueue));
}

/// It goes to one subscription, under an id of its own, and survives a restart.
#[test]
fn a_copy_is_of_one_queue() {
    let features = Features { takes_retries: true, remembers_ids: true, ..Features::default() };
    let two =
        QueueSettings { queues: 2, dedup_window: Some(Duration::from_secs(600)), ..settings() };
    let mut bench = Bench::with(QueueSettings { features, ..two }, &[1]);
    retry(&mut bench, 1, 1, 10);
    bench.restart();
    bench.pass(10);
    assert_eq!(bench.receive(A, 9), "1:1 2:1x2");
    assert_eq!([1, 2].map(|tag| bench.broker.stored_id(QUEUE, tag)), [Some(0), Some(1)]);
    assert_eq!(bench.receive_in(SubscriptionId(1), B, 9, false), "1:1");
}
