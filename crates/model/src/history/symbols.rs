//! What a reader remembers: which name has which id, and what stands for a field that was left out.

use std::collections::BTreeMap;

use indexmap::{IndexMap, IndexSet};

use super::error::Mistake;
use super::names::{Names, PointNames};
use crate::{DeliveryId, Incarnation, Key, MessageId, ProcessId, SubscriptionId};

/// All names seen so far. Ids are dense, in the order in which something was first named.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    messages: IndexSet<String>,
    keys: IndexSet<String>,
    processes: IndexSet<String>,
    points: IndexMap<String, Vec<String>>,
    deliveries: IndexMap<String, DeliveryId>,
    delivery_count: usize,
    latest: BTreeMap<(SubscriptionId, MessageId), Latest>,
    /// Deliveries before the latest, to consumers that their lines name: of each the last.
    earlier: BTreeMap<(SubscriptionId, MessageId, ProcessId), Latest>,
    /// The key of each message, if a line has named it.
    key_of: Vec<Option<Key>>,
    /// The producer of each message, if a line has named it.
    producer_of: Vec<Option<ProcessId>>,
    /// The consumer of each delivery.
    consumer_of: Vec<Option<ProcessId>>,
    lives: Vec<Life>,
}

/// The latest delivery of a message, and whether the history records its delivery event.
#[derive(Clone, Copy, Debug)]
struct Latest {
    delivery: DeliveryId,
    delivered: bool,
    /// The consumer that a line of it has named.
    consumer: Option<ProcessId>,
}

/// The latest life of a process.
#[derive(Clone, Copy, Debug, Default)]
struct Life {
    incarnation: Incarnation,
    begun: bool,
    ended: bool,
}

/// What an event says about a delivery; decides which one is meant if it names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is delivered.
    Delivered,
    /// Its handler began.
    Started,
    /// Something later.
    Later,
}

impl Symbols {
    /// The id of a message.
    pub(super) fn message(&mut self, name: &str) -> Result<MessageId, Mistake> {
        let index = intern(&mut self.messages, name);
        let id = u32::try_from(index).map_err(|_| too_many("messages", u32::MAX.into()))?;
        if self.key_of.len() <= index {
            self.key_of.push(None);
            self.producer_of.push(None);
        }
        Ok(MessageId(id))
    }

    /// The id of a message's key, by name or as known before, or else a key of its own.
    pub(super) fn key(&mut self, message: MessageId, name: Option<&str>) -> Result<Key, Mistake> {
        let known = self.key_of[message.index()];
        let index = match (name, known) {
            (None, Some(key)) => return Ok(key),
            (Some(name), _) => intern(&mut self.keys, name),
            (None, None) => {
                let name = format!("message {}", self.messages[message.index()]);
                intern(&mut self.keys, &name)
            }
        };
        let id = u32::try_from(index).map_err(|_| too_many("keys", u32::MAX.into()))?;
        if name.is_some() {
            self.key_of[message.index()] = known.or(Some(Key(id)));
        }
        Ok(Key(id))
    }

    /// Whether a line has named the key of a message.
    pub(super) fn has_key(&self, message: MessageId) -> bool {
        self.key_of.get(message.index()).copied().flatten().is_some()
    }

    /// The id of a process.
    pub(super) fn process(&mut self, name: &str) -> Result<ProcessId, Mistake> {
        let index = intern(&mut self.processes, name);
        let id = u16::try_from(index).map_err(|_| too_many("processes", u16::MAX.into()))?;
        if self.lives.len() <= index {
            self.lives.push(Life::default());
        }
        Ok(ProcessId(id))
    }

    /// The life of a process that begins, or that ends. A line about one before the latest changes
    /// nothing.
    pub(super) fn life(
        &mut self,
        process: ProcessId,
        incarnation: Option<u32>,
        begins: bool,
    ) -> Incarnation {
        let life = &mut self.lives[process.index()];
        let is_new = life.ended || (begins && life.begun);
        let next = life.incarnation.0.saturating_add(u32::from(is_new));
        let named = Incarnation(incarnation.unwrap_or(next));
        if life.begun && named < life.incarnation {
            return named;
        }
        life.incarnation = named;
        (life.begun, life.ended) = (true, !begins);
        life.incarnation
    }

    /// The delivery of a message to a subscription that `step` is about. A line that names a
    /// consumer, and no delivery, is about the latest one to this consumer.
    pub(super) fn delivery(
        &mut self,
        of: (SubscriptionId, MessageId),
        name: Option<&str>,
        consumer: Option<ProcessId>,
        step: Step,
    ) -> Result<DeliveryId, Mistake> {
        let is_new = step == Step::Delivered;
        let known = if is_new { None } else { self.latest_to(of, consumer) };
        let reusable = known.filter(|latest| step == Step::Later || latest.delivered);
        let delivery = match (name, reusable) {
            (None, Some(latest)) => return Ok(latest.delivery),
            (None, None) => self.new_delivery()?,
            (Some(name), _) => match self.deliveries.get(name) {
                Some(delivery) => *delivery,
                None => {
                    let delivery = self.new_delivery()?;
                    self.deliveries.insert(name.to_owned(), delivery);
                    delivery
                }
            },
        };
        if step != Step::Later {
            let delivered = step == Step::Delivered;
            let before = self.latest.get(&of).copied();
            let same = before.filter(|before| before.delivery == delivery);
            let consumer = consumer.or(same.and_then(|same| same.consumer));
            self.latest.insert(of, Latest { delivery, delivered, consumer });
            if let Some(before) = before
                && let Some(consumer) = before.consumer
            {
                self.earlier.insert((of.0, of.1, consumer), before);
            }
        }
        Ok(delivery)
    }

    /// The latest delivery of a message, or, where a line names the consumer, the latest to that
    /// one: a delivery whose lines name another is not meant.
    fn latest_to(
        &mut self,
        of: (SubscriptionId, MessageId),
        consumer: Option<ProcessId>,
    ) -> Option<Latest> {
        let latest = self.latest.get_mut(&of)?;
        let Some(named) = consumer else { return Some(*latest) };
        if *latest.consumer.get_or_insert(named) == named {
            return Some(*latest);
        }
        self.earlier.get(&(of.0, of.1, named)).copied()
    }

    /// The producer that a line of the message's send has named.
    pub(super) fn producer(&self, message: MessageId) -> Option<ProcessId> {
        self.producer_of.get(message.index()).copied().flatten()
    }

    /// A line of the message's send names its producer. The first name counts.
    pub(super) fn set_producer(&mut self, message: MessageId, producer: ProcessId) {
        self.producer_of[message.index()].get_or_insert(producer);
    }

    /// The consumer of a delivery, as far as a line has told.
    pub(super) fn consumer(&self, delivery: DeliveryId) -> Option<ProcessId> {
        self.consumer_of.get(delivery.index()).copied().flatten()
    }

    /// A line of a delivery tells its consumer. The first name counts.
    pub(super) fn set_consumer(&mut self, delivery: DeliveryId, consumer: ProcessId) {
        if self.consumer_of.len() <= delivery.index() {
            self.consumer_of.resize(delivery.index() + 1, None);
        }
        self.consumer_of[delivery.index()].get_or_insert(consumer);
    }

    /// The consumer of the message's latest delivery.
    pub(super) fn holder(&self, of: (SubscriptionId, MessageId)) -> Option<ProcessId> {
        self.latest.get(&of).and_then(|latest| self.consumer(latest.delivery))
    }

    /// The index of a fault point.
    pub(super) fn point(&mut self, name: &str) -> Result<u16, Mistake> {
        let index = match self.points.get_index_of(name) {
            Some(index) => index,
            None => self.points.insert_full(name.to_owned(), Vec::new()).0,
        };
        u16::try_from(index).map_err(|_| too_many("fault points", u16::MAX.into()))
    }

    /// The number of a point's alternative of this name.
    pub(super) fn alternative(&mut self, point: u16, name: &str) -> Result<u8, Mistake> {
        let alternatives = &mut self.points[usize::from(point)];
        let index = alternatives.iter().position(|known| known == name).unwrap_or_else(|| {
            alternatives.push(name.to_owned());
            alternatives.len() - 1
        });
        u8::try_from(index + 1).map_err(|_| too_many("alternatives", 254))
    }

    /// Makes sure that no name is given to an alternative that goes by its number.
    pub(super) fn reserve_alternative(&mut self, point: u16, number: u8) {
        let alternatives = &mut self.points[usize::from(point)];
        let count = alternatives.len().max(usize::from(number));
        alternatives.resize(count, String::new());
    }

    /// The names, by id.
    pub(super) fn into_names(self) -> Names {
        let point = |(name, alternatives)| PointNames { name, alternatives };
        Names {
            messages: self.messages.into_iter().collect(),
            keys: self.keys.into_iter().collect(),
            processes: self.processes.into_iter().collect(),
            points: self.points.into_iter().map(point).collect(),
        }
    }

    fn new_delivery(&mut self) -> Result<DeliveryId, Mistake> {
        let id = u32::try_from(self.delivery_count)
            .map_err(|_| too_many("deliveries", u32::MAX.into()))?;
        self.delivery_count += 1;
        Ok(DeliveryId(id))
    }
}

fn intern(names: &mut IndexSet<String>, name: &str) -> usize {
    match names.get_index_of(name) {
        Some(index) => index,
        None => names.insert_full(name.to_owned()).0,
    }
}

fn too_many(what: &'static str, largest: u64) -> Mistake {
    Mistake::TooMany { what, limit: largest + 1 }
}
