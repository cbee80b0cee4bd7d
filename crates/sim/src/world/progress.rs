//! Progress that a sink keeps beside the effects: what it is asked, and what it answers.

use entrega_clients::sinks::ChosenSink;
use entrega_model::event::EffectVerdict;
use entrega_model::log::Offset;
use entrega_model::{Instant, MessageId, PartitionId};

/// A call for progress.
#[derive(Clone, Copy)]
pub(crate) enum ProgressRequest {
    /// Where the consumer of a partition goes on.
    Offset(PartitionId),
    /// Whether a message has a row in the inbox table.
    Row(MessageId),
    /// The progress past a message without its effect.
    Pass { partition: PartitionId, offset: Offset },
}

impl ProgressRequest {
    /// What a sink answers.
    pub(super) fn put_to(self, sink: &mut ChosenSink, now: Instant) -> ProgressAnswer {
        match self {
            Self::Offset(partition) => ProgressAnswer::Offset(sink.stored_offset(partition)),
            Self::Row(message) => ProgressAnswer::Row(sink.has_row(message, now)),
            Self::Pass { partition, offset } => {
                ProgressAnswer::Passed(sink.pass(partition, offset))
            }
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

/// What a sink answers to it.
#[derive(Clone, Copy)]
pub(crate) enum ProgressAnswer {
    Offset(Option<Offset>),
    Row(bool),
    Passed(EffectVerdict),
}

impl ProgressAnswer {
    /// As words, for a fingerprint.
    pub(super) fn words(&self) -> [u64; 2] {
        match *self {
            Self::Offset(offset) => [0, offset.map_or(u64::MAX, |offset| offset)],
            Self::Row(there) => [1, there.into()],
            Self::Passed(verdict) => [2, verdict as u64],
        }
    }
}
