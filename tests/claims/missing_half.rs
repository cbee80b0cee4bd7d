//! B2, B5, B6, M1, M2, M6, A1, A2, A4 and A8: batches, backpressure and workers (semantics.md 1.5),
//! as far as the strategies of today show them.

use std::collections::BTreeSet;

use entrega_checker::Verdict;
use entrega_clients::Strategy::{
    MicroBatch, Parallel, ParallelNaive, ProcessThenSettle, SettleEveryN,
};
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

use crate::bench::{MODELS, Outcome, Run, Setting, every, outcomes, run, showing};

use Outcome::{DeadLetter as Q, Duplicate as D, Loss as L, Reorder as R, Stall as S};

const ALONE: Setting = ("subscriptions.0.consumers", "1");

/// B2: prefetch bounds what one crash sends back.
#[test]
fn b2_prefetch_bounds_the_redelivery_burst() {
    let rush = [("workload.messages", "40"), ("workload.arrivals.rate_per_second", "10000")];
    for (prefetch, expect) in [("1", 1), ("5", 5), ("20", 20), ("100", 39)] {
        let slow = ("subscriptions.0.service_time.value", "1s");
        let settings = [rush[0], rush[1], slow, ("consumer.prefetch", prefetch)];
        let fault = "reader.effect.before#2=crash";
        let crashed = run((Model::Queue, ProcessThenSettle), &settings, fault);
        let back = crashed.count(|kind| matches!(kind, Kind::Requeued { .. }));
        assert_eq!(back, expect, "prefetch {prefetch}");
    }
}

/// A batch that takes longer than a deadline: three messages of `per_item`, all at once.
fn livelock(model: Model, settings: &[Setting]) -> Run {
    let batch = [
        ("workload.messages", "3"),
        ("workload.arrivals.rate_per_second", "10000"),
        ("consumer.batch_size", "3"),
        ("consumer.batch_sink", "item-by-item"),
        ("subscriptions.0.service_time.value", "3s"),
        ("consumer.max_poll_interval", "7s"),
        ("queue.visibility_timeout", "7s"),
    ];
    run((model, MicroBatch), &[&batch[..], settings].concat(), "")
}

/// B5, B6: a batch that outlasts `max.poll.interval.ms`, or its lease, is applied, refused, and
/// applied again, for ever, without a single fault. The remedy is a smaller batch.
#[test]
fn b5_a_batch_beyond_the_deadline_is_repeated_for_ever() {
    for model in MODELS {
        let stuck = livelock(model, &[]);
        assert_eq!(stuck.end, RunEnd::Unfinished, "{model}");
        assert!(stuck.effects().iter().all(|&effects| effects > 3), "{model}");
        let done = |kind: &Kind| matches!(kind, Kind::Committed { .. } | Kind::Settled { .. });
        assert_eq!(stuck.count(done), 0, "{model}: nothing is ever settled");
        let smaller = livelock(model, &[("consumer.batch_size", "2"), ("consumer.prefetch", "2")]);
        assert_eq!((smaller.end, smaller.effects()), (RunEnd::Quiescent, vec![1; 3]), "{model}");
    }
}

/// B6: a handler that outlasts the visibility timeout, again and again, until the delivery limit
/// moves a message to the dead letters that has had its effect.
#[test]
fn b6_a_delivery_limit_dead_letters_what_was_done() {
    let slow = [
        ("workload.messages", "1"),
        ("subscriptions.0.service_time.value", "40s"),
        ("queue.visibility_timeout", "30s"),
        ("limits.drain", "1h"),
    ];
    let queue = (Model::Queue, ProcessThenSettle);
    let circling = run(queue, &slow, "");
    assert_eq!(circling.end, RunEnd::Unfinished);
    assert!(circling.effects()[0] > 50);
    let limits = [("queue.delivery_limit", "4"), ("queue.dead_letter", "true")];
    let limited = run(queue, &[&slow[..], &limits].concat(), "");
    assert_eq!((limited.effects(), limited.dead_letters()), (vec![4], vec![1]));
    let longer = run(queue, &[slow[0], slow[1], ("queue.visibility_timeout", "60s")], "");
    assert_eq!((longer.end, longer.effects()), (RunEnd::Quiescent, vec![1]));
}

/// M1: a settle for N messages costs a settle in N, and a crash repeats up to N.
#[test]
fn m1_the_window_of_duplicates_is_the_batch() {
    for model in MODELS {
        for (n, name) in [(1, "1"), (2, "2"), (4, "4")] {
            let settings = [
                ALONE,
                ("workload.messages", "4"),
                ("consumer.prefetch", "4"),
                ("consumer.settle_every", name),
            ];
            let runs = every((model, SettleEveryN), &["effect.after=crash"], 1, &settings);
            let worst = runs.iter().map(|run| run.reports[0].duplicated()).max();
            assert_eq!(worst, Some(n), "{model}");
            let settles =
                |kind: &Kind| matches!(kind, Kind::Committed { .. } | Kind::Settled { .. });
            let whole = if model == Model::Log { 4 / n as usize } else { 4 };
            assert_eq!(runs[0].count(settles), whole, "{model}: commits, or messages settled");
        }
    }
}

/// M2: an atomic sink makes the replay atomic: all of a batch twice or none of it. One that takes
/// item after item repeats any prefix.
#[test]
fn m2_an_atomic_sink_repeats_the_whole_batch_or_nothing() {
    let faults = ["effect.before=crash", "effect.after=crash", "effect.response=lost"];
    for model in MODELS {
        let repeated = |sink| {
            let settings = [ALONE, ("consumer.batch_sink", sink)];
            let runs = every((model, MicroBatch), &faults, 1, &settings);
            runs.iter().map(|run| run.reports[0].duplicated()).collect::<BTreeSet<_>>()
        };
        assert_eq!(repeated("atomic"), BTreeSet::from([0, 3]), "{model}");
        assert_eq!(repeated("item-by-item"), BTreeSet::from([0, 1, 2, 3]), "{model}");
    }
}

/// M6: a commit cannot pass a poison message in the middle of a batch. It stands, or the item goes
/// to the dead letters; on a queue it can be left behind by itself.
#[test]
fn m6_a_cumulative_commit_cannot_pass_a_poison_item() {
    let poison = ["message.poison=poison"];
    let by = |model, on_failure| {
        every((model, MicroBatch), &poison, 1, &[ALONE, ("consumer.batch_on_failure", on_failure)])
    };
    for (on_failure, log, queue) in [
        ("retry-whole", &[S][..], &[S][..]),
        ("bisect", &[S], &[S]),
        ("per-item", &[S], &[S]),
        ("dead-letter-item", &[Q], &[Q]),
    ] {
        assert_eq!(outcomes(&by(Model::Log, on_failure)), log, "log {on_failure}");
        assert_eq!(outcomes(&by(Model::Queue, on_failure)), queue, "queue {on_failure}");
    }
    for model in MODELS {
        let aside = by(model, "dead-letter-item");
        let kept = |run: &Run| run.reports[0].verdict == Verdict::Valid;
        assert!(aside.iter().all(kept), "{model}: a dead letter is declared by this policy");
    }
    let commits = |run: &Run| run.count(|kind| matches!(kind, Kind::Committed { .. }));
    assert!(by(Model::Log, "per-item")[1..].iter().all(|run| commits(run) == 0));
    let acks = |run: &Run| run.count(|kind| matches!(kind, Kind::Settled { .. }));
    assert!(by(Model::Queue, "per-item")[1..].iter().all(|run| acks(run) == 2));
}

/// A1: committing the highest that is done loses what is not, and the more workers, the more
/// schedules lose. With one worker it is the plain loop. A2: the low-water mark never loses.
#[test]
fn a1_naive_workers_lose_and_the_low_water_mark_does_not() {
    let faults = ["handler.slow=slow", "effect.before=crash"];
    for model in MODELS {
        let losing = |strategy, workers| {
            let settings = [ALONE, ("consumer.workers", workers)];
            let runs = every((model, strategy), &faults, 1, &settings);
            (showing(&runs, L), runs.len())
        };
        let naive = ["1", "2", "3"].map(|workers| losing(ParallelNaive, workers).0);
        assert_eq!(naive[0], 0, "{model}");
        assert!(naive[0] < naive[1] && naive[1] <= naive[2], "{model}: {naive:?}");
        for workers in ["1", "2", "3"] {
            let (lost, of) = losing(Parallel, workers);
            assert!(lost == 0 && of > 5, "{model}: {lost} of {of}");
        }
    }
}

/// A2: what a crash repeats is what was done above the mark, and on a queue what was not yet acked.
#[test]
fn a2_duplicates_are_what_was_done_above_the_mark() {
    let crash = ["effect.after=crash", "effect.before=crash"];
    for (model, worst) in [(Model::Log, 4), (Model::Queue, 2)] {
        let settings = [ALONE, ("workload.messages", "4"), ("consumer.prefetch", "4")];
        let runs = every((model, Parallel), &crash, 1, &settings);
        assert_eq!(outcomes(&runs[..1]), []);
        let most = runs.iter().map(|run| run.reports[0].duplicated()).max();
        assert_eq!(most, Some(worst), "{model}");
    }
}

/// A4: workers reorder the messages of a key; in the order of the keys they do not, at any fault.
#[test]
fn a4_ordered_keys_are_never_reordered() {
    let slow = ["handler.slow=slow", "handler.error=transient"];
    for model in MODELS {
        let of = |ordered| {
            let settings = [ALONE, ("consumer.key_ordered", ordered)];
            every((model, Parallel), &slow, 2, &settings)
        };
        assert!(showing(&of("false"), R) > 0, "{model}");
        let ordered = of("true");
        assert_eq!(showing(&ordered, R), 0, "{model}, {} runs", ordered.len());
    }
}

/// A8: a rebalance finds work in flight. Who finishes and settles it first has none of it repeated
/// (the crash that starts the rebalance repeats its own); who abandons it has it repeated by the
/// new owner.
#[test]
fn a8_a_rebalance_that_waits_repeats_less() {
    let of = |drain| {
        let settings = [
            ("workload.messages", "4"),
            ("workload.keys", "4"),
            ("log.partitions", "2"),
            ("consumer.drain_on_revoke", drain),
        ];
        every((Model::Log, Parallel), &["handler.slow=slow", "effect.before=crash"], 2, &settings)
    };
    let [waiting, abandoning] = [of("true"), of("false")];
    let by = |run: &Run| {
        let consumer = |kind: &Kind| match *kind {
            Kind::Effect { consumer, .. } => Some(consumer),
            _ => None,
        };
        let all: BTreeSet<_> = run.events.iter().filter_map(|one| consumer(&one.kind)).collect();
        all.len()
    };
    assert_eq!(by(&waiting[0]), 2, "both have work");
    let (few, many) = (showing(&waiting, D), showing(&abandoning, D));
    assert!(few < many, "{few} of {}, {many} of {}", waiting.len(), abandoning.len());
}
