//! Exactly-once effect: the progress is stored with the effect, in one transaction of the sink.
//!
//! The two forms differ in what progress is. A log has an order, so one number says it all: the
//! offset to go on at. A queue has none, so each message needs a row of its own.

use std::slice;

use entrega_model::Instant;
use entrega_model::log::PartitionOffset;

use super::process_then_settle;
use super::row::*;
use crate::application::{Application, ProgressInSink};
use crate::{CarryOn, LogSubscription, Stop, Subscription, Turn};

/// On a log: seeks to the offset stored in the sink on every assignment, and applies each effect
/// together with the offset after it, provided that the stored offset is that of this message. If
/// it is not, or if there is no answer, it reads the stored offset again and seeks there. The
/// commit only keeps the lag visible to monitoring: no consumer resumes from it.
///
/// The crash window: there is none. Before the transaction nothing has happened, after it
/// everything has. A zombie's transaction is rejected, because its successor's came first.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: progress_with_effect_on_log
pub async fn progress_with_effect_on_log(
    inbox: &impl LogSubscription,
    app: &impl ProgressInSink,
) -> Result<(), Stop> {
    loop {
        match inbox.poll(Instant::NEVER).await? {
            Turn::Assigned(partition) => {
                if let Some(offset) = app.stored_offset(partition).await {
                    inbox.seek(PartitionOffset { partition, offset });
                }
            }
            Turn::Delivery(delivery) if app.process_with_progress(&delivery).await? => {
                inbox.settle(slice::from_ref(&delivery)).await.carry_on();
            }
            Turn::Delivery(delivery) => {
                let partition = delivery.partition;
                let offset = app.stored_offset(partition).await.unwrap_or(delivery.position);
                inbox.seek(PartitionOffset { partition, offset });
            }
            Turn::Shutdown => return Ok(()),
            Turn::Idle | Turn::Revoking | Turn::Lost => {}
        }
    }
}
// ANCHOR_END: progress_with_effect_on_log

/// On a queue: the same loop as [`process_then_settle()`]. The sink writes a row for the message
/// (its id, under a unique key) in the transaction of the effect, and rolls back a second one.
///
/// The crash window: a crash after the transaction and before the ack brings the message again; its
/// row is there, so its second effect is suppressed. The row must outlive every redelivery.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
pub async fn progress_with_effect_on_queue(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    process_then_settle(inbox, app).await
}

/// The sink stores the progress in the transaction of the effect, if it is the expected one.
pub(crate) struct ProgressWithEffect;

impl Row for ProgressWithEffect {
    const SPEC: Spec = Spec {
        name: "progress-with-effect",
        summary: "the sink stores the progress with the effect, if it is the expected one",
        on_log: Some(Guarantee::ExactlyOnceEffect),
        on_queue: Some(Guarantee::ExactlyOnceEffect),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Transactional,
        reads: &["on_error", "retry_backoff"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        progress_with_effect_on_log(inbox, app)
    }

    fn run_on_queue(
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        progress_with_effect_on_queue(inbox, app)
    }
}
