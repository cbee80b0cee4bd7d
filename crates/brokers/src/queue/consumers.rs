//! Who receives from a queue, and what it may still say about what it received.
//!
//! > **The rule.** A tag belongs to the client that received it. What is in flight to it, it may
//! > settle. What it has settled, it may settle again in the same way: nothing happens, and the
//! > answer is "settled", because the answer to the first request may be what was lost. Everything
//! > else is stale.
//!
//! SQS answers a repeated `DeleteMessage` in this way. RabbitMQ closes the channel instead
//! (`unknown delivery tag`) and requeues everything on it [RMQ-CONFIRMS], and JetStream accepts a
//! late ack of a message that another consumer has received since [NATS-CONS]: see `rules.rs`.
//!
//! To tell "settled before" from "expired" for ever would need memory for each message. But almost
//! all deliveries end by an ack. So a queue notes only the other ends, the latest [`ENDS_KEPT`] of
//! them; a delivery that is neither in flight nor noted was acked. Older than the notes is stale.
//! One untruth remains: a client that acks, amid its own tags, one that a competitor has acked or
//! has lost with its connection gets "settled" instead of "stale". It changes nothing.

use std::collections::VecDeque;

use entrega_model::ClientId;
use entrega_model::queue::{DeliveryTag, Settlement};

use super::in_flight::{InFlightDelivery, Unsettled};
use super::rules::Return;

/// How many ends other than acks a queue remembers.
const ENDS_KEPT: usize = 1 << 16;

/// A client of one queue.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) client: ClientId,
    /// What is in flight to it.
    pub(super) unsettled: Unsettled,
    pub(super) first_tag: DeliveryTag,
    last_tag: DeliveryTag,
    /// Its connection has ended, and only its leases keep it here.
    pub(super) gone: bool,
}

impl Consumer {
    /// Notes that `tag` was delivered.
    #[inline]
    pub(super) fn given(&mut self, tag: DeliveryTag) {
        self.first_tag = self.first_tag.min(tag);
        self.last_tag = tag;
    }

    /// The highest tag that was delivered.
    pub(super) fn last_tag(&self) -> DeliveryTag {
        self.last_tag
    }

    fn may_have_been_given(&self, tag: DeliveryTag) -> bool {
        !self.gone && (self.first_tag..=self.last_tag).contains(&tag)
    }
}

/// The clients of one queue, and how their deliveries ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Consumers {
    /// Ascending by client.
    pub(super) known: Vec<Consumer>,
    /// For each process where to look first: its latest life stands there.
    places: Vec<u32>,
    /// Ends other than acks, ascending by tag.
    pub(super) ends: VecDeque<End>,
    /// Up to here, ends may have been forgotten.
    pub(super) forgotten: DeliveryTag,
}

/// How a delivery ended that was not acked.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) tag: DeliveryTag,
    pub(super) client: ClientId,
    /// What the client said, if it did.
    pub(super) word: Option<Settlement>,
    /// Which copy was delivered.
    pub(super) sequence: u64,
    /// Whether it ended by its lease, or with that of another delivery to the same client.
    pub(super) by_lease: bool,
}

impl End {
    /// The end of a delivery about which its client has not said anything.
    pub(super) fn silent(ended: &InFlightDelivery, how: Return) -> Self {
        let InFlightDelivery { tag, client, stored, .. } = *ended;
        let (sequence, by_lease) = (stored.sequence, how == Return::Expiry);
        Self { tag, client, word: None, sequence, by_lease }
    }
}

/// What a word is whose delivery is not in flight to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The client has said it before.
    Repeated,
    /// The delivery of this copy was the client's, and ended without a word of it.
    Late {
        /// Names the copy.
        sequence: u64,
        /// Whether its lease has ended it.
        by_lease: bool,
    },
    /// None of both.
    Foreign,
}

impl Consumers {
    #[inline]
    pub(super) fn find(&self, client: ClientId) -> Option<&Consumer> {
        self.place(client).ok().map(|place| &self.known[place])
    }

    /// An earlier life of the client's process that has something unsettled.
    pub(super) fn earlier_life(&self, client: ClientId) -> Option<ClientId> {
        let is_earlier = |one: &&Consumer| {
            one.client.process == client.process
                && one.client.incarnation < client.incarnation
                && one.unsettled.len() > 0
        };
        self.known.iter().find(is_earlier).map(|consumer| consumer.client)
    }

    /// The entry of `client`, a new one if it has none.
    #[inline]
    pub(super) fn entry(&mut self, client: ClientId) -> &mut Consumer {
        let place = self.place(client).unwrap_or_else(|place| self.insert(place, client));
        &mut self.known[place]
    }

    #[cold]
    fn insert(&mut self, place: usize, client: ClientId) -> usize {
        let (unsettled, first_tag, last_tag) = (Unsettled::NONE, DeliveryTag::MAX, 0);
        let new = Consumer { client, unsettled, first_tag, last_tag, gone: false };
        self.known.insert(place, new);
        self.note_places();
        place
    }

    /// Forgets `client`, so that all its tags are stale, and returns what it has unsettled.
    pub(super) fn remove(&mut self, client: ClientId) -> Unsettled {
        let Ok(place) = self.place(client) else { return Unsettled::NONE };
        let removed = self.known.remove(place);
        self.note_places();
        removed.unsettled
    }

    /// Forgets `client` except for what it has in flight.
    pub(super) fn leave(&mut self, client: ClientId) {
        if let Ok(place) = self.place(client) {
            self.known[place].gone = true;
        }
        self.forget_if_done(client);
    }

    /// Forgets a client that left, if nothing is in flight to it any more.
    pub(super) fn forget_if_done(&mut self, client: ClientId) {
        if let Ok(place) = self.place(client)
            && self.known[place].gone
            && self.known[place].unsettled.len() == 0
        {
            self.known.remove(place);
            self.note_places();
        }
    }

    /// Forgets everybody; every tag is stale.
    pub(super) fn forget_all(&mut self) {
        self.known.clear();
        self.ends.clear();
    }

    /// No consumer was ever known. Where to look first may stay: it is checked when used.
    pub(super) fn clear(&mut self) {
        let Self { known, places: _, ends, forgotten } = self;
        known.clear();
        ends.clear();
        *forgotten = 0;
    }

    /// Notes an end by requeue or reject, or without the client's word.
    pub(super) fn note_end(&mut self, end: End) {
        let tag = end.tag;
        let place = self.ends.partition_point(|end| end.tag < tag);
        self.ends.insert(place, end);
        if self.ends.len() > ENDS_KEPT {
            self.forgotten = self.ends.pop_front().map_or(tag, |end| end.tag);
        }
    }

    /// What a word of `client` about `tag` is. Only for tags that are not in flight to it.
    pub(super) fn standing(
        &self,
        client: ClientId,
        tag: DeliveryTag,
        word: Settlement,
    ) -> Standing {
        if tag <= self.forgotten {
            return Standing::Foreign;
        }
        let noted = self.ends.binary_search_by_key(&tag, |end| end.tag).ok();
        let noted = noted.map(|place| self.ends[place]);
        if let Some(End { client: of, word: None, sequence, by_lease, .. }) = noted {
            let late = Standing::Late { sequence, by_lease };
            return if of == client { late } else { Standing::Foreign };
        }
        let is_known = self.find(client).is_some_and(|c| c.may_have_been_given(tag));
        let is_said = match noted {
            Some(end) => end.client == client && end.word == Some(word),
            None => word == Settlement::Ack,
        };
        if is_known && is_said { Standing::Repeated } else { Standing::Foreign }
    }

    #[inline]
    fn place(&self, client: ClientId) -> Result<usize, usize> {
        let place = self.places.get(client.process.index()).map_or(0, |place| *place as usize);
        match self.known.get(place) {
            Some(consumer) if consumer.client == client => Ok(place),
            _ => self.search(client),
        }
    }

    #[cold]
    fn search(&self, client: ClientId) -> Result<usize, usize> {
        self.known.binary_search_by_key(&rank(client), |consumer| rank(consumer.client))
    }

    /// Notes anew where the clients stand, because some have moved.
    fn note_places(&mut self) {
        let Self { known, places, .. } = self;
        places.clear();
        for (place, consumer) in (0..).zip(known) {
            places.resize(consumer.client.process.index() + 1, 0);
            places[consumer.client.process.index()] = place;
        }
    }
}

/// The order of clients in one word.
fn rank(client: ClientId) -> u64 {
    u64::from(client.process.0) << 32 | u64::from(client.incarnation.0)
}

#[cfg(test)]
mod tests {
    use entrega_model::{Duration, Instant, Key, MessageId, Record};

    use super::super::in_flight::InFlight;
    use super::super::ready::Stored;
    use super::*;

    #[test]
    fn notes_are_bounded_and_what_is_forgotten_is_stale() {
        let (mut consumers, client) = (Consumers::default(), ClientId::default());
        let last = ENDS_KEPT as DeliveryTag + 10;
        let requeued = |tag| End {
            tag,
            client,
            word: Some(Settlement::Requeue),
            sequence: tag,
            by_lease: false,
        };
        (1..=last + 1).for_each(|tag| consumers.entry(client).given(tag));
        (1..=last).for_each(|tag| consumers.note_end(requeued(tag)));
        assert_eq!(consumers.ends.len(), ENDS_KEPT);
        let check = |tag, word, expect| {
            let is_repeated = consumers.standing(client, tag, word) == Standing::Repeated;
            assert_eq!(is_repeated, expect, "{word:?} {tag}");
        };
        check(10, Settlement::Requeue, false);
        check(10, Settlement::Ack, false);
        check(11, Settlement::Requeue, true);
        check(11, Settlement::Ack, false);
        check(last, Settlement::Requeue, true);
        check(last + 1, Settlement::Ack, true);
        check(last + 1, Settlement::Extend, false);
        check(last + 2, Settlement::Ack, false);
    }

    /// A process that crashes again and again must not leave a client behind each time.
    #[test]
    fn who_left_is_forgotten_when_nothing_is_in_flight_to_it() {
        let (mut consumers, client) = (Consumers::default(), ClientId::default());
        let mut flight = InFlight::new(Duration::MAX);
        let record = Record { message: MessageId(0), key: Key(0), bytes: 0 };
        let stored = Stored::delivered(0, record, 1);
        let unsettled = &mut consumers.entry(client).unsettled;
        let tag = flight.begin(Instant::START, stored, client, unsettled);
        consumers.entry(client).given(tag);
        consumers.leave(client);
        assert!(consumers.find(client).is_some(), "its lease keeps it");
        let slot = flight.find(tag).expect("it is in flight");
        flight.end(slot, &mut consumers.entry(client).unsettled);
        consumers.forget_if_done(client);
        assert!(consumers.find(client).is_none());
    }
}
