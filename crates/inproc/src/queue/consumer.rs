//! Consumers: take, wait, settle. `holdings` has what a consumer holds meanwhile.

#[cfg(not(inproc_loom))]
use std::future::{Future, pending};
use std::ops::Range;
#[cfg(not(inproc_loom))]
use std::time::Instant;

use entrega_model::queue::{DeliveryTag, Settlement};

use super::Shared;
use super::delivery::{Batch, Delivery};
use super::holdings::Holdings;
use crate::sync::Arc;
#[cfg(not(inproc_loom))]
use crate::wait::Budget;

/// Takes messages from a queue, in competition with other consumers. Dropped, even by a panic, it
/// gives back what it has not settled: at once, or when the lease ends (`requeue_on_disconnect`).
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    pub(super) holdings: Holdings<T>,
    #[cfg(not(inproc_loom))]
    budget: Budget,
}

/// Names a delivery of one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// A first delivery, by its place in the queue.
    First(u64),
    /// A redelivery, by the tag that the broker gave it.
    Again(DeliveryTag),
}

/// The delivery is no longer this consumer's to settle: its lease has ended, or it is settled. The
/// message is unchanged; another consumer may process it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delivery is not this consumer's to settle any more")]
pub struct Stale;

/// Why there is nothing to take, now or ever.
///
/// As wide as a word, so that a result that holds it or a delivery is moved in whole words: those
/// that are narrower are read back across two stores, and the processor waits for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(usize)]
pub enum Ended {
    /// The queue was closed, and everything is settled: nothing can come any more.
    #[error("the queue is closed and empty")]
    Closed,
    /// The queue was closed, and nothing is left but what consumers hold, this one among them.
    /// Settle what it holds, or drop the consumer: as long as each waits for the others, nothing
    /// happens. After that, take again: what others hold may come back.
    #[error("the queue is closed, and this consumer holds some of what is left")]
    Unsettled,
    /// The queue was stopped.
    #[error("the queue was stopped")]
    Stopped,
    /// As many deliveries are unsettled as the prefetch allows. Settle some of them.
    #[error("as many deliveries are unsettled as the prefetch allows")]
    PrefetchUsedUp,
}

impl<T> Consumer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, settle_at_delivery: bool) -> Self {
        let holdings = Holdings::new(&shared, settle_at_delivery);
        let holdings = holdings.expect("there are at most 65 536 consumers");
        #[cfg(not(inproc_loom))]
        return Self { shared, holdings, budget: Budget::new() };
        #[cfg(inproc_loom)]
        return Self { shared, holdings };
    }

    /// The next delivery, if there is one now.
    #[inline]
    pub fn try_take(&mut self) -> Result<Option<Delivery<'_, T>>, Ended> {
        Ok(self.try_take_batch(1)?.map(Delivery::new))
    }

    /// At most `max` deliveries, if there are some now; a `max` of 0 counts as 1.
    #[inline]
    pub fn try_take_batch(&mut self, max: usize) -> Result<Option<Batch<'_, T>>, Ended> {
        let max = max.max(1);
        if let Some(place) = self.holdings.give(&self.shared, max) {
            return Ok(Some(Batch::new(self, place)));
        }
        let found = self.holdings.look(&self.shared, max).transpose()?;
        Ok(found.map(|()| Batch::found(self)))
    }

    /// Settles a delivery by its tag.
    pub fn settle(&mut self, tag: Tag, word: Settlement) -> Result<(), Stale> {
        let settled = match tag {
            Tag::First(position) => self.holdings.settle_first(&self.shared, position, word),
            Tag::Again(tag) => self.holdings.settle_again(&self.shared, tag, word),
        };
        if settled { Ok(()) } else { Err(Stale) }
    }

    /// Acks one message of the current window and returns whether it was in time.
    #[inline(always)]
    pub(super) fn ack_one(&mut self, index: usize) -> bool {
        self.holdings.ack_one(&self.shared, index)
    }

    /// Acks a run of the current window and returns whether it was in time for all of it.
    #[inline(always)]
    pub(super) fn ack_run(&mut self, run: Range<usize>) -> bool {
        self.holdings.ack_run(&self.shared, run)
    }

    /// Whether this delivery is still this consumer's to settle, as far as is known without
    /// checking for leases that have ended.
    pub fn holds(&self, tag: Tag) -> bool {
        match tag {
            Tag::First(position) => self.holdings.holds_first(position),
            Tag::Again(tag) => self.holdings.holds_again(tag),
        }
    }

    /// Closes the consumer: whatever is unsettled is ready again at once.
    pub fn close(mut self) {
        self.holdings.give_back(&self.shared, true);
    }

    /// How many deliveries are unsettled, including those that the application has not been given
    /// yet.
    pub fn unsettled(&self) -> usize {
        self.holdings.unsettled()
    }

    /// How many messages it has taken from the queue that the application has not been given yet.
    pub fn at_hand(&self) -> usize {
        self.holdings.at_hand()
    }
}

/// Waiting.
#[cfg(not(inproc_loom))]
impl<T> Consumer<T> {
    /// The next delivery; waits until there is one.
    #[inline(always)]
    pub fn take(&mut self) -> Result<Delivery<'_, T>, Ended> {
        self.take_batch(1).map(Delivery::new)
    }

    /// At most `max` deliveries, at least one; waits until there is one. They are consecutive in
    /// the queue; redeliveries come one at a time. A `max` of 0 counts as 1.
    #[inline(always)]
    pub fn take_batch(&mut self, max: usize) -> Result<Batch<'_, T>, Ended> {
        let max = max.max(1);
        if let Some(place) = self.holdings.give(&self.shared, max) {
            return Ok(Batch::new(self, place));
        }
        self.look_or_wait_forever(max)?;
        Ok(Batch::found(self))
    }

    /// As [`Consumer::take_batch`], but `None` if there is nothing at `deadline`.
    pub fn take_batch_until(
        &mut self,
        max: usize,
        deadline: Instant,
    ) -> Result<Option<Batch<'_, T>>, Ended> {
        let max = max.max(1);
        if let Some(place) = self.holdings.give(&self.shared, max) {
            return Ok(Some(Batch::new(self, place)));
        }
        let is_found = self.look_or_wait(max, Some(deadline))?;
        Ok(is_found.then(|| Batch::found(self)))
    }

    /// As [`Consumer::take_batch`], for a task. May be dropped at any time without losing a
    /// delivery. If there always is something, it still yields to other tasks now and then.
    ///
    /// `sleep_until` is the timer of the task's runtime, which wakes it when a lease has ended:
    /// with tokio, `|at| tokio::time::sleep_until(at.into())`. A queue without leases never calls
    /// it.
    pub async fn take_batch_async<S: Future<Output = ()>>(
        &mut self,
        max: usize,
        sleep_until: impl Fn(Instant) -> S,
    ) -> Result<Batch<'_, T>, Ended> {
        let max = max.max(1);
        self.budget.spend().await;
        if let Some(place) = self.holdings.give(&self.shared, max) {
            return Ok(Batch::new(self, place));
        }
        let mut is_found = false;
        while !is_found {
            let due = self.next_due();
            let timeout = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            let Self { shared, holdings, .. } = self;
            let found = shared.sent.listen(timeout, || holdings.look(shared, max)).await;
            is_found = found.transpose()?.is_some();
        }
        Ok(Batch::found(self))
    }

    /// Completes when something was sent or came back, or the queue was closed, after the first
    /// poll. The task that awaits it must call [`Consumer::try_take`] once more after that first
    /// poll, or it may miss a message, and again at [`Consumer::next_due`]. May be dropped at any
    /// time.
    pub fn notified(&self) -> impl Future<Output = ()> + use<T> {
        let shared = Arc::clone(&self.shared);
        async move { shared.sent.rung().await }
    }

    /// When to look again although nothing was sent: when a lease may have ended. All leases last
    /// equally long, so those that begin later end later.
    pub fn next_due(&self) -> Option<Instant> {
        if !self.shared.has_leases() {
            return None;
        }
        let latest = self.shared.time.now() + self.shared.leased;
        let due = self.shared.control().next_due().min(latest);
        self.shared.time.to_std(due)
    }

    #[inline(never)]
    fn look_or_wait_forever(&mut self, max: usize) -> Result<(), Ended> {
        while !self.look_or_wait(max, None)? {}
        Ok(())
    }

    /// Whether something is found by `deadline`.
    fn look_or_wait(&mut self, max: usize, deadline: Option<Instant>) -> Result<bool, Ended> {
        match self.holdings.look(&self.shared, max) {
            Some(found) => found.map(|()| true),
            None => self.wait(max, deadline),
        }
    }

    /// The same, after a look that found nothing.
    #[cold]
    fn wait(&mut self, max: usize, deadline: Option<Instant>) -> Result<bool, Ended> {
        loop {
            let until = self.next_due().into_iter().chain(deadline).min();
            let Self { shared, holdings, .. } = self;
            if let Some(found) = shared.sent.wait(until, || holdings.look(shared, max)) {
                return found.map(|()| true);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(false);
            }
        }
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.holdings.give_back(&self.shared, false);
    }
}
