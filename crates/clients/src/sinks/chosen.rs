//! The sink that a strategy is made for, and the one list of sinks that a scenario can have.
//!
//! Simulated and live runs ask it the same questions. One that keeps no progress answers as a
//! database without that table would: there is no stored offset, there is no row, and there is
//! nothing to pass.

use entrega_model::event::EffectVerdict;
use entrega_model::fingerprint::{Fingerprint, Fingerprinted};
use entrega_model::log::Offset;
use entrega_model::{Delivery, MessageId, Model, PartitionId};

use super::{DeduplicatingSink, PlainSink, Sink, TransactionalSink};
use crate::Strategy;

/// What a sink can do: which one a strategy is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkKind {
    /// Every call is an effect.
    Plain,
    /// A message has one effect.
    Deduplicating,
    /// An effect and the progress of its consumer are one transaction.
    Transactional,
    /// The same, and the transaction does not look at the progress that was stored: known bad.
    Unconditional,
}

/// A sink in memory of any kind.
#[derive(Clone, Debug)]
pub enum ChosenSink {
    /// Every call is an effect.
    Plain(PlainSink),
    /// A message has one effect.
    Deduplicating(DeduplicatingSink),
    /// An effect and the progress of its consumer are one transaction; what progress is depends on
    /// the model.
    Transactional(TransactionalSink, Model),
}

impl ChosenSink {
    /// The sink that a strategy is made for. It has room for the ids below `messages` and grows if
    /// there are more.
    pub fn of(strategy: Strategy, model: Model, messages: usize) -> Self {
        Self::new(strategy.spec().sink, model, messages)
    }

    /// A sink of a kind, with room for the ids below `messages`.
    pub fn new(kind: SinkKind, model: Model, messages: usize) -> Self {
        match kind {
            SinkKind::Plain => Self::Plain(PlainSink),
            SinkKind::Deduplicating => {
                Self::Deduplicating(DeduplicatingSink::with_capacity(messages))
            }
            SinkKind::Transactional => {
                Self::Transactional(TransactionalSink::conditional(messages), model)
            }
            SinkKind::Unconditional => {
                Self::Transactional(TransactionalSink::unconditional(messages), model)
            }
        }
    }

    /// Decides about an effect.
    #[inline]
    pub fn apply(&mut self, delivery: &Delivery) -> EffectVerdict {
        let message = delivery.record.message;
        match self {
            Self::Plain(sink) => sink.apply(message),
            Self::Deduplicating(sink) => sink.apply(message),
            Self::Transactional(sink, Model::Log) => {
                sink.apply_at(delivery.partition, delivery.position)
            }
            Self::Transactional(sink, Model::Queue) => sink.apply_with_row(message),
        }
    }

    /// Where the consumer of a partition goes on; none if nothing is stored.
    pub fn stored_offset(&self, partition: PartitionId) -> Option<Offset> {
        match self {
            Self::Transactional(sink, _) => sink.stored_offset(partition),
            Self::Plain(_) | Self::Deduplicating(_) => None,
        }
    }

    /// Whether the sink knows a message: there is a row for it in the inbox table, or its key among
    /// those that were seen, which is the same table under another name.
    pub fn has_row(&self, message: MessageId) -> bool {
        match self {
            Self::Transactional(sink, _) => sink.has_row(message),
            Self::Deduplicating(sink) => sink.has_seen(message),
            Self::Plain(_) => false,
        }
    }

    /// Stores the progress past a message of a log without its effect. On a queue there is no
    /// progress but the row, and a message without an effect has none.
    pub fn pass(&mut self, partition: PartitionId, offset: Offset) -> EffectVerdict {
        match self {
            Self::Transactional(sink, Model::Log) => sink.apply_at(partition, offset),
            Self::Transactional(_, Model::Queue) | Self::Plain(_) | Self::Deduplicating(_) => {
                EffectVerdict::Applied
            }
        }
    }
}

impl Fingerprinted for ChosenSink {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Plain(_) => into.word(0),
            Self::Deduplicating(sink) => sink.words().for_each(|word| into.word(word)),
            Self::Transactional(sink, _) => sink.words().for_each(|word| into.word(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::{DeliveryId, Generation, Instant, Key, Record};

    use super::*;

    const KINDS: [SinkKind; 4] = [
        SinkKind::Plain,
        SinkKind::Deduplicating,
        SinkKind::Transactional,
        SinkKind::Unconditional,
    ];
    const MESSAGE: MessageId = MessageId(3);
    const PARTITION: PartitionId = PartitionId(1);
    const OFFSET: Offset = 5;

    fn delivery() -> Delivery {
        Delivery {
            id: DeliveryId(0),
            record: Record { message: MESSAGE, key: Key(0), bytes: 1 },
            partition: PARTITION,
            position: OFFSET,
            attempt: 1,
            redelivered: false,
            generation: Generation(0),
            at: Instant::START,
        }
    }

    /// Each kind on each model: what it answers after `act`, which is to be accepted.
    fn check(
        act: impl Fn(&mut ChosenSink) -> EffectVerdict,
        expect: impl Fn(SinkKind, Model) -> (bool, Option<Offset>),
    ) {
        for kind in KINDS {
            for model in [Model::Log, Model::Queue] {
                let mut sink = ChosenSink::new(kind, model, 0);
                let answers =
                    |sink: &ChosenSink| (sink.has_row(MESSAGE), sink.stored_offset(PARTITION));
                assert_eq!(answers(&sink), (false, None));
                assert_eq!(act(&mut sink), EffectVerdict::Applied);
                assert_eq!(answers(&sink), expect(kind, model), "{kind:?} on a {model}");
            }
        }
    }

    fn stored(kind: SinkKind, model: Model) -> Option<Offset> {
        let keeps = matches!(kind, SinkKind::Transactional | SinkKind::Unconditional);
        (keeps && model == Model::Log).then_some(OFFSET + 1)
    }

    /// A deduplicating sink has seen the message on either model; a transactional one keeps a row
    /// on a queue and an offset on a log.
    #[test]
    fn an_effect_leaves_its_mark_in_a_sink_that_keeps_marks() {
        check(
            |sink| sink.apply(&delivery()),
            |kind, model| match kind {
                SinkKind::Plain => (false, None),
                SinkKind::Deduplicating => (true, None),
                SinkKind::Transactional | SinkKind::Unconditional => {
                    (model == Model::Queue, stored(kind, model))
                }
            },
        );
    }

    /// Only on a log is there progress apart from the effects.
    #[test]
    fn a_message_that_is_passed_leaves_no_row() {
        let pass = |sink: &mut ChosenSink| sink.pass(PARTITION, OFFSET);
        check(pass, |kind, model| (false, stored(kind, model)));
    }
}
