//! Send, wait for the confirmation, and try again when there is none.

use std::future::poll_fn;
use std::task::Poll;

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
        let outcome = match publisher.publish(record, 1).await {
            Ok(()) => SendOutcome::Ok,
            Err(error) => send_again(publisher, record, retries, error).await,
        };
        publisher.ended(record, outcome);
    }
}

/// The same of one message, for producers that have several on their way.
pub(super) async fn send(publisher: &impl Publisher, record: Record, retries: Retries) {
    let outcome = match publisher.publish(record, 1).await {
        Ok(()) => SendOutcome::Ok,
        Err(error) => send_again(publisher, record, retries, error).await,
    };
    publisher.ended(record, outcome);
}

/// The attempts after the first. Once an attempt went unanswered, only a confirmation makes the
/// outcome certain again.
async fn send_again(
    publisher: &impl Publisher,
    record: Record,
    retries: Retries,
    first: PublishError,
) -> SendOutcome {
    let mut unsuccessful = outcome_of(first);
    for retry in 1..=retries.limit {
        publisher.pause(retries.backoff).await;
        turn(publisher, record).await;
        match publisher.publish(record, retry as u16 + 1).await {
            Ok(()) => return SendOutcome::Ok,
            Err(PublishError::Unknown) => unsuccessful = SendOutcome::Info,
            Err(PublishError::Refused) => {}
        }
    }
    unsuccessful
}

/// Waits until another send, which goes on in the same future, lets this one go on.
#[cold]
pub(super) async fn turn(publisher: &impl Publisher, record: Record) {
    poll_fn(|_| if publisher.may_send(record) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn outcome_of(error: PublishError) -> SendOutcome {
    match error {
        PublishError::Unknown => SendOutcome::Info,
        PublishError::Refused => SendOutcome::Fail,
    }
}
