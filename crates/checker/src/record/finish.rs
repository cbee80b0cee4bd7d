//! The judgement of a record, and what leaves it open.

use std::collections::BTreeSet;

use entrega_model::event::NO_POSITION;
use entrega_model::{MessageId, SubscriptionId};

use super::{Gaps, RecordChecker};
use crate::class::Sent;
use crate::message::Message;
use crate::{End, EventKind, Reason, Report};

impl RecordChecker {
    /// Judges what was seen, and says what the record leaves out and what of it cannot be.
    pub fn finish(&mut self, end: End) -> (Report, Gaps) {
        self.tidy();
        let has_gap = self.has_gap();
        for (recorded, fold) in self.subscriptions.iter().zip(&mut self.checker.subscriptions) {
            fold.kinds = recorded.kinds;
            let is_unseen = |(_, message): (u64, &Message)| message.was_stored_unseen();
            fold.stores_are_known = fold.kinds.get(EventKind::Store) > 0
                && !has_gap
                && !fold.messages.iter().any(is_unseen);
            if self.is_log {
                let (reach, records) = (&recorded.reach, &self.records);
                fold.skipped = reach.skipped(records, &fold.messages, &self.attempts);
            }
        }
        let mut report = self.checker.finish(end);
        self.put_in_order(&mut report);
        self.gaps.end();
        let impossible = self.gaps.has_impossible();
        let incomplete = self.gaps.has_incomplete_sends();
        let compares_nothing = self.compares_nothing();
        let without_keys = self.out_of_order_without_keys();
        let with_holes = self.name_holes();
        report.judge_record(|one| {
            let of_order = incomplete && one.ordered;
            let [within_skew, outside, left_out] = one.unproven_order();
            let lacks_lines = with_holes.contains(&one.subscription);
            [
                impossible.then_some(Reason::InconsistentRecord),
                of_order.then_some(Reason::IncompleteRecord),
                (compares_nothing && one.ordered).then_some(Reason::NothingCompared),
                (lacks_lines && one.forbids_another_effect()).then_some(Reason::MissingLines),
                within_skew.then_some(Reason::OrderWithinSkew),
                (outside && !lacks_lines).then_some(Reason::PollsOutsideOneAssignment),
                (left_out && !lacks_lines).then_some(Reason::PollsLeftOut),
                (one.ordered && without_keys.contains(&one.subscription))
                    .then_some(Reason::KeysLeftOut),
            ]
        });
        (report, std::mem::take(&mut self.gaps))
    }

    /// Names the lines of consumers that are missing, and says of which subscriptions.
    fn name_holes(&mut self) -> BTreeSet<SubscriptionId> {
        let jumps = self.subscriptions.iter().any(|of| of.holes.has_jumps());
        let may_stand = jumps && self.some_offset_is_unknown();
        let Self { gaps, subscriptions, records, checker, .. } = self;
        let is_sent = |message: MessageId| checker.sends.get(message).is_some();
        let ids = (0..=u8::MAX).map(SubscriptionId);
        let mut with_holes = BTreeSet::new();
        for (id, of) in ids.zip(subscriptions) {
            let [undelivered, uncovered] =
                [of.handed.report(gaps, is_sent), of.holes.report(records, may_stand, gaps)];
            if undelivered || uncovered {
                with_holes.insert(id);
            }
        }
        with_holes
    }

    /// The subscriptions in which something is out of order, unless it has other keys than the
    /// record says; none if nothing can be compared at all.
    fn out_of_order_without_keys(&self) -> BTreeSet<SubscriptionId> {
        if self.compares_nothing() {
            return BTreeSet::new();
        }
        let (is_stored_so, stands) = (self.may_be_stored_out_of_order(), self.stands_in());
        let ids = (0..=u8::MAX).map(SubscriptionId);
        let of = ids.zip(&self.subscriptions);
        of.filter(|(_, of)| is_stored_so || of.may_be_out_of_order(&self.sends, &stands))
            .map(|(id, _)| id)
            .collect()
    }

    /// Whether there may be a message on a log of which no offset is known.
    fn some_offset_is_unknown(&self) -> bool {
        let known = self.records.iter().filter(|record| record.offset != NO_POSITION);
        let known: BTreeSet<MessageId> = known.map(|record| record.message).collect();
        let mut sends = self.checker.sends.iter();
        sends.any(|(id, send)| send.sent() != Sent::Fail && !known.contains(&id))
    }
}
