//! The short way of a call: calls and sleeps that nothing comes between.
//!
//! A process that waits for one thing alone does nothing until that has come. If nothing else
//! happens before, neither its request nor the answer needs a place in the table of calls or among
//! what is due: time goes on within the call, and the process goes on without having waited. The
//! whole way is drawn at [`super::network`]; the short way leaves it where a [`Detour`] says.
//!
//! > **The rule.** What happens, in which order, after how many steps and with which choices is the
//! > same as if the process had waited. Whenever something could come between, it does wait.
//! > `through/tests.rs` runs both ways and compares.

use entrega_brokers::Broker;
use entrega_choice::Point;
use entrega_clients::{CallId, Called};
use entrega_model::{ClientId, Delivery, Instant, SubscriptionId};

use super::callers::DIES;
use super::calls::{Answer, Caller, Payload, Route};
use super::latency::{REQUEST, RESPONSE};
use super::sink::sink_route;
use super::{Due, Routed, World};

/// Events are passed to the observer in batches of about this many.
pub(crate) const BATCH: usize = 256;

/// Why a leg of a call takes the long way: the call takes its place in the table, with what
/// travels.
enum Detour {
    /// The leg sets out, due `at` if nothing goes wrong with it: a fault was chosen for it, or its
    /// process does something else meanwhile.
    SetsOut { choice: u32, at: Instant },
    /// Something else is due before it, so it waits in the place that was reserved for it.
    Waits { at: Instant, place: u64 },
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Sends a request of a process that waits for its answer alone.
    pub(crate) fn ask_broker(
        &mut self,
        client: ClientId,
        mut request: B::Request,
    ) -> Called<B::Response> {
        let (route, started) = (request.route(), self.now);
        let caller = || Caller { client, route, started, about: None };
        if let Err(detour) = self.request_leg(caller, &route, true) {
            return Called::Open(self.open_request(&caller(), Payload::Request(request), detour));
        }
        if self.now < self.broker_up_at {
            let id = self.admit(&caller(), Payload::Gone);
            self.lose(id);
            return Called::Open(id);
        }
        let answer = self.broker.handle(self.now, client, &mut request, &mut self.events);
        self.after_giving_up();
        let Some(response) = answer else {
            let id = self.admit(&caller(), Payload::Request(request));
            self.park(id);
            self.after_arrival();
            return Called::Open(id);
        };
        if let Err(detour) = self.response_leg(caller, &route, Self::after_arrival) {
            let answer = Answer::Response(response);
            let id = self.open_response(&caller(), answer, detour, Self::after_arrival);
            return Called::Open(id);
        }
        if let Some(point) = route.dies_after
            && self.choices.pick(point, DIES) != 0
        {
            return Called::Open(self.die_of_answer(&caller(), Answer::Response(response), point));
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
        self.note_effect_asked(client.process, subscription, delivery);
        let (route, started) = (sink_route(subscription), self.now);
        let about = Some((delivery.record.message, delivery.attempt));
        let caller = || Caller { client, route, started, about };
        if let Err(detour) = self.request_leg(caller, &route, alone) {
            let asked = Payload::Asked { delivery: *delivery, subscription };
            return Called::Open(self.open_request(&caller(), asked, detour));
        }
        if let Some(how) = self.sink_is_away(subscription, client.process, about.map(|(m, _)| m)) {
            return Called::Open(self.turned_away(&caller(), how));
        }
        let answer = Answer::Decided(self.decide(client.process, subscription, delivery));
        if let Err(detour) = self.response_leg(caller, &route, |_| {}) {
            return Called::Open(self.open_response(&caller(), answer, detour, |_| {}));
        }
        self.runs_again(client);
        Called::Answered(answer)
    }

    /// The request leg of a call. Unless there is a detour, the request has reached its peer, and
    /// it is that time now.
    #[inline(always)]
    fn request_leg(
        &mut self,
        caller: impl Fn() -> Caller,
        route: &Route,
        alone: bool,
    ) -> Result<(), Detour> {
        let at = self.now + self.latency(caller, route.to, REQUEST);
        let choice = self.pick_leg(route.request);
        if choice != 0 || !alone {
            return Err(Detour::SetsOut { choice, at });
        }
        let place = self.timers.reserve();
        self.pass_leg(at, place)
    }

    /// The response leg of a call. Unless there is a detour, the answer has reached its caller, and
    /// it is that time now. `peer_goes_on` is what the peer does once the answer has set out.
    #[inline(always)]
    fn response_leg(
        &mut self,
        caller: impl Fn() -> Caller,
        route: &Route,
        peer_goes_on: impl FnOnce(&mut Self),
    ) -> Result<(), Detour> {
        let at = self.now + self.latency(caller, route.to, RESPONSE);
        let choice = self.pick_leg(route.response);
        if choice != 0 {
            return Err(Detour::SetsOut { choice, at });
        }
        let place = self.timers.reserve();
        peer_goes_on(self);
        self.pass_leg(at, place)
    }

    /// Time goes on to the end of a leg, if nothing else is due before that.
    #[inline(always)]
    fn pass_leg(&mut self, at: Instant, place: u64) -> Result<(), Detour> {
        if !self.reaches(at, place) {
            return Err(Detour::Waits { at, place });
        }
        self.pass_to(at);
        Ok(())
    }

    /// A call takes its place in the table with its request on the way.
    #[inline(always)]
    fn open_request(&mut self, caller: &Caller, request: Payload<B>, detour: Detour) -> CallId {
        match detour {
            Detour::SetsOut { choice, at } => self.depart(caller, request, choice, at),
            Detour::Waits { at, place } => self.wait(caller, request, place, at, Due::Arrive),
        }
    }

    /// A call takes its place in the table with its answer on the way.
    #[inline(always)]
    fn open_response(
        &mut self,
        caller: &Caller,
        answer: Answer<B>,
        detour: Detour,
        peer_goes_on: impl FnOnce(&mut Self),
    ) -> CallId {
        let answer = Payload::on_its_way(answer);
        match detour {
            Detour::SetsOut { choice, at } => {
                let id = self.admit(caller, answer);
                self.depart_back(id, caller.route.response, choice, at);
                peer_goes_on(self);
                id
            }
            Detour::Waits { at, place } => self.wait(caller, answer, place, at, Due::Return),
        }
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
    fn die_of_answer(&mut self, caller: &Caller, answer: Answer<B>, point: Point) -> CallId {
        let id = self.admit(caller, Payload::Answer { answer, arrived: true });
        self.crash_at_return(caller.client.process, None, point);
        id
    }
}

#[cfg(test)]
mod tests;
