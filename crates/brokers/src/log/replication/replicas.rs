//! Which replica has what of each partition, and which are in sync.
//!
//! > **The rule.** All followers that copy have the same: what the leader had appended `delay` ago.
//! > So what they have is one number, and only a follower that is behind has one of its own.

use std::collections::VecDeque;

use entrega_model::log::Offset;
use entrega_model::{Duration, Fingerprint, Instant, PartitionId, SubscriptionId};

use super::super::partition::Partition;
use super::ReplicationSettings;
use super::unflushed::Unflushed;

/// The replicas of all partitions.
#[derive(Clone, Debug)]
pub(in super::super) struct Replicas {
    settings: ReplicationSettings,
    /// The node that leads all partitions.
    pub(super) leader: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) followed: Vec<Followed>,
    pub(super) unflushed: Unflushed,
}

/// A node that has a replica of every partition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    /// It copies nothing at present.
    pub(super) behind: Option<Behind>,
}

/// Why a node copies nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub(super) since: Instant,
    pub(super) until: Instant,
    /// It has been behind for `replica.lag.time.max.ms`.
    pub(super) is_late: bool,
    /// It has failed, so it cannot lead either.
    pub(super) is_down: bool,
}

/// How far the followers of a partition have come.
#[derive(Clone, Debug)]
pub(super) struct Followed {
    /// What the followers that copy will have, and when.
    under_way: VecDeque<UnderWay>,
    /// The end of what they have.
    pub(super) copied: Offset,
    /// By node.
    pub(super) places: Vec<Place>,
}

/// Records on their way to the followers.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    at: Instant,
    end: Offset,
}

/// A node in a partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The end of what it has, while it is behind.
    pub(super) end: Offset,
    pub(super) in_sync: bool,
}

/// What a note takes.
#[cfg(test)]
pub(super) const NOTE_BYTES: usize = size_of::<UnderWay>();

impl Replicas {
    /// All replicas are in sync; none if there is one and all that it has is on its disk.
    pub(in super::super) fn new(settings: ReplicationSettings, count: u16) -> Option<Box<Self>> {
        if settings.replicas < 2 && settings.flush_interval == Duration::ZERO {
            return None;
        }
        let nodes = vec![Node::default(); usize::from(settings.replicas.max(1))];
        let (followed, unflushed) = (Vec::new(), Unflushed::new(settings.flush_interval));
        let mut replicas = Self { settings, leader: 0, nodes, followed, unflushed };
        replicas.add_partitions(count);
        Some(Box::new(replicas))
    }

    /// As new, with this many partitions.
    pub(in super::super) fn clear(&mut self, count: u16) {
        let Self { settings: _, leader, nodes, followed, unflushed } = self;
        *leader = 0;
        nodes.fill(Node::default());
        followed.clear();
        unflushed.clear();
        self.add_partitions(count);
    }

    /// There are this many partitions now.
    pub(in super::super) fn add_partitions(&mut self, count: u16) {
        let places = vec![Place { end: 0, in_sync: true }; self.nodes.len()];
        let empty = Followed { under_way: VecDeque::new(), copied: 0, places };
        self.followed.resize(usize::from(count), empty);
        self.unflushed.add_partitions(count);
    }

    pub(super) fn settings(&self) -> &ReplicationSettings {
        &self.settings
    }

    /// Whether too few replicas of a partition are in sync for `acks=all`.
    pub(super) fn are_too_few(&self, id: PartitionId) -> bool {
        let least = self.settings.min_insync;
        self.followed.get(id.index()).is_some_and(|of| of.in_sync() < usize::from(least))
    }

    /// How many replicas of a partition are in sync, the leader included.
    #[cfg(test)]
    pub(in super::super) fn in_sync(&self, id: PartitionId) -> usize {
        self.followed[id.index()].in_sync()
    }

    /// The followers that copy.
    fn copying(&self) -> impl Iterator<Item = usize> {
        let leader = self.leader;
        let copies = move |(index, node): (usize, &Node)| {
            (index != leader && node.behind.is_none()).then_some(index)
        };
        self.nodes.iter().enumerate().filter_map(copies)
    }

    /// The next follower that copies, in the order in which they would lead.
    pub(super) fn first_copying(&self) -> Option<usize> {
        self.copying().next()
    }

    /// A follower copies nothing until `until`.
    pub(super) fn fall_behind(&mut self, node: usize, behind: Behind) {
        for of in &mut self.followed {
            of.places[node].end = of.copied;
        }
        self.nodes[node].behind = Some(behind);
    }

    /// The leader has appended to a partition.
    pub(super) fn appended(&mut self, now: Instant, id: PartitionId, partition: &mut Partition) {
        let end = partition.log_end_offset;
        self.unflushed.note(now, id, end);
        let delay = self.settings.delay;
        let of = &mut self.followed[id.index()];
        if delay == Duration::ZERO {
            of.copied = end;
        } else {
            of.set_out(now + delay, end);
        }
        self.settle(id, partition);
    }

    /// A group has committed, and had `previous` before.
    #[cold]
    pub(in super::super) fn committed(
        &mut self,
        now: Instant,
        group: SubscriptionId,
        partition: PartitionId,
        previous: Option<Offset>,
    ) {
        self.unflushed.committed(now, group, partition, previous);
    }

    /// Does what is due: followers have copied, are out of sync, or are back. Returns whether
    /// anything moved.
    pub(in super::super) fn advance(&mut self, now: Instant, all: &mut [Partition]) -> bool {
        self.followed.iter_mut().for_each(|of| of.arrive(now));
        for node in &mut self.nodes {
            node.behind = node.behind.filter(|behind| behind.until > now);
            if let Some(behind) = &mut node.behind {
                behind.is_late |= now >= behind.since + self.settings.lag_max;
            }
        }
        self.settle_all(all)
    }

    pub(super) fn settle_all(&mut self, all: &mut [Partition]) -> bool {
        let mut moved = false;
        for (index, partition) in all.iter_mut().enumerate() {
            moved |= self.settle(PartitionId(index as u16), partition);
        }
        moved
    }

    /// Decides who is in sync in a partition, and moves its high watermark as far as they allow.
    /// Returns whether it moved.
    fn settle(&mut self, id: PartitionId, partition: &mut Partition) -> bool {
        let Self { settings, leader, nodes, followed, .. } = self;
        let of = &mut followed[id.index()];
        let before = partition.high_watermark();
        let mut bound = partition.log_end_offset;
        for (index, node) in nodes.iter().enumerate().filter(|(index, _)| index != leader) {
            let place = &mut of.places[index];
            match node.behind {
                None => {
                    place.in_sync |= of.copied >= before;
                    bound = bound.min(of.copied);
                }
                Some(behind) => {
                    let lacks = place.end < partition.log_end_offset;
                    place.in_sync &= !(lacks && behind.is_late);
                    bound = if place.in_sync { bound.min(place.end) } else { bound };
                }
            }
        }
        let are_enough = of.in_sync() >= usize::from(settings.min_insync);
        if bound > before && (are_enough || !settings.stands_still) {
            partition.set_high_watermark(bound);
        }
        partition.high_watermark() != before
    }

    /// When something changes next.
    pub(super) fn due(&self) -> Option<Instant> {
        let under_way = self.followed.iter().filter_map(|of| of.under_way.front());
        let under_way = under_way.map(|front| front.at);
        let behind = self.nodes.iter().filter_map(|node| node.behind);
        let lag_max = self.settings.lag_max;
        let is_late_at = move |behind: &Behind| (!behind.is_late).then(|| behind.since + lag_max);
        let changes =
            behind.map(move |one| is_late_at(&one).map_or(one.until, |at| at.min(one.until)));
        under_way.chain(changes).min()
    }

    /// Enters what decides who has what, and who leads next.
    pub(in super::super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { settings, leader, nodes, followed, unflushed } = self;
        into.count(*leader);
        for node in nodes {
            into.flag(node.behind.is_some());
            let Some(Behind { since, until, is_late, is_down }) = node.behind else { continue };
            into.deadline((!is_late).then(|| since + settings.lag_max));
            into.time(until);
            into.flag(is_down);
        }
        for of in followed {
            into.word(of.copied);
            into.count(of.under_way.len());
            for UnderWay { at, end } in &of.under_way {
                into.time(*at);
                into.word(*end);
            }
            for (place, node) in of.places.iter().zip(nodes) {
                into.flag(place.in_sync);
                into.word(if node.behind.is_some() { place.end } else { 0 });
            }
        }
        unflushed.fingerprint(into);
    }
}

impl Followed {
    fn in_sync(&self) -> usize {
        self.places.iter().filter(|place| place.in_sync).count()
    }

    /// Records set out for the followers that copy.
    fn set_out(&mut self, at: Instant, end: Offset) {
        match self.under_way.back_mut().filter(|last| last.at == at) {
            Some(last) => last.end = end,
            None => self.under_way.push_back(UnderWay { at, end }),
        }
    }

    fn arrive(&mut self, now: Instant) {
        while let Some(&first) = self.under_way.front().filter(|first| first.at <= now) {
            self.copied = first.end;
            self.under_way.pop_front();
        }
    }

    /// The end of what a node has.
    pub(super) fn end_of(&self, place: usize, node: Node) -> Offset {
        if node.behind.is_some() { self.places[place].end } else { self.copied }
    }

    /// The log begins and ends there now, for the followers too.
    pub(super) fn cut(&mut self, start: Offset, end: Offset) {
        self.copied = self.copied.clamp(start, end);
        self.under_way.iter_mut().for_each(|one| one.end = one.end.clamp(start, end));
        self.places.iter_mut().for_each(|place| place.end = place.end.clamp(start, end));
    }
}
