//! The broker's own ids: how a queue names what it stores, whatever its producer calls it.
//!
//! > **The rule.** A message gets an id when it is stored, and keeps it through every redelivery.
//! > A second copy has another one: a publish that was repeated, a dead letter that was moved back
//! > under a new id. So a sink that recognises messages by it takes such a copy for a new message.
//!
//! It is the `MessageId` that SQS answers with, the sequence of a JetStream stream, the entry id of
//! Redis: the number of the copy in its queue. Deliveries do not carry it; a queue remembers which
//! copy each was of, if a sink asks for it.

use std::collections::BTreeMap;

use entrega_model::queue::DeliveryTag;

/// The ids of the copies of a queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// Of copies that have another id than their number.
    kept: BTreeMap<u64, u64>,
    /// By tag, the id of what was delivered.
    delivered: Vec<u64>,
}

impl Ids {
    /// The id of a copy.
    pub(super) fn of(&self, sequence: u64) -> u64 {
        self.kept.get(&sequence).copied().unwrap_or(sequence)
    }

    /// A copy has this id.
    pub(super) fn keep(&mut self, sequence: u64, id: u64) {
        self.kept.insert(sequence, id);
    }

    /// A copy is finished.
    pub(super) fn finish(&mut self, sequence: u64) {
        self.kept.remove(&sequence);
    }

    /// The next delivery is of this copy.
    pub(super) fn deliver(&mut self, sequence: u64) {
        self.delivered.push(self.of(sequence));
    }

    /// The id of what was delivered under a tag.
    pub(super) fn delivered(&self, tag: DeliveryTag) -> Option<u64> {
        let place = usize::try_from(tag.checked_sub(1)?).ok()?;
        self.delivered.get(place).copied()
    }

    /// The deliveries under a tag from this one on: the tag and the id.
    pub(super) fn from(&self, tag: DeliveryTag) -> impl Iterator<Item = (DeliveryTag, u64)> {
        (1..).zip(self.delivered.iter().copied()).skip_while(move |(given, _)| *given < tag)
    }

    pub(super) fn clear(&mut self) {
        let Self { kept, delivered } = self;
        kept.clear();
        delivered.clear();
    }
}
