//! What to judge by: what each subscription promises, and hints about sizes.

use entrega_model::Guarantee;

use crate::TimedCrashes;

/// What to judge by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The subscriptions, by id. Events of others are ignored.
    pub subscriptions: Vec<SubscriptionConfig>,
    /// How many processes are expected; a hint.
    pub processes: usize,
    /// How many messages are expected; a hint.
    pub messages: usize,
    /// Whether the order in which a producer's program sends its messages counts as their order,
    /// although a send may begin before the one before is acknowledged (semantics.md 5.5, pipelined
    /// sends). Otherwise such sends have none.
    pub program_order: bool,
    /// Whether dead letters may be moved back to their queue. It decides what a fingerprint may
    /// leave out, and nothing else.
    pub redrives: bool,
    /// Whether a consumer goes on behind a message whose transaction is prepared and not committed
    /// yet: if that expires, the message is lost by it.
    pub resumes: bool,
    /// Whether the broker reports every settle that it records, as simulated ones do: what a
    /// consumer learns of its own is no settle then. Otherwise that is so from the first one that
    /// is reported.
    pub reports_settles: bool,
    /// The processes that die by time. If there are any, the report says what their crashes hit.
    pub timed_crashes: Vec<TimedCrashes>,
}

/// What one subscription promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionConfig {
    /// About effects.
    pub guarantee: Guarantee,
    /// Whether a dead letter is part of the promise.
    pub dead_letters_declared: bool,
    /// Whether order within each key is part of the promise.
    pub ordered: bool,
}
