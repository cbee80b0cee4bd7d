//! The network: how requests and answers travel, and what goes wrong with them.
//!
//! # The way of a call
//!
//! ```text
//!    process                   network                    peer
//!  ┌─────────────┐                              ┌────────────────────────┐
//!  │ send        │ ─── request leg ───────────▶ │ arrive                 │
//!  │             │     *.request:               │   broker: offer        │
//!  │             │     lost, late, duplicated   │     down: lost         │
//!  │             │                              │     parked: later      │
//!  │             │                              │   sink: decide_at_sink │
//!  │             │                              │   dead letters: stored │
//!  │ come_back   │ ◀── response leg ─────────── │ answer                 │
//!  │ *.after:    │     *.response:              │ then broker.restart    │
//!  │   crash     │     lost, late, duplicated   └────────────────────────┘
//!  │ take_answer │
//!  └─────────────┘     lost or too late: time_out
//! ```
//!
//! `*` is the purpose of the call: `send`, `receive`, `settle`, `effect`, `dead_letter`; membership
//! calls have no fault points. Each leg may arrive, be lost, be late or arrive twice. A timeout
//! exists only for a call that is late or lost, so a run without faults has no timers to cancel. A
//! duplicated request is carried out twice and answered once; a duplicated answer is recognised by
//! its call and changes nothing.
//!
//! # The short way
//!
//! The same way exists twice. [`super::through`] goes it without a place in the table of calls, for
//! a process that waits for this call alone and as long as nothing else is due before the end of a
//! leg. It leaves the short way for the one drawn here at either leg: when a fault is chosen for
//! it, or when something else is due first. Both behave alike; the short way saves more than a
//! tenth of the instructions of a message (`benches/NOTES.md`), which is why there are two.

use entrega_brokers::Broker;
use entrega_choice::Point;
use entrega_clients::CallId;
use entrega_model::purpose::Purposeful as _;
use entrega_model::{ClientId, Delivery, Instant, Kind, MessageId, ProcessId, SubscriptionId};
use entrega_scenario::Role;
use entrega_scenario::points::{self, Fault, Mishap, Zone};

use super::calls::{Answer, Call, Caller, Payload, Peer, Route};
use super::latency::REQUEST;
use super::{Due, Routed, World};

/// How many answers there are to the question what happens to a leg.
const LEG_BOUND: u32 = points::info(Fault::SettleRequest).bound();

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Sends a request to the broker.
    #[inline]
    pub(crate) fn call_broker(&mut self, client: ClientId, request: B::Request) -> CallId {
        let route = request.route();
        let about = request.sends().map(|message| (message, 0));
        self.send(client, route, about, Payload::Request(request))
    }

    /// Asks for a dead letter to be written.
    pub(crate) fn call_dead_letters(
        &mut self,
        client: ClientId,
        subscription: SubscriptionId,
        delivery: Delivery,
    ) -> CallId {
        let legs = [Fault::DeadLetterRequest, Fault::DeadLetterResponse];
        let route = Route::with_legs(Peer::DeadLetters, legs, subscription);
        let about = Some((delivery.record.message, delivery.attempt));
        self.send(client, route, about, Payload::Asked { delivery, subscription })
    }

    #[inline(always)]
    pub(super) fn send(
        &mut self,
        client: ClientId,
        route: Route,
        about: Option<(MessageId, u16)>,
        payload: Payload<B>,
    ) -> CallId {
        let started = self.now;
        let caller = Caller { client, route, started, about };
        let arrival = self.now + self.latency(|| caller, route.to, REQUEST);
        let choice = self.pick_leg(route.request);
        self.depart(&caller, payload, choice, arrival)
    }

    /// A call takes its place in the table.
    #[inline]
    pub(super) fn admit(&mut self, caller: &Caller, payload: Payload<B>) -> CallId {
        if self.idle.may_sleep && !caller.route.is_receive {
            self.acts(caller.client.process);
        }
        let issued = self.processes[caller.client.process.index()].memory.digest;
        self.calls.begin(caller, issued, payload)
    }

    /// A request sets out for its peer.
    #[inline(never)]
    pub(super) fn depart(
        &mut self,
        caller: &Caller,
        payload: Payload<B>,
        choice: u32,
        arrival: Instant,
    ) -> CallId {
        let id = self.admit(caller, payload);
        match choice {
            0 => self.leg(id, arrival, Due::Arrive(id)),
            _ => self.set_out_badly(id, caller.route.request, choice, arrival),
        }
        id
    }

    /// Something goes wrong with a request that sets out.
    #[cold]
    fn set_out_badly(&mut self, id: CallId, point: Option<Point>, choice: u32, arrival: Instant) {
        match self.note_leg(point, choice, id) {
            Some((Mishap::Lost, _)) => self.lose(id),
            Some((Mishap::Late, zone)) => self.late_leg(id, arrival, zone, Due::Arrive(id)),
            Some((Mishap::Duplicated, _)) => {
                self.leg(id, arrival, Due::Arrive(id));
                self.send_again(id, arrival);
            }
            None => self.leg(id, arrival, Due::Arrive(id)),
        }
    }

    /// Sends the same request once more, without a caller that waits for it.
    fn send_again(&mut self, id: CallId, arrival: Instant) {
        let call = self.calls.get(id);
        let payload = match &call.payload {
            Payload::Request(request) => Payload::Request(request.clone()),
            &Payload::Asked { delivery, subscription } => Payload::Asked { delivery, subscription },
            &Payload::AskedProgress { request, subscription } => {
                Payload::AskedProgress { request, subscription }
            }
            Payload::AskedBatch { batch, subscription } => {
                Payload::AskedBatch { batch: batch.clone(), subscription: *subscription }
            }
            _ => return,
        };
        let route = Route { response: None, dies_after: None, ..call.route };
        let copy = Call { payload, route, awaited: false, parked: false, waker: None, ..*call };
        let copy = self.calls.insert(Call { legs: 0, ..copy });
        self.leg(copy, arrival, Due::Arrive(copy));
    }

    /// What happens to a leg: 0 is the harmless answer.
    #[inline]
    pub(super) fn pick_leg(&mut self, point: Option<Point>) -> u32 {
        point.map_or(0, |point| self.choices.pick(point, LEG_BOUND))
    }

    /// Notes that a leg goes wrong. Returns how, and until when it is late if it is.
    fn note_leg(
        &mut self,
        point: Option<Point>,
        choice: u32,
        id: CallId,
    ) -> Option<(Mishap, Zone)> {
        let point = point?;
        let call = self.calls.get(id);
        let process = call.client.process;
        let (about, is_receive) = (call.about, call.route.is_receive);
        let concern = self.processes[process.index()].concern.filter(|_| !is_receive);
        let message = about.map(|(message, _)| message).or(concern);
        self.fault(point, choice, process, message);
        let chosen = points::describe(point).0.alternative(choice)?;
        Some((chosen.act.on_leg()?, chosen.zone))
    }

    /// Notes a fault that a choice has injected.
    #[cold]
    pub(crate) fn fault(
        &mut self,
        point: Point,
        choice: u32,
        process: ProcessId,
        message: Option<MessageId>,
    ) {
        self.record(Kind::Faulted { point: point.0, alternative: choice as u8, process, message });
    }

    #[inline]
    fn leg(&mut self, id: CallId, at: Instant, due: Due) {
        self.calls.get(id).legs += 1;
        self.timers.schedule(at, due);
    }

    /// A leg that arrives late, maybe too late for the caller.
    fn late_leg(&mut self, id: CallId, on_time: Instant, zone: Zone, due: Due) {
        if zone != Zone::Span {
            self.calls.get(id).legs += 1;
            self.hold(due, zone);
            let deadline = self.deadline(id);
            return self.time_out_at(id, deadline);
        }
        let at = on_time + self.times.late;
        self.leg(id, at, due);
        let deadline = self.deadline(id);
        if deadline < at {
            self.time_out_at(id, deadline);
        }
    }

    /// What travels for a call is lost.
    pub(super) fn lose(&mut self, id: CallId) {
        self.calls.get(id).payload = Payload::Gone;
        let deadline = self.deadline(id);
        self.time_out_at(id, deadline);
    }

    /// When the caller gives up.
    fn deadline(&mut self, id: CallId) -> Instant {
        let now = self.now;
        let call = self.calls.get(id);
        let (since, process) = (if call.patient { now } else { call.started }, call.client.process);
        let timeout = match self.processes[process.index()].role {
            Role::Producer { .. } => self.times.producer_timeout,
            Role::Consumer { .. } => self.times.consumer_timeout,
        };
        (since + timeout).max(now)
    }

    /// No answer will come before `at`, when the caller gives up, if there is one.
    pub(super) fn time_out_at(&mut self, id: CallId, at: Instant) {
        if self.calls.get(id).awaited {
            self.leg(id, at, Due::TimeOut(id));
        } else {
            self.calls.release(id);
        }
    }

    /// An answer sets out for its caller.
    #[inline(always)]
    pub(super) fn answer(&mut self, id: CallId, answer: Answer<B>) {
        let call = self.calls.get(id);
        let Route { to, response, .. } = call.route;
        if !call.awaited {
            call.payload = Payload::Gone;
            self.calls.release(id);
            return;
        }
        call.payload = Payload::on_its_way(answer);
        let latency = self.latency_back(id, to);
        let arrival = self.now + latency;
        let choice = self.pick_leg(response);
        self.depart_back(id, response, choice, arrival);
    }

    /// An answer that is in its call sets out for its caller.
    #[inline(always)]
    pub(super) fn depart_back(
        &mut self,
        id: CallId,
        point: Option<Point>,
        choice: u32,
        arrival: Instant,
    ) {
        match choice {
            0 => self.leg(id, arrival, Due::Return(id)),
            _ => self.answer_badly(id, point, choice, arrival),
        }
    }

    /// Something goes wrong with an answer that sets out. One that is duplicated changes nothing.
    #[cold]
    fn answer_badly(&mut self, id: CallId, point: Option<Point>, choice: u32, arrival: Instant) {
        match self.note_leg(point, choice, id) {
            Some((Mishap::Lost, _)) => self.lose(id),
            Some((Mishap::Late, zone)) => self.late_leg(id, arrival, zone, Due::Return(id)),
            Some((Mishap::Duplicated, _)) | None => self.leg(id, arrival, Due::Return(id)),
        }
    }
}
