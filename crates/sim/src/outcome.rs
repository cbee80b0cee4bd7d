//! How a run ended.

use entrega_choice::Choices;
use entrega_model::{Instant, ProcessId};

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
    /// What a run that did not come to rest waits for next.
    pub awaited: Option<Awaited>,
    /// A consumer has polled in vain more than twice in a row, and the answers after the second
    /// were left out while nothing else happened.
    pub slept: bool,
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// When it is due.
    pub at: Instant,
    /// What it is.
    pub what: AwaitedThing,
}

/// Something that is due at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwaitedThing {
    /// A deadline of the broker: the end of a lease, or of a session or a rebalance.
    Broker,
    /// The next life of a process.
    Restart(ProcessId),
    /// The end of a stall.
    Resume(ProcessId),
    /// A process goes on with what it does.
    Work(ProcessId),
    /// A process hears of a request, or gives it up.
    Answer(ProcessId),
}

/// Whether a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Nothing more could happen.
    Quiescent,
    /// The drain took longer than the limit, in virtual time or in steps.
    Unfinished,
    /// The same, while the broker was down for a restart. So nothing says that it would never rest.
    BrokerDown,
    /// An exploration has been in this state before, so how it goes on is known.
    Cut,
}

impl RunEnd {
    /// Whether it was ended by a limit.
    pub const fn is_at_a_limit(self) -> bool {
        matches!(self, Self::Unfinished | Self::BrokerDown)
    }
}
