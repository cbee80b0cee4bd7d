//! What a promise forbids, and what leaves it open.
//!
//! | Promise | lost | duplicated, split | phantom | dead letter | pending |
//! |---|---|---|---|---|---|
//! | none | allowed | allowed | violation | allowed | unknown |
//! | at-most-once | allowed | violation | violation | allowed | unknown |
//! | at-least-once | violation | allowed | violation | if declared | unknown |
//! | exactly-once effect | violation | violation | violation | if declared, once | unknown |
//! | ordered adds | – | replay is a violation | – | if declared | – |
//!
//! Ordered forbids reordered messages as well (semantics.md 5.7), and in a record write inversions
//! and inconsistent offsets (5.5). A run without an acknowledged send, or whose drain did not
//! finish, proves nothing (5.6, point 6). A violation that was seen stays one: invalid beats
//! unknown.

use std::mem;

use entrega_model::Guarantee;

use crate::{Class, End, OrderEvidence, Reason, Report, Sends, SubscriptionReport, Verdict};

impl SubscriptionReport {
    /// Judges what was counted.
    pub(crate) fn judge(&mut self, end: End) {
        self.reasons = self.reasons_against(end);
        self.verdict = verdict(&self.reasons);
    }

    fn reasons_against(&self, end: End) -> Vec<Reason> {
        let Self { guarantee, dead_letters_declared, ordered, order, .. } = self;
        let no_loss = matches!(guarantee, Guarantee::AtLeastOnce | Guarantee::ExactlyOnceEffect);
        let no_duplicate =
            matches!(guarantee, Guarantee::AtMostOnce | Guarantee::ExactlyOnceEffect);
        let exactly_one = *guarantee == Guarantee::ExactlyOnceEffect;
        let has = |class| self.classes.get(class) > 0;
        let undeclared = has(Class::DeadLettered) && !dead_letters_declared;
        let all = [
            (no_loss && has(Class::Lost), Reason::Lost),
            (no_duplicate && has(Class::Duplicated), Reason::Duplicated),
            (no_duplicate && has(Class::Split), Reason::Split),
            (has(Class::Phantom), Reason::Phantom),
            (*ordered && order.reordered > 0, Reason::Reordered),
            (*ordered && order.replayed > 0, Reason::Replayed),
            ((no_loss || *ordered) && undeclared, Reason::UndeclaredDeadLetters),
            (exactly_one && self.dlq_excess > 0, Reason::DuplicatedDeadLetters),
            (end == End::Unfinished, Reason::Stalled),
            (has(Class::Pending), Reason::Pending),
            (self.acknowledged == 0, Reason::NothingAcknowledged),
        ];
        all.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
    }

    /// Whether an effect more of a message may break the promise.
    pub(crate) fn forbids_another_effect(&self) -> bool {
        self.ordered
            || matches!(self.guarantee, Guarantee::AtMostOnce | Guarantee::ExactlyOnceEffect)
    }

    /// What a promise of order leaves open in a record, because clocks differ, because polls need
    /// not belong to one assignment, and because lines that explain them may be left out.
    pub(crate) fn unproven_order(&self) -> [bool; 3] {
        let OrderEvidence { outside, within_skew } = self.evidence;
        let left_out = self.order.poll_skips + self.order.nonmonotonic_polls > outside;
        [within_skew > 0, outside > 0, left_out].map(|open| self.ordered && open)
    }

    /// What of a log's offsets breaks a promise of order: not how it was polled. A run of the
    /// laboratory promises none.
    fn reasons_of_offsets(&self) -> impl Iterator<Item = Reason> {
        let order = &self.order;
        let all = [
            (order.write_inversions, Reason::WriteInversions),
            (order.inconsistent_offsets, Reason::InconsistentOffsets),
        ];
        let found = all.into_iter().filter(|(count, _)| self.ordered && *count > 0);
        found.map(|(_, reason)| reason)
    }
}

impl Report {
    /// Puts the subscriptions' reports together.
    pub(crate) fn of(end: End, sends: Sends, subscriptions: Vec<SubscriptionReport>) -> Self {
        let mut reasons: Vec<_> =
            subscriptions.iter().flat_map(|report| report.reasons.iter().copied()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        Self { end, verdict: verdict(&reasons), reasons, sends, subscriptions }
    }

    /// Of these subscriptions nothing was put to the test: what seems to be valid is unknown.
    pub fn call_untested(&mut self, is_untested: impl Fn(&SubscriptionReport) -> bool) {
        let mut subscriptions = mem::take(&mut self.subscriptions);
        for report in &mut subscriptions {
            if report.verdict == Verdict::Valid && is_untested(report) {
                report.reasons.push(Reason::NothingPutToTheTest);
                report.verdict = Verdict::Unknown;
            }
        }
        *self = Self::of(self.end, self.sends, subscriptions);
    }

    /// Judges a record. `doubts` are reasons why a subscription's verdict cannot be known: what it
    /// shows to be valid is unknown, then, and what it shows to be broken stays so, for no other
    /// reasons than those that break it.
    pub(crate) fn judge_record<I: IntoIterator<Item = Option<Reason>>>(
        &mut self,
        doubts: impl Fn(&SubscriptionReport) -> I,
    ) {
        let mut subscriptions = mem::take(&mut self.subscriptions);
        for report in &mut subscriptions {
            report.judge(self.end);
            let offsets: Vec<_> = report.reasons_of_offsets().collect();
            report.reasons.extend(offsets);
            report.reasons.sort_unstable();
            report.verdict = verdict(&report.reasons);
            if report.verdict == Verdict::Invalid {
                report.reasons.retain(|reason| !reason.is_open());
            } else {
                let doubts = doubts(report).into_iter().flatten();
                report.reasons.extend(doubts);
                report.verdict = verdict(&report.reasons);
            }
        }
        *self = Self::of(self.end, self.sends, subscriptions);
    }
}

impl Reason {
    /// Whether it leaves open what a promise is worth, and breaks none.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Stalled
            | Self::Pending
            | Self::NothingAcknowledged
            | Self::InconsistentRecord
            | Self::IncompleteRecord
            | Self::NothingCompared
            | Self::KeysLeftOut
            | Self::MissingLines
            | Self::OrderWithinSkew
            | Self::PollsOutsideOneAssignment
            | Self::PollsLeftOut
            | Self::NothingPutToTheTest => true,
            Self::Lost
            | Self::Duplicated
            | Self::Split
            | Self::Phantom
            | Self::Reordered
            | Self::Replayed
            | Self::WriteInversions
            | Self::InconsistentOffsets
            | Self::UndeclaredDeadLetters
            | Self::DuplicatedDeadLetters => false,
        }
    }
}

fn verdict(reasons: &[Reason]) -> Verdict {
    match reasons {
        [] => Verdict::Valid,
        reasons if reasons.iter().all(|reason| reason.is_open()) => Verdict::Unknown,
        _ => Verdict::Invalid,
    }
}
