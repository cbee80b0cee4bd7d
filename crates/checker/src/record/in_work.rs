//! Which deliveries of a log may still come to an effect.
//!
//! > **The rule** (semantics.md 5.3). A delivery is over when its own handler has ended with
//! > success, or with an error that every attempt meets; or when the life of its consumer has
//! > ended. Until then its message may take effect, whatever was committed, and whoever else is
//! > done with it.

use std::collections::BTreeMap;

use entrega_model::event::ProcessingResult;
use entrega_model::{DeliveryId, MessageId, ProcessId};

/// Of each message that had no effect yet its deliveries whose handlers have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct InWork(BTreeMap<MessageId, Vec<Handed>>);

/// A delivery: to whom, and when.
#[derive(Clone, Copy, Debug)]
struct Handed {
    delivery: DeliveryId,
    consumer: ProcessId,
    since: u64,
}

impl InWork {
    pub(super) fn delivered(
        &mut self,
        message: MessageId,
        (delivery, consumer): (DeliveryId, ProcessId),
        since: u64,
    ) {
        self.0.entry(message).or_default().push(Handed { delivery, consumer, since });
    }

    /// A handler has ended. Where the line names a consumer alone, the delivery is the message's
    /// latest; if that is another's, the consumer's own latest is meant.
    pub(super) fn ended(
        &mut self,
        message: MessageId,
        (delivery, consumer): (DeliveryId, ProcessId),
        result: ProcessingResult,
    ) {
        if !matches!(result, ProcessingResult::Ok | ProcessingResult::Poison) {
            return;
        }
        let Some(deliveries) = self.0.get_mut(&message) else { return };
        let own = |one: &Handed| one.consumer == consumer;
        let exact = deliveries.iter().rposition(|one| own(one) && one.delivery == delivery);
        if let Some(over) = exact.or_else(|| deliveries.iter().rposition(own)) {
            deliveries.remove(over);
        }
    }

    /// A message had an effect: it is not lost, whatever becomes of its deliveries.
    pub(super) fn forget(&mut self, message: MessageId) {
        self.0.remove(&message);
    }

    /// Whether one of its deliveries is not over, given when a life of each process last ended.
    pub(super) fn has(&self, message: MessageId, ends: &BTreeMap<ProcessId, u64>) -> bool {
        let goes_on = |one: &Handed| ends.get(&one.consumer).is_none_or(|ended| *ended < one.since);
        self.0.get(&message).is_some_and(|deliveries| deliveries.iter().any(goes_on))
    }
}
