//! Shutdowns of single processes, one by one and by name: what a library hands out before it says
//! so, what a grace that is over does, and when the next life begins.

mod lab;

use entrega_clients::Strategy::{AutoSettleAtDelivery, ProcessThenSettle};
use entrega_model::event::Phase;
use entrega_model::{Kind, Model};
use entrega_sim::RunEnd;

use crate::lab::Run;

const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "burst", burst_size = 5, every = "1s" }
[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 5
request_timeout = "1s"
auto_commit_interval = "10s"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
[times]
slow = "8s"
grace = "2s"
restart = "500ms"
"#;

const MODELS: [Model; 2] = [Model::Log, Model::Queue];

/// A turn at which most messages are fetched and not handed out.
const IN_THE_MIDST: u32 = 6;

fn run(overrides: &[(&str, &str)], model: Model, faults: &str) -> Run {
    lab::run(SCENARIO, overrides, model, ProcessThenSettle, faults)
}

/// How many times a consumer left cleanly before the end, crashed, and began a later life.
fn lives(run: &Run) -> [usize; 3] {
    let closing = run.events.iter().position(|event| is_entered(&event.kind, Phase::Quiescent));
    let until = closing.unwrap_or(run.events.len());
    let count = |wanted: fn(&Kind) -> bool| {
        run.events[..until].iter().filter(|event| wanted(&event.kind)).count()
    };
    [
        count(|kind| matches!(kind, Kind::Exited { process, .. } if process.0 > 0)),
        count(|kind| matches!(kind, Kind::Crashed { .. })),
        count(|kind| matches!(kind, Kind::Started { incarnation, .. } if incarnation.0 > 0)),
    ]
}

fn is_entered(kind: &Kind, wanted: Phase) -> bool {
    matches!(*kind, Kind::Entered { phase } if phase == wanted)
}

/// At every turn: the consumer leaves cleanly and comes back, and what it had not settled is
/// delivered again.
#[test]
fn a_consumer_that_settles_last_loses_nothing_by_a_shutdown() {
    for model in MODELS {
        for how in ["drain", "abandon"] {
            for turn in 1..=8 {
                let of = format!("{model} {how} {turn}");
                let run = run(&[], model, &format!("mailer.process.shutdown#{turn}={how}"));
                assert!(run.reached, "{of}");
                assert_eq!((run.end, run.effects.as_slice()), (RunEnd::Quiescent, &[1; 5][..]));
                assert_eq!(run.dead_letters, [0; 5], "{of}");
                assert_eq!(lives(&run), [1, 0, 1], "{of}");
            }
        }
    }
}

/// What was acked when it was delivered and is only fetched is lost if the library hands it out to
/// nobody. On a log the library stores no offset for that.
#[test]
fn what_is_settled_at_delivery_and_abandoned_is_lost() {
    let effects = |model, how: &str| {
        let fault = format!("mailer.process.shutdown#{IN_THE_MIDST}={how}");
        let run = lab::run(SCENARIO, &[], model, AutoSettleAtDelivery, &fault);
        assert!(run.reached && lives(&run) == [1, 0, 1], "{model} {how}");
        run.effects
    };
    assert_eq!(effects(Model::Queue, "drain"), [1; 5]);
    let abandoned = effects(Model::Queue, "abandon");
    assert_eq!(abandoned.iter().sum::<u32>(), 3, "{abandoned:?}");
    assert_eq!(effects(Model::Log, "drain"), [1; 5]);
    assert_eq!(effects(Model::Log, "abandon"), [1; 5]);
}

/// A handler that is slow when its process is asked to stop: it is killed when the grace is over,
/// and only then.
#[test]
fn what_is_not_gone_in_time_is_killed() {
    let faults =
        |turn: u32| format!("mailer.handler.slow#5=slow+mailer.process.shutdown#{turn}=drain");
    for model in MODELS {
        let is_killed = |turn: &u32| lives(&run(&[], model, &faults(*turn)))[1] > 0;
        let turn = (1..=8).find(is_killed).expect("a turn at which the fifth message is fetched");
        let killed = run(&[], model, &faults(turn));
        assert!(killed.reached);
        assert_eq!((lives(&killed), killed.effects.as_slice()), ([0, 1, 1], &[1; 5][..]));
        let at = |wanted: fn(&Kind) -> bool| {
            let found = killed.events.iter().find(|event| wanted(&event.kind));
            found.map(|event| event.at).expect("it happens")
        };
        let is_asked =
            |kind: &Kind| matches!(kind, Kind::Faulted { message, .. } if message.is_none());
        let grace = at(|kind| matches!(kind, Kind::Crashed { .. })).since(at(is_asked));
        assert_eq!(grace.to_string(), "2s", "{model}");
        let patient = run(&[("times.grace", "20s")], model, &faults(turn));
        assert_eq!(lives(&patient), [1, 0, 1], "{model}");
    }
}

/// A restart that takes longer than the rest after the last send: the heal waits for it.
#[test]
fn the_heal_waits_for_the_next_life() {
    let times = [("times.restart", "90s"), ("limits.drain", "1min")];
    for model in MODELS {
        let fault = format!("mailer.process.shutdown#{IN_THE_MIDST}=abandon");
        let run = run(&times, model, &fault);
        let begins = |wanted: &dyn Fn(&Kind) -> bool| {
            run.events.iter().position(|event| wanted(&event.kind)).expect("it happens")
        };
        let heal = begins(&|kind| is_entered(kind, Phase::Heal));
        let back =
            begins(&|kind| matches!(kind, Kind::Started { incarnation, .. } if incarnation.0 > 0));
        let drain = begins(&|kind| is_entered(kind, Phase::Drain));
        assert!(heal < back && back < drain, "{model}: {heal} {back} {drain}");
        assert_eq!((run.end, run.effects.as_slice()), (RunEnd::Quiescent, &[1; 5][..]));
        assert_eq!(run.count(|kind| is_entered(kind, Phase::Audit)), 1);
    }
}
