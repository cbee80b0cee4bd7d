//! What has no room in a queue with a bound.
//!
//! > **The rule.** A full queue refuses what is published, or drops what has stood in it for the
//! > longest time. What comes back takes up room as well.

use super::QueueBroker;
use super::bound_queue::{BoundQueue, Step};
use super::dead_letter::GivenUp;
use super::settings::Overflow;

impl QueueBroker {
    /// Whether some queue has no room for this many more.
    #[inline]
    pub(super) fn refuses(&self, records: usize) -> bool {
        self.settings.max_length.is_some_and(|max_length| self.is_full(max_length, records))
    }

    #[cold]
    fn is_full(&self, max_length: u32, records: usize) -> bool {
        let is_full = |count: fn(&BoundQueue) -> usize| {
            self.queues.iter().any(|queue| count(queue) + records > max_length as usize)
        };
        match self.settings.overflow {
            Overflow::RejectPublish => is_full(BoundQueue::occupied_count),
            Overflow::DiscardNew => is_full(BoundQueue::stored_count),
            Overflow::DropHead | Overflow::DiscardOld => false,
        }
    }
}

impl BoundQueue {
    /// Drops the head while there are too many ready messages, requeued ones included.
    #[inline]
    pub(super) fn trim(&mut self, step: &mut Step<'_>) {
        if let Some(max_length) = step.settings.max_length {
            self.trim_to(max_length, step);
        }
    }

    #[cold]
    fn trim_to(&mut self, max_length: u32, step: &mut Step<'_>) {
        while step.settings.overflow == Overflow::DiscardOld
            && self.stored_count() > max_length as usize
            && let Some(stored) = self.take_oldest(step)
        {
            self.give_up(stored, GivenUp::Overflow, step);
        }
        while step.settings.overflow == Overflow::DropHead
            && self.ready.len() > max_length as usize
            && let Some(stored) = self.ready.take()
        {
            self.give_up(stored, GivenUp::Overflow, step);
        }
        self.drop_expired(step);
    }
}
