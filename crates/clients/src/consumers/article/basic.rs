//! The article's basic loop, "the simplest exactly-once implementation".

use crate::{Application, LogSubscription, Stop};

/// Polls a message and processes it. Nothing in it commits; the library does.
///
/// The crash window: all of it. librdkafka stores the offset when the message is handed over, so
/// its timer, or `close()` after an error, commits a message that has no effect yet: lost. What the
/// timer has not committed a crash repeats. It is neither at-most-once nor at-least-once
/// (semantics.md C18).
///
/// # Errors
/// [`Stop`] when receiving fails or the handler raises.
// ANCHOR: basic
pub async fn basic(inbox: &impl LogSubscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(message) = inbox.next().await? {
        app.attempt(&message).await?;
    }
    Ok(())
}
// ANCHOR_END: basic
