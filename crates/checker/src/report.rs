//! What a run amounts to: plain data, and what the command line prints.
//!
//! Everything is counted for each subscription on its own. Rates are pairs of integers, so that
//! many runs add up exactly and the one division happens where a person reads it. Definitions:
//! semantics.md 5.2 (sets), 5.3 (classes and aggregates), 5.4 (causes), 5.5 (order), 5.6
//! (verdict).

use std::collections::BTreeMap;

use entrega_model::history::End;
use entrega_model::{Guarantee, MessageId, ProcessId, SubscriptionId};
use serde::{Serialize, Serializer};

use crate::{
    Cause, Causes, Class, Classes, Counter, Counters, EventKind, Exposure, Histogram, Lateness,
};

/// The judgement of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How the run ended.
    pub end: End,
    /// The worst verdict of all subscriptions: invalid beats unknown beats valid.
    pub verdict: Verdict,
    /// Every reason of some subscription, once, in the order of [`Reason`].
    pub reasons: Vec<Reason>,
    /// What the producers learnt.
    pub sends: Sends,
    /// One report for each subscription, in the order of their ids.
    pub subscriptions: Vec<SubscriptionReport>,
}

/// The judgement of one run for one subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionReport {
    /// Which one.
    pub subscription: SubscriptionId,
    /// What was promised about effects.
    pub guarantee: Guarantee,
    /// Whether a dead letter is part of the promise.
    pub dead_letters_declared: bool,
    /// Whether order within each key is part of the promise.
    pub ordered: bool,
    /// Whether the promise was kept.
    pub verdict: Verdict,
    /// Why not, or why it is unknown; empty if valid. In the order of [`Reason`].
    pub reasons: Vec<Reason>,
    /// How many messages are in each class. Every message that was sent is in exactly one.
    pub classes: Classes,
    /// Why messages were lost, duplicated or split: messages for each cause.
    pub causes: Causes,
    /// For each anomaly and cause the lowest message id.
    #[serde(serialize_with = "examples")]
    pub examples: BTreeMap<(Class, Cause), MessageId>,
    /// For each class that is not empty the lowest message id.
    pub firsts: BTreeMap<Class, MessageId>,
    /// Acknowledged sends, the denominator of the loss rate.
    pub acknowledged: u64,
    /// Acknowledged sends, and indeterminate ones that had an outcome: the denominator of the
    /// duplicate rate.
    pub present: u64,
    /// Kinds of events of which a history from elsewhere has none, and that would be evidence for
    /// what is unknown below.
    pub not_recorded: Vec<EventKind>,
    /// Copies stored; none if that was not recorded.
    pub stored: Option<u64>,
    /// Deliveries to the application; none if they were not recorded.
    pub deliveries: Option<u64>,
    /// Deliveries beyond the stored copies of a message: Σ max(0, D(m) − S(m)).
    /// None if either was not recorded.
    pub redeliveries: Option<u64>,
    /// Applied effects.
    pub effects: u64,
    /// Applied effects beyond the first of a message: Σ max(0, E(m) − 1).
    pub excess: u64,
    /// Messages with two applied effects or more.
    pub repeated: u64,
    /// What copies did that were moved back from the dead letters.
    #[serde(skip_serializing_if = "Redriven::is_nothing")]
    pub redriven: Redriven,
    /// Copies in the dead-letter sink.
    pub dead_letters: u64,
    /// Copies in the dead-letter sink beyond the first of a message: Σ max(0, Q(m) − 1).
    pub dlq_excess: u64,
    /// Anomalies of order.
    pub order: Order,
    /// Of a record: which of them hold whatever was not recorded.
    #[serde(skip)]
    pub evidence: OrderEvidence,
    /// How often the critical windows were hit: a run without a hit proves nothing.
    pub counters: Counters,
    /// What crashes by time hit, if a consumer dies by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// Whether events from which critical windows follow are recorded at all, as crashes; in a run
    /// they are.
    #[serde(skip)]
    pub records_faults: bool,
    /// Injected faults that befell the subscription, as far as whoever injected them says; in no
    /// document, because a history does not say it.
    #[serde(skip)]
    pub struck: u64,
    /// The first messages that are pending, and which process had each of them last.
    pub waiting: Vec<Waiting>,
    /// From the first send to the first applied effect, in nanoseconds.
    pub latency: Histogram,
    /// From the due time to the first applied effect, if messages were due later than they were
    /// sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Lateness>,
}

/// What copies did that were moved back from the dead letters: the part of all effects that is due
/// to a redrive, whether its message was duplicated before or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Applied effects of their deliveries.
    pub effects: u64,
    /// Those of them that were not the first of their message.
    pub excess: u64,
    /// The messages that have some in excess.
    pub messages: u64,
}

impl Redriven {
    /// Whether no such copy took effect.
    pub const fn is_nothing(&self) -> bool {
        self.effects == 0
    }

    /// Adds everything that `other` has counted.
    pub const fn merge(&mut self, other: &Self) {
        let Self { effects, excess, messages } = self;
        *effects += other.effects;
        *excess += other.excess;
        *messages += other.messages;
    }
}

/// A message that had no effect yet, although it can still be retrieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The message.
    pub message: MessageId,
    /// The process that had it last; none if it was never delivered.
    pub last_with: Option<ProcessId>,
}

/// Whether a promise was kept. The order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Yes.
    Valid,
    /// It cannot be known.
    Unknown,
    /// No.
    Invalid,
}

impl Verdict {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
        }
    }
}

/// Why a verdict is not [`Verdict::Valid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Invalid: an acknowledged message had no effect and never will.
    Lost,
    /// Invalid: a message had its effect more than once.
    Duplicated,
    /// Invalid: a message had its effect and is a dead letter as well.
    Split,
    /// Invalid: an effect of a message that was not sent, or that was refused.
    Phantom,
    /// Invalid: first effects of one key in another order than their sends.
    Reordered,
    /// Invalid: an old effect was applied again after a newer one of its key.
    Replayed,
    /// Invalid: a log stored messages of one key in another order than they were sent.
    WriteInversions,
    /// Invalid: one offset was seen with two messages.
    InconsistentOffsets,
    /// Invalid: a dead letter that is not part of the promise.
    UndeclaredDeadLetters,
    /// Invalid: two dead letters of one message where exactly one outcome was promised.
    DuplicatedDeadLetters,
    /// Unknown: the drain did not finish.
    Stalled,
    /// Unknown: an acknowledged message had no effect yet and can still be retrieved.
    Pending,
    /// Unknown: no send was acknowledged, so nothing was promised.
    NothingAcknowledged,
    /// Unknown: the record says what cannot be, as time that goes back.
    InconsistentRecord,
    /// Unknown: order is promised, and the record does not show when every message was sent.
    IncompleteRecord,
    /// Unknown: order is promised, and no two sends of the record could be compared, because it
    /// says neither their keys nor their offsets.
    NothingCompared,
    /// Unknown: an effect more would break the promise, and lines of consumers are missing in the
    /// record, as deliveries of what took effect.
    MissingLines,
    /// Unknown: order is promised, and the clocks that put the lines of the record in order differ
    /// by more than lies between effects or deliveries that may be in the wrong order.
    OrderWithinSkew,
    /// Unknown: order is promised, a delivery skips a record or goes back, and it is not known that
    /// its consumer held the partition throughout.
    PollsOutsideOneAssignment,
    /// Unknown: order is promised, a delivery skips a record or goes back, and the line of another
    /// delivery or of a seek that would explain it may be left out.
    PollsLeftOut,
    /// Unknown: order is promised, messages came in another order than they were sent, and the
    /// record does not say whether they have one key.
    KeysLeftOut,
    /// Unknown: faults were to put the promise to the test, and none struck where it matters.
    NothingPutToTheTest,
}

/// What the producers learnt, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sends {
    /// Messages that were sent: the three below together.
    pub invoked: u64,
    /// Acknowledged.
    pub ok: u64,
    /// Indeterminate, or without an outcome.
    pub info: u64,
    /// Refused for certain.
    pub fail: u64,
    /// Further attempts of producers, beyond the first of each message.
    pub retries: u64,
}

/// Anomalies of order, and the one number that makes them comparable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Messages whose first effect came after that of a message of the same key and producer that
    /// was sent later (first-effect inversion).
    pub reordered: u64,
    /// Messages that had an effect *again* after one of a later message (replay inversion).
    pub replayed: u64,
    /// Copies stored behind a message that was sent later (write inversion).
    pub write_inversions: u64,
    /// Deliveries that jumped over a stored record within one assignment (poll skip; log only).
    pub poll_skips: u64,
    /// Deliveries that went back within one assignment (nonmonotonic poll; log only).
    pub nonmonotonic_polls: u64,
    /// Messages that were seen at an offset at which another one stands (log only).
    pub inconsistent_offsets: u64,
    /// Pairs of neighbours among the first effects of one key and producer: the denominator.
    pub adjacent_pairs: u64,
    /// The lowest message that is reordered.
    pub reordered_example: Option<MessageId>,
    /// The lowest message that is replayed.
    pub replayed_example: Option<MessageId>,
}

/// What a record shows of order whatever it leaves out, and what it leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderEvidence {
    /// The poll skips and nonmonotonic polls that need not lie within one assignment.
    pub outside: u64,
    /// Effects and deliveries that may have come in the wrong order, by clocks that differ.
    pub within_skew: u64,
}

impl Report {
    /// Those of `required` that no subscription has seen: a claim that rests on them is vacuous.
    pub fn vacuous(&self, required: &[Counter]) -> Vec<Counter> {
        let unseen = |counter: &Counter| {
            self.subscriptions.iter().all(|report| report.counters.get(*counter) == 0)
        };
        required.iter().copied().filter(unseen).collect()
    }
}

impl SubscriptionReport {
    /// Those of `required` that this subscription has not seen.
    pub fn vacuous(&self, required: &[Counter]) -> Vec<Counter> {
        let unseen = |counter: &Counter| self.counters.get(*counter) == 0;
        required.iter().copied().filter(unseen).collect()
    }

    /// Lost messages.
    pub fn lost(&self) -> u64 {
        self.classes.get(Class::Lost)
    }

    /// Messages that had more than one outcome: duplicated or split.
    pub fn duplicated(&self) -> u64 {
        self.classes.get(Class::Duplicated) + self.classes.get(Class::Split)
    }

    /// Whether a count or a cause is unknown, because it was not recorded.
    pub(crate) fn has_unknown(&self) -> bool {
        let counts = [self.stored, self.deliveries, self.redeliveries];
        counts.contains(&None) || self.causes.contains_key(&Cause::Unknown)
    }

    /// Deliveries and the acknowledged sends that they belong to: how much the work is amplified.
    pub fn amplification(&self) -> Option<(u64, u64)> {
        Some((self.deliveries?, self.acknowledged))
    }
}

/// A list of `{class, cause, message}`, because a pair cannot be a key in JSON.
fn examples<S: Serializer>(
    examples: &BTreeMap<(Class, Cause), MessageId>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Example {
        class: Class,
        cause: Cause,
        message: MessageId,
    }
    serializer.collect_seq(examples.iter().map(|(&(class, cause), &message)| Example {
        class,
        cause,
        message,
    }))
}
