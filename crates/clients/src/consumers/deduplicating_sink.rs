//! Exactly-once effect: at least once, and a sink that knows what it has seen.

use super::process_then_settle;
use super::row::*;
use crate::{Application, Stop, Subscription};

/// The same loop as [`process_then_settle()`], on purpose: nothing in how a consumer settles can
/// make an effect happen exactly once. The sink does, by keeping a unique key for every message.
///
/// The crash window: as before, the message comes again; its second effect is suppressed. The key
/// must be the producer's own id and outlive every replay.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: deduplicating_sink
pub async fn deduplicating_sink(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    process_then_settle(inbox, app).await
}
// ANCHOR_END: deduplicating_sink

/// Process, then settle; the sink recognises what it has seen.
pub(crate) struct DeduplicatingSink;

impl Row for DeduplicatingSink {
    const SPEC: Spec = Spec {
        name: "deduplicating-sink",
        summary: "process, then settle; the sink suppresses what it has seen",
        on_log: Some(Guarantee::ExactlyOnceEffect),
        on_queue: Some(Guarantee::ExactlyOnceEffect),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Deduplicating,
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
        deduplicating_sink(inbox, app)
    }
}
