//! What the application does with a message, and what it does when that fails.
//!
//! An error policy is a parameter apart from the strategy (`semantics.md` 1.4): the same policy
//! loses on a log and merely reorders on a queue, because a cumulative commit covers a message that
//! was skipped.

mod batch;
mod progress;

use std::slice;

use entrega_model::{Delivery, Duration};
use thiserror::Error;

pub use batch::{BatchError, BatchFailure, BatchRules, BatchSink};
pub use progress::{ProgressInSink, TransactionalHandler};

use crate::{SettleError, Stop, Subscription, Unanswered};

/// The application's own code: it processes a message so that its effect happens at a sink.
pub trait Handler {
    /// Processes a message once.
    ///
    /// # Errors
    /// [`HandlerError`]; except for `Unknown`, the effect has certainly not happened.
    async fn process(&self, delivery: &Delivery) -> Result<(), HandlerError>;

    /// Processes several messages with one write to the sink: all effects happen in one instant, or
    /// none does.
    ///
    /// # Errors
    /// [`BatchError`]; except for `Unknown`, no effect has happened.
    async fn process_batch(&self, batch: &[Delivery]) -> Result<(), BatchError>;

    /// Waits. Between attempts, so that a failing dependency is not hammered.
    async fn pause(&self, span: Duration);
}

/// How a handler fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandlerError {
    /// Another attempt may succeed; there was no effect.
    #[error("the handler failed before its effect; another attempt may succeed")]
    Transient,
    /// No attempt will ever succeed; there was no effect.
    #[error("the handler fails on this message every time")]
    Poison,
    /// The sink did not answer: the effect may or may not have happened.
    #[error("the sink did not answer; the effect may or may not have happened")]
    Unknown,
    /// A sink that keeps the consumer's progress refused the transaction: the progress there is not
    /// what this consumer takes it for. There was no effect; read the progress.
    #[error("the sink refused the effect: somebody else has moved the progress")]
    Rejected,
    /// The worker that ran the handler died. The effect may or may not have happened, and the
    /// supervisor is about to settle the message or give it back.
    #[error("the worker died; its supervisor decides about the message")]
    WorkerLost,
}

/// Where messages go that the application gives up on.
pub trait DeadLetters {
    /// Writes a dead letter and waits for the confirmation.
    ///
    /// # Errors
    /// [`Unanswered`]: it may have been written or not.
    async fn store(&self, delivery: &Delivery) -> Result<(), Unanswered>;
}

/// What to do after a handler error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// Try again in place until it succeeds; later messages wait.
    Retry,
    /// Go on without settling this one. On a log the next commit covers it: lost.
    Skip,
    /// Go on and settle it: lost on both models.
    SkipAndSettle,
    /// Give it back to the queue by a nack (a log cannot).
    Requeue,
    /// Give it back to the queue by a reject with requeue (a log cannot).
    Reject,
    /// Leave the loop through `close()` and be restarted.
    Crash,
    /// Try a bounded number of times, then write a dead letter, then settle.
    DeadLetter,
    /// Publish a copy that comes later, then settle this one; after a bounded number of deliveries
    /// write a dead letter instead.
    RetryTopic,
}

/// What a strategy sees of the application.
pub trait Application {
    /// Processes a message under the error policy and returns what may be settled now: the message,
    /// or nothing if the policy leaves it unsettled.
    ///
    /// # Errors
    /// [`Stop`] if the policy is to stop.
    async fn process<'d>(&self, delivery: &'d Delivery) -> Result<&'d [Delivery], Stop>;

    /// Processes a batch as the batch rules say. Afterwards it holds what may be settled now.
    ///
    /// # Errors
    /// [`Stop`] if the policy for a single message is to stop, or if a dead letter may not have
    /// been written.
    async fn process_batch(&self, batch: &mut Vec<Delivery>) -> Result<(), Stop>;

    /// Processes a message with a bounded number of attempts.
    ///
    /// # Errors
    /// How the last attempt failed. After [`HandlerError::WorkerLost`] there is nothing left to
    /// settle: the supervisor has decided about the message.
    async fn process_with_attempts(&self, delivery: &Delivery) -> Result<(), HandlerError>;

    /// Processes a message with a bounded number of attempts and writes a dead letter if all fail.
    /// Returns what may be settled now: the message, unless a supervisor has decided about it.
    ///
    /// # Errors
    /// [`Stop::DeadLetter`] if the dead letter may not have been written.
    async fn process_or_dead_letter<'d>(
        &self,
        delivery: &'d Delivery,
    ) -> Result<&'d [Delivery], Stop>;

    /// Processes a message once, whatever the error policy.
    ///
    /// # Errors
    /// The handler's own.
    async fn attempt(&self, delivery: &Delivery) -> Result<(), HandlerError>;

    /// The article's `msg_process`: processes a message once and says whether that succeeded. Under
    /// the policy to crash, an error is an uncaught exception.
    ///
    /// # Errors
    /// [`Stop::Handler`] if the policy is to crash.
    async fn succeeds(&self, delivery: &Delivery) -> Result<bool, Stop> {
        match (self.attempt(delivery).await, self.policy()) {
            (Err(error), ErrorPolicy::Crash) => Err(error.into()),
            (attempt, _) => Ok(attempt.is_ok()),
        }
    }

    /// What it does after an error.
    fn policy(&self) -> ErrorPolicy;

    /// Writes a dead letter.
    ///
    /// # Errors
    /// [`Stop::DeadLetter`] if it may not have been written.
    async fn dead_letter(&self, delivery: &Delivery) -> Result<(), Stop>;
}

/// A handler under an error policy.
pub struct Supervised<'a, S, H, D> {
    /// Where the messages come from, to give one back.
    pub inbox: &'a S,
    /// The application's own code.
    pub handler: &'a H,
    /// Where messages go that it gives up on.
    pub dead_letters: &'a D,
    /// What to do after an error.
    pub policy: ErrorPolicy,
    /// Attempts before a dead letter, at least 1.
    pub max_attempts: u32,
    /// How long to wait before another attempt.
    pub retry_backoff: Duration,
    /// How a batch is written, and what to do when that fails.
    pub batch: BatchRules,
}

impl<S, H, D> Application for Supervised<'_, S, H, D>
where
    S: Subscription + GiveBack,
    H: Handler,
    D: DeadLetters,
{
    async fn process<'d>(&self, delivery: &'d Delivery) -> Result<&'d [Delivery], Stop> {
        let settled = slice::from_ref(delivery);
        match self.policy {
            ErrorPolicy::Retry => {
                while let Err(error) = self.handler.process(delivery).await {
                    if error == HandlerError::WorkerLost {
                        self.inbox.end_for_worker(delivery).await;
                        return Ok(&[]);
                    }
                    self.handler.pause(self.retry_backoff).await;
                }
                return Ok(settled);
            }
            ErrorPolicy::DeadLetter => return self.process_or_dead_letter(delivery).await,
            _ => {}
        }
        match (self.handler.process(delivery).await, self.policy) {
            (Err(HandlerError::WorkerLost), _) => {
                self.inbox.end_for_worker(delivery).await;
                Ok(&[])
            }
            (Ok(()), _) | (Err(_), ErrorPolicy::SkipAndSettle) => Ok(settled),
            (Err(_), ErrorPolicy::Requeue) => {
                self.handler.pause(self.retry_backoff).await;
                let _ = self.inbox.give_back(delivery).await;
                Ok(&[])
            }
            (Err(_), ErrorPolicy::Reject) => {
                self.handler.pause(self.retry_backoff).await;
                let _ = self.inbox.give_back_failed(delivery).await;
                Ok(&[])
            }
            (Err(_), ErrorPolicy::RetryTopic) => {
                self.try_later(delivery).await?;
                Ok(settled)
            }
            (Err(_), ErrorPolicy::Skip) => {
                self.inbox.let_go(delivery);
                Ok(&[])
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn process_batch(&self, batch: &mut Vec<Delivery>) -> Result<(), Stop> {
        match self.batch.on_failure {
            BatchFailure::RetryWhole => self.retry_whole(batch).await,
            BatchFailure::Bisect => self.bisect(batch).await?,
            BatchFailure::Abandon => self.write_or_abandon(batch).await,
            BatchFailure::PerItem | BatchFailure::DeadLetterItem => {
                self.set_failed_aside(batch).await?;
            }
        }
        Ok(())
    }

    async fn process_with_attempts(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let mut attempt = 1;
        loop {
            match self.handler.process(delivery).await {
                Err(HandlerError::WorkerLost) => {
                    self.inbox.end_for_worker(delivery).await;
                    return Err(HandlerError::WorkerLost);
                }
                Err(_) if attempt < self.max_attempts => {
                    attempt += 1;
                    self.handler.pause(self.retry_backoff).await;
                }
                last => return last,
            }
        }
    }

    async fn process_or_dead_letter<'d>(
        &self,
        delivery: &'d Delivery,
    ) -> Result<&'d [Delivery], Stop> {
        match self.process_with_attempts(delivery).await {
            Ok(()) => {}
            Err(HandlerError::WorkerLost) => return Ok(&[]),
            Err(_) => self.dead_letter(delivery).await?,
        }
        Ok(slice::from_ref(delivery))
    }

    fn policy(&self) -> ErrorPolicy {
        self.policy
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let attempt = self.handler.process(delivery).await;
        if attempt == Err(HandlerError::WorkerLost) {
            self.inbox.end_for_worker(delivery).await;
        }
        attempt
    }

    async fn dead_letter(&self, delivery: &Delivery) -> Result<(), Stop> {
        self.dead_letters.store(delivery).await.map_err(Stop::DeadLetter)
    }
}

impl<S: GiveBack, H, D: DeadLetters> Supervised<'_, S, H, D> {
    /// Publishes a copy of a message that comes later, or a dead letter if it was delivered often
    /// enough. Either is confirmed before the message may be settled.
    async fn try_later(&self, delivery: &Delivery) -> Result<(), Stop> {
        if u32::from(delivery.attempt) >= self.max_attempts {
            return self.dead_letters.store(delivery).await.map_err(Stop::DeadLetter);
        }
        match self.inbox.publish_copy(delivery, self.retry_backoff).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::RetryRefused),
            Err(unanswered) => Err(Stop::Retry(unanswered)),
        }
    }
}

/// Giving a message back, as far as the model can: a queue requeues it, a log leaves it alone.
pub trait GiveBack {
    /// Returns the message to its queue by a nack.
    ///
    /// # Errors
    /// As [`Subscription::settle`]; the lease returns it all the same.
    async fn give_back(&self, delivery: &Delivery) -> Result<(), SettleError>;

    /// Returns the message to its queue as one that was tried and failed: by a reject with requeue.
    ///
    /// # Errors
    /// As [`GiveBack::give_back`].
    async fn give_back_failed(&self, delivery: &Delivery) -> Result<(), SettleError> {
        self.give_back(delivery).await
    }

    /// The worker that had a message died, and its supervisor settles it or gives it back, as it is
    /// configured to. A log has no supervisor.
    async fn end_for_worker(&self, _delivery: &Delivery) {}

    /// Publishes another copy of a message, which comes `after` a while, and waits for the
    /// confirmation; `false` if it was refused. A log has no topic for it.
    ///
    /// # Errors
    /// [`Unanswered`]: it may have been stored or not.
    async fn publish_copy(
        &self,
        _delivery: &Delivery,
        _after: Duration,
    ) -> Result<bool, Unanswered> {
        Ok(false)
    }

    /// The application is done with a message and leaves it unsettled: its lease is not renewed.
    fn let_go(&self, _delivery: &Delivery) {}

    /// Whether a message that is left unsettled comes back although later ones are settled. A log
    /// has one offset, which covers it.
    fn keeps_unsettled(&self) -> bool;
}
