//! What a producer has collected from an iterator, to send it together.
//!
//! The iterator is code of a user and runs without a lock; what it gave is then sent under one. If
//! it panics, what it gave before is sent too, as far as there is room.

use super::{Patience, Producer, Refused};

/// See the module.
pub(super) struct Hand<'a, T> {
    producer: &'a mut Producer<T>,
    /// Its memory is used again.
    messages: &'a mut Vec<T>,
}

impl<'a, T> Hand<'a, T> {
    pub(super) fn new(producer: &'a mut Producer<T>, messages: &'a mut Vec<T>) -> Self {
        Self { producer, messages }
    }

    /// Collects `count` messages, or fewer if there are no more.
    pub(super) fn collect(&mut self, first: T, rest: &mut impl Iterator<Item = T>, count: usize) {
        self.messages.push(first);
        for message in rest.take(count - 1) {
            self.messages.push(message);
        }
    }

    /// Whether it has collected `count` messages.
    pub(super) fn is_full(&self, count: usize) -> bool {
        self.messages.len() == count
    }

    /// Sends them. A close is met by what is sent, not before: otherwise messages would be dropped
    /// for which there is room.
    pub(super) fn send(&mut self) -> Result<(), Refused> {
        loop {
            let has_sent = self.producer.push_some(self.messages);
            if has_sent && self.producer.is_too_late() {
                return Err(Refused::TooLate);
            }
            if self.messages.is_empty() {
                return Ok(());
            }
            if self.producer.shared.sent.is_closed() {
                self.messages.clear();
                return Err(Refused::Closed(()));
            }
            if !self.producer.look() {
                self.producer.wait_for_room(Patience::Forever);
            }
        }
    }
}

/// Mostly there is nothing left to send.
impl<T> Drop for Hand<'_, T> {
    fn drop(&mut self) {
        if !self.messages.is_empty() && self.producer.push_some(self.messages) {
            self.producer.shared.sent.ring();
        }
    }
}
