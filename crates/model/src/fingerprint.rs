//! A state in 64 bits, for an explorer that cuts a run when it comes to a state that it knows.
//!
//! > **The rule.** Two states with the same fingerprint have the same future: whatever is done to
//! > both, the same can come of it. A fingerprint may tell states apart that are the same; it must
//! > never take two for one that are not.
//!
//! # Names
//!
//! A state is full of names that were given out one after the other: incarnations, delivery ids,
//! delivery tags, generations. Nothing ever depends on such a number itself, only on which of two
//! is later and whether they are the same one. So a name enters *relatively*: how many names ago it
//! was given. Times enter as the difference to now. The [`Context`] says what "now" and "ago"
//! are measured from. Offsets, partitions, keys, processes and messages are no such names: they
//! enter as they are.
//!
//! ```
//! use entrega_model::fingerprint::{Context, Fingerprint};
//! use entrega_model::{DeliveryId, Instant};
//!
//! let print = |given: u32, next: u32, at: u64, now: u64| {
//!     let (now, next_delivery) = (Instant::from_nanos(now), DeliveryId(next));
//!     let mut print = Fingerprint::new(Context { now, next_delivery, ..Context::default() });
//!     print.delivery(DeliveryId(given));
//!     print.time(Instant::from_nanos(at));
//!     print.finish()
//! };
//! assert_eq!(print(5, 7, 100, 90), print(15, 17, 1_100, 1_090), "renamed and later");
//! assert_ne!(print(5, 7, 100, 90), print(5, 8, 100, 90), "another delivery in between");
//! ```
//!
//! # The digest of a process
//!
//! What a process will do follows from what it has been answered since its start. Its digest grows
//! with every answer, but the names in an early answer grow old: how long ago a tag was assigned
//! changes with every delivery, and how long ago a clock was read changes all the time. So there is
//! a second mode, [`Fingerprint::collecting`], in which names and times do not enter the hash and
//! are collected in order. Keep the hash and the names, and enter both into the fingerprint of the
//! whole ([`Name`] is [`Fingerprinted`]).
//!
//! # Collisions
//!
//! Two lanes of 64 bits are folded into one number at the end. Among a million states the chance
//! that any two collide is below one in ten million.

use crate::{
    ClientId, Delivery, DeliveryId, Generation, Incarnation, Instant, ProcessId, Record,
    SubscriptionId,
};

mod requests;
#[cfg(test)]
mod tests;

/// Something whose state can enter a fingerprint.
pub trait Fingerprinted {
    /// Enters everything that can make a difference later.
    fn fingerprint(&self, into: &mut Fingerprint<'_>);
}

/// Where the world stands: what times and names are measured from. A name whose counter is missing
/// here is measured from zero, which is sound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The present time.
    pub now: Instant,
    /// The present life of each process.
    pub incarnations: &'a [Incarnation],
    /// The name that the next delivery will have.
    pub next_delivery: DeliveryId,
    /// The present generation of each subscription's group; 0 on a queue.
    pub generations: &'a [Generation],
    /// The tag that each subscription's queue will give next; 0 on a log.
    pub next_tags: &'a [u64],
    /// The lowest tag of each subscription's queue that anybody may still name: none that is lower
    /// is known to a process or on its way. What is missing is 0, so that any tag may be named.
    pub named_from: &'a [u64],
}

/// A name or a time that a process has learnt; names are of its own subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A delivery tag of a queue.
    Tag(u64),
    /// An assignment.
    Generation(Generation),
    /// A delivery.
    Delivery(DeliveryId),
    /// A point of time.
    Time(Instant),
}

/// A fingerprint in the making.
#[derive(Debug)]
pub struct Fingerprint<'a> {
    context: Context<'a>,
    /// Whose a tag or a generation is that comes without a subscription.
    own: Option<SubscriptionId>,
    /// The names, if they are to be kept out of the hash.
    names: Option<&'a mut Vec<Name>>,
    lanes: [u64; 2],
}

impl<'a> Fingerprint<'a> {
    /// Nothing yet.
    pub const fn new(context: Context<'a>) -> Self {
        Self { context, own: None, names: None, lanes: [FIRST_SEED, SECOND_SEED] }
    }

    /// Nothing yet; tags, generations, deliveries and times will be appended to `names` and not
    /// enter the hash. Clients enter as ever.
    pub const fn collecting(context: Context<'a>, names: &'a mut Vec<Name>) -> Self {
        Self { names: Some(names), ..Self::new(context) }
    }

    /// From here on a tag or generation that comes without a subscription, as those of deliveries
    /// and answers do, belongs to this one. Without it they enter as they are, which is sound and
    /// takes renamed states for different ones.
    pub const fn set_own(&mut self, subscription: SubscriptionId) {
        self.own = Some(subscription);
    }

    /// A number that is no name.
    #[inline]
    pub const fn word(&mut self, word: u64) {
        let [first, second] = self.lanes;
        let first = ((first ^ word) as u128).wrapping_mul(FIRST_FACTOR);
        let second = (second.rotate_left(25) ^ word).wrapping_mul(SECOND_FACTOR);
        self.lanes = [first as u64 ^ (first >> 64) as u64, second];
    }

    /// A yes or no.
    #[inline]
    pub const fn flag(&mut self, flag: bool) {
        self.word(flag as u64);
    }

    /// Several of them.
    #[inline]
    pub fn flags<const N: usize>(&mut self, flags: [bool; N]) {
        const { assert!(N <= 64) };
        self.word(flags.into_iter().fold(0, |all, flag| all << 1 | u64::from(flag)));
    }

    /// How many things follow. Without it a list might borrow from its neighbour.
    #[inline]
    pub const fn count(&mut self, things: usize) {
        self.word(things as u64);
    }

    /// A list: how long it is, then what is in it.
    pub fn list(&mut self, list: &[impl Fingerprinted]) {
        self.count(list.len());
        list.iter().for_each(|item| item.fingerprint(self));
    }

    /// A number that there may be.
    #[inline]
    pub const fn maybe(&mut self, word: Option<u64>) {
        self.flag(word.is_some());
        if let Some(word) = word {
            self.word(word);
        }
    }

    /// A point of time, seen from now. What is past is as far below as it is past.
    pub fn time(&mut self, at: Instant) {
        let is_ever = at != Instant::NEVER;
        self.flag(is_ever);
        match &mut self.names {
            _ if !is_ever => {}
            Some(names) => names.push(Name::Time(at)),
            None => self.word(at.as_nanos().wrapping_sub(self.context.now.as_nanos())),
        }
    }

    /// A point of time that there may be.
    pub fn deadline(&mut self, at: Option<Instant>) {
        self.flag(at.is_some());
        if let Some(at) = at {
            self.time(at);
        }
    }

    /// A process in one of its lives.
    pub fn client(&mut self, client: ClientId) {
        self.incarnation(client.process, client.incarnation);
    }

    /// A life of a process, seen from its present one.
    pub fn incarnation(&mut self, process: ProcessId, incarnation: Incarnation) {
        let present = self.present(process);
        self.word(process.0.into());
        self.ago(present.0.into(), incarnation.0.into());
    }

    /// A delivery, relative to the next one.
    pub fn delivery(&mut self, delivery: DeliveryId) {
        match &mut self.names {
            Some(names) => names.push(Name::Delivery(delivery)),
            None => self.ago(self.context.next_delivery.0.into(), delivery.0.into()),
        }
    }

    /// An assignment, seen from the present one of its group. Number 0 stands for none at all.
    pub fn generation(&mut self, of: SubscriptionId, generation: Generation) {
        let present = self.context.generations.get(of.index()).copied().unwrap_or_default();
        self.generation_from(present, generation);
    }

    /// A delivery tag, seen from the next one of its queue.
    pub fn tag(&mut self, of: SubscriptionId, tag: u64) {
        let next = self.context.next_tags.get(of.index()).copied().unwrap_or_default();
        self.tag_from(next, tag);
    }

    /// An assignment of the own subscription; see [`Self::set_own`].
    pub fn own_generation(&mut self, generation: Generation) {
        match self.own {
            Some(own) => self.generation(own, generation),
            None => self.generation_from(Generation(0), generation),
        }
    }

    /// A delivery tag of the own subscription; see [`Self::set_own`].
    pub fn own_tag(&mut self, tag: u64) {
        match self.own {
            Some(own) => self.tag(own, tag),
            None => self.tag_from(0, tag),
        }
    }

    /// The lowest tag of a subscription's queue that anybody may still name.
    pub fn named_from(&self, of: SubscriptionId) -> u64 {
        self.context.named_from.get(of.index()).copied().unwrap_or_default()
    }

    /// The present life of a process.
    pub fn present(&self, process: ProcessId) -> Incarnation {
        self.context.incarnations.get(process.index()).copied().unwrap_or_default()
    }

    /// How many processes there are.
    pub const fn process_count(&self) -> usize {
        self.context.incarnations.len()
    }

    /// The present time, to enter what depends on the clock itself.
    pub const fn now(&self) -> Instant {
        self.context.now
    }

    /// The fingerprint of all that was entered.
    pub const fn finish(&self) -> u64 {
        let [first, second] = self.lanes;
        let folded = first ^ second.rotate_left(32);
        let folded = (folded ^ (folded >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let folded = (folded ^ (folded >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        folded ^ (folded >> 31)
    }

    fn generation_from(&mut self, present: Generation, generation: Generation) {
        self.flag(generation != Generation(0));
        match &mut self.names {
            _ if generation == Generation(0) => {}
            Some(names) => names.push(Name::Generation(generation)),
            None => self.ago(present.0.into(), generation.0.into()),
        }
    }

    fn tag_from(&mut self, next: u64, tag: u64) {
        match &mut self.names {
            Some(names) => names.push(Name::Tag(tag)),
            None => self.ago(next, tag),
        }
    }

    const fn ago(&mut self, next: u64, name: u64) {
        self.word(next.wrapping_sub(name));
    }
}

const FIRST_SEED: u64 = 0x243f_6a88_85a3_08d3;
const SECOND_SEED: u64 = 0x1319_8a2e_0370_7344;
const FIRST_FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
const SECOND_FACTOR: u64 = 0x9fb2_1c65_1e98_df25;

impl Fingerprinted for Name {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match *self {
            Self::Tag(tag) => {
                into.word(0);
                into.own_tag(tag);
            }
            Self::Generation(generation) => {
                into.word(1);
                into.own_generation(generation);
            }
            Self::Delivery(delivery) => {
                into.word(2);
                into.delivery(delivery);
            }
            Self::Time(at) => {
                into.word(3);
                into.time(at);
            }
        }
    }
}

impl Fingerprinted for Record {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { message, key, bytes } = *self;
        into.word(u64::from(message.0) << 32 | u64::from(key.0));
        into.word(bytes.into());
    }
}

/// The position is a tag where there is no generation, that is on a queue; else it is an offset.
impl Fingerprinted for Delivery {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { id, record, partition, position, attempt, redelivered, generation, at } = *self;
        into.delivery(id);
        record.fingerprint(into);
        into.word(u64::from(partition.0) << 32 | u64::from(attempt) << 1 | u64::from(redelivered));
        into.own_generation(generation);
        match generation {
            Generation(0) => into.own_tag(position),
            _ => into.word(position),
        }
        into.time(at);
    }
}
