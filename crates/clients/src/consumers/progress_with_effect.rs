//! Exactly-once effect: the progress is stored with the effect, in one transaction of the sink.
//!
//! The two forms differ in what progress is. A log has an order, so one number says it all: the
//! offset to go on at. A queue has none, so each message needs a row of its own.

use std::slice;

use entrega_model::Instant;
use entrega_model::log::PartitionOffset;

use super::process_then_settle;
use crate::application::{Application, ProgressInSink};
use crate::{CarryOn, LogSubscription, Stop, Subscription, Turn};

/// On a log: goes to where the sink says on every assignment, and applies each effect together with
/// the offset after it, provided that the stored offset is the one of this message. If it is not,
/// or if there is no answer, it reads the stored offset again and seeks there. The commit is for
/// whoever watches the lag: nothing ever reads it to go on from it.
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
