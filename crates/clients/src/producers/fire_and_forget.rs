//! Send and do not ask (`acks=0`, no publisher confirms).

use super::{Outgoing, Publisher};

/// Sends each message and takes it for stored as soon as it has left: the application believes
/// "ok".
///
/// The window: a lost request loses a message that the application counts as sent. This is the
/// honest way to show that fire-and-forget loses acknowledged messages.
pub async fn fire_and_forget(publisher: &impl Publisher, outgoing: &impl Outgoing) {
    while let Some(record) = outgoing.next().await {
        publisher.post(record);
    }
}
