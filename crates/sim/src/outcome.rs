//! How a run ended.

use entrega_choice::Choices;
use entrega_model::Instant;

use crate::misbehaviour::Misbehaviour;

/// How a run ended.
pub struct Outcome {
    /// The choices that were made; [`Choices::made`] replays the run.
    pub choices: Choices,
    /// Whether it came to rest.
    pub end: RunEnd,
    /// When the last thing happened.
    pub ended_at: Instant,
    /// How many things happened.
    pub steps: u64,
    /// The first thing that a process did and must not do.
    pub misbehaviour: Option<Misbehaviour>,
}

/// Whether a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Nothing more could happen.
    Quiescent,
    /// The drain took longer than the limit, in virtual time or in steps.
    Unfinished,
    /// An exploration has been in this state before, so how it goes on is known.
    Cut,
}
