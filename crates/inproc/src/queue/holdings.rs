//! What a consumer holds: its windows, and its redeliveries.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::Ordering;

use entrega_model::queue::{DeliveryTag, Settlement};
use entrega_model::{ClientId, Instant};

use super::consumer::Ended;
use super::delivery::Place;
use super::returned::{Body, Redelivery};
use super::window::Window;
use super::{BlockView, Control, Shared};

/// See the module.
pub(super) struct Holdings<T> {
    client: ClientId,
    settle_at_delivery: bool,
    /// The window from which the application gets its next message.
    pub(super) window: Option<Window<T>>,
    /// Windows that the application was given completely and has not settled completely.
    older: Vec<Window<T>>,
    /// A hold on the segment of the last window, for the next one.
    view: Option<BlockView<T>>,
    /// Redeliveries that the application has not been given, and those that it has.
    coming: VecDeque<Redelivery<T>>,
    pub(super) held: Vec<Redelivery<T>>,
    is_gone: bool,
}

impl<T> Holdings<T> {
    pub(super) fn new(client: ClientId, settle_at_delivery: bool) -> Self {
        let (window, older, view) = (None, Vec::new(), None);
        let (coming, held, is_gone) = (VecDeque::new(), Vec::new(), false);
        Self { client, settle_at_delivery, window, older, view, coming, held, is_gone }
    }

    pub(super) fn unsettled(&self) -> usize {
        self.unsettled_first() + self.held.len() + self.coming.len()
    }

    fn unsettled_first(&self) -> usize {
        self.window.iter().chain(&self.older).map(Window::unsettled).sum()
    }

    pub(super) fn at_hand(&self) -> usize {
        self.coming.len() + self.window.as_ref().map_or(0, |window| window.end - window.next)
    }

    /// Whether a first delivery is in a window and unsettled.
    pub(super) fn holds_first(&self, position: u64) -> bool {
        let mut windows = self.window.iter().chain(&self.older);
        windows.any(|window| {
            let index = window.index_of(position);
            index.is_some_and(|index| window.marks().unsettled(index..index + 1) > 0)
        })
    }

    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        self.window.as_ref().is_some_and(|window| window.next < window.end)
            || !self.coming.is_empty()
    }

    /// Takes what is ready, at most `max` messages.
    #[inline]
    pub(super) fn take(&mut self, max: usize) -> Place {
        if let Some(redelivery) = self.coming.pop_front() {
            self.held.push(redelivery);
            return Place::Again;
        }
        let Some(window) = &mut self.window else { return Place::First(0, 0) };
        let from = window.next;
        window.next = window.end.min(from.saturating_add(max));
        Place::First(from, window.next)
    }

    /// Takes a window or redeliveries from the queue, if there are any.
    pub(super) fn look(&mut self, shared: &Shared<T>, max: usize) -> Option<Result<(), Ended>> {
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
        if let Some(mut window) = control.take_fresh(now, max, &mut self.view) {
            if at_delivery {
                window.ack_all(window.range());
            }
            self.window = Some(window);
            return Some(Ok(()));
        }
        self.view = None;
        let own = (self.unsettled_first(), self.held.len());
        control.is_over(own.0, own.1).then_some(Err(Ended::Closed))
    }

    /// Removes windows that are settled, by any consumer.
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

    /// Acks a run of the current window and returns whether it was in time for all of it.
    #[inline]
    pub(super) fn ack_first(&mut self, shared: &Shared<T>, from: usize, to: usize) -> bool {
        let Some(window) = &mut self.window else { return false };
        let settled = match to - from {
            1 => usize::from(window.ack(from)),
            _ => window.ack_all(from..to),
        };
        if window.has_ended() {
            self.end_window(shared);
        }
        shared.tell_settled();
        settled == to - from
    }

    /// Ends the current window, which is settled to its end. Only its lease, or the end of its
    /// segment, needs the lock. The hold on the segment goes first, so that the segment can be used
    /// again at once.
    fn end_window(&mut self, shared: &Shared<T>) {
        let Some(window) = self.window.take() else { return };
        if shared.has_leases() {
            let mut control = shared.control();
            control.end_window(&window);
            drop(window);
        } else if window.marks().finish(window.acked()) {
            let mut control = shared.control();
            control.retire(&window.view);
            drop(window);
        } else {
            self.view = Some(window.view);
        }
    }

    pub(super) fn settle_first(
        &mut self,
        shared: &Shared<T>,
        position: u64,
        word: Settlement,
    ) -> bool {
        let mut windows = self.window.iter_mut().chain(&mut self.older);
        let found = windows.find_map(|window| Some((window.index_of(position)?, window)));
        let Some((index, window)) = found else { return false };
        let settled = match word {
            Settlement::Ack => window.ack(index),
            Settlement::Extend => return shared.control().extend(shared.time.now(), window),
            Settlement::Requeue | Settlement::Reject => {
                let settled = window.give_back(index);
                if settled {
                    let (now, view) = (shared.time.now(), window.view.clone());
                    shared.control().give_back(now, Body { view, index }, word);
                    shared.sent.ring();
                }
                settled
            }
        };
        if self.window.as_ref().is_some_and(Window::has_ended) {
            self.end_window(shared);
        } else if self.older.iter().any(Window::has_ended) {
            let window = self.window.take();
            self.put_window_aside(&mut shared.control());
            self.window = window;
        }
        shared.tell_settled();
        settled
    }

    /// Settles a redelivery.
    pub(super) fn settle_again(
        &mut self,
        shared: &Shared<T>,
        tag: DeliveryTag,
        word: Settlement,
    ) -> bool {
        let Some(place) = self.held.iter().position(|held| held.received.tag == tag) else {
            return false;
        };
        if word != Settlement::Extend {
            self.held.swap_remove(place);
        }
        let now = shared.time.now();
        let mut control = shared.control();
        control.advance(now);
        let settled = control.settle_returned(now, self.client, tag, word);
        drop(control);
        shared.sent.ring();
        settled
    }

    /// The consumer is gone, cleanly or not, and gives back what it holds. A second call finds
    /// nothing.
    pub(super) fn give_back(&mut self, shared: &Shared<T>, in_order: bool) {
        if mem::replace(&mut self.is_gone, true) {
            return;
        }
        let windows = self.older.drain(..).chain(self.window.take());
        shared.control().disconnect(shared.time.now(), self.client, windows, in_order);
        self.view = None;
        self.held.clear();
        self.coming.clear();
        shared.sent.ring();
    }
}
