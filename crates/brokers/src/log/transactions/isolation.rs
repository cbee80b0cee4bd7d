//! Reading a topic to which transactions have written.
//!
//! > **The rule.** A member is given the records of its partitions up to the bound of its isolation
//! > level, without markers and without what it does not see. Where it stands may be no record: it
//! > is given the next one that is, and goes on behind it.
//!
//! A topic without transactions is read straight from its segments, and comes here never.

use entrega_model::log::{Fetched, Offset, PartitionOffset};

use super::super::LogBroker;
use super::super::partition::Partition;
use super::Transactions;

impl Transactions {
    /// The end of what members read of a partition.
    pub(in crate::log) fn end_for_readers(&self, index: usize, partition: &Partition) -> Offset {
        let high_watermark = partition.high_watermark();
        let bound = |stability: &super::Stability| stability.bound(self.isolation, high_watermark);
        let bound = self.topic.get(index).map_or(high_watermark, bound);
        bound.max(partition.log_start_offset())
    }

    /// Whether members pass over what stands at an offset below that end.
    pub(in crate::log) fn hides(&self, index: usize, offset: Offset) -> bool {
        self.topic.get(index).is_some_and(|stability| stability.hides(self.isolation, offset))
    }
}

impl LogBroker {
    /// The records of a partition that a member sees from a position on.
    fn seen_from(&self, position: PartitionOffset) -> impl Iterator<Item = Fetched> {
        let PartitionOffset { partition: id, offset: from } = position;
        let partition = &self.partitions[id.index()];
        let end = self.transactions.end_for_readers(id.index(), partition);
        let from = from.max(partition.log_start_offset());
        let records = (from..end).zip(partition.retained_from(from));
        records
            .filter(move |(offset, _)| !self.transactions.hides(id.index(), *offset))
            .map(move |(offset, record)| Fetched { partition: id, offset, record: *record })
    }

    /// Whether there is any.
    #[cold]
    pub(in crate::log) fn sees_something(&self, position: PartitionOffset) -> bool {
        self.seen_from(position).next().is_some()
    }

    /// Reads at most `max` of them.
    #[cold]
    pub(in crate::log) fn read_seen(
        &self,
        position: PartitionOffset,
        max: u32,
        buffer: &mut Vec<Fetched>,
    ) {
        buffer.extend(self.seen_from(position).take(max as usize));
    }
}
