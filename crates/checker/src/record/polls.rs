//! Which deliveries of a log skip a record or go back.
//!
//! > **The rule** (semantics.md 5.5). Within one assignment the offset jumps over a stored visible
//! > record, or goes back without a seek. A record is visible if its send was acknowledged or if
//! > anybody was given it there: one of an aborted transaction is not.
//!
//! Whatever was not recorded, this *breaks* a promise only within an assignment that is recorded,
//! and if nobody else was given something of the partition in between: otherwise it may have been
//! assigned to others meanwhile.

use std::collections::BTreeMap;

use entrega_model::event::NO_POSITION;
use entrega_model::{Kind, MessageId, PartitionId, ProcessId};

use super::Sighting;

/// How the consumers of one subscription have polled.
#[derive(Clone, Debug, Default)]
pub(super) struct Polls {
    seats: BTreeMap<(PartitionId, ProcessId), Seat>,
    /// Who was given something of each partition last.
    latest: BTreeMap<PartitionId, ProcessId>,
    jumps: Vec<Jump>,
    back: Anomalies,
    /// When each message was first removed.
    removed: BTreeMap<MessageId, u64>,
}

/// A consumer at a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    last: Option<(u64, MessageId)>,
    is_assigned: bool,
}

/// A delivery further on than the next offset.
#[derive(Clone, Copy, Debug)]
struct Jump {
    partition: PartitionId,
    from: u64,
    to: u64,
    is_proven: bool,
    now: u64,
}

/// How many there are, and how many of these lie within an assignment whatever was not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anomalies {
    pub(super) seen: u64,
    pub(super) proven: u64,
}

impl Anomalies {
    fn add(&mut self, is_proven: bool) {
        self.seen += 1;
        self.proven += u64::from(is_proven);
    }
}

impl Polls {
    /// Something happened. Moments count from 1.
    pub(super) fn note(&mut self, kind: &Kind, now: u64) {
        match *kind {
            Kind::Delivered { message, consumer, partition, position, .. }
                if position != NO_POSITION =>
            {
                self.delivered((partition, consumer), position, message, now);
            }
            Kind::Assigned { consumer, partition, .. } => {
                let all = (partition, ProcessId(0))..=(partition, ProcessId(u16::MAX));
                self.seats.range_mut(all).for_each(|(_, seat)| seat.is_assigned = false);
                let seat = Seat { last: None, is_assigned: true };
                self.seats.insert((partition, consumer), seat);
            }
            Kind::Revoked { consumer, partition, .. } | Kind::Lost { consumer, partition, .. } => {
                self.seats.remove(&(partition, consumer));
            }
            Kind::Sought { consumer, partition, .. }
            | Kind::OffsetReset { consumer, partition, .. } => {
                self.seats.entry((partition, consumer)).or_default().last = None;
            }
            Kind::SessionExpired { consumer, .. } | Kind::MaxPollExceeded { consumer, .. } => {
                self.ended(consumer);
            }
            Kind::Crashed { process, .. }
            | Kind::Exited { process, .. }
            | Kind::Started { process, .. } => self.ended(process),
            Kind::Removed { message, .. } => _ = self.removed.entry(message).or_insert(now),
            _ => {}
        }
    }

    /// A process begins or ends, or its member is removed: it polls in no assignment any more.
    fn ended(&mut self, process: ProcessId) {
        self.seats.retain(|(_, consumer), _| *consumer != process);
    }

    fn delivered(
        &mut self,
        (partition, consumer): (PartitionId, ProcessId),
        position: u64,
        message: MessageId,
        now: u64,
    ) {
        let before = self.latest.insert(partition, consumer);
        let seat = self.seats.entry((partition, consumer)).or_default();
        let Some((last, held)) = seat.last.replace((position, message)) else { return };
        let is_proven = seat.is_assigned && before == Some(consumer);
        let from = last.saturating_add(1);
        if position > from {
            self.jumps.push(Jump { partition, from, to: position, is_proven, now });
        } else if position < last || (position == last && message != held) {
            self.back.add(is_proven);
        }
    }

    /// The deliveries that went back.
    pub(super) fn back(&self) -> Anomalies {
        self.back
    }

    /// The deliveries that skipped a record that was there and visible. `records` is sorted.
    pub(super) fn skips(
        &self,
        records: &[Sighting],
        is_acknowledged: impl Fn(MessageId) -> bool,
    ) -> Anomalies {
        let mut found = Anomalies::default();
        for jump in &self.jumps {
            let place = |one: &Sighting| (one.partition, one.offset);
            let first = records.partition_point(|one| place(one) < (jump.partition, jump.from));
            let until = (jump.partition, jump.to);
            let between = records[first..].iter().take_while(|one| place(one) < until);
            let is_there = |message| self.removed.get(message).is_none_or(|at| *at > jump.now);
            let mut there = between.filter(|one| is_there(&one.message));
            if there.any(|one| one.by.is_some() || is_acknowledged(one.message)) {
                found.add(jump.is_proven);
            }
        }
        found
    }
}
