//! What an exchange remembers of what was published.

use super::*;

/// Publishes and time, with a window that closes after a few steps.
fn walks(dedup_entries: Option<u32>, count: usize) -> Walks<QueueBroker> {
    let settings = QueueSettings {
        dedup_window: Some(Duration::from_secs(10)),
        dedup_entries,
        max_length: Some(1),
        ..QueueSettings::default()
    };
    let publish = (0..3_u32).prop_map(|message| by(Ask::Publish { message }));
    let receive = Just(by(Ask::Receive { max: 1, settle_at_delivery: true }));
    let pass = select(vec![1, 5, 10]).prop_map(|seconds| Step::Pass { seconds });
    let steps = prop_oneof![6 => publish, 3 => receive, 1 => Just(Step::Restart), 3 => pass];
    Walks::new(QueueBroker::new(settings), steps, count)
}

#[test]
fn exchanges_that_remember_the_same_go_on_alike() {
    for walks in [walks(None, 60), walks(Some(2), 60)] {
        let found = walks.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
        let found = found.unwrap_or_else(|why| panic!("{why}"));
        assert!(found.twins > 600, "{found:?}");
        walks.forget(QueueBroker::clear).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// The opposite: without what it remembers, different exchanges are taken for one.
#[test]
fn a_fingerprint_without_the_window_is_caught() {
    let coarse = walks(None, 200).compare(|twin| {
        let mut broker = twin.broker.clone();
        broker.dedup = None;
        twin.print(|into| broker.fingerprint(into))
    });
    assert!(coarse.is_err(), "{coarse:?}");
}
