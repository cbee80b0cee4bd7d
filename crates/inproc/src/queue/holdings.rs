//! What a consumer holds: what it was given and has not settled, and what it has at hand.
//!
//! > **The rule.** A message is this consumer's from when it is given to the application, and not
//! > before. Code of a user (destructors of bodies, wakers of producers) runs before anything is
//! > given, or after everything is settled, and never under the lock: if it panics, nothing is half
//! > done. The one exception: a consumer that settles at delivery makes room by what it is given,
//! > so if a producer's waker panics then, that is lost, as if the consumer had died.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

use entrega_model::queue::{DeliveryTag, Settlement};
use entrega_model::{ClientId, Instant};

use super::consumer::Ended;
use super::control::{End, SharedDesk, Want};
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
    /// The window from which the application gets its next message; spent, a hold on a segment.
    pub(super) window: Option<Window<T>>,
    /// Windows that the application was given completely and has not settled completely, by the
    /// place of their first message.
    older: BTreeMap<u64, Window<T>>,
    /// What the application was given by the last look that found something.
    pub(super) given: Place,
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
            given: Place::First(0, 0),
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
        let held = if self.settle_at_delivery { 0 } else { self.held.len() };
        windows.map(Window::unsettled).sum::<usize>() + held
    }

    pub(super) fn at_hand(&self) -> usize {
        let Some(window) = &self.window else { return 0 };
        if self.settle_at_delivery {
            return window.end - window.next;
        }
        let upto = self.desk.limit().min(window.position(window.end));
        upto.saturating_sub(window.position(window.next)) as usize
    }

    /// Whether a redelivery was given and is unsettled.
    pub(super) fn holds_again(&self, tag: DeliveryTag) -> bool {
        !self.settle_at_delivery && self.held.contains_key(&tag)
    }

    /// Whether a first delivery was given and is unsettled.
    pub(super) fn holds_first(&self, position: u64) -> bool {
        let window =
            self.window.iter().chain(self.older.range(..=position).next_back().map(|(_, it)| it));
        let mut found = window.filter_map(|window| Some((window.index_of(position)?, window)));
        found.any(|(index, window)| window.marks().is_unsettled(index))
    }

    /// Gives what is at hand, at most `max` messages; nothing if the queue must be asked.
    #[inline(always)]
    pub(super) fn give(&mut self, shared: &Shared<T>, max: usize) -> Option<Place> {
        let flags = shared.flags.load(Ordering::Relaxed);
        let window = self.window.as_mut().filter(|window| window.next < window.end)?;
        if flags != 0 && (flags & STOPPED != 0 || !self.settle_at_delivery) {
            return None;
        }
        let from = window.next;
        let mut to = window.end.min(from.saturating_add(max));
        window.next = to;
        if self.settle_at_delivery {
            return Some(Place::First(from, to));
        }
        if !self.desk.gives(window.position(to)) {
            to = self.give_what_is_left(shared, from, to)?;
        }
        if shared.has_leases() {
            self.lease_from(shared, from);
        }
        Some(Place::First(from, to))
    }

    /// The leases of what was given begin: only now, because until then it may have been another
    /// consumer's, under a lease of its own.
    fn lease_from(&self, shared: &Shared<T>, from: usize) {
        if let Some(window) = &self.window {
            window.marks().lease(from..window.next, shared.time.now() + shared.leased);
        }
    }

    /// Another consumer has taken some of what would be given. Returns where the rest ends, if
    /// there is any.
    #[cold]
    fn give_what_is_left(&mut self, shared: &Shared<T>, from: usize, to: usize) -> Option<usize> {
        let window = self.window.as_mut()?;
        let control = shared.control();
        let upto = self.desk.gives_at_most(window.position(from), window.position(to));
        drop(control);
        window.next = (upto - window.position(0)) as usize;
        (window.next > from).then_some(window.next)
    }

    /// Gives what the queue has for this consumer, at most `max` messages, if there is anything.
    #[inline]
    pub(super) fn look(&mut self, shared: &Shared<T>, max: usize) -> Option<Result<(), Ended>> {
        if self.look_for_fresh(shared, max) {
            return Some(Ok(()));
        }
        self.look_for_all(shared, max)
    }

    /// A consumer that has settled all of its window, and goes on to messages that no consumer has
    /// fetched. Where anything else is to be done, it does nothing.
    #[inline]
    fn look_for_fresh(&mut self, shared: &Shared<T>, max: usize) -> bool {
        if self.window.as_ref().is_some_and(|window| !window.is_spent())
            || shared.prefetch != 0
            || shared.flags.load(Ordering::Relaxed) != 0
        {
            return false;
        }
        let mut control = shared.control();
        let now = if shared.has_leases() { shared.time.now() } else { Instant::START };
        if !control.is_fresh_next(now, self.window.as_ref()) {
            return false;
        }
        end_leases(&mut control, self.window.as_mut());
        let (client, fetch) = (self.client, max.max(shared.window));
        let want = Want { client, now, fetch, give: max };
        self.fetch(&mut control, want, Control::fetch_fresh)
    }

    /// Gives what there is, whatever is to be done before. Code of a user comes first: what must be
    /// dropped or woken is, without the lock, and then this looks again.
    #[cold]
    fn look_for_all(&mut self, shared: &Shared<T>, max: usize) -> Option<Result<(), Ended>> {
        loop {
            if shared.flags.load(Ordering::Relaxed) & STOPPED != 0 {
                return Some(Err(Ended::Stopped));
            }
            let mut spent = Vec::new();
            let mut control = shared.control();
            let now = if shared.has_leases() { shared.time.now() } else { Instant::START };
            control.advance(now);
            self.put_aside(&mut control);
            self.forget_lost(&control, &mut spent);
            let credit = self.credit(shared);
            let wants_fresh = credit > 0 && !control.has_returned();
            let ready_in = if wants_fresh { control.ready_in(self.client) } else { None };
            let elsewhere = self.window.take_if(|window| Some(window.position(0)) != ready_in);
            spent.extend(elsewhere.map(|window| window.view));
            if spent.is_empty() && !control.has_freed() {
                return self.look_at(shared, &mut control, now, (credit, max), ready_in.is_some());
            }
        }
    }

    /// Gives something, under the lock. Nothing is left to drop.
    fn look_at(
        &mut self,
        shared: &Shared<T>,
        control: &mut Control<T>,
        now: Instant,
        (credit, max): (usize, usize),
        is_ready: bool,
    ) -> Option<Result<(), Ended>> {
        if credit == 0 {
            return Some(Err(Ended::PrefetchUsedUp));
        }
        if let Some(redelivery) = control.redeliver(now, self.client, self.settle_at_delivery) {
            let tag = redelivery.received.tag;
            self.held.insert(tag, redelivery);
            self.given = Place::Again(tag);
            return Some(Ok(()));
        }
        let (client, give) = (self.client, credit.min(max));
        let want = Want { client, now, fetch: credit.min(max.max(shared.window)), give };
        if is_ready && self.fetch(control, want, Control::fetch) {
            return Some(Ok(()));
        }
        match control.end_for(self.unsettled_given()) {
            End::NotYet => None,
            End::Held => Some(Err(Ended::Unsettled)),
            End::Over => Some(Err(Ended::Closed)),
        }
    }

    /// Begins a window, and gives the first of it.
    #[inline]
    fn fetch(
        &mut self,
        control: &mut Control<T>,
        want: Want,
        fetch: impl FnOnce(&mut Control<T>, Want, &mut Option<Window<T>>, Option<&Desk>) -> bool,
    ) -> bool {
        let desk = (!self.settle_at_delivery).then_some(&*self.desk);
        let has_begun = fetch(control, want, &mut self.window, desk);
        if let Some(window) = self.window.as_ref().filter(|_| has_begun) {
            self.given = Place::First(window.start, window.next);
        }
        has_begun
    }

    /// How many more deliveries the prefetch allows.
    fn credit(&self, shared: &Shared<T>) -> usize {
        match shared.prefetch {
            0 => usize::MAX,
            prefetch => (prefetch as usize).saturating_sub(self.unsettled_given()),
        }
    }

    /// Ends the current window. What it has at hand is any consumer's again.
    fn put_aside(&mut self, control: &mut Control<T>) {
        let Some(window) = &mut self.window else { return };
        control.take_from(self.client, window);
        if window.unsettled() == 0 {
            window.empty();
            end_leases(control, Some(window));
            return;
        }
        let place = window.position(window.start);
        self.older.extend(self.window.take().map(|window| (place, window)));
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

    /// Acks one message of the current window and returns whether it was in time. This and the next
    /// are inlined: a call would cost as much as they do.
    #[inline(always)]
    pub(super) fn ack_one(&mut self, shared: &Shared<T>, index: usize) -> bool {
        let Some(window) = &self.window else { return false };
        let marked = window.settle(index);
        self.after_acks(shared, marked == Marked::Last);
        marked.in_time()
    }

    /// Acks a run of the current window and returns whether it was in time for all of it.
    #[inline(always)]
    pub(super) fn ack_run(&mut self, shared: &Shared<T>, run: Range<usize>) -> bool {
        let Some(window) = &self.window else { return false };
        let (settled, is_last) = window.settle_all(run.clone());
        self.after_acks(shared, is_last);
        settled == run.len()
    }

    /// Tidies up after acks in the current window; `is_last` says that one of them completed its
    /// segment.
    #[inline(always)]
    fn after_acks(&mut self, shared: &Shared<T>, is_last: bool) {
        if is_last {
            self.end_segment(shared);
        } else if self.window.as_ref().is_some_and(Window::is_through) {
            self.end_current(shared);
        }
        shared.tell_settled();
    }

    /// The segment of the current window is complete. The hold on it goes first, so that it can be
    /// used again at once.
    #[cold]
    fn end_segment(&mut self, shared: &Shared<T>) {
        let Some(base) = self.window.as_ref().map(|window| window.position(0)) else { return };
        let through = self.window.take_if(|window| window.is_given());
        let leases = through.and_then(|window| window.leases);
        let _telling = shared.sent.rung_in_a_panic();
        let mut control = shared.control();
        leases.into_iter().for_each(|id| control.end_leases(id));
        control.complete(base);
    }

    /// The current window is at the end of its segment, which others complete.
    #[cold]
    fn end_current(&mut self, shared: &Shared<T>) {
        let leases = self.window.take().and_then(|window| window.leases);
        if let Some(id) = leases {
            shared.control().end_leases(id);
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
            Settlement::Requeue | Settlement::RejectAndRequeue | Settlement::Reject => {
                let _telling = shared.sent.rung_in_a_panic();
                let mut control = shared.control();
                let settled = control.give_back(shared.time.now(), window, index, word);
                drop(control);
                shared.sent.ring();
                settled
            }
        };
        if window.is_spent() {
            let place = window.position(window.start);
            self.end_window(shared, place);
        }
        shared.tell_settled();
        settled
    }

    /// A window, current or older, is spent.
    fn end_window(&mut self, shared: &Shared<T>, place: u64) {
        match self.older.remove(&place) {
            Some(mut window) => {
                if let Some(id) = window.leases.take() {
                    shared.control().end_leases(id);
                }
            }
            None if self.window.as_ref().is_some_and(Window::is_through) => {
                self.end_current(shared);
            }
            None => {}
        }
    }

    /// Settles a redelivery.
    pub(super) fn settle_again(
        &mut self,
        shared: &Shared<T>,
        tag: DeliveryTag,
        word: Settlement,
    ) -> bool {
        if self.settle_at_delivery {
            return false;
        }
        let Some(redelivery) = self.held.remove(&tag) else { return false };
        let _telling = shared.sent.rung_in_a_panic();
        let mut control = shared.control();
        let settled = control.settle_returned(shared.time.now(), self.client, tag, word);
        if word == Settlement::Extend && settled {
            self.held.insert(tag, redelivery);
        }
        drop(control);
        shared.sent.ring();
        settled
    }

    /// The consumer is gone, cleanly or not, and gives back what it holds. A second call finds
    /// nothing.
    pub(super) fn give_back(&mut self, shared: &Shared<T>, is_clean: bool) {
        if mem::replace(&mut self.is_gone, true) {
            return;
        }
        let _telling = shared.sent.rung_in_a_panic();
        let mut control = shared.control();
        end_leases(&mut control, self.window.as_mut().filter(|window| window.is_spent()));
        let windows = self.older.values_mut().chain(&mut self.window);
        control.disconnect(shared.time.now(), self.client, windows, is_clean);
        drop(control);
        shared.sent.ring();
        drop((mem::take(&mut self.older), mem::take(&mut self.held), self.window.take()));
    }
}

/// Nothing of a window is unsettled, so there is no lease to look at.
#[inline]
fn end_leases<T>(control: &mut Control<T>, window: Option<&mut Window<T>>) {
    if let Some(id) = window.and_then(|window| window.leases.take()) {
        control.end_leases(id);
    }
}
