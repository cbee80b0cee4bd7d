//! What a restart forgets: messages that were stored and settles that were recorded a short while
//! ago, and had not been written to the disk.
//!
//! > **The rule.** With [`Forgets`], a restart of the broker is the end of its machine's power: of
//! > what it confirmed within the last `of_the_last` it knows nothing. A message that was stored is
//! > not there; one that was settled is there again, in its old place. What it never confirmed to
//! > be flushed it may confirm all the same: publisher and consumer know of nothing.
//!
//! A message that is forgotten is forgotten by the dedup window too, which a broker reads from what
//! it has stored; a copy that was moved back from the dead letters was never sent to it. One that
//! was both stored and settled within the span is just not there.
//!
//! What is noted for it is a queue of recent events; a broker that forgets nothing has none.
//!
//! Sources: JetStream flushes every `sync_interval`, 2 min by default [JEPSEN-NATS]; Pulsar writes
//! a cursor once a second; `semantics.md` 2.4, 3.8 to 3.10.

use std::collections::VecDeque;

use entrega_model::event::RemoveReason;
use entrega_model::{Duration, Fingerprint, Fingerprinted, Instant, Kind, SubscriptionId};

use super::QueueSettings;
use super::bound_queue::{BoundQueue, Step};
use super::dedup::DedupWindow;
use super::ready::Stored;
use super::settings::Forgets;

/// What was stored and settled within the span.
#[derive(Clone, Debug)]
pub(super) struct Unflushed {
    forgets: Forgets,
    /// The oldest first.
    stored: VecDeque<(Instant, SubscriptionId, u64)>,
    settled: VecDeque<(Instant, SubscriptionId, Stored)>,
}

impl Unflushed {
    /// As it is set, if anything is ever forgotten.
    pub(super) fn of(settings: &QueueSettings) -> Option<Box<Self>> {
        let forgets = settings.forgets?;
        let (stored, settled) = (VecDeque::new(), VecDeque::new());
        (forgets.messages || forgets.settles).then(|| Box::new(Self { forgets, stored, settled }))
    }

    /// Notes nothing, and keeps the memory.
    pub(super) fn clear(&mut self) {
        let Self { forgets: _, stored, settled } = self;
        stored.clear();
        settled.clear();
    }

    /// A copy was stored.
    #[cold]
    pub(super) fn stored(&mut self, now: Instant, queue: SubscriptionId, sequence: u64) {
        if self.forgets.messages {
            drop_old(&mut self.stored, |(at, ..)| is_flushed(now, *at, self.forgets.of_the_last));
            self.stored.push_back((now, queue, sequence));
        }
    }

    /// A copy was settled.
    #[cold]
    pub(super) fn settled(&mut self, now: Instant, queue: SubscriptionId, stored: Stored) {
        if self.forgets.settles {
            drop_old(&mut self.settled, |(at, ..)| is_flushed(now, *at, self.forgets.of_the_last));
            self.settled.push_back((now, queue, stored));
        }
    }

    /// The broker restarts and forgets.
    pub(super) fn forget(
        &mut self,
        queues: &mut [BoundQueue],
        dedup: &mut Option<DedupWindow>,
        step: &mut Step<'_>,
    ) {
        let (now, span) = (step.now, self.forgets.of_the_last);
        drop_old(&mut self.stored, |(at, ..)| is_flushed(now, *at, span));
        drop_old(&mut self.settled, |(at, ..)| is_flushed(now, *at, span));
        for &(_, id, sequence) in &self.stored {
            self.settled.retain(|(_, of, copy)| (*of, copy.sequence) != (id, sequence));
            let queue = &mut queues[id.index()];
            let is_of_producer = queue.is_of_producer(sequence);
            let Some(copy) = queue.forget(sequence) else { continue };
            let (message, reason) = (copy.record.message, RemoveReason::BrokerLoss);
            step.tell(Kind::Removed { message, subscription: Some(id), reason });
            let window = dedup.as_mut().filter(|_| is_of_producer);
            window.into_iter().for_each(|window| window.forget_message(message));
        }
        for (_, id, copy) in self.settled.drain(..) {
            step.tell(Kind::SettleForgotten { message: copy.record.message, subscription: id });
            queues[id.index()].restore(copy, step);
        }
        self.stored.clear();
    }

    /// Enters what is not flushed by now. A copy is named by how many others come before it, in the
    /// order in which they were stored and in that of their places; one that was stored and is gone
    /// for good makes no difference any more.
    pub(super) fn fingerprint(&self, queues: &[BoundQueue], into: &mut Fingerprint<'_>) {
        let (now, span) = (into.now(), self.forgets.of_the_last);
        let settled = || self.settled.iter().filter(|one| !is_flushed(now, one.0, span));
        for (queue, id) in queues.iter().zip((0..).map(SubscriptionId)) {
            let settled = || settled().filter(|(_, of, _)| *of == id);
            let known = queue.copies().copied().chain(settled().map(|(.., copy)| *copy));
            let known: Vec<Stored> = known.collect();
            let before = |sequence: u64| known.iter().filter(|one| one.sequence < sequence).count();
            let stored = self.stored.iter().filter(|one| one.1 == id);
            for (at, _, sequence) in stored.filter(|one| !is_flushed(now, one.0, span)) {
                if known.iter().any(|copy| copy.sequence == *sequence) {
                    into.flag(true);
                    into.time(*at);
                    into.count(before(*sequence));
                }
            }
            into.flag(false);
            for (at, _, copy) in settled() {
                into.flag(true);
                into.time(*at);
                into.count(before(copy.sequence));
                into.count(known.iter().filter(|one| one.place < copy.place).count());
                copy.record.fingerprint(into);
                into.word(u64::from(copy.delivery_count) << 16 | u64::from(copy.failures));
            }
            into.flag(false);
        }
    }
}

/// Whether something is on the disk by now.
fn is_flushed(now: Instant, at: Instant, span: Duration) -> bool {
    now.since(at) >= span
}

fn drop_old<T>(noted: &mut VecDeque<T>, is_old: impl Fn(&T) -> bool) {
    while noted.front().is_some_and(&is_old) {
        noted.pop_front();
    }
}
