//! The output topic of a group: what its applications make of their messages, written in
//! transactions, and read by somebody downstream.
//!
//! > **The rule.** An effect has happened when the reader downstream can see its record: at the
//! > commit marker, if it reads committed records and no older transaction is open; at once, if it
//! > reads uncommitted ones. A record of an aborted transaction has no effect for the former. For
//! > the latter it has had one, and the abort takes nothing back (semantics.md 2.2 note 13).
//!
//! One partition, read to its end at every change, so only what the reader has not passed is kept.

use std::collections::VecDeque;

use entrega_model::event::{AbortReason, EffectVerdict};
use entrega_model::log::{IsolationLevel, Offset};
use entrega_model::{Event, Fingerprint, Fingerprinted, Instant, Kind, TransactionalId};

use super::Written;
use super::stability::Stability;

/// The output topic of a group, and the reader downstream.
#[derive(Clone, Debug, Default)]
pub(super) struct OutputTopic {
    log_end_offset: Offset,
    /// What the reader has not passed: records, and nothing where a marker stands.
    ahead: VecDeque<Option<Written>>,
    pub(super) stability: Stability,
}

impl OutputTopic {
    /// The offset of the next record.
    pub(super) fn log_end_offset(&self) -> Offset {
        self.log_end_offset
    }

    /// Appends a record of a transaction.
    pub(super) fn append(&mut self, id: TransactionalId, written: Written) {
        self.stability.appended(id, self.log_end_offset);
        self.ahead.push_back(Some(written));
        self.log_end_offset += 1;
    }

    /// Appends the marker of a transaction.
    pub(super) fn append_marker(&mut self, id: TransactionalId) {
        self.stability.ended(id, self.log_end_offset);
        self.ahead.push_back(None);
        self.log_end_offset += 1;
    }

    /// A record's transaction was aborted.
    pub(super) fn abort(
        &mut self,
        now: Instant,
        written: &Written,
        reason: AbortReason,
        ground_truth: &mut Vec<Event>,
    ) {
        let seen = written.offset < self.position();
        if !seen {
            self.stability.abort(written.offset);
        }
        ground_truth.push(Event {
            at: now,
            kind: Kind::Aborted {
                delivery: written.output.delivery,
                message: written.output.record.message,
                subscription: written.of,
                consumer: written.from.process,
                seen,
                reason,
            },
        });
    }

    /// The reader reads as far as it can.
    pub(super) fn read_on(
        &mut self,
        now: Instant,
        isolation: IsolationLevel,
        ground_truth: &mut Vec<Event>,
    ) {
        let bound = self.stability.bound(isolation, self.log_end_offset);
        while self.position() < bound {
            let is_hidden = self.stability.hides(isolation, self.position());
            let record = self.ahead.pop_front().flatten().filter(|_| !is_hidden);
            ground_truth.extend(record.map(|written| effect(now, &written)));
        }
        self.stability.forget_before(self.position());
    }

    /// Where the reader stands.
    fn position(&self) -> Offset {
        self.log_end_offset - self.ahead.len() as Offset
    }

    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.word(self.log_end_offset);
        into.count(self.ahead.len());
        for written in &self.ahead {
            into.flag(written.is_some());
            written.iter().for_each(|written| written.fingerprint(into));
        }
        self.stability.fingerprint(into);
    }
}

impl Fingerprinted for Written {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { of, to, offset, output, from } = self;
        into.word(of.0.into());
        to.fingerprint(into);
        into.word(*offset);
        output.fingerprint(into);
        into.word(from.process.0.into());
    }
}

fn effect(now: Instant, written: &Written) -> Event {
    let record = written.output.record;
    Event {
        at: now,
        kind: Kind::Effect {
            delivery: written.output.delivery,
            message: record.message,
            key: record.key,
            subscription: written.of,
            consumer: written.from.process,
            verdict: EffectVerdict::Applied,
        },
    }
}
