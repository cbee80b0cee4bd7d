//! The sinks of the simulator, live. They keep everything in memory and never fail.

use entrega_clients::sinks::{DeduplicatingSink, PlainSink, Sink, TransactionalSink};
use entrega_model::event::EffectVerdict;
use entrega_model::log::Offset;
use entrega_model::{Delivery, MessageId, Model, PartitionId};

use super::{LiveSink, SinkError};

/// A sink in memory.
#[derive(Clone, Debug)]
pub enum MemorySink {
    /// Every call is an effect.
    Plain(PlainSink),
    /// A message has one effect.
    Deduplicating(DeduplicatingSink),
    /// An effect and the progress of its consumer are one step; what progress is depends on the
    /// model.
    Transactional(TransactionalSink, Model),
}

impl LiveSink for MemorySink {
    fn apply(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError> {
        let message = delivery.record.message;
        Ok(match self {
            Self::Plain(sink) => sink.apply(message),
            Self::Deduplicating(sink) => sink.apply(message),
            Self::Transactional(sink, Model::Log) => {
                sink.apply_at(delivery.partition, delivery.position)
            }
            Self::Transactional(sink, Model::Queue) => sink.apply_with_row(message),
        })
    }

    fn apply_all(&mut self, batch: &[Delivery]) -> Result<Vec<EffectVerdict>, SinkError> {
        batch.iter().map(|delivery| self.apply(delivery)).collect()
    }

    fn stored_offset(&mut self, partition: PartitionId) -> Result<Option<Offset>, SinkError> {
        Ok(match self {
            Self::Transactional(sink, _) => sink.stored_offset(partition),
            _ => None,
        })
    }

    fn has_row(&mut self, message: MessageId) -> Result<bool, SinkError> {
        Ok(match self {
            Self::Transactional(sink, _) => sink.has_row(message),
            Self::Deduplicating(sink) => sink.has_seen(message),
            Self::Plain(_) => false,
        })
    }

    /// On a queue there is no progress but the row, and a message without an effect has none.
    fn pass(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError> {
        Ok(match self {
            Self::Transactional(sink, Model::Log) => {
                sink.apply_at(delivery.partition, delivery.position)
            }
            _ => EffectVerdict::Applied,
        })
    }

    fn blocks(&self) -> bool {
        false
    }
}
