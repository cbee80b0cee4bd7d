//! Delays that end in a zone instead of after a span.
//!
//! An exploration has no spans: an answer that is late by 31 seconds instead of 32 shows nothing
//! new. What matters is what happens meanwhile, so a delay ends when only timers are left
//! ([`Zone::Calm`]), just after the next deadline ([`Zone::Expiry`]), or when only timers are left
//! after that ([`Zone::Takeover`]). A deadline is the end of a lease or session, or of the time
//! from one poll to the next. What is still held when nothing else is left happens then.
//!
//! > **The rule.** A handler is slow until the deadline that stood when it became slow, renewed or
//! > not: the end of the lease of its message, or of the time until its next poll. Otherwise one
//! > whose lease is renewed meanwhile would be slow for ever, and so would not be worth a look.

use entrega_brokers::Broker;
use entrega_model::event::AbortReason;
use entrega_model::{
    ClientId, Delivery, DeliveryId, Event, Instant, Kind, ProcessId, SubscriptionId,
};
use entrega_scenario::points::{Fault, Zone, own_point, shared_point, yes_or_no};

use super::{Due, Routed, World};

/// How many answers there are to the question whether a poll gives up last.
const POLLS: u32 = yes_or_no(Fault::PollOrder);
/// How many there are to the question whether a delay goes on until a process is back.
const DELAYS: u32 = yes_or_no(Fault::DelayOrder);
/// What a process remembers of a choice, with the point and the alternative.
pub(crate) const FAULT: u64 = 6;

/// Something that waits for its zone.
#[derive(Clone, Copy)]
pub(super) struct Held {
    number: HoldId,
    pub(super) what: Due,
    pub(super) zone: Zone,
    /// A lease or session has ended since, or the deadline has come that stood when it began; what
    /// remains is to wait for calm.
    pub(super) expired: bool,
    /// When a process is back for which it waits, if it does.
    pub(super) until: Option<Instant>,
}

/// Names a delay, for the process that waits for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoldId(u32);

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Lets something happen in its zone.
    pub(super) fn hold(&mut self, what: Due, zone: Zone) -> HoldId {
        let number = HoldId(self.holds);
        self.holds += 1;
        self.undisturbed = false;
        self.held.push(Held { number, what, zone, expired: false, until: None });
        number
    }

    /// Delays a part of a process, which waits until [`World::is_held`] is false.
    pub(crate) fn hold_process(&mut self, process: ProcessId, zone: Zone) -> HoldId {
        self.hold(Due::Wake(self.processes[process.index()].client()), zone)
    }

    /// Delays a consumer that works on a delivery, until no later than its deadline as it stands
    /// now.
    pub(crate) fn hold_work(
        &mut self,
        consumer: ProcessId,
        subscription: SubscriptionId,
        delivery: &Delivery,
        zone: Zone,
    ) -> HoldId {
        let hold = self.hold_process(consumer, zone);
        if zone != Zone::Calm {
            let deadline = self.deadline_of_work(subscription, delivery);
            self.timers.schedule(deadline, Due::Overdue(hold));
        }
        hold
    }

    /// Delays a consumer that works on a delivery until a timer of its own has come due, and what
    /// follows from it at once is done. `None` if none comes due before the consumer has had the
    /// delivery for too long.
    pub(crate) fn hold_until_timer(
        &mut self,
        client: ClientId,
        delivery: &Delivery,
    ) -> Option<HoldId> {
        let subscription = self.processes[client.process.index()].role.subscription()?;
        let deadline = self.deadline_of_work(subscription, delivery);
        let is_own = |due| matches!(due, Due::Wake(of) if of == client);
        let (at, _) = self.timers.first_of(deadline, is_own)?;
        let hold = self.hold_process(client.process, Zone::Takeover);
        self.timers.schedule(at, Due::Overdue(hold));
        Some(hold)
    }

    /// When a consumer has had a delivery for too long; [`Instant::NEVER`] if there is no such
    /// deadline, or it is over.
    fn deadline_of_work(&self, subscription: SubscriptionId, delivery: &Delivery) -> Instant {
        let lease = self.broker.lease_end(subscription, delivery.position);
        let limit = self.times.max_poll_interval.filter(|_| self.has_groups());
        let poll = limit.map(|limit| delivery.at + limit);
        let deadline = lease.into_iter().chain(poll).min().unwrap_or(Instant::NEVER);
        if deadline > self.now { deadline } else { Instant::NEVER }
    }

    /// A deadline comes that stood when something was delayed. If it still stands, something else
    /// happens at this instant and ends the delay; if not, the delay ends when all is calm.
    pub(super) fn overdue(&mut self, hold: HoldId) {
        if let Some(place) = self.place_of(hold) {
            self.held[place].expired = true;
        }
    }

    /// The place of a delay among all that go on.
    pub(super) fn place_of(&self, hold: HoldId) -> Option<usize> {
        self.held.iter().position(|held| held.number == hold)
    }

    /// The process that a delay concerns, if it goes on and concerns one.
    pub(super) fn held_process(&self, hold: HoldId) -> Option<ProcessId> {
        match self.held[self.place_of(hold)?].what {
            Due::Wake(client) | Due::Resume(client) | Due::Kill(client) => Some(client.process),
            _ => None,
        }
    }

    /// Notes that a delivery has its place among other handlers; `false` if it has had it.
    pub(crate) fn places(&mut self, delivery: DeliveryId) -> bool {
        let place = self.placed.partition_point(|&known| known < delivery);
        let is_new = self.placed.get(place) != Some(&delivery);
        if is_new {
            self.placed.insert(place, delivery);
        }
        is_new
    }

    /// Lets a poll that waits no longer than now wait for what is on its way, if an exploration has
    /// chosen that.
    pub(crate) fn hold_poll(&mut self, client: ClientId) -> Option<HoldId> {
        if !self.times.chooses_order || self.is_calm() {
            return None;
        }
        let subscription = self.processes[client.process.index()].role.subscription()?;
        let point = own_point(Fault::PollOrder, subscription);
        let choice = self.choices.pick(point, POLLS);
        if choice == 0 {
            return None;
        }
        self.fault(point, choice, client.process, None);
        self.remember(client.process, &[FAULT, u64::from(point.0), u64::from(choice)]);
        Some(self.hold_process(client.process, Zone::Calm))
    }

    /// Whether a delay goes on.
    pub(crate) fn is_held(&self, hold: HoldId) -> bool {
        self.place_of(hold).is_some()
    }

    /// Whether nobody but the process that is being polled has anything to do before only timers
    /// are left.
    pub(crate) fn is_calm(&self) -> bool {
        let means_something = |at, due| self.means_something(at, due);
        !self.has_task()
            && self.held.is_empty()
            && self.due_now.is_empty()
            && !self.timers.has_due(self.now, means_something)
    }

    /// Ends one delay if its zone has come: only timers are left, or nothing at all.
    #[inline]
    pub(super) fn release_calm(&mut self) -> bool {
        !self.held.is_empty() && self.release_one()
    }

    #[cold]
    fn release_one(&mut self) -> bool {
        if self.times.chooses_order {
            self.drop_moot();
        }
        let next = self.timers.next_at();
        if !self.due_now.is_empty() || next.is_some_and(|at| at <= self.now) {
            return false;
        }
        let calm = |held: &Held| {
            let is_back = held.until.is_none_or(|at| at <= self.now);
            is_back && (held.zone == Zone::Calm || held.expired)
        };
        let is_last = next.is_none() && self.put_off.is_empty();
        let index = self.held.iter().position(calm).or(is_last.then_some(0));
        let Some(index) = index else { return false };
        if self.times.chooses_order && self.awaits_next_life(index) {
            return false;
        }
        let held = self.held.remove(index);
        self.happen_apart(held.what);
        self.after(held.what);
        true
    }

    /// Whether a delay that would be over goes on until a process that is down is back. How long
    /// that takes is a matter of spans, which an exploration does not have: either may be first.
    fn awaits_next_life(&mut self, index: usize) -> bool {
        let starts = |due| matches!(due, Due::Start(_));
        let Some((at, due)) = self.timers.first_of(Instant::NEVER, starts) else { return false };
        let Due::Start(process) = due else { return false };
        let point = shared_point(Fault::DelayOrder);
        let choice = self.choices.pick(point, DELAYS);
        if choice == 0 {
            return false;
        }
        self.fault(point, choice, process, None);
        self.held[index].until = Some(at);
        true
    }

    /// A lease or session has ended, or the time for a poll.
    #[cold]
    pub(super) fn expiry(&mut self) {
        for held in &mut self.held {
            held.expired |= held.zone == Zone::Takeover;
        }
        self.release_expired(|_| true);
    }

    /// Ends the delays until the next deadline for which that has come.
    pub(super) fn release_expired(&mut self, concerned: impl Fn(Due) -> bool) {
        let ends = |held: &Held| held.zone == Zone::Expiry && concerned(held.what);
        while let Some(index) = self.held.iter().position(ends) {
            let held = self.held.remove(index);
            self.happen_apart(held.what);
        }
    }

    /// What waited inside a process ends with its life; what it sent goes on.
    pub(super) fn drop_holds_of(&mut self, client: ClientId) {
        self.held.retain(|held| match held.what {
            Due::Wake(of) | Due::Resume(of) | Due::Kill(of) => of != client,
            _ => true,
        });
    }
}

/// Whether these events show the end of a lease or session, or of a transaction that was open for
/// too long.
pub(super) fn show_expiry(events: &[Event]) -> bool {
    events.iter().any(|event| {
        matches!(
            event.kind,
            Kind::LeaseExpired { .. }
                | Kind::SessionExpired { .. }
                | Kind::Aborted { reason: AbortReason::Expired, .. }
        )
    })
}
