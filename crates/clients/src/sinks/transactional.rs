//! A sink that is a database: one transaction applies an effect and notes how far its consumer has
//! come. The transactional outbox turned around, known as the *inbox* pattern [Outbox / inbox].
//!
//! > **The rule** (semantics.md S10). The effect is applied only if the progress is what its writer
//! > takes it for. On a log: `update progress set offset = o + 1 where offset = o`, and if no row
//! > was changed the transaction is rolled back. On a queue: `insert into inbox (message)` under a
//! > unique key, and if the row is there the transaction is rolled back.
//!
//! The condition is what makes it exactly once: a zombie's transaction comes after its successor's
//! and finds another progress. The *unconditional* sink has the same tables and does not look: a
//! zombie applies its effect again. It is here to be caught.
//!
//! A group begins without a row, so the first transaction of a partition inserts one at any offset.
//! The condition is strict: if the log itself has a gap at the stored offset (retention passed it),
//! no transaction is accepted until somebody moves the stored offset by hand.

use entrega_model::log::Offset;
use entrega_model::{MessageId, PartitionId, event::EffectVerdict};

use super::offsets::StoredOffsets;
use super::{DeduplicatingSink, Sink};

/// Effects, the stored offset of each partition, and the inbox table.
#[derive(Clone, Debug)]
pub struct TransactionalSink {
    conditional: bool,
    offsets: StoredOffsets,
    inbox: DeduplicatingSink,
}

impl TransactionalSink {
    /// A sink that rolls back what does not meet the rule. It has room for the ids below
    /// `messages` and grows if there are more.
    pub fn conditional(messages: usize) -> Self {
        let inbox = DeduplicatingSink::with_capacity(messages);
        Self { conditional: true, offsets: StoredOffsets::default(), inbox }
    }

    /// The known-bad twin: it writes the progress, whatever was there.
    pub fn unconditional(messages: usize) -> Self {
        Self { conditional: false, ..Self::conditional(messages) }
    }

    /// Log: applies an effect, if there is one, and stores the progress past `offset`.
    pub fn apply_at(&mut self, partition: PartitionId, offset: Offset) -> EffectVerdict {
        if !self.conditional {
            self.offsets.overwrite(partition, offset);
        } else if !self.offsets.advance(partition, offset) {
            return EffectVerdict::Rejected;
        }
        EffectVerdict::Applied
    }

    /// Queue: applies an effect and inserts the row of its message.
    pub fn apply_with_row(&mut self, message: MessageId) -> EffectVerdict {
        match self.inbox.apply(message) {
            EffectVerdict::Suppressed if !self.conditional => EffectVerdict::Applied,
            verdict => verdict,
        }
    }

    /// All that it keeps, as words, for a fingerprint.
    pub fn words(&self) -> impl Iterator<Item = u64> {
        let offsets = self.offsets.all().iter().map(|offset| offset.unwrap_or(u64::MAX));
        offsets.chain(self.inbox.words())
    }

    /// Where the consumer of a partition goes on.
    pub fn stored_offset(&self, partition: PartitionId) -> Option<Offset> {
        self.offsets.of(partition)
    }

    /// Whether the inbox table has a row for a message.
    pub fn has_row(&self, message: MessageId) -> bool {
        self.inbox.has_seen(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: PartitionId = PartitionId(3);

    #[test]
    fn an_effect_and_its_progress_are_one() {
        let mut sink = TransactionalSink::conditional(8);
        assert_eq!(sink.stored_offset(LANE), None);
        assert_eq!(sink.apply_at(LANE, 5), EffectVerdict::Applied);
        assert_eq!(sink.apply_at(LANE, 6), EffectVerdict::Applied);
        assert_eq!(sink.stored_offset(LANE), Some(7));
        assert_eq!(sink.stored_offset(PartitionId(0)), None, "each partition has its own");
    }

    /// Behind the stored offset stands a zombie, ahead of it somebody who has skipped a message.
    #[test]
    fn another_progress_rejects_the_transaction() {
        let mut sink = TransactionalSink::conditional(8);
        sink.apply_at(LANE, 5);
        for offset in [4, 5, 7] {
            assert_eq!(sink.apply_at(LANE, offset), EffectVerdict::Rejected, "{offset}");
        }
        assert_eq!(sink.stored_offset(LANE), Some(6));
    }

    #[test]
    fn a_second_row_is_suppressed() {
        let mut sink = TransactionalSink::conditional(8);
        assert!(!sink.has_row(MessageId(9)));
        assert_eq!(sink.apply_with_row(MessageId(9)), EffectVerdict::Applied);
        assert!(sink.has_row(MessageId(9)));
        assert_eq!(sink.apply_with_row(MessageId(9)), EffectVerdict::Suppressed);
    }

    /// The zombie's write moves the progress back as well.
    #[test]
    fn the_unconditional_twin_does_not_look() {
        let mut sink = TransactionalSink::unconditional(8);
        for offset in [5, 6, 5] {
            assert_eq!(sink.apply_at(LANE, offset), EffectVerdict::Applied);
        }
        assert_eq!(sink.stored_offset(LANE), Some(6));
        for _ in 0..2 {
            assert_eq!(sink.apply_with_row(MessageId(1)), EffectVerdict::Applied);
        }
        assert!(sink.has_row(MessageId(1)));
    }
}
