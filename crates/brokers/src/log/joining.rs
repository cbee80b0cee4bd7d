//! Joining a group and leaving it, and what a member learns of its partitions.

use entrega_model::log::{AssignedPartition, Offset, Refusal, Response};
use entrega_model::{ClientId, Generation, Instant, PartitionId, SubscriptionId};

use super::LogBroker;
use super::group::Joining;

impl LogBroker {
    pub(super) fn join(
        &mut self,
        now: Instant,
        from: ClientId,
        id: SubscriptionId,
        has: Generation,
    ) -> Option<Response> {
        let heard = self.presence.is_heard(from);
        let Some(group) = self.groups.get_mut(id.index()) else {
            return Some(Response::Refused(Refusal::UnknownPartition));
        };
        if group.lets_wait(now, from) {
            return None;
        }
        let response = match group.join(now, from, has, heard) {
            Joining::Waits => None,
            Joining::Cancelled => Some(Response::Refused(Refusal::UnknownMember)),
            Joining::Done(_, partitions)
                if self.transactions.awaits_offsets(id, |of| partitions.contains(&of)) =>
            {
                None
            }
            Joining::Done(generation, partitions) => {
                let partitions = partitions.into_iter().map(PartitionId);
                let assigned =
                    partitions.map(|partition| self.assigned_partition(now, id, partition));
                Some(Response::Joined { generation, assigned: assigned.collect() })
            }
        };
        self.note_groups();
        response
    }

    pub(super) fn leave(&mut self, now: Instant, from: ClientId, id: SubscriptionId) -> Response {
        let left = match self.groups.get_mut(id.index()) {
            Some(group) => group.leave(now, from),
            None => Err(Refusal::UnknownPartition),
        };
        self.note_groups();
        left.map_or_else(Response::Refused, |()| Response::Left)
    }

    /// What a member learns of an existing partition, of an existing group.
    pub(super) fn assigned_partition(
        &self,
        now: Instant,
        group: SubscriptionId,
        id: PartitionId,
    ) -> AssignedPartition {
        let partition = &self.partitions[id.index()];
        let log_start = partition.log_start_offset();
        let high_watermark = self.transactions.end_for_readers(id.index(), partition);
        let young = self.timestamps.as_ref().and_then(|times| times.first_young(now, id));
        AssignedPartition {
            partition: id,
            committed: self.groups[group.index()].committed(id),
            log_start,
            high_watermark,
            young_from: young.map_or(high_watermark, |young| young.max(log_start)),
        }
    }

    /// The first offset that a new member would read: at its committed offset, or where its reset
    /// policy sends it if the log does not reach back so far. If it sends it nowhere, whatever was
    /// not committed waits for somebody to say where to begin. What a commit covers is done with,
    /// also if it lies beyond the end.
    pub(super) fn reading_starts_at(
        &self,
        now: Instant,
        group: SubscriptionId,
        id: PartitionId,
    ) -> Offset {
        let bounds = self.assigned_partition(now, group, id);
        let committed = bounds.committed.filter(|offset| *offset >= bounds.log_start);
        committed.or(bounds.after_reset(self.auto_offset_reset)).unwrap_or(bounds.log_start)
    }
}
