//! C2 and C8 to C12: what a queue and a log keep, and for whom.

use std::collections::{BTreeMap, BTreeSet};

use entrega_clients::Strategy::{AutoSettleAtDelivery, Parallel, ProcessThenSettle};
use entrega_model::event::RemoveReason;
use entrega_model::{Kind, Model, SubscriptionId};
use entrega_sim::RunEnd;

use crate::bench::{MODELS, Outcome, Run, every, outcomes, run};

/// How far the reader is behind at most, and how many messages it has in hand at most.
fn lag_and_load(run: &Run) -> (usize, usize) {
    let (mut stored, mut done, mut in_hand) = (0_usize, 0_usize, 0_usize);
    let (mut lag, mut load) = (0, 0);
    for event in &run.events {
        match event.kind {
            Kind::Stored { .. } => stored += 1,
            Kind::Delivered { .. } => in_hand += 1,
            Kind::ProcessingEnded { .. } => {
                done += 1;
                in_hand -= 1;
            }
            _ => {}
        }
        lag = lag.max(stored.saturating_sub(done));
        load = load.max(in_hand);
    }
    (lag, load)
}

/// C2 (a): a simple loop that is too slow never overflows. It lags, has one message in hand at any
/// time, and catches up when it can. Whoever takes several at once has as many in hand.
#[test]
fn c2_a_simple_loop_lags_and_does_not_overflow() {
    let rush = [("workload.messages", "100"), ("workload.arrivals.rate_per_second", "1000")];
    for model in MODELS {
        let simple = run((model, ProcessThenSettle), &rush, "");
        let (lag, load) = lag_and_load(&simple);
        assert!(lag > 90, "{model}: twenty times too slow, so most of them wait: {lag}");
        assert_eq!((load, simple.effects()), (1, vec![1; 100]), "{model}");
        let (_, load) = lag_and_load(&run((model, Parallel), &rush, ""));
        assert_eq!(load, 4, "{model}: workers");
    }
}

/// C8: what is not acked comes back, whatever crash comes first.
#[test]
fn c8_a_queue_keeps_a_message_until_its_ack() {
    let queue = (Model::Queue, ProcessThenSettle);
    let runs = every(queue, &["effect.before=crash", "effect.after=crash"], 2, &[]);
    let lost = runs.iter().filter(|run| run.effects().contains(&0)).count();
    assert_eq!(lost, 0, "of {}", runs.len());
    let removed_early = runs.iter().any(|run| {
        let settled = run.count(|kind| matches!(kind, Kind::Settled { .. }));
        run.count(|kind| matches!(kind, Kind::Removed { .. })) != settled
    });
    assert!(!removed_early, "each removal is an ack");
    assert!(runs.iter().any(|run| run.deliveries().contains(&3)));
    let early = every((Model::Queue, AutoSettleAtDelivery), &["effect.before=crash"], 1, &[]);
    assert_eq!(outcomes(&early), [Outcome::Loss], "acked by the hand-over");
}

/// C8, the other half: unacked messages vanish all the same, by the queue's own settings.
#[test]
fn c8_unacked_messages_also_vanish_by_overflow_and_delivery_limit() {
    let queue = (Model::Queue, ProcessThenSettle);
    let crash = ["effect.before=crash"];
    let limit = every(queue, &crash, 1, &[("queue.delivery_limit", "1")]);
    assert_eq!(outcomes(&limit), [Outcome::Loss]);
    assert_eq!(outcomes(&limit[..1]), [], "not without a crash");
    let rush = [("workload.arrivals.rate_per_second", "1000"), ("consumer.prefetch", "1")];
    let full = run(queue, &[rush[0], rush[1], ("queue.max_length", "1")], "");
    assert_eq!(full.outcomes(), BTreeSet::from([Outcome::Loss]));
    assert_eq!(run(queue, &rush, "").outcomes(), BTreeSet::new());
}

const TWO_READERS: &str = "[{ name = \"mailer\", service_time = { distribution = \"constant\", \
    value = \"150ms\" } }, { name = \"analytics\", service_time = { distribution = \"constant\", \
    value = \"5ms\" } }]";

/// C9 (i): two consumers on one queue share the work, so "queues do not support several consumers"
/// is wrong. (ii), (iii): for independent readers the *broker* multiplies: a queue stores a copy
/// for each, a log one for all; the producer sends once to either.
#[test]
fn c9_consumers_compete_and_subscriptions_multiply() {
    let shared = [("subscriptions.0.consumers", "2"), ("workload.messages", "20")];
    let run_shared = run(
        (Model::Queue, ProcessThenSettle),
        &[shared[0], shared[1], ("workload.arrivals.rate_per_second", "100")],
        "",
    );
    let by: BTreeSet<_> = run_shared
        .events
        .iter()
        .filter_map(|event| match event.kind {
            Kind::Effect { consumer, .. } => Some(consumer),
            _ => None,
        })
        .collect();
    assert_eq!((by.len(), run_shared.effects()), (2, vec![1; 20]));
    for (model, copies) in [(Model::Log, 5), (Model::Queue, 10)] {
        let two = run((model, ProcessThenSettle), &[("subscriptions", TWO_READERS)], "");
        let count = |wanted: fn(&Kind) -> bool| two.count(wanted);
        assert_eq!(count(|kind| matches!(kind, Kind::SendInvoked { .. })), 5, "{model}");
        assert_eq!(count(|kind| matches!(kind, Kind::Stored { .. })), copies, "{model}");
        assert_eq!(two.effects(), [2; 5], "{model}: both have seen everything");
    }
}

/// C11: two groups at different offsets; the slow one lags. C10: each group has its own committed
/// offset, and it is the group's: its consumers share it.
#[test]
fn c11_each_group_has_its_own_offset_and_the_slow_one_lags() {
    let two = run((Model::Log, ProcessThenSettle), &[("subscriptions", TWO_READERS)], "");
    let mut offsets = BTreeMap::from([(SubscriptionId(0), 0), (SubscriptionId(1), 0)]);
    let (mut ahead, mut behind) = (0, 0);
    for event in &two.events {
        if let Kind::Committed { subscription, upto, .. } = event.kind {
            offsets.insert(subscription, upto);
            let (mailer, analytics) = (offsets[&SubscriptionId(0)], offsets[&SubscriptionId(1)]);
            ahead = ahead.max(analytics.saturating_sub(mailer));
            behind = behind.max(mailer.saturating_sub(analytics));
        }
    }
    assert!(ahead >= 2, "messaging at 2, analytics at 4: {ahead}");
    assert_eq!((behind, offsets.into_values().collect::<Vec<_>>()), (0, vec![5, 5]));
}

#[test]
fn c10_offsets_belong_to_the_group() {
    let fault = "reader.effect.before#3=crash";
    let two = [("subscriptions.0.consumers", "2"), ("times.restart", "60s")];
    let handed_over = run((Model::Log, ProcessThenSettle), &two, fault);
    assert_eq!(handed_over.effects(), [1; 5], "who takes over goes on where the other stopped");
    let by: BTreeSet<_> = handed_over
        .events
        .iter()
        .filter_map(|event| match event.kind {
            Kind::Committed { consumer, .. } => Some(consumer),
            _ => None,
        })
        .collect();
    assert_eq!(by.len(), 2);
}

/// C10: a log keeps by time or size, by whole segments, looks every five minutes, and does not ask
/// who has read it. So the
/// group that lags beyond that loses, and only that one.
#[test]
fn c10_retention_does_not_ask_who_has_read() {
    let slow_and_quick = "[{ name = \"mailer\", service_time = { distribution = \"constant\", \
        value = \"10s\" } }, { name = \"analytics\" }]";
    let short = [
        ("subscriptions", slow_and_quick),
        ("workload.messages", "60"),
        ("limits.drain", "1h"),
        ("log.retention_bytes", "3000"),
        ("log.segment_bytes", "1000"),
        ("consumer.prefetch", "1"),
    ];
    let cut = run((Model::Log, ProcessThenSettle), &short, "");
    let lost: Vec<u64> = cut.reports.iter().map(|report| report.lost()).collect();
    assert!(lost[0] > 0 && lost[1] == 0, "{lost:?}");
    let by_retention =
        |kind: &Kind| matches!(kind, Kind::Removed { reason: RemoveReason::Retention, .. });
    assert!(cut.count(by_retention) as u64 > lost[0], "most of them had been read");
    let whole = run((Model::Log, ProcessThenSettle), &short[..3], "");
    assert!(whole.reports.iter().all(|report| report.lost() == 0));
}

/// C12, half right: a message that fails is isolated on a queue, where it is given back and the
/// others go on; on a log it holds up its partition. That the crash windows are the same is C25.
#[test]
fn c12_a_queue_isolates_the_message_that_fails() {
    let poison = "reader.message.poison#2=poison";
    let requeue = [("consumer.on_error", "requeue"), ("models", "[\"queue\"]")];
    let queue = run((Model::Queue, ProcessThenSettle), &requeue, poison);
    assert_eq!((queue.end, queue.effects()), (RunEnd::Unfinished, vec![1, 0, 1, 1, 1]));
    let log = run((Model::Log, ProcessThenSettle), &[], poison);
    assert_eq!((log.end, log.effects()), (RunEnd::Unfinished, vec![1, 0, 0, 0, 0]));
}
