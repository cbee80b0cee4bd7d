//! What a consumer holds: what it was given and has not settled, and what it has at hand.
//!
//! > **The rule.** A message is this consumer's from when it is given to the application, and not
//! > before. Code of a user (destructors of bodies) runs before anything is given, or after
//! > everything is settled, and never under the lock: if it panics, nothing is half done.

use std::collections::BTreeMap;
use std::mem;

use entrega_model::queue::{DeliveryTag, Settlement};
use entrega_model::{ClientId, Instant};

use super::consumer::Ended;
use super::control::{End, LeaseId, SharedDesk, Want};
use super::delivery::Place;
use super::desk::Desk;
use super::marks::Marked;
use super::returned::Redelivery;
use super::window::Window;
use super::{BlockView, Control, STOPPED, Shared};
use crate::sync::{Arc, Ordering};

/// See the module.
pub(super) struct Holdings<T> {
    client: ClientId,
    settle_at_delivery: bool,
    /// What is at hand of the current window, as others see it.
    desk: SharedDesk,
    /// The window from which the application gets its next message.
    pub(super) window: Option<Window<T>>,
    /// Windows that the application was given completely and has not settled completely, by the
    /// place of their first message.
    older: BTreeMap<u64, Window<T>>,
    /// A hold on the segment of the last window, for the next one.
    hold: Option<BlockView<T>>,
    /// The leases of a window that has ended, for the next visit to the queue.
    over: Option<LeaseId>,
    /// Redeliveries that the application was given.
    pub(super) held: BTreeMap<DeliveryTag, Redelivery<T>>,
    /// How many leases had ended, of any consumer, at the last look.
    losses: u64,
    is_gone: bool,
}

impl<T> Holdings<T> {
    /// The holdings of a new consumer; `None` if there are too many.
    pub(super) fn new(shared: &Shared<T>, settle_at_delivery: bool) -> Option<Self> {
        let desk = Arc::new(Desk::new(shared.barrier));
        let seen = (!settle_at_delivery).then(|| Arc::clone(&desk));
        let client = shared.control().connect(seen)?;
        Some(Self {
            client,
            settle_at_delivery,
            desk,
            window: None,
            older: BTreeMap::new(),
            hold: None,
            over: None,
            held: BTreeMap::new(),
            losses: 0,
            is_gone: false,
        })
    }

    pub(super) fn unsettled(&self) -> usize {
        let at_hand = if self.settle_at_delivery { 0 } else { self.at_hand() };
        self.unsettled_given() + at_hand
    }

    fn unsettled_given(&self) -> usize {
        let windows = self.window.iter().chain(self.older.values());
        windows.map(Window::unsettled).sum::<usize>() + self.held.len()
    }

    pub(super) fn at_hand(&self) -> usize {
        let Some(window) = &self.window else { return 0 };
        if self.settle_at_delivery {
            return window.end - window.next;
        }
        self.desk.limit().saturating_sub(window.position(window.next)) as usize
    }

    /// Whether a first delivery was given and is unsettled.
    pub(super) fn holds_first(&self, position: u64) -> bool {
        let window =
            self.window.iter().chain(self.older.range(..=position).next_back().map(|(_, it)| it));
        let mut found = window.filter_map(|window| Some((window.index_of(position)?, window)));
        found.any(|(index, window)| window.marks().is_unsettled(index))
    }

    /// Gives what is at hand, at most `max` messages; `None` if the queue must be asked.
    #[inline(always)]
    pub(super) fn give(&mut self, shared: &Shared<T>, max: usize) -> Option<Place> {
        let flags = shared.flags.load(Ordering::Relaxed);
        let window = self.window.as_mut().filter(|window| window.next < window.end)?;
        if flags != 0 && (flags & STOPPED != 0 || !self.settle_at_delivery) {
            return None;
        }
        let from = window.next;
        let to = window.end.min(from.saturating_add(max));
        if self.settle_at_delivery {
            window.next = to;
            return Some(Place::First(from, to));
        }
        if shared.has_leases() {
            window.marks().lease(from..to, shared.time.now() + shared.leased);
        }
        window.next = to;
        if self.desk.gives(window.position(to)) {
            return Some(Place::First(from, to));
        }
        self.give_what_is_left(shared, from, to)
    }

    /// Another consumer has taken some of what would be given.
    #[cold]
    fn give_what_is_left(&mut self, shared: &Shared<T>, from: usize, to: usize) -> Option<Place> {
        let window = self.window.as_mut()?;
        let control = shared.control();
        let upto = self.desk.gives_at_most(window.position(from), window.position(to));
        drop(control);
        window.next = (upto - window.position(0)) as usize;
        (window.next > from).then_some(Place::First(from, window.next))
    }

    /// Gives what the queue has for this consumer, at most `max` messages, if there is anything.
    #[inline]
    pub(super) fn look(&mut self, shared: &Shared<T>, max: usize) -> Option<Result<Place, Ended>> {
        match self.look_for_fresh(shared, max) {
            Some(place) => Some(Ok(place)),
            None => self.look_for_all(shared, max),
        }
    }

    /// A consumer that has settled all of its window, and goes on to messages that no consumer has
    /// fetched. Where anything else is to be done, it does nothing.
    #[inline]
    fn look_for_fresh(&mut self, shared: &Shared<T>, max: usize) -> Option<Place> {
        if self.window.is_some()
            || shared.prefetch != 0
            || shared.flags.load(Ordering::Relaxed) != 0
        {
            return None;
        }
        let mut control = shared.control();
        let now = if shared.has_leases() { shared.time.now() } else { Instant::START };
        if !control.is_fresh_next(now, self.hold.as_ref()) {
            return None;
        }
        if let Some(id) = self.over.take() {
            control.end_leases(id);
        }
        let (client, fetch) = (self.client, max.max(shared.window));
        let want = Want { client, now, fetch, give: max };
        let desk = (!self.settle_at_delivery).then_some(&*self.desk);
        let window = control.fetch_fresh(want, &mut self.hold, desk)?;
        let place = Place::First(window.start, window.next);
        self.window = Some(window);
        Some(place)
    }

    /// The same, whatever there is to do.
    #[cold]
    fn look_for_all(&mut self, shared: &Shared<T>, max: usize) -> Option<Result<Place, Ended>> {
        loop {
            if shared.flags.load(Ordering::Relaxed) & STOPPED != 0 {
                return Some(Err(Ended::Stopped));
            }
            let mut spent = Vec::new();
            let mut control = shared.control();
            let now = if shared.has_leases() { shared.time.now() } else { Instant::START };
            control.advance(now);
            self.put_aside(&mut control, &mut spent);
            self.forget_lost(&control, &mut spent);
            let ready_in = control.ready_in(self.client);
            spent
                .extend(self.hold.take_if(|hold| Some(hold.segment().beside().base()) != ready_in));
            if spent.is_empty() {
                return self.look_at(shared, &mut control, now, max, ready_in.is_some());
            }
        }
    }

    /// Gives something, under the lock. Nothing is left to drop.
    fn look_at(
        &mut self,
        shared: &Shared<T>,
        control: &mut Control<T>,
        now: Instant,
        max: usize,
        is_ready: bool,
    ) -> Option<Result<Place, Ended>> {
        let own = self.unsettled_given();
        let credit = match shared.prefetch {
            0 => usize::MAX,
            prefetch => (prefetch as usize).saturating_sub(own),
        };
        if credit == 0 {
            return Some(Err(Ended::PrefetchUsedUp));
        }
        if let Some(redelivery) = control.redeliver(now, self.client, self.settle_at_delivery) {
            let tag = redelivery.received.tag;
            self.held.insert(tag, redelivery);
            return Some(Ok(Place::Again(tag)));
        }
        let (client, give) = (self.client, credit.min(max));
        let want = Want { client, now, fetch: credit.min(max.max(shared.window)), give };
        let desk = (!self.settle_at_delivery).then_some(&*self.desk);
        if is_ready && let Some(window) = control.fetch(want, &mut self.hold, desk) {
            let place = Place::First(window.start, window.next);
            self.window = Some(window);
            return Some(Ok(place));
        }
        match control.end_for(own) {
            End::NotYet => None,
            End::Held => Some(Err(Ended::Unsettled)),
            End::Over => Some(Err(Ended::Closed)),
        }
    }

    /// Ends the current window. What it has at hand is any consumer's again.
    fn put_aside(&mut self, control: &mut Control<T>, spent: &mut Vec<BlockView<T>>) {
        if let Some(id) = self.over.take() {
            control.end_leases(id);
        }
        let Some(mut window) = self.window.take() else { return };
        control.take_from(self.client, &mut window);
        if window.unsettled() > 0 {
            self.older.insert(window.position(window.start), window);
            return;
        }
        window.leases.take().into_iter().for_each(|id| control.end_leases(id));
        spent.extend(self.hold.replace(window.view));
    }

    /// Forgets what is settled although this consumer did not settle it.
    fn forget_lost(&mut self, control: &Control<T>, spent: &mut Vec<BlockView<T>>) {
        let has_lost = mem::replace(&mut self.losses, control.losses()) != control.losses();
        if !has_lost && !self.settle_at_delivery {
            return;
        }
        let over = self.older.iter().filter(|(_, window)| window.unsettled() == 0);
        for place in over.map(|(place, _)| *place).collect::<Vec<_>>() {
            spent.extend(self.older.remove(&place).map(|window| window.view));
        }
        let lost = self.held.keys().filter(|tag| !control.is_in_flight(self.client, **tag));
        for tag in lost.copied().collect::<Vec<_>>() {
            spent.extend(self.held.remove(&tag).map(|held| held.body.view));
        }
    }

    /// Acks a run of the current window and returns whether it was in time for all of it.
    #[inline]
    pub(super) fn ack_first(&mut self, shared: &Shared<T>, from: usize, to: usize) -> bool {
        let Some(window) = &mut self.window else { return false };
        let (settled, is_last) = match to - from {
            1 => {
                let marked = window.settle(from);
                (usize::from(marked.in_time()), marked == Marked::Last)
            }
            _ => window.settle_all(from..to),
        };
        if is_last || window.has_ended() {
            self.end_current(shared, is_last);
        }
        shared.tell_settled();
        settled == to - from
    }

    /// The current window has ended, or its segment is complete. Only a lease, or the end of the
    /// segment, needs the lock. The hold on the segment goes first, so that the segment can be used
    /// again at once.
    #[cold]
    fn end_current(&mut self, shared: &Shared<T>, is_last: bool) {
        let base = self.window.as_ref().map(|window| window.position(0));
        let mut view = None;
        if let Some(mut window) = self.window.take_if(|window| window.has_ended()) {
            if let Some(id) = window.leases.take()
                && let Some(before) = self.over.replace(id)
            {
                shared.control().end_leases(before);
            }
            let is_at_end = window.end == window.block().len();
            view = Some(window.view).filter(|_| !is_at_end);
        }
        self.hold = view.or(self.hold.take());
        if is_last && let Some(base) = base {
            shared.control().complete(base);
        }
    }

    /// Settles a first delivery.
    pub(super) fn settle_first(
        &mut self,
        shared: &Shared<T>,
        position: u64,
        word: Settlement,
    ) -> bool {
        let older = self.older.range_mut(..=position).next_back().map(|(_, window)| window);
        let mut windows = self.window.iter_mut().chain(older);
        let found = windows.find_map(|window| Some((window.index_of(position)?, window)));
        let Some((index, window)) = found else { return false };
        let settled = match word {
            Settlement::Ack => {
                let marked = window.settle(index);
                if marked == Marked::Last {
                    shared.control().complete(window.position(0));
                }
                marked.in_time()
            }
            Settlement::Extend => {
                let mut control = shared.control();
                return control.extend(shared.time.now(), window, index);
            }
            Settlement::Requeue | Settlement::Reject => {
                let mut control = shared.control();
                let settled = control.give_back(shared.time.now(), window, index, word);
                drop(control);
                shared.sent.ring();
                settled
            }
        };
        if window.has_ended() {
            let place = window.position(window.start);
            self.end_window(shared, place);
        }
        shared.tell_settled();
        settled
    }

    /// A window, current or older, has ended.
    fn end_window(&mut self, shared: &Shared<T>, place: u64) {
        match self.older.remove(&place) {
            Some(mut window) => {
                if let Some(id) = window.leases.take() {
                    shared.control().end_leases(id);
                }
            }
            None => self.end_current(shared, false),
        }
    }

    /// Settles a redelivery.
    pub(super) fn settle_again(
        &mut self,
        shared: &Shared<T>,
        tag: DeliveryTag,
        word: Settlement,
    ) -> bool {
        if !self.held.contains_key(&tag) {
            return false;
        }
        let mut control = shared.control();
        let settled = control.settle_returned(shared.time.now(), self.client, tag, word);
        drop(control);
        if word != Settlement::Extend || !settled {
            self.held.remove(&tag);
        }
        shared.sent.ring();
        settled
    }

    /// The consumer is gone, cleanly or not, and gives back what it holds. A second call finds
    /// nothing.
    pub(super) fn give_back(&mut self, shared: &Shared<T>, is_clean: bool) {
        if mem::replace(&mut self.is_gone, true) {
            return;
        }
        let current = self.window.take();
        self.older.extend(current.map(|window| (window.position(window.start), window)));
        let mut control = shared.control();
        self.over.take().into_iter().for_each(|id| control.end_leases(id));
        let windows = self.older.values_mut();
        control.disconnect(shared.time.now(), self.client, windows, is_clean);
        drop(control);
        shared.sent.ring();
        drop((mem::take(&mut self.older), mem::take(&mut self.held), self.hold.take()));
    }
}
