//! Leases: when what was given to a consumer comes back.
//!
//! > **The rule.** Each message has its own lease, from when it is given to the application; its
//! > end stands beside the message ([`Marks`]). Here stands, for each window,
//! > when to look there next: never later than its first lease ends, and mostly once per lease.
//!
//! To enter a window and to end it costs the same however many there are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use entrega_model::Instant;

use crate::queue::returned::Body;
use crate::queue::{BlockView, Marks};
use crate::sync::Arc;

/// Names the leases of a window: its place, and how often the place was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::queue) struct LeaseId {
    place: u32,
    use_number: u32,
}

/// A window with leases.
#[derive(Clone, Debug)]
pub(super) struct Leased {
    /// Places in the queue, of what was given; for a window that is still being given, of all that
    /// was fetched.
    pub(super) range: Range<u64>,
    /// The client whose window it is now; its desk knows how much of it was given.
    pub(super) given_by: Option<usize>,
}

/// Windows with leases, by when to look at each.
pub(super) struct Leases {
    places: Vec<(u32, Option<Leased>)>,
    free: Vec<u32>,
    /// The earliest first; some are of windows that have ended.
    queue: BinaryHeap<Reverse<(Instant, LeaseId)>>,
}

impl Leases {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), queue: BinaryHeap::new() }
    }

    /// Enters a window, to be looked at when `due`.
    pub(super) fn enter(&mut self, leased: Leased, due: Instant) -> LeaseId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            self.places.len() as u32 - 1
        });
        let (use_number, slot) = &mut self.places[place as usize];
        *slot = Some(leased);
        let id = LeaseId { place, use_number: *use_number };
        self.look_at(id, due);
        id
    }

    /// A window, unless it has ended.
    pub(super) fn get(&mut self, id: LeaseId) -> Option<&mut Leased> {
        let (use_number, leased) = &mut self.places[id.place as usize];
        leased.as_mut().filter(|_| *use_number == id.use_number)
    }

    /// A window has ended. What stands of it in the queue is removed when that is half of it.
    pub(super) fn end(&mut self, id: LeaseId) {
        if self.get(id).is_none() {
            return;
        }
        let (use_number, leased) = &mut self.places[id.place as usize];
        (*use_number, *leased) = (use_number.wrapping_add(1), None);
        self.free.push(id.place);
        let live = self.places.len() - self.free.len();
        if self.queue.len() > 2 * live + 64 {
            let Self { places, queue, .. } = self;
            queue.retain(|Reverse((_, id))| {
                let (use_number, leased) = &places[id.place as usize];
                leased.is_some() && *use_number == id.use_number
            });
        }
    }

    /// Look at a window when `due`.
    pub(super) fn look_at(&mut self, id: LeaseId, due: Instant) {
        self.queue.push(Reverse((due, id)));
    }

    /// When to look next.
    pub(super) fn next_due(&self) -> Instant {
        self.queue.peek().map_or(Instant::NEVER, |Reverse((due, _))| *due)
    }

    /// A window to look at now; returns each once.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<LeaseId> {
        while self.next_due() <= now {
            let Reverse((_, id)) = self.queue.pop()?;
            if self.get(id).is_some() {
                return Some(id);
            }
        }
        None
    }
}

impl<T> super::Control<T> {
    /// Ends the leases that are due.
    #[inline]
    pub(in crate::queue) fn advance(&mut self, now: Instant) {
        if now >= self.next_due() {
            self.end_due(now);
        }
    }

    /// Ends them in the order in which they are due.
    #[cold]
    fn end_due(&mut self, now: Instant) {
        let (mut seen, mut over) = (Vec::new(), Vec::new());
        while let Some(id) = self.leases.pop_due(now) {
            seen.push((id, self.end_due_of(now, id, &mut over)));
        }
        for (id, due) in seen {
            match due {
                Some(due) => self.leases.look_at(id, due),
                None => self.leases.end(id),
            }
        }
        over.sort_by_key(|(due, body)| (*due, body.position()));
        self.returned.advance(now);
        self.take_back(now, over.into_iter().map(|(_, body)| body).collect());
    }

    /// Marks what is due of a window as settled here, and adds it to `over`. Returns when to look
    /// at the window again, if ever.
    fn end_due_of(&mut self, now: Instant, id: LeaseId, over: &mut Over<T>) -> Option<Instant> {
        let Leased { range, given_by } = self.leases.get(id)?.clone();
        let at_hand = given_by.and_then(|client| self.clients[client].at_hand());
        let is_given_out = at_hand.as_ref().is_none_or(Range::is_empty);
        let given = at_hand.map_or(range.end, |rest| rest.start.clamp(range.start, range.end));
        let first =
            self.settle_due(range.start..given, |marks, index| marks.is_due(index, now), over);
        let later = now + self.lease;
        let next = first.into_iter().chain((!is_given_out).then_some(later)).min();
        next.map(|next| next.min(later))
    }

    /// Marks the unsettled messages of a run that are due as settled here, and adds them to `over`.
    /// Returns when the next lease of the others ends.
    fn settle_due(
        &self,
        run: Range<u64>,
        is_due: impl Fn(&Marks, usize) -> bool,
        over: &mut Over<T>,
    ) -> Option<Instant> {
        let block = self.blocks.of(run.start)?;
        let from = self.blocks.index(run.start);
        let range = from..from + (run.end - run.start) as usize;
        let (marks, view) = (block.beside(), BlockView::new(Arc::clone(block)));
        marks.settle_if(
            range.clone(),
            |index| is_due(marks, index),
            |index| {
                let due = if self.has_leases() { marks.due(index) } else { Instant::START };
                over.push((due, Body { view: view.clone(), index }));
            },
        );
        if self.has_leases() { marks.next_due(range) } else { None }
    }

    /// Moves every unsettled message of a run to the broker.
    pub(super) fn take_back_all(&mut self, now: Instant, run: Range<u64>) {
        let mut over = Vec::new();
        self.settle_due(run, |_, _| true, &mut over);
        self.take_back(now, over.into_iter().map(|(_, body)| body).collect());
    }

    /// Moves messages, which are marked as settled, to the broker: all of them, before anything
    /// that the broker is through with is finished, so that no segment is done with before.
    fn take_back(&mut self, now: Instant, bodies: Vec<Body<T>>) {
        let mut bases: Vec<u64> = Vec::new();
        for body in bodies {
            bases.push(body.view.segment().beside().base());
            self.adopt(now, body, None);
            self.returned.note_loss();
        }
        self.finish_returned();
        bases.dedup();
        bases.into_iter().for_each(|base| self.complete_if_marked(base));
    }

    /// When a lease that begins now ends.
    pub(in crate::queue) fn due(&self, now: Instant) -> Instant {
        now + self.lease
    }
}

/// Messages whose delivery has ended, with the end of their lease.
type Over<T> = Vec<(Instant, Body<T>)>;
