//! Consumers: take, settle, and give back what they leave.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time;

use entrega_model::queue::{DeliveryTag, Settlement};
use entrega_model::{ClientId, Instant};

use super::delivery::{Batch, Delivery, Place};
use super::returned::{Body, Redelivery};
use super::window::Window;
use super::{Control, Shared};

/// Takes messages from a queue, in competition with others. Dropped, by a panic too, it gives back
/// what it has not settled: at once, or when the lease ends (`requeue_on_disconnect`).
pub struct Consumer<T> {
    pub(super) shared: Arc<Shared<T>>,
    client: ClientId,
    settle_at_delivery: bool,
    pub(super) window: Option<Window<T>>,
    /// Windows that the application was given to their end and has not settled to it.
    older: Vec<Window<T>>,
    /// Redeliveries that the application has not been given, and those that it has.
    coming: VecDeque<Redelivery<T>>,
    pub(super) held: Vec<Redelivery<T>>,
}

/// Names a delivery of one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// A first delivery, by its place in the queue.
    First(u64),
    /// A redelivery, by the tag that the broker gave it.
    Again(DeliveryTag),
}

/// The delivery is not this consumer's to settle any more: its lease has ended, or it is settled.
/// Nothing happened to the message; somebody else may process it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delivery is not this consumer's to settle any more")]
pub struct Stale;

/// Why there is nothing to take, now or ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The queue was closed, and nothing is left that could be delivered.
    #[error("the queue is closed and empty")]
    Closed,
    /// The queue was stopped.
    #[error("the queue was stopped")]
    Stopped,
    /// The consumer has as much unsettled as its prefetch allows. Settle some of it.
    #[error("as many deliveries are unsettled as the prefetch allows")]
    PrefetchUsedUp,
}

impl<T> Consumer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, settle_at_delivery: bool) -> Self {
        let client = shared.control().connect().unwrap_or_default();
        let (window, older, coming, held) = (None, Vec::new(), VecDeque::new(), Vec::new());
        Self { shared, client, settle_at_delivery, window, older, coming, held }
    }

    /// The next delivery; waits until there is one.
    #[inline]
    pub fn take(&mut self) -> Result<Delivery<'_, T>, Ended> {
        self.prepare(1, None)?;
        Ok(Delivery::new(self.take_batch_now(1)))
    }

    /// The next delivery, if there is one now.
    #[inline]
    pub fn try_take(&mut self) -> Result<Option<Delivery<'_, T>>, Ended> {
        Ok(self.prepare_now(1)?.then(|| Delivery::new(self.take_batch_now(1))))
    }

    /// At most `max` deliveries, at least one; waits until there is one. They follow each other in
    /// the queue; redeliveries come one by one.
    #[inline]
    pub fn take_batch(&mut self, max: usize) -> Result<Batch<'_, T>, Ended> {
        self.prepare(max, None)?;
        Ok(self.take_batch_now(max))
    }

    /// At most `max` deliveries, if there are some now.
    #[inline]
    pub fn try_take_batch(&mut self, max: usize) -> Result<Option<Batch<'_, T>>, Ended> {
        Ok(self.prepare_now(max)?.then(|| self.take_batch_now(max)))
    }

    /// As [`Consumer::take_batch`], but `None` if there is nothing at `deadline`.
    pub fn take_batch_until(
        &mut self,
        max: usize,
        deadline: time::Instant,
    ) -> Result<Option<Batch<'_, T>>, Ended> {
        Ok(self.prepare(max, Some(deadline))?.then(|| self.take_batch_now(max)))
    }

    /// As [`Consumer::take_batch`], for a task; with leases it needs tokio's timer. May be dropped
    /// at any time without losing a delivery.
    pub async fn take_batch_async(&mut self, max: usize) -> Result<Batch<'_, T>, Ended> {
        while !self.is_ready() {
            let (shared, due) = (Arc::clone(&self.shared), self.next_due());
            if let Some(found) = shared.sent.listen(due, || self.look(max)).await {
                found?;
            }
        }
        Ok(self.take_batch_now(max))
    }

    /// Settles a delivery by its tag.
    pub fn settle(&mut self, tag: Tag, word: Settlement) -> Result<(), Stale> {
        let settled = match tag {
            Tag::First(position) => self.settle_first(position, word),
            Tag::Again(tag) => self.settle_again(tag, word),
        };
        if settled { Ok(()) } else { Err(Stale) }
    }

    /// How many deliveries are unsettled, those that the application was not given included.
    pub fn unsettled(&self) -> usize {
        self.unsettled_first() + self.held.len() + self.coming.len()
    }

    /// How many messages it has taken from the queue that the application was not given yet.
    pub fn at_hand(&self) -> usize {
        self.coming.len() + self.window.as_ref().map_or(0, |window| window.end - window.next)
    }

    fn unsettled_first(&self) -> usize {
        self.window.iter().chain(&self.older).map(Window::unsettled).sum()
    }
}

/// Taking.
impl<T> Consumer<T> {
    #[inline]
    fn is_ready(&self) -> bool {
        let in_window = self.window.as_ref().is_some_and(|window| window.next < window.end);
        (in_window || !self.coming.is_empty()) && !self.shared.stopped.load(Ordering::Relaxed)
    }

    #[inline]
    fn prepare(&mut self, max: usize, deadline: Option<time::Instant>) -> Result<bool, Ended> {
        if self.is_ready() { Ok(true) } else { self.wait(max, deadline) }
    }

    #[inline]
    fn prepare_now(&mut self, max: usize) -> Result<bool, Ended> {
        if self.is_ready() {
            return Ok(true);
        }
        self.look(max).map_or(Ok(false), |found| found.map(|()| true))
    }

    /// What is ready.
    #[inline]
    fn take_batch_now(&mut self, max: usize) -> Batch<'_, T> {
        if let Some(redelivery) = self.coming.pop_front() {
            self.held.push(redelivery);
            return Batch::new(self, Place::Again);
        }
        let (mut from, mut to) = (0, 0);
        if let Some(window) = &mut self.window {
            from = window.next;
            to = window.end.min(from.saturating_add(max));
            window.next = to;
        }
        Batch::new(self, Place::First(from, to))
    }

    #[cold]
    fn wait(&mut self, max: usize, deadline: Option<time::Instant>) -> Result<bool, Ended> {
        let shared = Arc::clone(&self.shared);
        loop {
            let until = self.next_due().into_iter().chain(deadline).min();
            if let Some(found) = shared.sent.wait(until, || self.look(max)) {
                return found.map(|()| true);
            }
            if deadline.is_some_and(|deadline| time::Instant::now() >= deadline) {
                return Ok(false);
            }
        }
    }

    /// When to look again although nobody has rung: when a lease may have ended. All leases are of
    /// one length, so those that begin meanwhile end later.
    fn next_due(&self) -> Option<time::Instant> {
        if !self.shared.has_leases() {
            return None;
        }
        let latest = self.shared.time.now() + self.shared.leased;
        let due = self.shared.control().next_due().min(latest);
        self.shared.time.to_std(due)
    }

    /// Takes a window or redeliveries from the queue, if there are any.
    fn look(&mut self, max: usize) -> Option<Result<(), Ended>> {
        let shared = Arc::clone(&self.shared);
        if shared.stopped.load(Ordering::Relaxed) {
            return Some(Err(Ended::Stopped));
        }
        let now = if shared.has_leases() { shared.time.now() } else { Instant::START };
        let mut control = shared.control();
        control.advance(now);
        self.put_window_aside(&mut control);
        self.held.retain(|held| control.is_in_flight(self.client, held.received.tag));
        let credit = match shared.prefetch {
            0 => usize::MAX,
            prefetch => (prefetch as usize).saturating_sub(self.unsettled()),
        };
        let max = credit.min(max.max(shared.window));
        if max == 0 {
            return Some(Err(Ended::PrefetchUsedUp));
        }
        let (client, at_delivery) = (self.client, self.settle_at_delivery);
        if control.take_returned(now, client, max, at_delivery, &mut self.coming) {
            return Some(Ok(()));
        }
        if let Some(mut window) = control.take_fresh(now, max) {
            if at_delivery {
                window.ack_all(window.range());
            }
            self.window = Some(window);
            return Some(Ok(()));
        }
        let own = (self.unsettled_first(), self.held.len());
        control.is_over(own.0, own.1).then_some(Err(Ended::Closed))
    }

    /// Lets go of windows that are settled, by whomever.
    fn put_window_aside(&mut self, control: &mut Control<T>) {
        self.older.extend(self.window.take());
        self.older.retain(|window| {
            let is_over = window.unsettled() == 0;
            if is_over {
                control.end_window(window);
            }
            !is_over
        });
    }
}

/// Settling.
impl<T> Consumer<T> {
    /// Acks a run of the present window and says whether none of it was too late.
    #[inline]
    pub(super) fn ack_first(&mut self, from: usize, to: usize) -> bool {
        let Some(window) = &mut self.window else { return false };
        let settled = match to - from {
            1 => usize::from(window.ack(from)),
            _ => window.ack_all(from..to),
        };
        if window.has_ended() {
            self.end_window();
        }
        self.shared.tell_settled();
        settled == to - from
    }

    /// The present window is settled to its end.
    #[cold]
    fn end_window(&mut self) {
        if let Some(window) = self.window.take() {
            self.shared.control().end_window(&window);
            drop(window);
            self.shared.freed.ring();
        }
    }

    fn settle_first(&mut self, position: u64, word: Settlement) -> bool {
        let mut windows = self.window.iter_mut().chain(&mut self.older);
        let found = windows.find_map(|window| Some((window.index_of(position)?, window)));
        let Some((index, window)) = found else { return false };
        let (now, view) = (self.shared.time.now(), window.view.clone());
        let settled = match word {
            Settlement::Ack => window.ack(index),
            Settlement::Extend => return self.shared.control().extend(now, window),
            Settlement::Requeue | Settlement::Reject => {
                let settled = window.give_back(index);
                if settled {
                    self.shared.control().give_back(now, Body { view, index }, word);
                    self.shared.sent.ring();
                }
                settled
            }
        };
        if self.window.as_ref().is_some_and(Window::has_ended) {
            self.end_window();
        } else if self.older.iter().any(Window::has_ended) {
            let (window, shared) = (self.window.take(), Arc::clone(&self.shared));
            self.put_window_aside(&mut shared.control());
            self.window = window;
        }
        self.shared.tell_freed();
        settled
    }

    /// Settles a redelivery.
    pub(super) fn settle_again(&mut self, tag: DeliveryTag, word: Settlement) -> bool {
        let Some(place) = self.held.iter().position(|held| held.received.tag == tag) else {
            return false;
        };
        if word != Settlement::Extend {
            self.held.swap_remove(place);
        }
        let now = self.shared.time.now();
        let mut control = self.shared.control();
        control.advance(now);
        let settled = control.settle_returned(now, self.client, tag, word);
        drop(control);
        self.shared.sent.ring();
        self.shared.freed.ring();
        settled
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        let windows = self.older.drain(..).chain(self.window.take());
        let now = self.shared.time.now();
        self.shared.control().disconnect(now, self.client, windows);
        drop((mem::take(&mut self.held), mem::take(&mut self.coming)));
        self.shared.sent.ring();
        self.shared.freed.ring();
    }
}
