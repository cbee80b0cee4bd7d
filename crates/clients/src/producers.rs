//! How messages get into the broker.
//!
//! A send has three outcomes: ok, failed for certain, or indeterminate (`info`). An error from a
//! producer is not a failure: the message may be stored all the same.

mod buffered;
mod confirmed;
mod fire_and_forget;
mod pipelined;
mod publisher;
mod session;
mod transactional;

use entrega_model::Record;

pub use buffered::{BatchPublisher, Buffering, buffered};
pub use confirmed::{Retries, confirmed};
pub use fire_and_forget::fire_and_forget;
pub use pipelined::pipelined;
pub use publisher::{LogPublisher, PublishError, Publisher, QueuePublisher};
pub use transactional::{
    LogTransactions, NoTransactions, Prepared, QueueTransactions, TransactionError,
    TransactionalProducer,
};

/// Where a producer's messages come from: a sales system, in the article.
pub trait Outgoing {
    /// Waits for the next message to send; `None` when there will be no more.
    async fn next(&self) -> Option<Record>;
}

#[cfg(test)]
mod tests;
