//! Calls and sleeps that nothing comes between.
//!
//! A process that waits for one thing alone does nothing until that has come. If nothing else
//! happens before, neither its request nor the answer needs a place in the table of calls or among
//! what is due: time goes on within the call, and the process goes on without having waited.
//!
//! > **The rule.** What happens, in which order, after how many steps and with which choices is the
//! > same as if the process had waited. Whenever something could come between, it does wait.

use entrega_brokers::Broker;
use entrega_clients::{CallId, Called};
use entrega_model::{ClientId, Delivery, Instant, SubscriptionId};
use entrega_scenario::points::{Fault, own_point};

use super::calls::{Answer, Caller, Payload};
use super::latency::{REQUEST, RESPONSE};
use super::sink::sink_route;
use super::{Due, Routed, World};

/// Events are handed to the observer in batches of about this many.
pub(crate) const BATCH: usize = 256;

/// How far a run may go on by itself.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    /// In steps since its beginning.
    pub(crate) steps: u64,
    /// In virtual time.
    pub(crate) latest: Instant,
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A stretch of the run begins; `on`, if processes may let time go on in it. They may not where
    /// the order of what is due is a choice.
    pub(crate) fn begin_stretch(&mut self, bound: Bound, on: bool) {
        self.bound = bound;
        self.runs_on = on && !self.times.chooses_order;
    }

    /// Sends a request of a process that waits for its answer alone.
    pub(crate) fn ask_broker(
        &mut self,
        client: ClientId,
        mut request: B::Request,
    ) -> Called<B::Response> {
        let (route, started) = (request.route(), self.now);
        let caller = || Caller { client, route, started, about: None };
        let arrival = started + self.latency(caller, route.to, REQUEST);
        let choice = self.pick_leg(route.request);
        if choice != 0 {
            let request = Payload::Request(request);
            return Called::Open(self.depart(&caller(), request, choice, arrival));
        }
        let number = self.timers.reserve();
        if !self.reaches(arrival, number) {
            let request = Payload::Request(request);
            return Called::Open(self.wait(&caller(), request, number, arrival, Due::Arrive));
        }
        self.pass_to(arrival);
        if self.now < self.broker_up_at {
            let id = self.admit(&caller(), Payload::Gone);
            self.lose(id);
            return Called::Open(id);
        }
        let answer = self.broker.handle(self.now, client, &mut request, &mut self.events);
        let Some(response) = answer else {
            let id = self.admit(&caller(), Payload::Request(request));
            self.park(id);
            self.after_arrival();
            return Called::Open(id);
        };
        let back = self.now + self.latency(caller, route.to, RESPONSE);
        let choice = self.pick_leg(route.response);
        if choice != 0 {
            let id = self.admit(&caller(), Payload::on_its_way(Answer::Response(response)));
            self.depart_back(id, route.response, choice, back);
            self.after_arrival();
            return Called::Open(id);
        }
        let number = self.timers.reserve();
        self.after_arrival();
        if !self.reaches(back, number) {
            let answer = Payload::on_its_way(Answer::Response(response));
            return Called::Open(self.wait(&caller(), answer, number, back, Due::Return));
        }
        self.pass_to(back);
        if let Some(subscription) = route.settles_for
            && self.choices.pick(own_point(Fault::SettleAfter, subscription), 2) != 0
        {
            return Called::Open(self.die_of_answer(&caller(), Answer::Response(response)));
        }
        self.runs_again(client);
        Called::Answered(response)
    }

    /// Asks a sink for an effect; `alone`, if the process waits for its answer alone.
    #[inline]
    pub(crate) fn call_sink(
        &mut self,
        client: ClientId,
        alone: bool,
        subscription: SubscriptionId,
        delivery: &Delivery,
    ) -> Called<Answer<B>> {
        let (route, started) = (sink_route(subscription), self.now);
        let about = Some((delivery.record.message, delivery.attempt));
        let caller = || Caller { client, route, started, about };
        let asked = || Payload::Asked { delivery: *delivery, subscription };
        let arrival = started + self.latency(caller, route.to, REQUEST);
        let choice = self.pick_leg(route.request);
        if choice != 0 || !alone {
            return Called::Open(self.depart(&caller(), asked(), choice, arrival));
        }
        let number = self.timers.reserve();
        if !self.reaches(arrival, number) {
            return Called::Open(self.wait(&caller(), asked(), number, arrival, Due::Arrive));
        }
        self.pass_to(arrival);
        let answer = Answer::Decided(self.decide(client.process, subscription, delivery));
        let back = self.now + self.latency(caller, route.to, RESPONSE);
        let choice = self.pick_leg(route.response);
        if choice != 0 {
            let id = self.admit(&caller(), Payload::on_its_way(answer));
            self.depart_back(id, route.response, choice, back);
            return Called::Open(id);
        }
        let number = self.timers.reserve();
        if !self.reaches(back, number) {
            let answer = Payload::on_its_way(answer);
            return Called::Open(self.wait(&caller(), answer, number, back, Due::Return));
        }
        self.pass_to(back);
        self.runs_again(client);
        Called::Answered(answer)
    }

    /// Puts a process that waits for nothing else to sleep until `at`. Says whether that time has
    /// come already; if not, the process will be woken then.
    #[inline]
    pub(crate) fn sleep_through(&mut self, client: ClientId, at: Instant) -> bool {
        let number = self.timers.reserve();
        let reaches = self.reaches(at, number);
        if reaches {
            self.pass_to(at);
            self.runs_again(client);
        } else {
            self.timers.schedule_as(number, at, Due::Wake(client));
        }
        reaches
    }

    /// Whether what is due at `at` in this place comes next, with the process that is being polled
    /// the only one to run before.
    #[inline(always)]
    fn reaches(&self, at: Instant, number: u64) -> bool {
        self.undisturbed
            && self.timers.first_place().is_none_or(|first| (at, number) < first)
            && at <= self.bound.latest
            && at < Instant::NEVER
            && self.steps + 1 < self.bound.steps
            && self.events.len() < BATCH
    }

    /// What travels for a call waits for its place in the order of things.
    #[inline(never)]
    fn wait(
        &mut self,
        caller: &Caller,
        payload: Payload<B>,
        number: u64,
        at: Instant,
        due: fn(CallId) -> Due,
    ) -> CallId {
        let id = self.admit(caller, payload);
        self.calls.get(id).legs += 1;
        self.timers.schedule_as(number, at, due(id));
        id
    }

    /// Time goes on by one step.
    #[inline]
    fn pass_to(&mut self, at: Instant) {
        self.steps += 1;
        self.go_to(at);
    }

    /// A process runs as it does when it is woken.
    #[inline]
    fn runs_again(&mut self, client: ClientId) {
        self.processes[client.process.index()].polls += 1;
        self.asked = 0;
    }

    /// An answer has reached its caller, which crashes at this very moment.
    #[cold]
    fn die_of_answer(&mut self, caller: &Caller, answer: Answer<B>) -> CallId {
        let id = self.admit(caller, Payload::Answer { answer, arrived: true });
        self.crash_at_return(caller.client.process, caller.route.settles_for);
        id
    }

    /// Whether the run is out of steps or of time.
    #[inline]
    pub(crate) fn is_out_of_bounds(&self) -> bool {
        self.steps >= self.bound.steps || self.now > self.bound.latest
    }
}

#[cfg(test)]
mod tests;
