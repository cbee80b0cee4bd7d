//! The plain loop: the application never settles, its client library does.

use crate::{Application, Stop, Subscription};

/// Processes message after message. What settles them is configuration:
///
/// * `auto-settle-at-delivery`. On a log the offset is stored when the message is handed over, and
///   a timer commits it, finished or not: a crash before the effect loses it if the timer came
///   first, and repeats its predecessors if it did not. Neither at-most-once nor at-least-once, and
///   the default of librdkafka. On a queue the hand-over itself acks: a crash loses everything that
///   was handed over.
/// * `auto-settle-at-next-receive`. Asking for the next message settles the ones before it, which
///   are done by then: a crash repeats them, and loses nothing.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: auto_settle
pub async fn auto_settle(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        app.process(&delivery).await?;
    }
    Ok(())
}
// ANCHOR_END: auto_settle
