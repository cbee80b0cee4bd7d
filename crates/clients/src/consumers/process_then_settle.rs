//! At least once: process, then settle each message.

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
