//! Exactly-once effect: at least once, and a sink that knows what it has seen.

use super::process_then_settle;
use crate::{Application, Stop, Subscription};

/// The same loop as [`process_then_settle()`], on purpose: nothing in how a consumer settles can
/// make an effect happen exactly once. The sink does, by keeping a unique key for every message.
///
/// The crash window: as before, the message comes again; its second effect is suppressed. The key
/// must be the producer's own id and outlive every replay.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: deduplicating_sink
pub async fn deduplicating_sink(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    process_then_settle(inbox, app).await
}
// ANCHOR_END: deduplicating_sink
