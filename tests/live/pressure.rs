//! More than consumers can do: a producer that is faster, one consumer that is slow and one that is
//! stuck, and an end in the middle of work.

use std::cell::Cell;

use entrega_brokers::queue::{Overflow, QueueBroker, QueueSettings};
use entrega_checker::{Class, End, Report};
use entrega_clients::Strategy;
use entrega_clients::sinks::ChosenSink;
use entrega_live::{Attempt, Clock, LiveSink, ServedModel};
use entrega_model::{Delivery, Duration, Model, ProcessId};
use tokio::task::LocalSet;

use crate::stage::{MAILER, Stage, log, memory, queue, works};

const ROOM: u32 = 8;
const MESSAGES: u32 = 500;
const STRATEGY: Strategy = Strategy::ProcessThenSettle;

fn small(overflow: Overflow) -> QueueBroker {
    let (max_length, prefetch) = (Some(ROOM), 4);
    QueueBroker::new(QueueSettings { max_length, prefetch, overflow, ..QueueSettings::default() })
}

fn stage<B: ServedModel>(broker: B, model: Model) -> Stage<B, ChosenSink> {
    Stage::new(broker, model, STRATEGY, memory(STRATEGY, model), Clock::new(), MESSAGES)
}

fn count(report: &Report, class: Class) -> u64 {
    report.subscriptions[0].classes.get(class)
}

/// Sends as fast as it can to one consumer that takes its time and one that is stuck in its first
/// message. Returns the report and the longest that the queue was.
async fn flood(overflow: Overflow) -> (Report, usize) {
    let stage = stage(small(overflow), Model::Queue);
    let timer = tokio::spawn(stage.served.keep_time());
    let (tasks, stuck_once) = (LocalSet::new(), Cell::new(true));
    let gets_stuck = move |_: &Delivery| -> Attempt {
        let takes = if stuck_once.replace(false) { 300 } else { 1 };
        Attempt { takes: Duration::from_secs(takes), fails: None }
    };
    tasks.spawn_local(stage.life(stage.served.connect(ProcessId(1)), works));
    tasks.spawn_local(stage.life(stage.served.connect(ProcessId(2)), gets_stuck));
    let longest = Cell::new(0);
    let watches = async {
        loop {
            let length = stage.served.look(|broker| broker.ready_count(MAILER));
            longest.set(longest.get().max(length));
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let sends = tasks.run_until(stage.producer());
    tokio::select! { () = sends => {}, () = watches => {} }
    let report = stage.finish(tasks).await;
    timer.abort();
    (report, longest.get())
}

/// A full queue pushes back: it refuses, the producer tries again, and what it was told is true.
/// What comes twice is what the stuck one held beyond its lease.
#[tokio::test(start_paused = true)]
async fn a_full_queue_pushes_back_and_loses_nothing() {
    let (report, longest) = flood(Overflow::RejectPublish).await;
    assert!(longest <= ROOM as usize, "{longest} messages in a queue for {ROOM}");
    assert_eq!(count(&report, Class::Lost), 0, "{report:#?}");
    assert!(report.sends.retries > 0 && report.sends.ok > 100, "{report:#?}");
    let once_or_twice = count(&report, Class::Exact) + count(&report, Class::Duplicated);
    assert_eq!(once_or_twice, report.sends.ok, "{report:#?}");
}

/// The opposite: a queue that makes room by dropping loses what it has acknowledged.
#[tokio::test(start_paused = true)]
async fn a_queue_that_drops_is_caught() {
    let (report, _) = flood(Overflow::DropHead).await;
    assert!(count(&report, Class::Lost) > 0, "{report:#?}");
}

/// Everybody is asked to stop while there is work for minutes: what is in work is finished, and the
/// rest is still in the broker.
async fn stopped_early<B: ServedModel, S: LiveSink>(stage: &Stage<B, S>) -> Report {
    let timer = tokio::spawn(stage.served.keep_time());
    let tasks = LocalSet::new();
    for number in 1..=3 {
        let link = stage.served.connect(ProcessId(number));
        tasks.spawn_local(
            stage.life(link, |_| Attempt { takes: Duration::from_secs(1), fails: None }),
        );
    }
    tasks.run_until(stage.served.rest()).await;
    tasks.run_until(stage.producer()).await;
    tasks.run_until(tokio::time::sleep(std::time::Duration::from_millis(10_500))).await;
    stage.served.close();
    tasks.await;
    stage.served.audit();
    timer.abort();
    stage.observed.with(|(checker, _)| checker.finish(End::Quiescent))
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_under_load_loses_nothing_and_repeats_nothing() {
    let on_log = stopped_early(&stage(log(), Model::Log)).await;
    let on_queue = stopped_early(&stage(queue(), Model::Queue)).await;
    for report in [on_log, on_queue] {
        let (exact, pending) = (count(&report, Class::Exact), count(&report, Class::Pending));
        assert_eq!(exact + pending, u64::from(MESSAGES), "{report:#?}");
        assert!(exact >= 10 && pending >= 10, "{report:#?}");
    }
}
