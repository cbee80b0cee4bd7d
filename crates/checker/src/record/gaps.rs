//! What a record leaves out, and what it says that cannot be, with the lines that show it.

use std::collections::{BTreeMap, VecDeque};

use entrega_model::event::EffectVerdict;
use entrega_model::{Duration, Event, Instant, Kind, MessageId};
use serde::Serialize;

use crate::tally::words;

words! {
    /// What a record leaves out, or says that cannot be. *Incomplete* is what lacks a line about a
    /// send, *missing* a line of a consumer, *impossible* what a record says that cannot be.
    GapKind {
        /// Incomplete: the outcome of an attempt that never began.
        OutcomeWithoutInvocation => "outcome_without_invocation",
        /// Incomplete: the outcome of an attempt that began later.
        OutcomeBeforeInvocation => "outcome_before_invocation",
        /// Incomplete: a later attempt of a send of which no first one is recorded.
        RetryWithoutFirstAttempt => "retry_without_first_attempt",
        /// Impossible: an effect before the first line of its message's send.
        EffectBeforeSend => "effect_before_send",
        /// Impossible: a copy was stored before that.
        StoreBeforeSend => "store_before_send",
        /// Impossible: a delivery before that.
        DeliveryBeforeSend => "delivery_before_send",
        /// Impossible: a dead letter before that.
        DeadLetterBeforeSend => "dead_letter_before_send",
        /// Impossible: a settle before that.
        SettleBeforeSend => "settle_before_send",
        /// Impossible: the sink refused an effect of a message that nobody sent. If it was
        /// applied, the message is a phantom.
        EffectOfUnsent => "effect_of_unsent",
        /// Impossible: a copy was stored of a message that nobody sent.
        StoreOfUnsent => "store_of_unsent",
        /// Impossible: a delivery of one.
        DeliveryOfUnsent => "delivery_of_unsent",
        /// Impossible: a dead letter of one.
        DeadLetterOfUnsent => "dead_letter_of_unsent",
        /// Impossible: a settle of one.
        SettleOfUnsent => "settle_of_unsent",
        /// Impossible: time goes back by more than it may.
        TimeBackwards => "time_backwards",
        /// Missing: the delivery of a message that takes effect, where others are recorded.
        EffectWithoutDelivery => "effect_without_delivery",
        /// Missing: an earlier delivery of a message that is delivered again.
        RedeliveryWithoutDelivery => "redelivery_without_delivery",
        /// Missing: the delivery of a message to the consumer that settles it.
        SettleWithoutDelivery => "settle_without_delivery",
        /// Missing: what stood at offsets that a commit covers, where deliveries are recorded.
        CommitOverUnrecorded => "commit_over_unrecorded",
    }
}

impl GapKind {
    /// Whether it cannot be, as against being left out.
    pub const fn is_impossible(self) -> bool {
        !self.is_of_a_send() && !self.is_of_a_consumer()
    }

    /// Whether lines about a send are left out.
    const fn is_of_a_send(self) -> bool {
        matches!(
            self,
            Self::OutcomeWithoutInvocation
                | Self::OutcomeBeforeInvocation
                | Self::RetryWithoutFirstAttempt
        )
    }

    /// Whether lines of a consumer are.
    const fn is_of_a_consumer(self) -> bool {
        matches!(
            self,
            Self::EffectWithoutDelivery
                | Self::RedeliveryWithoutDelivery
                | Self::SettleWithoutDelivery
                | Self::CommitOverUnrecorded
        )
    }
}

/// A line that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// Its number.
    pub line: u64,
    /// The message that it is about, if it is about one.
    pub message: Option<MessageId>,
    /// The line that should have come first, if there is one.
    pub before: Option<u64>,
}

/// All that a record leaves out, and all that cannot be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// By how much clocks differ.
    pub(super) skew: Duration,
    /// How often, and the first lines that show it.
    pub found: BTreeMap<GapKind, (u64, Vec<Gap>)>,
    /// Lines about messages that nobody has sent yet.
    early: BTreeMap<MessageId, BTreeMap<About, Early>>,
    /// Outcomes of attempts that have not begun yet.
    unanswered: BTreeMap<MessageId, VecDeque<u64>>,
}

/// Lines about a message that nobody has sent yet: how many, and the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Early {
    count: u64,
    first: u64,
    /// When the earliest happened.
    at: Instant,
}

/// What a line about a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Effect { is_applied: bool },
    Store,
    Delivery,
    DeadLetter,
    Settle,
}

impl About {
    const fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Effect { verdict, .. } => {
                Self::Effect { is_applied: matches!(verdict, EffectVerdict::Applied) }
            }
            Kind::Stored { .. } => Self::Store,
            Kind::Delivered { .. } => Self::Delivery,
            Kind::DeadLettered { .. } => Self::DeadLetter,
            Kind::SettleInvoked { .. } | Kind::SettleEnded { .. } | Kind::Settled { .. } => {
                Self::Settle
            }
            _ => return None,
        })
    }

    const fn before_send(self) -> GapKind {
        match self {
            Self::Effect { .. } => GapKind::EffectBeforeSend,
            Self::Store => GapKind::StoreBeforeSend,
            Self::Delivery => GapKind::DeliveryBeforeSend,
            Self::DeadLetter => GapKind::DeadLetterBeforeSend,
            Self::Settle => GapKind::SettleBeforeSend,
        }
    }

    /// An applied effect of a message that nobody sent can be: it is a phantom.
    const fn of_unsent(self) -> Option<GapKind> {
        Some(match self {
            Self::Effect { is_applied: true } => return None,
            Self::Effect { is_applied: false } => GapKind::EffectOfUnsent,
            Self::Store => GapKind::StoreOfUnsent,
            Self::Delivery => GapKind::DeliveryOfUnsent,
            Self::DeadLetter => GapKind::DeadLetterOfUnsent,
            Self::Settle => GapKind::SettleOfUnsent,
        })
    }
}

impl Gaps {
    /// Of each kind so many lines are kept, for each message the first; the others are counted.
    pub const MOST_LINES: usize = 10;

    /// Whether something of the record cannot be.
    pub fn has_impossible(&self) -> bool {
        self.found.keys().any(|kind| kind.is_impossible())
    }

    /// Whether something about sends is left out.
    pub fn has_incomplete_sends(&self) -> bool {
        self.found.keys().any(|kind| kind.is_of_a_send())
    }

    /// Adds `count` lines of a kind, of which this is the first.
    pub fn add(&mut self, kind: GapKind, count: u64, first: Gap) {
        let (known, lines) = self.found.entry(kind).or_default();
        *known += count;
        let place = lines.partition_point(|line| line.line <= first.line);
        if place < Self::MOST_LINES {
            lines.insert(place, first);
            lines.truncate(Self::MOST_LINES);
        }
    }

    /// A line about a message that nobody has sent yet.
    pub(super) fn early(&mut self, message: MessageId, event: &Event, line: u64) {
        if let Some(about) = About::of(&event.kind) {
            let early = self.early.entry(message).or_default().entry(about).or_default();
            if early.count == 0 {
                (early.first, early.at) = (line, event.at);
            }
            early.count += 1;
            (early.first, early.at) = (early.first.min(line), early.at.min(event.at));
        }
    }

    /// The first line of a message's send. What came before it by no more than clocks differ need
    /// not have come before it.
    pub(super) fn sent(&mut self, message: MessageId, at: Instant, line: u64) {
        for (about, Early { count, first, at: early }) in
            self.early.remove(&message).unwrap_or_default()
        {
            let gap = Gap { line: first, message: Some(message), before: Some(line) };
            let has_times = self.skew > Duration::ZERO && at > Instant::START;
            let may_differ = has_times && at.since(early) <= self.skew;
            if !may_differ {
                self.add(about.before_send(), count, gap);
            }
        }
    }

    /// The outcome of an attempt that has not begun.
    pub(super) fn unanswered(&mut self, message: MessageId, line: u64) {
        self.unanswered.entry(message).or_default().push_back(line);
    }

    /// An attempt began after its outcome, which is the earliest that waits for one.
    pub(super) fn answered(&mut self, message: MessageId, line: u64) {
        let Some(outcomes) = self.unanswered.get_mut(&message) else { return };
        let outcome = outcomes.pop_front();
        if outcomes.is_empty() {
            self.unanswered.remove(&message);
        }
        if let Some(outcome) = outcome {
            let gap = Gap { line: outcome, message: Some(message), before: Some(line) };
            self.add(GapKind::OutcomeBeforeInvocation, 1, gap);
        }
    }

    /// The record has ended: what was missing so far is missing.
    pub(super) fn end(&mut self) {
        let gap = |line, message| Gap { line, message: Some(message), before: None };
        for (message, lines) in std::mem::take(&mut self.unanswered) {
            for line in lines {
                self.add(GapKind::OutcomeWithoutInvocation, 1, gap(line, message));
            }
        }
        for (message, lines) in std::mem::take(&mut self.early) {
            for (about, Early { count, first, .. }) in lines {
                if let Some(kind) = about.of_unsent() {
                    self.add(kind, count, gap(first, message));
                }
            }
        }
    }
}
