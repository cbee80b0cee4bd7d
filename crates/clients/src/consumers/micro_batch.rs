//! At least once with fewer sink writes: collect a batch, write it at once, then settle all of it.

use entrega_model::Duration;

use super::row::*;
use crate::batch::Batch;
use crate::{Application, CarryOn, Stop, Subscription};

/// Collects up to `size` messages, or what came within `limit` of the first; writes them to the
/// sink as the batch rules say; then settles them with one request. A rebalance or a shutdown ends
/// the batch early.
///
/// The crash window: a crash after the write and before the settle repeats the whole batch. If the
/// sink is not atomic, a crash in the middle of the write repeats what it had applied by then.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
pub async fn micro_batch(
    inbox: &impl Subscription,
    app: &impl Application,
    size: usize,
    limit: Duration,
) -> Result<(), Stop> {
    let mut batch = Batch::new(size, limit);
    while batch.fill(inbox).await? {
        app.process_batch(&mut batch.deliveries).await?;
        inbox.settle(&batch.deliveries).await.carry_on();
    }
    Ok(())
}

/// Collect a batch, write it to the sink at once, then settle all of it.
pub(crate) struct MicroBatch;

impl Row for MicroBatch {
    const SPEC: Spec = Spec {
        name: "micro-batch",
        summary: "one sink write for a batch, then settle it: a crash repeats all",
        on_log: Some(Guarantee::AtLeastOnce),
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &[
            "batch_size",
            "batch_interval",
            "batch_sink",
            "batch_on_failure",
            "on_error",
            "max_attempts",
            "retry_backoff",
        ],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        micro_batch(inbox, app, config.batch_size as usize, config.batch_interval)
    }
}
