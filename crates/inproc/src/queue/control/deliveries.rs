//! Deliveries: what a consumer is given next, and how what it was given ends.
//!
//! First come redeliveries, then what was fetched and not given, then what was never fetched, and
//! last what another consumer has at hand.

use std::ops::Range;

use entrega_model::queue::{DeliveryTag, Settlement};
use entrega_model::{ClientId, Instant};

use super::leases::{LeaseId, Leased};
use super::{Control, SharedDesk};
use crate::queue::BlockView;
use crate::queue::desk::Desk;
use crate::queue::returned::{Body, Redelivery};
use crate::queue::window::Window;
use crate::sync::Arc;

/// Places in the queue, in one segment, that no consumer was given.
pub(super) type Run = Range<u64>;

/// What a consumer wants.
#[derive(Clone, Copy)]
pub(in crate::queue) struct Want {
    /// Which client it is.
    pub(in crate::queue) client: ClientId,
    /// When it asks.
    pub(in crate::queue) now: Instant,
    /// How many messages its window may have.
    pub(in crate::queue) fetch: usize,
    /// How many of them it is given at once.
    pub(in crate::queue) give: usize,
}

/// First deliveries.
impl<T> Control<T> {
    /// The beginning of the segment from which a client would be given something, if there is
    /// anything that no consumer was given.
    pub(in crate::queue) fn ready_in(&mut self, client: ClientId) -> Option<u64> {
        if self.runs.is_empty() && !self.has_fresh() {
            let Run { start, end } = self.take_from_another(client)?;
            let middle = end - (end - start) / 2;
            let halves = [start..middle, middle..end];
            self.runs.extend(halves.into_iter().filter(|run| !run.is_empty()));
        }
        match self.runs.front() {
            Some(run) => Some(run.start - self.blocks.index(run.start) as u64),
            None => Some(self.fetched - self.blocks.index(self.fetched) as u64),
        }
    }

    /// Whether a window is a hold on the segment in which something was never fetched.
    #[inline]
    fn is_fresh(&self, hold: &Window<T>) -> bool {
        let fresh = self.fresh.as_ref();
        fresh.is_some_and(|fresh| Arc::ptr_eq(hold.view.segment(), fresh.segment()))
    }

    /// Whether something was never fetched.
    #[inline]
    fn has_fresh(&mut self) -> bool {
        if let Some(fresh) = &mut self.fresh {
            let fetched = (self.fetched - fresh.segment().beside().base()) as usize;
            return fresh.seen() > fetched || fresh.look() > fetched;
        }
        let block = self.blocks.of(self.fetched);
        self.fresh = block.map(|block| BlockView::new(Arc::clone(block)));
        let fetched = self.blocks.index(self.fetched);
        self.fresh.as_ref().is_some_and(|fresh| fresh.seen() > fetched)
    }

    /// Takes what another consumer has at hand, from the one that has most.
    fn take_from_another(&mut self, client: ClientId) -> Option<Run> {
        loop {
            let others = self.clients.iter().enumerate();
            let others = others.filter(|(number, _)| *number != client.process.index());
            let desks = others.filter_map(|(_, place)| place.desk.as_ref());
            let at_hand = |desk: &&SharedDesk| {
                let Range { start, end } = desk.at_hand();
                end - start
            };
            let desk = desks.max_by_key(at_hand).filter(|desk| at_hand(desk) > 0)?;
            if let Some(run) = desk.take_all() {
                return Some(run);
            }
        }
    }

    /// Whether what comes next was never fetched, and nothing else is to be done before: no lease
    /// is due, and a hold is on the right segment.
    pub(in crate::queue) fn is_fresh_next(
        &mut self,
        now: Instant,
        window: Option<&Window<T>>,
    ) -> bool {
        self.has_fresh()
            && self.runs.is_empty()
            && window.is_none_or(|hold| self.is_fresh(hold))
            && (!self.has_leases() || now < self.next_due())
    }

    /// Begins a window in the segment that [`Control::ready_in`] found, and gives the first of it
    /// at once. `window` is spent, and a hold on that segment, or there is none. `desk` is that of
    /// a client that acks. Returns whether there is anything.
    pub(in crate::queue) fn fetch(
        &mut self,
        want: Want,
        window: &mut Option<Window<T>>,
        desk: Option<&Desk>,
    ) -> bool {
        let Some(run) = self.runs.front_mut() else {
            return self.fetch_fresh(want, window, desk);
        };
        let start = run.start;
        let Some(block) = self.blocks.of(start) else { return false };
        run.start += (run.end - start).min(want.fetch as u64);
        let (index, count) = (self.blocks.index(start), (run.start - start) as usize);
        let hold = || Window::on(BlockView::new(Arc::clone(block)));
        let window = window.get_or_insert_with(hold);
        debug_assert!(Arc::ptr_eq(window.view.segment(), block), "it is on the right segment");
        if run.is_empty() {
            self.runs.pop_front();
        }
        window.view.look();
        self.enter(want, window, index..index + count, desk);
        true
    }

    /// The same, from what was never fetched.
    #[inline]
    pub(in crate::queue) fn fetch_fresh(
        &mut self,
        want: Want,
        window: &mut Option<Window<T>>,
        desk: Option<&Desk>,
    ) -> bool {
        let Some(fresh) = &self.fresh else { return false };
        let window = window.get_or_insert_with(|| Window::on(fresh.clone()));
        let is_same = window.view.follow(fresh);
        debug_assert!(is_same, "a window is a hold on the right segment");
        let start = (self.fetched - window.position(0)) as usize;
        let end = fresh.seen().min(start.saturating_add(want.fetch));
        self.fetched += (end - start) as u64;
        if end == fresh.segment().len() {
            self.fresh = None;
        }
        self.enter(want, window, start..end, desk);
        true
    }

    /// Begins a window that a client has fetched, and gives the first of it.
    #[inline]
    fn enter(
        &mut self,
        want: Want,
        window: &mut Window<T>,
        range: Range<usize>,
        desk: Option<&Desk>,
    ) {
        window.begin(range.clone(), want.give);
        let Some(desk) = desk else {
            if window.settle_all(range).1 {
                self.complete(window.position(0));
            }
            return;
        };
        let range = window.position(range.start)..window.position(range.end);
        let at_hand = window.position(window.next)..range.end;
        if self.has_leases() {
            let due = self.due(want.now);
            window.marks().lease(window.given(), due);
            window.marks().lease(window.next..window.end, Instant::NEVER);
            let given_by = Some(want.client.process.index());
            window.leases = Some(self.leases.enter(Leased { range, given_by }, due));
        }
        desk.lay(at_hand);
    }

    /// A client turns to something else, or is gone: what it has at hand of its window is any
    /// consumer's again.
    pub(in crate::queue) fn take_from(&mut self, client: ClientId, window: &mut Window<T>) {
        let next = window.position(window.next);
        if window.next < window.end
            && let Some(desk) = &self.clients[client.process.index()].desk
        {
            let run = next..desk.limit();
            desk.lay(run.end..run.end);
            self.put_run(run);
        }
        window.cut();
        if let Some(id) = window.leases
            && let Some(leased) = self.leases.get(id)
        {
            (leased.range.end, leased.given_by) = (next, None);
        }
    }

    /// Keeps the runs ascending, and joins one with the next if they touch in a segment.
    fn put_run(&mut self, run: Run) {
        if run.is_empty() {
            return;
        }
        let nth = self.runs.partition_point(|other| other.start < run.start);
        let begins_segment = self.blocks.index(run.end) == 0;
        match self.runs.get_mut(nth).filter(|next| next.start == run.end && !begins_segment) {
            Some(next) => next.start = run.start,
            None => self.runs.insert(nth, run),
        }
    }

    /// A window has ended: nothing of it is unsettled.
    pub(in crate::queue) fn end_leases(&mut self, id: LeaseId) {
        self.leases.end(id);
    }

    /// Ends the first delivery of a message with this settlement; `false` if it is too late. The
    /// mark and the message's return are one step for whoever takes the lock.
    pub(in crate::queue) fn give_back(
        &mut self,
        now: Instant,
        window: &mut Window<T>,
        index: usize,
        word: Settlement,
    ) -> bool {
        if !window.settle(index).in_time() {
            return false;
        }
        self.adopt(now, Body { view: window.view.clone(), index }, Some(word));
        self.finish_returned();
        self.complete_if_marked(window.position(0));
        true
    }

    /// Renews the lease of a first delivery; `false` if it is over.
    pub(in crate::queue) fn extend(
        &mut self,
        now: Instant,
        window: &Window<T>,
        index: usize,
    ) -> bool {
        self.advance(now);
        let is_held = window.marks().is_unsettled(index);
        if is_held && self.has_leases() {
            window.marks().lease(index..index + 1, self.due(now));
        }
        is_held
    }
}

/// Redeliveries.
impl<T> Control<T> {
    /// The broker takes over a message.
    pub(in crate::queue) fn adopt(
        &mut self,
        now: Instant,
        body: Body<T>,
        word: Option<Settlement>,
    ) {
        self.blocks.goes_away(body.position());
        self.returned.adopt(now, body, word);
    }

    /// The first redelivery that is ready, if there is one.
    pub(in crate::queue) fn redeliver(
        &mut self,
        now: Instant,
        client: ClientId,
        settle_at_delivery: bool,
    ) -> Option<Redelivery<T>> {
        if !self.returned.is_ready() {
            return None;
        }
        let redelivery = self.returned.receive(now, client, settle_at_delivery);
        self.finish_returned();
        redelivery
    }

    /// Settles a redelivery; `false` if it is too late.
    pub(in crate::queue) fn settle_returned(
        &mut self,
        now: Instant,
        client: ClientId,
        tag: DeliveryTag,
        word: Settlement,
    ) -> bool {
        self.advance(now);
        let settled = self.returned.settle(now, client, tag, word);
        self.finish_returned();
        settled
    }

    /// Whether a redelivery is still its client's.
    pub(in crate::queue) fn is_in_flight(&self, client: ClientId, tag: DeliveryTag) -> bool {
        self.returned.is_in_flight(client, tag)
    }

    /// How many leases have ended so far.
    pub(in crate::queue) fn losses(&self) -> u64 {
        self.returned.losses()
    }

    /// The oldest dead letter that the application does not hold; it holds it now.
    pub(in crate::queue) fn take_dead(&mut self) -> Option<Body<T>> {
        let dead = self.returned.take_dead();
        self.letters += usize::from(dead.is_some());
        dead
    }

    /// The application has dropped a dead letter.
    pub(in crate::queue) fn drop_letter(&mut self, position: u64) {
        self.letters -= 1;
        self.finish(position);
    }
}
