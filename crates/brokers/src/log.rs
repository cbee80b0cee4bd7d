//! The log broker: a topic in the manner of Kafka, in memory.
//!
//! > **The rule.** Records stay where they were appended, read or unread. A consumer group keeps
//! > one number for each partition, the committed offset: the next record to process after a
//! > restart. To settle is to commit, and a commit covers everything before it.
//!
//! # How it works
//!
//! 1. A producer picks the partition of a key ([`partition_of`]) and sends `Produce`. The record
//!    gets the next offset there. With one replica an answer means that the record is stored; what
//!    more there is to say with several, the module `replication` says. A retry of a produce whose
//!    answer was lost stores a second copy, unless the producer is idempotent and the module
//!    `producers` recognises it.
//! 2. A consumer sends `Join` and gets, when the rebalance ends, a generation and its partitions,
//!    each with the group's committed offset. Where to begin if there is none is the client's reset
//!    policy.
//! 3. It sends `Fetch` with its positions. The position is the client's own; fetching changes
//!    nothing in the broker. `Fetch` waits while there is nothing to read.
//! 4. It sends `Commit` with, for each partition, the last processed offset plus one.
//! 5. When members come, leave, or are silent for `session.timeout.ms`, the group rebalances:
//!    fetches are answered `RebalanceInProgress`, everybody joins again, and the generation grows.
//!    The new owner of a partition begins at the committed offset. What was processed and not
//!    committed is processed again; what was committed and not processed is lost.
//! 6. Retention deletes old segments at its own pace, read or unread.
//!
//! # What fencing protects
//!
//! A member that was removed and does not know it, a zombie, cannot commit: it is no member
//! (`UnknownMember`), or its generation is outdated (`IllegalGeneration`). That protects the
//! group's progress. It does not undo effects that the zombie goes on producing at its sink.
//!
//! # Simplifications
//!
//! One topic, and one more for what the applications of a group write in transactions (module
//! `transactions`); the group's own are named in the module `group`. A fetch carries
//! group and generation, which in Kafka the heartbeats do. An unknown partition refuses the whole
//! request; Kafka answers for each partition. With `acks=0` an answer is made all the same and the
//! link drops it.
//!
//! Sources: [KAFKA-DESIGN], [KAFKA-JAVADOC], [KAFKA-SRC]; `semantics.md` 3.1, 3.2, 3.5.
//!
//! # Example
//!
//! ```
//! use entrega_brokers::log::{LogBroker, LogSettings}; use entrega_brokers::Broker; use
//! entrega_model::log::{Acks, Request, Response}; use entrega_model::{ClientId, Generation,
//! Instant, Key, PartitionId, MessageId, Record, SubscriptionId};
//!
//! let mut broker = LogBroker::new(LogSettings::default());
//! let (now, client, mut truth) = (Instant::START, ClientId::default(), Vec::new());
//! let record = Record { message: MessageId(0), key: Key(7), bytes: 100 };
//! let (partition, records) = (PartitionId(0), vec![record]);
//! let mut produce = Request::Produce { partition, records, acks: Acks::All, sequence: None };
//! let mut join = Request::Join { group: SubscriptionId(0), has: Generation(0) };
//!
//! let produced = broker.handle(now, client, &mut produce, &mut truth);
//! assert!(matches!(produced, Some(Response::Produced { base_offset: 0, .. })));
//! let joined = broker.handle(now, client, &mut join, &mut truth);
//! let Some(Response::Joined { assigned, .. }) = joined else { panic!("nobody to wait for") };
//! assert_eq!((assigned[0].committed, assigned[0].high_watermark), (None, 1));
//! ```

use std::mem;

use entrega_model::log::{Offset, OffsetReset, Request, Response};
use entrega_model::{
    ClientId, Event, Fingerprint, Generation, Instant, Kind, PartitionId, SubscriptionId,
};

use crate::{Broker, Failure, Followers};

mod appending;
mod assignor;
mod commit_checks;
mod copies;
mod fingerprint;
mod group;
mod growth;
mod housekeeping;
mod joining;
mod partition;
mod partitioner;
mod presence;
mod producers;
mod reading;
mod replication;
mod retention;
mod settings;
mod timestamps;
mod transactions;

pub use assignor::{Assignor, RebalanceProtocol};
pub use commit_checks::CommitChecks;
pub use growth::PartitionsAdded;
pub use partitioner::partition_of;
pub use replication::ReplicationSettings;
pub use settings::LogSettings;
pub use transactions::TransactionVersion;

use copies::Copies;
use group::Group;
use growth::Growth;
use partition::{Partition, SegmentLimits};
use presence::Presence;
use producers::Producers;
use replication::Replicas;
use retention::Retention;
use timestamps::Timestamps;
use transactions::{Transactions, is_marker};

/// An in-memory log of one topic, with its consumer groups.
#[derive(Clone, Debug)]
pub struct LogBroker {
    partitions: Vec<Partition>,
    groups: Vec<Group>,
    copies: Copies,
    producers: Producers,
    transactions: Transactions,
    presence: Presence,
    segment_limits: SegmentLimits,
    retention: Retention,
    growth: Growth,
    auto_offset_reset: OffsetReset,
    timestamps: Option<Timestamps>,
    commit_checks: CommitChecks,
    /// None if there is one replica that has nothing to flush.
    replicas: Option<Box<Replicas>>,
    /// The next retention check that may delete something.
    retention_check: Option<Instant>,
    /// When the committed offsets of a group expire next, if it stays empty.
    offsets_expire: Option<Instant>,
    /// The earliest of these two and of the partitions to come.
    housekeeping: Option<Instant>,
    /// The earliest deadline of a group or of a transaction.
    group_deadline: Option<Instant>,
    /// When followers have copied something, are out of sync, or are back.
    replicas_deadline: Option<Instant>,
    /// The earlier of these two.
    deadline: Option<Instant>,
    changed: bool,
}

impl LogBroker {
    /// An empty topic and empty groups.
    pub fn new(settings: LogSettings) -> Self {
        Self {
            partitions: vec![Partition::default(); usize::from(settings.partitions)],
            groups: vec![Group::new(&settings); usize::from(settings.groups)],
            copies: Copies::default(),
            producers: Producers::new(settings.producer_id_expiration),
            transactions: Transactions::new(&settings),
            presence: Presence::default(),
            segment_limits: SegmentLimits {
                bytes: settings.segment_bytes,
                time: settings.segment_time,
            },
            retention: Retention::new(&settings),
            growth: Growth::new(&settings),
            auto_offset_reset: settings.auto_offset_reset,
            timestamps: Timestamps::new(&settings),
            commit_checks: settings.commit_checks,
            replicas: Replicas::new(settings.replication, settings.partitions),
            retention_check: None,
            offsets_expire: None,
            housekeeping: Growth::new(&settings).due(),
            group_deadline: None,
            replicas_deadline: None,
            deadline: None,
            changed: false,
        }
    }

    /// What a group has committed in a partition, if there are both.
    pub fn committed(&self, group: SubscriptionId, partition: PartitionId) -> Option<Offset> {
        self.groups.get(group.index())?.committed(partition)
    }
}

impl Broker for LogBroker {
    type Request = Request;
    type Response = Response;

    #[inline(always)]
    fn handle(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Option<Response> {
        match request {
            Request::Fetch { .. } => self.fetch(now, from, request),
            Request::Produce { partition, records, sequence: None, .. }
                if self.replicas.is_none() =>
            {
                Some(self.produce(now, *partition, records, ground_truth))
            }
            Request::Commit { .. } => Some(self.settle(now, from, request, ground_truth)),
            _ => self.handle_apart(now, from, request, ground_truth),
        }
    }

    fn deadline_of(&self, request: &Request) -> Instant {
        match request {
            Request::Fetch { deadline, .. } | Request::AwaitReplication { deadline, .. } => {
                *deadline
            }
            _ => Instant::NEVER,
        }
    }

    #[inline]
    fn take_changed(&mut self) -> bool {
        mem::take(&mut self.changed)
    }

    #[inline]
    fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    #[inline]
    fn next_housekeeping(&self) -> Option<Instant> {
        self.housekeeping
    }

    fn advance(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        if is_due(self.group_deadline, now) {
            for (subscription, group) in subscriptions().zip(&mut self.groups) {
                group.advance(now, subscription, ground_truth);
            }
            if is_due(self.transactions.deadline, now) {
                self.expire_transactions(now, ground_truth);
            }
            self.note_groups();
        }
        if is_due(self.replicas_deadline, now) {
            self.advance_replicas(now);
        }
        if is_due(self.housekeeping, now) {
            self.keep_house(now, ground_truth);
        }
    }

    fn silent(&mut self, now: Instant, client: ClientId) {
        self.presence.silent(client);
        self.groups.iter_mut().for_each(|group| group.silent(now, client));
        self.note_groups();
    }

    fn heard(&mut self, _now: Instant, client: ClientId) {
        self.presence.heard(client);
        self.groups.iter_mut().for_each(|group| group.heard(client));
        self.note_groups();
    }

    fn disconnected(&mut self, now: Instant, client: ClientId, _truth: &mut Vec<Event>) {
        self.presence.silent(client);
        self.groups.iter_mut().for_each(|group| group.disconnected(now, client));
        self.note_groups();
    }

    fn restart(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        ground_truth.push(Event { at: now, kind: Kind::BrokerRestarted });
        self.groups.iter_mut().for_each(|group| group.forget_members(now));
        self.note_groups();
        self.changed = true;
    }

    fn is_replicated(&self) -> bool {
        self.replicas.is_some()
    }

    fn fail_over(
        &mut self,
        now: Instant,
        failure: Failure,
        back_at: Instant,
        ground_truth: &mut Vec<Event>,
    ) -> bool {
        self.fail_over_to_next(now, failure, back_at, ground_truth)
    }

    fn fall_behind(&mut self, now: Instant, followers: Followers, until: Instant) {
        self.let_fall_behind(now, followers, until);
    }

    fn clear(&mut self) {
        let Self {
            partitions,
            groups,
            copies,
            producers,
            transactions,
            presence,
            segment_limits: _,
            retention: _,
            growth,
            auto_offset_reset: _,
            timestamps,
            commit_checks: _,
            replicas,
            retention_check,
            offsets_expire,
            housekeeping,
            group_deadline,
            replicas_deadline,
            deadline,
            changed,
        } = self;
        growth.clear();
        let count = growth.partitions();
        partitions.truncate(usize::from(count));
        partitions.iter_mut().for_each(Partition::clear);
        groups.iter_mut().for_each(|group| group.clear(count));
        timestamps.iter_mut().for_each(|timestamps| timestamps.clear(count));
        copies.clear();
        producers.clear();
        transactions.clear();
        presence.clear();
        replicas.iter_mut().for_each(|replicas| replicas.clear(count));
        *retention_check = None;
        *offsets_expire = None;
        *housekeeping = growth.due();
        *group_deadline = None;
        *replicas_deadline = None;
        *deadline = None;
        *changed = false;
    }

    fn has_groups(&self) -> bool {
        true
    }

    fn rebalance(&mut self, now: Instant, subscription: SubscriptionId) {
        if let Some(group) = self.groups.get_mut(subscription.index()) {
            group.rebalance(now);
        }
        self.note_groups();
    }

    fn audit(&self, now: Instant, ground_truth: &mut Vec<Event>) {
        for (subscription, _) in subscriptions().zip(&self.groups) {
            for (id, partition) in partitions().zip(&self.partitions) {
                let from = self.reading_starts_at(now, subscription, id);
                let from = from.clamp(partition.log_start_offset(), partition.log_end_offset);
                let retained = (from..).zip(partition.retained_from(from));
                let seen = retained.filter(|(offset, record)| {
                    !is_marker(record) && !self.transactions.hides(id.index(), *offset)
                });
                ground_truth.extend(seen.map(|(_, record)| {
                    let message = record.message;
                    Event { at: now, kind: Kind::Retrievable { message, subscription } }
                }));
            }
        }
    }

    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        self.enter(into);
    }

    fn generation(&self, subscription: SubscriptionId) -> Generation {
        self.groups.get(subscription.index()).map(Group::generation).unwrap_or_default()
    }

    fn next_tag(&self, _subscription: SubscriptionId) -> u64 {
        0
    }
}

/// What is rarely asked.
impl LogBroker {
    /// As [`Broker::handle`], kept out of line. The arms of `Fetch` and `Commit`, which are
    /// answered there, only make the match exhaustive.
    #[inline(never)]
    fn handle_apart(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Option<Response> {
        match request {
            Request::Fetch { .. } => self.fetch(now, from, request),
            Request::Produce { .. } if self.replicas.is_some() => {
                self.produce_replicated(now, from, request, ground_truth)
            }
            Request::Produce { partition, records, sequence, .. } => {
                Some(self.append(now, from, (*partition, *sequence), records, ground_truth))
            }
            Request::AwaitReplication { .. } => self.await_replication(now, request),
            Request::Commit { .. } => Some(self.settle(now, from, request, ground_truth)),
            Request::Join { group, has } => self.join(now, from, *group, *has),
            Request::Leave { group } => Some(self.leave(now, from, *group)),
            Request::Transact { .. } => Some(self.transact(now, from, request, ground_truth)),
        }
    }
}

/// Bookkeeping.
impl LogBroker {
    /// Takes over what a call to the groups has changed: their deadlines and their flags.
    fn note_groups(&mut self) {
        let (mut deadline, mut expire) = (None, None);
        for group in &mut self.groups {
            deadline = earliest(deadline, group.next_deadline());
            expire = earliest(expire, group.offsets_expire_at());
            self.changed |= group.take_changed();
        }
        self.group_deadline = earliest(deadline, self.transactions.deadline);
        self.deadline = earliest(self.group_deadline, self.replicas_deadline);
        if self.offsets_expire != expire {
            self.offsets_expire = expire;
            self.note_housekeeping();
        }
    }
}

fn subscriptions() -> impl Iterator<Item = SubscriptionId> {
    (0..=u8::MAX).map(SubscriptionId)
}

fn partitions() -> impl Iterator<Item = PartitionId> {
    (0..=u16::MAX).map(PartitionId)
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn is_due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
