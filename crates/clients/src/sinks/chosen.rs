//! The sink that a strategy is made for, and the one list of sinks that a scenario can have.
//!
//! Simulated and live runs ask it the same questions. One that keeps no progress answers as a
//! database without that table would: there is no stored offset, there is no row, and there is
//! nothing to pass.

use entrega_model::event::EffectVerdict;
use entrega_model::fingerprint::{Fingerprint, Fingerprinted};
use entrega_model::log::Offset;
use entrega_model::{Delivery, Instant, MessageId, Model, PartitionId};

use super::{
    CheckpointStore, Dedup, DedupRules, DeduplicatingSink, Keys, PlainSink, Retention, Sink,
    TransactionalSink,
};
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
    /// None: effects are records that the application writes to its broker. What it does outside
    /// of that, every call is an effect.
    Broker,
}

impl SinkKind {
    /// Whether it keeps the progress of its consumer, which keeps a second effect out; what else
    /// could recognise one is then not asked.
    pub const fn keeps_progress(self) -> bool {
        matches!(self, Self::Transactional | Self::Unconditional)
    }

    /// Whether the broker itself holds the effects, which keeps a second one out if anything does.
    pub const fn is_broker(self) -> bool {
        matches!(self, Self::Broker)
    }
}

/// A sink in memory of any kind.
#[derive(Clone, Debug)]
pub enum ChosenSink {
    /// Every call is an effect.
    Plain(PlainSink),
    /// A message has one effect.
    Deduplicating(DeduplicatingSink),
    /// It keeps the keys of what it has applied for a while, or for a look before the effect.
    Keyed {
        /// The keys.
        keys: Keys,
        /// Whether an effect is applied only if its key is not there.
        checks: bool,
    },
    /// An effect and the progress of its consumer are one transaction; what progress is depends on
    /// the model.
    Transactional(TransactionalSink, Model),
    /// Effects are records that the application writes to its broker, and it keeps its progress in
    /// checkpoints. What it does outside of that, every call is an effect.
    Checkpointed(CheckpointStore),
}

impl ChosenSink {
    /// The sink that a strategy is made for. It has room for the ids below `messages` and grows if
    /// there are more.
    pub fn of(strategy: Strategy, model: Model, messages: usize) -> Self {
        Self::new(strategy.spec().sink, model, messages)
    }

    /// The same with another way to recognise what has had its effect. A sink that keeps progress
    /// does not change.
    pub fn recognising(
        strategy: Strategy,
        model: Model,
        rules: DedupRules,
        messages: usize,
    ) -> Self {
        let (kind, DedupRules { dedup, retention }) = (strategy.spec().sink, rules);
        let keyed = |checks| Self::Keyed { keys: Keys::new(retention, messages), checks };
        match dedup {
            _ if kind.keeps_progress() || kind.is_broker() => Self::new(kind, model, messages),
            Dedup::None => Self::new(kind, model, messages),
            Dedup::Atomic if retention == Retention::default() => {
                Self::new(SinkKind::Deduplicating, model, messages)
            }
            Dedup::Atomic => keyed(true),
            Dedup::CheckThenWrite => keyed(false),
            Dedup::ProcessMemory => Self::new(SinkKind::Plain, model, messages),
        }
    }

    /// A sink of a kind, with room for the ids below `messages`.
    pub fn new(kind: SinkKind, model: Model, messages: usize) -> Self {
        match kind {
            SinkKind::Plain | SinkKind::Broker => Self::Plain(PlainSink),
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

    /// Decides about an effect, which it recognises by the id that the producer gave.
    #[inline]
    pub fn apply(&mut self, delivery: &Delivery, now: Instant) -> EffectVerdict {
        self.apply_as(delivery.record.message, delivery, now)
    }

    /// The same; it recognises the effect by this id.
    #[inline]
    pub fn apply_as(&mut self, id: MessageId, delivery: &Delivery, now: Instant) -> EffectVerdict {
        let message = delivery.record.message;
        match self {
            Self::Plain(sink) => sink.apply(message),
            Self::Deduplicating(sink) => sink.apply(id),
            Self::Keyed { keys, checks } => {
                let is_new = keys.keep(id, now);
                if is_new || !*checks { EffectVerdict::Applied } else { EffectVerdict::Suppressed }
            }
            Self::Transactional(sink, Model::Log) => {
                sink.apply_at(delivery.partition, delivery.position)
            }
            Self::Transactional(sink, Model::Queue) => sink.apply_with_row(message),
            Self::Checkpointed(_) => EffectVerdict::Applied,
        }
    }

    /// Where the consumer of a partition goes on; none if nothing is stored.
    pub fn stored_offset(&self, partition: PartitionId) -> Option<Offset> {
        match self {
            Self::Transactional(sink, _) => sink.stored_offset(partition),
            Self::Checkpointed(store) => store.offset(partition),
            Self::Plain(_) | Self::Deduplicating(_) | Self::Keyed { .. } => None,
        }
    }

    /// Whether the sink knows a message: there is a row for it in the inbox table, or its key among
    /// those that were seen, which is the same table under another name.
    pub fn has_row(&mut self, message: MessageId, now: Instant) -> bool {
        match self {
            Self::Keyed { keys, .. } => keys.has(message, now),
            Self::Transactional(sink, _) => sink.has_row(message),
            Self::Deduplicating(sink) => sink.has_seen(message),
            Self::Plain(_) | Self::Checkpointed(_) => false,
        }
    }

    /// Stores the progress past a message of a log without its effect. On a queue there is no
    /// progress but the row, and a message without an effect has none.
    pub fn pass(&mut self, partition: PartitionId, offset: Offset) -> EffectVerdict {
        match self {
            Self::Transactional(sink, Model::Log) => sink.apply_at(partition, offset),
            Self::Transactional(_, Model::Queue)
            | Self::Plain(_)
            | Self::Deduplicating(_)
            | Self::Keyed { .. }
            | Self::Checkpointed(_) => EffectVerdict::Applied,
        }
    }

    /// The checkpoints, if it keeps any.
    pub fn checkpoints(&mut self) -> Option<&mut CheckpointStore> {
        if let Self::Checkpointed(store) = self { Some(store) } else { None }
    }
}

impl Fingerprinted for ChosenSink {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Plain(_) => into.word(0),
            Self::Deduplicating(sink) => {
                into.count(sink.words().count());
                sink.words().for_each(|word| into.word(word));
            }
            Self::Keyed { keys, checks: _ } => keys.fingerprint(into),
            Self::Transactional(sink, _) => {
                into.count(sink.words().count());
                sink.words().for_each(|word| into.word(word));
            }
            Self::Checkpointed(store) => store.fingerprint(into),
        }
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::{DeliveryId, Duration, Generation, Key, Record};

    use super::*;

    const KINDS: [SinkKind; 5] = [
        SinkKind::Broker,
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
                let answers = |sink: &mut ChosenSink| {
                    (sink.has_row(MESSAGE, Instant::START), sink.stored_offset(PARTITION))
                };
                assert_eq!(answers(&mut sink), (false, None));
                assert_eq!(act(&mut sink), EffectVerdict::Applied);
                assert_eq!(answers(&mut sink), expect(kind, model), "{kind:?} on a {model}");
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
            |sink| sink.apply(&delivery(), Instant::START),
            |kind, model| match kind {
                SinkKind::Plain | SinkKind::Broker => (false, None),
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

    const WINDOW: Duration = Duration::from_secs(10);

    /// What becomes of a second effect at the end of the window and later, and whether a look
    /// before it would have found the first one.
    fn check_second(strategy: Strategy, rules: DedupRules, expect: [(bool, EffectVerdict); 2]) {
        let end = Instant::START + WINDOW;
        let ways = [end, end + Duration::from_nanos(1)].map(|at| {
            let mut sink = ChosenSink::recognising(strategy, Model::Queue, rules, 4);
            assert_eq!(sink.apply(&delivery(), Instant::START), EffectVerdict::Applied);
            (sink.has_row(MESSAGE, at), sink.apply(&delivery(), at))
        });
        assert_eq!(ways, expect, "{strategy} with {rules:?}");
    }

    /// It is a property of the sink: the same with every strategy that keeps no progress in it.
    #[test]
    fn a_second_effect_is_recognised_as_the_sink_has_it() {
        use EffectVerdict::{Applied, Suppressed};
        let forever = Retention::default();
        let a_while = Retention { window: Some(WINDOW), entries: None };
        let keeps = |sink: SinkKind| sink.keeps_progress() || sink.is_broker();
        let all = Strategy::ALL.into_iter().filter(|one| !keeps(one.spec().sink));
        for strategy in all {
            let check = |dedup, retention, expect| {
                check_second(strategy, DedupRules { dedup, retention }, expect);
            };
            let own = strategy == Strategy::DeduplicatingSink;
            let as_ever = if own { (true, Suppressed) } else { (false, Applied) };
            check(Dedup::None, forever, [as_ever; 2]);
            check(Dedup::Atomic, forever, [(true, Suppressed); 2]);
            check(Dedup::Atomic, a_while, [(true, Suppressed), (false, Applied)]);
            check(Dedup::CheckThenWrite, forever, [(true, Applied); 2]);
            check(Dedup::CheckThenWrite, a_while, [(true, Applied), (false, Applied)]);
            check(Dedup::ProcessMemory, forever, [(false, Applied); 2]);
        }
    }

    #[test]
    fn a_sink_that_keeps_progress_does_not_change() {
        for dedup in [Dedup::Atomic, Dedup::CheckThenWrite, Dedup::ProcessMemory] {
            let rules = DedupRules { dedup, retention: Retention::default() };
            let second = (true, EffectVerdict::Suppressed);
            check_second(Strategy::ProgressWithEffect, rules, [second; 2]);
            let second = (true, EffectVerdict::Applied);
            check_second(Strategy::ProgressWithEffectUnconditional, rules, [second; 2]);
        }
    }
}
