//! Progress that a sink keeps beside the effects: what it is asked, and what it answers.

use entrega_clients::Prepared;
use entrega_clients::sinks::{Checkpoint, ChosenSink};
use entrega_model::event::EffectVerdict;
use entrega_model::log::Offset;
use entrega_model::{ClientId, Instant, MessageId, PartitionId};

/// A call for progress.
#[derive(Clone, Copy)]
pub(crate) enum ProgressRequest {
    /// Where the consumer of a partition goes on.
    Offset(PartitionId),
    /// Whether a message has a row in the inbox table.
    Row(MessageId),
    /// The progress past a message without its effect.
    Pass { partition: PartitionId, offset: Offset },
    /// A life begins: which transaction its last checkpoint names.
    Recover,
    /// A checkpoint is to be written.
    Checkpoint(Checkpoint),
}

impl ProgressRequest {
    /// What a sink answers to a client.
    pub(super) fn put_to(
        self,
        sink: &mut ChosenSink,
        by: ClientId,
        now: Instant,
    ) -> ProgressAnswer {
        match self {
            Self::Offset(partition) => ProgressAnswer::Offset(sink.stored_offset(partition)),
            Self::Row(message) => ProgressAnswer::Row(sink.has_row(message, now)),
            Self::Pass { partition, offset } => {
                ProgressAnswer::Passed(sink.pass(partition, offset))
            }
            Self::Recover => {
                let recovered = sink.checkpoints().and_then(|store| store.recover(by));
                ProgressAnswer::Recovered(recovered)
            }
            Self::Checkpoint(checkpoint) => {
                let written = sink.checkpoints().map(|store| store.write(by, checkpoint));
                ProgressAnswer::Stands(written == Some(true))
            }
        }
    }

    /// As words, for a fingerprint.
    pub(super) fn words(&self) -> [u64; 3] {
        match *self {
            Self::Offset(partition) => [0, partition.0.into(), 0],
            Self::Row(message) => [1, message.0.into(), 0],
            Self::Pass { partition, offset } => [2, partition.0.into(), offset],
            Self::Recover => [3, 0, 0],
            Self::Checkpoint(Checkpoint { partition, offset, prepared }) => {
                [4, u64::from(partition.0) | word_of(prepared) << 16, offset]
            }
        }
    }
}

/// What a sink answers to it.
#[derive(Clone, Copy)]
pub(crate) enum ProgressAnswer {
    Offset(Option<Offset>),
    Row(bool),
    Passed(EffectVerdict),
    Recovered(Option<Prepared>),
    Stands(bool),
}

impl ProgressAnswer {
    /// As words, for a fingerprint.
    pub(super) fn words(&self) -> [u64; 2] {
        match *self {
            Self::Offset(offset) => [0, offset.map_or(u64::MAX, |offset| offset)],
            Self::Row(there) => [1, there.into()],
            Self::Passed(verdict) => [2, verdict as u64],
            Self::Recovered(prepared) => [3, word_of(prepared)],
            Self::Stands(stands) => [4, stands.into()],
        }
    }
}

/// The id is that of the process which asks.
fn word_of(prepared: Option<Prepared>) -> u64 {
    prepared.map_or(0, |prepared| u64::from(prepared.epoch) + 1)
}
