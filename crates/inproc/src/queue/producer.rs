//! Producers: send, and wait for room.

#[cfg(not(inproc_loom))]
use std::cell::RefCell;
#[cfg(not(inproc_loom))]
use std::future::pending;
#[cfg(not(inproc_loom))]
use std::time::Instant;

use super::{BlockFilling, STOPPED, Shared};
use crate::sync::{Arc, Ordering};
#[cfg(not(inproc_loom))]
use crate::wait::Budget;

#[cfg(not(inproc_loom))]
mod hand;
mod room;

#[cfg(not(inproc_loom))]
use hand::Hand;
use room::{find_room, with_filling};

/// Sends to a queue. A clone sends to the same queue; each producer's messages stay in order.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// The writer, if this is the sole producer.
    own: Option<BlockFilling<T>>,
    #[cfg(not(inproc_loom))]
    budget: Budget,
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

/// Why a send did not succeed for certain.
///
/// [`Full`](Refused::Full) and [`Closed`](Refused::Closed) are definite: the message was not sent,
/// and comes back; what is left of a batch stays in the buffer. [`TooLate`](Refused::TooLate) is
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused<T = ()> {
    /// The queue is full, and consumers have not settled enough in time. Try again, or wait.
    #[error("the queue is full")]
    Full(T),
    /// The queue was closed or stopped. Stop producing.
    #[error("the queue is closed")]
    Closed(T),
    /// The send raced with the close, and its outcome is unknown. The message is in the queue, but
    /// some consumer has already seen the end. Another consumer may still get it, or none. Of a
    /// batch, this applies to what is no longer in the buffer.
    #[error("the send met the close; the message may be delivered or not")]
    TooLate,
}

/// How long to wait for room.
#[derive(Clone, Copy)]
enum Patience {
    None,
    #[cfg(not(inproc_loom))]
    Until(Instant),
    #[cfg(not(inproc_loom))]
    Forever,
}

impl<T> Producer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self::with_own(shared, None)
    }

    /// The sole producer; `None` if there is one.
    pub(super) fn sole(shared: Arc<Shared<T>>) -> Option<Self> {
        let own = Some(shared.writer().take()?);
        Some(Self::with_own(shared, own))
    }

    fn with_own(shared: Arc<Shared<T>>, own: Option<BlockFilling<T>>) -> Self {
        #[cfg(not(inproc_loom))]
        return Self { shared, own, budget: Budget::new() };
        #[cfg(inproc_loom)]
        return Self { shared, own };
    }

    /// Sends a message, or gives it back if the queue is full now.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::None)
    }

    #[inline]
    fn send_one(&mut self, mut message: T, patience: Patience) -> Result<(), Refused<T>> {
        loop {
            if self.shared.sent.is_closed() {
                return Err(Refused::Closed(message));
            }
            let Self { shared, own, .. } = self;
            let pushed = match own {
                Some(filling) => filling.push(message),
                None => match shared.writer().as_mut() {
                    Some(filling) => filling.push(message),
                    None => Err(message),
                },
            };
            match pushed {
                Ok(()) if self.is_too_late() => return Err(Refused::TooLate),
                Ok(()) => return Ok(()),
                Err(back) => message = back,
            }
            if !self.look() && !self.wait_for_room(patience) {
                return Err(Refused::Full(message));
            }
        }
    }

    /// Rings for what was sent. Returns whether the queue is being closed and some consumer has
    /// already seen the end, or is being stopped and may have been counted without it.
    #[inline]
    fn is_too_late(&self) -> bool {
        !self.shared.sent.ring() && self.has_ended()
    }

    /// Under the lock: a stop says that it stops before it takes that, and counts after it.
    #[cold]
    fn has_ended(&self) -> bool {
        let control = self.shared.control();
        control.has_ended() || self.shared.flags.load(Ordering::Relaxed) & STOPPED != 0
    }

    /// Whether it makes sense to try again: there is room, or never will be.
    fn look(&mut self) -> bool {
        let Self { shared, own, .. } = self;
        shared.sent.is_closed() || find_room(shared, &mut |act| with_filling(shared, own, act))
    }

    #[cfg(inproc_loom)]
    fn wait_for_room(&mut self, _: Patience) -> bool {
        false
    }
}

/// Waiting.
#[cfg(not(inproc_loom))]
impl<T> Producer<T> {
    /// Sends a message; waits while the queue is full.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::Forever)
    }

    /// Sends a message that is built once there is room for it; waits while the queue is full. If
    /// the queue is closed, the message is not built, or dropped if the close comes while it is.
    ///
    /// A sole producer has it built in its slot, which saves the copy of a large message.
    #[inline]
    pub fn send_with(&mut self, make: impl FnOnce() -> T) -> Result<(), Refused> {
        if self.own.is_some() {
            return self.fill_own(|filling| filling.push_with(make));
        }
        while !self.shared.sent.is_closed() {
            if self.look() {
                let sent = self.send(make());
                return sent.map_err(|refused| match refused {
                    Refused::TooLate => Refused::TooLate,
                    Refused::Full(_) | Refused::Closed(_) => Refused::Closed(()),
                });
            }
            self.wait_for_room(Patience::Forever);
        }
        Err(Refused::Closed(()))
    }

    /// Sends a message, or gives it back if the queue is still full at `deadline`.
    pub fn send_until(&mut self, message: T, deadline: Instant) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::Until(deadline))
    }

    /// Sends a message, for a task: yields while the queue is full, and to other tasks now and then
    /// if it never is.
    pub async fn send_async(&mut self, mut message: T) -> Result<(), Refused<T>> {
        self.budget.spend().await;
        loop {
            match self.try_send(message) {
                Err(Refused::Full(back)) => message = back,
                other => return other,
            }
            let shared = Arc::clone(&self.shared);
            shared.freed.listen(pending(), || self.look().then_some(())).await;
        }
    }

    /// Waits until there may be room, for a task that shares the producer with others. They may use
    /// it meanwhile, and take the room first.
    pub async fn room(this: &RefCell<Self>) {
        let shared = Arc::clone(&this.borrow().shared);
        let look = || {
            let has_room = find_room(&shared, &mut |act| {
                with_filling(&shared, &mut this.borrow_mut().own, act)
            });
            (has_room || shared.sent.is_closed()).then_some(())
        };
        shared.freed.listen(pending(), look).await;
    }

    /// Blocks the thread until there may be room.
    pub fn block_until_room(&mut self) {
        self.wait_for_room(Patience::Forever);
    }

    /// Sends a batch and empties it; waits while the queue is full.
    pub fn send_batch(&mut self, messages: &mut Vec<T>) -> Result<(), Refused> {
        while !messages.is_empty() {
            if self.shared.sent.is_closed() {
                return Err(Refused::Closed(()));
            }
            if self.push_some(messages) {
                if self.is_too_late() {
                    return Err(Refused::TooLate);
                }
            } else if !self.look() {
                self.wait_for_room(Patience::Forever);
            }
        }
        Ok(())
    }

    /// Moves as many messages as there is room for in this segment; `false` if there is none.
    fn push_some(&mut self, messages: &mut Vec<T>) -> bool {
        let Self { shared, own, .. } = self;
        let mut has_sent = false;
        with_filling(shared, own, &mut |filling| {
            let count = filling.room().min(messages.len());
            let mut some = messages.drain(..count);
            if let Some(message) = some.next() {
                filling.fill(message, &mut some);
                has_sent = true;
            }
        });
        has_sent
    }

    /// Sends the items of an iterator; waits while the queue is full. A sole producer has them
    /// built in their slots. Another one collects at most as many as the segment has room for, and
    /// sends them together; if others take that room meanwhile, it waits for more.
    ///
    /// To see whether there is more, it asks the iterator for one message before there is room for
    /// it. If the queue is closed by then, it drops that message, and what else it has collected
    /// and finds no room for, and asks for no more; the messages before are sent. To get all of
    /// them back, use [`Producer::send_batch`].
    pub fn send_all(&mut self, messages: impl IntoIterator<Item = T>) -> Result<(), Refused> {
        let mut messages = messages.into_iter();
        let mut hand = Vec::new();
        let mut next = messages.next();
        while let Some(message) = next {
            let may_be_more = match self.own {
                Some(_) => self.fill_own(|filling| filling.fill(message, &mut messages))?,
                None => self.send_some(message, &mut messages, &mut hand)?,
            };
            next = if may_be_more { messages.next() } else { None };
        }
        Ok(())
    }

    /// Waits for room, has some of it filled by the sole producer, and rings for consumers.
    #[inline]
    fn fill_own<R>(&mut self, fill: impl FnOnce(&mut BlockFilling<T>) -> R) -> Result<R, Refused> {
        while !self.shared.sent.is_closed() {
            let Self { shared, own, .. } = self;
            if let Some(filling) = own.as_mut().filter(|filling| filling.room() > 0) {
                let telling = shared.sent.rung_in_a_panic();
                let filled = fill(filling);
                drop(telling);
                return if self.is_too_late() { Err(Refused::TooLate) } else { Ok(filled) };
            }
            if !self.look() {
                self.wait_for_room(Patience::Forever);
            }
        }
        Err(Refused::Closed(()))
    }

    /// Waits for room, collects what it may be enough for, and sends that. Returns whether there
    /// may be more.
    fn send_some(
        &mut self,
        first: T,
        messages: &mut impl Iterator<Item = T>,
        hand: &mut Vec<T>,
    ) -> Result<bool, Refused> {
        let mut room = 0;
        while room == 0 {
            if self.shared.sent.is_closed() {
                return Err(Refused::Closed(()));
            }
            let Self { shared, own, .. } = self;
            with_filling(shared, own, &mut |filling| room = filling.room());
            if room == 0 && !self.look() {
                self.wait_for_room(Patience::Forever);
            }
        }
        let mut hand = Hand::new(self, hand);
        hand.collect(first, messages, room);
        let may_be_more = hand.is_full(room);
        hand.send().map(|()| may_be_more)
    }

    #[cold]
    fn wait_for_room(&mut self, patience: Patience) -> bool {
        let shared = Arc::clone(&self.shared);
        let look = || self.look().then_some(());
        let found = match patience {
            Patience::None => None,
            Patience::Until(deadline) => shared.freed.wait(Some(deadline), look),
            Patience::Forever => shared.freed.wait(None, look),
        };
        found.is_some()
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        if let Some(filling) = self.own.take() {
            *self.shared.writer() = Some(filling);
            self.shared.freed.ring();
        }
    }
}
