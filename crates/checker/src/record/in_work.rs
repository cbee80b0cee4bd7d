//! Which deliveries of a log may still come to an effect.
//!
//! > **The rule.** A delivery is over when its handler has ended with success, or with an error
//! > that every attempt meets; or when the life of its consumer has ended. Until then its message
//! > may take effect, whatever was committed.

use std::collections::BTreeMap;

use entrega_model::event::ProcessingResult;
use entrega_model::{MessageId, ProcessId};

/// Of each message that had no effect yet its deliveries: to whom, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct InWork(BTreeMap<MessageId, Vec<(ProcessId, u64)>>);

impl InWork {
    pub(super) fn delivered(&mut self, message: MessageId, consumer: ProcessId, now: u64) {
        self.0.entry(message).or_default().push((consumer, now));
    }

    /// A handler has ended.
    pub(super) fn ended(&mut self, message: MessageId, result: ProcessingResult) {
        if matches!(result, ProcessingResult::Ok | ProcessingResult::Poison) {
            self.took_effect(message);
        }
    }

    /// What becomes of the deliveries that there were does not matter any more.
    pub(super) fn took_effect(&mut self, message: MessageId) {
        self.0.remove(&message);
    }

    /// Whether one of its deliveries is not over, given when a life of each process last ended.
    pub(super) fn has(&self, message: MessageId, ends: &BTreeMap<ProcessId, u64>) -> bool {
        let goes_on = |(consumer, since): &(ProcessId, u64)| {
            ends.get(consumer).is_none_or(|ended| ended < since)
        };
        self.0.get(&message).is_some_and(|deliveries| deliveries.iter().any(goes_on))
    }
}
