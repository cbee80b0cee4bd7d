//! What consumers visit once per window, and producers once per segment, under a lock.
//!
//! A plain struct: the segments, what no consumer was given, the leases, and the sans-IO broker for
//! what came back. No body is dropped here: a segment that is done with goes to the spares, and
//! what may be the last hold on one is dropped by the visitor, after the lock.
//!
//! > **The rule.** Under the lock every message that was sent is exactly one of these: without a
//! > mark (in the queue, or given and unsettled); with the sans-IO broker, ready or in flight; a
//! > dead letter; or finished. So whatever is counted here is complete.

use std::collections::VecDeque;
use std::mem;

use entrega_model::{Duration, Instant};

use super::desk::Desk;
use super::returned::Returned;
use super::{BlockFilling, BlockView, Marks, QueueOptions};
use crate::counted::Census;
use crate::spares::Spares;
use crate::sync::Arc;

mod blocks;
mod clients;
mod deliveries;
mod leases;

pub(super) use blocks::{Room, Spare};
pub(super) use deliveries::Want;
pub(super) use leases::LeaseId;

use blocks::Blocks;
use clients::Place;
use deliveries::Run;
use leases::Leases;

/// See the module.
pub(super) struct Control<T> {
    /// Segments in which something is unsettled, including the one being filled.
    blocks: Blocks<T>,
    /// Segments to be used again.
    spares: Spares<T, Marks>,
    /// All segments that there are.
    census: Census,
    /// A producer is about to open a segment.
    opening: bool,
    /// There may be room that producers have not been woken for yet.
    freed: bool,
    next_base: u64,
    segment_len: usize,
    segments_max: usize,
    /// The place in the queue of the first message that was never fetched, and its segment, once
    /// that was looked at.
    fetched: u64,
    fresh: Option<BlockView<T>>,
    /// What was fetched, but no consumer was given; the first comes first.
    runs: VecDeque<Run>,
    leases: Leases,
    lease: Duration,
    requeue_on_disconnect: bool,
    returned: Returned<T>,
    /// Dead letters that the application holds.
    letters: usize,
    /// By client number.
    clients: Vec<Place>,
    /// The queue is closed, and every send that did not see the close is visible.
    sealed: bool,
    /// Some consumer has seen the end.
    ended: bool,
}

/// How the queue ends for a consumer that finds nothing ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Something may still come.
    NotYet,
    /// Nothing can come before somebody settles, and this consumer holds something itself.
    Held,
    /// Nothing can come any more.
    Over,
}

impl<T> Control<T> {
    /// A queue, and the writer of its first segment.
    pub(super) fn new(options: &QueueOptions) -> (Self, BlockFilling<T>) {
        let segment_len = options.segment.max(1);
        let lease = options.settings.visibility_timeout;
        let has_leases = lease != Duration::MAX;
        let census = Census::new();
        let first =
            BlockFilling::new(segment_len, Marks::new(segment_len, has_leases, census.counted()));
        let memory = Marks::memory(segment_len, has_leases);
        let mut blocks = Blocks::new(segment_len);
        blocks.push(Arc::clone(first.segment()));
        let control = Self {
            blocks,
            spares: Spares::new(segment_len, options.rotation, memory),
            census,
            opening: false,
            freed: false,
            next_base: segment_len as u64,
            segment_len,
            segments_max: options.capacity.div_ceil(segment_len).max(2),
            fetched: 0,
            fresh: None,
            runs: VecDeque::new(),
            leases: Leases::new(),
            lease,
            requeue_on_disconnect: options.settings.requeue_on_disconnect,
            returned: Returned::new(&options.settings),
            letters: 0,
            clients: Vec::new(),
            sealed: false,
            ended: false,
        };
        (control, first)
    }

    fn has_leases(&self) -> bool {
        self.lease != Duration::MAX
    }

    /// How many segments are in memory, wherever they are.
    pub(super) fn segments(&self) -> usize {
        self.census.count()
    }

    /// How many messages were sent and are not settled.
    pub(super) fn unsettled(&self) -> usize {
        self.blocks.unsettled() + self.returned.len() + self.letters
    }

    /// From now on consumers may see the end.
    pub(super) fn seal(&mut self) {
        self.sealed = true;
    }

    /// Whether anything can still come for a consumer that finds nothing ready, and has this many
    /// unsettled itself.
    pub(super) fn end_for(&mut self, own: usize) -> End {
        if !self.sealed {
            return End::NotYet;
        }
        let all = self.blocks.unsettled() + self.returned.in_flight();
        self.ended |= all == 0;
        match (all, own) {
            (0, _) => End::Over,
            (_, 0) => End::NotYet,
            _ => End::Held,
        }
    }

    /// Whether some consumer has seen the end.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether a redelivery is ready.
    pub(super) fn has_returned(&self) -> bool {
        self.returned.is_ready()
    }

    /// Whether there is room that producers have not been woken for yet.
    pub(super) fn has_freed(&self) -> bool {
        self.freed
    }

    /// The same; they are woken now.
    pub(super) fn take_freed(&mut self) -> bool {
        mem::take(&mut self.freed)
    }

    /// When the next lease may end.
    pub(super) fn next_due(&self) -> Instant {
        self.leases.next_due().min(self.returned.next_deadline().unwrap_or(Instant::NEVER))
    }
}

/// The desk of a consumer, which its place here shares with it.
pub(super) type SharedDesk = Arc<Desk>;
