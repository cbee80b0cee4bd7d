//! Collecting a batch: by count or by time, whichever comes first.
//!
//! A trigger that only counts would let the tail of an idle topic wait for ever (semantics.md 1.5,
//! M4). The batch, not what the client library has fetched, is what gets settled: a position points
//! past messages that have not been processed yet (M5).

use entrega_model::{Delivery, Duration, Instant};

use crate::{ReceiveError, Subscription, Turn};

/// The messages that are written and settled together.
pub struct Batch {
    /// In the order of delivery. The application removes what must not be settled.
    pub deliveries: Vec<Delivery>,
    size: usize,
    limit: Duration,
}

impl Batch {
    /// An empty batch of at most `size` messages, the first of which waits no longer than `limit`.
    pub fn new(size: usize, limit: Duration) -> Self {
        Self { deliveries: Vec::with_capacity(size), size, limit }
    }

    /// Forgets the batch before and collects the next one. `false` at shutdown, when there is
    /// nothing left.
    ///
    /// # Errors
    /// As [`Subscription::poll`].
    pub async fn fill(&mut self, inbox: &impl Subscription) -> Result<bool, ReceiveError> {
        self.deliveries.clear();
        let mut due = Instant::NEVER;
        while self.deliveries.len() < self.size && inbox.now() < due {
            match inbox.poll(due).await? {
                Turn::Delivery(delivery) => {
                    self.deliveries.push(delivery);
                    due = due.min(inbox.now() + self.limit);
                }
                Turn::Lost => {
                    self.deliveries.clear();
                    due = Instant::NEVER;
                }
                Turn::Shutdown if self.deliveries.is_empty() => return Ok(false),
                Turn::Assigned(_) => {}
                Turn::Idle | Turn::Revoking | Turn::Shutdown if self.deliveries.is_empty() => {}
                Turn::Idle | Turn::Revoking | Turn::Shutdown => break,
            }
        }
        Ok(true)
    }
}
