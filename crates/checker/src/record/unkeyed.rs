//! Messages that came in another order than they were sent, and of which a record does not say
//! whether they have one key.
//!
//! > **The rule** (semantics.md 5.5). Order is promised within a key. Where the key of either of
//! > two messages is left out they may have the same, unless they stand in different partitions of
//! > a log: what would be a violation then is unknown.

use std::collections::BTreeMap;

use entrega_model::event::NO_POSITION;
use entrega_model::{MessageId, PartitionId, ProcessId};

use super::order::Place;
use super::{RecordChecker, Recorded};
use crate::table::Table;

impl RecordChecker {
    /// Whether some messages stand on a log in another order than they were sent, and may have one
    /// key.
    pub(super) fn may_be_stored_out_of_order(&self) -> bool {
        let nowhere = Table::default();
        let partitions = self.records.chunk_by(|one, other| one.partition == other.partition);
        let is_late = |partition: &[super::Sighting]| {
            let known = partition.partition_point(|one| one.offset != NO_POSITION);
            let mut met = Met::of(&self.sends, &nowhere);
            let places = partition[..known].chunk_by(|one, other| one.offset == other.offset);
            let mut places = places.map(|there| there.iter().map(|one| one.message));
            places.any(|there| {
                let is_late = there.clone().any(|message| met.is_late(message));
                there.for_each(|message| met.meet(message));
                is_late
            })
        };
        partitions.into_iter().any(is_late)
    }

    /// In which partition each message of a log stands, as far as that is one.
    pub(super) fn stands_in(&self) -> Table<Stands> {
        let mut all: Table<Stands> = Table::default();
        for one in self.records.iter().filter(|one| one.offset != NO_POSITION) {
            let stands = all.entry(one.message.0.into());
            *stands = match *stands {
                Stands::Unknown => Stands::In(one.partition),
                Stands::In(partition) if partition == one.partition => Stands::In(partition),
                _ => Stands::InSeveral,
            };
        }
        all
    }
}

impl Recorded {
    /// Whether some effects came in another order than their messages were sent, and these may have
    /// one key.
    pub(super) fn may_be_out_of_order(&self, sends: &Table<Place>, stands: &Table<Stands>) -> bool {
        let mut met = Met::of(sends, stands);
        self.effects_in_order().into_iter().any(|(_, _, message, is_first)| {
            let is_late = met.is_late(message);
            if is_first {
                met.meet(message);
            }
            is_late
        })
    }
}

/// Where a message stands on a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stands {
    /// Nobody knows, or the broker has no partitions.
    #[default]
    Unknown,
    In(PartitionId),
    InSeveral,
}

/// The latest send among the messages that were met, by producer and by where they stand.
struct Met<'a> {
    sends: &'a Table<Place>,
    stands: &'a Table<Stands>,
    /// Among all, and among those without a key.
    latest: [BTreeMap<ProcessId, Latest>; 2],
}

/// The latest of one producer.
#[derive(Default)]
struct Latest {
    anywhere: u64,
    by_place: BTreeMap<Stands, u64>,
}

impl<'a> Met<'a> {
    fn of(sends: &'a Table<Place>, stands: &'a Table<Stands>) -> Self {
        Self { sends, stands, latest: Default::default() }
    }

    fn place(&self, message: MessageId) -> Option<Place> {
        let place = self.sends.get(message.0.into()).copied();
        place.filter(|place| place.in_order().is_some())
    }

    fn stands(&self, message: MessageId) -> Stands {
        self.stands.get(message.0.into()).copied().unwrap_or_default()
    }

    /// Whether one was met that was sent after this one was acknowledged, and may have its key.
    fn is_late(&self, message: MessageId) -> bool {
        let Some(place) = self.place(message) else { return false };
        let [all, without_key] = &self.latest;
        let latest = if place.has_key() { without_key } else { all };
        let Some(latest) = latest.get(&place.producer) else { return false };
        let at = |stands: Stands| latest.by_place.get(&stands).copied().unwrap_or(0);
        let sent = match self.stands(message) {
            here @ Stands::In(_) => at(here).max(at(Stands::Unknown)).max(at(Stands::InSeveral)),
            Stands::Unknown | Stands::InSeveral => latest.anywhere,
        };
        place.is_acknowledged_before(sent)
    }

    fn meet(&mut self, message: MessageId) {
        let Some(place) = self.place(message) else { return };
        let stands = self.stands(message);
        let [all, without_key] = &mut self.latest;
        let unkeyed = (!place.has_key()).then_some(without_key);
        for latest in [Some(all), unkeyed].into_iter().flatten() {
            let latest = latest.entry(place.producer).or_default();
            latest.anywhere = latest.anywhere.max(place.sent_at());
            let here = latest.by_place.entry(stands).or_default();
            *here = (*here).max(place.sent_at());
        }
    }
}
