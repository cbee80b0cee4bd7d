//! Dead letters on their way: lost and doubled, at most once and at least once.

use super::*;

fn with(retry: Option<u64>) -> QueueSettings {
    let dead_letter_retry = retry.map(Duration::from_secs);
    QueueSettings {
        dead_letter: true,
        reports_transfers: true,
        features: Features { dead_letter_retry, ..Features::default() },
        ..QueueSettings::default()
    }
}

/// A message is rejected, and the transfers of its dead letter end like this. How often it is said
/// to have arrived, and what is left in the queue then.
fn check(retry: Option<u64>, fates: &[Transferred], expect: (usize, &str)) {
    let mut bench = Bench::with(with(retry), &[7]);
    bench.receive(A, 1);
    bench.settle(A, &[1], Settlement::Reject);
    let mut told = bench.ground_truth();
    for &how in fates {
        let transfer = bench.broker.next_transfer().expect("it is on its way");
        assert_eq!((transfer.message, transfer.subscription), (MessageId(7), QUEUE));
        let stays = bench.broker.end_transfer(bench.now, how);
        assert_eq!(stays, how == Transferred::Lost && retry.is_some());
        assert_eq!(bench.broker.next_transfer(), None);
        let next = retry.filter(|_| stays).map(|wait| bench.now + Duration::from_secs(wait));
        assert_eq!(bench.broker.next_deadline(), next, "{retry:?} {how:?}");
        bench.pass(retry.unwrap_or(60));
        told.push_str(&bench.ground_truth());
    }
    let told = told.matches("dead(7,rejected)").count();
    assert_eq!((told, bench.audit().as_str()), expect, "{retry:?} {fates:?}");
}

/// [RMQ-DLX]: what the target does not take is gone, or it is sent again.
#[test]
fn a_dead_letter_that_is_lost_is_gone_or_sent_again() {
    use Transferred::{Arrived, Lost, Twice};
    check(None, &[Arrived], (1, ""));
    check(None, &[Lost], (1, ""));
    check(None, &[Twice], (1, ""));
    check(Some(5), &[Arrived], (1, ""));
    check(Some(5), &[Lost, Lost], (3, ""));
    check(Some(5), &[Lost, Lost, Arrived], (3, ""));
    check(Some(5), &[Twice], (1, ""));
}

/// A message is rejected, and the transfers of its dead letter end like this, one after the other.
/// How many copies are moved back.
fn moved_back(retry: Option<u64>, fates: &[Transferred], expect: usize) {
    let mut bench = redriven(retry, 60);
    for &how in fates {
        bench.broker.end_transfer(bench.now, how);
        bench.pass(retry.unwrap_or(0));
    }
    bench.pass(60);
    let told = bench.ground_truth().matches("redriven(7@").count();
    assert_eq!(told, expect, "{retry:?} {fates:?}");
}

/// A message that was rejected, of a queue to which dead letters are moved back.
fn redriven(retry: Option<u64>, after: u64) -> Bench {
    let redrive = Redrive { after: Duration::from_secs(after), new_ids: true, times: 1 };
    let mut settings = with(retry);
    settings.features.redrive = Some(redrive);
    let mut bench = Bench::with(settings, &[7]);
    bench.receive(A, 1);
    bench.settle(A, &[1], Settlement::Reject);
    bench
}

/// As many go back as have arrived.
#[test]
fn only_what_has_arrived_is_moved_back() {
    use Transferred::{Arrived, Lost, Twice};
    moved_back(None, &[Arrived], 1);
    moved_back(None, &[Lost], 0);
    moved_back(None, &[Twice], 1);
    moved_back(Some(5), &[Arrived], 1);
    moved_back(Some(5), &[Lost, Lost], 0);
    moved_back(Some(5), &[Lost, Lost, Arrived], 1);
    moved_back(Some(5), &[Twice], 2);
    moved_back(Some(5), &[Lost, Twice], 2);
}

/// What arrives after the time at which it should have gone back goes back at once, not before.
#[test]
fn a_dead_letter_that_arrives_late_goes_back_then() {
    let mut bench = redriven(Some(5), 2);
    bench.broker.end_transfer(bench.now, Transferred::Lost);
    bench.pass(5);
    bench.broker.end_transfer(bench.now, Transferred::Arrived);
    assert_eq!(bench.broker.next_deadline(), Some(bench.now));
    bench.ground_truth();
    bench.pass(0);
    assert_eq!(bench.ground_truth(), "redriven(7@1)");
}

/// What waits for its confirmation is still there, and takes up room.
#[test]
fn an_unconfirmed_dead_letter_stays_in_its_queue() {
    let check = |retry, answer: &str, left: &str| {
        let (max_length, overflow) = (Some(1), Overflow::RejectPublish);
        let mut bench = Bench::with(QueueSettings { max_length, overflow, ..with(retry) }, &[7]);
        bench.receive(A, 1);
        bench.settle(A, &[1], Settlement::Reject);
        bench.broker.end_transfer(bench.now, Transferred::Lost);
        assert_eq!((bench.audit().as_str(), bench.publish(&[8])), (left, answer));
        assert_eq!(bench.receive(A, 1) == "parked", retry.is_some(), "nobody gets it");
    };
    check(None, "published", "");
    check(Some(5), "refused", "7");
}

/// Nothing is to be decided where nobody asks.
#[test]
fn by_itself_every_dead_letter_arrives() {
    let mut bench = Bench::with(QueueSettings { reports_transfers: false, ..with(Some(5)) }, &[7]);
    bench.receive(A, 1);
    bench.settle(A, &[1], Settlement::Reject);
    assert_eq!((bench.broker.next_transfer(), bench.audit().as_str()), (None, ""));
}
