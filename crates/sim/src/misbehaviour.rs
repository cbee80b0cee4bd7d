//! Consumers that misbehave: what they do is data, told with who did it and when.
//!
//! Code of one's own may spin, panic or leave. None of that is a property of delivery, so no
//! verdict can be given; and none of it may hang or kill the laboratory. A run ends where it meets
//! the first three of these:
//!
//! 1. *Spins*: goes on and on at one instant of virtual time. The executor counts how often a
//!    process is polled while nothing else happens, and the link how often it is used within one
//!    poll. Both limits are far above what any honest consumer needs.
//! 2. *Panics*: caught where a life of one's own consumer is polled.
//! 3. *Is unsupported*: the consumer has no code for this model.
//! 4. *Ends early*: returns without an error before it was asked to stop, and its subscription has
//!    messages left in the end. An error is no early end: a supervisor starts it again.
//! 5. *Is out of steps or time*: never comes to rest. It is charged to the process that ran most.
//!
//! What never returns from one poll and does not use its link either, nothing on the same thread
//! can end. A thread beside it can, which sees its [`Pulse`](crate::Pulse).

use entrega_model::{Duration, Instant, ProcessId};
use thiserror::Error;

/// So often a process may be polled, or use its link within a poll, while nothing else happens.
pub const MOST_AT_ONE_INSTANT: u32 = 100_000;

/// A process did what no consumer may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misbehaviour {
    /// Who.
    pub process: ProcessId,
    /// When, in virtual time.
    pub at: Instant,
    /// What.
    pub misdeed: Misdeed,
}

/// What no consumer may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum Misdeed {
    /// It goes on at one instant of virtual time. Wait for something: a turn, an answer, a timer.
    #[error("spins: it goes on and on without letting time pass")]
    Spins,
    /// It panicked, with this message. Return an error instead, and it is started again.
    #[error("panics: {0}")]
    Panics(String),
    /// It has no code for this model.
    #[error("has no code for this model (Stop::Unsupported)")]
    Unsupported,
    /// It returned `Ok` before the shutdown and left messages behind. Loop until there is no next.
    #[error("ends without being asked to, and leaves messages behind")]
    EndsEarly,
    /// The run took more steps than it may. A consumer that waits with a timeout never rests.
    #[error("does not come to rest within {0} steps")]
    OutOfSteps(u64),
    /// The drain took more virtual time than it may.
    #[error("does not come to rest within {0} of virtual time")]
    OutOfTime(Duration),
}

impl Misdeed {
    /// Whether the run ended there: nothing that it seems to show means anything.
    pub const fn ends_the_run(&self) -> bool {
        matches!(self, Self::Spins | Self::Panics(_) | Self::Unsupported)
    }

    /// Whether the run was only too long. A strategy that tries a poison message for ever does that
    /// on purpose.
    pub const fn is_unrest(&self) -> bool {
        matches!(self, Self::OutOfSteps(_) | Self::OutOfTime(_))
    }
}
