//! How old messages are: for a time to live and for retention.
//!
//! > **The rule.** The time counts from when a message was stored, whatever happens to it since: a
//! > requeue does not begin it anew [RMQ-QQ], nor does a receive [SQS-STD].
//!
//! All messages of a queue have the same span, so they grow too old in the order in which they were
//! stored. What is too old is a prefix; of the others the times are kept, and nothing in the copy.

use std::collections::VecDeque;

use entrega_model::{Duration, Instant};

/// When the messages of a queue were stored, those that are not too old.
#[derive(Clone, Debug)]
pub(super) struct Ages {
    span: Duration,
    /// The first that is not too old.
    first: u64,
    stored: VecDeque<Instant>,
}

impl Ages {
    pub(super) fn new(span: Duration) -> Self {
        Self { span, first: 0, stored: VecDeque::new() }
    }

    /// The next message is stored.
    pub(super) fn store(&mut self, now: Instant) {
        self.stored.push_back(now);
    }

    /// Finds out what is too old by now; returns the first that is not.
    pub(super) fn pass(&mut self, now: Instant) -> u64 {
        while self.stored.front().is_some_and(|&at| at + self.span <= now) {
            self.stored.pop_front();
            self.first += 1;
        }
        self.first
    }

    /// The first message that is not too old, when the time was last looked at.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Whether a message was too old when the time was last looked at.
    pub(super) fn is_over(&self, sequence: u64) -> bool {
        sequence < self.first
    }

    /// When a message is too old; none if it is already.
    pub(super) fn end_of(&self, sequence: u64) -> Option<Instant> {
        let place = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.stored.get(place).map(|&at| at + self.span)
    }

    /// When the next one is.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.stored.front().map(|&at| at + self.span)
    }

    pub(super) fn clear(&mut self) {
        let Self { span: _, first, stored } = self;
        *first = 0;
        stored.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_is_a_prefix() {
        let at = |seconds| Instant::START + Duration::from_secs(seconds);
        let mut ages = Ages::new(Duration::from_secs(10));
        [0, 3, 3].into_iter().for_each(|seconds| ages.store(at(seconds)));
        assert_eq!((ages.pass(at(9)), ages.next_end()), (0, Some(at(10))));
        assert_eq!(ages.pass(at(10)), 1);
        assert!(ages.is_over(0) && !ages.is_over(1));
        assert_eq!(
            [0, 1, 2, 3].map(|sequence| ages.end_of(sequence)),
            [None, Some(at(13)), Some(at(13)), None]
        );
        assert_eq!((ages.pass(at(20)), ages.next_end()), (3, None));
    }
}
