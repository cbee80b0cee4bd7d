//! A settle and a publish in one step: the ideal that no product has.
//!
//! > **The rule** (semantics.md 2.1, S9). An ack and what was made of the message take place both
//! > or neither: both if the delivery is still its client's to settle. What is published is read
//! > downstream at once, and that is the effect.
//!
//! It stands here for what is *missing* in real queues. AMQP 0-9-1 transactions (`tx`) cover
//! publishes and acks, but are atomic for a single queue only, and RabbitMQ promises not even that
//! under a fault [RMQ-SEM].

use entrega_model::event::{EffectVerdict, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Response, Settlement};
use entrega_model::{ClientId, Event, Instant, Kind, Output, SubscriptionId};

use super::QueueBroker;
use super::bound_queue::{Step, Word};

impl QueueBroker {
    /// Answers such a step.
    #[cold]
    pub(super) fn settle_and_publish(
        &mut self,
        now: Instant,
        from: ClientId,
        (of, tag): (SubscriptionId, Option<DeliveryTag>),
        output: Option<Output>,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        if !self.settings.atomic_publish {
            return Response::NotAtomic;
        }
        let Some(queue) = self.queues.get_mut(of.index()) else { return Response::UnknownQueue };
        if let Some(tag) = tag.filter(|tag| !queue.is_in_flight(from, *tag)) {
            return Response::Stale { tags: vec![tag] };
        }
        ground_truth.extend(output.map(|output| Event {
            at: now,
            kind: Kind::Effect {
                delivery: output.delivery,
                message: output.record.message,
                key: output.record.key,
                subscription: of,
                consumer: from.process,
                verdict: EffectVerdict::Applied,
            },
        }));
        let mut step = Step::new(now, &self.settings, &mut self.changed, ground_truth);
        if let Some(tag) = tag {
            let trigger = SettleTrigger::Application;
            queue.settle(from, tag, Word { settlement: Settlement::Ack, trigger }, &mut step);
        }
        Response::Settled { tags: Vec::new() }
    }
}
