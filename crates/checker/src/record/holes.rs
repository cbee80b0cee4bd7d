//! Lines of a consumer that a record should have and has not: a process that dies may lose what it
//! was about to log.
//!
//! > **The rule** (semantics.md 5.6). Where all deliveries say their offsets, every offset that a
//! > commit newly covers is one of a store, or of a delivery before it, unless it is empty because
//! > every message that may have been stored stands elsewhere. What a record lacks is unknown: it
//! > may have been an effect.
//!
//! So where one effect more would break a promise, it is unknown whether it was kept. That every
//! message had an effect is known all the same.

use std::collections::BTreeMap;

use entrega_model::PartitionId;
use entrega_model::event::NO_POSITION;

use super::{Gap, GapKind, Gaps, Sighting};
use crate::partitions::Partitions;

/// What may be missing of one subscription.
#[derive(Clone, Debug, Default)]
pub(super) struct Holes {
    /// How many deliveries there were.
    deliveries: u64,
    /// Whether one of them does not say its offset.
    is_vague: bool,
    committed: BTreeMap<PartitionId, u64>,
    /// Offsets that commits covered, and of which nothing was recorded when they did.
    commits: Vec<Covered>,
}

/// Offsets that a commit newly covers, of which nothing was recorded before it, and its line.
#[derive(Clone, Copy, Debug)]
struct Covered {
    partition: PartitionId,
    from: u64,
    upto: u64,
    line: u64,
}

impl Covered {
    /// Whether there is an offset at which no store is recorded. What is delivered later need not
    /// be what was delivered before. `records` is sorted.
    fn has_hole(&self, records: &[Sighting]) -> bool {
        let Self { partition, from, upto, .. } = *self;
        let place = |one: &Sighting| (one.partition, one.offset);
        let first = records.partition_point(|one| place(one) < (partition, from));
        let there = records[first..].iter().take_while(|one| place(one) < (partition, upto));
        let mut stored: Vec<u64> =
            there.filter(|one| one.by.is_none()).map(|one| one.offset).collect();
        stored.dedup();
        (stored.len() as u64) < upto - from
    }
}

impl Holes {
    pub(super) fn delivered(&mut self, position: u64) {
        self.deliveries += 1;
        self.is_vague |= position == NO_POSITION;
    }

    /// An offset was committed. Of the first in its partition only the line itself can say what was
    /// committed before.
    pub(super) fn committed(
        &mut self,
        partitions: &Partitions,
        partition: PartitionId,
        [previous, upto]: [u64; 2],
        line: u64,
    ) {
        let named = Some(previous).filter(|previous| *previous > 0);
        let from = self.committed.insert(partition, upto).or(named);
        let Some(mut from) = from.filter(|from| *from < upto) else { return };
        if self.is_vague {
            return;
        }
        for at in partitions.between(partition, from, upto).map(|(at, _)| at).chain([upto]) {
            if from < at {
                self.commits.push(Covered { partition, from, upto: at, line });
            }
            from = at + 1;
        }
    }

    /// Whether commits went over offsets of which nothing was recorded then.
    pub(super) fn has_jumps(&self) -> bool {
        !self.is_vague && !self.commits.is_empty()
    }

    /// Names what is missing, and says whether anything is. `some_is_unplaced` says whether a
    /// message may be stored of which no offset is known.
    pub(super) fn report(
        &self,
        records: &[Sighting],
        some_is_unplaced: bool,
        gaps: &mut Gaps,
    ) -> bool {
        if self.deliveries == 0 || self.is_vague || !some_is_unplaced {
            return false;
        }
        let with_holes = self.commits.iter().filter(|covered| covered.has_hole(records));
        let mut lines: Vec<u64> = with_holes.map(|covered| covered.line).collect();
        lines.dedup();
        for line in &lines {
            let gap = Gap { line: *line, message: None, before: None };
            gaps.add(GapKind::CommitOverUnrecorded, 1, gap);
        }
        !lines.is_empty()
    }
}
