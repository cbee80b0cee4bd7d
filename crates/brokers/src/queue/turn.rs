//! Whose turn it is, where the place in line alone does not say.
//!
//! > **The rule.** A consumer gets first what an earlier life of its process had unsettled, then
//! > what has been idle for so long that it may claim it, then what is first in line and not held
//! > back: by the lock of its key, by a cap, or by another consumer that is served alone. What was
//! > delivered too often or is too old when its turn comes is given up instead.
//!
//! Only queues with [`Features`](super::Features), or that look at the limit at the delivery, come
//! here; all others deliver the head of the line.

use entrega_model::queue::Received;
use entrega_model::{ClientId, Kind};

use super::bound_queue::{BoundQueue, Step, Wanted, begin_delivery};
use super::ready::Stored;
use super::returns::is_spent;
use super::rules::Return;
use super::settings::LimitChecked;

impl BoundQueue {
    /// Whether there is nothing that a client could be given.
    #[inline]
    pub(super) fn has_nothing_for(&self, client: ClientId) -> bool {
        self.ready.is_empty() && (self.extras.is_none() || self.has_nothing_aside_for(client))
    }

    #[cold]
    fn has_nothing_aside_for(&self, client: ClientId) -> bool {
        self.in_flight.first_open().is_none() && self.earlier_life(client).is_none()
    }

    /// Delivers one message after another.
    #[cold]
    pub(super) fn deliver_one_by_one(
        &mut self,
        from: ClientId,
        wanted: Wanted,
        deliveries: &mut Vec<Received>,
        step: &mut Step<'_>,
    ) {
        let is_soft = step.settings.features.max_in_flight.is_some_and(|cap| cap.is_soft);
        let (has_room, grows) = (self.has_room(from), self.may_grow());
        for _ in 0..wanted.max {
            let has_room = has_room && (is_soft || self.has_room(from));
            let fits = has_room && self.has_credit(from, step);
            if !fits && !wanted.settle_at_delivery {
                break;
            }
            let grows = if is_soft { grows } else { self.may_grow() };
            let Some(stored) = self.next_for(from, grows, step) else { break };
            let consumer = self.consumers.entry(from);
            let stored = begin_delivery(
                self.id,
                &mut self.in_flight,
                consumer,
                stored,
                wanted,
                deliveries,
                step,
            );
            self.note_delivery(&stored, from);
            self.count_earlier(&stored, deliveries);
            if wanted.settle_at_delivery {
                self.finish(&stored, step);
            }
        }
        self.drop_expired(step);
    }

    /// Of a copy that is tried again, the consumer is told of the deliveries before that too.
    fn count_earlier(&self, stored: &Stored, deliveries: &mut [Received]) {
        let tried = self.extras.as_ref().map_or(0, |it| it.retries.tried(stored.sequence));
        if let Some(last) = deliveries.last_mut().filter(|_| tried > 0) {
            last.delivery_count = last.delivery_count.saturating_add(tried);
        }
    }

    /// Whether a client may have one more unsettled.
    fn has_credit(&self, client: ClientId, step: &Step<'_>) -> bool {
        let prefetch = step.settings.prefetch;
        prefetch == 0 || self.unsettled_count(client) < prefetch
    }

    /// How much is in flight to a client.
    pub(super) fn unsettled_count(&self, client: ClientId) -> u32 {
        self.consumers.find(client).map_or(0, |consumer| consumer.unsettled.len())
    }

    fn next_for(&mut self, from: ClientId, grows: bool, step: &mut Step<'_>) -> Option<Stored> {
        let active = self.extras.as_ref().and_then(|extras| extras.active);
        if active.is_some_and(|active| active != from) {
            return None;
        }
        let own = self.take_own(from, step).or_else(|| self.claim(step));
        own.or_else(|| self.next_in_line(grows, step))
    }

    /// The first message that is neither given up nor held back.
    fn next_in_line(&mut self, grows: bool, step: &mut Step<'_>) -> Option<Stored> {
        loop {
            self.clear_head(step);
            let head = self.ready.first()?;
            let extras = self.extras.as_mut();
            if !grows && extras.as_ref().is_some_and(|it| head.sequence >= it.window.end()) {
                return None;
            }
            let stored = self.ready.take()?;
            if extras.is_none_or(|extras| !extras.groups.hold(stored)) {
                return Some(stored);
            }
        }
    }

    /// Gives up what is at the head and will not be delivered.
    fn clear_head(&mut self, step: &mut Step<'_>) {
        self.drop_expired(step);
        while step.settings.rules.limit_checked == LimitChecked::AtDelivery
            && let Some(stored) = self.ready.take_returned_if(|first| is_spent(first, step))
        {
            self.give_up_or_keep(stored, step);
            self.drop_expired(step);
        }
    }

    /// Takes the oldest delivery of an earlier life of the process, if it reads its own.
    fn take_own(&mut self, client: ClientId, step: &mut Step<'_>) -> Option<Stored> {
        while let Some(earlier) = self.earlier_life(client) {
            let slot = self.consumers.find(earlier)?.unsettled.oldest()?;
            let stored = self.end_silently(slot, Return::Disconnect, step);
            let (message, subscription) = (stored.record.message, self.id);
            step.tell(Kind::Requeued { message, subscription, consumer: earlier.process });
            let stored = self.fit_again(stored, Return::Disconnect, step);
            if stored.is_some() {
                return stored;
            }
        }
        None
    }

    /// An earlier life of the client's process that has something unsettled.
    fn earlier_life(&self, client: ClientId) -> Option<ClientId> {
        let reads_own = self.extras.as_ref().is_some_and(|it| it.features.restart_reads_own);
        if reads_own { self.consumers.earlier_life(client) } else { None }
    }

    /// Takes the delivery that has been idle for the longest time, if it may be claimed.
    fn claim(&mut self, step: &mut Step<'_>) -> Option<Stored> {
        while let Some(slot) = self.in_flight.first_open() {
            let consumer = self.in_flight.get(slot).client.process;
            let stored = self.end_silently(slot, Return::Expiry, step);
            let (message, subscription) = (stored.record.message, self.id);
            step.tell(Kind::LeaseExpired { message, subscription, consumer });
            let stored = self.fit_again(stored, Return::Expiry, step);
            if stored.is_some() {
                return stored;
            }
        }
        None
    }

    /// Whether a message whose delivery ended without success may be delivered again at once; if
    /// not, it is given up here.
    fn fit_again(&mut self, stored: Stored, how: Return, step: &mut Step<'_>) -> Option<Stored> {
        let stored = self.count_failure(stored, how, step)?;
        if is_spent(&stored, step) {
            self.give_up_or_keep(stored, step);
            return None;
        }
        let stored = self.unless_old(stored, step)?;
        self.unless_expired(stored, step)
    }
}
