//! What a consumer does before its work if recognising a message is left to it: it asks the sink
//! for the message's key, or looks into its own memory.
//!
//! > **The rule.** It looks first and works then, and nobody looks again when the effect is
//! > applied. So whoever looks before another's effect has happened has an effect too: a zombie
//! > that stood still in between, or a second consumer. What a process keeps in memory is what it
//! > has had an answer to; it is gone with the process.
//!
//! A message that is known is done at once: it takes no time, and its effect counts as suppressed.

use std::cell::RefCell;

use entrega_brokers::Broker;
use entrega_clients::sinks::{Dedup, Keys};
use entrega_clients::{BatchError, HandlerError, TransactionalProducer, Unanswered};
use entrega_model::event::{EffectVerdict, Kind, ProcessingResult};
use entrega_model::{Delivery, Instant, MessageId};
use entrega_scenario::setup;

use super::SimHandler;
use crate::experiment::Experiment;
use crate::world::{ProgressAnswer, ProgressRequest, Routed};

/// Where a consumer looks.
pub(crate) enum Recall {
    /// In the sink, by a call of its own.
    AtSink,
    /// In its memory. It reads its clock only if that decides.
    InMemory { keys: RefCell<Keys>, reads_clock: bool },
}

impl Recall {
    /// Where the consumers of an experiment look, if they do.
    pub(crate) fn of(experiment: &Experiment<'_>) -> Option<Box<Self>> {
        let rules = setup::dedup_rules(experiment.scenario);
        match rules.dedup {
            _ if experiment.strategy.spec().sink.keeps_progress() => None,
            Dedup::None | Dedup::Atomic => None,
            Dedup::CheckThenWrite => Some(Box::new(Self::AtSink)),
            Dedup::ProcessMemory => {
                let keys = RefCell::new(Keys::new(rules.retention, 0));
                let reads_clock = rules.retention.window.is_some();
                Some(Box::new(Self::InMemory { keys, reads_clock }))
            }
        }
    }

    /// Whether a process knows more between two deliveries than its client library does.
    pub(crate) const fn is_in_memory(&self) -> bool {
        matches!(self, Self::InMemory { .. })
    }
}

impl<B: Broker, T: TransactionalProducer> SimHandler<'_, B, T>
where
    B::Request: Routed,
{
    /// Whether the effect of a message is known to have happened, so that nothing is left to do.
    pub(super) async fn knows(
        &self,
        recall: &Recall,
        delivery: &Delivery,
    ) -> Result<bool, HandlerError> {
        let is_known = match recall {
            Recall::AtSink => self.has_key(delivery).await,
            Recall::InMemory { keys, reads_clock } => {
                let now = self.reading(*reads_clock);
                Ok(keys.borrow_mut().has(self.key_of(delivery), now))
            }
        };
        match is_known {
            Ok(false) => Ok(false),
            Ok(true) => {
                self.start(delivery);
                self.suppress(delivery);
                self.end(delivery, ProcessingResult::Ok);
                Ok(true)
            }
            Err(_) => {
                self.start(delivery);
                self.end(delivery, ProcessingResult::Transient);
                Err(HandlerError::Transient)
            }
        }
    }

    /// Takes note of an effect that has been answered.
    pub(super) fn learn(&self, recall: &Recall, delivery: &Delivery) {
        if let Recall::InMemory { keys, reads_clock } = recall {
            let now = self.reading(*reads_clock);
            keys.borrow_mut().keep(self.key_of(delivery), now);
        }
    }

    /// Writes what is new of a batch. The sink does not learn of the rest.
    pub(super) async fn write_new(
        &self,
        recall: &Recall,
        batch: &[Delivery],
    ) -> Result<(), BatchError> {
        let mut new = Vec::with_capacity(batch.len());
        for delivery in batch {
            let is_known = self.knows(recall, delivery).await.map_err(|_| BatchError::Unknown)?;
            if !is_known {
                new.push(*delivery);
            }
        }
        let place = |item: usize| batch.iter().position(|one| one.id == new[item].id);
        self.write_batch(&new).await.map_err(|error| match error {
            BatchError::Item(item) => BatchError::Item(place(item).unwrap_or(item)),
            BatchError::Refused | BatchError::Unknown => error,
        })?;
        new.iter().for_each(|delivery| self.learn(recall, delivery));
        Ok(())
    }

    /// The id by which a message is recognised.
    fn key_of(&self, delivery: &Delivery) -> MessageId {
        self.link.world.borrow().recognised_by(self.subscription, delivery)
    }

    /// Whether the sink has the key of a message.
    async fn has_key(&self, delivery: &Delivery) -> Result<bool, Unanswered> {
        let answer = self.ask(ProgressRequest::Row(self.key_of(delivery))).await?;
        Ok(matches!(answer, ProgressAnswer::Row(true)))
    }

    fn reading(&self, reads_clock: bool) -> Instant {
        if !reads_clock {
            return Instant::START;
        }
        self.link.world.borrow_mut().read_clock(self.link.client.process)
    }

    fn start(&self, delivery: &Delivery) {
        let (subscription, consumer) = (self.subscription, self.link.client.process);
        let (delivery, message) = (delivery.id, delivery.record.message);
        let started = Kind::ProcessingStarted { delivery, message, subscription, consumer };
        self.link.world.borrow_mut().record(started);
    }

    fn suppress(&self, delivery: &Delivery) {
        let (subscription, consumer) = (self.subscription, self.link.client.process);
        let (verdict, key) = (EffectVerdict::Suppressed, delivery.record.key);
        let (delivery, message) = (delivery.id, delivery.record.message);
        self.link.world.borrow_mut().record(Kind::Effect {
            delivery,
            message,
            key,
            subscription,
            consumer,
            verdict,
        });
    }
}
