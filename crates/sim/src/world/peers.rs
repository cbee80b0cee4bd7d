//! Requests at the far side of a call: a broker answers them or parks them, a sink decides, a dead
//! letter is written.

use entrega_brokers::Broker;
use entrega_clients::CallId;
use entrega_model::Instant;
use entrega_model::event::{DeadLetterReason, Kind};
use entrega_scenario::NO_PROCESS;
use entrega_scenario::points::{Fault, shared_point, yes_or_no};

use super::calls::{Answer, Payload, Peer};
use super::{Due, Routed, World};

/// How many answers there are to the question whether the broker restarts.
const RESTARTS: u32 = yes_or_no(Fault::BrokerRestart);

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A request reaches its peer.
    #[inline(always)]
    pub(super) fn arrive(&mut self, id: CallId) {
        let call = self.calls.get(id);
        call.legs -= 1;
        match call.route.to {
            Peer::Broker if self.now < self.broker_up_at => self.lose(id),
            Peer::Broker => {
                let goodbye = !self.held.is_empty() && self.is_goodbye(id);
                self.offer(id);
                if goodbye {
                    self.expiry();
                }
                self.after_arrival();
            }
            Peer::Sink => self.decide_at_sink(id),
            Peer::DeadLetters => self.store_dead_letter(id),
        }
    }

    /// A client that leaves by itself ends its session, as a client library does whose application
    /// takes too long.
    fn is_goodbye(&mut self, id: CallId) -> bool {
        let Payload::Request(request) = &self.calls.get(id).payload else { return false };
        request.is_goodbye()
    }

    /// After a request has reached the broker: it may restart at that moment.
    #[inline(always)]
    pub(super) fn after_arrival(&mut self) {
        self.maybe_restart_broker();
        if self.broker.is_replicated() {
            self.maybe_fail_over();
        }
        self.maybe_lose_broker();
        self.after_broker();
    }

    #[inline]
    fn maybe_restart_broker(&mut self) {
        let point = shared_point(Fault::BrokerRestart);
        if self.choices.pick(point, RESTARTS) != 0 {
            self.fault(point, 1, NO_PROCESS, None);
            self.restart_broker();
        }
    }

    /// Lets the broker answer a request or park it.
    #[inline(always)]
    fn offer(&mut self, id: CallId) {
        let call = self.calls.get(id);
        let was_parked = call.parked;
        let Payload::Request(request) = &mut call.payload else { return };
        let answer = self.broker.handle(self.now, call.client, request, &mut self.events);
        self.after_giving_up();
        match answer {
            Some(response) => {
                self.calls.get(id).parked = false;
                self.answer(id, Answer::Response(response));
            }
            None if was_parked => self.parked.push(id),
            None => self.park(id),
        }
    }

    /// The broker keeps a request for later.
    #[inline]
    pub(super) fn park(&mut self, id: CallId) {
        let call = self.calls.get(id);
        let Payload::Request(request) = &call.payload else { return };
        let deadline = self.broker.deadline_of(request);
        call.parked = true;
        call.patient = true;
        self.parked.push(id);
        if deadline != Instant::NEVER {
            call.legs += 1;
            self.timers.schedule(deadline, Due::Unpark(id));
        }
    }

    /// Offers every parked request again, in the order in which they were parked.
    #[inline(never)]
    pub(super) fn offer_parked(&mut self) {
        loop {
            std::mem::swap(&mut self.parked, &mut self.offered);
            for number in 0..self.offered.len() {
                let id = self.offered[number];
                self.offer(id);
            }
            self.offered.clear();
            if !self.broker.take_changed() {
                return;
            }
        }
    }

    /// The deadline of a parked request has come.
    pub(super) fn unpark(&mut self, id: CallId) {
        let call = self.calls.get(id);
        call.legs -= 1;
        if call.parked {
            self.parked.retain(|&parked| parked != id);
            self.offer_alone(id);
        } else {
            self.calls.release(id);
        }
    }

    /// As [`World::offer`], kept out of line.
    #[cold]
    fn offer_alone(&mut self, id: CallId) {
        self.offer(id);
    }

    fn store_dead_letter(&mut self, id: CallId) {
        let Payload::Asked { delivery, subscription } = self.calls.get(id).payload else { return };
        let message = delivery.record.message;
        let reason = DeadLetterReason::Client;
        self.record(Kind::DeadLettered { message, subscription, reason });
        self.answer(id, Answer::Done);
    }
}
