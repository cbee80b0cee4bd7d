//! Dead letters that are moved back, and the ids by which the broker names what it stores.

use super::*;

const LATER: Redrive = Redrive { after: Duration::from_secs(600), new_ids: true, times: 1 };

fn with(redrive: Option<Redrive>) -> QueueSettings {
    QueueSettings {
        delivery_limit: Some(2),
        dead_letter: true,
        features: Features { redrive, remembers_ids: true, ..Features::default() },
        ..QueueSettings::default()
    }
}

fn id(bench: &Bench, tag: DeliveryTag) -> Option<u64> {
    bench.broker.stored_id(QUEUE, tag)
}

/// semantics.md 3.7, "Redrive": it comes back as a new message, and was never delivered. The
/// opposite: without a redrive it stays where it is.
#[test]
fn a_dead_letter_is_moved_back_after_a_while() {
    let mut bench = Bench::with(with(Some(LATER)), &[1, 2]);
    for tag in [1, 2] {
        assert_eq!(bench.receive(A, 1).split(':').next(), Some(tag.to_string().as_str()));
        bench.settle(A, &[tag], Settlement::Requeue);
    }
    let told = bench.ground_truth();
    assert!(told.ends_with("dead(1,limit)"), "{told}");
    assert_eq!(bench.broker.next_deadline(), Some(Instant::START + LATER.after));
    bench.broker.take_changed();
    bench.pass(599);
    assert_eq!((bench.ground_truth().as_str(), bench.audit().as_str()), ("", "2"));
    bench.pass(1);
    assert_eq!(bench.ground_truth(), "redriven(1@2)");
    assert!(bench.broker.take_changed());
    assert_eq!((bench.audit().as_str(), bench.receive(A, 9).as_str()), ("2 1", "3:2 4:1"));
    assert_eq!(bench.broker.next_deadline(), Some(bench.now + Duration::from_secs(30)));

    let mut bench = Bench::with(with(None), &[1]);
    bench.receive(A, 1);
    bench.settle(A, &[1], Settlement::Reject);
    assert_eq!(bench.broker.next_deadline(), None);
}

/// However often it may go back, it does not go back more often.
#[test]
fn a_message_is_moved_back_so_often_at_most() {
    let check = |times: u16| {
        let mut bench = Bench::with(with(Some(Redrive { times, ..LATER })), &[1]);
        let mut moved = 0;
        for tag in 1..=9 {
            if bench.receive(A, 1) == "parked" {
                break;
            }
            bench.settle(A, &[tag], Settlement::Reject);
            bench.pass(600);
            moved += u16::from(bench.ground_truth().contains("redriven"));
        }
        assert_eq!(moved, times);
    };
    [1, 2, 5].into_iter().for_each(check);
}

/// Whatever the broker gives up comes back; what it drops does not, nor what it keeps.
#[test]
fn only_dead_letters_of_the_broker_are_moved_back() {
    let comes_back = |settings: QueueSettings, word: Settlement| {
        let mut bench = Bench::with(settings, &[1]);
        bench.receive(A, 1);
        bench.settle(A, &[1], word);
        bench.pass(600);
        bench.ground_truth().contains("redriven")
    };
    let one = |dead_letter, keeps_at_limit| QueueSettings {
        delivery_limit: Some(1),
        dead_letter,
        rules: Rules { keeps_at_limit, ..Rules::default() },
        ..with(Some(LATER))
    };
    assert!(comes_back(one(true, false), Settlement::Reject));
    assert!(comes_back(one(true, false), Settlement::Requeue));
    assert!(!comes_back(one(false, false), Settlement::Reject));
    assert!(!comes_back(one(true, true), Settlement::Requeue));
    assert!(!comes_back(one(true, false), Settlement::Ack));
    let short = QueueSettings { max_length: Some(1), ..with(Some(LATER)) };
    let mut bench = Bench::with(short, &[1, 2]);
    bench.pass(600);
    assert_eq!(bench.ground_truth(), "redriven(1@2) dead(2,overflow)");
}

/// semantics.md 3.7, "new id and time": a sink that knows the broker's id does not know the copy.
/// The opposite: an id that stays, as that of a producer does.
#[test]
fn a_copy_that_is_moved_back_has_a_new_id_or_its_own() {
    let check = |new_ids, expect: u64| {
        let mut bench = Bench::with(with(Some(Redrive { new_ids, times: 2, ..LATER })), &[7, 8]);
        assert_eq!(bench.receive(A, 2), "1:7 2:8");
        assert_eq!([1, 2, 3].map(|tag| id(&bench, tag)), [Some(0), Some(1), None]);
        bench.settle(A, &[1], Settlement::Ack);
        bench.settle(A, &[2], Settlement::Requeue);
        bench.receive(A, 1);
        assert_eq!(id(&bench, 3), Some(1), "a redelivery has the same");
        for tag in [3, 4] {
            bench.settle(A, &[tag], Settlement::Reject);
            bench.pass(600);
            bench.receive(A, 1);
        }
        assert_eq!(id(&bench, 5), Some(expect));
    };
    check(true, 3);
    check(false, 1);
}

/// A copy that is kept at the limit is the same as before when a late word gives it up.
#[test]
fn a_kept_copy_keeps_its_id_and_its_count() {
    let check = |times, expect: &str| {
        let redrive = Redrive { new_ids: false, times, ..LATER };
        let late_settle = LateSettle::Honoured;
        let rules = Rules { keeps_at_limit: true, late_settle, ..Rules::default() };
        let settings = QueueSettings { delivery_limit: Some(1), rules, ..with(Some(redrive)) };
        let mut bench = Bench::with(settings, &[7]);
        for tag in [1, 2] {
            bench.receive(A, 1);
            bench.pass(30);
            assert!(bench.ground_truth().ends_with("kept(7)"));
            bench.settle(A, &[tag], Settlement::Reject);
            bench.pass(600);
        }
        let moved = bench.ground_truth();
        assert_eq!((moved.contains("redriven"), bench.receive(A, 1).as_str()), (times > 1, expect));
        assert_eq!(id(&bench, 3), (times > 1).then_some(0));
    };
    check(2, "3:7");
    check(1, "parked");
}

/// A publish that is repeated is another copy, with an id of its own, also with automatic acks.
#[test]
fn each_stored_copy_has_an_id() {
    let mut bench = Bench::with(with(None), &[7, 7]);
    bench.receive_in(QUEUE, A, 2, true);
    assert_eq!([1, 2].map(|tag| id(&bench, tag)), [Some(0), Some(1)]);
    let unasked = QueueSettings { features: Features::default(), ..with(None) };
    let mut bench = Bench::with(unasked, &[7]);
    bench.receive(A, 1);
    assert_eq!(id(&bench, 1), None);
}
