//! At least once: process, then settle each message.

use super::row::*;
use crate::{Application, CarryOn, Stop, Subscription};

/// Processes a message and settles it.
///
/// The crash window: a crash after the effect and before the settle duplicates it. On a queue this
/// is "ack per message", which the article takes for exactly-once; on a log it is a commit per
/// message. The window is the same on both.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: process_then_settle
pub async fn process_then_settle(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}
// ANCHOR_END: process_then_settle

/// Process, then settle each message.
pub(crate) struct ProcessThenSettle;

impl Row for ProcessThenSettle {
    const SPEC: Spec = Spec {
        name: "process-then-settle",
        summary: "process, then settle each: a crash in between duplicates",
        on_log: Some(Guarantee::AtLeastOnce),
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["on_error", "retry_backoff", "worker_lost"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: true,
        waits_for_one_thing: true,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        process_then_settle(inbox, app)
    }
}
