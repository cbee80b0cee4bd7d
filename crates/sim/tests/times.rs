//! What happens at a time: outages, consumers that come and go, crashes by time, stalls that are
//! drawn.
//!
//! Goal: each happens when the scenario says, whatever the processes do, under every strategy on
//! both models; what a replay is given of it, it does again. Method: the events of a run are looked
//! through for who did what and when. The opposite of a crash by time is one at a point: there a
//! short ack is hit as often as a long handler.

use entrega_choice::Choices;
use entrega_clients::Strategy;
use entrega_model::event::{EffectVerdict, ProcessingResult};
use entrega_model::{Event, Instant, Kind, Model, ProcessId};
use entrega_scenario::points::{self, Fault};
use entrega_scenario::workload::Workload;
use entrega_scenario::{Scenario, SubscriptionSettings};
use entrega_sim::{Experiment, Outcome};

const BOTH: [Model; 2] = [Model::Log, Model::Queue];
const PLAIN: Strategy = Strategy::ProcessThenSettle;

const SCENARIO: &str = r#"
[workload]
messages = 40
keys = 8
arrivals = { distribution = "constant", rate_per_second = 10 }
[[subscriptions]]
name = "mailer"
consumers = 3
service_time = { distribution = "constant", value = "50ms" }
[consumer]
prefetch = 2
request_timeout = "1s"
[log]
partitions = 3
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
"#;

/// A run by chance and script.
fn by_chance(text: &str, model: Model, strategy: Strategy, seed: u64) -> (Vec<Event>, Outcome) {
    let loaded = Scenario::parse("test.toml", text, &[], &|_| Err("none".to_owned()));
    let scenario = loaded.unwrap_or_else(|problem| panic!("{problem}")).scenario;
    run_of(&scenario, model, strategy, seed, None)
}

fn run_of(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
    seed: u64,
    choices: Option<Choices>,
) -> (Vec<Event>, Outcome) {
    let workload = Workload::generate(scenario, None, seed);
    let experiment = Experiment { scenario, workload: &workload, model, strategy, seed };
    let mut events = Vec::new();
    let outcome =
        experiment.run(choices.unwrap_or_else(|| experiment.random_choices()), &mut events);
    (events, outcome)
}

fn millis(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// When something happened.
fn when(events: &[Event], wanted: impl Fn(&Kind) -> bool) -> Vec<Instant> {
    events.iter().filter(|event| wanted(&event.kind)).map(|event| event.at).collect()
}

fn is_effect(kind: &Kind) -> bool {
    matches!(kind, Kind::Effect { verdict: EffectVerdict::Applied, .. })
}

/// The lives of a process: when each began, and when it ended.
fn lives(events: &[Event], process: u16) -> (Vec<Instant>, Vec<Instant>) {
    let of = ProcessId(process);
    let began = |kind: &Kind| matches!(kind, Kind::Started { process, .. } if *process == of);
    let ended = |kind: &Kind| match kind {
        Kind::Crashed { process, .. } | Kind::Exited { process, .. } => *process == of,
        _ => false,
    };
    (when(events, began), when(events, ended))
}

#[test]
fn a_sink_that_is_away_applies_nothing_and_loses_nothing() {
    let check = |alternative: &str, result: ProcessingResult| {
        let outage = format!(
            "{SCENARIO}\n[[script]]\npoint = 'mailer.sink.outage'\nalternative = '{alternative}'\n\
             at = '1s'\nfor = '2s'\n"
        );
        for model in BOTH {
            let (events, _) = by_chance(&outage, model, PLAIN, 1);
            let effects = when(&events, is_effect);
            assert_eq!(effects.len(), 40, "{model} {alternative}");
            let (from, until) = (millis(1_000), millis(3_000));
            assert!(effects.iter().all(|&at| at < from || at >= until), "{model} {alternative}");
            assert!(effects.iter().any(|&at| at < from) && effects.iter().any(|&at| at >= until));
            let failed = |kind: &Kind| match kind {
                Kind::ProcessingEnded { result: seen, .. } => *seen == result,
                _ => false,
            };
            assert!(!when(&events, failed).is_empty(), "{model} {alternative}");
        }
    };
    check("refuses", ProcessingResult::Transient);
    check("silent", ProcessingResult::Unknown);
}

/// The end of an outage does not depend on when the first request met it.
#[test]
fn an_outage_that_is_over_before_anybody_asks_is_none() {
    let late = format!(
        "{SCENARIO}\n[[script]]\npoint = 'mailer.sink.outage'\nalternative = 'refuses'\n\
         at = '5s'\nfor = '1ms'\n"
    );
    let (events, _) = by_chance(&late, Model::Queue, PLAIN, 1);
    assert!(when(&events, |kind| matches!(kind, Kind::Faulted { .. })).is_empty());
}

/// A restart forgets what was in flight; an outage does not, but members that are not heard are
/// removed, and nothing is lost.
#[test]
fn a_broker_that_nobody_reaches_forgets_nothing() {
    let outage = |span: &str| {
        format!(
            "{SCENARIO}\n[[script]]\npoint = 'broker.outage'\nalternative = 'silent'\n\
             at = '1s'\nfor = '{span}'\n"
        )
    };
    let expired = |kind: &Kind| matches!(kind, Kind::SessionExpired { .. });
    for model in BOTH {
        for (span, ends_sessions) in [("2s", false), ("10s", model == Model::Log)] {
            let (events, outcome) = by_chance(&outage(span), model, PLAIN, 1);
            assert_eq!(outcome.end, entrega_sim::RunEnd::Quiescent, "{model} {span}");
            assert!(when(&events, |kind| matches!(kind, Kind::BrokerRestarted)).is_empty());
            assert_eq!(!when(&events, expired).is_empty(), ends_sessions, "{model} {span}");
            assert!(when(&events, is_effect).len() >= 40, "{model} {span}");
            let settled =
                when(&events, |kind| matches!(kind, Kind::Settled { .. } | Kind::Committed { .. }));
            let away = millis(1_200)..millis(if span == "2s" { 3_000 } else { 11_000 });
            assert!(!settled.iter().any(|at| away.contains(at)), "{model} {span}");
        }
    }
}

#[test]
fn consumers_come_and_go_at_their_times() {
    let changes = "changes = [{ consumer = 1, at = '1s', what = 'dies' }, { consumer = 2, at = \
                   '1500ms', what = 'leaves' }, { consumer = 3, at = '2s', what = 'joins' }]\n";
    let text = SCENARIO.replace("consumers = 3\n", &format!("consumers = 3\n{changes}"));
    for model in BOTH {
        let (events, _) = by_chance(&text, model, PLAIN, 1);
        let (began, ended) = lives(&events, 1);
        assert_eq!((began, ended.as_slice()), (vec![Instant::START], &[millis(1_000)][..]));
        let (began, ended) = lives(&events, 2);
        assert_eq!(began, [Instant::START], "{model}");
        assert!(ended.len() == 1 && ended[0] >= millis(1_500) && ended[0] < millis(3_000));
        let (began, _) = lives(&events, 3);
        assert_eq!(began, [millis(2_000)], "{model}");
        let crashed = |kind: &Kind| matches!(kind, Kind::Crashed { .. });
        assert_eq!(when(&events, crashed), [millis(1_000)], "{model}");
        assert!(when(&events, is_effect).len() >= 40, "{model}");
        assert!(when(&events, |kind| matches!(kind, Kind::Retrievable { .. })).is_empty());
    }
}

/// One after another: nobody is asked to stop before the one before is back for as long as the
/// pause.
#[test]
fn a_rolling_restart_takes_one_process_after_another() {
    let rolling = "rolling_restart = { at = '1s', pause = '500ms' }\n";
    let text = SCENARIO.replace("consumers = 3\n", &format!("consumers = 3\n{rolling}"));
    for model in BOTH {
        let (events, _) = by_chance(&text, model, PLAIN, 1);
        let mut before = millis(500);
        for process in 1..=3 {
            let (began, ended) = lives(&events, process);
            assert_eq!((began.len(), ended.len()), (2, 2), "{model} {process}");
            assert!(ended[0] >= before + entrega_model::Duration::from_millis(500), "{model}");
            assert!(began[1] > ended[0], "{model}");
            before = began[1];
        }
        assert!(when(&events, |kind| matches!(kind, Kind::Crashed { .. })).is_empty());
        assert!(when(&events, is_effect).len() >= 40, "{model}");
    }
}

fn mortal(mtbf: &str, restart: &str) -> String {
    let more = format!("consumers = 3\nmtbf = '{mtbf}'\n");
    format!("{}[times]\nrestart = '{restart}'\n", SCENARIO.replace("consumers = 3\n", &more))
}

/// The instants are those of the seed. Which of them find the process down depends on the restart
/// alone, which is the same for all.
#[test]
fn every_strategy_on_both_models_crashes_at_the_same_instants() {
    let crashes = |model, strategy, seed| {
        let (events, _) = by_chance(&mortal("1s", "100ms"), model, strategy, seed);
        let until_sent = events.into_iter().filter(|event| event.at < millis(3_900));
        let dies = until_sent.filter_map(|event| match event.kind {
            Kind::Crashed { process, .. } => Some((event.at, process)),
            _ => None,
        });
        dies.collect::<Vec<_>>()
    };
    let base = crashes(Model::Queue, PLAIN, 1);
    assert!(base.len() > 3, "{base:?}");
    for model in BOTH {
        for &strategy in Strategy::CORE {
            assert_eq!(crashes(model, strategy, 1), base, "{model} {strategy}");
        }
    }
    assert_ne!(crashes(Model::Queue, PLAIN, 2), base);
}

/// An instant at which the process is down is counted, so the numbers of the others stay; and a
/// replay of the choices is the same run.
#[test]
fn an_instant_while_the_process_is_down_is_counted_and_skipped() {
    let text = mortal("1s", "2s");
    let loaded = Scenario::parse("test.toml", &text, &[], &|_| Err("none".to_owned()));
    let scenario = loaded.expect("a scenario").scenario;
    let (events, outcome) = run_of(&scenario, Model::Queue, PLAIN, 1, None);
    let reader = entrega_model::SubscriptionId(0);
    let instants = outcome.choices.occurrences(points::own_point(Fault::ProcessCrash, reader));
    let crashes = when(&events, |kind| matches!(kind, Kind::Crashed { .. })).len() as u32;
    assert!(crashes > 2 && instants > crashes, "{crashes} of {instants}");
    let made = outcome.choices.made().to_vec();
    let table = points::table(&scenario.subscription_names());
    let again = Choices::explicit(table.clone(), made);
    assert_eq!(run_of(&scenario, Model::Queue, PLAIN, 1, Some(again)).0, events);
    let calm = run_of(&scenario, Model::Queue, PLAIN, 1, Some(Choices::harmless(table))).0;
    assert!(when(&calm, |kind| matches!(kind, Kind::Crashed { .. })).is_empty());
}

/// Where a process was when it died.
#[derive(Debug, Default, PartialEq)]
struct Hits {
    handler: u32,
    ack: u32,
}

fn hits(text: &str) -> Hits {
    let (events, _) = by_chance(text, Model::Queue, PLAIN, 1);
    let (mut hits, mut at) = (Hits::default(), 0);
    for event in &events {
        match event.kind {
            Kind::ProcessingStarted { .. } => at = 1,
            Kind::SettleInvoked { .. } => at = 2,
            Kind::SettleEnded { .. } => at = 0,
            Kind::Crashed { .. } => {
                hits.handler += u32::from(at == 1);
                hits.ack += u32::from(at == 2);
                at = 0;
            }
            _ => {}
        }
    }
    hits
}

/// A handler of 20 ms, its calls to the sink included, is a target twenty times as large as an ack
/// of 1 ms. Crashes at points hit both alike.
#[test]
fn a_window_is_hit_as_often_as_it_is_long() {
    let long = r#"
[workload]
messages = 12000
arrivals = { distribution = "backlog" }
[network]
latency = "500us"
sink_latency = "500us"
[queue]
visibility_timeout = "6s"
[times]
restart = "1ms"
"#;
    let subscription = "[[subscriptions]]\nname = 'mailer'\nservice_time = { distribution = \
                        'constant', value = '19ms' }\n";
    let by_time = hits(&format!("{long}{subscription}mtbf = '150ms'\n"));
    assert!(by_time.ack > 40, "{by_time:?}");
    let ratio = f64::from(by_time.handler) / f64::from(by_time.ack);
    assert!((14.0..28.0).contains(&ratio), "{by_time:?}");
    let at_points = "[faults]\neffect.before = { crash = '1/100' }\nsettle.after = { crash = \
                     '1/100' }\n";
    let at_points = hits(&format!("{long}{subscription}{at_points}"));
    let ratio = f64::from(at_points.handler) / f64::from(at_points.ack.max(1));
    assert!((0.6..1.6).contains(&ratio), "{at_points:?}");
}

#[test]
fn stalls_are_drawn_anew_from_their_distribution() {
    let stalls = |times: &str| {
        let text = format!(
            "{SCENARIO}\n[times]\n{times}\n[faults]\nprocess.stall = {{ before = '1/5' }}\n"
        );
        let (events, _) = by_chance(&text, Model::Queue, PLAIN, 1);
        let mut since = [None; 4];
        let mut spans = Vec::new();
        for event in &events {
            match event.kind {
                Kind::Stalled { process } => since[process.index()] = Some(event.at),
                Kind::Resumed { process } => {
                    let began = since[process.index()].take().expect("it stalled");
                    spans.push(event.at.since(began).as_nanos());
                }
                _ => {}
            }
        }
        spans
    };
    let alike = stalls("stall = '700ms'");
    assert!(alike.len() > 2 && alike.iter().all(|&span| span == 700_000_000), "{alike:?}");
    let drawn = stalls("stall_distribution = { distribution = 'exponential', mean = '700ms' }");
    assert!(drawn.len() > 2 && drawn.windows(2).any(|two| two[0] != two[1]), "{drawn:?}");
    assert_eq!(
        drawn,
        stalls("stall_distribution = { distribution = 'exponential', mean = '700ms' }")
    );
}

/// Nobody pays for what is not used: a subscription without any of these has no lists.
#[test]
fn there_is_nothing_by_default() {
    let SubscriptionSettings { changes, rolling_restart, mtbf, .. } = Default::default();
    assert!(changes.is_empty() && rolling_restart.is_none() && mtbf.is_none());
}
