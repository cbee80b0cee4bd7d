//! Effects in a real database: a thousand deaths and stalls, judged by the history and by what the
//! database says; and whatever may be wrong with a database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use entrega_checker::{Class, Counter, Report, Verdict};
use entrega_clients::Strategy;
use entrega_live::sinks::sqlite::Rule;
use entrega_live::{Clock, ServedModel, SinkError, SqliteSettings, SqliteSink};
use entrega_model::event::EffectVerdict;
use entrega_model::{Guarantee, Kind, MessageId, Model};
use tempfile::TempDir;

use crate::harness::{Plan, harmed, harms_of};
use crate::stage::{Stage, calm, log, queue};

const PLAN: Plan =
    Plan { seed: 1, harms: 1_000, consumers: 3, loses_one_in: 50, restarts_one_in: 50 };

/// A file that is gone with its directory.
pub(crate) fn file() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap_or_else(|error| panic!("{error}"));
    let path = dir.path().join("effects.sqlite");
    (dir, path)
}

pub(crate) fn open(path: &Path, strategy: Strategy, model: Model) -> SqliteSink {
    let rule = match strategy {
        Strategy::DeduplicatingSink => Rule::Deduplicating,
        Strategy::ProgressWithEffect => Rule::Conditional(model),
        Strategy::ProgressWithEffectUnconditional => Rule::Unconditional(model),
        _ => Rule::Plain,
    };
    let settings = SqliteSettings { busy_timeout: Duration::from_millis(1), durable: false };
    SqliteSink::open(path, rule, settings).unwrap_or_else(|error| panic!("{error}"))
}

/// How many effects each message has, by the database.
pub(crate) fn effects_in(path: &Path) -> BTreeMap<MessageId, u32> {
    let sink = open(path, Strategy::ProcessThenSettle, Model::Log);
    let effects = sink.effects().unwrap_or_else(|error| panic!("{error}"));
    counted(effects.into_iter())
}

fn counted(messages: impl Iterator<Item = MessageId>) -> BTreeMap<MessageId, u32> {
    messages.fold(BTreeMap::new(), |mut counts, message| {
        *counts.entry(message).or_default() += 1;
        counts
    })
}

/// How many effects each message has, by the history.
pub(crate) fn effects_told<B: ServedModel, S>(stage: &Stage<B, S>) -> BTreeMap<MessageId, u32> {
    stage.observed.with(|(_, events)| {
        counted(events.iter().filter_map(|event| match event.kind {
            Kind::Effect { message, verdict: EffectVerdict::Applied, .. } => Some(message),
            _ => None,
        }))
    })
}

async fn run(strategy: Strategy, model: Model, plan: Plan) -> Report {
    match model {
        Model::Log => run_on(log(), model, strategy, plan).await,
        Model::Queue => run_on(queue(), model, strategy, plan).await,
    }
}

/// A run with harm; the database and the history agree about every effect.
async fn run_on<B: ServedModel>(broker: B, model: Model, strategy: Strategy, plan: Plan) -> Report {
    let (_dir, path) = file();
    let sink = open(&path, strategy, model);
    let stage = Rc::new(Stage::new(broker, model, strategy, sink, Clock::new(), 50));
    let report = harmed(&stage, plan).await;
    let (deaths, stalls) = harms_of(&stage);
    assert!(deaths + stalls + 3 >= plan.harms, "{deaths} deaths and {stalls} stalls");
    assert_eq!(effects_in(&path), effects_told(&stage), "the database and the history agree");
    report
}

/// Nothing is lost and nothing has two effects, although a great deal came again.
async fn check_exactly_once(strategy: Strategy, model: Model) {
    assert_eq!(strategy.guarantee(model), Guarantee::ExactlyOnceEffect);
    let report = run(strategy, model, PLAN).await;
    let of = format!("{strategy} on a {model}: {report:#?}");
    assert_eq!(report.verdict, Verdict::Valid, "{of}");
    let subscription = &report.subscriptions[0];
    assert_eq!(subscription.classes.get(Class::Exact), report.sends.ok, "{of}");
    assert!(subscription.redeliveries > Some(100), "{of}");
    assert!(subscription.counters.get(Counter::BrokerRestarts) > 10, "{of}");
}

#[tokio::test(start_paused = true)]
async fn progress_with_effect_on_a_log_survives_a_thousand_harms() {
    check_exactly_once(Strategy::ProgressWithEffect, Model::Log).await;
}

#[tokio::test(start_paused = true)]
async fn progress_with_effect_on_a_queue_survives_a_thousand_harms() {
    check_exactly_once(Strategy::ProgressWithEffect, Model::Queue).await;
}

#[tokio::test(start_paused = true)]
async fn a_deduplicating_sink_survives_a_thousand_harms() {
    check_exactly_once(Strategy::DeduplicatingSink, Model::Log).await;
    check_exactly_once(Strategy::DeduplicatingSink, Model::Queue).await;
}

/// The opposite: without a condition, or without a key, there are duplicates in the database.
#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_look_has_duplicates() {
    for strategy in [Strategy::ProcessThenSettle, Strategy::ProgressWithEffectUnconditional] {
        for model in [Model::Log, Model::Queue] {
            let mut found = 0;
            for seed in 1..=20 {
                let report = run(strategy, model, Plan { seed, harms: 60, ..PLAN }).await;
                found += report.subscriptions[0].classes.get(Class::Duplicated);
                if found > 0 {
                    break;
                }
            }
            assert!(found > 0, "{strategy} on a {model} never has a duplicate");
        }
    }
}

/// A disk that becomes full in the middle of a run: what does not fit waits for room.
#[tokio::test(start_paused = true)]
async fn consumers_wait_for_room() {
    let (_dir, path) = file();
    let (strategy, model, messages) = (Strategy::ProgressWithEffect, Model::Log, 900);
    let sink = open(&path, strategy, model);
    let stage = Stage::new(log(), model, strategy, sink, Clock::new(), messages);
    let limit = |pages: u32| {
        let set = |sink: &mut SqliteSink| {
            sink.connection().execute_batch(&format!("pragma max_page_count = {pages}"))
        };
        assert_eq!(stage.sink.with(set), Ok(()));
    };
    limit(1);
    let mends = async {
        while stage.sink.troubles().count < 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(effects_in(&path).len() < messages as usize, "not everything has found room");
        limit(1_000_000);
    };
    let (report, ()) = tokio::join!(calm(&stage), mends);
    assert_eq!(stage.sink.troubles().last, Some(SinkError::Full));
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(effects_in(&path), (0..messages).map(|number| (MessageId(number), 1)).collect());
}

/// A database that is troubled from the start until it has failed ten times, and is mended then.
async fn check_trouble(trouble: &str, mend: &str, expect: &SinkError) {
    let (_dir, path) = file();
    let (strategy, model) = (Strategy::ProgressWithEffect, Model::Log);
    let stage = Stage::new(log(), model, strategy, open(&path, strategy, model), Clock::new(), 60);
    let other = open(&path, strategy, model);
    let set = |sql: &str| match sql.strip_prefix("other: ") {
        Some(sql) => other.connection().execute_batch(sql),
        None => stage.sink.with(|sink| sink.connection().execute_batch(sql)),
    };
    assert_eq!(set(trouble), Ok(()));
    let mends = async {
        while stage.sink.troubles().count < 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(effects_in(&path).len(), 0, "nothing happens meanwhile");
        assert_eq!(set(mend), Ok(()));
    };
    let (report, ()) = tokio::join!(calm(&stage), mends);
    assert_eq!(stage.sink.troubles().last.as_ref(), Some(expect));
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(effects_in(&path), (0..60).map(|number| (MessageId(number), 1)).collect());
}

#[tokio::test(start_paused = true)]
async fn consumers_wait_for_a_locked_database() {
    check_trouble("other: begin immediate", "other: rollback", &SinkError::Locked).await;
}

#[tokio::test(start_paused = true)]
async fn consumers_wait_for_a_read_only_database() {
    let (trouble, mend) = ("pragma query_only = on", "pragma query_only = off");
    check_trouble(trouble, mend, &SinkError::ReadOnly).await;
}
