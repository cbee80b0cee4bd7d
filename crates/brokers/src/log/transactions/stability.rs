//! Which offsets of a partition are settled, as far as transactions go.
//!
//! > **The rule** (semantics.md 3.3). The *last stable offset* is the first one of an open
//! > transaction, or the high watermark if none is open. Who reads committed records reads below
//! > it, so one open transaction holds back all that was written after its beginning, in whatever
//! > transaction or none. Below it, records of aborted transactions are passed over. Markers are
//! > passed over by everybody; an offset that nobody is given is normal.
//!
//! Kafka keeps, for each aborted transaction, its producer and the range of its offsets, and the
//! consumer filters. Here the offsets of aborted records are listed, and the broker filters: the
//! same is read.

use std::collections::BTreeSet;

use entrega_model::log::{IsolationLevel, Offset};
use entrega_model::{Fingerprint, Key, MessageId, Record, TransactionalId};

/// What stands at the offset of a marker.
pub(in crate::log) const MARKER: Record =
    Record { message: MessageId(u32::MAX), key: Key(u32::MAX), bytes: 0 };

/// Whether this is the marker of a transaction, and no record.
pub(in crate::log) fn is_marker(record: &Record) -> bool {
    *record == MARKER
}

/// The open transactions of a partition, and the offsets that readers pass over.
#[derive(Clone, Debug, Default)]
pub(super) struct Stability {
    /// Each with the offset of its first record.
    open: Vec<(TransactionalId, Offset)>,
    markers: BTreeSet<Offset>,
    aborted: BTreeSet<Offset>,
}

impl Stability {
    /// A record of a transaction was appended.
    pub(super) fn appended(&mut self, id: TransactionalId, offset: Offset) {
        if !self.has_open(id) {
            self.open.push((id, offset));
        }
    }

    /// Whether a producer has written here in a transaction that is open.
    pub(super) fn has_open(&self, id: TransactionalId) -> bool {
        self.open.iter().any(|(open, _)| *open == id)
    }

    /// The transaction of a producer has ended with this marker.
    pub(super) fn ended(&mut self, id: TransactionalId, marker: Offset) {
        self.open.retain(|(open, _)| *open != id);
        self.markers.insert(marker);
    }

    /// The transaction of the record at this offset was aborted.
    pub(super) fn abort(&mut self, offset: Offset) {
        self.aborted.insert(offset);
    }

    /// The end of what can be read, given the end for those who read everything.
    pub(super) fn bound(&self, isolation: IsolationLevel, end: Offset) -> Offset {
        let first = || self.open.iter().map(|(_, first)| *first).min();
        match isolation {
            IsolationLevel::ReadUncommitted => end,
            IsolationLevel::ReadCommitted => first().map_or(end, |first| first.min(end)),
        }
    }

    /// Whether what stands at an offset below that bound is passed over.
    pub(super) fn hides(&self, isolation: IsolationLevel, offset: Offset) -> bool {
        self.markers.contains(&offset)
            || isolation == IsolationLevel::ReadCommitted && self.aborted.contains(&offset)
    }

    /// Forgets what stands before an offset, which nobody will read again.
    pub(super) fn forget_before(&mut self, offset: Offset) {
        for passed in [&mut self.markers, &mut self.aborted] {
            while passed.first().is_some_and(|first| *first < offset) {
                passed.pop_first();
            }
        }
    }

    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.count(self.open.len());
        for (id, first) in &self.open {
            into.word(id.0.into());
            into.word(*first);
        }
        for passed in [&self.markers, &self.aborted] {
            into.count(passed.len());
            passed.iter().for_each(|offset| into.word(*offset));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IsolationLevel::{ReadCommitted, ReadUncommitted};

    const ONE: TransactionalId = TransactionalId(1);
    const TWO: TransactionalId = TransactionalId(2);

    #[test]
    fn the_last_stable_offset_is_the_first_of_an_open_transaction() {
        let mut partition = Stability::default();
        assert_eq!(partition.bound(ReadCommitted, 5), 5);
        partition.appended(ONE, 5);
        partition.appended(TWO, 6);
        partition.appended(ONE, 7);
        let bounds = |partition: &Stability| {
            (partition.bound(ReadCommitted, 9), partition.bound(ReadUncommitted, 9))
        };
        assert_eq!(bounds(&partition), (5, 9));
        partition.ended(ONE, 8);
        assert_eq!(bounds(&partition), (6, 9));
        partition.ended(TWO, 9);
        assert_eq!(bounds(&partition), (9, 9));
    }

    #[test]
    fn markers_are_passed_over_by_all_and_aborted_records_by_some() {
        let mut partition = Stability::default();
        partition.appended(ONE, 0);
        partition.ended(ONE, 1);
        partition.abort(0);
        let hidden = |isolation| [0, 1, 2].map(|offset| partition.hides(isolation, offset));
        assert_eq!(hidden(ReadCommitted), [true, true, false]);
        assert_eq!(hidden(ReadUncommitted), [false, true, false]);
    }

    #[test]
    fn what_is_behind_every_reader_is_forgotten() {
        let mut partition = Stability::default();
        partition.ended(ONE, 1);
        partition.abort(0);
        partition.ended(ONE, 3);
        partition.forget_before(3);
        assert_eq!((partition.markers.len(), partition.aborted.len()), (1, 0));
    }
}
