//! The contracts: what each strategy promises on which model, what its promise needs, and the
//! anomaly that it is known for.
//!
//! A need is a setting, or a fault that stays away, without which the promise does not hold. It is
//! data with a reason, and it is itself tested: without it the promise is broken. An anomaly is a
//! [`Sight`]: something that an exploration of at most two faults must find.

use entrega_checker::Class;
use entrega_clients::Strategy;
use entrega_model::{Guarantee, Model};
use entrega_scenario::points::{Act, Fault};
use entrega_scenario::{EffectPlace, ErrorPolicy, IsolationLevel, LogClient, TransactionOffsets};

use crate::mix::{Answer, Mix, Stream};

use Guarantee::{AtLeastOnce, AtMostOnce, ExactlyOnceEffect};
use Model::{Log, Queue};

/// A strategy's promise under the settings under which it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contract {
    pub(crate) strategy: Strategy,
    pub(crate) model: Model,
    pub(crate) guarantee: Guarantee,
    pub(crate) needs: &'static [Need],
    pub(crate) sometimes: &'static [Sight],
}

/// Every strategy on every model that has it. The article's loops are here as their author meant
/// them, and promise nothing as published: see [`UNPROMISED`].
pub(crate) const CONTRACTS: &[Contract] = &[
    of(Strategy::SettleThenProcess, Log, AtMostOnce)
        .needs(&[
            Need::NoPoison,
            Need::StoredOnce,
            Need::SinkAnswers,
            Need::SettlesInTime,
            Need::ConfirmedSettles,
        ])
        .sometimes(&[LOSES]),
    of(Strategy::SettleThenProcess, Queue, AtMostOnce)
        .needs(&[Need::NoPoison, Need::StoredOnce, Need::SinkAnswers, Need::ConfirmedSettles])
        .sometimes(&[LOSES]),
    of(Strategy::ProcessThenSettle, Log, AtLeastOnce).needs(PASSING).sometimes(&[DUPLICATES]),
    of(Strategy::ProcessThenSettle, Queue, AtLeastOnce).needs(PASSING).sometimes(&[DUPLICATES]),
    of(Strategy::SettleEveryN, Log, AtLeastOnce).needs(PASSING).sometimes(&[DUPLICATES]),
    of(Strategy::SettleEveryN, Queue, AtLeastOnce)
        .needs(&[Need::NoPoison, Need::NothingSkipped, Need::ReceivesArrive])
        .sometimes(&[DUPLICATES]),
    of(Strategy::AutoSettleAtDelivery, Queue, AtMostOnce)
        .needs(&[Need::NoPoison, Need::StoredOnce, Need::SinkAnswers])
        .sometimes(&[LOSES]),
    of(Strategy::AutoSettleAtNextReceive, Log, AtLeastOnce)
        .needs(&[Need::NoPoison, Need::NothingSkipped, Need::NoExceptions])
        .sometimes(&[DUPLICATES]),
    of(Strategy::AutoSettleAtNextReceive, Queue, AtLeastOnce)
        .needs(PASSING)
        .sometimes(&[DUPLICATES]),
    of(Strategy::DeduplicatingSink, Log, ExactlyOnceEffect)
        .needs(&[Need::NoPoison, Need::NothingSkipped, Need::NoDeadLetters])
        .sometimes(&[STOPPED]),
    of(Strategy::DeduplicatingSink, Queue, ExactlyOnceEffect)
        .needs(&[Need::NoPoison, Need::NothingSkipped, Need::NoDeadLetters])
        .sometimes(&[STOPPED]),
    of(Strategy::DeadLetter, Log, AtLeastOnce).needs(&[Need::AttemptsInTime]).sometimes(FAILING),
    of(Strategy::DeadLetter, Queue, AtLeastOnce).needs(&[Need::AttemptsInTime]).sometimes(FAILING),
    of(Strategy::MicroBatch, Log, AtLeastOnce).needs(PASSING).sometimes(&[DUPLICATES]),
    of(Strategy::MicroBatch, Queue, AtLeastOnce).needs(PASSING).sometimes(&[DUPLICATES]),
    of(Strategy::BrokerDeadLetter, Queue, AtLeastOnce)
        .needs(&[Need::DeadLetterTarget, Need::ConfirmedDeadLetters, Need::AttemptsInTime])
        .sometimes(&[DUPLICATES, DEAD_LETTERS, SPLITS]),
    of(Strategy::Parallel, Log, AtLeastOnce).needs(PASSING).sometimes(&[DUPLICATES]),
    of(Strategy::Parallel, Queue, AtLeastOnce).needs(PASSING).sometimes(&[DUPLICATES]),
    of(Strategy::ProgressWithEffect, Log, ExactlyOnceEffect)
        .needs(&[Need::NoPoison, Need::NothingSkipped, Need::NoDeadLetters, Need::StoredOnce])
        .sometimes(&[STOPPED]),
    of(Strategy::ProgressWithEffect, Queue, ExactlyOnceEffect)
        .needs(&[Need::NoPoison, Need::NothingSkipped, Need::NoDeadLetters])
        .sometimes(&[STOPPED]),
    of(Strategy::ProgressWithEffectUnconditional, Log, AtLeastOnce)
        .needs(PASSING)
        .sometimes(&[DUPLICATES]),
    of(Strategy::ProgressWithEffectUnconditional, Queue, AtLeastOnce)
        .needs(PASSING)
        .sometimes(&[DUPLICATES]),
    of(Strategy::Transactional, Log, ExactlyOnceEffect)
        .needs(&[
            Need::NoPoison,
            Need::NothingSkipped,
            Need::NoDeadLetters,
            Need::StoredOnce,
            Need::ReadCommitted,
            Need::OffsetsInTransaction,
            Need::GroupMetadata,
            Need::EffectInside,
        ])
        .sometimes(&[ABORTED]),
    of(Strategy::Transactional, Queue, ExactlyOnceEffect)
        .needs(&[
            Need::NoPoison,
            Need::NothingSkipped,
            Need::NoDeadLetters,
            Need::StoredOnce,
            Need::OffsetsInTransaction,
            Need::EffectInside,
        ])
        .sometimes(&[REFUSED]),
    of(Strategy::ArticleBasic, Log, AtLeastOnce)
        .needs(&[Need::NoPoison, Need::AutoCommitOff])
        .sometimes(&[DUPLICATES]),
    of(Strategy::ArticleCommitEveryN, Log, AtLeastOnce)
        .needs(&[Need::NoPoison, Need::AutoCommitOff, Need::StoredAtDelivery])
        .sometimes(&[DUPLICATES]),
    of(Strategy::ArticleDeadLetters, Log, AtLeastOnce)
        .needs(&[Need::Caught, Need::AutoCommitOff, Need::StoredAtDelivery])
        .sometimes(FAILING),
];

/// What promises nothing, under its default settings: it must be seen to lose *and* to duplicate.
pub(crate) const UNPROMISED: &[Contract] = &[
    of(Strategy::AutoSettleAtDelivery, Log, Guarantee::None).sometimes(BOTH),
    of(Strategy::ParallelNaive, Log, Guarantee::None).sometimes(BOTH),
    of(Strategy::ParallelNaive, Queue, Guarantee::None).sometimes(BOTH),
    of(Strategy::ArticleBasic, Log, Guarantee::None).sometimes(BOTH),
    of(Strategy::ArticleCommitEveryN, Log, Guarantee::None).sometimes(BOTH),
    of(Strategy::ArticleDeadLetters, Log, Guarantee::None).sometimes(&[
        LOSES,
        DUPLICATES,
        DEAD_LETTERS,
        SPLITS,
        Sight::DeadLetteredTwice,
    ]),
];

/// The needs of at-least-once: a message that fails is tried again, and can succeed.
pub(crate) const PASSING: &[Need] = &[Need::NoPoison, Need::NothingSkipped];
const BOTH: &[Sight] = &[LOSES, DUPLICATES];
/// What failures and a crash make of client-side dead letters.
const FAILING: &[Sight] = &[DUPLICATES, DEAD_LETTERS, SPLITS, Sight::DeadLetteredTwice];

const fn of(strategy: Strategy, model: Model, guarantee: Guarantee) -> Contract {
    Contract { strategy, model, guarantee, needs: &[], sometimes: &[] }
}

impl Contract {
    const fn needs(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    const fn sometimes(self, sometimes: &'static [Sight]) -> Self {
        Self { sometimes, ..self }
    }

    /// Changes a mix so that everything is given that the promise needs, `except` one thing.
    pub(crate) fn provide(&self, mix: &mut Mix, except: Option<Need>) {
        if self.model == Log && mix.consumer.on_error.gives_back().is_some() {
            mix.consumer.on_error = ErrorPolicy::Skip;
        }
        for need in self.needs.iter().filter(|&&need| except != Some(need)) {
            need.provide(mix);
        }
    }
}

/// Something that a strategy does now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sight {
    /// A message ends in this class.
    Class(Class),
    /// The sink recognises a duplicate, or refuses an effect.
    Stopped,
    /// A message has two dead letters.
    DeadLetteredTwice,
    /// A transaction with an effect is aborted, and no reader has seen it.
    Aborted,
    /// A settle is refused, and what was to be published with it is not.
    Refused,
}

const LOSES: Sight = Sight::Class(Class::Lost);
const DUPLICATES: Sight = Sight::Class(Class::Duplicated);
const SPLITS: Sight = Sight::Class(Class::Split);
const DEAD_LETTERS: Sight = Sight::Class(Class::DeadLettered);
const STOPPED: Sight = Sight::Stopped;
const ABORTED: Sight = Sight::Aborted;
const REFUSED: Sight = Sight::Refused;

/// A handler error.
const FAILS: Answer = Answer { fault: Fault::HandlerError, value: 1 };
/// A message that nobody can process.
const POISON: Answer = Answer { fault: Fault::MessagePoison, value: 1 };
/// A dead letter that is written, and nobody hears of it.
const UNANSWERED: Answer = Answer { fault: Fault::DeadLetterResponse, value: 1 };

/// A dead letter of the queue that does not arrive.
const LETTER_LOST: Answer = Answer { fault: Fault::DeadLetterTransfer, value: 1 };
/// A process that stands still before an effect, for longer than its session lasts.
const STALLS: Answer = Answer { fault: Fault::ProcessStall, value: 1 };

/// What a promise needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// No message is poison.
    NoPoison,
    /// The producer stores every message once.
    StoredOnce,
    /// The sink answers in time, and hears everything once.
    SinkAnswers,
    /// No settle arrives late.
    SettlesInTime,
    /// A settle waits for its answer.
    ConfirmedSettles,
    /// What the broker hands out arrives.
    ReceivesArrive,
    /// No message is passed over because its handler failed.
    NothingSkipped,
    /// No error ends the loop, that of a dead letter included.
    NoExceptions,
    /// A consumer outlives the failures of its handler.
    Caught,
    /// All attempts that a message is allowed fit into a lease and into the poll interval.
    AttemptsInTime,
    /// Nobody writes dead letters.
    NoDeadLetters,
    /// What the queue gives up goes to the dead letters.
    DeadLetterTarget,
    /// The queue waits until a dead letter has arrived, and sends it again if it has not.
    ConfirmedDeadLetters,
    /// `enable.auto.commit=false`.
    AutoCommitOff,
    /// The library stores offsets as it hands messages over, as librdkafka does.
    StoredAtDelivery,
    /// Readers downstream see committed records only.
    ReadCommitted,
    /// The offsets are committed in the transaction of the effect.
    OffsetsInTransaction,
    /// The producer passes the metadata of its consumer's group.
    GroupMetadata,
    /// The effect is a record of the transaction.
    EffectInside,
}

impl Need {
    /// Why it is needed.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NoPoison => "what is tried for ever never comes to rest, and nobody can judge it",
            Self::StoredOnce => "two copies are two messages to whoever does not know their id",
            Self::SinkAnswers => "a handler without an answer tries again what may be done already",
            Self::SettlesInTime => "a late commit moves the committed offset back (3.1)",
            Self::ConfirmedSettles => "an unconfirmed settle may be lost, and is believed (note 7)",
            Self::ReceivesArrive => "one ack for all before it acks what the network lost (3.6)",
            Self::NothingSkipped => {
                "the settle of a later message covers the one that failed (1.4)"
            }
            Self::NoExceptions => "`close()` commits the position behind the whole batch (1.3)",
            Self::Caught => "a consumer that ends with each failure meets poison in every life",
            Self::AttemptsInTime => "who is taken for dead settles nothing, for ever (B5, B6)",
            Self::NoDeadLetters => "a dead letter and its settle are two steps (C28)",
            Self::DeadLetterTarget => "what is rejected without a target is gone (2.3 note 10)",
            Self::ConfirmedDeadLetters => "its way to the target is not safe either (2.3 note 10)",
            Self::AutoCommitOff => "the timer commits what is still in work (C18)",
            Self::StoredAtDelivery => "a commit without arguments covers all of the poll (C35, M5)",
            Self::ReadCommitted => "an aborted record stays in the log and is seen (note 13)",
            Self::OffsetsInTransaction => "between two commits there is room for a crash (3.3)",
            Self::GroupMetadata => "a zombie's offsets are taken like any (note 15, KIP-447)",
            Self::EffectInside => "no transaction holds what the handler does elsewhere (3.3)",
        }
    }

    /// Changes a mix so that it is given.
    pub(crate) fn provide(self, mix: &mut Mix) {
        match self {
            Self::NoPoison => mix.stream.retain(|one| one.fault != Fault::MessagePoison),
            Self::StoredOnce => mix.stream.retain(|one| {
                !matches!(
                    one.fault,
                    Fault::SendRequest | Fault::SendResponse | Fault::BrokerRestart
                )
            }),
            Self::SinkAnswers => mix
                .stream
                .retain(|one| !matches!(one.fault, Fault::EffectRequest | Fault::EffectResponse)),
            Self::SettlesInTime => mix
                .stream
                .retain(|one| one.fault != Fault::SettleRequest || one.act() != Some(Act::Late)),
            Self::ConfirmedSettles => mix.consumer.settle_confirmed = true,
            Self::ReceivesArrive => mix
                .stream
                .retain(|one| !matches!(one.fault, Fault::ReceiveRequest | Fault::ReceiveResponse)),
            Self::NothingSkipped => {
                if passes_over(mix.consumer.on_error) {
                    mix.consumer.on_error = ErrorPolicy::Retry;
                }
            }
            Self::NoExceptions => {
                let ends = [ErrorPolicy::Crash, ErrorPolicy::DeadLetter];
                if ends.contains(&mix.consumer.on_error) {
                    mix.consumer.on_error = ErrorPolicy::Retry;
                }
            }
            Self::Caught => {
                if mix.consumer.on_error == ErrorPolicy::Crash {
                    mix.consumer.on_error = ErrorPolicy::Retry;
                }
            }
            Self::AttemptsInTime => mix.consumer.max_attempts = mix.consumer.max_attempts.min(3),
            Self::NoDeadLetters => {
                if mix.consumer.on_error == ErrorPolicy::DeadLetter {
                    mix.consumer.on_error = ErrorPolicy::Retry;
                }
            }
            Self::DeadLetterTarget => mix.consumer.dead_letter_target = true,
            Self::ConfirmedDeadLetters => mix.consumer.dead_letters_confirmed = true,
            Self::AutoCommitOff => mix.consumer.enable_auto_commit = false,
            Self::StoredAtDelivery => mix.consumer.client = LogClient::Librdkafka,
            Self::ReadCommitted => mix.consumer.isolation_level = IsolationLevel::ReadCommitted,
            Self::OffsetsInTransaction => {
                mix.consumer.transaction_offsets = TransactionOffsets::InTransaction;
            }
            Self::GroupMetadata => mix.consumer.group_metadata = true,
            Self::EffectInside => mix.consumer.output = EffectPlace::Topic,
        }
    }

    /// Changes a mix so that it is not given, and so that this can matter.
    pub(crate) fn withhold(self, mix: &mut Mix) {
        let consumer = &mut mix.consumer;
        match self {
            Self::ConfirmedSettles => consumer.settle_confirmed = false,
            Self::NothingSkipped => {
                if !passes_over(consumer.on_error) {
                    consumer.on_error = ErrorPolicy::SkipAndSettle;
                }
                mix.stream = Stream::often(&[FAILS]);
            }
            Self::NoExceptions => consumer.on_error = ErrorPolicy::Crash,
            Self::Caught => {
                consumer.on_error = ErrorPolicy::Crash;
                mix.stream = Stream::often(&[POISON]);
            }
            Self::NoDeadLetters => {
                consumer.on_error = ErrorPolicy::DeadLetter;
                consumer.max_attempts = 1;
                mix.stream = Stream::often(&[FAILS, UNANSWERED]);
            }
            Self::AttemptsInTime => {
                consumer.max_attempts = 100;
                mix.stream = Stream::often(&[POISON]);
            }
            Self::DeadLetterTarget => consumer.dead_letter_target = false,
            Self::ConfirmedDeadLetters => {
                consumer.dead_letters_confirmed = false;
                consumer.max_attempts = 1;
                mix.stream = Stream::often(&[FAILS, LETTER_LOST]);
            }
            Self::AutoCommitOff => consumer.enable_auto_commit = true,
            Self::StoredAtDelivery => consumer.client = LogClient::Java,
            Self::ReadCommitted => consumer.isolation_level = IsolationLevel::ReadUncommitted,
            Self::OffsetsInTransaction => {
                consumer.transaction_offsets = TransactionOffsets::AfterCommit;
            }
            Self::GroupMetadata => {
                consumer.group_metadata = false;
                mix.stream = Stream::often(&[STALLS]);
            }
            Self::EffectInside => consumer.output = EffectPlace::Outside,
            _ => {}
        }
    }
}

fn passes_over(policy: ErrorPolicy) -> bool {
    let goes_on = matches!(policy, ErrorPolicy::Skip | ErrorPolicy::SkipAndSettle);
    goes_on || policy.gives_back().is_some()
}
