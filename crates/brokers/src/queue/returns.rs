//! How deliveries end without success, and what comes back.
//!
//! > **The rule.** A delivery that ends by a nack, by a reject with requeue, by its lease or with
//! > its connection is no success. Its message is ready again, at once or after a delay, unless it
//! > was delivered too often.

use entrega_model::queue::Response;
use entrega_model::{ClientId, Event, Instant, Kind, SubscriptionId};

use super::QueueBroker;
use super::bound_queue::{BoundQueue, Step};
use super::consumers::End;
use super::dead_letter::{GivenUp, limit_reached};
use super::ready::Stored;
use super::rules::Return;
use super::settings::{AtLeaseEnd, LimitChecked};

impl QueueBroker {
    /// A consumer leaves cleanly: what it had unsettled is ready again.
    pub(super) fn close(
        &mut self,
        now: Instant,
        from: ClientId,
        queue: SubscriptionId,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let Some(queue) = self.queues.get_mut(queue.index()) else {
            return Response::UnknownQueue;
        };
        queue.release(from, &mut Step::new(now, &self.settings, &mut self.changed, ground_truth));
        Response::Closed
    }
}

impl BoundQueue {
    /// Makes everything ready again that `client` has unsettled, and forgets it.
    pub(super) fn release(&mut self, client: ClientId, step: &mut Step<'_>) {
        self.release_by(client, Return::Disconnect, step);
    }

    fn release_by(&mut self, client: ClientId, how: Return, step: &mut Step<'_>) {
        self.note_leaving(client, step);
        let mut unsettled = self.consumers.remove(client);
        while let Some(slot) = unsettled.oldest() {
            let ended = self.in_flight.end(slot, &mut unsettled);
            let stored = ended.stored;
            if step.settings.rules.hear_late() {
                self.consumers.note_end(End::silent(&ended, how));
            }
            step.tell(Kind::Requeued {
                message: stored.record.message,
                subscription: self.id,
                consumer: client.process,
            });
            self.end_without_success(stored, how, step);
        }
    }

    /// The connection of `client` is gone; what it has in flight stays so for its lease.
    pub(super) fn leave(&mut self, client: ClientId, step: &mut Step<'_>) {
        self.note_leaving(client, step);
        self.consumers.leave(client);
    }

    /// Ends the leases that are due, and makes ready what has waited long enough.
    pub(super) fn advance(&mut self, step: &mut Step<'_>) {
        if step.settings.features.claim_min_idle.is_some() {
            *step.changed |= self.in_flight.lay_open(step.now);
        }
        while let Some(slot) = self.in_flight.overdue(step.now) {
            let client = self.in_flight.get(slot).client;
            let stored = self.end(slot, None, step);
            step.tell(Kind::LeaseExpired {
                message: stored.record.message,
                subscription: self.id,
                consumer: client.process,
            });
            self.end_without_success(stored, Return::Expiry, step);
            if step.settings.rules.at_lease_end != AtLeaseEnd::ReturnMessage {
                self.release_by(client, Return::Expiry, step);
            }
        }
        while let Some(stored) = self.delayed.take_due(step.now) {
            self.put_back(stored, step);
        }
        if self.extras.is_some() {
            self.advance_extras(step);
        }
    }

    /// Forgets deliveries and consumers, but no message.
    pub(super) fn restart(&mut self, step: &mut Step<'_>) {
        let (rules, features) = (&step.settings.rules, &step.settings.features);
        self.in_flight.end_all(|mut stored| {
            if features.counts_written_at_return {
                stored.delivery_count -= 1;
            }
            self.ready.put_back(stored, rules.requeue_position);
        });
        self.restart_extras(step);
        if !rules.counts_survive_restart {
            self.ready.forget_counts();
            self.delayed.forget_counts();
        }
        self.consumers.forget_all();
        self.trim(step);
    }

    /// Takes out a copy that is in no consumer's hands, wherever it is, for good.
    pub(super) fn forget(&mut self, sequence: u64) -> Option<Stored> {
        let taken = self.take_out(sequence);
        let extras = self.extras.as_deref_mut();
        extras.map_or(taken, |extras| {
            extras.forget_copy(sequence);
            taken.or_else(|| extras.take_unconfirmed(sequence))
        })
    }

    /// Puts a copy back that was settled; it is on its way to the dead letters no more.
    pub(super) fn restore(&mut self, stored: Stored, step: &mut Step<'_>) {
        if let Some(extras) = &mut self.extras {
            extras.take_unconfirmed(stored.sequence);
        }
        self.put_back(stored, step);
    }

    /// Counts the end of a delivery if such ends count. Gives the message up if the limit is looked
    /// at now and is reached; returns it if not.
    pub(super) fn count_failure(
        &mut self,
        mut stored: Stored,
        how: Return,
        step: &mut Step<'_>,
    ) -> Option<Stored> {
        let rules = &step.settings.rules;
        if rules.limit_counts.ends(how) {
            stored.failures = stored.failures.saturating_add(1);
        }
        if rules.limit_checked == LimitChecked::AtReturn && is_spent(&stored, step) {
            self.give_up_or_keep(stored, step);
            return None;
        }
        Some(stored)
    }

    pub(super) fn end_without_success(&mut self, stored: Stored, how: Return, step: &mut Step<'_>) {
        let Some(stored) = self.count_failure(stored, how, step) else { return };
        let Some(stored) = self.unless_old(stored, step) else { return };
        let delay = step.settings.rules.redelivery_delay.of(how, stored.delivery_count);
        if delay.is_zero() {
            self.put_back(stored, step);
        } else {
            self.delayed.push(step.now + delay, stored);
        }
    }

    fn put_back(&mut self, stored: Stored, step: &mut Step<'_>) {
        self.note_return(&stored);
        self.ready.put_back(stored, step.settings.rules.requeue_position);
        *step.changed = true;
        self.trim(step);
        self.drop_expired(step);
    }

    pub(super) fn give_up_or_keep(&mut self, stored: Stored, step: &mut Step<'_>) {
        if !step.settings.rules.keeps_at_limit {
            return self.give_up(stored, GivenUp::DeliveryLimit, step);
        }
        let (message, subscription) = (stored.record.message, self.id);
        step.tell(Kind::Kept { message, subscription });
        self.kept.push(stored);
        self.pass_by(&stored, step);
    }
}

/// Whether a message was delivered too often.
pub(super) fn is_spent(stored: &Stored, step: &Step<'_>) -> bool {
    let counts = step.settings.rules.limit_counts;
    let count = if counts.deliveries { stored.delivery_count } else { stored.failures };
    limit_reached(step.settings.delivery_limit, count)
}
