//! What a log has passed by, whether or not it was drained.
//!
//! > **The rule** (semantics.md 5.2 and the `prefix` check of 5.3). A log delivers a partition in
//! > order, and a group goes on at its committed offset. So an acknowledged message will have no
//! > effect any more if no consumer was given it or has begun with it, and each of its copies is
//! > below the committed offset or the highest one that was delivered: as many copies as attempts
//! > to send it may have stored, because that of a retry may stand where no line says. Unless a
//! > consumer goes back to where it stands, by a line that says so or by a delivery further back: a
//! > position is known from what is delivered there, and what stands behind it may follow. One that
//! > was given may still take effect: its request to the sink may be on its way, whatever the
//! > record says of its handler.

use std::collections::{BTreeMap, BTreeSet};

use entrega_model::event::NO_POSITION;
use entrega_model::{MessageId, PartitionId};

use super::Sighting;
use super::attempts::Attempts;
use crate::message::Message;
use crate::table::Table;

/// How far a subscription has come in each partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// What stands below was passed by: the offset that was delivered last, or where a consumer has
    /// gone back to since.
    passed: Table<Option<u64>>,
    /// The committed offset, or where a consumer went back to since.
    committed: Table<u64>,
    /// The messages that a consumer was given, or has begun with, and that had no effect since.
    begun: BTreeSet<MessageId>,
}

impl Reach {
    /// A record was delivered. One below what was delivered or committed before shows that a
    /// consumer has gone back, although no line says so: what stands behind it may come again.
    pub(super) fn delivered(&mut self, partition: PartitionId, position: u64) {
        if position != NO_POSITION {
            self.moved(partition, position);
            *self.passed.entry(partition.0.into()) = Some(position);
        }
    }

    /// A consumer was given a message: a line says so, or that it began with it, ended it, asked a
    /// sink for its effect or a broker to settle it. It may come to its effect, whatever was
    /// committed and however its handler or its consumer ended: a request to the sink may be on its
    /// way.
    pub(super) fn begun(&mut self, message: MessageId) {
        self.begun.insert(message);
    }

    /// A message had an effect, so it is not lost.
    pub(super) fn done(&mut self, message: MessageId) {
        self.begun.remove(&message);
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

    /// The messages that were passed by: no consumer has begun with them, and all their copies are
    /// below what was delivered or committed.
    pub(super) fn skipped(
        &self,
        records: &[Sighting],
        messages: &Table<Message>,
        attempts: &Attempts,
    ) -> BTreeSet<MessageId> {
        let of = |id: MessageId| messages.get(id.0.into()).copied().unwrap_or_default();
        let mut below: BTreeMap<MessageId, BTreeSet<(PartitionId, u64)>> = BTreeMap::new();
        let mut ahead = BTreeSet::new();
        let open = records.iter().filter(|record| !of(record.message).has_outcome());
        for &Sighting { partition, offset, message, .. } in open {
            if self.is_passed(partition, offset) {
                below.entry(message).or_default().insert((partition, offset));
            } else {
                ahead.insert(message);
            }
        }
        let all =
            below.into_iter().filter(|(id, copies)| copies.len() >= attempts.most_copies(*id));
        let all = all.map(|(message, _)| message);
        all.filter(|id| !ahead.contains(id) && !self.begun.contains(id)).collect()
    }

    fn is_passed(&self, partition: PartitionId, offset: u64) -> bool {
        let passed = self.passed.get(partition.0.into()).copied().flatten();
        let committed = self.committed.get(partition.0.into()).copied().unwrap_or(0);
        passed.is_some_and(|passed| offset < passed) || offset < committed
    }
}
