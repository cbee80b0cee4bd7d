//! One step of time: what is due next happens.
//!
//! All that most steps need is inlined into the loop over them; what is rare is a function.

use entrega_brokers::Broker;
use entrega_model::Instant;

use super::{Due, Routed, World};

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Lets time jump to what is due next, and does it, or to the latest instant of the stretch if
    /// that comes before. `false` if nothing is due.
    #[inline(always)]
    pub(crate) fn step(&mut self) -> bool {
        if self.release_calm() {
            return true;
        }
        if self.times.chooses_order {
            return self.step_by_choice();
        }
        let Some(at) = self.timers.next_at() else { return false };
        if at > self.bound.latest {
            return self.runs_out_of_time();
        }
        let Some((at, due)) = self.timers.next() else { return false };
        self.go_to(at);
        self.happen(due);
        true
    }

    /// As [`World::step`], where the order of what is due at one instant is a choice.
    #[cold]
    fn step_by_choice(&mut self) -> bool {
        if self.is_next_too_late() {
            return self.runs_out_of_time();
        }
        let Some((at, due)) = self.next_chosen() else { return false };
        self.go_to(at);
        self.happen_apart(due);
        self.after(due);
        true
    }

    #[inline]
    pub(super) fn go_to(&mut self, at: Instant) {
        self.keep_house(at);
        self.now = at;
        self.choices.clock(at.as_nanos());
    }

    /// As [`World::happen`], off the way that most things take.
    #[cold]
    pub(super) fn happen_apart(&mut self, due: Due) {
        self.happen(due);
    }

    #[inline(always)]
    fn happen(&mut self, due: Due) {
        match due {
            Due::Arrive(call) => self.arrive(call),
            Due::Return(call) => self.come_back(call),
            Due::TimeOut(call) => self.time_out(call),
            Due::Unpark(call) => self.unpark(call),
            Due::Wake(client) => self.wake_life(client),
            Due::Resume(client) => self.resume(client),
            Due::Overdue(hold) => self.overdue(hold),
            Due::Start(process) => self.start(process),
            Due::Change(number) => self.change(number),
            Due::Roll(subscription) => self.roll(subscription),
            Due::Kill(client) => self.kill(client),
            Due::Disconnect(client) => self.disconnect(client),
            Due::Broker => self.advance_broker(),
            Due::BrokerBack => self.broker_comes_back(),
            Due::SinkBack(subscription) => self.sink_comes_back(subscription),
            Due::Idle(poll) => self.end_poll(poll),
        }
    }

    /// Lets the broker tidy up whenever it would have on the way to `at`.
    #[inline(always)]
    fn keep_house(&mut self, at: Instant) {
        if self.broker.next_housekeeping().is_some_and(|due| due <= at) {
            self.keep_house_until(at);
        }
    }

    #[cold]
    fn keep_house_until(&mut self, at: Instant) {
        while let Some(due) = self.broker.next_housekeeping()
            && due <= at
        {
            self.now = due;
            self.broker.advance(due, &mut self.events);
            self.after_giving_up();
            self.after_broker();
        }
    }
}
