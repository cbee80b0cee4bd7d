//! Where the effects of a live run happen: the sinks of the simulator, and a real database.
//!
//! > **The rule.** A sink's decision and its record in the history are one step: the sink is locked
//! > until its verdict is recorded. So the history has the effects of one sink in the order in
//! > which they happened.
//!
//! A live sink can fail ([`SinkError`]). After a definite error nothing has happened, neither the
//! effect nor the progress.
//!
//! * [`ChosenSink`](entrega_clients::sinks::ChosenSink): the sinks of the simulator, which keep
//!   everything in memory and never fail.
//! * `sqlite`: a database in a file, with the feature of that name.

mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entrega_clients::HandlerError;
use entrega_model::event::EffectVerdict;
use entrega_model::log::Offset;
use entrega_model::{Delivery, MessageId, PartitionId};
use thiserror::Error;

#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteSettings, SqliteSink};

/// A sink of effects, and of progress if it keeps any.
pub trait LiveSink: Send + 'static {
    /// Applies the effect of a message, and returns the verdict.
    ///
    /// # Errors
    /// [`SinkError`]; unless that is `Uncertain`, nothing has happened.
    fn apply(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError>;

    /// Applies the effects of several messages in one instant, one verdict each.
    ///
    /// # Errors
    /// As [`LiveSink::apply`], for all of them.
    fn apply_all(&mut self, batch: &[Delivery]) -> Result<Vec<EffectVerdict>, SinkError>;

    /// Where the consumer of a partition continues; none if nothing is stored.
    ///
    /// # Errors
    /// [`SinkError`]; ask again.
    fn stored_offset(&mut self, partition: PartitionId) -> Result<Option<Offset>, SinkError>;

    /// Whether the inbox table has a row for a message.
    ///
    /// # Errors
    /// [`SinkError`]; ask again.
    fn has_row(&mut self, message: MessageId) -> Result<bool, SinkError>;

    /// Stores the progress past a message without its effect.
    ///
    /// # Errors
    /// As [`LiveSink::apply`].
    fn pass(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError>;

    /// Whether a call may block its thread, so that it is made on another one.
    fn blocks(&self) -> bool;
}

/// Why a sink did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Another connection holds the database, longer than the sink waits. Nothing has happened;
    /// another attempt succeeds once it lets go.
    #[error("the database is locked by somebody else; nothing has happened, try again")]
    Locked,
    /// There is no room on the disk, or the database has reached its maximum size. Nothing has
    /// happened; make room and try again.
    #[error("the database is full; nothing has happened, make room")]
    Full,
    /// The database is read-only. Nothing has happened; make it writable.
    #[error("the database is read-only; nothing has happened, make it writable")]
    ReadOnly,
    /// Another definite error. Nothing has happened; the message says why.
    #[error("the database has refused: {0}; nothing has happened")]
    Refused(String),
    /// It failed while committing: it may have happened or not. Read the progress before going on.
    #[error("the database failed while it committed: {0}; it may have happened or not")]
    Uncertain(String),
}

impl From<&SinkError> for HandlerError {
    fn from(error: &SinkError) -> Self {
        match error {
            SinkError::Uncertain(_) => Self::Unknown,
            _ => Self::Transient,
        }
    }
}

/// A sink for all consumers of a subscription. Clones are the same sink.
pub struct SharedSink<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    sink: Mutex<S>,
    blocks: bool,
    troubles: Mutex<Troubles>,
}

/// The errors of a sink so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// How many calls failed.
    pub count: u64,
    /// How the last of them failed.
    pub last: Option<SinkError>,
}

impl<S> Clone for SharedSink<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: LiveSink> SharedSink<S> {
    /// Shares a sink.
    pub fn new(sink: S) -> Self {
        let (blocks, troubles) = (sink.blocks(), Mutex::default());
        Self { inner: Arc::new(Inner { sink: Mutex::new(sink), blocks, troubles }) }
    }

    /// Looks at the sink, exclusively.
    pub fn with<R>(&self, look: impl FnOnce(&mut S) -> R) -> R {
        look(&mut lock(&self.inner.sink))
    }

    /// The errors so far.
    pub fn troubles(&self) -> Troubles {
        lock(&self.inner.troubles).clone()
    }

    /// Asks the sink, as over a network: the caller may die before the request leaves or before the
    /// answer arrives, and what it asked for happens all the same.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut S) -> Result<R, SinkError> + Send + 'static,
    ) -> Result<R, SinkError> {
        tokio::task::yield_now().await;
        let sink = self.clone();
        let call = move || sink.with(ask);
        let answer = if self.inner.blocks {
            match tokio::task::spawn_blocking(call).await {
                Ok(answer) => answer,
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                Err(error) => Err(SinkError::Refused(error.to_string())),
            }
        } else {
            let answer = call();
            tokio::task::yield_now().await;
            answer
        };
        if let Err(error) = &answer {
            let mut troubles = lock(&self.inner.troubles);
            troubles.count += 1;
            troubles.last = Some(error.clone());
        }
        answer
    }
}

/// A panic of a caller leaves the sink intact: it decides in transactions.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
