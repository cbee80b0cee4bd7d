//! C22, C24, C26, C27, C28: what to do with a message that fails, on both models (semantics.md
//! 1.4).

use entrega_checker::Cause;
use entrega_clients::Strategy::{
    self, BrokerDeadLetter, DeadLetter, Parallel, ParallelNaive, ProcessThenSettle,
};
use entrega_model::event::DeadLetterReason;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

use crate::bench::{MODELS, Outcome, Setting, every, outcomes, run, showing};

use Outcome::{DeadLetter as Q, DeadLetteredTwice, Duplicate as D, Loss as L, Reorder as R};
use Outcome::{Split, Stall as S};

const ALONE: Setting = ("subscriptions.0.consumers", "1");
const QUEUE_ONLY: Setting = ("models", "[\"queue\"]");
const ERROR: &str = "handler.error=transient";
const POISON: &str = "message.poison=poison";
const TARGET: Setting = ("queue.dead_letter", "true");

/// C22: the table of semantics.md 1.4. A policy, and what one transient error and one poison
/// message come to on a log and on a queue; `process-then-settle`, one consumer, prefetch 3.
#[test]
fn c22_error_policies_differ_by_model() {
    let table: [(&str, Model, &[Outcome], &[Outcome]); 11] = [
        ("skip", Model::Log, &[L, S], &[L, S]),
        ("skip", Model::Queue, &[R], &[S]),
        ("skip-and-settle", Model::Log, &[L], &[L]),
        ("skip-and-settle", Model::Queue, &[L], &[L]),
        ("retry", Model::Log, &[], &[S]),
        ("retry", Model::Queue, &[], &[S]),
        ("requeue", Model::Queue, &[R], &[S]),
        ("crash", Model::Log, &[], &[S]),
        ("crash", Model::Queue, &[], &[S]),
        ("dead-letter", Model::Log, &[], &[Q]),
        ("dead-letter", Model::Queue, &[], &[Q]),
    ];
    let mut wrong = Vec::new();
    for (policy, model, transient, poison) in table {
        let settings = [ALONE, ("consumer.on_error", policy), QUEUE_ONLY];
        let settings = if model == Model::Queue { &settings[..] } else { &settings[..2] };
        for (fault, expect) in [(ERROR, transient), (POISON, poison)] {
            let runs = every((model, ProcessThenSettle), &[fault], 1, settings);
            if outcomes(&runs) != expect {
                wrong.push(format!("{policy} {model} {fault}: {:?}", outcomes(&runs)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// C22, the rest of the table: a retry that outlasts the poll interval, or the lease, is repeated
/// by somebody else; a crash repeats the open window.
#[test]
fn c22_a_retry_that_takes_too_long_duplicates() {
    let two = ("subscriptions.0.consumers", "2");
    let error = "reader.handler.error#2=transient";
    let patient = [two, ("consumer.retry_backoff", "30s"), ("consumer.max_poll_interval", "5s")];
    for model in MODELS {
        let late = run((model, ProcessThenSettle), &patient, error);
        assert_eq!(late.effects()[1], 2, "{model}");
        let quick = run((model, ProcessThenSettle), &patient[..1], error);
        assert_eq!(quick.effects(), [1; 5], "{model}");
        let window = [ALONE, ("consumer.on_error", "crash")];
        let runs = every((model, Strategy::SettleEveryN), &[ERROR], 1, &window);
        assert_eq!(outcomes(&runs), [D], "{model}");
    }
}

/// C24: "one must stop" is too strong. Behind a message that is stuck the others are *processed*;
/// only the commit holds at the low-water mark. The price is the window: after a crash everything
/// above the mark is repeated, so it grows with the number of messages. Who commits past it loses.
#[test]
fn c24_only_the_commit_has_to_stop() {
    for messages in ["6", "12", "24"] {
        let rush = [("workload.messages", messages), ("workload.keys", "24")];
        let n: u32 = messages.parse().expect("a number");
        let stuck = format!("reader.handler.slow#1=slow+reader.effect.before#{}=crash", n - 1);
        let marked = run((Model::Log, Parallel), &rush, &stuck);
        let effects = marked.effects();
        assert!(effects.iter().all(|&effects| effects >= 1), "{effects:?}");
        let repeated = effects.iter().filter(|&&effects| effects == 2).count();
        assert_eq!(repeated, n as usize - 2, "all but the one that is stuck and the last");
        let queue = run((Model::Queue, Parallel), &rush, &stuck);
        assert_eq!(queue.effects(), vec![1; n as usize], "each ack stands for itself");
        let naive = run((Model::Log, ParallelNaive), &rush, &stuck);
        assert_eq!(naive.effects()[0], 0, "passed over");
    }
}

/// C26: leaving the message that fails in the queue is possible, and what becomes of it is a matter
/// of the profile: a hot loop, a slow circle, dropped after its last delivery, or dead-lettered.
#[test]
fn c26_a_failing_message_may_stay_in_the_queue() {
    let poison = "reader.message.poison#2=poison";
    let requeue = [QUEUE_ONLY, ("consumer.on_error", "requeue")];
    let skip = [("consumer.on_error", "skip"), ("queue.requeue_on_disconnect", "false")];
    let queue = (Model::Queue, ProcessThenSettle);
    let hot = run(queue, &requeue, poison);
    assert_eq!(hot.end, RunEnd::Unfinished);
    assert!(hot.deliveries()[1] > 500, "round and round: {:?}", hot.deliveries());
    let circling = run(queue, &skip, poison);
    assert_eq!(circling.end, RunEnd::Unfinished);
    assert!((3..10).contains(&circling.deliveries()[1]), "once a lease");
    let limit = ("queue.delivery_limit", "5");
    let dropped = run(queue, &[requeue[0], requeue[1], limit], poison);
    assert_eq!((dropped.effects(), dropped.deliveries()[1]), (vec![1, 0, 1, 1, 1], 5));
    assert_eq!(Vec::from_iter(dropped.causes()), [Cause::RemovedDeliveryLimit]);
    let kept = run(queue, &[requeue[0], requeue[1], limit, TARGET], poison);
    assert_eq!((kept.reports[0].lost(), kept.dead_letters()), (0, vec![0, 1, 0, 0, 0]));
}

/// C27: a queue's built-in dead letters go by *deliveries*, so errors and crashes count alike, and
/// a limit that is too small takes healthy messages. With a limit of k it takes k faults.
#[test]
fn c27_a_delivery_limit_takes_healthy_messages() {
    let faults = ["effect.before=crash", ERROR];
    let requeue = [ALONE, QUEUE_ONLY, TARGET, ("consumer.on_error", "requeue")];
    for (limit, one, two) in [("1", &[Q][..], &[Q][..]), ("2", &[], &[Q]), ("3", &[], &[])] {
        let settings = [&requeue[..], &[("queue.delivery_limit", limit)]].concat();
        for (most, expect) in [(1, one), (2, two)] {
            let runs = every((Model::Queue, ProcessThenSettle), &faults, most, &settings);
            let without_order: Vec<_> =
                outcomes(&runs).into_iter().filter(|&one| one != R).collect();
            assert_eq!(without_order, expect, "limit {limit}, {most} faults");
        }
    }
}

/// C27: a crash counts for *all* that the consumer held, so prefetch puts innocents at risk.
#[test]
fn c27_a_crash_counts_for_the_whole_prefetch() {
    let four = ("workload.messages", "4");
    let settings = [ALONE, TARGET, ("queue.delivery_limit", "1"), four];
    for (prefetch, expect) in [("1", 1), ("2", 2), ("3", 3)] {
        let settings = [&settings[..], &[("consumer.prefetch", prefetch)]].concat();
        let runs = every((Model::Queue, ProcessThenSettle), &["effect.before=crash"], 1, &settings);
        let taken = runs.iter().map(|run| run.dead_letters().iter().sum::<u32>()).max();
        assert_eq!(taken, Some(expect), "prefetch {prefetch}");
    }
}

/// C27: so does a poison message that ends its program. Alone in its consumer's hands it is the
/// only one that the limit takes, in every run; with a prefetch it takes its neighbours along.
#[test]
fn c27_poison_takes_its_neighbours_along() {
    let four = ("workload.messages", "4");
    let crash = ("consumer.on_error", "crash");
    let settings = [ALONE, TARGET, ("queue.delivery_limit", "2"), crash, four];
    for (prefetch, expect) in [("1", 1), ("2", 2), ("3", 3)] {
        let settings = [&settings[..], &[("consumer.prefetch", prefetch)]].concat();
        let runs = every((Model::Queue, ProcessThenSettle), &[POISON], 1, &settings);
        let taken = runs.iter().map(|run| run.dead_letters().iter().sum::<u32>()).max();
        assert_eq!(taken, Some(expect), "prefetch {prefetch}");
    }
}

/// C28: dead letters of one's own are a second write before the settle. A fault in between makes
/// two of them, or one beside the effect. A queue's own `reject` is one step: never two.
#[test]
fn c28_dead_letters_of_ones_own_are_two_steps() {
    let faults = [POISON, ERROR, "dead_letter.response=lost", "settle.request=lost"];
    let one_attempt = [ALONE, TARGET, ("consumer.max_attempts", "1")];
    for model in MODELS {
        let by_client = every((model, DeadLetter), &faults, 2, &one_attempt);
        let expect = if model == Model::Log {
            vec![Split, DeadLetteredTwice, Q]
        } else {
            vec![D, Split, DeadLetteredTwice, R, Q]
        };
        assert_eq!(outcomes(&by_client), expect, "{model}");
    }
    let by_broker = every((Model::Queue, BrokerDeadLetter), &faults, 2, &one_attempt);
    assert_eq!(showing(&by_broker, DeadLetteredTwice), 0);
    let rejected =
        |kind: &Kind| matches!(kind, Kind::DeadLettered { reason: DeadLetterReason::Rejected, .. });
    assert!(by_broker.iter().any(|run| run.count(rejected) > 0));
    let nowhere = [ALONE, ("consumer.max_attempts", "1")];
    let dropped = every((Model::Queue, BrokerDeadLetter), &[POISON], 1, &nowhere);
    assert_eq!(outcomes(&dropped), [L], "and without a target it is gone");
}
