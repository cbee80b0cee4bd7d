//! Progress stored with the effect, fault by fault: exactly once, whatever happens on the
//! consumer's side, and its careless twin, which a zombie catches (semantics.md S10, notes 16, 17).

mod lab;

use entrega_clients::Strategy::{self, ProgressWithEffect, ProgressWithEffectUnconditional};
use entrega_model::event::{EffectVerdict, SettleTrigger};
use entrega_model::{Kind, Model};
use entrega_scenario::points;
use entrega_sim::RunEnd;

use lab::Run;

const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "constant", rate_per_second = 10 }
[producer]
request_timeout = "1s"
[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 3
request_timeout = "1s"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
[times]
stall = "10s"
slow = "8s"
late = "3s"
broker_restart = "2s"
"#;

const MODELS: [Model; 2] = [Model::Log, Model::Queue];

fn run(overrides: &[(&str, &str)], model: Model, strategy: Strategy, faults: &str) -> Run {
    lab::run(SCENARIO, overrides, model, strategy, faults)
}

fn check(model: Model, strategy: Strategy, faults: &str, expect: [u32; 5]) -> Run {
    let run = run(&[], model, strategy, faults);
    assert!(run.reached, "{model} {strategy}: {faults} must be reached");
    assert_eq!(run.effects, expect, "{model} {strategy} with {faults:?}");
    assert_eq!(run.end, RunEnd::Quiescent, "{model} {strategy} with {faults:?}");
    run
}

/// The faults of the consumer's side, each at each of its first eight occurrences.
fn single_faults() -> Vec<String> {
    let consumer = |info: &&points::FaultInfo| info.per_subscription;
    let blocks = |info: &&points::FaultInfo| info.fault == points::Fault::MessagePoison;
    let all = points::FAULTS.iter().filter(consumer).filter(|info| !blocks(info));
    all.flat_map(|info| {
        info.alternatives.names.iter().flat_map(move |alternative| {
            (1..=8).map(move |nth| format!("mailer.{}#{nth}={alternative}", info.name))
        })
    })
    .chain((1..=12).map(|nth| format!("broker.restart#{nth}=restart")))
    .collect()
}

#[test]
fn no_single_fault_loses_or_duplicates() {
    for model in MODELS {
        let mut reached = 0;
        for fault in single_faults() {
            let run = run(&[], model, ProgressWithEffect, &fault);
            assert_eq!(run.effects, [1; 5], "{model} {fault}");
            assert_eq!(run.end, RunEnd::Quiescent, "{model} {fault}");
            reached += usize::from(run.reached);
        }
        assert!(reached > 100, "{model}: only {reached} faults were reached");
    }
}

/// Two faults at once, those that leave somebody behind with a request or a belief of its own.
#[test]
fn no_pair_of_faults_loses_or_duplicates() {
    let of = |names: &[&str]| -> Vec<String> {
        let at = |name: &&str| (1..=4).map(|nth| name.replace('#', &format!("#{nth}"))).collect();
        names.iter().flat_map(|name: &&str| -> Vec<String> { at(name) }).collect()
    };
    let first = of(&[
        "mailer.process.stall#=before",
        "mailer.effect.request#=late",
        "mailer.effect.response#=lost",
    ]);
    let second = of(&[
        "mailer.effect.after#=crash",
        "mailer.effect.request#=lost",
        "mailer.settle.request#=late",
        "mailer.handler.slow#=slow",
    ]);
    for model in MODELS {
        let both = |(one, two): &(&String, &String)| one.split('=').next() != two.split('=').next();
        for (one, other) in
            first.iter().flat_map(|one| second.iter().map(move |two| (one, two))).filter(both)
        {
            let run = run(&[], model, ProgressWithEffect, &format!("{one}+{other}"));
            assert_eq!(run.effects, [1; 5], "{model} {one}+{other}");
            assert_eq!(run.end, RunEnd::Quiescent, "{model} {one}+{other}");
        }
    }
}

/// The condition is what does it: without it a zombie applies its effect again. (Note 17.)
#[test]
fn a_zombie_is_rejected_unless_nobody_looks() {
    let fault = "mailer.process.stall#2=before";
    for (model, verdict) in
        [(Model::Log, EffectVerdict::Rejected), (Model::Queue, EffectVerdict::Suppressed)]
    {
        let careful = check(model, ProgressWithEffect, fault, [1; 5]);
        let refused =
            |kind: &Kind| matches!(kind, Kind::Effect { verdict: v, .. } if *v == verdict);
        assert_eq!(careful.count(refused), 1, "{model}");
        let careless = run(&[], model, ProgressWithEffectUnconditional, fault);
        assert_eq!((careless.end, careless.effects[1]), (RunEnd::Quiescent, 2), "{model}");
    }
}

/// Without a zombie the twin is as good: the progress is in the sink all the same.
#[test]
fn a_crash_does_not_catch_the_twin() {
    for model in MODELS {
        for nth in 1..=5 {
            for point in ["effect.before", "effect.after", "settle.after"] {
                let fault = format!("mailer.{point}#{nth}=crash");
                check(model, ProgressWithEffectUnconditional, &fault, [1; 5]);
            }
        }
    }
}

/// On the log the zombie of the twin also moves the stored offset back. It joins its group again,
/// and whoever is assigned the partition then repeats what its successor had done since.
#[test]
fn the_twins_zombie_moves_the_progress_back() {
    let fault = "mailer.process.stall#2=before";
    let run = check(Model::Log, ProgressWithEffectUnconditional, fault, [1, 2, 2, 2, 2]);
    let back = |kind: &Kind| matches!(kind, Kind::Sought { from: 5, to: 2, .. });
    assert_eq!(run.count(back), 1);
    check(Model::Queue, ProgressWithEffectUnconditional, fault, [1, 2, 1, 1, 1]);
}

/// Note 16: after an unknown result the consumer reads the progress, whether the transaction was
/// done (lost answer), not done (lost request), or will be (late request). The first call reads the
/// progress, the second is for the first message: the hard one, since nothing is stored yet.
#[test]
fn an_unknown_result_is_looked_up() {
    for nth in [2, 3] {
        for what in ["request#N=lost", "request#N=late", "response#N=lost"] {
            let fault = format!("mailer.effect.{}", what.replace('N', &nth.to_string()));
            let one = [("subscriptions.0.consumers", "1")];
            let run = run(&one, Model::Log, ProgressWithEffect, &fault);
            assert_eq!((run.effects.as_slice(), run.reached), ([1; 5].as_slice(), true), "{fault}");
            let sought = |kind: &Kind| matches!(kind, Kind::Sought { .. });
            assert_eq!(run.count(sought), 1, "{fault}");
        }
    }
}

/// The broker's committed offset is for whoever watches the lag. It may stay behind for good.
#[test]
fn the_brokers_progress_is_not_needed() {
    let lost: Vec<String> =
        (1..=5).map(|nth| format!("mailer.settle.request#{nth}=lost")).collect();
    let faults = format!("{}+mailer.effect.after#5=crash", lost[..4].join("+"));
    let run = check(Model::Log, ProgressWithEffect, &faults, [1; 5]);
    let forward = |kind: &Kind| matches!(kind, Kind::Sought { from: 0, to: 5, .. });
    assert_eq!(run.count(forward), 1, "the successor goes on where the sink says");
    let by_commits = check(Model::Log, Strategy::ProcessThenSettle, &faults, [2, 2, 2, 2, 2]);
    assert_eq!(by_commits.count(|kind| matches!(kind, Kind::Sought { .. })), 0);
}

/// Giving a message up stores the progress past it, without an effect.
#[test]
fn a_dead_letter_is_passed_once() {
    for model in MODELS {
        let overrides = [("consumer.on_error", "dead-letter")];
        let faults = "mailer.message.poison#2=poison+mailer.effect.before#3=crash";
        let run = run(&overrides, model, ProgressWithEffect, faults);
        assert!(run.reached);
        assert_eq!((run.effects, run.end), (vec![1, 0, 1, 1, 1], RunEnd::Quiescent), "{model}");
        assert_eq!(run.dead_letters, [0, 1, 0, 0, 0], "{model}");
    }
}

/// Nothing may pass a message that is not done, so skipping one tries it again on a log.
#[test]
fn skipping_is_not_possible_past_a_condition() {
    let overrides = [("consumer.on_error", "skip")];
    let fault = "mailer.handler.error#2=transient";
    let run = run(&overrides, Model::Log, ProgressWithEffect, fault);
    assert_eq!(run.effects, [1; 5]);
}

/// A message that is stored twice has two offsets, so a log applies it twice; the row of a queue is
/// the producer's own id.
#[test]
fn a_resend_is_recognised_by_id_and_not_by_offset() {
    let fault = "send.response#2=lost";
    check(Model::Log, ProgressWithEffect, fault, [1, 2, 1, 1, 1]);
    check(Model::Queue, ProgressWithEffect, fault, [1; 5]);
}

#[test]
fn every_commit_is_asked_for_by_the_application() {
    let run = check(Model::Log, ProgressWithEffect, "", [1; 5]);
    let others = |kind: &Kind| match kind {
        Kind::Committed { trigger, .. } => *trigger != SettleTrigger::Application,
        _ => false,
    };
    assert_eq!(run.count(others), 0);
}
