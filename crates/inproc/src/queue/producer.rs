//! Producers: send, and wait for room.

use std::cell::RefCell;
use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use super::{BlockFilling, Shared};

/// Sends to a queue. A clone sends to the same queue; each producer's messages stay in order.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// The writer, if this is the sole producer.
    own: Option<BlockFilling<T>>,
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
    /// batch, that holds for what is no longer in the buffer.
    #[error("the send met the close; the message may be delivered or not")]
    TooLate,
}

/// How long to wait for room.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Instant),
    ForEver,
}

impl<T> Producer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared, own: None }
    }

    /// The sole producer; `None` if there is one.
    pub(super) fn sole(shared: Arc<Shared<T>>) -> Option<Self> {
        let own = Some(shared.writer().take()?);
        Some(Self { shared, own })
    }

    /// Sends a message; waits while the queue is full.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::ForEver)
    }

    /// Sends a message that is built in its slot, once there is room for it; waits while the queue
    /// is full. This saves the copy of a large message. If the queue is closed, the message is not
    /// built. It is built under the producers' lock, unless this is the sole producer.
    #[inline]
    pub fn send_with(&mut self, make: impl FnOnce() -> T) -> Result<(), Refused> {
        self.with_room(|filling| filling.push_with(make))
    }

    /// Sends a message, or gives it back if the queue is full now.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::None)
    }

    /// Sends a message, or gives it back if the queue is still full at `deadline`.
    pub fn send_until(&mut self, message: T, deadline: Instant) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::Until(deadline))
    }

    /// Sends a message, for a task: yields while the queue is full.
    pub async fn send_async(&mut self, mut message: T) -> Result<(), Refused<T>> {
        loop {
            match self.try_send(message) {
                Err(Refused::Full(back)) => message = back,
                other => return other,
            }
            let Self { shared, own } = self;
            shared.freed.listen(pending(), || look(shared, own)).await;
        }
    }

    /// Waits until there may be room, for a task that shares the producer with others. They may use
    /// it meanwhile, and take the room first.
    pub async fn room(this: &RefCell<Self>) {
        let shared = Arc::clone(&this.borrow().shared);
        shared.freed.listen(pending(), || look(&shared, &mut this.borrow_mut().own)).await;
    }

    /// Blocks the thread until there may be room.
    pub fn block_until_room(&mut self) {
        self.wait_for_room(Patience::ForEver);
    }

    /// Sends a batch and empties it; waits while the queue is full.
    pub fn send_batch(&mut self, messages: &mut Vec<T>) -> Result<(), Refused> {
        while !messages.is_empty() {
            self.with_room(|filling| {
                let count = filling.room().min(messages.len());
                let mut some = messages.drain(..count);
                if let Some(message) = some.next() {
                    filling.fill(message, &mut some);
                }
            })?;
        }
        Ok(())
    }

    /// Sends the items of an iterator, built in their slots; waits while the queue is full. The
    /// iterator runs under the producers' lock, unless this is the sole producer.
    ///
    /// To see whether there is more, it asks the iterator for one message before there is room for
    /// it. If the queue is closed by then, it drops that message and asks for no more; the messages
    /// before it are sent. To get all of them back, use [`Producer::send_batch`].
    pub fn send_all(&mut self, messages: impl IntoIterator<Item = T>) -> Result<(), Refused> {
        let mut messages = messages.into_iter();
        let mut next = messages.next();
        while let Some(message) = next {
            let may_be_more = self.with_room(|filling| filling.fill(message, &mut messages))?;
            next = if may_be_more { messages.next() } else { None };
        }
        Ok(())
    }

    /// Waits for room, has some of it filled, and rings for consumers.
    #[inline]
    fn with_room<R>(&mut self, fill: impl FnOnce(&mut BlockFilling<T>) -> R) -> Result<R, Refused> {
        while !self.shared.sent.is_closed() {
            let Self { shared, own } = self;
            let mut common = if own.is_none() { Some(shared.writer()) } else { None };
            let writer = own.as_mut().or_else(|| common.as_mut()?.as_mut());
            if let Some(filling) = writer
                && has_room(shared, filling)
            {
                let telling = shared.sent.rung_in_a_panic();
                let filled = fill(filling);
                drop((telling, common));
                return if self.is_too_late() { Err(Refused::TooLate) } else { Ok(filled) };
            }
            drop(common);
            self.wait_for_room(Patience::ForEver);
        }
        Err(Refused::Closed(()))
    }

    #[inline]
    fn send_one(&mut self, mut message: T, patience: Patience) -> Result<(), Refused<T>> {
        loop {
            if self.shared.sent.is_closed() {
                return Err(Refused::Closed(message));
            }
            let Self { shared, own } = self;
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
            if look(&self.shared, &mut self.own).is_none() && !self.wait_for_room(patience) {
                return Err(Refused::Full(message));
            }
        }
    }

    /// Rings for what was sent. Returns whether the queue is being closed and some consumer has
    /// already seen the end.
    #[inline]
    fn is_too_late(&self) -> bool {
        !self.shared.sent.ring() && self.shared.control().has_ended()
    }

    #[cold]
    fn wait_for_room(&mut self, patience: Patience) -> bool {
        let Self { shared, own } = self;
        let look = || look(shared, own);
        let found = match patience {
            Patience::None => None,
            Patience::Until(deadline) => shared.freed.wait(Some(deadline), look),
            Patience::ForEver => shared.freed.wait(None, look),
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

/// Whether it makes sense to try again: there is room, or never will be.
fn look<T>(shared: &Shared<T>, own: &mut Option<BlockFilling<T>>) -> Option<()> {
    let has_room = match own {
        Some(filling) => has_room(shared, filling),
        None => shared.writer().as_mut().is_some_and(|filling| has_room(shared, filling)),
    };
    (has_room || shared.sent.is_closed()).then_some(())
}

/// Whether there is room now, in this segment or a new one.
#[inline]
fn has_room<T>(shared: &Shared<T>, filling: &mut BlockFilling<T>) -> bool {
    filling.room() > 0 || open_next(shared, filling)
}

#[cold]
fn open_next<T>(shared: &Shared<T>, filling: &mut BlockFilling<T>) -> bool {
    let next = shared.control().open_next();
    next.map(|next| *filling = next).is_some()
}
