//! A restart that is the end of a machine's power (semantics.md 3.8 and 3.10, "durability"; 2.4,
//! "power loss of all replicas at once" and "loss of progress state").

use super::super::Forgets;
use super::*;

const LOST: &str = "restarted removed(7,loss)";

fn forgetting(messages: bool, settles: bool) -> QueueSettings {
    let of_the_last = Duration::from_secs(120);
    let forgets = Some(Forgets { messages, settles, of_the_last });
    QueueSettings { forgets, ..QueueSettings::default() }
}

/// Message 1 is acked long before, 2 and 3 are old; 2 is acked a short while ago, 4 is published
/// and acked then, 5 published.
fn history(settings: QueueSettings) -> Bench {
    let mut bench = Bench::with(settings, &[1, 2, 3]);
    assert_eq!(bench.receive(A, 1), "1:1");
    bench.settle(A, &[1], Settlement::Ack);
    bench.pass(120);
    bench.publish(&[4, 5]);
    assert_eq!(bench.receive(A, 3), "2:2 3:3 4:4");
    bench.settle(A, &[2, 4], Settlement::Ack);
    bench.pass(10);
    bench.ground_truth.clear();
    bench
}

#[test]
fn a_restart_forgets_what_was_not_flushed() {
    let check = |messages, settles, truth: &str, audit: &str| {
        let mut bench = history(forgetting(messages, settles));
        bench.restart();
        assert_eq!(bench.ground_truth(), truth, "{messages} {settles}");
        assert_eq!(bench.audit(), audit, "{messages} {settles}");
    };
    check(false, false, "restarted", "3 5");
    check(true, false, "restarted removed(5,loss)", "3");
    check(false, true, "restarted forgotten(2) forgotten(4)", "2 3 4 5");
    check(true, true, "restarted removed(5,loss) forgotten(2)", "2 3");
}

/// What is there again is marked: its consumer may have seen it.
#[test]
fn a_message_that_is_there_again_is_redelivered() {
    let mut bench = history(forgetting(true, true));
    bench.restart();
    assert_eq!(bench.receive(B, 9), "5:2*x2 6:3*x2");
}

/// What is older than the span is flushed, and a second restart finds nothing to forget.
#[test]
fn what_is_older_is_flushed() {
    let mut late = history(forgetting(true, true));
    late.pass(110);
    late.restart();
    assert_eq!(late.audit(), "3 5");
    let mut twice = history(forgetting(true, true));
    twice.restart();
    twice.ground_truth.clear();
    twice.restart();
    assert_eq!((twice.ground_truth(), twice.audit()), ("restarted".to_owned(), "2 3".to_owned()));
}

/// A rejected message comes back too, although its dead letter stays written.
#[test]
fn a_reject_is_forgotten_as_an_ack_is() {
    let mut bench = Bench::with(forgetting(false, true), &[1]);
    bench.receive(A, 1);
    assert_eq!(bench.settle(A, &[1], Settlement::Reject), "settled");
    assert_eq!(bench.audit(), "");
    bench.restart();
    assert_eq!(bench.audit(), "1");
}

/// The dedup window reads from the disk as well: what is forgotten may be stored again. One that
/// is kept refuses it, which would lose the message for good.
#[test]
fn a_forgotten_message_may_be_sent_again() {
    let window = Some(Duration::from_secs(300));
    let settings = QueueSettings { dedup_window: window, ..forgetting(true, false) };
    let mut bench = Bench::with(settings, &[1]);
    bench.restart();
    assert_eq!((bench.audit().as_str(), bench.publish(&[1])), ("", "published"));
    assert_eq!(bench.audit(), "1");
}

/// A copy that was moved back is stored as any other. It was not published, so a window knows its
/// message still. The opposite: one that was moved back long ago stays.
#[test]
fn a_copy_that_was_moved_back_is_forgotten_too() {
    let check = |ago, truth: &str, audit: &str| {
        let after = Duration::from_secs(600);
        let redrive = Some(Redrive { after, new_ids: true, times: 1 });
        let features = Features { redrive, ..Features::default() };
        let dedup_window = Some(Duration::from_secs(3600));
        let settings = QueueSettings { dead_letter: true, features, ..forgetting(true, false) };
        let mut bench = Bench::with(QueueSettings { dedup_window, ..settings }, &[7]);
        bench.receive(A, 1);
        bench.settle(A, &[1], Settlement::Reject);
        bench.pass(600);
        bench.pass(ago);
        bench.ground_truth.clear();
        bench.restart();
        assert_eq!((bench.ground_truth().as_str(), bench.audit().as_str()), (truth, audit));
        bench.publish(&[7]);
        assert_eq!(bench.audit(), audit);
    };
    check(10, LOST, "");
    check(120, "restarted", "7");
}

/// So is one that waits, be it for its first delivery or for the dead letters to confirm it. What
/// is settled no more is not on its way to them either.
#[test]
fn what_waits_is_forgotten_too() {
    let check = |forgets: QueueSettings, truth: &str, audit: &str| {
        let dead_letter_retry = Some(Duration::from_secs(300));
        let features = Features { dead_letter_retry, ..Features::default() };
        let settings = QueueSettings { dead_letter: true, features, ..forgets };
        let mut bench = Bench::with(QueueSettings { reports_transfers: true, ..settings }, &[7]);
        bench.receive(A, 1);
        bench.settle(A, &[1], Settlement::Reject);
        assert!(bench.broker.end_transfer(bench.now, Transferred::Lost));
        bench.ground_truth.clear();
        bench.restart();
        bench.pass(300);
        assert_eq!((bench.ground_truth().as_str(), bench.audit().as_str()), (truth, audit));
    };
    check(forgetting(true, false), LOST, "");
    check(forgetting(false, true), "restarted forgotten(7)", "7");
    let delivery_delay = Some(Duration::from_secs(60));
    let features = Features { delivery_delay, ..Features::default() };
    let mut bench = Bench::with(QueueSettings { features, ..forgetting(true, false) }, &[7]);
    bench.restart();
    assert_eq!((bench.ground_truth().as_str(), bench.audit().as_str()), (LOST, ""));
}

/// What forgets nothing notes nothing.
#[test]
fn a_queue_with_an_intact_disk_notes_nothing() {
    assert!(QueueBroker::new(QueueSettings::default()).unflushed.is_none());
    assert!(QueueBroker::new(forgetting(false, false)).unflushed.is_none());
}
