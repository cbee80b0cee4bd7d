//! Producers: send, and wait for room.

use std::sync::Arc;
use std::time::Instant;

use super::{BlockFilling, Control, Shared};

/// Sends to a queue. A clone sends to the same queue; each one's messages stay in its order.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Why a message was not sent, for certain. It comes back; of a batch, what is left stays in the
/// buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused<T = ()> {
    /// The queue is full, and consumers have not settled enough in time. Try again, or wait.
    #[error("the queue is full")]
    Full(T),
    /// The queue was closed or stopped. Stop producing.
    #[error("the queue is closed")]
    Closed(T),
}

/// How long to wait for room.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Instant),
    ForEver,
}

/// Where the next message goes. Behind a lock that only producers take.
pub(super) struct Writer<T> {
    filling: BlockFilling<T>,
    closed: bool,
}

impl<T> Writer<T> {
    pub(super) fn new(filling: BlockFilling<T>) -> Self {
        Self { filling, closed: false }
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Whether there is room now, in this segment or a new one.
    fn has_room(&mut self, control: impl FnOnce() -> Option<BlockFilling<T>>) -> bool {
        if self.filling.room() > 0 {
            return true;
        }
        let next = control();
        next.map(|next| self.filling = next).is_some()
    }
}

impl<T> Producer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Sends a message; waits while the queue is full.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::ForEver)
    }

    /// Sends a message, or gives it back if the queue is full now.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::None)
    }

    /// Sends a message, or gives it back if the queue is still full at `deadline`.
    pub fn send_until(&self, message: T, deadline: Instant) -> Result<(), Refused<T>> {
        self.send_one(message, Patience::Until(deadline))
    }

    /// Sends a message; lets others run while the queue is full.
    pub async fn send_async(&self, mut message: T) -> Result<(), Refused<T>> {
        loop {
            match self.try_send(message) {
                Err(Refused::Full(back)) => message = back,
                other => return other,
            }
            self.shared.freed.listen(None, || self.look()).await;
        }
    }

    /// Sends a batch and empties it; waits while the queue is full.
    pub fn send_batch(&self, messages: &mut Vec<T>) -> Result<(), Refused> {
        self.send_all(messages.drain(..))
    }

    /// Sends what an iterator gives, made in place; waits while the queue is full. The iterator is
    /// asked under the producers' lock.
    pub fn send_all(&self, messages: impl IntoIterator<Item = T>) -> Result<(), Refused> {
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            let mut writer = self.shared.writer();
            if writer.closed {
                return Err(Refused::Closed(()));
            }
            if writer.has_room(|| self.open_next()) {
                writer.filling.fill(&mut messages);
                drop(writer);
                self.shared.sent.ring();
            } else {
                drop(writer);
                self.shared.freed.wait(None, || self.look());
            }
        }
        Ok(())
    }

    #[inline]
    fn send_one(&self, mut message: T, patience: Patience) -> Result<(), Refused<T>> {
        loop {
            let mut writer = self.shared.writer();
            if writer.closed {
                return Err(Refused::Closed(message));
            }
            match writer.filling.push(message) {
                Ok(()) => {
                    drop(writer);
                    self.shared.sent.ring();
                    return Ok(());
                }
                Err(back) => message = back,
            }
            if !writer.has_room(|| self.open_next()) {
                drop(writer);
                if !self.wait_for_room(patience) {
                    return Err(Refused::Full(message));
                }
            }
        }
    }

    #[cold]
    fn wait_for_room(&self, patience: Patience) -> bool {
        let found = match patience {
            Patience::None => None,
            Patience::Until(deadline) => self.shared.freed.wait(Some(deadline), || self.look()),
            Patience::ForEver => self.shared.freed.wait(None, || self.look()),
        };
        found.is_some()
    }

    /// Whether it makes sense to try again.
    fn look(&self) -> Option<()> {
        let mut writer = self.shared.writer();
        (writer.closed || writer.has_room(|| self.open_next())).then_some(())
    }

    fn open_next(&self) -> Option<BlockFilling<T>> {
        Control::open_next(&mut self.shared.control())
    }
}
