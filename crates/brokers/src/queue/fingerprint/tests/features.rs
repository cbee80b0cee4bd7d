//! The side tables: what only some queues keep must not hide in a state that looks like another.

use super::super::super::extras::Extras;
use super::super::super::{Features, MaxInFlight, Redrive, Scope};
use super::*;
use crate::Transferred;
use crate::fingerprint::twins::Found;

fn walks(features: Features, count: usize) -> Walks<QueueBroker> {
    let broker = QueueBroker::new(settings(features));
    Walks::new(broker, steps_with_copies(), count)
}

fn settings(features: Features) -> QueueSettings {
    QueueSettings {
        queues: 1,
        visibility_timeout: Duration::from_secs(10),
        delivery_limit: Some(3),
        dead_letter: features.redrive.is_some() || features.dead_letter_retry.is_some(),
        reports_transfers: features.dead_letter_retry.is_some(),
        requeue_on_disconnect: features.claim_min_idle.is_none() && !features.restart_reads_own,
        features,
        ..QueueSettings::default()
    }
}

/// Messages with due times, the later ones stored first.
fn timed() -> QueueSettings {
    let at = [9, 4, 0].map(|seconds| Instant::START + Duration::from_secs(seconds));
    QueueSettings { not_before: Some(at.into()), ..QueueSettings::default() }
}

fn timed_walks(count: usize) -> Walks<QueueBroker> {
    Walks::new(QueueBroker::new(timed()), steps(), count)
}

/// A queue that holds two copies and drops the oldest one for a third.
fn bounded(settings: QueueSettings, count: usize) -> Walks<QueueBroker> {
    let bound = QueueSettings {
        max_length: Some(2),
        overflow: Overflow::DiscardOld,
        delivery_limit: None,
        ..settings
    };
    Walks::new(QueueBroker::new(bound), steps_with_copies(), count)
}

fn seconds(span: u64) -> Option<Duration> {
    Some(Duration::from_secs(span))
}

fn redrive(new_ids: bool, times: u16) -> Option<Redrive> {
    Some(Redrive { after: Duration::from_secs(10), new_ids, times })
}

fn all() -> [Features; 12] {
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
        Features { takes_retries: true, ..none },
        Features { redrive: redrive(true, 1), remembers_ids: true, ..none },
        Features { redrive: redrive(false, 2), remembers_ids: true, ..none },
        Features { dead_letter_retry: seconds(7), ..none },
        Features {
            dead_letter_retry: seconds(7),
            redrive: redrive(false, 2),
            remembers_ids: true,
            ..none
        },
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
    let found = timed_walks(40).compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
    let found = found.unwrap_or_else(|why| panic!("due times: {why}"));
    assert!(found.twins > 40, "{found:?}");
    timed_walks(40).forget(QueueBroker::clear).unwrap_or_else(|why| panic!("due times: {why}"));
}

/// Which copy is the oldest is not always to be seen from the order in which they will be
/// delivered. The opposite: without the places of the copies different queues are taken for one.
#[test]
fn queues_that_drop_the_oldest_go_on_alike() {
    let [.., copies, _, _, _, _] = all();
    for (what, settings) in [("due times", timed()), ("copies", settings(copies))] {
        let count = 150;
        let walks = bounded(settings, count);
        let found = walks.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
        let found = found.unwrap_or_else(|why| panic!("{what}: {why}"));
        assert!(found.twins > count, "{found:?} of {count}: {what}");
        let coarse = walks.compare(|twin| {
            let mut broker = twin.broker.clone();
            broker.settings.max_length = None;
            broker.settings.not_before = None;
            broker.settings.features.takes_retries = false;
            twin.print(|into| {
                for due in twin.broker.settings.not_before.iter().flat_map(|all| all.iter()) {
                    into.time((*due).max(into.now()));
                }
                broker.fingerprint(into);
            })
        });
        assert!(coarse.is_err(), "{what}: {coarse:?}");
    }
}

/// The opposite: without its side tables, different queues are taken for one.
#[test]
fn a_fingerprint_without_the_side_tables_is_caught() {
    let [_, _, share, capped, retained, delayed, group, copies, ..] = all();
    for features in [share, capped, retained, delayed, group, copies] {
        let coarse = without_side_tables(&walks(features, 150));
        assert!(coarse.is_err(), "{features:?} passes: {coarse:?}");
    }
    let coarse = without_side_tables(&timed_walks(150));
    assert!(coarse.is_err(), "due times pass: {coarse:?}");
    let reject = Ask::Settle { back: 1, settlement: Settlement::Reject, multiple: false };
    let receive = Ask::Receive { max: 1, settle_at_delivery: false };
    let dead = [Ask::Publish { message: 0 }, receive, reject].map(by);
    let dead = [&dead[..], &[Step::Pass { seconds: 1 }]].concat();
    let [.., new, _, _, _] = all();
    let coarse = without_side_tables(&walks(new, 1).by_hand(&dead, Step::Pass { seconds: 9 }));
    assert!(coarse.is_err(), "{new:?} passes: {coarse:?}");
}

/// What each of these wipes out tells two queues apart, and nothing else does.
#[test]
fn a_fingerprint_without_ids_or_what_is_not_confirmed_is_caught() {
    type Wipe = fn(&mut Extras);
    let check = |one: &QueueBroker, other: &QueueBroker, wipe: Wipe| {
        let print = |broker: &QueueBroker| {
            let now = Instant::START + Duration::from_secs(10);
            let context = Context { now, next_tags: &[3], ..Context::default() };
            let mut print = Fingerprint::new(context);
            broker.fingerprint(&mut print);
            print.finish()
        };
        let blind = |broker: &QueueBroker| {
            let mut broker = broker.clone();
            broker.queues[0].extras.iter_mut().for_each(|extras| wipe(extras));
            print(&broker)
        };
        assert_ne!(print(one), print(other));
        assert_eq!(blind(one), blind(other));
    };
    let arrived = [Transferred::Arrived; 2];
    let [.., moved] = all();
    let first = two_given_up(moved, [Settlement::Reject, Settlement::Ack], arrived);
    let second = two_given_up(moved, [Settlement::Ack, Settlement::Reject], arrived);
    check(&first, &second, |extras| extras.ids.clear());
    let stays = Features { dead_letter_retry: seconds(60), ..Features::default() };
    let both = [Settlement::Reject; 2];
    let one = two_given_up(stays, both, [Transferred::Lost, Transferred::Arrived]);
    check(&one, &two_given_up(stays, both, arrived), |extras| extras.unconfirmed.clear());
}

/// A message that is stored twice; how each copy is settled and transferred, 10 seconds ago.
fn two_given_up(
    features: Features,
    words: [Settlement; 2],
    fates: [Transferred; 2],
) -> QueueBroker {
    let mut broker = walks(features, 0).start().clone();
    let (client, mut ground_truth) = (ClientId::default(), Vec::new());
    let mut ask = |broker: &mut QueueBroker, what: Ask| {
        let (_, mut request) = broker.request(Instant::START, &what).expect("its tag was given");
        broker.handle(Instant::START, client, &mut request, &mut ground_truth);
    };
    for what in [Ask::Publish { message: 0 }, Ask::Publish { message: 0 }] {
        ask(&mut broker, what);
    }
    ask(&mut broker, Ask::Receive { max: 2, settle_at_delivery: false });
    for (settlement, back) in words.into_iter().zip([2, 1]) {
        ask(&mut broker, Ask::Settle { back, settlement, multiple: false });
    }
    ask(&mut broker, Ask::Close);
    for how in fates {
        broker.end_transfer(Instant::START, how);
    }
    broker.advance(Instant::START + Duration::from_secs(10), &mut ground_truth);
    broker
}

fn without_side_tables(walks: &Walks<QueueBroker>) -> Result<Found, String> {
    walks.compare(|twin| {
        let mut broker = twin.broker.clone();
        broker.queues[0].extras = None;
        broker.settings.features = Features::default();
        twin.print(|into| broker.fingerprint(into))
    })
}
