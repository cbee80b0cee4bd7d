//! What a queue would forget in a restart.

use super::super::super::Forgets;
use super::*;

/// A queue that forgets the last seconds, and restarts often enough for it to matter.
fn walks(count: usize) -> Walks<QueueBroker> {
    let of_the_last = Duration::from_secs(6);
    let settings = QueueSettings {
        forgets: Some(Forgets { messages: true, settles: true, of_the_last }),
        ..QueueSettings::default()
    };
    let publish = (0..3_u32).prop_map(|message| by(Ask::Publish { message }));
    let receive = Just(by(Ask::Receive { max: 1, settle_at_delivery: false }));
    let ack = Ask::Settle { back: 1, settlement: Settlement::Ack, multiple: false };
    let pass = select(vec![1, 5, 10]).prop_map(|seconds| Step::Pass { seconds });
    let steps = prop_oneof![
        4 => publish,
        4 => receive,
        4 => Just(by(ack)),
        2 => Just(Step::Restart),
        4 => pass,
    ];
    Walks::new(QueueBroker::new(settings), steps, count)
}

#[test]
fn queues_that_would_forget_the_same_go_on_alike() {
    let walks = walks(80);
    let found = walks.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
    let found = found.unwrap_or_else(|why| panic!("{why}"));
    assert!(found.twins > 300, "{found:?}");
    walks.forget(QueueBroker::clear).unwrap_or_else(|why| panic!("{why}"));
}

/// The opposite: without it, queues are taken for one of which a restart leaves different things.
#[test]
fn a_fingerprint_without_what_is_not_flushed_is_caught() {
    let coarse = walks(200).compare(|twin| {
        let mut broker = twin.broker.clone();
        broker.unflushed = None;
        twin.print(|into| broker.fingerprint(into))
    });
    assert!(coarse.is_err(), "{coarse:?}");
}
