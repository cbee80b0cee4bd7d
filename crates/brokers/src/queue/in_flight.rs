//! Messages in flight: delivered and not settled.
//!
//! > **The rule.** A delivery has a tag. Tags ascend in the queue and are never used twice, so that
//! > a redelivery has a new one, as a receipt handle of SQS has [SQS-VIS]. A message is in flight
//! > to at most one client.
//!
//! Deliveries live in a slab, so that nothing is allocated for one once the slab has grown. Three
//! orders go through it: by tag ([`InFlight::find`]), by lease ([`super::lease`]), and for each
//! client the list of what it has unsettled ([`Unsettled`]), which `multiple` and the end of a
//! connection walk.

use std::collections::VecDeque;

use entrega_model::queue::DeliveryTag;
use entrega_model::{ClientId, Duration, Instant};

use super::lease::{Lease, Leases};
use super::ready::Stored;

/// A place in the slab.
pub(super) type Slot = u32;

/// No slot.
const NIL: Slot = Slot::MAX;

/// The tag in a free slot; the first delivery has tag 1.
const FREE: DeliveryTag = 0;

/// How many ended deliveries in the index are not worth a sweep.
const ENDED_ALLOWED: usize = 64;

/// A delivery that waits for its client's word.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlightDelivery {
    pub(super) tag: DeliveryTag,
    pub(super) stored: Stored,
    pub(super) client: ClientId,
    pub(super) expires: Instant,
    older: Slot,
    newer: Slot,
}

/// The unsettled deliveries of one client, oldest first: the ends of a list through the slab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsettled {
    oldest: Slot,
    newest: Slot,
    len: u32,
}

impl Unsettled {
    pub(super) const NONE: Self = Self { oldest: NIL, newest: NIL, len: 0 };

    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(super) fn oldest(&self) -> Option<Slot> {
        (self.oldest != NIL).then_some(self.oldest)
    }
}

/// The deliveries of one queue that are in flight.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    slab: Vec<InFlightDelivery>,
    /// The first free slot; the others follow through `newer`.
    free: Slot,
    len: usize,
    pub(super) last_tag: DeliveryTag,
    /// Tag and slot of every delivery in flight, ascending, among some that have ended.
    by_tag: VecDeque<(DeliveryTag, Slot)>,
    leases: Leases,
}

impl InFlight {
    pub(super) fn new(visibility_timeout: Duration) -> Self {
        Self {
            slab: Vec::new(),
            free: NIL,
            len: 0,
            last_tag: FREE,
            by_tag: VecDeque::new(),
            leases: Leases::new(visibility_timeout),
        }
    }

    pub(super) fn clear(&mut self) {
        let Self { slab, free, len, last_tag, by_tag, leases } = self;
        slab.clear();
        *free = NIL;
        *len = 0;
        *last_tag = FREE;
        by_tag.clear();
        leases.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Uses up a tag.
    #[inline]
    pub(super) fn next_tag(&mut self) -> DeliveryTag {
        self.last_tag += 1;
        self.last_tag
    }

    /// Puts a message in flight to `client` under a new tag and a new lease.
    #[inline(always)]
    pub(super) fn begin(
        &mut self,
        now: Instant,
        stored: Stored,
        client: ClientId,
        unsettled: &mut Unsettled,
    ) -> DeliveryTag {
        let tag = self.next_tag();
        let expires = self.leases.end_of(now);
        let (older, newer) = (unsettled.newest, NIL);
        let slot = self.occupy(InFlightDelivery { tag, stored, client, expires, older, newer });
        match self.slab.get_mut(older as usize) {
            Some(neighbour) => neighbour.newer = slot,
            None => unsettled.oldest = slot,
        }
        unsettled.newest = slot;
        unsettled.len += 1;
        self.by_tag.push_back((tag, slot));
        self.leases.begin(Lease { expires, tag, slot });
        tag
    }

    /// The delivery with this tag, if it is in flight. Tags are almost dense, so the place where it
    /// would be without gaps is tried first.
    #[inline]
    pub(super) fn find(&self, tag: DeliveryTag) -> Option<Slot> {
        let (first, _) = *self.by_tag.front()?;
        let guess = usize::try_from(tag.checked_sub(first)?).ok();
        let slot = match guess.and_then(|guess| self.by_tag.get(guess)) {
            Some(&(found, slot)) if found == tag => slot,
            _ => self.search(tag)?,
        };
        self.holds(slot, tag).then_some(slot)
    }

    /// The slot that a delivery has or had, if the index still has it.
    #[cold]
    fn search(&self, tag: DeliveryTag) -> Option<Slot> {
        let place = self.by_tag.binary_search_by_key(&tag, |&(tag, _)| tag).ok()?;
        Some(self.by_tag[place].1)
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &InFlightDelivery {
        &self.slab[slot as usize]
    }

    /// The next delivery of the same client.
    pub(super) fn newer(&self, slot: Slot) -> Option<Slot> {
        let newer = self.get(slot).newer;
        (newer != NIL).then_some(newer)
    }

    /// Starts the lease anew.
    pub(super) fn extend(&mut self, now: Instant, slot: Slot) {
        let expires = self.leases.end_of(now);
        let delivery = &mut self.slab[slot as usize];
        delivery.expires = expires;
        let tag = delivery.tag;
        self.leases.begin(Lease { expires, tag, slot });
        self.tidy();
    }

    /// Ends a delivery; `unsettled` is the list of its client.
    #[inline]
    pub(super) fn end(&mut self, slot: Slot, unsettled: &mut Unsettled) -> InFlightDelivery {
        let delivery = *self.get(slot);
        match self.slab.get_mut(delivery.older as usize) {
            Some(neighbour) => neighbour.newer = delivery.newer,
            None => unsettled.oldest = delivery.newer,
        }
        match self.slab.get_mut(delivery.newer as usize) {
            Some(neighbour) => neighbour.older = delivery.older,
            None => unsettled.newest = delivery.older,
        }
        unsettled.len -= 1;
        self.vacate(slot);
        self.tidy();
        delivery
    }

    /// Forgets every delivery, in order of tags. Their tags are never used again.
    pub(super) fn end_all(&mut self, mut each: impl FnMut(Stored)) {
        self.iter().for_each(|delivery| each(delivery.stored));
        self.slab.clear();
        self.by_tag.clear();
        self.leases.clear();
        (self.free, self.len) = (NIL, 0);
    }

    /// When the next lease runs out.
    #[inline]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.leases.first().map(|lease| lease.expires)
    }

    /// A delivery whose lease has run out.
    pub(super) fn overdue(&self, now: Instant) -> Option<Slot> {
        self.leases.first().filter(|lease| lease.expires <= now).map(|lease| lease.slot)
    }

    /// From now on, what has been idle for long enough may be claimed; says whether something is.
    pub(super) fn lay_open(&mut self, now: Instant) -> bool {
        let is_any = self.leases.lay_open(now);
        let Self { slab, leases, .. } = self;
        leases.drop_moot(|lease| is_live(slab, lease));
        is_any
    }

    /// The delivery that has been open for the longest time.
    pub(super) fn first_open(&self) -> Option<Slot> {
        self.leases.open().find(|lease| is_live(&self.slab, lease)).map(|lease| lease.slot)
    }

    /// The tags of what is open, in the order in which it may be claimed.
    pub(super) fn open(&self) -> impl Iterator<Item = DeliveryTag> {
        let live = self.leases.open().filter(|lease| is_live(&self.slab, lease));
        live.map(|lease| lease.tag)
    }

    /// All of them, in order of tags.
    pub(super) fn iter(&self) -> impl Iterator<Item = &InFlightDelivery> {
        self.by_tag
            .iter()
            .filter(|&&(tag, slot)| self.holds(slot, tag))
            .map(|&(_, slot)| self.get(slot))
    }

    /// Their tags in the order in which their leases run out. A lease that was extended at the very
    /// instant at which it began stands there twice; the first counts.
    pub(super) fn lease_order(&self) -> impl Iterator<Item = DeliveryTag> {
        let live = self.leases.iter().filter(|lease| is_live(&self.slab, lease));
        live.map(|lease| lease.tag)
    }

    fn holds(&self, slot: Slot, tag: DeliveryTag) -> bool {
        holds(&self.slab, slot, tag)
    }

    fn occupy(&mut self, delivery: InFlightDelivery) -> Slot {
        self.len += 1;
        let slot = self.free;
        match self.slab.get_mut(slot as usize) {
            Some(vacant) => {
                self.free = vacant.newer;
                *vacant = delivery;
                slot
            }
            None => {
                self.slab.push(delivery);
                (self.slab.len() - 1) as Slot
            }
        }
    }

    fn vacate(&mut self, slot: Slot) {
        self.len -= 1;
        let delivery = &mut self.slab[slot as usize];
        delivery.tag = FREE;
        delivery.newer = self.free;
        self.free = slot;
    }

    /// Drops what has ended from index and leases, so that both stay proportional to what is in
    /// flight.
    #[inline]
    fn tidy(&mut self) {
        if self.len == 0 {
            self.by_tag.clear();
            return self.leases.clear();
        }
        let Self { slab, by_tag, leases, .. } = self;
        while by_tag.front().is_some_and(|&(tag, slot)| !holds(slab, slot, tag)) {
            by_tag.pop_front();
        }
        leases.drop_moot(|lease| is_live(slab, lease));
        let most = 2 * self.len + ENDED_ALLOWED;
        if self.by_tag.len().max(self.leases.len()) > most {
            self.sweep(most);
        }
    }

    /// Drops what has ended from whichever of the two has become too long.
    #[cold]
    fn sweep(&mut self, most: usize) {
        let Self { slab, by_tag, leases, .. } = self;
        if by_tag.len() > most {
            by_tag.retain(|&(tag, slot)| holds(slab, slot, tag));
        }
        if leases.len() > most {
            leases.sweep(|lease| is_live(slab, lease));
        }
    }
}

#[inline]
fn holds(slab: &[InFlightDelivery], slot: Slot, tag: DeliveryTag) -> bool {
    slab.get(slot as usize).is_some_and(|delivery| delivery.tag == tag)
}

#[inline]
fn is_live(slab: &[InFlightDelivery], lease: &Lease) -> bool {
    holds(slab, lease.slot, lease.tag) && slab[lease.slot as usize].expires == lease.expires
}

#[cfg(test)]
mod tests {
    use super::*;
    use entrega_model::{Key, MessageId, Record};

    const LEASE: Duration = Duration::from_secs(30);

    fn stored(sequence: u64) -> Stored {
        let record = Record { message: MessageId(sequence as u32), key: Key(0), bytes: 0 };
        Stored::delivered(sequence, record, 1)
    }

    fn second(n: u64) -> Instant {
        Instant::START + Duration::from_secs(n)
    }

    /// One delivery that is never settled must not keep the memory of a million that are.
    #[test]
    fn a_stuck_delivery_holds_back_no_memory() {
        let (mut flight, mut list) = (InFlight::new(LEASE), Unsettled::NONE);
        let client = ClientId::default();
        let stuck = flight.begin(second(0), stored(0), client, &mut list);
        let mut most = 0;
        for sequence in 1..10_000 {
            let tag = flight.begin(second(1), stored(sequence), client, &mut list);
            let slot = flight.find(tag).expect("it is in flight");
            flight.end(slot, &mut list);
            most = most.max(flight.by_tag.len()).max(flight.leases.iter().count());
        }
        assert_eq!((flight.len(), list.len()), (1, 1));
        assert!(flight.find(stuck).is_some());
        assert!(flight.slab.len() <= 2, "{}", flight.slab.len());
        assert!(most <= 2 + ENDED_ALLOWED, "{most}");
        assert_eq!(flight.next_deadline(), Some(second(30)));
    }

    #[test]
    fn a_delivery_is_found_among_gaps() {
        let (mut flight, mut list) = (InFlight::new(Duration::MAX), Unsettled::NONE);
        let tags: Vec<_> = (0..50)
            .map(|n| {
                flight.next_tag();
                flight.begin(second(0), stored(n), ClientId::default(), &mut list)
            })
            .collect();
        for &tag in tags.iter().step_by(3) {
            let slot = flight.find(tag).expect("it is in flight");
            flight.end(slot, &mut list);
        }
        for (n, &tag) in tags.iter().enumerate() {
            assert_eq!(flight.find(tag).is_some(), n % 3 != 0, "tag {tag}");
            assert_eq!(flight.find(tag - 1), None, "a tag that went to automatic ack");
        }
        assert_eq!(flight.find(0), None);
        assert_eq!(flight.find(u64::MAX), None);
        assert_eq!(flight.next_deadline(), None);
    }

    #[test]
    fn an_extension_moves_the_deadline_to_the_next_delivery() {
        let (mut flight, mut list) = (InFlight::new(LEASE), Unsettled::NONE);
        let tags =
            [0, 5].map(|n| flight.begin(second(n), stored(n), ClientId::default(), &mut list));
        let [first, other] = tags.map(|tag| flight.find(tag).expect("it is in flight"));
        flight.extend(second(10), first);
        assert_eq!(flight.next_deadline(), Some(second(35)));
        assert_eq!(flight.overdue(second(34)), None);
        assert_eq!(flight.overdue(second(35)), Some(other));
        flight.end(other, &mut list);
        assert_eq!(flight.next_deadline(), Some(second(40)));
    }
}
