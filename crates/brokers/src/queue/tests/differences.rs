//! What real queues do differently, setting by setting, each beside the strict default.

use super::*;

fn with(rules: Rules) -> QueueSettings {
    QueueSettings { delivery_limit: None, rules, ..QueueSettings::default() }
}

/// A is given message 1 as tag 1, and its lease ends; B has it as tag 2. A acks tag 1.
fn late(rules: Rules) -> (Bench, String) {
    let mut bench = Bench::with(with(rules), &[1]);
    bench.receive(A, 1);
    bench.pass(30);
    assert_eq!(bench.receive(B, 1), "2:1*x2");
    bench.ground_truth();
    let answer = bench.settle(A, &[1], Settlement::Ack);
    (bench, answer)
}

#[test]
fn a_late_ack_is_refused_ignored_or_honoured() {
    let rules = |late_settle| Rules { late_settle, ..Rules::default() };
    let check = |late_settle, answer: &str, happened: &str, successor: &str| {
        let (mut bench, said) = late(rules(late_settle));
        assert_eq!((said.as_str(), bench.ground_truth().as_str()), (answer, happened));
        assert_eq!(bench.settle(B, &[2], Settlement::Ack), successor);
    };
    check(LateSettle::Refused, "stale [1]", "", "settled");
    check(LateSettle::Ignored, "settled", "", "settled");
    check(LateSettle::Honoured, "settled", "ack(1,p1) removed(1,settled)", "settled");
    let (mut bench, _) = late(rules(LateSettle::Ignored));
    bench.disconnect(B);
    assert_eq!(bench.receive(A, 1), "3:1*x3", "what was ignored comes back");
    let (mut bench, _) = late(rules(LateSettle::Honoured));
    bench.disconnect(B);
    assert_eq!(bench.receive(A, 1), "parked", "what was honoured does not");
}

/// Every word counts where late ones do: on what another client holds, and on what waits.
#[test]
fn late_words_of_all_kinds_are_honoured() {
    let rules = Rules { late_settle: LateSettle::Honoured, ..Rules::default() };
    let check = |word, is_held: bool, happened: &str| {
        let mut bench = Bench::with(with(rules), &[1]);
        bench.receive(A, 1);
        bench.pass(30);
        if is_held {
            bench.receive(B, 1);
        }
        bench.ground_truth();
        assert_eq!(bench.settle(A, &[1], word), "settled", "{word:?}");
        assert_eq!(bench.ground_truth(), happened, "{word:?}");
    };
    check(Settlement::Ack, false, "ack(1,p1) removed(1,settled)");
    check(Settlement::Reject, true, "reject(1,p1) removed(1,settled)");
    check(Settlement::Reject, false, "reject(1,p1) removed(1,settled)");
    check(Settlement::Requeue, true, "requeue(1,p1)");
    check(Settlement::Requeue, false, "");
    check(Settlement::Extend, true, "extend(1,p1)");
    check(Settlement::Extend, false, "");
}

/// It is late, too, after the end of the connection; a life that is over has said nothing.
#[test]
fn an_ack_after_the_connection_has_ended_is_late() {
    for (late_settle, answer) in
        [(LateSettle::Refused, "stale [1]"), (LateSettle::Honoured, "settled")]
    {
        let rules = Rules { late_settle, ..Rules::default() };
        let mut bench = Bench::with(with(rules), &[1]);
        bench.receive(A, 1);
        bench.disconnect(A);
        assert_eq!(bench.settle(A_AGAIN, &[1], Settlement::Ack), "stale [1]");
        assert_eq!(bench.settle(A, &[1], Settlement::Ack), answer);
    }
}

#[test]
fn a_repeated_ack_is_confirmed_refused_or_closes_the_channel() {
    let check = |repeated_settle, answer: &str, happened: &str, other: &str| {
        let rules = Rules { repeated_settle, ..Rules::default() };
        let mut bench = Bench::with(with(rules), &[1, 2]);
        bench.receive(A, 2);
        bench.settle(A, &[1], Settlement::Ack);
        bench.ground_truth();
        assert_eq!(bench.settle(A, &[1], Settlement::Ack), answer);
        assert_eq!(bench.ground_truth(), happened);
        assert_eq!(bench.settle(A, &[2], Settlement::Ack), other);
    };
    check(RepeatedSettle::Idempotent, "settled", "", "settled");
    check(RepeatedSettle::Refused, "stale [1]", "", "settled");
    check(RepeatedSettle::ClosesChannel, "stale [1]", "requeued(2,p1)", "stale [2]");
}

/// One message, twice given back by either word, expired and disconnected, under a limit of 2.
#[test]
fn what_counts_towards_the_limit_is_a_setting() {
    let ends: [fn(&mut Bench, DeliveryTag); 4] = [
        |bench, tag| _ = bench.settle(A, &[tag], Settlement::Requeue),
        |bench, tag| _ = bench.settle(A, &[tag], Settlement::RejectAndRequeue),
        |bench, _| bench.pass(30),
        |bench, _| _ = bench.handle(A, Request::Close { queue: QUEUE }),
    ];
    let none = LimitCounts { deliveries: false, ..LimitCounts::DELIVERIES };
    let check = |limit_counts, expect: [bool; 4]| {
        for (end, is_given_up) in ends.into_iter().zip(expect) {
            let rules = Rules { limit_counts, ..Rules::default() };
            let settings = QueueSettings { delivery_limit: Some(2), ..with(rules) };
            let mut bench = Bench::with(settings, &[1]);
            for tag in 1..=2 {
                bench.receive(A, 1);
                end(&mut bench, tag);
            }
            let said = bench.ground_truth();
            assert_eq!(said.contains("removed(1,limit)"), is_given_up, "{limit_counts:?}: {said}");
        }
    };
    check(LimitCounts::DELIVERIES, [true; 4]);
    check(LimitCounts { nacks: true, ..none }, [true, false, false, false]);
    check(LimitCounts { rejects: true, ..none }, [false, true, false, false]);
    check(LimitCounts { expiries: true, ..none }, [false, false, true, false]);
    check(LimitCounts { disconnects: true, ..none }, [false, false, false, true]);
}

#[test]
fn the_limit_is_looked_at_on_return_or_at_the_next_delivery() {
    let check = |limit_checked, on_return: &str, at_delivery: &str| {
        let rules = Rules { limit_checked, ..Rules::default() };
        let settings = QueueSettings { delivery_limit: Some(1), ..with(rules) };
        let mut bench = Bench::with(settings, &[1, 2]);
        bench.receive(A, 1);
        bench.settle(A, &[1], Settlement::Requeue);
        assert_eq!(bench.ground_truth(), on_return);
        assert_eq!(bench.receive(A, 1), "2:2");
        assert_eq!(bench.ground_truth(), at_delivery);
    };
    check(LimitChecked::AtReturn, "requeue(1,p1) removed(1,limit)", "");
    check(LimitChecked::AtDelivery, "requeue(1,p1)", "removed(1,limit)");
}

#[test]
fn at_the_limit_a_message_may_stay_and_is_delivered_no_more() {
    let rules = Rules { keeps_at_limit: true, ..Rules::default() };
    let settings = QueueSettings { delivery_limit: Some(1), ..with(rules) };
    let mut bench = Bench::with(settings, &[1]);
    bench.receive(A, 1);
    bench.settle(A, &[1], Settlement::Requeue);
    assert_eq!(bench.ground_truth(), "requeue(1,p1) kept(1)");
    assert_eq!((bench.receive(A, 1).as_str(), bench.audit().as_str()), ("parked", "1"));
}

#[test]
fn counts_survive_a_restart_or_do_not() {
    for (counts_survive_restart, expect) in [(true, "2:1*x2"), (false, "2:1")] {
        let rules = Rules { counts_survive_restart, ..Rules::default() };
        let mut bench = Bench::with(with(rules), &[1]);
        bench.receive(A, 1);
        bench.restart();
        assert_eq!(bench.receive(A, 1), expect);
    }
}

/// Messages 1 to 3 are delivered; 2, then 1 come back; 4 was never delivered.
#[test]
fn what_comes_back_has_its_place_again_or_goes_before_or_behind() {
    let check = |requeue_position, expect: &str| {
        let rules = Rules { requeue_position, ..Rules::default() };
        let mut bench = Bench::with(with(rules), &[1, 2, 3, 4]);
        bench.receive(A, 3);
        bench.settle(A, &[2], Settlement::Requeue);
        bench.settle(A, &[1], Settlement::Requeue);
        assert_eq!(bench.receive(B, 9), expect);
    };
    check(RequeuePosition::Same, "4:1*x2 5:2*x2 6:4");
    check(RequeuePosition::Front, "4:2*x2 5:1*x2 6:4");
    check(RequeuePosition::End, "4:4 5:2*x2 6:1*x2");
}

/// A holds 1 and 2 for too long; what becomes of 2, and of a late ack?
#[test]
fn the_end_of_a_lease_returns_one_message_or_all() {
    let check = |at_lease_end, happened: &str, late: &str| {
        let mut bench = Bench::with(with(Rules { at_lease_end, ..Rules::default() }), &[1, 2]);
        bench.receive(A, 1);
        bench.pass(20);
        bench.receive(A, 1);
        bench.pass(10);
        assert_eq!(bench.ground_truth(), happened);
        assert_eq!(bench.settle(A, &[1], Settlement::Ack), late);
    };
    check(AtLeaseEnd::ReturnMessage, "expired(1,p1)", "stale [1]");
    check(AtLeaseEnd::CloseChannel, "expired(1,p1) requeued(2,p1)", "stale [1]");
    check(AtLeaseEnd::CancelConsumer, "expired(1,p1) requeued(2,p1)", "settled");
}

#[test]
fn a_message_waits_before_it_is_ready_again() {
    let second = Duration::from_secs(1);
    let delay = RedeliveryDelay { after: second, on_nack: true, ..RedeliveryDelay::NONE };
    let check_word = |word, redelivery_delay, waits: [u64; 3]| {
        let mut bench = Bench::with(with(Rules { redelivery_delay, ..Rules::default() }), &[1]);
        for (tag, wait) in (1..).zip(waits) {
            assert_ne!(bench.receive(A, 1), "parked");
            bench.settle(A, &[tag], word);
            if wait > 0 {
                bench.pass(wait - 1);
                assert_eq!(bench.receive(A, 1), "parked", "before {wait} s");
                assert_eq!(bench.broker.next_deadline(), Some(bench.now + second));
                bench.pass(1);
                assert!(bench.broker.take_changed());
            }
        }
    };
    let check = |delay, waits| check_word(Settlement::Requeue, delay, waits);
    check(RedeliveryDelay::NONE, [0, 0, 0]);
    check(delay, [1, 1, 1]);
    check(RedeliveryDelay { linear: true, ..delay }, [1, 2, 3]);
    let most = Duration::from_secs(2);
    check(RedeliveryDelay { linear: true, most, ..delay }, [1, 2, 2]);
    check(RedeliveryDelay { on_nack: false, on_expiry: true, ..delay }, [0, 0, 0]);
    let on_reject = RedeliveryDelay { on_nack: false, on_reject: true, ..delay };
    check(on_reject, [0, 0, 0]);
    check_word(Settlement::RejectAndRequeue, on_reject, [1, 1, 1]);
    check_word(Settlement::RejectAndRequeue, delay, [0, 0, 0]);
}
