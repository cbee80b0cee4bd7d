//! Which message stands at which offset, and how far each subscription has come: a log only.
//!
//! A commit names an offset and covers every message before it, so the checker must know which ones
//! these are: four bytes for each offset, shared by all subscriptions.

use entrega_model::event::NO_POSITION;
use entrega_model::{MessageId, PartitionId};

use crate::message::NONE;
use crate::table::Table;

/// The partitions as their records were stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partitions {
    /// Whether there is a log at all.
    pub(crate) is_log: bool,
    offsets: Table<Table<Record>>,
    /// What stood at an offset before the tail of its partition was cut off, in the order of the
    /// cuts.
    cut_off: Vec<CutOff>,
}

/// A message that stands at its offset no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CutOff {
    partition: PartitionId,
    offset: u64,
    message: MessageId,
}

/// The message at an offset, if any.
#[derive(Clone, Copy, Debug)]
struct Record(u32);

impl Default for Record {
    fn default() -> Self {
        Self(NONE)
    }
}

/// How far a subscription has come in one partition.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// The committed offset.
    pub(crate) committed: u64,
    /// The highest that there was.
    pub(crate) most_committed: u64,
    /// Where the last reset moved a position to.
    pub(crate) reset_to: u64,
    /// The tenures before this number began before that reset.
    pub(crate) reset_before: u32,
    /// No reset has skipped anything from here on.
    pub(crate) skipped_upto: u64,
}

impl Partitions {
    pub(crate) fn clear(&mut self) {
        let Self { is_log, offsets, cut_off } = self;
        *is_log = false;
        offsets.clear_each(Table::clear);
        cut_off.clear();
    }

    /// The last copy of a message is gone with the tail of its partition: another message may stand
    /// at its offset from now on.
    #[cold]
    pub(crate) fn cut(&mut self, message: MessageId) {
        let stands = |(_, record): &(u64, &Record)| record.0 == message.0;
        let last = |(partition, records): (u64, &Table<Record>)| {
            Some((partition, records.iter().filter(stands).last()?.0))
        };
        let Some((partition, offset)) = self.offsets.iter().filter_map(last).last() else { return };
        *self.offsets.entry(partition).entry(offset) = Record::default();
        let partition = PartitionId(partition as u16);
        self.cut_off.push(CutOff { partition, offset, message });
    }

    /// Whether anything was cut off.
    #[inline]
    pub(crate) fn has_cuts(&self) -> bool {
        !self.cut_off.is_empty()
    }

    /// The messages that stood at an offset before it was cut off.
    pub(crate) fn stood_at(
        &self,
        partition: PartitionId,
        offset: u64,
    ) -> impl Iterator<Item = MessageId> {
        let stood = move |cut: &&CutOff| cut.partition == partition && cut.offset == offset;
        self.cut_off.iter().filter(stood).map(|cut| cut.message)
    }

    /// Everything that was cut off: where, and what.
    pub(crate) fn cuts(&self) -> impl Iterator<Item = (PartitionId, u64, MessageId)> {
        self.cut_off.iter().map(|cut| (cut.partition, cut.offset, cut.message))
    }

    /// Notes that `message` stands at an offset. `false` if another one does. An offset that a
    /// history does not tell is consistent with everything.
    #[inline]
    pub(crate) fn see(&mut self, partition: PartitionId, offset: u64, message: MessageId) -> bool {
        if offset == NO_POSITION {
            return true;
        }
        let record = self.offsets.entry(partition.0.into()).entry(offset);
        if record.0 == NONE {
            record.0 = message.0;
        }
        record.0 == message.0
    }

    /// Every offset at which a message stands.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PartitionId, u64, MessageId)> {
        self.offsets.iter().flat_map(|(partition, records)| {
            let stand = records.iter().filter(|(_, record)| record.0 != NONE);
            stand.map(move |(offset, record)| {
                (PartitionId(partition as u16), offset, MessageId(record.0))
            })
        })
    }

    /// The offsets in `from..to` at which a message stands, with it.
    #[inline]
    pub(crate) fn between(
        &self,
        partition: PartitionId,
        from: u64,
        to: u64,
    ) -> impl Iterator<Item = (u64, MessageId)> {
        let partition = self.offsets.get(partition.0.into());
        let records = partition.into_iter().flat_map(move |partition| partition.range(from, to));
        let stand = records.filter(|(_, record)| record.0 != NONE);
        stand.map(|(offset, record)| (offset, MessageId(record.0)))
    }

    /// Does something with every message at an offset in `from..to`.
    #[inline]
    pub(crate) fn each_between(
        &self,
        partition: PartitionId,
        from: u64,
        to: u64,
        mut each: impl FnMut(MessageId),
    ) {
        let Some(partition) = self.offsets.get(partition.0.into()) else { return };
        partition.each_in(from, to, |record| {
            if record.0 != NONE {
                each(MessageId(record.0));
            }
        });
    }
}
