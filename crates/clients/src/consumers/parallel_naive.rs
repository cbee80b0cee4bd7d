//! No guarantee: several workers, and the highest message that is done stands for all before it.

use super::row::*;
use crate::combinators::together;
use crate::workers::HighestCompleted;
use crate::{Application, CarryOn, Stop, Subscription};

/// Several workers take turns at one inbox. A worker that finishes a message settles up to it,
/// unless another worker has already settled further: on a log a commit of the offset behind it, on
/// a queue one ack for all tags up to it (`multiple`).
///
/// The crash window: a crash while an earlier message is still in work loses it, because the settle
/// of a later one covers it. What is done and not settled is duplicated.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
pub async fn parallel_naive(
    inbox: &impl Subscription,
    app: &impl Application,
    workers: usize,
) -> Result<(), Stop> {
    let highest = HighestCompleted::default();
    together(workers, async |_| {
        while let Some(delivery) = inbox.next().await? {
            let done = app.process(&delivery).await?;
            inbox.settle(highest.raised_by(done)).await.carry_on();
        }
        Ok(())
    })
    .await
}

/// Several workers, each of which settles up to the highest message that is done.
pub(crate) struct ParallelNaive;

impl Row for ParallelNaive {
    const SPEC: Spec = Spec {
        name: "parallel-naive",
        summary: "workers settle up to the highest one done: a crash loses",
        on_log: Some(Guarantee::None),
        on_queue: Some(Guarantee::None),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Cumulative,
        sink: SinkKind::Plain,
        reads: &["workers", "on_error", "retry_backoff", "worker_lost"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: false,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        parallel_naive(inbox, app, config.workers as usize)
    }
}
