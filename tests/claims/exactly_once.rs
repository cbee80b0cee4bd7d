//! C13 to C17, C20, C25, C29, C30 and C32: which order of effect and settle gives what, on both
//! models, by every crash point.

use std::collections::BTreeSet;

use entrega_clients::Strategy::{self, *};
use entrega_model::{Kind, Model};

use crate::bench::{MODELS, Outcome, Run, Setting, causes, every, outcomes, run, showing};

/// Every point at which a process can die.
const CRASHES: [&str; 3] = ["effect.before=crash", "effect.after=crash", "settle.after=crash"];
const LOST_SETTLE: &str = "settle.request=lost";
const D: &[Outcome] = &[Outcome::Duplicate];
const L: &[Outcome] = &[Outcome::Loss];
const LD: &[Outcome] = &[Outcome::Loss, Outcome::Duplicate];
const NOTHING: &[Outcome] = &[];

/// One consumer that takes one message at a time: nobody else's order blurs the picture.
const ALONE: [Setting; 2] = [("subscriptions.0.consumers", "1"), ("consumer.prefetch", "1")];

/// C13: "with offsets there are several ways to update them" is just as true of a queue.
#[test]
fn c13_the_order_of_effect_and_settle_decides_on_both_models() {
    for (strategy, log, queue) in [
        (SettleThenProcess, L, L),
        (ProcessThenSettle, D, D),
        (AutoSettleAtNextReceive, D, D),
        (AutoSettleAtDelivery, LD, L),
    ] {
        for (model, expect) in [(Model::Log, log), (Model::Queue, queue)] {
            let slow_too = [&CRASHES[..], &["handler.slow=slow"]].concat();
            let runs = every((model, strategy), &slow_too, 1, &ALONE);
            assert_eq!(outcomes(&runs), expect, "{model} {strategy}, {} runs", runs.len());
        }
    }
}

/// C14: **ack each message and you have exactly-once?** Every crash point of deliver, effect, ack,
/// on its own, at each of three messages: one in the middle duplicates, and so does a lost ack.
#[test]
fn c14_acking_each_message_is_not_exactly_once() {
    let check = |strategy, fault: &str, expect: &[Outcome]| {
        let runs = every((Model::Queue, strategy), &[fault], 1, &ALONE);
        assert_eq!(outcomes(&runs), expect, "{strategy} {fault}");
        let affected = runs.iter().filter(|run| !run.outcomes().is_empty()).count();
        let each = if expect.is_empty() { 0 } else { runs.len() - 1 };
        assert_eq!(affected, each, "{strategy} {fault}: every schedule but the one without fault");
    };
    check(ProcessThenSettle, "effect.before=crash", NOTHING);
    check(ProcessThenSettle, "effect.after=crash", D);
    check(ProcessThenSettle, "settle.request=lost", D);
    check(ProcessThenSettle, "settle.response=lost", NOTHING);
    check(ProcessThenSettle, "settle.after=crash", NOTHING);
    check(SettleThenProcess, "settle.after=crash", L);
    check(SettleThenProcess, "effect.before=crash", L);
    check(SettleThenProcess, "effect.after=crash", NOTHING);
    for fault in [CRASHES[0], CRASHES[1], CRASHES[2], LOST_SETTLE] {
        check(DeduplicatingSink, fault, NOTHING);
    }
}

/// How often messages were handed over, in all runs.
fn hand_overs(runs: &[Run]) -> BTreeSet<u32> {
    runs.iter().flat_map(Run::deliveries).collect()
}

/// C15: one history, counted twice. At deliveries it is "two times"; at effects it is exactly once.
/// And nothing is exactly once in deliveries: whatever the strategy, some run hands a message over
/// twice, or never.
#[test]
fn c15_exactly_once_is_counted_at_the_effect() {
    for model in MODELS {
        let runs = every((model, DeduplicatingSink), &["effect.after=crash"], 1, &ALONE);
        assert_eq!(hand_overs(&runs), BTreeSet::from([1, 2]), "{model}");
        assert!(runs.iter().all(|run| run.effects() == [1; 3]), "{model}");
        let backlog = [("workload.messages", "5")];
        for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
            let unlucky = [
                "effect.before=crash",
                "receive.response=lost",
                "settle.request=late",
                "process.stall=before",
            ];
            let runs = every((model, strategy), &unlucky, 1, &backlog);
            assert_ne!(hand_overs(&runs), BTreeSet::from([1]), "{model} {strategy}");
            assert_eq!(hand_overs(&runs[..1]), BTreeSet::from([1]), "{model} {strategy}, calm");
        }
    }
}

/// C17: a mail server is no party to the atomic unit. Over a sink that only does what it is told
/// no order of effect and settle is exactly once; with a sink that recognises, keeps the
/// progress, or is the broker itself, there is neither loss nor duplicate in any of the same runs.
#[test]
fn c17_no_order_of_effect_and_settle_is_exactly_once() {
    let faults =
        [&CRASHES[..], &["handler.slow=slow", LOST_SETTLE, "process.stall=before"]].concat();
    for model in MODELS {
        for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model)) {
            let runs = every((model, strategy), &faults, 1, &[]);
            let harmed = showing(&runs, Outcome::Loss) + showing(&runs, Outcome::Duplicate);
            let sink_helps =
                matches!(strategy, DeduplicatingSink | ProgressWithEffect | Transactional);
            assert_eq!(harmed == 0, sink_helps, "{model} {strategy}: {harmed} of {}", runs.len());
        }
    }
}

/// C20: synchronous or not changes when the application learns of a failed commit, not the
/// guarantee. What is needed is that it is the application that commits.
#[test]
fn c20_sync_or_async_is_no_matter_of_the_guarantee() {
    let faults = [&CRASHES[..], &[LOST_SETTLE, "handler.slow=slow"]].concat();
    let fails = |kind: &Kind| matches!(kind, Kind::SettleEnded { .. });
    for model in MODELS {
        let sync = every((model, ProcessThenSettle), &faults, 2, &ALONE);
        let unconfirmed = [ALONE[0], ALONE[1], ("consumer.settle_confirmed", "false")];
        let async_ = every((model, ProcessThenSettle), &faults, 2, &unconfirmed);
        assert_eq!((outcomes(&sync), outcomes(&async_)), (D.to_vec(), D.to_vec()), "{model}");
        assert!(async_.iter().all(|run| run.count(fails) == 0), "{model}: it never learns");
        assert!(sync.iter().all(|run| run.count(fails) > 0), "{model}");
    }
    let automatic = every((Model::Log, AutoSettleAtDelivery), &faults, 1, &ALONE);
    assert!(outcomes(&automatic).contains(&Outcome::Loss));
}

/// C25: **queues fit better, because acks are per message?** The same crash schedules have the same
/// outcomes on both models, for every strategy that settles one message or one batch.
#[test]
fn c25_crashes_have_the_same_outcomes_on_both_models() {
    for (strategy, expect) in [
        (SettleThenProcess, L),
        (ProcessThenSettle, D),
        (SettleEveryN, D),
        (MicroBatch, D),
        (DeadLetter, D),
        (AutoSettleAtNextReceive, D),
        (DeduplicatingSink, NOTHING),
        (ProgressWithEffect, NOTHING),
        (ProgressWithEffectUnconditional, NOTHING),
    ] {
        for most in [1, 2] {
            for model in MODELS {
                let runs = every((model, strategy), &CRASHES, most, &ALONE);
                assert_eq!(outcomes(&runs), expect, "{model} {strategy}, {} runs", runs.len());
            }
        }
    }
}

/// C25: the same number of schedules, too: the windows are the same windows.
#[test]
fn c25_the_crash_windows_are_identical() {
    for strategy in [SettleThenProcess, ProcessThenSettle] {
        let [log, queue] = MODELS.map(|model| {
            let runs = every((model, strategy), &CRASHES, 2, &ALONE);
            let effects: BTreeSet<Vec<u32>> = runs.iter().map(Run::effects).collect();
            let harmed = runs.iter().filter(|run| !run.outcomes().is_empty()).count();
            (runs.len(), harmed, effects)
        });
        assert_eq!(log, queue, "{strategy}");
    }
}

/// C25: under a lost settle the log does better. The next commit covers the lost one, so it takes a
/// stop before that to duplicate; a lost ack duplicates on its own.
#[test]
fn c25_a_lost_settle_is_repaired_by_the_next_commit_only() {
    let lost = |model, most, settings: &[Setting]| {
        let settings = [&ALONE[..], settings].concat();
        every((model, ProcessThenSettle), &[LOST_SETTLE], most, &settings)
    };
    for most in [1, 2] {
        assert_eq!(outcomes(&lost(Model::Log, most, &[])), NOTHING);
        assert_eq!(outcomes(&lost(Model::Queue, most, &[])), D);
    }
    let both = ["effect.before=crash", LOST_SETTLE];
    let [log, queue] = MODELS.map(|model| every((model, ProcessThenSettle), &both, 2, &ALONE));
    assert_eq!((outcomes(&log), outcomes(&queue)), (D.to_vec(), D.to_vec()));
    let share = |runs: &[Run]| (showing(runs, Outcome::Duplicate), runs.len());
    let ((log, of_log), (queue, of_queue)) = (share(&log), share(&queue));
    assert!(log * of_queue < queue * of_log, "{log} of {of_log}, {queue} of {of_queue}");
    assert_eq!(outcomes(&lost(Model::Queue, 1, &[("consumer.settle_retries", "1")])), NOTHING);
}

/// C29: at-least-once and a clean-up by id is enough, as long as the id is stable: the producer's
/// is, and an offset is not.
#[test]
fn c29_duplicates_are_removed_by_a_stable_id() {
    let faults = [&CRASHES[..], &[LOST_SETTLE, "send.response=lost"]].concat();
    let setting = [ALONE[0], ALONE[1], ("producer.request_timeout", "1s")];
    for model in MODELS {
        let cleaned = every((model, DeduplicatingSink), &faults, 2, &setting);
        assert_eq!(outcomes(&cleaned), NOTHING, "{model}, {} runs", cleaned.len());
    }
    let by_offset = every((Model::Log, ProgressWithEffect), &["send.response=lost"], 1, &setting);
    assert_eq!(outcomes(&by_offset), D);
    assert_eq!(causes(&by_offset), [entrega_checker::Cause::StoredTwice]);
}

/// C30: settling first costs what settling last costs. What is bought with a weaker promise is a
/// settle for many messages.
#[test]
fn c30_the_side_of_the_settle_costs_nothing() {
    let rush = [("workload.messages", "100"), ("workload.arrivals.rate_per_second", "10000")];
    let last = |run: &Run| {
        let mut effects =
            run.events.iter().filter(|event| matches!(event.kind, Kind::Effect { .. }));
        effects.next_back().expect("an effect").at
    };
    let settles =
        |run: &Run| run.count(|kind| matches!(kind, Kind::Committed { .. } | Kind::Settled { .. }));
    for model in MODELS {
        let first = run((model, SettleThenProcess), &rush, "");
        let after = run((model, ProcessThenSettle), &rush, "");
        assert_eq!((settles(&first), settles(&after)), (100, 100), "{model}");
        let apart = last(&first).as_nanos().abs_diff(last(&after).as_nanos());
        assert!(apart < 5_000_000, "{model}: one round trip in all, {apart} ns");
        let every_ten = run((model, SettleEveryN), &rush, "");
        assert!(last(&every_ten) < last(&after), "{model}");
    }
}

/// C16, C32: exactly-once does not mean giving up parallelism. Over P partitions both routes that
/// there are here finish P times as fast as over one.
#[test]
fn c32_exactly_once_scales_with_partitions() {
    let span = |strategy, partitions| {
        let settings = [
            ("workload.messages", "120"),
            ("workload.keys", "120"),
            ("workload.arrivals.rate_per_second", "10000"),
            ("log.partitions", partitions),
            ("subscriptions.0.consumers", partitions),
        ];
        let run = run((Model::Log, strategy), &settings, "");
        assert_eq!(run.effects(), [1; 120]);
        let mut effects =
            run.events.iter().filter(|event| matches!(event.kind, Kind::Effect { .. }));
        effects.next_back().expect("an effect").at.as_nanos()
    };
    for strategy in [ProcessThenSettle, DeduplicatingSink, ProgressWithEffect] {
        let (one, four) = (span(strategy, "1"), span(strategy, "4"));
        assert!(four * 5 < one * 2, "{strategy}: {one} ns and {four} ns");
    }
}
