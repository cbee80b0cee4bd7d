//! The offset in a checkpoint: a transaction is committed in two steps, and the next life takes the
//! second one if this one does not come to it (Flink's two-phase-commit sink).
//!
//! ```text
//!  recover ─▶ commit what is prepared ─▶ init ─▶ ┌─▶ begin ─▶ process ─▶ checkpoint ─▶ commit ─┐
//!             under its own identity             │            the effect   offset and          │
//!                                                │            is a record  identity, durable   │
//!                                                └─────────────────────────────────────────────┘
//! ```
//!
//! > **The rule.** What the checkpoint says is done counts, and no life looks behind it. So a
//! > transaction that it names has to be committed, by whichever life; and the broker must not have
//! > aborted it by then. One that stands in no checkpoint is aborted by the next `init`, and its
//! > message comes again.
//!
//! The committed offset of the group only keeps the lag visible to monitoring, as with progress in
//! the sink.

use std::slice;

use entrega_model::log::PartitionOffset;
use entrega_model::{Delivery, Instant, PartitionId};

use crate::application::ProgressInSink;
use crate::{CarryOn, LogSubscription, SettleError, Stop, TransactionalProducer, Turn};

/// Processes a message into a transaction, writes a checkpoint that names it and the offset behind
/// the message, and commits it. What the checkpoint refuses is aborted: somebody else has the
/// partition, and the consumer goes on where the checkpoint stands.
///
/// The crash window: a crash after the checkpoint leaves a prepared transaction, which the next
/// life of the process commits. If it has been open for longer than the broker allows, that is
/// refused, and what it held is lost: this life goes on behind it, as Flink does.
///
/// # Errors
/// [`Stop`] when receiving, the application or a transaction ends the loop.
pub(super) async fn with_checkpoints(
    inbox: &impl LogSubscription,
    app: &impl ProgressInSink,
    producer: &impl TransactionalProducer,
) -> Result<(), Stop> {
    if let Some(prepared) = app.recover().await {
        let _ = producer.commit_prepared(prepared).await;
    }
    producer.init().await?;
    loop {
        match inbox.poll(Instant::NEVER).await? {
            Turn::Assigned(partition) => begin_at_checkpoint(inbox, app, partition).await,
            Turn::Delivery(delivery) => {
                producer.begin();
                if is_prepared(app, producer, &delivery).await? {
                    finish(inbox, producer, &delivery).await?;
                } else {
                    producer.abort().await?;
                    let partition = delivery.partition;
                    let offset = app.stored_offset(partition).await.unwrap_or(delivery.position);
                    inbox.seek(PartitionOffset { partition, offset });
                }
            }
            Turn::Shutdown => return Ok(()),
            Turn::Idle | Turn::Revoking | Turn::Lost => {}
        }
    }
}

/// Goes on where the checkpoint stands, and tells the group if it is behind that: what lies between
/// is not to be read again.
async fn begin_at_checkpoint(
    inbox: &impl LogSubscription,
    app: &impl ProgressInSink,
    partition: PartitionId,
) {
    let Some(offset) = app.stored_offset(partition).await else { return };
    let Some(position) = inbox.position(partition).filter(|position| *position != offset) else {
        return;
    };
    let checkpoint = PartitionOffset { partition, offset };
    inbox.seek(checkpoint);
    if position < offset {
        while inbox.commit(&[checkpoint]).await == Err(SettleError::Unknown) {}
    }
}

/// The first step: the effect is written, and a checkpoint says so.
async fn is_prepared(
    app: &impl ProgressInSink,
    producer: &impl TransactionalProducer,
    delivery: &Delivery,
) -> Result<bool, Stop> {
    let is_sent = app.process_with_progress(delivery).await?;
    Ok(is_sent && app.checkpoint(delivery, producer.prepared()).await)
}

/// The second step. A transaction that cannot be committed any more is gone, and what comes next
/// needs a new life of the producer.
async fn finish(
    inbox: &impl LogSubscription,
    producer: &impl TransactionalProducer,
    delivery: &Delivery,
) -> Result<(), Stop> {
    if let Some(prepared) = producer.prepared()
        && producer.commit_prepared(prepared).await.is_err()
    {
        producer.init().await?;
    }
    inbox.settle(slice::from_ref(delivery)).await.carry_on();
    Ok(())
}
