//! How the effects of a sink are kept from happening twice, whatever the strategy of its consumers.
//!
//! A strategy says when a consumer settles, and no such order can make an effect happen exactly
//! once. What can is a key for each message (the *idempotent receiver* of Enterprise Integration
//! Patterns), and four things are built under that name:
//!
//! | `Dedup` | Where the key is kept | What gets through |
//! |---|---|---|
//! | `None` | nowhere | every repeat |
//! | `Atomic` | in the sink, written with the effect: a unique key, `insert … on conflict do nothing` | nothing, as long as the key is kept |
//! | `CheckThenWrite` | in the sink too, but one call looks it up and another writes: `select`, then `insert` | who looks it up before the other has written: a zombie, a second consumer |
//! | `ProcessMemory` | in a set in the consumer's memory | every other consumer, and every life after a crash |
//!
//! Keys are kept for ever or within the bounds of a [`Retention`].
//!
//! A sink that keeps its consumer's progress has none of this: the progress in its transaction is
//! what keeps a second effect out ([`TransactionalSink`](super::TransactionalSink)).

use super::Retention;

/// How a sink recognises a message that has had its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dedup {
    /// As the strategy has it: not at all, unless it is made for a sink that does.
    #[default]
    None,
    /// It looks its key up and applies its effect in one step.
    Atomic,
    /// The consumer asks for the key in one call, and for the effect in another, in which nobody
    /// looks.
    CheckThenWrite,
    /// The sink does not. Each consumer keeps, in memory, the messages of which it knows the
    /// effect.
    ProcessMemory,
}

/// The same with how long keys are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DedupRules {
    /// How a message is recognised.
    pub dedup: Dedup,
    /// For how long.
    pub retention: Retention,
}
