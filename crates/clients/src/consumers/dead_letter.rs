//! At least once with a way out: bounded retries, then the dead letters, then settle.

use super::row::*;
use crate::{Application, CarryOn, Stop, Subscription};

/// Processes a message a bounded number of times; if every attempt fails, writes it to the dead
/// letters; then settles it either way, so that a poison message does not block the ones behind it.
///
/// The crash window: a crash after the effect or after the dead letter, and before the settle,
/// repeats it: a duplicate effect, a second dead letter, or one of each.
///
/// # Errors
/// [`Stop`] when receiving ends the loop, or when a dead letter may not have been written.
// ANCHOR: dead_letter
pub async fn dead_letter(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        let done = app.process_or_dead_letter(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}
// ANCHOR_END: dead_letter

/// Process with bounded retries, write failures to the dead letters, then settle.
pub(crate) struct DeadLetter;

impl Row for DeadLetter {
    const SPEC: Spec = Spec {
        name: "dead-letter",
        summary: "bounded retries, then the dead letters, then settle",
        on_log: Some(Guarantee::AtLeastOnce),
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["max_attempts", "retry_backoff", "worker_lost"],
        declares_dead_letters: true,
        keeps_nothing_between_deliveries: true,
        waits_for_one_thing: true,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        dead_letter(inbox, app)
    }
}
