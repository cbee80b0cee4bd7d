//! The article's third loop: what cannot be processed goes to a dead-letter store.

use crate::{Application, LogSubscription, Stop};

/// Polls a message and processes it, once. If that fails it saves a dead letter, whatever the
/// failure was. Only what was processed is counted, but the count is looked at for *every* message.
///
/// The crash window: a crash after the effect or the dead letter and before the commit repeats it.
/// How far back that reaches depends on the count: while it is a multiple of `min_commit_count`, 0
/// included, every dead letter commits; while it is not, no run of failures ever does (semantics.md
/// C23). An error of the dead-letter store raises, and with auto-commit on `close()` then loses the
/// message.
///
/// # Errors
/// [`Stop`] when receiving, saving a dead letter or a commit fails.
// ANCHOR: dead_letters
pub async fn dead_letters(
    inbox: &impl LogSubscription,
    app: &impl Application,
    min_commit_count: u32,
) -> Result<(), Stop> {
    let mut count = 0;
    while let Some(message) = inbox.next().await? {
        if app.attempt(&message).await.is_ok() {
            count += 1;
        } else {
            app.dead_letter(&message).await?;
        }
        if count % min_commit_count == 0 {
            inbox.commit_stored().await?;
        }
    }
    Ok(())
}
// ANCHOR_END: dead_letters
