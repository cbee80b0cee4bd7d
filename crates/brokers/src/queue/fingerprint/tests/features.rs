//! The side tables: what only some queues keep must not hide in a state that looks like another.

use super::super::super::{Features, MaxInFlight, Redrive, Scope};
use super::*;
use crate::fingerprint::twins::Found;

fn walks(features: Features, count: usize) -> Walks<QueueBroker> {
    let settings = QueueSettings {
        queues: 1,
        visibility_timeout: Duration::from_secs(10),
        delivery_limit: Some(3),
        dead_letter: features.redrive.is_some(),
        requeue_on_disconnect: features.claim_min_idle.is_none() && !features.restart_reads_own,
        features,
        ..QueueSettings::default()
    };
    Walks::new(QueueBroker::new(settings), steps(), count)
}

fn seconds(span: u64) -> Option<Duration> {
    Some(Duration::from_secs(span))
}

fn redrive(new_ids: bool, times: u16) -> Option<Redrive> {
    Some(Redrive { after: Duration::from_secs(10), new_ids, times })
}

fn all() -> [Features; 9] {
    let none = Features::default();
    let cap = |scope| Some(MaxInFlight { most: 2, scope, is_soft: scope == Scope::Partition });
    [
        Features { claim_min_idle: seconds(5), ..none },
        Features { restart_reads_own: true, in_flight_survives_restart: true, ..none },
        Features {
            max_in_flight: cap(Scope::Partition),
            keeps_settled: true,
            counts_written_at_return: true,
            drops_for_nobody: true,
            ..none
        },
        Features { max_in_flight: cap(Scope::Subscription), message_ttl: seconds(10), ..none },
        Features { retention_time: seconds(10), single_active_consumer: true, ..none },
        Features { delivery_delay: seconds(5), ..none },
        Features { group_lock: true, ..none },
        Features { redrive: redrive(true, 1), names_copies: true, ..none },
        Features { redrive: redrive(false, 2), names_copies: true, ..none },
    ]
}

#[test]
fn queues_with_side_tables_go_on_alike() {
    for features in all() {
        let count = 40;
        let walks = walks(features, count);
        let found = walks.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
        let found = found.unwrap_or_else(|why| panic!("{features:?}: {why}"));
        assert!(found.twins > 3 * count, "{found:?} of {count}: {features:?}");
        walks.forget(QueueBroker::clear).unwrap_or_else(|why| panic!("{features:?}: {why}"));
    }
}

/// The opposite: without its side tables, different queues are taken for one.
#[test]
fn a_fingerprint_without_the_side_tables_is_caught() {
    let [_, _, share, capped, retained, delayed, group, ..] = all();
    for features in [share, capped, retained, delayed, group] {
        let coarse = without_side_tables(&walks(features, 150));
        assert!(coarse.is_err(), "{features:?} passes: {coarse:?}");
    }
    let reject = Ask::Settle { back: 1, settlement: Settlement::Reject, multiple: false };
    let receive = Ask::Receive { max: 1, settle_at_delivery: false };
    let dead = [Ask::Publish { message: 0 }, receive, reject].map(by);
    let dead = [&dead[..], &[Step::Pass { seconds: 1 }]].concat();
    let [.., new, _] = all();
    let coarse = without_side_tables(&walks(new, 1).by_hand(&dead, Step::Pass { seconds: 9 }));
    assert!(coarse.is_err(), "{new:?} passes: {coarse:?}");
}

fn without_side_tables(walks: &Walks<QueueBroker>) -> Result<Found, String> {
    walks.compare(|twin| {
        let mut broker = twin.broker.clone();
        broker.queues[0].extras = None;
        twin.print(|into| broker.fingerprint(into))
    })
}
