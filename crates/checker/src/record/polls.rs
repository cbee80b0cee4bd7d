//! Which deliveries of a log skip a record or go back.
//!
//! > **The rule** (semantics.md 5.5). Within one assignment the offset jumps over a stored visible
//! > record, or goes back without a seek. A record is visible if its send was acknowledged or if
//! > anybody was given it there: one of an aborted transaction is not.
//!
//! It breaks no promise: a record can lack the line that explains it with every trace of it, the
//! earlier delivery of what is skipped or a seek, and no other line of the record shows that it has
//! them all. So it leaves the order open. It lies within an assignment if this is recorded, and
//! nobody else was given something of the partition in between: otherwise the partition may have
//! been assigned to others meanwhile.
//!
//! Where lines were sorted by clocks that differ, nobody knows in which order those came that lie
//! no further apart: what another order explains is not found.

use std::collections::BTreeMap;

use entrega_model::event::NO_POSITION;
use entrega_model::{Duration, Instant, Kind, MessageId, PartitionId, ProcessId};

use super::Sighting;

/// How the consumers of one subscription have polled.
#[derive(Clone, Debug, Default)]
pub(super) struct Polls {
    seats: BTreeMap<Place, Seat>,
    /// Who was given something of each partition last.
    latest: BTreeMap<PartitionId, ProcessId>,
    jumps: Vec<Jump>,
    /// When each message was first removed.
    removed: BTreeMap<MessageId, u64>,
    /// How many would be found if the order of lines were known.
    within_skew: u64,
}

/// A partition and one of its readers.
type Place = (PartitionId, ProcessId);

/// A consumer at a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    last: Option<Polled>,
    is_assigned: bool,
}

/// A delivery: at which offset, of what, and at which time if that is known.
#[derive(Clone, Copy, Debug)]
struct Polled {
    offset: u64,
    message: MessageId,
    at: Option<Instant>,
}

/// A delivery at another offset than the next.
#[derive(Clone, Copy, Debug)]
struct Jump {
    place: Place,
    /// What it passes over: offsets from here up to the other; none if it goes back.
    from: u64,
    to: u64,
    goes_back: bool,
    is_in_assignment: bool,
    now: u64,
    at: Option<Instant>,
}

/// How many there are, and how many of these lie within an assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anomalies {
    pub(super) seen: u64,
    pub(super) in_assignment: u64,
}

/// When something happens: its moment, from 1, its time if that is known, and by how much clocks
/// differ that put it in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    pub(super) now: u64,
    pub(super) at: Option<Instant>,
    pub(super) within: Duration,
}

impl When {
    /// Whether something earlier need not have been earlier.
    fn is_near(self, earlier: Option<Instant>) -> bool {
        let apart = earlier.zip(self.at).map(|(earlier, at)| at.since(earlier));
        !self.within.is_zero() && apart.is_some_and(|apart| apart <= self.within)
    }
}

impl Polls {
    /// Something happened.
    pub(super) fn note(&mut self, kind: &Kind, when: When) {
        match *kind {
            Kind::Delivered { message, consumer, partition, position, .. }
                if position != NO_POSITION =>
            {
                let polled = Polled { offset: position, message, at: when.at };
                self.delivered((partition, consumer), polled, when);
            }
            Kind::Assigned { consumer, partition, .. } => {
                let all = (partition, ProcessId(0))..=(partition, ProcessId(u16::MAX));
                self.seats.range_mut(all).for_each(|(_, seat)| seat.is_assigned = false);
                let seat = Seat { last: None, is_assigned: true };
                self.seats.insert((partition, consumer), seat);
                self.excuse(|(of, _)| of == partition, when);
            }
            Kind::Revoked { consumer, partition, .. } | Kind::Lost { consumer, partition, .. } => {
                self.seats.remove(&(partition, consumer));
                self.excuse(|place| place == (partition, consumer), when);
            }
            Kind::Sought { consumer, partition, .. }
            | Kind::OffsetReset { consumer, partition, .. } => {
                self.seats.entry((partition, consumer)).or_default().last = None;
                self.excuse(|place| place == (partition, consumer), when);
            }
            Kind::SessionExpired { consumer, .. } | Kind::MaxPollExceeded { consumer, .. } => {
                self.ended(consumer, when);
            }
            Kind::Crashed { process, .. }
            | Kind::Exited { process, .. }
            | Kind::Started { process, .. } => self.ended(process, when),
            Kind::Removed { message, .. } => _ = self.removed.entry(message).or_insert(when.now),
            _ => {}
        }
    }

    /// A process begins or ends, or its member is removed: it polls in no assignment any more.
    fn ended(&mut self, process: ProcessId, when: When) {
        self.seats.retain(|(_, consumer), _| *consumer != process);
        self.excuse(|(_, consumer)| consumer == process, when);
    }

    fn delivered(&mut self, place: Place, polled: Polled, when: When) {
        let (partition, consumer) = place;
        let before = self.latest.insert(partition, consumer);
        self.recent(when)
            .filter(|jump| jump.place.0 == partition && jump.place != place)
            .for_each(|jump| jump.is_in_assignment = false);
        let seat = self.seats.entry(place).or_default();
        let is_in_assignment = seat.is_assigned && before == Some(consumer);
        let Some(last) = seat.last.replace(polled) else { return };
        let (from, to) = (last.offset.saturating_add(1), polled.offset);
        let goes_back = to < last.offset || to == last.offset && polled.message != last.message;
        if to < last.offset && when.is_near(last.at) {
            seat.last = Some(last);
            self.within_skew += 1;
            return self.take_place(place, to, when);
        }
        if goes_back || to > from {
            let is_in_assignment = is_in_assignment && !when.is_near(last.at);
            let When { now, at, .. } = when;
            self.jumps.push(Jump { place, from, to, goes_back, is_in_assignment, now, at });
        }
    }

    /// The jumps that may as well come after what happens now.
    fn recent(&mut self, when: When) -> impl Iterator<Item = &mut Jump> {
        self.jumps.iter_mut().rev().take_while(move |jump| when.is_near(jump.at))
    }

    /// What readers do now may explain what was found just before.
    fn excuse(&mut self, is_it: impl Fn(Place) -> bool, when: When) {
        if when.within.is_zero() {
            return;
        }
        let before = self.jumps.len();
        self.jumps.retain(|jump| !is_it(jump.place) || !when.is_near(jump.at));
        self.within_skew += (before - self.jumps.len()) as u64;
    }

    /// What stands at an offset was delivered about when a jump passed over it, perhaps before.
    fn take_place(&mut self, place: Place, offset: u64, when: When) {
        let is_over = |jump: &Jump| {
            let passes = !jump.goes_back && (jump.from..jump.to).contains(&offset);
            passes && jump.place == place && when.is_near(jump.at)
        };
        let Some(index) = self.jumps.iter().rposition(is_over) else { return };
        let rest = Jump { from: offset + 1, ..self.jumps[index] };
        self.jumps[index].to = offset;
        self.jumps.insert(index + 1, rest);
    }

    /// How many anomalies the order of lines leaves open.
    pub(super) fn within_skew(&self) -> u64 {
        self.within_skew
    }

    /// The deliveries that went back.
    pub(super) fn back(&self) -> Anomalies {
        let back = || self.jumps.iter().filter(|jump| jump.goes_back);
        let in_assignment = back().filter(|jump| jump.is_in_assignment).count() as u64;
        Anomalies { seen: back().count() as u64, in_assignment }
    }

    /// The deliveries that skipped a record that was there and visible. `records` is sorted.
    pub(super) fn skips(
        &self,
        records: &[Sighting],
        is_acknowledged: impl Fn(MessageId) -> bool,
    ) -> Anomalies {
        let mut found = Anomalies::default();
        for jump in self.jumps.iter().filter(|jump| !jump.goes_back) {
            let place = |one: &Sighting| (one.partition, one.offset);
            let partition = jump.place.0;
            let first = records.partition_point(|one| place(one) < (partition, jump.from));
            let between =
                records[first..].iter().take_while(|one| place(one) < (partition, jump.to));
            let is_there = |message| self.removed.get(message).is_none_or(|at| *at > jump.now);
            let is_visible = |one: &Sighting| one.by.is_some() || is_acknowledged(one.message);
            let skips = between.filter(|one| is_there(&one.message)).any(is_visible);
            found.seen += u64::from(skips);
            found.in_assignment += u64::from(skips && jump.is_in_assignment);
        }
        found
    }
}
