//! Which messages of a record came in another order than they were sent.
//!
//! > **The rule** (semantics.md 5.5). m1 ≺ m2 iff both have one key and one producer and m1 was
//! > acknowledged before m2 was first sent. Where producers promise the order of their program, it
//! > is enough that m1 was sent before m2 and acknowledged at some time. A message whose first line
//! > is an outcome has no place in this order.
//!
//! In a run the order of ids says which message was sent first ([`crate::order`]), and what a
//! producer is called is known from the start. In a record a message may be named by another line
//! before it is sent, its producer by a later one, and offsets need not be seen in their order. So
//! all this is worked out at the end, by one sweep for each question: along the messages in the
//! order of what happened to them, the latest send decides.
//!
//! Where lines were sorted by clocks that differ, of two effects that lie no further apart nobody
//! knows which came first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use entrega_model::event::NO_POSITION;
use entrega_model::history::Origin;
use entrega_model::{Duration, Instant, Key, MessageId, PartitionId, ProcessId, SubscriptionId};

use super::attempts::Known;
use super::{RecordChecker, Recorded, Sighting};
use crate::table::Table;
use crate::{Report, SubscriptionReport};

/// When a message was sent and acknowledged, and by whom. Moments count from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    sent: u64,
    acknowledged: u64,
    key: Key,
    pub(super) producer: ProcessId,
    is_named: bool,
    has_key: bool,
    pub(super) known: Known,
}

impl Default for Place {
    fn default() -> Self {
        Self::of(0, Known::Nothing, Key(0), ProcessId(0))
    }
}

impl Place {
    const NEVER: u64 = u64::MAX;

    fn of(sent: u64, known: Known, key: Key, producer: ProcessId) -> Self {
        Self {
            sent,
            acknowledged: Self::NEVER,
            key,
            producer,
            is_named: false,
            has_key: false,
            known,
        }
    }

    /// A message that is first sent now. Its line names key and producer, or does not.
    pub(super) fn sent(
        now: u64,
        key: Key,
        producer: ProcessId,
        attempt: u16,
        origin: Origin,
    ) -> Self {
        let (is_named, has_key) = (origin.names_producer, origin.names_key);
        Self { is_named, has_key, ..Self::of(now, Known::Open(attempt), key, producer) }
    }

    /// The same, of a message whose first line is an outcome.
    pub(super) fn without_place(self) -> Self {
        Self { known: Known::Unplaced, ..self }
    }

    /// Another line of the same send. What is named once is named.
    pub(super) fn name_again(&mut self, line: &Self) {
        if line.has_key {
            self.name_key(line.key);
        }
        if line.is_named && !self.is_named {
            (self.producer, self.is_named) = (line.producer, true);
        }
    }

    /// A line names the key. The first one counts.
    pub(super) fn name_key(&mut self, key: Key) {
        if !self.has_key && self.in_order().is_some() {
            (self.key, self.has_key) = (key, true);
        }
    }

    /// The first acknowledgement counts.
    pub(super) fn acknowledged_at(&mut self, now: u64) {
        self.acknowledged = self.acknowledged.min(now);
    }

    pub(super) const fn has_key(&self) -> bool {
        self.has_key
    }

    pub(super) const fn sent_at(&self) -> u64 {
        self.sent
    }

    /// Whether it was acknowledged before this moment.
    pub(super) const fn is_acknowledged_before(&self, moment: u64) -> bool {
        self.acknowledged < moment
    }

    /// Where it stands in the order, if it has a place there.
    pub(super) fn in_order(&self) -> Option<(Key, ProcessId)> {
        let has_place = !matches!(self.known, Known::Nothing | Known::Unplaced);
        has_place.then_some((self.key, self.producer))
    }
}

/// When a message was first applied, and when it was applied again, as far as it was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effects {
    first: u64,
    last: u64,
    /// The times of both, as far as they are known.
    first_at: Option<Instant>,
    last_at: Option<Instant>,
}

impl Effects {
    pub(super) fn applied(&mut self, now: u64, at: Option<Instant>) {
        if self.first == 0 {
            (self.first, self.first_at) = (now, at);
        } else {
            (self.last, self.last_at) = (now, at);
        }
    }
}

impl RecordChecker {
    /// Puts into the report what the order of lines says.
    pub(super) fn put_in_order(&self, report: &mut Report) {
        let write_inversions = self.write_inversions();
        let is_acknowledged = |id: MessageId| {
            let send = self.checker.sends.get(id);
            send.is_some_and(|send| send.is_acknowledged())
        };
        for (recorded, report) in self.subscriptions.iter().zip(&mut report.subscriptions) {
            recorded.find_order(&self.sends, self.sorted_within, report);
            report.order.write_inversions = write_inversions;
            report.order.inconsistent_offsets = self.inconsistent_offsets(report.subscription);
            let polls = &recorded.polls;
            let skips = polls.skips(&self.records, is_acknowledged);
            let (order, back, evidence) = (&mut report.order, polls.back(), &mut report.evidence);
            (order.poll_skips, order.nonmonotonic_polls) = (skips.seen, back.seen);
            evidence.within_skew += polls.within_skew();
            evidence.outside = skips.seen + back.seen - skips.in_assignment - back.in_assignment;
        }
    }

    /// How many records of a log stand behind one that was sent later. An offset is known from a
    /// store or from a delivery; two messages at one offset do not stand behind each other.
    fn write_inversions(&self) -> u64 {
        let mut found = 0;
        for partition in self.records.chunk_by(|one, other| one.partition == other.partition) {
            let known = partition.partition_point(|one| one.offset != NO_POSITION);
            let mut sweep = Sweep::over(&self.sends);
            for there in partition[..known].chunk_by(|one, other| one.offset == other.offset) {
                let is_behind = |id: &MessageId| sweep.look(*id).later().is_some();
                found += distinct(there).filter(is_behind).count() as u64;
                for message in distinct(there) {
                    sweep.meet(message);
                }
            }
        }
        found
    }

    /// Whether there are several sends and no two of them could be compared: of some the key is
    /// not recorded, those that are recorded all differ, and no two stand in one partition of a
    /// log.
    pub(super) fn compares_nothing(&self) -> bool {
        let placed =
            || self.sends.iter().map(|(_, place)| place).filter(|p| p.in_order().is_some());
        let mut keys = BTreeSet::new();
        placed().count() > 1
            && placed().any(|place| !place.has_key)
            && placed().filter(|place| place.has_key).all(|place| keys.insert(place.key))
            && !self.has_neighbours()
    }

    /// Whether nothing is known of an offset between two others of a partition.
    pub(super) fn has_gap(&self) -> bool {
        let known: Vec<&Sighting> =
            self.records.iter().filter(|one| one.offset != NO_POSITION).collect();
        let follows = |pair: &[&Sighting]| {
            pair[0].partition != pair[1].partition || pair[1].offset - pair[0].offset <= 1
        };
        !known.windows(2).all(follows)
    }

    /// Whether two messages are known to stand in one partition of a log.
    fn has_neighbours(&self) -> bool {
        let known = |one: &&Sighting| one.offset != NO_POSITION;
        let mut first: BTreeMap<PartitionId, MessageId> = BTreeMap::new();
        self.records
            .iter()
            .filter(known)
            .any(|one| *first.entry(one.partition).or_insert(one.message) != one.message)
    }

    /// How many messages the broker or a subscription saw at an offset of another message.
    fn inconsistent_offsets(&self, subscription: SubscriptionId) -> u64 {
        let concerns = |one: &Sighting| one.by.is_none_or(|by| by == subscription);
        let place = |one: &Sighting| (one.partition, one.offset);
        let places = self.records.chunk_by(|one, other| place(one) == place(other));
        let messages = |there: &[Sighting]| {
            let each = there.chunk_by(|one, other| one.message == other.message);
            each.filter(|of_one| of_one.iter().any(concerns)).count() as u64
        };
        let known = places.filter(|there| there[0].offset != NO_POSITION);
        known.map(|there| messages(there).saturating_sub(1)).sum()
    }
}

/// The messages of sightings at one place, which are sorted.
fn distinct(sightings: &[Sighting]) -> impl Iterator<Item = MessageId> {
    let each = sightings.chunk_by(|one, other| one.message == other.message);
    each.map(|of_one| of_one[0].message)
}

impl Recorded {
    fn find_order(&self, sends: &Table<Place>, within: Duration, report: &mut SubscriptionReport) {
        let order = &mut report.order;
        let (mut reordered, mut replayed) = (Vec::new(), Vec::new());
        let mut within_skew = 0;
        order.adjacent_pairs = self.each_effect(sends, within, |message, met, is_first| {
            let Seen { before, perhaps } = met;
            within_skew += u64::from(before.later().is_none() && perhaps.later().is_some());
            if before.later().is_some() {
                if is_first { reordered.push(message) } else { replayed.push(message) }
            }
        });
        (order.reordered, order.reordered_example) = counted(&reordered);
        (order.replayed, order.replayed_example) = counted(&replayed);
        report.evidence.within_skew = within_skew;
    }

    /// The messages whose first effect, or whose last, came after that of one that was sent later.
    pub(super) fn overtaken(
        &self,
        sends: &Table<Place>,
        within: Duration,
    ) -> Vec<(MessageId, MessageId, bool)> {
        let mut found = Vec::new();
        self.each_effect(sends, within, |message, met, is_first| {
            found.extend(met.before.later().map(|later| (message, later, is_first)));
        });
        found
    }

    /// The first effect of every message, and its last if there are several, in the order of the
    /// record: when, by its clock too, of which message, and whether it is the first.
    pub(super) fn effects_in_order(&self) -> Vec<(u64, Option<Instant>, MessageId, bool)> {
        let mut effects = Vec::new();
        for (id, of) in self.effects.iter().filter(|(_, of)| of.first > 0) {
            let id = MessageId(id as u32);
            effects.push((of.first, of.first_at, id, true));
            effects.extend((of.last > 0).then_some((of.last, of.last_at, id, false)));
        }
        effects.sort_unstable();
        effects
    }

    /// Calls `each` for the first effect of every message and for its last if there are several, in
    /// the order of the record. Returns how many first effects came after another of their chain.
    /// What lies no more than `within` before an effect may as well have come after it.
    fn each_effect(
        &self,
        sends: &Table<Place>,
        within: Duration,
        mut each: impl FnMut(MessageId, Seen, bool),
    ) -> u64 {
        let effects = self.effects_in_order();
        let (mut certain, mut sweep) = (Sweep::over(sends), Sweep::over(sends));
        let mut recent: VecDeque<(Option<Instant>, MessageId)> = VecDeque::new();
        let mut pairs = 0;
        for (_, at, message, is_first) in effects {
            let is_over = |before: Option<Instant>| match (before, at) {
                (Some(before), Some(at)) if !within.is_zero() => at.since(before) > within,
                _ => true,
            };
            while recent.front().is_some_and(|(before, _)| is_over(*before)) {
                if let Some((_, passed)) = recent.pop_front() {
                    certain.meet(passed);
                }
            }
            let before = certain.look(message);
            let perhaps = if is_first { sweep.meet(message) } else { sweep.look(message) };
            if is_first {
                recent.push_back((at, message));
            }
            pairs += u64::from(is_first && perhaps != Met::Nothing);
            each(message, Seen { before, perhaps }, is_first);
        }
        pairs
    }
}

/// What had been met when a message was: for certain, and perhaps.
#[derive(Clone, Copy)]
struct Seen {
    before: Met,
    perhaps: Met,
}

/// How many there are, and the lowest.
fn counted(messages: &[MessageId]) -> (u64, Option<MessageId>) {
    (messages.len() as u64, messages.iter().min().copied())
}

/// Messages in the order of what happened to them, and of each key and producer the latest send
/// among those that were met.
struct Sweep<'a> {
    sends: &'a Table<Place>,
    latest: BTreeMap<(Key, ProcessId), (u64, MessageId)>,
}

/// What had been met when a message was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    /// Nothing of its key and producer; or it has no place in the order.
    Nothing,
    /// None that it precedes.
    Earlier,
    /// One that it precedes, this one.
    Later(MessageId),
}

impl Met {
    fn later(self) -> Option<MessageId> {
        if let Self::Later(message) = self { Some(message) } else { None }
    }
}

impl<'a> Sweep<'a> {
    fn over(sends: &'a Table<Place>) -> Self {
        Self { sends, latest: BTreeMap::new() }
    }

    /// Looks what was met before a message.
    fn look(&self, message: MessageId) -> Met {
        let Some(place) = self.sends.get(message.0.into()) else { return Met::Nothing };
        let latest = place.in_order().and_then(|chain| self.latest.get(&chain));
        match latest {
            None => Met::Nothing,
            Some((latest, message)) if *latest > place.acknowledged => Met::Later(*message),
            Some(_) => Met::Earlier,
        }
    }

    /// The same, and then meets it.
    fn meet(&mut self, message: MessageId) -> Met {
        let met = self.look(message);
        if let Some(place) = self.sends.get(message.0.into())
            && let Some(chain) = place.in_order()
        {
            let latest = self.latest.entry(chain).or_insert((place.sent, message));
            *latest = (*latest).max((place.sent, message));
        }
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(by: u16, names_producer: bool, key: u32, names_key: bool) -> Place {
        let origin = Origin { names_producer, names_key, ..Origin::default() };
        Place::sent(1, Key(key), ProcessId(by), 1, origin)
    }

    /// The first line that names the producer counts, and so with the key; what a line does not
    /// name says nothing.
    #[test]
    fn what_is_named_once_is_named() {
        let (named, silent) = (line(1, true, 1, true), line(9, false, 9, false));
        let after = |mut place: Place, again: Place| {
            place.name_again(&again);
            (place.producer.0, place.key.0)
        };
        assert_eq!(after(silent, named), (1, 1));
        assert_eq!(after(named, line(2, true, 2, true)), (1, 1));
        assert_eq!(after(silent, line(2, false, 2, false)), (9, 9));
        assert_eq!(after(named, silent), (1, 1));
        assert_eq!(after(silent.without_place(), named), (1, 9));
    }
}
