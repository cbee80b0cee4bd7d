//! What happens without any fault: publish, receive, settle, and the bounds.

use super::*;

#[test]
fn every_queue_stores_a_copy_and_counts_copies() {
    let mut bench = Bench::new(QueueSettings { queues: 2, ..QueueSettings::default() });
    assert_eq!(bench.publish(&[7, 8]), "published");
    let both = "stored(7@0#1) q1.stored(7@0#1) stored(8@1#1) q1.stored(8@1#1)";
    assert_eq!(bench.ground_truth(), both);
    assert_eq!(bench.publish(&[7]), "published");
    assert_eq!(bench.ground_truth(), "stored(7@2#2) q1.stored(7@2#2)");
    assert_eq!(bench.receive_in(SubscriptionId(1), A, 9, false), "1:7 2:8 3:7");
    assert_eq!(bench.receive(A, 9), "1:7 2:8 3:7");
    assert_eq!(bench.settle(A, &[1, 2, 3], Settlement::Ack), "settled");
    assert_eq!(bench.audit(), "q1.7 q1.8 q1.7", "the other queue knows nothing of these acks");
}

#[test]
fn without_a_queue_a_message_is_confirmed_and_gone() {
    let mut bench = Bench::new(QueueSettings { queues: 0, ..QueueSettings::default() });
    assert_eq!(bench.publish(&[1]), "published");
    assert_eq!(bench.ground_truth(), "all.removed(1,unroutable)");
}

#[test]
fn competing_consumers_share_a_queue() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2, 3]);
    assert_eq!(bench.receive(A, 2), "1:1 2:2");
    assert_eq!(bench.receive(B, 2), "3:3");
    assert_eq!(bench.receive(B, 2), "parked");
    assert_eq!(
        bench.ground_truth(),
        "",
        "a delivery alone changes nothing for the broker's record"
    );
    assert_eq!(bench.settle(B, &[1, 3], Settlement::Ack), "stale [1]", "1 belongs to A");
    assert_eq!(bench.ground_truth(), "ack(3,p2) removed(3,settled)");
    assert_eq!(bench.audit(), "1 2");
}

#[test]
fn a_parked_receive_takes_nothing_until_it_is_answered() {
    let mut bench = Bench::new(QueueSettings::default());
    let deadline = Instant::START + Duration::from_secs(20);
    let buffer = Vec::with_capacity(32);
    let mut request =
        Request::Receive { queue: QUEUE, max: 5, settle_at_delivery: false, buffer, deadline };
    assert_eq!(bench.broker.deadline_of(&request), deadline);
    let ground_truth = &mut Vec::new();
    assert!(bench.broker.handle(Instant::START, A, &mut request, ground_truth).is_none());
    let Request::Receive { buffer, .. } = &request else { unreachable!() };
    assert_eq!(buffer.capacity(), 32, "the buffer stays with the request");
    match bench.broker.handle(deadline, A, &mut request, ground_truth) {
        Some(Response::Received { deliveries }) => {
            assert_eq!((deliveries.len(), deliveries.capacity()), (0, 32));
        }
        other => panic!("{other:?}"),
    }
    let mut late = Request::Receive {
        queue: QUEUE,
        max: 5,
        settle_at_delivery: false,
        buffer: Vec::new(),
        deadline: Instant::START,
    };
    assert!(bench.broker.handle(deadline, A, &mut late, ground_truth).is_some(), "long past");
}

#[test]
fn settling_at_delivery_leaves_nothing_to_settle_or_to_redeliver() {
    let settings = QueueSettings { prefetch: 1, ..QueueSettings::default() };
    let mut bench = Bench::with(settings, &[1, 2]);
    assert_eq!(bench.receive_in(QUEUE, A, 9, true), "1:1 2:2", "the prefetch does not bound it");
    let acked = "ack(1,p1,delivery) removed(1,settled) ack(2,p1,delivery) removed(2,settled)";
    assert_eq!(bench.ground_truth(), acked);
    assert_eq!(bench.broker.next_deadline(), None);
    assert_eq!(bench.settle(A, &[1], Settlement::Ack), "settled", "it is acked already");
    bench.disconnect(A);
    assert_eq!(
        (bench.ground_truth().as_str(), bench.audit().as_str()),
        ("", ""),
        "so a crash loses both"
    );
}

/// Receives message 1 under tag 1, says each word in turn, and expects these answers and this
/// truth.
fn check_words(dead_letter: bool, words: &[(Settlement, &str)], ground_truth: &str, left: &str) {
    let mut bench = Bench::with(QueueSettings { dead_letter, ..QueueSettings::default() }, &[1]);
    bench.receive(A, 1);
    for &(word, answer) in words {
        assert_eq!(bench.settle(A, &[1], word), answer, "{word:?} of {words:?}");
    }
    assert_eq!(bench.ground_truth(), ground_truth, "{words:?}");
    assert_eq!(bench.audit(), left, "{words:?}");
}

#[test]
fn each_word_does_its_work_once_and_may_be_repeated() {
    use Settlement::{Ack, Extend, Reject, Requeue};
    let (ok, stale) = ("settled", "stale [1]");
    check_words(false, &[(Ack, ok), (Ack, ok)], "ack(1,p1) removed(1,settled)", "");
    check_words(false, &[(Requeue, ok), (Requeue, ok)], "requeue(1,p1)", "1");
    check_words(false, &[(Reject, ok), (Reject, ok)], "reject(1,p1) removed(1,settled)", "");
    check_words(true, &[(Reject, ok)], "reject(1,p1) dead(1,rejected)", "");
    check_words(false, &[(Extend, ok), (Extend, ok)], "extend(1,p1) extend(1,p1)", "1");
    check_words(false, &[(Ack, ok), (Requeue, stale)], "ack(1,p1) removed(1,settled)", "");
    check_words(false, &[(Ack, ok), (Extend, stale)], "ack(1,p1) removed(1,settled)", "");
    check_words(false, &[(Requeue, ok), (Ack, stale)], "requeue(1,p1)", "1");
    check_words(false, &[(Reject, ok), (Ack, stale)], "reject(1,p1) removed(1,settled)", "");
}

#[test]
fn individual_acks_do_not_repair_a_lost_one_but_multiple_does() {
    let lost_ack_of_1 = |multiple| {
        let mut bench = Bench::with(QueueSettings::default(), &[1, 2, 3]);
        bench.receive(A, 2);
        let answer = bench.settle_with(A, &[2], Settlement::Ack, multiple);
        assert_eq!(answer, "settled");
        bench.disconnect(A);
        bench.receive(B, 9)
    };
    assert_eq!(lost_ack_of_1(false), "3:1*x2 4:3");
    assert_eq!(lost_ack_of_1(true), "3:3");
}

#[test]
fn multiple_stands_for_this_clients_deliveries_only() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2, 3, 4, 5]);
    assert_eq!(bench.receive(A, 1), "1:1");
    assert_eq!(bench.receive(B, 1), "2:2");
    assert_eq!(bench.receive(A, 3), "3:3 4:4 5:5");
    assert_eq!(bench.settle_multiple(A, 4, Settlement::Extend), "settled");
    assert_eq!(bench.ground_truth(), "extend(1,p1) extend(3,p1) extend(4,p1)");
    assert_eq!(bench.settle_multiple(A, 4, Settlement::Requeue), "settled");
    assert_eq!(bench.ground_truth(), "requeue(1,p1) requeue(3,p1) requeue(4,p1)");
    assert_eq!(bench.receive(B, 9), "6:1*x2 7:3*x2 8:4*x2");
}

/// A's tags 1 and 3 lie around B's tag 2; whatever becomes of that one, it is not A's to settle.
#[test]
fn a_tag_amid_ones_own_is_still_somebody_elses() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2, 3]);
    assert_eq!([A, B, A].map(|client| bench.receive(client, 1)), ["1:1", "2:2", "3:3"]);
    assert_eq!(bench.settle(A, &[2], Settlement::Ack), "stale [2]");
    assert_eq!(bench.settle(A, &[2], Settlement::Extend), "stale [2]");
    assert_eq!(bench.ground_truth(), "");
    bench.settle(B, &[2], Settlement::Requeue);
    assert_eq!(bench.settle(A, &[2], Settlement::Requeue), "stale [2]");
    assert_eq!(bench.settle(B, &[2], Settlement::Requeue), "settled");
    assert_eq!(bench.ground_truth(), "requeue(2,p2)");
}

#[test]
fn multiple_with_a_stale_tag_settles_what_is_older_and_says_so() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2, 3]);
    bench.receive(A, 3);
    bench.settle(A, &[2], Settlement::Requeue);
    bench.ground_truth();
    assert_eq!(bench.settle_multiple(A, 2, Settlement::Ack), "stale [2]");
    assert_eq!(bench.ground_truth(), "ack(1,p1) removed(1,settled)");
    assert_eq!(bench.settle_multiple(A, 99, Settlement::Ack), "stale [99]");
    assert_eq!(bench.settle_multiple(B, 3, Settlement::Ack), "stale [3]");
    assert_eq!(bench.ground_truth(), "", "a tag that A was never given stands for nothing");
}

#[test]
fn prefetch_bounds_what_is_unsettled() {
    let mut bench =
        Bench::with(QueueSettings { prefetch: 2, ..QueueSettings::default() }, &[1, 2, 3, 4]);
    assert_eq!(bench.receive(A, 9), "1:1 2:2");
    assert_eq!(bench.receive(A, 9), "parked");
    assert!(!bench.broker.take_changed());
    bench.settle(A, &[1], Settlement::Ack);
    assert!(bench.broker.take_changed(), "there is room again for the parked receive");
    assert_eq!(bench.receive(A, 9), "3:3");
    assert_eq!(bench.receive(B, 9), "4:4", "the bound is each client's own");
    bench.settle(A, &[2], Settlement::Ack);
    assert!(!bench.broker.take_changed(), "nothing is ready, so nothing can be answered");

    let room = QueueSettings { prefetch: 3, ..QueueSettings::default() };
    for settings in [room, QueueSettings::default()] {
        let mut bench = Bench::with(settings, &[1, 2, 3]);
        bench.receive(A, 2);
        bench.settle(A, &[1], Settlement::Ack);
        assert!(!bench.broker.take_changed(), "there was room before");
    }
    let mut unbounded = Bench::with(QueueSettings::default(), &[1, 2, 3, 4]);
    assert_eq!(unbounded.receive(A, 9), "1:1 2:2 3:3 4:4");
}

#[test]
fn a_requeued_message_takes_its_original_position() {
    let mut bench = Bench::with(QueueSettings::default(), &[1, 2, 3, 4, 5]);
    assert_eq!(bench.receive(A, 3), "1:1 2:2 3:3");
    bench.settle(A, &[3], Settlement::Requeue);
    bench.settle(A, &[1], Settlement::Requeue);
    assert!(bench.broker.take_changed());
    assert_eq!(bench.receive(B, 9), "4:1*x2 5:3*x2 6:4 7:5");
}

#[test]
fn a_full_queue_refuses_everywhere_or_drops_its_head() {
    let settings = |overflow, dead_letter| QueueSettings {
        queues: 2,
        max_length: Some(2),
        overflow,
        dead_letter,
        ..QueueSettings::default()
    };
    let mut bench = Bench::with(settings(Overflow::RejectPublish, false), &[1]);
    assert_eq!(bench.publish(&[2, 3]), "refused", "there is room for one");
    assert_eq!((bench.ground_truth().as_str(), bench.audit().as_str()), ("", "1 q1.1"));
    assert_eq!(bench.publish(&[2]), "published");
    bench.receive(A, 9);
    assert_eq!(bench.publish(&[3]), "refused", "the other queue is still full");

    let mut bench = Bench::with(settings(Overflow::DropHead, false), &[1, 2]);
    assert_eq!(bench.publish(&[3]), "published");
    let dropped = "stored(3@2#1) removed(1,overflow) q1.stored(3@2#1) q1.removed(1,overflow)";
    assert_eq!(bench.ground_truth(), dropped);

    let mut bench = Bench::with(settings(Overflow::DropHead, true), &[1, 2]);
    bench.publish(&[3]);
    assert!(bench.ground_truth().contains("dead(1,overflow)"));
}

#[test]
fn only_ready_messages_count_and_a_requeue_can_overflow() {
    let max_length = Some(2);
    let mut bench = Bench::with(QueueSettings { max_length, ..QueueSettings::default() }, &[1, 2]);
    bench.receive(A, 2);
    bench.publish(&[3, 4]);
    assert_eq!(bench.audit(), "1 2 3 4");
    bench.ground_truth();
    bench.settle(A, &[1], Settlement::Requeue);
    assert_eq!(bench.ground_truth(), "requeue(1,p1) removed(1,overflow)");
}

#[test]
fn nonsense_is_answered_and_changes_nothing() {
    let mut bench = Bench::with(QueueSettings::default(), &[1]);
    let nowhere = SubscriptionId(9);
    assert_eq!(bench.receive_in(nowhere, A, 1, false), "UnknownQueue");
    assert_eq!(bench.handle(A, Request::Close { queue: nowhere }), Some(Response::UnknownQueue));
    let settle = Request::Settle {
        queue: nowhere,
        tags: vec![1],
        settlement: Settlement::Ack,
        multiple: false,
        trigger: SettleTrigger::Close,
    };
    assert_eq!(bench.handle(A, settle), Some(Response::UnknownQueue));
    for tags in [vec![0], vec![1], vec![u64::MAX, 7]] {
        let stale = format!("stale {tags:?}");
        assert_eq!(bench.settle(A, &tags, Settlement::Ack), stale);
    }
    assert_eq!(bench.settle(A, &[], Settlement::Ack), "settled");
    assert_eq!(bench.handle(A, Request::Close { queue: QUEUE }), Some(Response::Closed));
    bench.disconnect(ClientId { process: ProcessId(u16::MAX), ..A });
    assert_eq!((bench.ground_truth().as_str(), bench.audit().as_str()), ("", "1"));
    assert_eq!((bench.broker.ready_count(nowhere), bench.broker.in_flight_count(nowhere)), (0, 0));
}

/// Tags count on in each queue; what only a log has is not there.
#[test]
fn a_queue_tells_its_settings_and_tags_and_has_no_groups() {
    let settings = QueueSettings { prefetch: 7, ..QueueSettings::default() };
    let mut bench = Bench::with(settings.clone(), &[1, 2]);
    bench.receive(A, 2);
    let broker = &bench.broker;
    assert_eq!(broker.settings(), &settings);
    assert_eq!([QUEUE, SubscriptionId(9)].map(|queue| broker.next_tag(queue)), [3, 0]);
    assert_eq!((broker.has_groups(), broker.generation(QUEUE)), (false, Generation(0)));
    assert_eq!(broker.next_housekeeping(), None);
    let is_held = |client, tag| broker.is_in_flight(QUEUE, client, tag);
    assert!(is_held(A, 1) && is_held(A, 2) && !is_held(A, 3) && !is_held(B, 1));
    assert!(!broker.is_in_flight(SubscriptionId(9), A, 1));
}

/// The words of a message's last delivery, which was elsewhere, do what they would have done here.
#[test]
fn a_message_that_was_delivered_elsewhere_goes_on_as_if_from_here() {
    let check = |delivery_count, word, told: &str, received: &str| {
        let settings = QueueSettings { delivery_limit: Some(3), ..QueueSettings::default() };
        let mut bench = Bench::new(settings);
        let adopted = Adopted { position: 4, record: record(1), delivery_count, word };
        bench.broker.adopt(bench.now, QUEUE, adopted, &mut bench.ground_truth);
        bench.broker.adopt(bench.now, SubscriptionId(9), adopted, &mut bench.ground_truth);
        assert_eq!(bench.ground_truth(), told, "{word:?}");
        assert_eq!(bench.broker.take_changed(), told.is_empty());
        assert_eq!(bench.receive(A, 9), received, "{word:?}");
    };
    check(1, None, "", "1:1*x2");
    check(2, Some(Settlement::Requeue), "", "1:1*x3");
    check(3, Some(Settlement::Requeue), "removed(1,limit)", "parked");
    check(1, Some(Settlement::Reject), "removed(1,settled)", "parked");
}

/// Counters that stand ready in memory say nothing about what was stored.
#[test]
fn only_what_was_stored_has_copies() {
    let mut copies = Copies::default();
    assert_eq!(
        [copies.next(MessageId(3)), copies.next(MessageId(1)), copies.next(MessageId(3))],
        [1, 1, 2]
    );
    copies.reach(99);
    assert_eq!(copies.iter().collect::<Vec<_>>(), [(MessageId(1), 1), (MessageId(3), 2)]);
}

/// Within the window a publish is confirmed and not stored; when it has closed, it is stored again.
/// The opposite: without a window every publish is.
#[test]
fn a_known_message_is_confirmed_and_not_stored() {
    let check = |dedup_window: Option<u64>, later, expect: &str| {
        let dedup_window = dedup_window.map(Duration::from_secs);
        let settings = QueueSettings { dedup_window, ..QueueSettings::default() };
        let mut bench = Bench::with(settings, &[1]);
        bench.pass(later);
        assert_eq!(bench.publish(&[1]), "published");
        assert_eq!(bench.audit(), expect, "{dedup_window:?} {later}");
    };
    check(None, 1, "1 1");
    check(Some(10), 1, "1");
    check(Some(10), 9, "1");
    check(Some(10), 10, "1 1");
}

/// What is known does not need room, and what was refused is not known.
#[test]
fn a_full_queue_confirms_what_it_has() {
    let settings = QueueSettings {
        dedup_window: Some(Duration::from_secs(10)),
        max_length: Some(1),
        overflow: Overflow::RejectPublish,
        ..QueueSettings::default()
    };
    let mut bench = Bench::with(settings, &[1]);
    assert_eq!(bench.publish(&[1]), "published");
    assert_eq!(bench.publish(&[2]), "refused");
    assert_eq!(bench.publish(&[2]), "refused", "it is not stored, so it is not known");
    assert_eq!(bench.audit(), "1");
}
