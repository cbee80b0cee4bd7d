//! An application's view of its messages, whatever the broker.

use entrega_model::{Delivery, Instant, PartitionId, log::PartitionOffset};
use thiserror::Error;

use crate::TransactionError;
use crate::application::HandlerError;

/// Messages to read and to settle. Everything takes `&self`, so that several handlers can share it.
pub trait Subscription {
    /// What time it is.
    fn now(&self) -> Instant;

    /// The next turn of events, or [`Turn::Idle`] at `until` if there is none before.
    ///
    /// May be dropped at any await without losing a delivery: what was asked for meanwhile is
    /// handed out by the next poll.
    ///
    /// # Errors
    /// [`ReceiveError`] says why there can be no further turn.
    async fn poll(&self, until: Instant) -> Result<Turn, ReceiveError>;

    /// Makes the broker's record of these deliveries final. On a log this commits an offset and so
    /// covers every earlier delivery of the partition (cumulative); on a queue it acks each one
    /// (individual), or all up to the last (`multiple`). Settling nothing does nothing.
    ///
    /// # Errors
    /// [`SettleError::Unknown`] is indeterminate, [`SettleError::Fenced`] is certain.
    async fn settle(&self, deliveries: &[Delivery]) -> Result<(), SettleError>;

    /// What `finally: close()` does: settles what the library settles by itself, and says goodbye.
    /// Dropping a subscription without it sends nothing: that is a crash.
    ///
    /// # Errors
    /// As [`Subscription::settle`].
    async fn close(&self) -> Result<(), SettleError>;

    /// The next delivery, skipping other turns; `None` at shutdown.
    ///
    /// # Errors
    /// As [`Subscription::poll`].
    #[inline(always)]
    async fn next(&self) -> Result<Option<Delivery>, ReceiveError> {
        loop {
            match self.poll(Instant::NEVER).await? {
                Turn::Delivery(delivery) => return Ok(Some(delivery)),
                Turn::Shutdown => return Ok(None),
                Turn::Idle | Turn::Assigned(_) | Turn::Revoking | Turn::Lost => {}
            }
        }
    }
}

/// What only a log can do.
pub trait LogSubscription: Subscription {
    /// The next offset to be handed out from a partition; none if it is not assigned.
    fn position(&self, partition: PartitionId) -> Option<u64>;

    /// Hands out from this offset next; what is buffered of the partition is dropped. Does nothing
    /// if the partition is not assigned.
    fn seek(&self, to: PartitionOffset);

    /// Stops handing out from a partition, without leaving the group.
    fn pause(&self, partition: PartitionId);

    /// Hands out from it again.
    fn resume(&self, partition: PartitionId);

    /// Commits exactly these offsets (next to process), under the present assignment.
    ///
    /// # Errors
    /// As [`Subscription::settle`].
    async fn commit(&self, offsets: &[PartitionOffset]) -> Result<(), SettleError>;

    /// Commits what the library has stored, in all partitions: `commit()` without arguments
    /// (semantics.md C35). [`crate::OffsetStore`] says what that is.
    ///
    /// # Errors
    /// As [`Subscription::settle`], and [`SettleError::NoOffset`].
    async fn commit_stored(&self) -> Result<(), SettleError>;
}

/// What only a queue can do.
pub trait QueueSubscription: Subscription {
    /// Not processed: the message goes back to its queue.
    ///
    /// # Errors
    /// As [`Subscription::settle`].
    async fn requeue(&self, delivery: &Delivery) -> Result<(), SettleError>;

    /// Tried and failed: the message goes back to its queue by a reject with requeue, which a
    /// delivery limit may count where it does not count [`QueueSubscription::requeue`].
    ///
    /// # Errors
    /// As [`Subscription::settle`].
    async fn reject_and_requeue(&self, delivery: &Delivery) -> Result<(), SettleError>;

    /// Never again: dead-lettered if the queue has a target, else dropped.
    ///
    /// # Errors
    /// As [`Subscription::settle`].
    async fn reject(&self, delivery: &Delivery) -> Result<(), SettleError>;

    /// The lease starts anew from now.
    ///
    /// # Errors
    /// As [`Subscription::settle`].
    async fn extend(&self, delivery: &Delivery) -> Result<(), SettleError>;
}

/// A turn of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A message.
    Delivery(Delivery),
    /// Nothing happened until the time given.
    Idle,
    /// A partition is now this consumer's.
    Assigned(PartitionId),
    /// All partitions will be given up at the next poll, in a cooperative rebalance those that
    /// move; now is the time to settle.
    Revoking,
    /// All partitions were taken away before; settling would be refused.
    Lost,
    /// The application is asked to stop.
    Shutdown,
}

/// Why there can be no further turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// There is no committed offset, or it is out of range, and `auto_offset_reset` is `none`.
    /// Commit an offset by hand or choose another policy.
    #[error("no valid committed offset in partition {0}, and auto_offset_reset is none")]
    NoOffset(PartitionId),
    /// The broker does not know the queue or group. A mistake in the configuration.
    #[error("the broker knows no such queue or group")]
    UnknownSubscription,
}

/// Why a settle is not known to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SettleError {
    /// No answer: it may have been recorded or not. Settling again is safe; processing again may
    /// not be.
    #[error("no answer to the settle; it may or may not be recorded")]
    Unknown,
    /// Refused for certain: the lease or the assignment is somebody else's now, or the group has
    /// come further (`log.commit_checks`). Do not repeat it.
    #[error("the settle was refused: the delivery is no longer this consumer's")]
    Fenced,
    /// There was nothing to commit: what is stored is committed already, maybe by the auto-commit
    /// timer (`_NO_OFFSET`; librdkafka only). Nothing was asked of the broker.
    #[error("there is no stored offset that is newer than the committed one")]
    NoOffset,
}

/// Why a consumer loop ended before it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Stop {
    /// Receiving failed.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// Settling failed and the loop does not carry on.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The handler failed and its error policy is to stop.
    #[error(transparent)]
    Handler(#[from] HandlerError),
    /// The dead letter could not be written.
    #[error("the dead letter could not be written: {0}")]
    DeadLetter(crate::Unanswered),
    /// The copy of a message to be tried later could not be published.
    #[error("the copy to be tried later could not be published: {0}")]
    Retry(crate::Unanswered),
    /// The queue did not take the copy of a message to be tried later.
    #[error("the queue did not take the copy to be tried later: it is full, or takes no copies")]
    RetryRefused,
    /// A transaction failed, and this instance of its producer cannot go on.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// The strategy needs what this model does not have: see
    /// [`Strategy::supports`](crate::Strategy::supports). Choose another model or strategy.
    #[error("this strategy does not run on this model")]
    Unsupported,
}

/// Carrying on after a settle that may not be recorded. Right for a consumer that processes before
/// it settles: a message that the broker does not know to be done comes again.
pub trait CarryOn {
    /// Takes an unrecorded settle for a redelivery to come, not for an error.
    fn carry_on(self);
}

impl CarryOn for Result<(), SettleError> {
    fn carry_on(self) {}
}
