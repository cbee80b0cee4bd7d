//! Progress that lives in the sink, beside the effects.
//!
//! If the sink is a database, one transaction can change two things: the effect, and how far its
//! consumer has come. Then no crash can fall between them, and what the broker believes about the
//! consumer's progress does not matter any more (semantics.md S10). On a log the progress is the
//! stored offset of a partition; on a queue it is a row for each message in an *inbox table*.
//!
//! What is asked of the sink crosses a network like everything else. A transaction without an
//! answer may have been done or not; the caller must then read the progress before it goes on (2.2,
//! note 16).

use entrega_model::log::Offset;
use entrega_model::{Delivery, PartitionId};

use super::{Application, DeadLetters, ErrorPolicy, GiveBack, Handler, HandlerError, Supervised};
use crate::producers::NoTransactions;
use crate::{Prepared, Stop, Subscription, TransactionalProducer, Unanswered};

/// A handler whose effects and progress change in one transaction of its sink.
pub trait TransactionalHandler: Handler {
    /// Where the sink says that the consumer of a partition goes on; none if it has stored nothing.
    ///
    /// # Errors
    /// [`Unanswered`]; ask again.
    async fn stored_offset(&self, partition: PartitionId) -> Result<Option<Offset>, Unanswered>;

    /// Whether the inbox table has a row for a message: whether its effect was applied.
    ///
    /// # Errors
    /// [`Unanswered`]; ask again.
    async fn has_row(&self, delivery: &Delivery) -> Result<bool, Unanswered>;

    /// Stores the progress past a message that is given up: the same transaction without an effect.
    ///
    /// # Errors
    /// [`HandlerError::Rejected`] or [`HandlerError::Unknown`].
    async fn pass(&self, delivery: &Delivery) -> Result<(), HandlerError>;

    /// Begins a life at the store of checkpoints: what the lives before wrote and is still on its
    /// way will be refused. Returns the transaction that the last checkpoint of this process names.
    ///
    /// # Errors
    /// [`Unanswered`]; ask again.
    async fn recover(&self) -> Result<Option<Prepared>, Unanswered>;

    /// Writes a checkpoint: the progress past a message, if it is what this consumer takes it for,
    /// and the transaction that holds its effect. Says whether it stands, from now or before. A
    /// message whose checkpoint does not stand is processed again, so a store that takes none keeps
    /// its consumer in a loop; a handler without a [`producer`](Self::producer) is asked for none.
    ///
    /// # Errors
    /// [`Unanswered`]; ask again.
    async fn checkpoint(
        &self,
        delivery: &Delivery,
        prepared: Option<Prepared>,
    ) -> Result<bool, Unanswered>;

    /// The producer that writes the effects of its messages, if they are written to a broker.
    fn producer(&self) -> Option<&impl TransactionalProducer> {
        None::<&NoTransactions>
    }
}

/// What a strategy sees of an application that keeps its progress in its sink.
pub trait ProgressInSink: Application {
    /// Processes a message under the error policy and stores the progress past it in the same
    /// transaction. `false` if the sink may not have done it: its progress must be read.
    ///
    /// Nothing may go past a message that is not done, so the policies `skip` and `requeue` try
    /// again in place like `retry`.
    ///
    /// # Errors
    /// [`Stop`] if the policy is to stop, or a dead letter may not have been written.
    async fn process_with_progress(&self, delivery: &Delivery) -> Result<bool, Stop>;

    /// Where to go on in a partition; none if the sink has stored nothing. Asks until it is
    /// answered.
    async fn stored_offset(&self, partition: PartitionId) -> Option<Offset>;

    /// Whether the effect of a message was applied. Asks until it is answered.
    async fn has_row(&self, delivery: &Delivery) -> bool;

    /// Begins a life at the store of checkpoints, and returns the transaction that the last
    /// checkpoint of this process names. Asks until it is answered.
    async fn recover(&self) -> Option<Prepared>;

    /// Writes a checkpoint: the progress past a message, and the transaction that holds its effect.
    /// `false` if somebody else has moved the progress. Asks until it is answered.
    async fn checkpoint(&self, delivery: &Delivery, prepared: Option<Prepared>) -> bool;

    /// The producer that writes the effects of its messages, if they are written to a broker.
    fn producer(&self) -> Option<&impl TransactionalProducer> {
        None::<&NoTransactions>
    }
}

impl<S, H, D> ProgressInSink for Supervised<'_, S, H, D>
where
    S: Subscription + GiveBack,
    H: TransactionalHandler,
    D: DeadLetters,
{
    async fn process_with_progress(&self, delivery: &Delivery) -> Result<bool, Stop> {
        let mut attempts = 0;
        loop {
            let error = match self.handler.process(delivery).await {
                Ok(()) => return Ok(true),
                Err(HandlerError::Unknown | HandlerError::Rejected) => return Ok(false),
                Err(HandlerError::WorkerLost) => {
                    self.inbox.end_for_worker(delivery).await;
                    return Ok(false);
                }
                Err(error) => error,
            };
            attempts += 1;
            match self.policy {
                ErrorPolicy::Crash => return Err(error.into()),
                ErrorPolicy::SkipAndSettle => return Ok(self.handler.pass(delivery).await.is_ok()),
                ErrorPolicy::DeadLetter if attempts >= self.max_attempts => {
                    self.dead_letter(delivery).await?;
                    return Ok(self.handler.pass(delivery).await.is_ok());
                }
                _ => self.handler.pause(self.retry_backoff).await,
            }
        }
    }

    async fn stored_offset(&self, partition: PartitionId) -> Option<Offset> {
        loop {
            if let Ok(offset) = self.handler.stored_offset(partition).await {
                return offset;
            }
            self.handler.pause(self.retry_backoff).await;
        }
    }

    async fn has_row(&self, delivery: &Delivery) -> bool {
        loop {
            if let Ok(has_row) = self.handler.has_row(delivery).await {
                return has_row;
            }
            self.handler.pause(self.retry_backoff).await;
        }
    }

    async fn recover(&self) -> Option<Prepared> {
        loop {
            if let Ok(prepared) = self.handler.recover().await {
                return prepared;
            }
            self.handler.pause(self.retry_backoff).await;
        }
    }

    async fn checkpoint(&self, delivery: &Delivery, prepared: Option<Prepared>) -> bool {
        loop {
            if let Ok(stands) = self.handler.checkpoint(delivery, prepared).await {
                return stands;
            }
            self.handler.pause(self.retry_backoff).await;
        }
    }

    fn producer(&self) -> Option<&impl TransactionalProducer> {
        self.handler.producer()
    }
}
