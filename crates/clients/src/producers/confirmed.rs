//! Send, wait for the confirmation, and try again when there is none.

use entrega_model::{Duration, Record, event::SendOutcome};

use super::{Outgoing, PublishError, Publisher};

/// How often and how soon a producer tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Further attempts after the first.
    pub limit: u32,
    /// How long to wait before each.
    pub backoff: Duration,
}

/// Sends each message and waits for the broker's confirmation, one at a time, so that the messages
/// of a key keep their order.
///
/// The window: when the confirmation is lost, the next attempt stores the message a second time.
/// Only a broker that recognises the producer's id for it could tell.
pub async fn confirmed(publisher: &impl Publisher, outgoing: &impl Outgoing, retries: Retries) {
    while let Some(record) = outgoing.next().await {
        let outcome = send(publisher, record, retries).await;
        publisher.ended(record, outcome);
    }
}

/// One message, with its retries. Once an attempt went unanswered, only a confirmation makes the
/// outcome certain again.
async fn send(publisher: &impl Publisher, record: Record, retries: Retries) -> SendOutcome {
    let mut unsuccessful = SendOutcome::Fail;
    for attempt in 0..=retries.limit {
        if attempt > 0 {
            publisher.pause(retries.backoff).await;
        }
        match publisher.publish(record, attempt as u16 + 1).await {
            Ok(()) => return SendOutcome::Ok,
            Err(PublishError::Unknown) => unsuccessful = SendOutcome::Info,
            Err(PublishError::Refused) => {}
        }
    }
    unsuccessful
}
