//! The ten classes: every message that was sent is in exactly one, for each subscription.
//!
//! > **The rule** (semantics.md 5.3). E(m) counts applied effects, Q(m) copies in the dead-letter
//! > sink; P(m) says whether a copy can still be retrieved at the end. The first class that matches
//! > counts, in the order phantom, refused, split, duplicated, exact / recovered, dead_lettered,
//! > pending, lost, absent.

use crate::tally::{Tally, words};

/// How many messages are in each class.
pub type Classes = Tally<Class, { Class::COUNT }>;

words! {
    /// What became of a message. The order is that of the table in semantics.md.
    Class {
        /// Acknowledged, one effect, no dead letter.
        Exact => "exact",
        /// Two effects or more.
        Duplicated => "duplicated",
        /// An effect and a dead letter: a duplicate of a kind.
        Split => "split",
        /// Acknowledged, no effect, a dead letter: accounted for.
        DeadLettered => "dead_lettered",
        /// Acknowledged, no effect yet, and still retrievable.
        Pending => "pending",
        /// Acknowledged, no effect, and gone.
        Lost => "lost",
        /// Indeterminate for its producer, and here: one effect, or a dead letter.
        Recovered => "recovered",
        /// Indeterminate for its producer, and not here. No loss: nothing was promised for it.
        Absent => "absent",
        /// An effect of a message that was never sent, or was refused for certain.
        Phantom => "phantom",
        /// Refused for certain, and its producer knows. No loss.
        Refused => "refused",
    }
}

/// What the producer learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was never sent.
    Never,
    /// Acknowledged.
    Ok,
    /// Refused.
    Fail,
    /// Indeterminate, or no outcome at all.
    Info,
}

/// What there is of a message at the end. Counts of two stand for two or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) sent: Sent,
    pub(crate) effects: u8,
    pub(crate) dead_letters: u8,
    pub(crate) retrievable: bool,
}

impl Class {
    /// The class of a message; `None` if it was never sent and had no effect.
    pub(crate) fn of(outcome: Outcome) -> Option<Self> {
        let Outcome { sent, effects, dead_letters, retrievable } = outcome;
        Some(match (sent, effects, dead_letters) {
            (Sent::Never, 0, _) => return None,
            (Sent::Never, ..) => Self::Phantom,
            (Sent::Fail, 0, _) => Self::Refused,
            (Sent::Fail, ..) => Self::Phantom,
            (_, 1.., 1..) => Self::Split,
            (_, 2.., 0) => Self::Duplicated,
            (Sent::Ok, 1, 0) => Self::Exact,
            (Sent::Info, 1, 0) | (Sent::Info, 0, 1..) => Self::Recovered,
            (Sent::Ok, 0, 1..) => Self::DeadLettered,
            (Sent::Ok, 0, 0) if retrievable => Self::Pending,
            (Sent::Ok, 0, 0) => Self::Lost,
            (Sent::Info, 0, 0) => Self::Absent,
        })
    }
}
