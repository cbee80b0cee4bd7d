//! How long after its due time a message has its first effect.
//!
//! > **The rule.** Only messages count that are due later than they are sent, and of each its first
//! > applied effect. One that comes before the due time is *early*, and is in no percentile.
//!
//! The latency from the send says little of such a message: most of it is the wait that was asked
//! for.

use std::sync::Arc;

use entrega_model::{Instant, MessageId};
use serde::Serialize;

use crate::Histogram;

/// First effects of messages that were due later than they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lateness {
    /// How many came before their due time.
    pub early: u64,
    /// From the due time to the first applied effect of the others, in nanoseconds.
    pub late: Histogram,
}

impl Lateness {
    /// Adds everything that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        let Self { early, late } = self;
        *early += other.early;
        late.merge(&other.late);
    }
}

/// What is found of it while a run goes on.
#[derive(Clone, Debug)]
pub(crate) struct LatenessFold {
    not_before: Arc<[Instant]>,
    pub(crate) found: Lateness,
}

impl LatenessFold {
    /// Nothing is found yet; the messages are due at these times, by their ids.
    pub(crate) fn new(not_before: Arc<[Instant]>) -> Self {
        Self { not_before, found: Lateness::default() }
    }

    /// A message that was sent at `sent` has its first effect.
    pub(crate) fn first_effect(&mut self, message: MessageId, sent: Instant, at: Instant) {
        let due = self.not_before.get(message.index()).copied().unwrap_or_default();
        if due <= sent {
            return;
        }
        if at < due {
            self.found.early += 1;
        } else {
            self.found.late.record(at.since(due).as_nanos());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is early is not late by nothing, and what is due when it is sent is not asked.
    #[test]
    fn only_what_is_due_later_counts() {
        let at = Instant::from_nanos;
        let mut fold = LatenessFold::new([10, 10, 5, 0].map(at).into());
        for (message, effect) in [(0, 13), (1, 9), (2, 9), (3, 9), (7, 9)] {
            fold.first_effect(MessageId(message), at(5), at(effect));
        }
        assert_eq!((fold.found.early, fold.found.late.count()), (1, 1));
        assert_eq!(fold.found.late.max(), Some(3));
        let mut both = fold.found.clone();
        both.merge(&fold.found);
        assert_eq!((both.early, both.late.count()), (2, 2));
    }
}
