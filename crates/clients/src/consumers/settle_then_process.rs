//! At most once: settle first, make sure of it, then process.

use std::slice;

use entrega_model::Delivery;

use crate::{Application, SettleError, Stop, Subscription};

/// Settles a message and processes it only if the settle is known to be recorded.
///
/// The crash window: a crash after the settle and before the effect loses the message. There is no
/// window that duplicates.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: settle_then_process
pub async fn settle_then_process(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if settled_for_certain(inbox, &delivery).await {
            app.process(&delivery).await?;
        }
    }
    Ok(())
}
// ANCHOR_END: settle_then_process

/// Repeats the settle until its outcome is certain. An unconfirmed settle must count as "do not
/// process": if it was lost, the message will come again, and processing it now would double it.
// ANCHOR: settled_for_certain
async fn settled_for_certain(inbox: &impl Subscription, delivery: &Delivery) -> bool {
    loop {
        match inbox.settle(slice::from_ref(delivery)).await {
            Ok(()) => return true,
            Err(SettleError::Fenced | SettleError::NoOffset) => return false,
            Err(SettleError::Unknown) => {}
        }
    }
}
// ANCHOR_END: settled_for_certain
