//! What only some queues have, against the model.

use std::sync::Arc;

use super::*;

fn scopes() -> impl Strategy<Value = Option<MaxInFlight>> {
    let scope = select(vec![Scope::Consumer, Scope::Subscription, Scope::Partition]);
    let cap = (1..4_u32, scope, any::<bool>()).prop_map(|(most, scope, is_soft)| {
        let is_soft = is_soft && scope == Scope::Partition;
        MaxInFlight { most, scope, is_soft }
    });
    prop_oneof![1 => Just(None), 2 => cap.prop_map(Some)]
}

const LATER: Redrive = Redrive { after: Duration::from_secs(8), new_ids: true, times: 1 };

/// Each feature now and then. What a scenario may not combine is not combined here either.
fn features() -> impl Strategy<Value = Features> {
    let span = |of: [u64; 2]| select(vec![None, None, Some(of[0]), Some(of[1])]);
    let spans = (span([4, 9]), span([5, 12]), span([9, 30]), span([3, 7]));
    let redrive =
        (select(vec![3, 8]), 1..3_u16, any::<bool>()).prop_map(|(after, times, new_ids)| Redrive {
            after: Duration::from_secs(after),
            new_ids,
            times,
        });
    let redrive = prop::option::of(redrive);
    (spans, scopes(), redrive, any::<[bool; 9]>()).prop_map(
        |(spans, max_in_flight, redrive, flags)| {
            let (claim, ttl, retention, delay) = spans;
            let [own, keeps, survives, at_return, group, active, nobody, locks, retries] = flags;
            let group_lock = group && locks;
            let of_partition = |cap: &MaxInFlight| cap.scope == Scope::Partition;
            let max_in_flight = max_in_flight.filter(|cap| !(group_lock && of_partition(cap)));
            let is_log = keeps || max_in_flight.as_ref().is_some_and(of_partition);
            let seconds = |span: Option<u64>| span.map(Duration::from_secs);
            Features {
                claim_min_idle: seconds(claim),
                restart_reads_own: own,
                max_in_flight,
                keeps_settled: keeps,
                in_flight_survives_restart: survives,
                counts_written_at_return: at_return,
                message_ttl: seconds(ttl).filter(|_| !group_lock),
                retention_time: seconds(retention),
                delivery_delay: seconds(delay),
                group_lock,
                single_active_consumer: active && !group,
                drops_for_nobody: nobody,
                redrive,
                takes_retries: retries && !group_lock && !is_log,
                remembers_ids: false,
                dead_letter_retry: None,
            }
        },
    )
}

/// Due times for more messages than a walk publishes, some of them over when they are stored.
fn due_times() -> impl Strategy<Value = Option<Arc<[Instant]>>> {
    let seconds = |at: u64| Instant::START + Duration::from_secs(at);
    let times = prop::collection::vec((0..60_u64).prop_map(seconds), 64);
    prop_oneof![2 => Just(None), 1 => times.prop_map(|times| Some(times.into()))]
}

fn featured() -> impl Strategy<Value = QueueSettings> {
    let transfers = (any::<bool>(), select(vec![None, Some(5), Some(20)]));
    let all = (settings(), features(), any::<bool>(), transfers, due_times());
    all.prop_map(|(settings, features, discards, (reports_transfers, retry), not_before)| {
        let overflow = if discards { Overflow::DiscardOld } else { Overflow::DropHead };
        let mut settings =
            QueueSettings { features, overflow, reports_transfers, not_before, ..settings };
        let retry = retry.filter(|_| settings.max_length.is_none() && settings.dead_letter);
        settings.features.dead_letter_retry = retry.map(Duration::from_secs);
        if features.group_lock {
            settings.rules.requeue_position = RequeuePosition::Same;
            settings.max_length = None;
        }
        settings
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_queue_with_features_answers_as_its_naive_model_does(
        settings in featured(),
        operations in prop::collection::vec(operations(), 1..60),
    ) {
        let found = difference(&settings, &operations);
        prop_assert!(found.is_none(), "{}", found.unwrap_or_default());
    }
}

/// Each feature makes a difference that random operations see: a broker without it is caught.
#[test]
fn a_broker_without_a_feature_is_caught() {
    let seconds = |span| Some(Duration::from_secs(span));
    let none = Features::default();
    let cap = |scope, is_soft| Some(MaxInFlight { most: 2, scope, is_soft });
    let all = [
        Features { claim_min_idle: seconds(5), ..none },
        Features { restart_reads_own: true, ..none },
        Features { max_in_flight: cap(Scope::Consumer, false), ..none },
        Features { max_in_flight: cap(Scope::Subscription, false), ..none },
        Features { max_in_flight: cap(Scope::Partition, false), ..none },
        Features { keeps_settled: true, ..none },
        Features { in_flight_survives_restart: true, ..none },
        Features { counts_written_at_return: true, ..none },
        Features { message_ttl: seconds(9), ..none },
        Features { retention_time: seconds(9), ..none },
        Features { delivery_delay: seconds(4), ..none },
        Features { group_lock: true, ..none },
        Features { single_active_consumer: true, ..none },
        Features { drops_for_nobody: true, ..none },
        Features { redrive: Some(LATER), ..none },
        Features { dead_letter_retry: seconds(5), ..none },
        Features { takes_retries: true, ..none },
    ];
    let settings = |features| QueueSettings {
        visibility_timeout: Duration::MAX,
        delivery_limit: None,
        dead_letter: true,
        reports_transfers: true,
        requeue_on_disconnect: false,
        features,
        ..QueueSettings::default()
    };
    let walks = walks(60);
    for features in all {
        assert!(is_caught(&walks, &settings(none), &settings(features)), "{features:?}");
    }
    let hard = Features { max_in_flight: cap(Scope::Partition, false), ..none };
    let soft = Features { max_in_flight: cap(Scope::Partition, true), ..none };
    assert!(is_caught(&walks, &settings(hard), &settings(soft)), "soft by a batch");
    let walks = self::walks(400);
    let others =
        [Redrive { times: 2, ..LATER }, Redrive { after: Duration::from_secs(9), ..LATER }];
    for other in others.map(Some) {
        let [one, other] = [Some(LATER), other].map(|redrive| Features { redrive, ..none });
        assert!(is_caught(&walks, &settings(one), &settings(other)), "{other:?}");
    }
    let due = |times: [u64; 2]| {
        let at = |which: usize| Instant::START + Duration::from_secs(times[which]);
        let not_before = (0..64).map(|message| at(message % 2)).collect();
        QueueSettings { not_before: Some(not_before), ..settings(none) }
    };
    let timed = due([9, 4]);
    assert!(is_caught(&walks, &settings(none), &timed), "due times");
    assert!(is_caught(&walks, &timed, &due([9, 9])), "another order");
}
