//! At least once with several workers: nothing is settled before what it covers is done.

use super::row::*;
use crate::combinators::together;
use crate::workers::Workers;
use crate::{Application, CarryOn, Stop, Subscription};

/// Several workers take turns at one inbox. On a queue each message is settled when it is done. On
/// a log only the low-water mark is committed: the end of the prefix without an unfinished message.
///
/// The crash window: a crash duplicates every effect that is not settled. On a log these are all
/// above the mark, which one slow message holds back.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
pub async fn parallel(
    inbox: &impl Subscription,
    app: &impl Application,
    workers: &Workers,
) -> Result<(), Stop> {
    together(workers.count(), async |_| {
        while let Some(delivery) = workers.next(inbox).await? {
            let done = app.process(&delivery).await?;
            inbox.settle(workers.completed(done).as_slice()).await.carry_on();
            workers.release(&delivery);
        }
        Ok(())
    })
    .await
}

/// Several workers; only what has no unfinished message before it is committed.
pub(crate) struct Parallel;

impl Row for Parallel {
    const SPEC: Spec = Spec {
        name: "parallel",
        summary: "workers; nothing is settled before what precedes it is done",
        on_log: Some(Guarantee::AtLeastOnce),
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["workers", "key_ordered", "on_error", "retry_backoff", "worker_lost"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: false,
    };

    async fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> Result<(), Stop> {
        parallel(inbox, app, &Workers::settling_prefixes(config)).await
    }

    async fn run_on_queue(
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> Result<(), Stop> {
        parallel(inbox, app, &Workers::settling_each(config)).await
    }
}
