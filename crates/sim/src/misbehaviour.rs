//! Consumers that misbehave: what they do is reported as data, with the process and the time.
//!
//! A user's code may spin, panic or return. None of that is a property of delivery, so there is no
//! verdict; and none of it may hang or kill the laboratory. The first three of these end a run at
//! once:
//!
//! 1. *Spins*: goes on and on at one instant of virtual time. The executor counts how often a
//!    process is polled while nothing else happens, and the link how often it is used within one
//!    poll. Both limits are far above what a well-behaved consumer needs.
//! 2. *Panics*: caught where a life of a user's consumer is polled.
//! 3. *Is unsupported*: the consumer has no code for this model.
//! 4. *Ends early*: returns without an error before it was asked to stop, and its subscription has
//!    messages left at the end. An error is no early end: a supervisor starts it again.
//! 5. *Is out of steps or time*: never comes to rest. The process that ran most is blamed.
//! 6. *Acts when idle*: after many polls in a row that found nothing it asks for more than
//!    messages, or leaves. An exploration gives only the first two of such idle answers, so it has
//!    not tried what comes then.
//!
//! A consumer that never returns from a poll and does not use its link either cannot be stopped by
//! anything on the same thread. Another thread beside it can, which sees its
//! [`Pulse`](crate::Pulse).

use entrega_model::{Duration, Instant, ProcessId};
use thiserror::Error;

/// How often a process may be polled, or use its link within a poll, while nothing else happens.
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
    /// It acts after more idle polls in a row than are explored.
    #[error(
        "asks for more than messages, or leaves, after more than two idle polls in a row: what it \
         does then is not explored"
    )]
    ActsWhenIdle,
}

impl Misdeed {
    /// Whether the run ended there, so that nothing it seems to show means anything.
    pub const fn ends_the_run(&self) -> bool {
        matches!(self, Self::Spins | Self::Panics(_) | Self::Unsupported)
    }

    /// Whether the run was only too long. A strategy that retries a poison message without end does
    /// so on purpose.
    pub const fn is_unrest(&self) -> bool {
        matches!(self, Self::OutOfSteps(_) | Self::OutOfTime(_))
    }
}
