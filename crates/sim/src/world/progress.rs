//! Sinks, and what they are asked for: effects, and progress that is kept beside them.
//!
//! A call for progress travels as one for an effect does and passes the same fault points
//! (`effect.request`, `effect.response`): to the network it is one more call to the sink.

use entrega_brokers::Broker;
use entrega_clients::CallId;
use entrega_clients::sinks::ChosenSink;
use entrega_model::event::{EffectVerdict, Kind};
use entrega_model::log::Offset;
use entrega_model::{ClientId, Delivery, MessageId, PartitionId, ProcessId, SubscriptionId};
use entrega_scenario::points::Fault;

use super::calls::{Answer, Payload, Peer, Route};
use super::{Routed, World};

/// A call for progress.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// Where the consumer of a partition goes on.
    Offset(PartitionId),
    /// Whether a message has a row in the inbox table.
    Row(MessageId),
    /// The progress past a message without its effect.
    Pass { partition: PartitionId, offset: Offset },
}

impl Ask {
    /// What a sink answers.
    fn put_to(self, sink: &mut ChosenSink) -> Told {
        match self {
            Self::Offset(partition) => Told::Offset(sink.stored_offset(partition)),
            Self::Row(message) => Told::Row(sink.has_row(message)),
            Self::Pass { partition, offset } => Told::Passed(sink.pass(partition, offset)),
        }
    }

    /// As words, for a fingerprint.
    pub(super) fn words(&self) -> [u64; 3] {
        match *self {
            Self::Offset(partition) => [0, partition.0.into(), 0],
            Self::Row(message) => [1, message.0.into(), 0],
            Self::Pass { partition, offset } => [2, partition.0.into(), offset],
        }
    }
}

/// The answer to it.
#[derive(Clone, Copy)]
pub(crate) enum Told {
    Offset(Option<Offset>),
    Row(bool),
    Passed(EffectVerdict),
}

impl Told {
    /// As words, for a fingerprint.
    pub(super) fn words(&self) -> [u64; 2] {
        match *self {
            Self::Offset(offset) => [0, offset.map_or(u64::MAX, |offset| offset)],
            Self::Row(there) => [1, there.into()],
            Self::Passed(verdict) => [2, verdict as u64],
        }
    }
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Asks a sink about progress.
    pub(crate) fn call_sink_for_progress(
        &mut self,
        client: ClientId,
        subscription: SubscriptionId,
        ask: Ask,
    ) -> CallId {
        let route = sink_route(subscription);
        self.send(client, route, Payload::AskedProgress { ask, subscription })
    }

    /// A sink decides about an effect that a consumer asks for.
    #[inline]
    pub(super) fn decide(
        &mut self,
        consumer: ProcessId,
        subscription: SubscriptionId,
        asked: &Delivery,
    ) -> EffectVerdict {
        let verdict = self.sinks[subscription.index()].apply(asked);
        let (delivery, message, key) = (asked.id, asked.record.message, asked.record.key);
        self.record(Kind::Effect { delivery, message, key, subscription, consumer, verdict });
        verdict
    }

    /// A call reaches a sink.
    pub(super) fn decide_at_sink(&mut self, id: CallId) {
        let call = self.calls.get(id);
        let consumer = call.client.process;
        match call.payload {
            Payload::Asked { delivery, subscription } => {
                let verdict = self.decide(consumer, subscription, &delivery);
                self.answer(id, Answer::Decided(verdict));
            }
            Payload::AskedProgress { ask, subscription } => {
                let told = ask.put_to(&mut self.sinks[subscription.index()]);
                self.answer(id, Answer::Progress(told));
            }
            Payload::AskedBatch { .. } => self.decide_batch(id),
            _ => {}
        }
    }
}

pub(super) fn sink_route(of: SubscriptionId) -> Route {
    Route::with_legs(Peer::Sink, [Fault::EffectRequest, Fault::EffectResponse], of)
}
