//! Sinks: what they are asked for, and how they decide.
//!
//! A call for progress travels as one for an effect does and passes the same fault points
//! (`effect.request`, `effect.response`): to the network it is one more call to the sink.

use entrega_brokers::Broker;
use entrega_clients::CallId;
use entrega_model::event::{EffectVerdict, Kind};
use entrega_model::{ClientId, Delivery, MessageId, ProcessId, SubscriptionId};
use entrega_scenario::points::Fault;

use super::calls::{Answer, Payload, Peer, Route};
use super::progress::ProgressRequest;
use super::{Routed, World};

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Asks a sink about progress.
    pub(crate) fn call_sink_for_progress(
        &mut self,
        client: ClientId,
        subscription: SubscriptionId,
        request: ProgressRequest,
    ) -> CallId {
        let route = sink_route(subscription);
        self.send(client, route, None, Payload::AskedProgress { request, subscription })
    }

    /// The id by which a sink recognises the message of a delivery: the producer's or the broker's,
    /// which on a log is where the record stands.
    #[inline]
    pub(crate) fn recognised_by(
        &self,
        subscription: SubscriptionId,
        delivery: &Delivery,
    ) -> MessageId {
        match self.times.broker_ids {
            None => delivery.record.message,
            Some(partitions) => {
                let stored = self.broker.stored_id(subscription, delivery.position);
                let is_log = self.broker.next_tag(subscription) == 0;
                debug_assert!(is_log || stored.is_some(), "a queue that does not remember its ids");
                let place = || delivery.position * partitions + u64::from(delivery.partition.0);
                MessageId(stored.unwrap_or_else(place) as u32)
            }
        }
    }

    /// A sink decides about an effect that a consumer asks for.
    #[inline]
    pub(super) fn decide(
        &mut self,
        consumer: ProcessId,
        subscription: SubscriptionId,
        asked: &Delivery,
    ) -> EffectVerdict {
        let id = self.recognised_by(subscription, asked);
        let verdict = self.sinks[subscription.index()].apply_as(id, asked, self.now);
        let (delivery, message, key) = (asked.id, asked.record.message, asked.record.key);
        self.record(Kind::Effect { delivery, message, key, subscription, consumer, verdict });
        verdict
    }

    /// A call reaches a sink.
    pub(super) fn decide_at_sink(&mut self, id: CallId) {
        let call = self.calls.get(id);
        let client = call.client;
        let consumer = client.process;
        let message = call.about.map(|(message, _)| message);
        if let Some(subscription) = call.payload.asks_sink_of()
            && let Some(how) = self.sink_is_away(subscription, consumer, message)
        {
            return self.turn_away(id, how);
        }
        let call = self.calls.get(id);
        match call.payload {
            Payload::Asked { delivery, subscription } => {
                let verdict = self.decide(consumer, subscription, &delivery);
                self.answer(id, Answer::Decided(verdict));
            }
            Payload::AskedProgress { request, subscription } => {
                let answer =
                    request.put_to(&mut self.sinks[subscription.index()], client, self.now);
                self.answer(id, Answer::Progress(answer));
            }
            Payload::AskedBatch { .. } => self.decide_batch(id),
            _ => {}
        }
    }
}

pub(super) fn sink_route(of: SubscriptionId) -> Route {
    Route::with_legs(Peer::Sink, [Fault::EffectRequest, Fault::EffectResponse], of)
}
