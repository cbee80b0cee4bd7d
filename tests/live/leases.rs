//! Lease renewal by a live client library, beside a handler that takes longer than its lease.

use std::cell::Cell;

use entrega_checker::Class;
use entrega_clients::Strategy;
use entrega_live::{Attempt, Clock};
use entrega_model::{Delivery, Duration, Model, ProcessId};
use tokio::task::LocalSet;

use crate::stage::{MAILER, Stage, memory, queue};

const STRATEGY: Strategy = Strategy::ProcessThenSettle;

/// How many messages of three take effect twice if the first attempt takes 100 s and the lease
/// lasts 30 s.
async fn duplicated(renewal: Option<Duration>) -> u64 {
    let sink = memory(STRATEGY, Model::Queue);
    let mut stage = Stage::new(queue(), Model::Queue, STRATEGY, sink, Clock::new(), 3);
    stage.settings.client.lease_renewal = renewal;
    stage.settings.client.prefetch = 1;
    let timer = tokio::spawn(stage.served.keep_time());
    let (tasks, first) = (LocalSet::new(), Cell::new(true));
    let slow_once = move |_: &Delivery| -> Attempt {
        let takes = if first.replace(false) { 100 } else { 1 };
        Attempt { takes: Duration::from_secs(takes), fails: None }
    };
    let brisk = |_: &Delivery| Attempt { takes: Duration::from_secs(1), fails: None };
    tasks.spawn_local(stage.life(stage.served.connect(ProcessId(1)), slow_once));
    tasks.spawn_local(stage.life(stage.served.connect(ProcessId(2)), brisk));
    tasks.run_until(stage.served.rest()).await;
    tasks.run_until(stage.producer()).await;
    let report = stage.finish(tasks).await;
    timer.abort();
    let classes = &report.subscriptions[usize::from(MAILER.0)].classes;
    assert_eq!(classes.get(Class::Exact) + classes.get(Class::Duplicated), 3, "{report:#?}");
    classes.get(Class::Duplicated)
}

/// With renewal the message is its consumer's until it is done; without it, and with one that comes
/// after the lease, somebody else has it meanwhile.
#[tokio::test(start_paused = true)]
async fn a_slow_handler_keeps_its_lease() {
    assert_eq!(duplicated(Some(Duration::from_secs(10))).await, 0);
    assert_eq!(duplicated(Some(Duration::from_secs(31))).await, 1);
    assert_eq!(duplicated(None).await, 1);
}
