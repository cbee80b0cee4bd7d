//! What consumers visit once per window, and producers once per segment, under a lock.
//!
//! A plain struct: the segments, what no consumer has taken, the leases, and the sans-IO broker for
//! what came back.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use entrega_model::queue::{DeliveryTag, Settlement};
use entrega_model::{ClientId, Duration, Incarnation, Instant, ProcessId};

use super::returned::{Body, Redelivery, Returned};
use super::window::Window;
use super::{Block, BlockFilling, BlockView, Marks, QueueOptions};
use crate::spares::Spares;

/// The lease of a window.
struct Lease<T> {
    view: BlockView<T>,
    start: usize,
    end: usize,
    expires: Instant,
}

impl<T> Lease<T> {
    fn is_of(&self, window: &Window<T>) -> bool {
        self.start == window.start && Arc::ptr_eq(self.view.segment(), window.view.segment())
    }
}

/// See the module.
pub(super) struct Control<T> {
    /// Segments in which something is unsettled, including the one being filled.
    blocks: Vec<Arc<Block<T>>>,
    /// Those of them in which something was never taken; `taken` messages of the first one were.
    fresh: VecDeque<BlockView<T>>,
    taken: usize,
    /// Segments to be used again.
    spares: Spares<T, Marks>,
    /// A segment became free, and producers have not been woken for it yet.
    freed: bool,
    next_base: u64,
    segment_len: usize,
    segments_max: usize,
    leases: Vec<Lease<T>>,
    lease: Duration,
    requeue_on_disconnect: bool,
    /// Nothing is due before.
    next_due: Instant,
    returned: Returned<T>,
    /// For each client number, the incarnation that uses it next, and whether it is in use.
    clients: Vec<(Incarnation, bool)>,
    /// The queue is closed, and every send that did not see the close is visible.
    sealed: bool,
    /// Some consumer has seen the end.
    ended: bool,
}

impl<T> Control<T> {
    pub(super) fn new(options: &QueueOptions, first: &BlockFilling<T>) -> Self {
        let segment_len = first.segment().len();
        Self {
            blocks: vec![Arc::clone(first.segment())],
            fresh: VecDeque::from([BlockView::new(Arc::clone(first.segment()))]),
            taken: 0,
            spares: Spares::new(segment_len, options.rotation),
            freed: false,
            next_base: segment_len as u64,
            segment_len,
            segments_max: options.capacity.div_ceil(segment_len).max(2),
            leases: Vec::new(),
            lease: options.settings.visibility_timeout,
            requeue_on_disconnect: options.settings.requeue_on_disconnect,
            next_due: Instant::NEVER,
            returned: Returned::new(&options.settings),
            clients: Vec::new(),
            sealed: false,
            ended: false,
        }
    }

    pub(super) fn segments(&self) -> usize {
        self.blocks.len() + self.spares.len()
    }

    /// How many messages were sent and are not settled.
    pub(super) fn unsettled(&self) -> usize {
        self.unsettled_fresh() + self.returned.len()
    }

    fn unsettled_fresh(&self) -> usize {
        let unsettled = |block: &Arc<Block<T>>| block.beside().unsettled(0..block.published());
        self.blocks.iter().map(unsettled).sum()
    }

    /// From now on consumers may see the end.
    pub(super) fn seal(&mut self) {
        self.sealed = true;
    }

    /// Whether nothing more can come for a consumer that has this many unsettled itself, and finds
    /// nothing ready.
    pub(super) fn is_over(&mut self, own_fresh: usize, own_returned: usize) -> bool {
        let is_over = self.sealed
            && self.unsettled_fresh() == own_fresh
            && self.returned.in_flight() == own_returned;
        self.ended |= is_over;
        is_over
    }

    /// Whether some consumer has seen the end.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Segments.
impl<T> Control<T> {
    /// Opens a segment after the last one, which is full; `None` if too many are unsettled.
    pub(super) fn open_next(&mut self) -> Option<BlockFilling<T>> {
        if self.blocks.len() >= self.segments_max {
            return None;
        }
        let (base, len) = (self.next_base, self.segment_len);
        self.next_base += len as u64;
        let again = self.spares.take(self.blocks.len(), |marks| marks.renew(base, len));
        let filling = again.unwrap_or_else(|| BlockFilling::new(len, Marks::new(base, len)));
        self.blocks.push(Arc::clone(filling.segment()));
        self.fresh.push_back(BlockView::new(Arc::clone(filling.segment())));
        self.spares.trim(self.blocks.len(), self.segments_max);
        Some(filling)
    }

    /// Counts `count` messages of a segment as finished.
    pub(super) fn finish(&mut self, view: &BlockView<T>, count: usize) {
        if view.segment().beside().finish(count) {
            self.retire(view);
        }
    }

    /// Every message of a segment is finished: it may be used again.
    pub(super) fn retire(&mut self, view: &BlockView<T>) {
        let is_it = |block: &Arc<Block<T>>| Arc::ptr_eq(block, view.segment());
        if let Some(place) = self.blocks.iter().position(is_it) {
            let block = self.blocks.swap_remove(place);
            self.spares.put(block);
            self.spares.left_here();
            self.freed = true;
        }
    }

    /// Whether a segment became free since the last call.
    pub(super) fn take_freed(&mut self) -> bool {
        mem::take(&mut self.freed)
    }

    fn finish_returned(&mut self) {
        while let Some(body) = self.returned.next_done() {
            self.finish(&body.view, 1);
        }
    }
}

/// Clients.
impl<T> Control<T> {
    /// A name for a new consumer; `None` if there are 65 536 already.
    pub(super) fn connect(&mut self) -> Option<ClientId> {
        let place = self.clients.iter().position(|(_, used)| !used).unwrap_or(self.clients.len());
        let process = ProcessId(u16::try_from(place).ok()?);
        if place == self.clients.len() {
            self.clients.push((Incarnation(0), false));
        }
        let (incarnation, used) = &mut self.clients[place];
        *used = true;
        Some(ClientId { process, incarnation: *incarnation })
    }

    /// A consumer is gone. What it held is ready again at once if it closed cleanly; otherwise as
    /// the settings say, at once or when its lease ends.
    pub(super) fn disconnect(
        &mut self,
        now: Instant,
        client: ClientId,
        windows: impl Iterator<Item = Window<T>>,
        in_order: bool,
    ) {
        for window in windows {
            if in_order || self.requeue_on_disconnect {
                self.leases.retain(|lease| !lease.is_of(&window));
                self.take_back(now, &window.view, window.start, window.end);
            }
            self.finish(&window.view, window.acked());
        }
        if in_order {
            self.returned.close(now, client);
        }
        self.returned.disconnected(now, client);
        self.finish_returned();
        if let Some((incarnation, used)) = self.clients.get_mut(client.process.index()) {
            (*incarnation, *used) = (Incarnation(client.incarnation.0.wrapping_add(1)), false);
        }
    }

    /// Moves every unsettled message of a run to the broker.
    fn take_back(&mut self, now: Instant, view: &BlockView<T>, start: usize, end: usize) {
        let returned = &mut self.returned;
        view.segment().beside().settle_all(start..end, |index| {
            returned.adopt(now, Body { view: view.clone(), index }, None);
        });
        self.finish_returned();
    }

    /// Ends a window that is settled to its end.
    pub(super) fn end_window(&mut self, window: &Window<T>) {
        self.leases.retain(|lease| !lease.is_of(window));
        self.finish(&window.view, window.acked());
    }
}

/// Deliveries.
impl<T> Control<T> {
    /// A window of at most `max` messages that no consumer has taken, if there are any. Reuses a
    /// hold on the same segment.
    pub(super) fn take_fresh(
        &mut self,
        now: Instant,
        max: usize,
        hold: &mut Option<BlockView<T>>,
    ) -> Option<Window<T>> {
        if self.taken == self.segment_len {
            if self.fresh.len() == 1 {
                return None;
            }
            self.fresh.pop_front();
            self.taken = 0;
        }
        let view = self.fresh.front_mut()?;
        if view.seen() == self.taken && view.look() == self.taken {
            return None;
        }
        let (start, end) = (self.taken, view.seen().min(self.taken.saturating_add(max)));
        self.taken = end;
        let same = hold.take().and_then(|mut hold| hold.follow(view).then_some(hold));
        let view = same.unwrap_or_else(|| view.clone());
        if self.lease != Duration::MAX {
            let expires = now + self.lease;
            self.leases.push(Lease { view: view.clone(), start, end, expires });
            self.next_due = self.next_due.min(expires);
        }
        Some(Window::new(view, start, end))
    }

    /// Redeliveries, at most `max`; `false` if there are none.
    pub(super) fn take_returned(
        &mut self,
        now: Instant,
        client: ClientId,
        max: usize,
        settle_at_delivery: bool,
        into: &mut VecDeque<Redelivery<T>>,
    ) -> bool {
        if !self.returned.is_ready() {
            return false;
        }
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        self.returned.receive(now, client, max, settle_at_delivery, into);
        self.note_returned();
        true
    }

    /// Ends the first delivery of a message with this settlement.
    pub(super) fn give_back(&mut self, now: Instant, body: Body<T>, word: Settlement) {
        self.returned.adopt(now, body, Some(word));
        self.note_returned();
    }

    /// Settles a redelivery; `false` if it is too late.
    pub(super) fn settle_returned(
        &mut self,
        now: Instant,
        client: ClientId,
        tag: DeliveryTag,
        word: Settlement,
    ) -> bool {
        let settled = self.returned.settle(now, client, tag, word);
        self.note_returned();
        settled
    }

    /// Whether a redelivery is still its client's.
    pub(super) fn is_in_flight(&self, client: ClientId, tag: DeliveryTag) -> bool {
        self.returned.is_in_flight(client, tag)
    }

    /// Renews the lease of a window; `false` if it has ended.
    pub(super) fn extend(&mut self, now: Instant, window: &Window<T>) -> bool {
        let lease = self.leases.iter_mut().find(|lease| lease.is_of(window));
        lease.map(|lease| lease.expires = now + self.lease).is_some()
    }

    pub(super) fn take_dead(&mut self) -> Option<Body<T>> {
        self.returned.take_dead()
    }

    fn note_returned(&mut self) {
        self.finish_returned();
        self.next_due = self.returned.next_deadline().unwrap_or(Instant::NEVER).min(self.next_due);
    }

    /// When the next lease may end.
    pub(super) fn next_due(&self) -> Instant {
        self.next_due
    }

    /// Ends the leases that are due.
    pub(super) fn advance(&mut self, now: Instant) {
        if now < self.next_due {
            return;
        }
        while let Some(due) = self.leases.iter().position(|lease| lease.expires <= now) {
            let lease = self.leases.remove(due);
            self.take_back(now, &lease.view, lease.start, lease.end);
        }
        self.returned.advance(now);
        self.next_due =
            self.leases.iter().map(|lease| lease.expires).min().unwrap_or(Instant::NEVER);
        self.note_returned();
    }
}
