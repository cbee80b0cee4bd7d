//! One write for many messages: a sink that takes a whole batch, all or nothing.
//!
//! For the network it is one call with one request and one response leg. The effects happen in one
//! instant, when the request arrives. The buffer that carries the batch comes back.

use entrega_brokers::Broker;
use entrega_clients::CallId;
use entrega_model::{ClientId, Delivery, SubscriptionId};

use super::calls::{Answer, Payload};
use super::sink::sink_route;
use super::{Routed, World};

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Asks a sink for the effects of a batch.
    pub(crate) fn call_sink_with_batch(
        &mut self,
        client: ClientId,
        subscription: SubscriptionId,
        batch: &[Delivery],
    ) -> CallId {
        for asked in batch {
            self.note_effect_asked(client.process, subscription, asked);
        }
        let route = sink_route(subscription);
        let mut carried = self.spare_batches.pop().unwrap_or_default();
        carried.extend_from_slice(batch);
        let about = batch.first().map(|first| (first.record.message, first.attempt));
        self.send(client, route, about, Payload::AskedBatch { batch: carried, subscription })
    }

    /// A batch reaches its sink.
    pub(super) fn decide_batch(&mut self, id: CallId) {
        let call = self.calls.get(id);
        let consumer = call.client.process;
        let Payload::AskedBatch { batch, subscription } = &mut call.payload else { return };
        let (mut batch, subscription) = (std::mem::take(batch), *subscription);
        for asked in batch.drain(..) {
            self.decide(consumer, subscription, &asked);
        }
        self.spare_batches.push(batch);
        self.answer(id, Answer::Done);
    }
}
