//! What a sink recognises, and what gets past it.
//!
//! Goal: deduplication is a property of the sink, so it does the same for every strategy: it takes
//! the second effect away and brings no lost one back. Each way to recognise lets through what its
//! documentation says, and nothing else. Method: one message that comes twice, by a crash, by a
//! zombie or because it is stored twice, and how many effects it has.

#[path = "lab/mod.rs"]
mod lab;

use entrega_clients::Strategy;
use entrega_model::event::EffectVerdict;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

const SCENARIO: &str = r#"
[workload]
messages = 3
arrivals = { distribution = "constant", rate_per_second = 10 }
[producer]
request_timeout = "1s"
[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 1
request_timeout = "1s"
settle_every = 2
settle_interval = "300ms"
batch_size = 1
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
[times]
stall = "10s"
"#;

const MODELS: [Model; 2] = [Model::Log, Model::Queue];
const CRASH: &str = "mailer.effect.after#1=crash";
const ZOMBIE: &str = "mailer.process.stall#1=before";
const STALL: &str = "mailer.process.stall#1=after";
const TWO_COPIES: &str = "send.response#1=lost";

type Set = &'static [(&'static str, &'static str)];

const NONE: Set = &[];
const ATOMIC: Set = &[("sink.dedup", "atomic")];
const CHECK: Set = &[("sink.dedup", "check-then-write")];
const MEMORY: Set = &[("sink.dedup", "process-memory")];

/// The first message's effects on both models.
fn effects(
    strategy: Strategy,
    set: &[(&str, &str)],
    more: &[(&str, &str)],
    faults: &str,
) -> [u32; 2] {
    MODELS.map(|model| {
        let run = lab::run(SCENARIO, &[set, more].concat(), model, strategy, faults);
        assert!(run.reached && run.end == RunEnd::Quiescent, "{model} {strategy} {set:?} {faults}");
        assert!(run.dead_letters.iter().all(|&count| count == 0), "{model} {strategy} {set:?}");
        run.effects[0]
    })
}

#[track_caller]
fn check(set: Set, more: Set, faults: &str, expect: u32) {
    let of = effects(Strategy::ProcessThenSettle, set, more, faults);
    assert_eq!(of, [expect; 2], "{set:?} {more:?} {faults}");
}

/// A crash after the effect, a zombie before it, and a second copy: what each way lets through.
#[test]
fn each_way_lets_through_what_it_says() {
    check(NONE, &[], CRASH, 2);
    check(NONE, &[], ZOMBIE, 2);
    check(NONE, &[], TWO_COPIES, 2);
    for faults in [CRASH, ZOMBIE, STALL, TWO_COPIES] {
        check(ATOMIC, &[], faults, 1);
    }
    check(CHECK, &[], CRASH, 1);
    check(CHECK, &[], STALL, 1);
    check(CHECK, &[], TWO_COPIES, 1);
    check(CHECK, &[], ZOMBIE, 2);
    check(MEMORY, &[], CRASH, 2);
    check(MEMORY, &[], STALL, 2);
    check(MEMORY, &[], ZOMBIE, 2);
    check(MEMORY, &[("subscriptions.0.consumers", "1")], TWO_COPIES, 1);
}

/// A crash between the look and the write leaves nothing behind, so the next look finds nothing and
/// the next life works.
#[test]
fn a_crash_between_look_and_write_is_harmless() {
    for set in [CHECK, MEMORY, ATOMIC] {
        check(set, &[], "mailer.effect.before#1=crash", 1);
    }
}

/// What comes back after the window is new to the sink; so is what comes after as many others as
/// there is room for. A log reads the first message again before any newer one.
#[test]
fn what_is_forgotten_has_its_effect_again() {
    const ALONE: Set = &[("subscriptions.0.consumers", "1")];
    for set in [ATOMIC, CHECK] {
        let check = |bound: Set, expect: [u32; 2]| {
            let of = effects(Strategy::ProcessThenSettle, set, bound, STALL);
            assert_eq!(of, expect, "{set:?} {bound:?}");
        };
        check(&[("sink.dedup_window", "1h")], [1, 1]);
        check(&[("sink.dedup_window", "500ms")], [2, 2]);
        check(&[("sink.dedup_entries", "3")], [1, 1]);
        check(&[("sink.dedup_entries", "1")], [1, 2]);
    }
    let copies = |window: Set, expect| {
        let of =
            effects(Strategy::ProcessThenSettle, MEMORY, &[ALONE, window].concat(), TWO_COPIES);
        assert_eq!(of, [expect; 2], "{window:?}");
    };
    copies(&[("sink.dedup_window", "1h")], 1);
    copies(&[("sink.dedup_window", "500ms")], 2);
}

/// The strategy with a sink of its own is process-then-settle over an atomic one: the same events,
/// whether the setting is written or not.
#[test]
fn the_strategy_is_process_then_settle_over_an_atomic_sink() {
    for model in MODELS {
        for faults in ["", CRASH, ZOMBIE, STALL, TWO_COPIES] {
            let events = |strategy, set| lab::run(SCENARIO, set, model, strategy, faults).events;
            let own = events(Strategy::DeduplicatingSink, NONE);
            assert!(own == events(Strategy::ProcessThenSettle, ATOMIC), "{model} {faults}");
            assert!(own == events(Strategy::DeduplicatingSink, ATOMIC), "{model} {faults}");
        }
    }
}

/// No strategy duplicates over an atomic sink, and none loses less than over a plain one.
#[test]
fn it_combines_with_every_strategy() {
    let all = Strategy::ALL.into_iter().filter(|one| {
        let sink = one.spec().sink;
        !sink.keeps_progress() && !sink.is_broker()
    });
    let mut repeats = 0;
    for strategy in all {
        for model in MODELS.into_iter().filter(|model| strategy.supports(*model)) {
            for faults in [CRASH, ZOMBIE, TWO_COPIES, "mailer.effect.before#1=crash"] {
                let of = |set| lab::run(SCENARIO, set, model, strategy, faults).effects;
                let (plain, atomic) = (of(NONE), of(ATOMIC));
                let once: Vec<u32> = plain.iter().map(|&count| count.min(1)).collect();
                assert_eq!(atomic, once, "{model} {strategy} {faults}");
                repeats += plain.iter().filter(|&&count| count > 1).count();
            }
        }
    }
    assert!(repeats > 20, "{repeats}");
}

/// A look costs a call, and its failure no effect.
#[test]
fn a_look_without_an_answer_is_tried_again() {
    for model in MODELS {
        let faults = "mailer.effect.request#1=lost";
        let run = lab::run(SCENARIO, CHECK, model, Strategy::ProcessThenSettle, faults);
        assert_eq!(run.effects, [1, 1, 1], "{model}");
        let run = lab::run(SCENARIO, CHECK, model, Strategy::ProcessThenSettle, CRASH);
        let suppressed =
            |kind: &Kind| matches!(kind, Kind::Effect { verdict: EffectVerdict::Suppressed, .. });
        assert_eq!(run.count(suppressed), 1, "{model}: the second delivery is done at once");
    }
}

/// A batch is looked through before it is written: what is known is left out of it.
#[test]
fn a_batch_is_written_without_what_is_known() {
    let batch: Set = &[
        ("consumer.batch_size", "3"),
        ("consumer.prefetch", "3"),
        ("subscriptions.0.consumers", "1"),
    ];
    for (set, expect) in [(NONE, 2), (ATOMIC, 1), (CHECK, 1), (MEMORY, 2)] {
        for model in MODELS {
            let set = [set, batch].concat();
            let run = lab::run(SCENARIO, &set, model, Strategy::MicroBatch, CRASH);
            assert_eq!(run.effects, [expect; 3], "{model} {set:?}");
            assert!(run.reached, "{model} {set:?}");
        }
    }
}
