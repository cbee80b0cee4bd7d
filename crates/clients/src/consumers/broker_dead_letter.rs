//! At least once with the broker's way out: bounded retries, then reject. A queue only.

use std::slice;

use super::row::*;
use crate::{Application, CarryOn, QueueSubscription, Stop};

/// Processes a message a bounded number of times and settles it; if every attempt fails, rejects
/// it. What becomes of it then is a setting of the queue, not of this loop: with a target it is
/// dead-lettered, without one it is dropped, and lost.
///
/// The crash window: a crash after the effect and before the settle duplicates it. There is none
/// between dead letter and settle, for the queue does both in one step.
///
/// # Errors
/// [`Stop`] when receiving ends the loop.
pub async fn broker_dead_letter(
    inbox: &impl QueueSubscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        match app.process_with_attempts(&delivery).await {
            Ok(()) => inbox.settle(slice::from_ref(&delivery)).await.carry_on(),
            Err(_) => inbox.reject(&delivery).await.carry_on(),
        }
    }
    Ok(())
}

/// Process with bounded retries and reject failures, which the queue dead-letters.
pub(crate) struct BrokerDeadLetter;

impl Row for BrokerDeadLetter {
    const SPEC: Spec = Spec {
        name: "broker-dead-letter",
        summary: "bounded retries, then reject: the queue dead-letters",
        on_log: None,
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["max_attempts", "retry_backoff"],
        declares_dead_letters: true,
        keeps_nothing_between_deliveries: true,
        waits_for_one_thing: true,
    };

    fn run_on_queue(
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        broker_dead_letter(inbox, app)
    }
}
