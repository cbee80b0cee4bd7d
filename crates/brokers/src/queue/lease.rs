//! Leases: how long a delivery may stay unsettled (SQS visibility timeout, JetStream `AckWait`).
//!
//! > **The rule.** A lease starts at the delivery, and anew at every extension; nothing else stops
//! > or prolongs it, least of all the health of the client [SQS-VIS].
//!
//! All leases have the same length, so they run out in the order in which they began: a ring is
//! enough. A settle leaves its entry behind; the entry is *moot*. Moot entries are dropped when
//! they reach the front, so the front always tells the true next deadline, and all at once when
//! they outnumber the others. A lease of [`claim_min_idle`](super::Features::claim_min_idle) does
//! not end by itself: when it has run out its delivery is *open*, until somebody claims it. The
//! bound of 12 hours that SQS sets to all extensions together is not modelled.

use std::collections::VecDeque;

use entrega_model::queue::DeliveryTag;
use entrega_model::{Duration, Instant};

use super::in_flight::Slot;

/// When the lease of one delivery runs out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    pub(super) expires: Instant,
    pub(super) tag: DeliveryTag,
    pub(super) slot: Slot,
}

/// All leases of a queue, the earliest first.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    length: Duration,
    running: VecDeque<Lease>,
    /// What may be claimed, the longest idle first.
    open: VecDeque<Lease>,
}

impl Leases {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, running: VecDeque::new(), open: VecDeque::new() }
    }

    /// When a lease that begins now runs out; [`Instant::NEVER`] is never.
    pub(super) fn end_of(&self, now: Instant) -> Instant {
        now + self.length
    }

    #[inline]
    pub(super) fn begin(&mut self, lease: Lease) {
        if lease.expires != Instant::NEVER {
            self.running.push_back(lease);
        }
    }

    /// The lease that runs out first.
    #[inline]
    pub(super) fn first(&self) -> Option<&Lease> {
        self.running.front()
    }

    /// All of them, moot ones among them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.running.iter()
    }

    /// Drops moot entries from the front.
    #[inline]
    pub(super) fn drop_moot(&mut self, is_live: impl Fn(&Lease) -> bool) {
        while self.running.front().is_some_and(|lease| !is_live(lease)) {
            self.running.pop_front();
        }
        while self.open.front().is_some_and(|lease| !is_live(lease)) {
            self.open.pop_front();
        }
    }

    /// From now on, what is due by `now` may be claimed; says whether something is.
    pub(super) fn lay_open(&mut self, now: Instant) -> bool {
        let due = self.running.partition_point(|lease| lease.expires <= now);
        self.open.extend(self.running.drain(..due));
        due > 0
    }

    /// What may be claimed, moot entries among it.
    pub(super) fn open(&self) -> impl Iterator<Item = &Lease> {
        self.open.iter()
    }

    /// Drops moot entries everywhere.
    pub(super) fn sweep(&mut self, is_live: impl Fn(&Lease) -> bool) {
        self.running.retain(&is_live);
        self.open.retain(is_live);
    }

    pub(super) fn clear(&mut self) {
        let Self { length: _, running, open } = self;
        running.clear();
        open.clear();
    }

    /// How many there are, moot ones among them.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.running.len() + self.open.len()
    }
}
