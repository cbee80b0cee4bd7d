//! At least once with fewer sink writes: collect a batch, write it at once, then settle all of it.

use entrega_model::Duration;

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
