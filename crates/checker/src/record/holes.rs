//! Lines of a consumer that a record should have and has not: a process that dies may lose what it
//! was about to log.
//!
//! > **The rule** (semantics.md 5.6). Where the delivery of a message that takes effect is
//! > recorded, so is that of every other. And where all deliveries say their offsets, every offset
//! > that a commit newly covers is one of a store or of a delivery, unless it is empty because
//! > every message that may have been stored stands elsewhere. What a record lacks is unknown: it
//! > may have been an effect.
//!
//! So where one effect more would break a promise, it is unknown whether it was kept. That every
//! message had an effect is known all the same.

use std::collections::BTreeMap;

use entrega_model::event::NO_POSITION;
use entrega_model::{MessageId, PartitionId};

use super::order::Effects;
use super::{Gap, GapKind, Gaps};
use crate::message::Message;
use crate::partitions::Partitions;
use crate::table::Table;

/// What may be missing of one subscription.
#[derive(Clone, Debug, Default)]
pub(super) struct Holes {
    /// How many deliveries there were.
    deliveries: u64,
    /// Whether one of them does not say its offset.
    is_vague: bool,
    committed: BTreeMap<PartitionId, u64>,
    /// Commits over offsets of which nothing was recorded when they were.
    commits: Vec<Covered>,
}

/// What a commit newly covers, and its line.
#[derive(Clone, Copy, Debug)]
struct Covered {
    partition: PartitionId,
    from: u64,
    upto: u64,
    line: u64,
}

impl Covered {
    /// Whether there is an offset at which nothing is recorded.
    fn has_hole(&self, partitions: &Partitions) -> bool {
        let Self { partition, from, upto, .. } = *self;
        (partitions.between(partition, from, upto).count() as u64) < upto - from
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
        let Some(from) = from.filter(|from| *from < upto) else { return };
        let covered = Covered { partition, from, upto, line };
        if !self.is_vague && covered.has_hole(partitions) {
            self.commits.push(covered);
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
        partitions: &Partitions,
        some_is_unplaced: bool,
        messages: &Table<Message>,
        effects: &Table<Effects>,
        gaps: &mut Gaps,
    ) -> bool {
        if self.deliveries == 0 {
            return false;
        }
        let was_delivered = |id: u64| messages.get(id).is_some_and(Message::was_delivered);
        let effects = || effects.iter().filter_map(|(id, effects)| Some((id, effects.line()?)));
        let are_delivered = effects().any(|(id, _)| was_delivered(id));
        let undelivered = effects().filter(|(id, _)| are_delivered && !was_delivered(*id));
        let mut found = false;
        for (id, line) in undelivered {
            let message = Some(MessageId(id as u32));
            let gap = Gap { line, message, before: None };
            gaps.add(GapKind::EffectWithoutDelivery, 1, gap);
            found = true;
        }
        let commits = self.commits.iter().filter(|_| !self.is_vague && some_is_unplaced);
        for covered in commits.filter(|covered| covered.has_hole(partitions)) {
            let gap = Gap { line: covered.line, message: None, before: None };
            gaps.add(GapKind::CommitOverUnrecorded, 1, gap);
            found = true;
        }
        found
    }
}
