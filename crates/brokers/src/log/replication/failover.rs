//! The leader fails: who leads next, and what is gone.
//!
//! > **The rule.** The first replica that is in sync leads next, in the order in which replicas are
//! > listed, and not the one that has most. What it lacks is cut off: nobody can have read it, and
//! > `acks=all` was not answered for it. Its offsets are used again.
//!
//! Without a replica in sync nobody leads until the failed one is back, with all that it had; or,
//! if unclean elections are allowed, the first that lives leads with what it has. Then records may
//! go that were acknowledged and read, and their offsets name other messages afterwards.
//!
//! The end of a machine's power takes what was not flushed, too. Where another replica leads that
//! makes no difference: its log is the log. It does where the failed one leads again, and when all
//! machines lose their power at once; then commits go as well that were not flushed.
//!
//! What is cut off is gone from what a partition knows of its producers too. A group's committed
//! offset that points into it is void, so that the reset policy decides: a consumer compares the
//! epochs of leaders and finds out (KIP-320). Every member joins again, as after a restart; Kafka
//! keeps the membership, and a consumer only looks for the new leader.
//!
//! The failed leader is a follower when it is back. It cuts off what its successor did not have
//! (KIP-101), so its tail is no more than a tail; here it has lost it already when it fails.
//!
//! Source: [KAFKA-SRC] `Election`, `PartitionLeaderElectionAlgorithms`, `UnifiedLog.truncateTo`;
//! KIP-101, KIP-279, KIP-320; `semantics.md` 2.4, 3.5.

use entrega_model::event::RemoveReason;
use entrega_model::log::Offset;
use entrega_model::{Event, Instant, Kind, PartitionId};

use super::super::{LogBroker, partitions};
use super::replicas::{Behind, Replicas};
use crate::Failure;

/// Who leads after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Another node.
    Another(usize),
    /// The one that failed, when it is back: with all that it had.
    TheSame,
    /// The one that failed, with what it had flushed.
    TheSameFromDisk,
}

impl LogBroker {
    /// The leader fails, and is back at `back_at`. Returns whether another node leads meanwhile.
    pub(in super::super) fn fail_over_to_next(
        &mut self,
        now: Instant,
        failure: Failure,
        back_at: Instant,
        ground_truth: &mut Vec<Event>,
    ) -> bool {
        ground_truth.push(Event { at: now, kind: Kind::BrokerRestarted });
        self.groups.iter_mut().for_each(|group| group.forget_members(now));
        let next = self.replicas.as_mut().map(|replicas| replicas.elect(now, failure, back_at));
        let ends_of = |replicas: &mut Replicas| replicas.ends(now, next);
        let ends = self.replicas.as_deref_mut().map(ends_of).unwrap_or_default();
        let reason = match next {
            Some(Next::Another(_)) => RemoveReason::Truncation,
            Some(Next::TheSame | Next::TheSameFromDisk) | None => RemoveReason::BrokerLoss,
        };
        for (id, end) in partitions().zip(ends) {
            self.cut_off(now, id, end, reason, ground_truth);
        }
        if next == Some(Next::TheSameFromDisk) {
            self.forget_commits(now);
        }
        if let Some(replicas) = &mut self.replicas {
            replicas.settle_all(&mut self.partitions);
        }
        self.changed = true;
        self.note_replicas();
        self.note_groups();
        matches!(next, Some(Next::Another(_)))
    }

    /// The log of a partition ends at `end` now.
    fn cut_off(
        &mut self,
        now: Instant,
        id: PartitionId,
        end: Offset,
        reason: RemoveReason,
        ground_truth: &mut Vec<Event>,
    ) {
        let partition = &mut self.partitions[id.index()];
        let (start, ended) = (partition.log_start_offset(), partition.log_end_offset);
        let end = end.clamp(start, ended);
        partition.truncate(end, |record| {
            let (message, subscription) = (record.message, None);
            let kind = Kind::Removed { message, subscription, reason };
            ground_truth.push(Event { at: now, kind });
        });
        if end < ended {
            self.producers.truncate(id, end);
            self.timestamps.iter_mut().for_each(|timestamps| timestamps.truncate(id, end));
            self.groups.iter_mut().for_each(|group| group.void_commit(id, end, ended));
        }
        if let Some(replicas) = &mut self.replicas {
            replicas.followed[id.index()].cut(start, end);
            replicas.unflushed.truncate(id, end);
        }
    }

    /// Groups have what they had committed before, as far as that was flushed and still names
    /// something.
    fn forget_commits(&mut self, now: Instant) {
        let Some(replicas) = &mut self.replicas else { return };
        while let Some(commit) = replicas.unflushed.take_commit(now) {
            let end = self.partitions[commit.partition.index()].log_end_offset;
            let previous = commit.previous.filter(|offset| *offset <= end);
            self.groups[commit.group.index()].take_back(commit.partition, previous);
        }
    }
}

impl Replicas {
    /// Decides who leads after a failure, and makes it so.
    fn elect(&mut self, now: Instant, failure: Failure, back_at: Instant) -> Next {
        let next = match failure {
            Failure::Blackout => None,
            Failure::Crash | Failure::PowerLoss => self.successor(),
        };
        let Some(next) = next else {
            let has_all = failure == Failure::Crash;
            return if has_all { Next::TheSame } else { Next::TheSameFromDisk };
        };
        let failed = self.leader;
        let (since, until) = (now, back_at);
        self.nodes[failed].behind = Some(Behind { since, until, is_late: true, is_down: true });
        for of in &mut self.followed {
            let end = of.end_of(next, self.nodes[next]);
            of.places[failed].in_sync = false;
            of.places[failed].end = end;
            of.places[next].in_sync = true;
            of.copied = end;
        }
        self.nodes[next].behind = None;
        self.leader = next;
        Next::Another(next)
    }

    /// The first node that may lead: one in sync in every partition; if there is none and unclean
    /// elections are allowed, one that lives.
    fn successor(&self) -> Option<usize> {
        let lives = |node: &usize| {
            let is_down = self.nodes[*node].behind.is_some_and(|behind| behind.is_down);
            *node != self.leader && !is_down
        };
        let in_sync = |node: &usize| self.followed.iter().all(|of| of.places[*node].in_sync);
        let unclean = self.settings().unclean_election;
        let living = || (0..self.nodes.len()).filter(lives);
        living().find(in_sync).or_else(|| living().next().filter(|_| unclean))
    }

    /// Where the log of each partition ends under the next leader.
    fn ends(&mut self, now: Instant, next: Option<Next>) -> Vec<Offset> {
        let count = self.followed.len();
        let end_of = |(id, _): (PartitionId, usize)| match next {
            Some(Next::Another(_)) => self.followed[id.index()].copied,
            Some(Next::TheSameFromDisk) => self.unflushed.flushed(now, id),
            Some(Next::TheSame) | None => Offset::MAX,
        };
        partitions().zip(0..count).map(end_of).collect()
    }
}
