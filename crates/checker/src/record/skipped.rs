//! What a log has passed by, whether or not it was drained.
//!
//! > **The rule** (the `prefix` check of semantics.md 5.3). A log delivers a partition in order. So
//! > an acknowledged message that was never delivered, all of whose copies stand below the highest
//! > offset that was, will not come any more; unless a consumer goes back to where it stands.

use std::collections::BTreeSet;

use entrega_model::event::NO_POSITION;
use entrega_model::{MessageId, PartitionId};

use super::Sighting;
use crate::message::Message;
use crate::table::Table;

/// How far the deliveries of a subscription have come in each partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// What stands below was passed by: the highest offset that was delivered, or where a consumer
    /// has gone back to since.
    passed: Table<Option<u64>>,
}

impl Reach {
    /// A record was delivered.
    pub(super) fn delivered(&mut self, partition: PartitionId, position: u64) {
        if position != NO_POSITION {
            let passed = self.passed.entry(partition.0.into());
            *passed = (*passed).max(Some(position));
        }
    }

    /// A consumer goes on at an offset, which may lie further back.
    pub(super) fn moved(&mut self, partition: PartitionId, to: u64) {
        let passed = self.passed.entry(partition.0.into());
        *passed = passed.map(|passed| passed.min(to));
    }

    /// The messages that were passed by.
    pub(super) fn skipped(
        &self,
        records: &[Sighting],
        messages: &Table<Message>,
    ) -> BTreeSet<MessageId> {
        if self.passed.iter().all(|(_, passed)| passed.is_none()) {
            return BTreeSet::new();
        }
        let was_delivered =
            |id: MessageId| messages.get(id.0.into()).is_some_and(Message::was_delivered);
        let (mut below, mut ahead) = (BTreeSet::new(), BTreeSet::new());
        let unseen = records.iter().filter(|record| !was_delivered(record.message));
        for &Sighting { partition, offset, message, .. } in unseen {
            let passed = self.passed.get(partition.0.into()).copied().flatten();
            if passed.is_some_and(|passed| offset < passed) {
                below.insert(message)
            } else {
                ahead.insert(message)
            };
        }
        below.retain(|message| !ahead.contains(message));
        below
    }
}
