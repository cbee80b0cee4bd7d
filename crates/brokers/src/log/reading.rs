//! How members read and how they commit.
//!
//! > **The rule.** Both are refused unless the client is a member under the present assignment. A
//! > fetch waits while there is nothing to read; it changes nothing, so it may be looked at any
//! > number of times.

use std::mem;

use entrega_model::event::SettleTrigger;
use entrega_model::log::{AssignedPartition, Offset, PartitionOffset, Refusal};
use entrega_model::log::{Request, Response};
use entrega_model::{ClientId, Event, Generation, Instant, Kind, SubscriptionId};

use super::LogBroker;
use super::group::{Group, State};

/// What a member sees from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// It is no member of the present assignment, or it stands nowhere.
    Wrong,
    /// The ends of its partitions.
    Nothing,
    /// A record.
    Something,
}

impl LogBroker {
    /// Answers a fetch, or lets it wait while there is nothing to read.
    pub(super) fn fetch(
        &self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
    ) -> Option<Response> {
        let Request::Fetch { group, generation, positions, deadline, .. } = request else {
            return None;
        };
        match self.look(from, *group, *generation, positions) {
            Sight::Nothing if now < *deadline => None,
            Sight::Wrong => Some(self.refuse_fetch(now, from, request)),
            _ => self.read(now, request),
        }
    }

    /// What a member sees from its positions.
    #[inline]
    fn look(
        &self,
        from: ClientId,
        group: SubscriptionId,
        generation: Generation,
        positions: &[PartitionOffset],
    ) -> Sight {
        if !self.group(group).is_ok_and(|group| group.check_fetch(from, generation).is_ok()) {
            return Sight::Wrong;
        }
        let mut sight = Sight::Nothing;
        for position in positions {
            match self.partitions.get(position.partition.index()) {
                Some(partition) if partition.is_readable(position.offset) => {
                    if !self.transactions.in_topic || self.sees_something(*position) {
                        sight = Sight::Something;
                    }
                }
                Some(partition) if partition.has_position(position.offset) => {}
                _ => return Sight::Wrong,
            }
        }
        sight
    }

    /// Reads for a member from where it can be: fills the buffer from one partition after the
    /// other, in the order that the client chose.
    fn read(&self, now: Instant, request: &mut Request) -> Option<Response> {
        let Request::Fetch { positions, max_records, buffer, deadline, .. } = request else {
            return None;
        };
        buffer.clear();
        for position in &*positions {
            let left = *max_records - buffer.len() as u32;
            if left == 0 {
                break;
            }
            if self.transactions.in_topic {
                self.read_seen(*position, left, buffer);
                continue;
            }
            self.partitions[position.partition.index()].read(*position, left, buffer);
        }
        if buffer.is_empty() && now < *deadline {
            return None;
        }
        let (records, positions) = (mem::take(buffer), mem::take(positions));
        Some(Response::Fetched { records, positions })
    }

    /// Says why a member cannot read.
    #[cold]
    fn refuse_fetch(&self, now: Instant, from: ClientId, request: &mut Request) -> Response {
        let Request::Fetch { group, generation, positions, buffer, .. } = request else {
            return Response::Refused(Refusal::UnknownPartition);
        };
        if let Err(refusal) = self.check_fetch(from, *group, *generation, positions) {
            return Response::Refused(refusal);
        }
        match self.out_of_range(now, *group, positions) {
            Some((partition, position)) => {
                let (positions, buffer) = (mem::take(positions), mem::take(buffer));
                let partition = Box::new(partition);
                Response::OutOfRange { partition, position, positions, buffer }
            }
            None => Response::Refused(Refusal::UnknownPartition),
        }
    }

    /// Answers a commit.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let Request::Commit { group, generation, offsets, trigger } = request else {
            return Response::Refused(Refusal::UnknownPartition);
        };
        if let Err(refusal) = self.check_commit(from, *group, *generation, offsets) {
            return Response::Refused(refusal);
        }
        self.commit(now, from, *group, offsets, *trigger, ground_truth);
        Response::Committed { offsets: mem::take(offsets) }
    }

    #[inline]
    fn check_fetch(
        &self,
        from: ClientId,
        group: SubscriptionId,
        generation: Generation,
        positions: &[PartitionOffset],
    ) -> Result<(), Refusal> {
        self.group(group)?.check_fetch(from, generation)?;
        self.check_partitions(positions)
    }

    #[inline]
    fn check_commit(
        &self,
        from: ClientId,
        group: SubscriptionId,
        generation: Generation,
        offsets: &[PartitionOffset],
    ) -> Result<(), Refusal> {
        let group = self.group(group)?;
        group.check_commit(from, generation)?;
        self.check_partitions(offsets)?;
        if self.commit_checks.any() {
            return self.commit_checks.check(group, from, offsets);
        }
        Ok(())
    }

    /// The first position that is not on the log, with what the log has instead.
    fn out_of_range(
        &self,
        now: Instant,
        group: SubscriptionId,
        positions: &[PartitionOffset],
    ) -> Option<(AssignedPartition, Offset)> {
        let position = positions.iter().find(|position| {
            !self.partitions[position.partition.index()].has_position(position.offset)
        })?;
        Some((self.assigned_partition(now, group, position.partition), position.offset))
    }

    /// Records offsets of partitions that exist, in a group that exists.
    #[inline(always)]
    pub(super) fn commit(
        &mut self,
        now: Instant,
        from: ClientId,
        id: SubscriptionId,
        offsets: &[PartitionOffset],
        trigger: SettleTrigger,
        ground_truth: &mut Vec<Event>,
    ) {
        let group = &mut self.groups[id.index()];
        let is_empty = group.state == State::Empty;
        if is_empty {
            group.commits_from_outside(now);
        }
        for &PartitionOffset { partition, offset: upto } in offsets {
            let before = group.commit(partition, upto);
            if let Some(replicas) = &mut self.replicas {
                replicas.committed(now, id, partition, before);
            }
            let previous = before.unwrap_or(0);
            let (subscription, consumer) = (id, from.process);
            let kind =
                Kind::Committed { subscription, consumer, partition, upto, previous, trigger };
            ground_truth.push(Event { at: now, kind });
        }
        if is_empty {
            self.note_groups();
        }
    }

    fn group(&self, id: SubscriptionId) -> Result<&Group, Refusal> {
        self.groups.get(id.index()).ok_or(Refusal::UnknownPartition)
    }

    fn check_partitions(&self, positions: &[PartitionOffset]) -> Result<(), Refusal> {
        let exists =
            |position: &PartitionOffset| position.partition.index() < self.partitions.len();
        if positions.iter().all(exists) { Ok(()) } else { Err(Refusal::UnknownPartition) }
    }
}
