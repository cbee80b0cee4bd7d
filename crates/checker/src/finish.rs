//! From what is known of every message to a report: the one pass at the end of a run.
//!
//! If the drain did not finish, no message is lost yet: those without an outcome are pending.

use std::collections::BTreeMap;

use entrega_model::{MessageId, SubscriptionId};

use crate::class::{Outcome, Sent};
use crate::message::{Flag, Message};
use crate::sends::SendFold;
use crate::subscription::SubscriptionFold;
use crate::{Causes, Class, Classes, End, SubscriptionReport, Verdict};

impl SubscriptionFold {
    /// Classifies every message and judges the promise.
    pub(crate) fn report(
        &self,
        id: SubscriptionId,
        sends: &SendFold,
        end: End,
    ) -> SubscriptionReport {
        let mut report = self.empty_report(id);
        let untouched = Message::default();
        for (id, send) in sends.iter() {
            let message = self.messages.get(id.0.into()).unwrap_or(&untouched);
            report.classify(id, message, send.sent(), end);
        }
        if self.totals.effects > 0 {
            for (id, message) in self.messages.iter() {
                let id = MessageId(id as u32);
                if message.effects > 0 && sends.get(id).is_none() {
                    report.classify(id, message, Sent::Never, end);
                }
            }
        }
        report.acknowledged = sends.totals().ok;
        report.judge(end);
        report
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
            latency: self.latency.clone(),
        }
    }
}

impl SubscriptionReport {
    /// Counts one message.
    #[inline]
    fn classify(&mut self, id: MessageId, message: &Message, sent: Sent, end: End) {
        let class = Class::of(Outcome {
            sent,
            effects: message.effects,
            dead_letters: message.dead_letters,
            retrievable: message.has(Flag::Retrievable) || end == End::Unfinished,
        });
        let Some(class) = class else { return };
        if self.classes.get(class) == 0 || class == Class::Phantom {
            self.firsts.entry(class).and_modify(|first| *first = id.min(*first)).or_insert(id);
        }
        self.classes.add(class, 1);
        let has_outcome = message.effects > 0 || message.dead_letters > 0;
        self.present += u64::from(sent == Sent::Ok || (sent == Sent::Info && has_outcome));
        let cause = match class {
            Class::Lost => message.cause_of_loss(),
            Class::Duplicated | Class::Split => message.cause_of_duplicate(),
            _ => return,
        };
        *self.causes.entry(cause).or_default() += 1;
        self.examples.entry((class, cause)).or_insert(id);
    }
}
