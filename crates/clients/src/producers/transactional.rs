//! A producer whose records, and the offsets of the messages that they were made of, become valid
//! together or not at all.
//!
//! > **The rule** (semantics.md 3.3, S9). One transaction at a time: begin, send, send the offsets,
//! > commit or abort. What a step fails with says what can be done: abort and try again, or only
//! > close. A commit without an answer may have been carried out or not; to repeat it is safe, and
//! > nothing else is. Whoever does not repeat it closes, and the next life of the producer begins
//! > by having the broker abort what is open.
//!
//! An abort does not take the consumer back: it must seek to the committed offset itself.
//!
//! * [`LogTransactions`]: Kafka's transactions.
//! * [`QueueTransactions`]: the same for an ideal queue that settles and publishes in one step.

mod log;
mod queue;

use entrega_model::{Delivery, TransactionalId};
use thiserror::Error;

use crate::HandlerError;

pub use log::LogTransactions;
pub use queue::QueueTransactions;

/// A producer that works in transactions.
pub trait TransactionalProducer {
    /// Whether effects are records of it. If not, they happen outside of its transactions.
    fn writes_output(&self) -> bool;

    /// Begins a life: fences the lives before, and aborts what they left open. Asks until it is
    /// answered.
    ///
    /// # Errors
    /// [`TransactionError::Fenced`].
    async fn init(&self) -> Result<(), TransactionError>;

    /// Begins a transaction.
    fn begin(&self);

    /// The transaction that is open, as whoever comes later must name it to commit it. None if
    /// nothing was written in it.
    fn prepared(&self) -> Option<Prepared>;

    /// Commits what is prepared, by this life or an earlier one, under its own identity and without
    /// beginning a life. Asks until it is answered; a refusal is for good.
    ///
    /// # Errors
    /// [`TransactionError::Fenced`] if it was open for too long and was aborted; if it was
    /// committed, and another one has begun since; or if it is of another producer.
    async fn commit_prepared(&self, prepared: Prepared) -> Result<(), TransactionError>;

    /// Writes the effect of a message. To write that of the same message again in the same
    /// transaction is recognised.
    ///
    /// # Errors
    /// [`TransactionError`].
    async fn send(&self, delivery: &Delivery) -> Result<(), TransactionError>;

    /// Has these deliveries settled with the transaction; on a log with the metadata of the group
    /// of their consumer, if it is set up so.
    ///
    /// # Errors
    /// [`TransactionError`].
    async fn send_offsets(&self, deliveries: &[Delivery]) -> Result<(), TransactionError>;

    /// Commits.
    ///
    /// # Errors
    /// [`TransactionError`].
    async fn commit(&self) -> Result<(), TransactionError>;

    /// Aborts. The deliveries are not settled, and readers of committed records see nothing.
    ///
    /// # Errors
    /// [`TransactionError`], except that it can be aborted.
    async fn abort(&self) -> Result<(), TransactionError>;
}

/// A transaction whose records are all written, and that is not committed yet: its identity at the
/// broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Of which producer.
    pub id: TransactionalId,
    /// In which epoch of it.
    pub epoch: u32,
}

/// Why a step of a transaction is not known to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TransactionError {
    /// Refused for certain, and the transaction is still open: abort it. The consumer has lost its
    /// assignment, or a record is missing.
    #[error("a step of the transaction was refused; abort it")]
    Refused,
    /// A younger instance has begun, or the transaction was open for too long and was aborted:
    /// close.
    #[error("the producer is fenced; close it")]
    Fenced,
    /// No answer. A record can be sent again; of an end it is unknown whether it was carried out.
    #[error("no answer to a step of the transaction; it may have been carried out")]
    Unknown,
}

/// What a handler fails with whose effect is such a record.
impl From<TransactionError> for HandlerError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Unknown => Self::Unknown,
            TransactionError::Refused | TransactionError::Fenced => Self::Rejected,
        }
    }
}

/// For an application whose effects are not written to a broker. There is none of it.
#[derive(Debug)]
pub enum NoTransactions {}

impl TransactionalProducer for NoTransactions {
    fn writes_output(&self) -> bool {
        match *self {}
    }

    async fn init(&self) -> Result<(), TransactionError> {
        match *self {}
    }

    fn begin(&self) {
        match *self {}
    }

    fn prepared(&self) -> Option<Prepared> {
        match *self {}
    }

    async fn commit_prepared(&self, _prepared: Prepared) -> Result<(), TransactionError> {
        match *self {}
    }

    async fn send(&self, _delivery: &Delivery) -> Result<(), TransactionError> {
        match *self {}
    }

    async fn send_offsets(&self, _deliveries: &[Delivery]) -> Result<(), TransactionError> {
        match *self {}
    }

    async fn commit(&self) -> Result<(), TransactionError> {
        match *self {}
    }

    async fn abort(&self) -> Result<(), TransactionError> {
        match *self {}
    }
}

#[cfg(test)]
mod tests;
