//! What a power loss takes: records that are not on the disk yet.
//!
//! > **The rule.** A record is on the disk of every replica that has it when it is as old as
//! > `log.flush.interval.ms`. Before that a process may die and the record stays, in the memory of
//! > the operating system; a machine that loses its power loses it.
//!
//! Kafka leaves flushing to the operating system unless told otherwise, which on Linux writes what
//! is older than 30 s (`vm.dirty_expire_centisecs`): "replication, not fsync, is the durability".
//!
//! Source: [KAFKA-DESIGN] "Application vs. OS Flush Management"; `semantics.md` 2.4.

use std::collections::VecDeque;

use entrega_model::log::Offset;
use entrega_model::{Duration, Fingerprint, Instant, PartitionId, SubscriptionId};

/// The ends of the log that are not on the disk.
#[derive(Clone, Debug)]
pub(super) struct Unflushed {
    interval: Duration,
    partitions: Vec<OfPartition>,
    /// Commits that are not on the disk, the first one first.
    commits: VecDeque<Commit>,
}

/// A commit that can be taken back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    at: Instant,
    pub(super) group: SubscriptionId,
    pub(super) partition: PartitionId,
    /// What was committed before.
    pub(super) previous: Option<Offset>,
}

/// A partition, as far as it is not on the disk.
#[derive(Clone, Debug, Default)]
struct OfPartition {
    /// Everything before this offset is on the disk.
    flushed: Offset,
    /// What is not, by the end of what was appended at an instant.
    young: VecDeque<Appended>,
}

#[derive(Clone, Copy, Debug)]
struct Appended {
    at: Instant,
    end: Offset,
}

/// What a note takes.
#[cfg(test)]
pub(super) const NOTE_BYTES: usize = size_of::<Appended>();

impl Unflushed {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, partitions: Vec::new(), commits: VecDeque::new() }
    }

    pub(super) fn clear(&mut self) {
        let Self { interval: _, partitions, commits } = self;
        partitions.clear();
        commits.clear();
    }

    pub(super) fn add_partitions(&mut self, count: u16) {
        self.partitions.resize_with(usize::from(count), OfPartition::default);
    }

    /// A partition was appended to, and ends there now.
    pub(super) fn note(&mut self, now: Instant, id: PartitionId, end: Offset) {
        let interval = self.interval;
        let of = &mut self.partitions[id.index()];
        of.flush(now, interval);
        match of.young.back_mut().filter(|last| last.at == now) {
            Some(last) => last.end = end,
            None => of.young.push_back(Appended { at: now, end }),
        }
    }

    /// A group has committed, and had `previous` before.
    pub(super) fn committed(
        &mut self,
        now: Instant,
        group: SubscriptionId,
        partition: PartitionId,
        previous: Option<Offset>,
    ) {
        let interval = self.interval;
        let is_old = |one: &&Commit| now.since(one.at) >= interval;
        while self.commits.front().filter(is_old).is_some() {
            self.commits.pop_front();
        }
        if interval > Duration::ZERO {
            self.commits.push_back(Commit { at: now, group, partition, previous });
        }
    }

    /// Takes the last commit that is not on the disk, until there is none.
    pub(super) fn take_commit(&mut self, now: Instant) -> Option<Commit> {
        self.commits.pop_back().filter(|one| now.since(one.at) < self.interval)
    }

    /// The end of what is on the disk.
    pub(super) fn flushed(&mut self, now: Instant, id: PartitionId) -> Offset {
        let interval = self.interval;
        let of = &mut self.partitions[id.index()];
        of.flush(now, interval);
        of.flushed
    }

    /// The log ends here now.
    pub(super) fn truncate(&mut self, id: PartitionId, end: Offset) {
        let of = &mut self.partitions[id.index()];
        of.flushed = of.flushed.min(end);
        of.young.iter_mut().for_each(|appended| appended.end = appended.end.min(end));
    }

    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let now = into.now();
        for of in &self.partitions {
            let (flushed, young) = of.at(now, self.interval);
            into.word(flushed);
            into.count(young.clone().count());
            for Appended { at, end } in young {
                into.time(*at);
                into.word(*end);
            }
        }
        let is_young = |one: &&Commit| now.since(one.at) < self.interval;
        for Commit { at, group, partition, previous } in self.commits.iter().filter(is_young) {
            into.time(*at);
            into.word(u64::from(group.0) << 16 | u64::from(partition.0));
            into.maybe(*previous);
        }
        into.word(u64::MAX);
    }
}

impl OfPartition {
    fn flush(&mut self, now: Instant, interval: Duration) {
        while let Some(&old) = self.young.front().filter(|old| now.since(old.at) >= interval) {
            self.flushed = old.end;
            self.young.pop_front();
        }
    }

    /// What is flushed at `now`, and what is not.
    fn at(
        &self,
        now: Instant,
        interval: Duration,
    ) -> (Offset, impl Iterator<Item = &Appended> + Clone) {
        let is_old = move |one: &&Appended| now.since(one.at) >= interval;
        let flushed =
            self.young.iter().take_while(is_old).last().map_or(self.flushed, |one| one.end);
        (flushed, self.young.iter().skip_while(is_old))
    }
}
