//! What a log consumer remembers: membership, positions, fetched records, stored offsets. Sans-IO:
//! every method is a plain state change. All of it is gone with a crash.

use std::collections::VecDeque;

use entrega_model::log::{AssignedPartition, Fetched, Offset, PartitionOffset};
use entrega_model::{Delivery, Generation, MessageId, PartitionId};

use crate::{CallId, OffsetReset, ReceiveError, Turn};

/// The state of one consumer in its group.
#[derive(Default)]
pub(super) struct LogSession {
    /// The assignment under which it acts; none while it is not a member.
    pub(super) generation: Option<Generation>,
    /// Its partitions; [`LogSession::in_turn`] is the order in which they take turns.
    partitions: Vec<Partition>,
    /// Whose turn it is to go first, as an index.
    first: usize,
    /// Whether it is to join again although it holds partitions (cooperative).
    pub(super) rejoins: bool,
    /// The join that is on its way.
    pub(super) joining: Option<CallId>,
    /// The fetch that is on its way.
    pub(super) fetching: Option<CallId>,
    /// Turns to tell the application of before anything else.
    pub(super) turns: VecDeque<Turn>,
    /// A rebalance takes everything away at the next poll, or what is to be given up (cooperative).
    pub(super) revoked: bool,
    /// A commit was refused: everything was taken away before this consumer learnt of it.
    pub(super) fenced: bool,
    /// Records that were fetched and not handed out yet, from `next_record` on.
    buffer: Vec<Fetched>,
    next_record: usize,
    spare_positions: Vec<PartitionOffset>,
    /// One for each commit that is on its way at once.
    spare_offsets: Vec<Vec<PartitionOffset>>,
    spare_messages: Vec<MessageId>,
}

/// An assigned partition.
pub(super) struct Partition {
    pub(super) id: PartitionId,
    /// The next offset to hand out.
    pub(super) position: Offset,
    /// The next offset to fetch: past what is buffered.
    pub(super) fetched: Offset,
    /// Eligible for the next automatic commit, with the message that it covers last.
    pub(super) stored: Option<(Offset, MessageId)>,
    pub(super) committed: Option<Offset>,
    pub(super) paused: bool,
    /// It is to be given up: the present assignment is without it (cooperative).
    pub(super) giving_up: bool,
}

/// A position that the reset policy moved.
pub(super) struct Reset {
    pub(super) partition: PartitionId,
    pub(super) from: Option<Offset>,
    pub(super) to: Offset,
}

impl LogSession {
    /// Takes over an assignment; `reset` hears of every position that the policy had to choose.
    /// What it holds already stays as it is, and what it holds and has not been assigned is to be
    /// given up. Returns where the new partitions begin in [`LogSession::since`].
    pub(super) fn join(
        &mut self,
        generation: Generation,
        assigned: &[AssignedPartition],
        policy: OffsetReset,
        mut reset: impl FnMut(Reset),
    ) -> Result<usize, ReceiveError> {
        self.generation = Some(generation);
        self.rejoins = false;
        for partition in &mut self.partitions {
            partition.giving_up = !assigned.iter().any(|bounds| bounds.partition == partition.id);
            self.revoked |= partition.giving_up;
        }
        let held = self.partitions.len();
        for bounds in assigned {
            if self.partitions[..held].iter().any(|partition| partition.id == bounds.partition) {
                continue;
            }
            let position = match bounds.valid_commit() {
                Some(offset) => offset,
                None => {
                    let to = start_of(bounds, policy)?;
                    reset(Reset { partition: bounds.partition, from: bounds.committed, to });
                    to
                }
            };
            self.partitions.push(Partition {
                id: bounds.partition,
                position,
                fetched: position,
                stored: None,
                committed: bounds.committed,
                paused: false,
                giving_up: false,
            });
            self.turns.push_back(Turn::Assigned(bounds.partition));
        }
        Ok(held)
    }

    /// The partitions from an index on, in the order in which it got them.
    pub(super) fn since(&self, index: usize) -> &[Partition] {
        &self.partitions[index..]
    }

    /// Lets go of what is to be given up, to join again; `lost` hears of each.
    pub(super) fn give_up(&mut self, mut lost: impl FnMut(PartitionId)) {
        self.partitions.retain(|partition| {
            if partition.giving_up {
                lost(partition.id);
            }
            !partition.giving_up
        });
        self.first = 0;
        self.revoked = false;
        self.rejoins = true;
    }

    /// Forgets the assignment and everything fetched under it. Returns the fetch that is on its
    /// way.
    pub(super) fn leave(&mut self) -> Option<CallId> {
        self.generation = None;
        self.rejoins = false;
        self.revoked = false;
        self.fenced = false;
        self.partitions.clear();
        self.first = 0;
        self.turns.clear();
        self.drop_buffer();
        self.fetching.take()
    }

    /// Whether it acts on an assignment and is not about to join again.
    pub(super) fn is_member(&self) -> bool {
        self.generation.is_some() && !self.rejoins
    }

    /// The assignment under which a delivery is to be settled: the one of a partition that it still
    /// holds, though handed out under an earlier one.
    pub(super) fn generation_of(&self, delivery: &Delivery) -> Generation {
        let holds = self.partitions.iter().any(|partition| partition.id == delivery.partition);
        self.generation.filter(|_| holds).unwrap_or(delivery.generation)
    }

    /// Whether there is anything to do or to tell before the next record.
    pub(super) fn has_news(&self) -> bool {
        self.fenced || self.revoked || !self.turns.is_empty()
    }

    /// Takes the answer of a fetch.
    pub(super) fn fill(&mut self, records: Vec<Fetched>, positions: Vec<PartitionOffset>) {
        for record in &records {
            if let Some(partition) = self.partition(record.partition) {
                partition.fetched = record.offset + 1;
            }
        }
        self.buffer = records;
        self.next_record = 0;
        self.spare_positions = positions;
    }

    /// Makes the positions after everything that is buffered eligible for the next commit (Java).
    pub(super) fn store_buffered(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        for record in &buffer {
            self.store(record);
        }
        self.buffer = buffer;
    }

    /// Whether everything that was fetched has been handed out.
    pub(super) fn is_drained(&self) -> bool {
        self.next_record >= self.buffer.len()
    }

    /// Records that were fetched and not handed out yet.
    pub(super) fn unread(&self) -> &[Fetched] {
        self.buffer.get(self.next_record..).unwrap_or_default()
    }

    /// Keeps the buffers of a fetch that brought nothing.
    pub(super) fn recycle(&mut self, records: Vec<Fetched>, positions: Vec<PartitionOffset>) {
        self.buffer = records;
        self.drop_buffer();
        self.spare_positions = positions;
    }

    /// Hands out the next buffered record and advances the position past it.
    pub(super) fn next_record(&mut self) -> Option<Fetched> {
        while let Some(&record) = self.buffer.get(self.next_record) {
            self.next_record += 1;
            if let Some(partition) = self.partition(record.partition)
                && !partition.paused
                && record.offset >= partition.position
            {
                partition.position = record.offset + 1;
                return Some(record);
            }
        }
        None
    }

    /// What to ask for next, with the spare buffers. Partitions take turns in going first.
    #[inline]
    pub(super) fn fetch_from(&mut self) -> (Vec<PartitionOffset>, Vec<Fetched>) {
        self.first += 1;
        if self.first >= self.partitions.len() {
            self.first = 0;
        }
        let mut positions = std::mem::take(&mut self.spare_positions);
        positions.clear();
        let (later, sooner) = self.partitions.split_at(self.first);
        for part in [sooner, later] {
            positions.extend(part.iter().filter(|partition| !partition.paused).map(|partition| {
                PartitionOffset { partition: partition.id, offset: partition.fetched }
            }));
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.next_record = 0;
        (positions, buffer)
    }

    /// Moves a position. What was stored for an automatic commit is forgotten.
    pub(super) fn seek(&mut self, to: PartitionOffset) {
        self.refetch(to);
        if let Some(partition) = self.partition(to.partition) {
            partition.stored = None;
        }
    }

    /// Stops or resumes fetching from a partition; what is buffered of it is fetched again later.
    pub(super) fn pause(&mut self, id: PartitionId, paused: bool) {
        let Some(partition) = self.partition(id) else { return };
        partition.paused = paused;
        let offset = partition.position;
        self.refetch(PartitionOffset { partition: id, offset });
    }

    /// Drops what is buffered of a partition; the next fetch asks from here.
    fn refetch(&mut self, from: PartitionOffset) {
        let handed_out = self.next_record;
        let mut index = 0;
        self.buffer.retain(|record| {
            index += 1;
            index <= handed_out || record.partition != from.partition
        });
        if let Some(partition) = self.partition(from.partition) {
            partition.position = from.offset;
            partition.fetched = from.offset;
            partition.stored = partition.stored.filter(|(stored, _)| *stored <= from.offset);
        }
    }

    /// Makes the position after `record` eligible for the next automatic commit.
    pub(super) fn store(&mut self, record: &Fetched) {
        if let Some(partition) = self.partition(record.partition) {
            partition.stored = Some((record.offset + 1, record.record.message));
        }
    }

    /// The partitions, in the order in which they take turns.
    #[inline]
    pub(super) fn in_turn(&self) -> impl Iterator<Item = &Partition> {
        let (later, sooner) = self.partitions.split_at(self.first);
        sooner.iter().chain(later)
    }

    /// Whether an automatic commit has anything to commit.
    pub(super) fn has_stored(&self) -> bool {
        self.partitions.iter().any(Partition::is_ahead)
    }

    /// Stored offsets that are ahead of the committed ones, in a spare buffer.
    pub(super) fn stored_offsets(&mut self) -> Vec<PartitionOffset> {
        let mut offsets = self.spare_offsets();
        offsets.extend(self.in_turn().filter(|partition| partition.is_ahead()).filter_map(
            |partition| {
                let (offset, _) = partition.stored?;
                Some(PartitionOffset { partition: partition.id, offset })
            },
        ));
        offsets
    }

    /// The last message that a stored offset covers.
    pub(super) fn stored_message(&self, offset: PartitionOffset) -> Option<MessageId> {
        let partition = self.partitions.iter().find(|p| p.id == offset.partition)?;
        partition.stored.filter(|(stored, _)| *stored == offset.offset).map(|(_, message)| message)
    }

    /// Notes offsets that are committed now.
    pub(super) fn committed(&mut self, offsets: &[PartitionOffset]) {
        for offset in offsets {
            if let Some(partition) = self.partition(offset.partition) {
                partition.committed = Some(offset.offset);
            }
        }
    }

    /// An empty buffer for offsets.
    pub(super) fn spare_offsets(&mut self) -> Vec<PartitionOffset> {
        let mut offsets = self.spare_offsets.pop().unwrap_or_default();
        offsets.clear();
        offsets
    }

    /// An empty buffer for messages.
    pub(super) fn spare_messages(&mut self) -> Vec<MessageId> {
        let mut messages = std::mem::take(&mut self.spare_messages);
        messages.clear();
        messages
    }

    /// Gives such a buffer back.
    pub(super) fn recycle_messages(&mut self, messages: Vec<MessageId>) {
        self.spare_messages = messages;
    }

    /// Gives such a buffer back.
    pub(super) fn recycle_offsets(&mut self, offsets: Vec<PartitionOffset>) {
        if offsets.capacity() > 0 {
            self.spare_offsets.push(offsets);
        }
    }

    pub(super) fn partition(&mut self, id: PartitionId) -> Option<&mut Partition> {
        self.partitions.iter_mut().find(|partition| partition.id == id)
    }

    fn drop_buffer(&mut self) {
        self.buffer.clear();
        self.next_record = 0;
    }
}

impl Partition {
    fn is_ahead(&self) -> bool {
        self.stored.is_some_and(|(stored, _)| self.committed.is_none_or(|done| done < stored))
    }
}

/// Where the reset policy starts.
pub(super) fn start_of(
    bounds: &AssignedPartition,
    policy: OffsetReset,
) -> Result<Offset, ReceiveError> {
    bounds.after_reset(policy).ok_or(ReceiveError::NoOffset(bounds.partition))
}

#[cfg(test)]
mod tests {
    use entrega_model::{Key, Record};

    use super::*;

    const PARTITION: PartitionId = PartitionId(0);

    /// Takes the partition over, from this committed offset on.
    fn join(session: &mut LogSession, generation: u32, committed: Offset) {
        let bounds = AssignedPartition {
            partition: PARTITION,
            committed: Some(committed),
            log_start: 0,
            high_watermark: 9,
            young_from: 9,
        };
        let joined =
            session.join(Generation(generation), &[bounds], OffsetReset::None, |_| panic!());
        assert!(joined.is_ok());
    }

    fn fill(session: &mut LogSession, offsets: &[Offset]) {
        let fetched = |&offset: &Offset| {
            let record = Record { message: MessageId(offset as u32), key: Key(0), bytes: 1 };
            Fetched { partition: PARTITION, offset, record }
        };
        session.fill(offsets.iter().map(fetched).collect(), Vec::new());
    }

    /// What was fetched under an assignment goes with it: the next one fetches for itself, even
    /// when it has the same partition and the same offsets.
    #[test]
    fn what_was_fetched_under_an_assignment_goes_with_it() {
        let mut session = LogSession::default();
        join(&mut session, 1, 4);
        fill(&mut session, &[4, 5, 6]);
        assert_eq!(session.next_record().map(|record| record.offset), Some(4));
        assert_eq!(session.unread().len(), 2);
        session.leave();
        assert!(session.is_drained() && session.unread().is_empty());
        join(&mut session, 2, 5);
        assert!(session.next_record().is_none(), "offset 5 was fetched under generation 1");
        assert_eq!(session.fetch_from().0, [PartitionOffset { partition: PARTITION, offset: 5 }]);
    }

    /// And the opposite: an assignment that goes on keeps what was fetched under it.
    #[test]
    fn what_was_fetched_is_handed_out_in_turn() {
        let mut session = LogSession::default();
        join(&mut session, 1, 4);
        fill(&mut session, &[4, 5]);
        let mut next = || session.next_record().map(|record| record.offset);
        assert_eq!([next(), next(), next()], [Some(4), Some(5), None]);
        assert!(session.is_drained());
    }

    /// What is buffered of a partition that is somebody else's by now is passed over.
    #[test]
    fn a_record_of_a_partition_that_is_not_held_is_not_handed_out() {
        let mut session = LogSession::default();
        fill(&mut session, &[4]);
        assert!(session.next_record().is_none());
        join(&mut session, 1, 5);
        fill(&mut session, &[4, 5]);
        let next = session.next_record();
        assert_eq!(next.map(|record| record.offset), Some(5), "4 is behind the position");
    }

    /// A cooperative rebalance: what stays goes on where it stands, with what was fetched of it;
    /// what moves is given up.
    #[test]
    fn what_does_not_move_goes_on() {
        let bounds = |id: u16, committed| AssignedPartition {
            partition: PartitionId(id),
            committed: Some(committed),
            log_start: 0,
            high_watermark: 9,
            young_from: 9,
        };
        let mut session = LogSession::default();
        let join = |session: &mut LogSession, generation, assigned: &[AssignedPartition]| {
            session.join(Generation(generation), assigned, OffsetReset::None, |_| panic!())
        };
        assert_eq!(join(&mut session, 1, &[bounds(0, 4), bounds(1, 2)]), Ok(0));
        fill(&mut session, &[4, 5]);
        session.next_record();
        assert_eq!(join(&mut session, 2, &[bounds(0, 4), bounds(2, 7)]), Ok(2));
        assert!(session.revoked, "partition 1 is to be given up");
        let mut lost = Vec::new();
        session.give_up(|partition| lost.push(partition.0));
        assert_eq!((lost, session.rejoins, session.revoked), (vec![1], true, false));
        let next = session.next_record().map(|record| record.offset);
        assert_eq!(next, Some(5), "fetched before, and not committed yet");
        let positions: Vec<u16> = session.in_turn().map(|partition| partition.id.0).collect();
        assert_eq!(positions, [0, 2]);
    }
}
