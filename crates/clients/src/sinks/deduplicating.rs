//! A sink with a unique key: the producer's message id, kept for ever (the idempotent receiver of
//! Enterprise Integration Patterns). A real one keeps it for a window, which must outlive every
//! replay.

use entrega_model::{MessageId, event::EffectVerdict};

use super::Sink;

/// Applies the first effect of each message and suppresses the others. One bit a message.
#[derive(Clone, Debug, Default)]
pub struct DeduplicatingSink {
    seen: Vec<u64>,
}

impl DeduplicatingSink {
    /// A sink with room for the ids below `messages`; it grows if there are more.
    pub fn with_capacity(messages: usize) -> Self {
        Self { seen: vec![0; messages.div_ceil(64)] }
    }

    /// What it has seen, a bit a message.
    pub fn words(&self) -> impl Iterator<Item = u64> {
        self.seen.iter().copied()
    }

    /// Forgets a message: its next effect is applied again.
    pub(super) fn forget(&mut self, message: MessageId) {
        if let Some(word) = self.seen.get_mut(message.index() / 64) {
            *word &= !(1 << (message.index() % 64));
        }
    }

    /// Whether it has applied the effect of a message.
    pub fn has_seen(&self, message: MessageId) -> bool {
        let word = self.seen.get(message.index() / 64);
        word.is_some_and(|word| word & (1 << (message.index() % 64)) != 0)
    }
}

// ANCHOR: apply
impl Sink for DeduplicatingSink {
    fn apply(&mut self, message: MessageId) -> EffectVerdict {
        let (word, bit) = (message.index() / 64, 1 << (message.index() % 64));
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            return EffectVerdict::Suppressed;
        }
        self.seen[word] |= bit;
        EffectVerdict::Applied
    }
}
// ANCHOR_END: apply

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_call_is_suppressed() {
        let mut sink = DeduplicatingSink::default();
        assert_eq!(sink.apply(MessageId(64)), EffectVerdict::Applied);
        assert!(sink.has_seen(MessageId(64)) && !sink.has_seen(MessageId(0)));
        assert_eq!(sink.apply(MessageId(0)), EffectVerdict::Applied);
        assert_eq!(sink.apply(MessageId(64)), EffectVerdict::Suppressed);
    }

    /// Neighbours in one word of 64, and words that the sink has to grow for.
    #[test]
    fn what_was_applied_is_remembered_whatever_came_after() {
        let mut sink = DeduplicatingSink::with_capacity(1);
        let messages = [0, 1, 63, 64, 65, 127, 128, 1_000, 999].map(MessageId);
        for message in messages {
            assert_eq!(sink.apply(message), EffectVerdict::Applied, "{message}");
        }
        for message in messages {
            assert!(sink.has_seen(message), "{message}");
            assert_eq!(sink.apply(message), EffectVerdict::Suppressed, "{message}");
        }
        for message in [2, 62, 66, 126, 129, 998, 1_001, 5_000].map(MessageId) {
            assert!(!sink.has_seen(message), "{message}");
        }
    }
}
