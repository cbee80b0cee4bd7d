//! Where effects happen: the state machine on the far side of the handler's call.
//!
//! A sink survives every crash of its callers. What it can do decides which guarantee can hold: to
//! a plain sink (an e-mail server) nothing but the number of calls matters.

mod checkpoints;
mod chosen;
mod dedup;
mod deduplicating;
mod keys;
mod offsets;
mod plain;
mod transactional;

use entrega_model::{MessageId, event::EffectVerdict};

pub use checkpoints::{Checkpoint, CheckpointStore};
pub use chosen::{ChosenSink, SinkKind};
pub use dedup::{Dedup, DedupRules};
pub use deduplicating::DeduplicatingSink;
pub use keys::{Keys, Retention};
pub use plain::PlainSink;
pub use transactional::TransactionalSink;

/// Decides about each effect that it is asked for.
pub trait Sink {
    /// Applies the effect of a message, or says why not.
    fn apply(&mut self, message: MessageId) -> EffectVerdict;
}
