//! A log of several replicas: what each has, which are in sync, and what becomes of the log when
//! its leader fails.
//!
//! > **The rule.** The leader's log is the log. A follower has a prefix of it. A consumer reads
//! > below the *high watermark*, the end of what every replica has that is in sync or about to be;
//! > `acks=all` is answered when the high watermark has passed the records. The next leader's
//! > prefix is what remains, and its end is where offsets go on.
//!
//! ```text
//!                 every in-sync replica has it    only the leader, or laggards
//! leader     0 1 2 3 4 5 6 7 8 9                │ 10 11 12
//! follower   0 1 2 3 4 5 6 7 8 9                │            in sync: copies after `delay`
//! laggard    0 1 2 3 4                          │            out of sync after `lag_max`
//!                                               ▲            ▲
//!                                               high_watermark   log_end_offset
//! ```
//!
//! # How it works
//!
//! 1. A follower has what the leader appended `delay` ago. One that *falls behind* copies nothing
//!    until it is back; then it has at once what the others have.
//! 2. It leaves the in-sync replicas when it has been behind for `replica.lag.time.max.ms` and
//!    lacks a record, and comes back when it has all below the high watermark. A follower that
//!    copies holds the high watermark back already, so a leader under load cannot outrun it.
//! 3. `acks=all` is refused while fewer replicas than `min.insync.replicas` are in sync. A request
//!    that was appended before is answered when the high watermark has passed it: with
//!    `NotEnoughReplicasAfterAppend` if too few are in sync by then, and with `RequestTimedOut`
//!    when it has waited for too long. `acks=1` is answered at once.
//! 4. While too few are in sync the high watermark stands still, unless told to move: the default
//!    of new clusters since Kafka 4.1 (KIP-966), and of none before.
//! 5. The leader fails: the module `failover`.
//!
//! One node leads all partitions, so that one fault is one failure. Whether a follower is in sync
//! is looked at to the instant; Kafka looks every half of `replica.lag.time.max.ms`.
//!
//! A log of one replica that has nothing to flush has none of this.
//!
//! Source: [KAFKA-DESIGN] replication; [KAFKA-SRC] `Partition.maybeIncrementLeaderHW`,
//! `Partition.checkEnoughReplicasReachOffset`; KIP-966; `semantics.md` 3.1, 3.2.

use entrega_model::log::{Acks, Offset, ProduceRefusal, Request, Response};
use entrega_model::{ClientId, Duration, Event, Instant, PartitionId, Record};

use super::partition::Partition;
use super::{LogBroker, earliest, is_due, partitions};
use crate::Followers;
use replicas::Behind;

mod failover;
mod replicas;
mod unflushed;

pub(super) use replicas::Replicas;

/// What the notes of a record take that followers copy and that is not on the disk.
#[cfg(test)]
pub(super) const NOTE_BYTES: usize = replicas::NOTE_BYTES + unflushed::NOTE_BYTES;

/// How many replicas a log has and what is asked of them. The defaults are Kafka's, but for the
/// delay and for what is flushed, which it has no numbers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplicationSettings {
    /// How many replicas each partition has (`default.replication.factor`, 1).
    pub replicas: u8,
    /// How many must be in sync for `acks=all` (`min.insync.replicas`, 1).
    pub min_insync: u8,
    /// How long a follower may be behind and in sync (`replica.lag.time.max.ms`, 30 s).
    pub lag_max: Duration,
    /// How long after the leader a follower has a record.
    pub delay: Duration,
    /// Whether a replica that is not in sync may lead if no other can
    /// (`unclean.leader.election.enable`, false).
    pub unclean_election: bool,
    /// Whether the high watermark stands still while too few replicas are in sync.
    pub stands_still: bool,
    /// How long after it was appended a record is on the disk (`log.flush.interval.ms`); zero: at
    /// once. A process that fails loses nothing that is not there yet, a machine does.
    pub flush_interval: Duration,
    /// How long `acks=all` waits for the other replicas. In Kafka a producer says so
    /// (`request.timeout.ms`, 30 s).
    pub produce_timeout: Duration,
}

impl Default for ReplicationSettings {
    fn default() -> Self {
        Self {
            replicas: 1,
            min_insync: 1,
            lag_max: Duration::from_secs(30),
            delay: Duration::ZERO,
            unclean_election: false,
            stands_still: true,
            flush_interval: Duration::ZERO,
            produce_timeout: Duration::from_secs(30),
        }
    }
}

/// Producing.
impl LogBroker {
    /// Answers a `Produce` on a log with replicas, or appends it and lets it wait for them.
    #[inline(never)]
    pub(super) fn produce_replicated(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Option<Response> {
        let &mut Request::Produce { partition: id, ref mut records, acks, sequence } = request
        else {
            return self.await_replication(now, request);
        };
        let count = records.len() as u64;
        let readable = self.partitions.get(id.index()).map(Partition::high_watermark);
        if acks == Acks::All && self.lacks_replicas(id) {
            return Some(refused(ProduceRefusal::NotEnoughReplicas, records));
        }
        let response = self.append(now, from, (id, sequence), records, ground_truth);
        let Response::Produced { base_offset, records } = response else { return Some(response) };
        self.follow(now, id, readable.unwrap_or(0));
        if acks != Acks::All {
            return Some(Response::Produced { base_offset, records });
        }
        let deadline = now + self.produce_timeout();
        let upto = base_offset + count;
        *request =
            Request::AwaitReplication { partition: id, base_offset, upto, records, deadline };
        self.await_replication(now, request)
    }

    /// Answers a request whose records are appended, once the replicas that are in sync have them.
    pub(super) fn await_replication(
        &mut self,
        now: Instant,
        request: &mut Request,
    ) -> Option<Response> {
        let &mut Request::AwaitReplication {
            partition,
            base_offset,
            upto,
            ref mut records,
            deadline,
        } = request
        else {
            return None;
        };
        let high_watermark = self.partitions.get(partition.index())?.high_watermark();
        if high_watermark >= upto && self.lacks_replicas(partition) {
            return Some(refused(ProduceRefusal::NotEnoughReplicasAfterAppend, records));
        }
        if high_watermark >= upto {
            return Some(Response::Produced { base_offset, records: std::mem::take(records) });
        }
        (now >= deadline).then(|| refused(ProduceRefusal::RequestTimedOut, records))
    }

    /// Whether too few replicas of a partition are in sync for `acks=all`.
    fn lacks_replicas(&self, id: PartitionId) -> bool {
        self.replicas.as_ref().is_some_and(|replicas| replicas.are_too_few(id))
    }

    fn produce_timeout(&self) -> Duration {
        let settings = self.replicas.as_ref().map(|replicas| replicas.settings());
        settings.map_or(Duration::ZERO, |settings| settings.produce_timeout)
    }

    /// The leader has appended to a partition: the followers will, and the high watermark moves
    /// from where it was as far as they allow.
    fn follow(&mut self, now: Instant, id: PartitionId, readable: Offset) {
        let (Some(replicas), Some(partition)) =
            (self.replicas.as_deref_mut(), self.partitions.get_mut(id.index()))
        else {
            return;
        };
        partition.set_high_watermark(readable);
        replicas.appended(now, id, partition);
        self.note_replicas();
    }
}

/// Time.
impl LogBroker {
    /// Followers copy what is due, fall out of sync, and are back.
    pub(super) fn advance_replicas(&mut self, now: Instant) {
        let Some(replicas) = self.replicas.as_deref_mut().filter(|one| is_due(one.due(), now))
        else {
            return;
        };
        self.changed |= replicas.advance(now, &mut self.partitions);
        self.note_replicas();
        for (id, _) in partitions().zip(0..self.partitions.len()) {
            self.watch_retention(now, id);
        }
    }

    /// Followers copy nothing until `until`: the next one that would lead, or all of them.
    pub(super) fn let_fall_behind(&mut self, now: Instant, followers: Followers, until: Instant) {
        let Some(replicas) = self.replicas.as_deref_mut() else { return };
        let behind = Behind { since: now, until, is_late: false, is_down: false };
        while let Some(node) = replicas.first_copying() {
            replicas.fall_behind(node, behind);
            if followers == Followers::Next {
                break;
            }
        }
        self.note_replicas();
    }

    /// Takes over when the replicas change next.
    pub(super) fn note_replicas(&mut self) {
        self.replicas_deadline = self.replicas.as_ref().and_then(|replicas| replicas.due());
        self.deadline = earliest(self.group_deadline, self.replicas_deadline);
    }
}

fn refused(refusal: ProduceRefusal, records: &mut Vec<Record>) -> Response {
    Response::ProduceRefused { refusal, records: std::mem::take(records) }
}

#[cfg(test)]
mod properties;
