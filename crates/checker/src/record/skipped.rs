//! What a log has passed by, whether or not it was drained.
//!
//! > **The rule** (semantics.md 5.2 and the `prefix` check of 5.3). A log delivers a partition in
//! > order, and a group goes on at its committed offset. So an acknowledged message will have no
//! > effect any more if each of its copies stands below the committed offset and no handler works
//! > on it; or if it was never delivered and each copy stands below the highest offset that was.
//! > Unless a consumer goes back to where it stands.

use std::collections::{BTreeMap, BTreeSet};

use entrega_model::event::NO_POSITION;
use entrega_model::{MessageId, PartitionId, ProcessId};

use super::Sighting;
use super::in_work::InWork;
use crate::message::Message;
use crate::table::Table;

/// How far a subscription has come in each partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// What stands below was passed by: the highest offset that was delivered, or where a consumer
    /// has gone back to since.
    passed: Table<Option<u64>>,
    /// The committed offset, or where a consumer went back to since.
    committed: Table<u64>,
    /// The deliveries that may still come to an effect.
    pub(super) in_work: InWork,
}

impl Reach {
    /// A record was delivered.
    pub(super) fn delivered(&mut self, partition: PartitionId, position: u64) {
        if position != NO_POSITION {
            let passed = self.passed.entry(partition.0.into());
            *passed = (*passed).max(Some(position));
        }
    }

    /// An offset was committed; a lower one than before moves the group back.
    pub(super) fn committed(&mut self, partition: PartitionId, upto: u64) {
        *self.committed.entry(partition.0.into()) = upto;
    }

    /// A consumer goes on at an offset, which may lie further back.
    pub(super) fn moved(&mut self, partition: PartitionId, to: u64) {
        let passed = self.passed.entry(partition.0.into());
        *passed = passed.map(|passed| passed.min(to));
        let committed = self.committed.entry(partition.0.into());
        *committed = (*committed).min(to);
    }

    /// The messages that were passed by. `ends` says of each process when a life of it last ended.
    pub(super) fn skipped(
        &self,
        records: &[Sighting],
        messages: &Table<Message>,
        ends: &BTreeMap<ProcessId, u64>,
    ) -> BTreeSet<MessageId> {
        let of = |id: MessageId| messages.get(id.0.into()).copied().unwrap_or_default();
        let (mut below, mut ahead) = (BTreeSet::new(), BTreeSet::new());
        let open = records.iter().filter(|record| !of(record.message).has_outcome());
        for &Sighting { partition, offset, message, .. } in open {
            let was_delivered = of(message).was_delivered();
            if self.is_passed(partition, offset, was_delivered) {
                below.insert(message)
            } else {
                ahead.insert(message)
            };
        }
        below.retain(|message| !ahead.contains(message) && !self.in_work.has(*message, ends));
        below
    }

    fn is_passed(&self, partition: PartitionId, offset: u64, was_delivered: bool) -> bool {
        let passed = self.passed.get(partition.0.into()).copied().flatten();
        let is_below = !was_delivered && passed.is_some_and(|passed| offset < passed);
        let committed = self.committed.get(partition.0.into()).copied().unwrap_or(0);
        is_below || offset < committed
    }
}
