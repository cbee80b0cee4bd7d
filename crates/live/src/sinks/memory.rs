//! The sinks of the simulator, live. They keep everything in memory and never fail.
//!
//! Whatever a live run asks for keeps its keys for ever, so it never matters here what time it is.

use entrega_clients::sinks::ChosenSink;
use entrega_model::event::EffectVerdict;
use entrega_model::log::Offset;
use entrega_model::{Delivery, Instant, MessageId, PartitionId};

use super::{LiveSink, SinkError};

impl LiveSink for ChosenSink {
    fn apply(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError> {
        Ok(Self::apply(self, delivery, Instant::START))
    }

    fn apply_all(&mut self, batch: &[Delivery]) -> Result<Vec<EffectVerdict>, SinkError> {
        Ok(batch.iter().map(|delivery| Self::apply(self, delivery, Instant::START)).collect())
    }

    fn stored_offset(&mut self, partition: PartitionId) -> Result<Option<Offset>, SinkError> {
        Ok(Self::stored_offset(self, partition))
    }

    fn has_row(&mut self, message: MessageId) -> Result<bool, SinkError> {
        Ok(Self::has_row(self, message, Instant::START))
    }

    fn pass(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError> {
        Ok(Self::pass(self, delivery.partition, delivery.position))
    }

    fn blocks(&self) -> bool {
        false
    }
}
