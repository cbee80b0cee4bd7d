//! The fold over the events of one subscription.
//!
//! Each method takes one kind of event. Where an event sets a mark of a delivery that a consumer
//! holds, it goes through [`change`], so that the windows of [`crate::windows`] stay true.

mod evidence;
mod redrives;
mod settles;
mod witness;
mod work;
mod world;

use std::collections::BTreeSet;

use entrega_model::event::{RemoveReason, SettleAct, SettleTrigger};
use entrega_model::{DeliveryId, Generation, MessageId, Model, PartitionId, ProcessId};

use crate::config::SubscriptionConfig;
use crate::lateness::LatenessFold;
use crate::message::{Flag, Message};
use crate::numbers::HighNumbers;
use crate::order::KeyOrder;
use crate::owners::Owners;
use crate::partitions::Progress;
use crate::record::Copy;
use crate::stays::AllStays;
use crate::table::Table;
use crate::{Cause, Counter, Counters, EventKinds, Histogram, Redriven};

/// What is known of one subscription.
#[derive(Clone, Debug)]
pub(crate) struct SubscriptionFold {
    pub(crate) promise: SubscriptionConfig,
    pub(crate) messages: Table<Message>,
    pub(crate) totals: Totals,
    pub(crate) order: KeyOrder,
    pub(crate) counters: Counters,
    pub(crate) latency: Histogram,
    pub(crate) keeps_latencies: bool,
    pub(crate) lateness: Option<Box<LatenessFold>>,
    pub(crate) owners: Owners,
    pub(crate) progress: Table<Progress>,
    generation: Option<Generation>,
    /// Whether the broker reports what it records; what consumers learnt does not matter then.
    pub(crate) has_truth: bool,
    /// Whether that is known before it reports anything.
    pub(crate) reports_settles: bool,
    /// Whether this is a history from elsewhere, and not a run. What follows is for one only.
    pub(crate) is_record: bool,
    /// What it records.
    pub(crate) kinds: EventKinds,
    /// Whether what is stored is recorded, as far as one can see; in a run it is.
    pub(crate) stores_are_known: bool,
    /// The messages that a log has passed by.
    pub(crate) skipped: BTreeSet<MessageId>,
    /// The message that is delivered next went back to its queue together with others.
    pub(crate) returned_with_batch: bool,
    /// By what the settle was made that a consumer learns of next.
    pub(crate) learns_of: SettleTrigger,
    /// The delivery numbers of the messages that come again and again.
    pub(crate) high_numbers: HighNumbers,
    /// From which copy the message comes that is delivered next.
    pub(crate) copy: Copy,
    /// Of a record: the message that comes next did not simply come again after its settle.
    pub(crate) is_settle_denied: bool,
    /// Dead letters may be moved back.
    pub(crate) may_redrive: bool,
    /// Consumers commit what an earlier life of theirs has prepared.
    pub(crate) resumes: bool,
    /// What was moved back, and which deliveries came before.
    pub(crate) stays: AllStays,
    /// Of which model what was left was read at the end: of a log from where a new consumer would
    /// begin.
    pub(crate) audited: Option<Model>,
}

/// Sums over all messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) stored: u64,
    pub(crate) deliveries: u64,
    pub(crate) redeliveries: u64,
    pub(crate) effects: u64,
    pub(crate) excess: u64,
    pub(crate) repeated: u64,
    pub(crate) redriven: Redriven,
    pub(crate) dead_letters: u64,
    pub(crate) dlq_excess: u64,
}

impl Totals {
    /// A message was delivered, for the first time or again.
    #[inline]
    fn delivered(&mut self, message: &mut Message) {
        self.deliveries += 1;
        if message.surplus >= 0 {
            self.redeliveries += 1;
        }
        message.surplus = message.surplus.saturating_add(1);
    }
}

/// A delivered message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handed {
    pub(crate) delivery: DeliveryId,
    pub(crate) message: MessageId,
    pub(crate) consumer: ProcessId,
    pub(crate) partition: PartitionId,
    pub(crate) position: u64,
    /// The delivery number that a queue gives it.
    pub(crate) attempt: u16,
}

/// A consumer's settle of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settle {
    pub(crate) message: MessageId,
    pub(crate) consumer: ProcessId,
    pub(crate) act: SettleAct,
}

impl SubscriptionFold {
    pub(crate) fn new(promise: SubscriptionConfig, processes: usize, messages: usize) -> Self {
        Self {
            promise,
            messages: Table::with_capacity(messages),
            totals: Totals::default(),
            order: KeyOrder::default(),
            counters: Counters::default(),
            latency: Histogram::default(),
            keeps_latencies: true,
            lateness: None,
            owners: Owners::with_capacity(processes),
            progress: Table::default(),
            generation: None,
            has_truth: false,
            reports_settles: false,
            is_record: false,
            kinds: EventKinds::default(),
            stores_are_known: true,
            skipped: BTreeSet::new(),
            returned_with_batch: false,
            learns_of: SettleTrigger::Application,
            high_numbers: HighNumbers::default(),
            copy: Copy::Same,
            is_settle_denied: false,
            may_redrive: false,
            resumes: false,
            stays: AllStays::default(),
            audited: None,
        }
    }

    pub(crate) fn clear(&mut self) {
        let Self {
            promise: _,
            messages,
            totals,
            order,
            counters,
            latency,
            keeps_latencies: _,
            lateness,
            owners,
            progress,
            generation,
            has_truth,
            is_record: _,
            reports_settles,
            kinds,
            stores_are_known: _,
            skipped,
            returned_with_batch,
            learns_of,
            high_numbers,
            copy,
            is_settle_denied,
            may_redrive: _,
            resumes: _,
            stays,
            audited,
        } = self;
        messages.clear();
        *totals = Totals::default();
        order.clear();
        *counters = Counters::default();
        latency.clear();
        *lateness = None;
        owners.clear();
        progress.clear();
        *generation = None;
        *has_truth = *reports_settles;
        *kinds = EventKinds::default();
        skipped.clear();
        *returned_with_batch = false;
        *learns_of = SettleTrigger::Application;
        high_numbers.clear();
        *copy = Copy::Same;
        *is_settle_denied = false;
        stays.clear();
        *audited = None;
    }

    #[inline]
    fn entry(&mut self, message: MessageId) -> &mut Message {
        self.messages.entry(message.0.into())
    }

    /// Changes a message, and with it the window in which its last delivery is.
    #[inline]
    fn change(&mut self, message: MessageId, set: impl FnOnce(&mut Message)) {
        change(self.messages.entry(message.0.into()), &mut self.owners, set);
    }

    /// Changes a message whose last delivery went to `consumer`.
    #[inline]
    fn change_of(
        &mut self,
        message: MessageId,
        consumer: ProcessId,
        set: impl FnOnce(&mut Message),
    ) {
        let message = self.messages.entry(message.0.into());
        if self.owners.of_consumer(message.tenure, consumer).is_some() {
            change(message, &mut self.owners, set);
        }
    }
}

/// Changes a message, and with it the window in which its last delivery is.
#[inline]
fn change(message: &mut Message, owners: &mut Owners, set: impl FnOnce(&mut Message)) {
    let before = message.marks();
    set(message);
    if let Some(tenure) = owners.get_mut(message.tenure) {
        tenure.held.change(before, message.marks());
    }
}

/// Storage.
impl SubscriptionFold {
    #[inline(always)]
    pub(crate) fn stored(&mut self, id: MessageId) {
        let message = self.messages.entry(id.0.into());
        message.copies = message.copies.saturating_add(1);
        if message.copies > 1 {
            message.is_stored_again();
        }
        if message.surplus > 0 {
            self.totals.redeliveries = self.totals.redeliveries.saturating_sub(1);
        }
        message.surplus = message.surplus.saturating_sub(1);
        self.totals.stored += 1;
    }

    /// A consumer has published another copy of a message, to be tried later. A delivery of it is
    /// no redelivery, and it is no second message of its producer.
    #[cold]
    pub(crate) fn retried(&mut self, id: MessageId) {
        let message = self.messages.entry(id.0.into());
        message.is_copied();
        if message.surplus > 0 {
            self.totals.redeliveries = self.totals.redeliveries.saturating_sub(1);
        }
        message.surplus = message.surplus.saturating_sub(1);
    }

    /// The producer of a message knows that it is stored: what was out of order about it counts.
    #[cold]
    pub(crate) fn acknowledged(&mut self, id: MessageId) {
        if self.order.acknowledged(id) {
            self.entry(id).set(Flag::Replayed);
        }
    }

    /// How many copies of a message were stored, as far as that is recorded.
    pub(crate) fn copies(&self, message: MessageId) -> u8 {
        self.messages.get(message.0.into()).map_or(0, |message| message.copies)
    }

    pub(crate) fn sent_again(&mut self, message: MessageId) {
        if self.messages.get(message.0.into()).is_some_and(|message| message.copies > 0) {
            self.counters.add(Counter::RetriesOfStoredSends, 1);
        }
    }

    #[inline]
    pub(crate) fn removed(&mut self, message: MessageId, reason: RemoveReason) {
        let message = self.entry(message);
        message.set(Flag::Removed);
        if reason == RemoveReason::DeadLettering {
            return message.note_lost_letter();
        }
        if reason != RemoveReason::Settled {
            message.take_moved_back();
        }
        message.note_loss(Cause::of_removal(reason));
    }

    /// A queue does not know any more that a message was settled: whoever held it last has lost it
    /// by that, and nothing has ended it.
    #[cold]
    pub(crate) fn settle_forgotten(&mut self, id: MessageId) {
        let message = self.entry(id);
        message.forget_settle_loss();
        message.unset(Flag::Removed);
        let tenure = message.tenure;
        self.owners.forget(tenure);
    }

    pub(crate) fn retrievable(&mut self, message: MessageId) {
        self.entry(message).set(Flag::Retrievable);
    }

    /// A message was delivered at an offset at which others had stood: it is seen with another
    /// message if one of them was delivered too.
    #[cold]
    pub(crate) fn note_reused(
        &mut self,
        message: MessageId,
        stood: impl Iterator<Item = MessageId>,
    ) {
        let was_delivered = |id: MessageId| {
            let known = self.messages.get(id.0.into());
            id != message && known.is_some_and(|known| known.was_delivered())
        };
        if stood.into_iter().any(was_delivered) {
            self.saw_other_message();
        }
    }

    /// An offset was seen with another message than before.
    #[cold]
    pub(crate) fn saw_other_message(&mut self) {
        self.order.found.inconsistent_offsets += 1;
    }
}
