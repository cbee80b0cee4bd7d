//! From what is known of every message to a report: the one pass at the end of a run.
//!
//! If the drain did not finish, no message is lost yet: those without an outcome are pending.

use std::collections::BTreeMap;

use entrega_model::{MessageId, SubscriptionId};

use crate::class::{Outcome, Sent};
use crate::message::{Flag, Message};
use crate::sends::SendFold;
use crate::subscription::SubscriptionFold;
use crate::{Causes, Class, Classes, End, SubscriptionReport, Verdict, Waiting};

/// How many of the messages that are pending a report names.
const WAITING: usize = 3;

/// What is known at the end of what is left.
#[derive(Clone, Copy)]
struct AsRead {
    end: End,
    /// A log was read from where a new consumer would begin.
    audited: bool,
}

impl SubscriptionFold {
    /// Classifies every message and judges the promise.
    pub(crate) fn report(
        &self,
        id: SubscriptionId,
        sends: &SendFold,
        end: End,
    ) -> SubscriptionReport {
        let as_read = AsRead { end, audited: self.audited };
        let mut report = self.empty_report(id);
        let with_effect = self.classify_sent(sends, as_read, &mut report);
        if with_effect < self.totals.effects - self.totals.excess {
            self.classify_phantoms(sends, as_read, &mut report);
        }
        report.acknowledged = sends.totals().ok;
        if report.classes.get(Class::Pending) > 0 {
            report.waiting = self.waiting(sends, as_read);
        }
        report.judge(end);
        report
    }

    /// Classifies what was sent, and says how many of these messages had an effect. Where all is
    /// well they are all of one class, so that one is looked for first.
    fn classify_sent(
        &self,
        sends: &SendFold,
        as_read: AsRead,
        report: &mut SubscriptionReport,
    ) -> u64 {
        let untouched = Message::default();
        let (mut exact, mut first_exact, mut others) = (0, None, 0);
        sends.iter().for_each(|(id, send)| {
            let message = self.messages.get(id.0.into()).unwrap_or(&untouched);
            if send.is_acknowledged() && message.has_one_effect() {
                first_exact = first_exact.or(Some(id));
                exact += 1;
            } else {
                others += u64::from(message.effects > 0);
                report.classify(id, message, send.sent(), as_read);
            }
        });
        if let Some(id) = first_exact {
            report.firsts.insert(Class::Exact, id);
            report.classes.add(Class::Exact, exact);
            report.present += exact;
        }
        exact + others
    }

    /// The first messages that are pending.
    fn waiting(&self, sends: &SendFold, as_read: AsRead) -> Vec<Waiting> {
        let untouched = Message::default();
        let waiting = sends.iter().filter_map(|(id, send)| {
            let message = self.messages.get(id.0.into()).unwrap_or(&untouched);
            let class = Class::of(message.outcome(send.sent(), as_read.end));
            let last_with = self.owners.get(message.tenure).map(|(_, life)| life.consumer);
            (class == Some(Class::Pending)).then_some(Waiting { message: id, last_with })
        });
        waiting.take(WAITING).collect()
    }

    /// Classifies what had an effect and was not sent.
    fn classify_phantoms(
        &self,
        sends: &SendFold,
        as_read: AsRead,
        report: &mut SubscriptionReport,
    ) {
        for (id, message) in self.messages.iter() {
            let id = MessageId(id as u32);
            if message.effects > 0 && sends.get(id).is_none() {
                report.classify(id, message, Sent::Never, as_read);
            }
        }
    }

    fn empty_report(&self, subscription: SubscriptionId) -> SubscriptionReport {
        let totals = self.totals;
        SubscriptionReport {
            subscription,
            guarantee: self.promise.guarantee,
            dead_letters_declared: self.promise.dead_letters_declared,
            ordered: self.promise.ordered,
            verdict: Verdict::Unknown,
            reasons: Vec::new(),
            classes: Classes::default(),
            causes: Causes::new(),
            examples: BTreeMap::new(),
            firsts: BTreeMap::new(),
            acknowledged: 0,
            present: 0,
            stored: totals.stored,
            deliveries: totals.deliveries,
            redeliveries: totals.redeliveries,
            effects: totals.effects,
            excess: totals.excess,
            repeated: totals.repeated,
            dead_letters: totals.dead_letters,
            dlq_excess: totals.dlq_excess,
            order: self.order.found,
            counters: self.counters,
            struck: 0,
            waiting: Vec::new(),
            latency: self.latency.clone(),
        }
    }
}

impl Message {
    /// What there is of it at the end.
    #[inline]
    fn outcome(&self, sent: Sent, end: End) -> Outcome {
        Outcome {
            sent,
            effects: self.effects,
            dead_letters: self.dead_letters,
            retrievable: self.has(Flag::Retrievable) || end == End::Unfinished,
        }
    }
}

impl SubscriptionReport {
    /// Counts one message.
    #[inline]
    fn classify(&mut self, id: MessageId, message: &Message, sent: Sent, as_read: AsRead) {
        let Some(class) = Class::of(message.outcome(sent, as_read.end)) else { return };
        if self.classes.get(class) == 0 || class == Class::Phantom {
            self.firsts.entry(class).and_modify(|first| *first = id.min(*first)).or_insert(id);
        }
        self.classes.add(class, 1);
        let has_outcome = message.effects > 0 || message.dead_letters > 0;
        self.present += u64::from(sent == Sent::Ok || (sent == Sent::Info && has_outcome));
        let cause = match class {
            Class::Lost => message.cause_of_loss(as_read.audited),
            Class::Duplicated | Class::Split => message.cause_of_duplicate(),
            _ => return,
        };
        *self.causes.entry(cause).or_default() += 1;
        self.examples.entry((class, cause)).or_insert(id);
    }
}
