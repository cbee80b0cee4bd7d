//! At least once with fewer settles: process, and settle every N messages or after a time limit.

use entrega_model::{Duration, Instant};

use crate::{Application, CarryOn, Stop, Subscription, Turn};

/// Processes messages and settles them N at a time, or when the oldest has waited for `limit`,
/// whichever comes first; and before a rebalance or a shutdown.
///
/// The crash window: a crash repeats the up to N effects since the last settle. Without the time
/// limit the tail of an idle topic would wait for its settle for ever. On a queue one ack covers
/// all before it (`multiple`), so a delivery that the network lost on its way here is acked unseen.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: settle_every_n
pub async fn settle_every_n(
    inbox: &impl Subscription,
    app: &impl Application,
    n: usize,
    limit: Duration,
) -> Result<(), Stop> {
    let mut unsettled = Vec::with_capacity(n);
    let mut settle_at = Instant::NEVER;
    loop {
        let turn = inbox.poll(settle_at).await?;
        match turn {
            Turn::Delivery(delivery) => {
                unsettled.extend_from_slice(app.process(&delivery).await?);
                settle_at = settle_at.min(inbox.now() + limit);
                if unsettled.len() < n && inbox.now() < settle_at {
                    continue;
                }
            }
            Turn::Assigned(_) => continue,
            Turn::Lost => unsettled.clear(),
            Turn::Idle | Turn::Revoking | Turn::Shutdown => {}
        }
        inbox.settle(&unsettled).await.carry_on();
        unsettled.clear();
        settle_at = Instant::NEVER;
        if turn == Turn::Shutdown {
            return Ok(());
        }
    }
}
// ANCHOR_END: settle_every_n
