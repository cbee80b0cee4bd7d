//! From what is known of every message to a report: the one pass at the end of a run.
//!
//! If the drain did not finish, no message is lost yet, except for those of a record that its log
//! has passed by, and those that a queue has removed before anybody had them, because their time
//! was over or no queue was bound: the others without an outcome are pending. One that went because
//! the queue was full may still be in the buffer of a consumer from which it was taken.

use std::collections::BTreeMap;

use entrega_model::{MessageId, Model, SubscriptionId};

use crate::class::{Outcome, Sent};
use crate::message::{Flag, Message};
use crate::sends::SendFold;
use crate::subscription::SubscriptionFold;
use crate::{
    Cause, Causes, Class, Classes, End, EventKind, OrderEvidence, SubscriptionReport, Verdict,
    Waiting,
};

/// How many of the messages that are pending a report names.
const WAITING: usize = 3;

impl SubscriptionFold {
    /// Classifies every message and judges the promise.
    pub(crate) fn report(
        &self,
        id: SubscriptionId,
        sends: &SendFold,
        is_log: bool,
        end: End,
    ) -> SubscriptionReport {
        let mut report = self.empty_report(id, sends);
        let with_effect = self.classify_sent(sends, end, &mut report);
        if with_effect < self.totals.effects - self.totals.excess {
            self.classify_phantoms(sends, end, &mut report);
        }
        report.acknowledged = sends.totals().ok;
        if report.has_unknown() {
            report.not_recorded = self.kinds.missing(is_log);
        }
        if report.classes.get(Class::Pending) > 0 {
            report.waiting = self.waiting(sends, end);
        }
        report.judge(end);
        report
    }

    /// Classifies what was sent, and says how many of these messages had an effect. Where all is
    /// well they are all of one class, so that one is looked for first.
    fn classify_sent(&self, sends: &SendFold, end: End, report: &mut SubscriptionReport) -> u64 {
        let untouched = Message::default();
        let (mut exact, mut first_exact, mut others) = (0, None, 0);
        sends.iter().for_each(|(id, send)| {
            let message = self.messages.get(id.0.into()).unwrap_or(&untouched);
            if send.is_acknowledged() && message.has_one_effect() {
                first_exact = first_exact.or(Some(id));
                exact += 1;
            } else {
                others += u64::from(message.effects > 0);
                self.classify(id, message, send.sent(), end, report);
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
    fn waiting(&self, sends: &SendFold, end: End) -> Vec<Waiting> {
        let untouched = Message::default();
        let waiting = sends.iter().filter_map(|(id, send)| {
            let message = self.messages.get(id.0.into()).unwrap_or(&untouched);
            let class = self.class(id, message, send.sent(), end);
            let last_with = self.owners.get(message.tenure).map(|(_, life)| life.consumer);
            (class == Some(Class::Pending)).then_some(Waiting { message: id, last_with })
        });
        waiting.take(WAITING).collect()
    }

    /// Classifies what had an effect and was not sent.
    fn classify_phantoms(&self, sends: &SendFold, end: End, report: &mut SubscriptionReport) {
        for (id, message) in self.messages.iter() {
            let id = MessageId(id as u32);
            if message.effects > 0 && sends.get(id).is_none() {
                self.classify(id, message, Sent::Never, end, report);
            }
        }
    }

    /// Whether events of this kind are recorded: in a run, always.
    fn has(&self, kind: EventKind) -> bool {
        !self.is_record || self.kinds.get(kind) > 0
    }

    /// Deliveries beyond the stored copies. A message of a record that was delivered was stored,
    /// even if the record does not show it. Of one of which more copies are recorded that were to
    /// be tried later than deliveries, none is one too many.
    fn redeliveries(&self) -> u64 {
        if !self.is_record {
            return self.totals.redeliveries;
        }
        let is_delivered_unseen = |message: &Message| message.copies == 0 && message.surplus > 0;
        let messages = self.messages.iter();
        let unseen = messages.filter(|(_, message)| is_delivered_unseen(message)).count();
        self.totals.redeliveries - unseen as u64
    }

    /// Further dead letters of messages of a record that nobody sent, or that were refused: nothing
    /// was promised for them, and they are not counted.
    fn unpromised_excess(&self, sends: &SendFold) -> u64 {
        if !self.is_record {
            return 0;
        }
        let is_promised =
            |id: u64| sends.get(MessageId(id as u32)).is_some_and(|send| send.sent() != Sent::Fail);
        let unpromised = self.messages.iter().filter(|(id, _)| !is_promised(*id));
        unpromised.map(|(_, message)| u64::from(message.dead_letters.saturating_sub(1))).sum()
    }

    fn empty_report(&self, subscription: SubscriptionId, sends: &SendFold) -> SubscriptionReport {
        let totals = self.totals;
        let (stored, deliveries) = (self.has(EventKind::Store), self.has(EventKind::Deliver));
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
            not_recorded: Vec::new(),
            stored: stored.then_some(totals.stored),
            deliveries: deliveries.then_some(totals.deliveries),
            redeliveries: (stored && deliveries).then(|| self.redeliveries()),
            effects: totals.effects,
            excess: totals.excess,
            repeated: totals.repeated,
            redriven: totals.redriven,
            dead_letters: totals.dead_letters,
            dlq_excess: totals.dlq_excess - self.unpromised_excess(sends),
            order: self.order.found,
            evidence: OrderEvidence::default(),
            counters: self.counters,
            records_faults: EventKind::OPEN_WINDOWS.iter().any(|kind| self.has(*kind)),
            struck: 0,
            exposure: None,
            waiting: Vec::new(),
            latency: self.latency.clone(),
            lateness: self.lateness.as_ref().map(|fold| fold.found.clone()),
        }
    }
}

/// One message.
impl SubscriptionFold {
    /// Counts a message.
    #[inline]
    fn classify(
        &self,
        id: MessageId,
        message: &Message,
        sent: Sent,
        end: End,
        report: &mut SubscriptionReport,
    ) {
        let Some(class) = self.class(id, message, sent, end) else { return };
        if report.classes.get(class) == 0 || class == Class::Phantom {
            report.firsts.entry(class).and_modify(|first| *first = id.min(*first)).or_insert(id);
        }
        report.classes.add(class, 1);
        let has_outcome = message.effects > 0 || message.dead_letters > 0;
        report.present += u64::from(sent == Sent::Ok || (sent == Sent::Info && has_outcome));
        let Some(cause) = self.cause(class, message) else { return };
        *report.causes.entry(cause).or_default() += 1;
        report.examples.entry((class, cause)).or_insert(id);
    }

    /// What a log has passed by will not come, nor what a queue has removed before anybody had it,
    /// unless the audit has found it. A broker that restarts takes messages back without a word.
    fn class(&self, id: MessageId, message: &Message, sent: Sent, end: End) -> Option<Class> {
        let was_read = self.audited == Some(Model::Queue) && !self.has_restarted();
        let is_gone = was_read && message.was_removed_unread();
        let may_come = end == End::Unfinished && !is_gone && !self.skipped.contains(&id);
        Class::of(Outcome {
            sent,
            effects: message.effects,
            dead_letters: message.dead_letters,
            retrievable: message.has(Flag::Retrievable) || may_come,
        })
    }

    fn cause(&self, class: Class, message: &Message) -> Option<Cause> {
        let cause = match class {
            Class::Lost => {
                let is_whole = !self.is_record || self.kinds.are_complete();
                let audited = self.audited == Some(Model::Log) && is_whole;
                message.cause_of_loss(self.stores_are_known, audited)
            }
            Class::Duplicated | Class::Split => message.cause_of_duplicate(),
            _ => return None,
        };
        Some(self.as_recorded(cause))
    }

    /// Calls `each` for every message that is in a class, with its class and, where there is one,
    /// the cause.
    pub(crate) fn each_classified(
        &self,
        sends: &SendFold,
        end: End,
        mut each: impl FnMut(MessageId, Class, Option<Cause>),
    ) {
        let untouched = Message::default();
        let mut show = |id: MessageId, message: &Message, sent: Sent| {
            if let Some(class) = self.class(id, message, sent, end) {
                each(id, class, self.cause(class, message));
            }
        };
        for (id, send) in sends.iter() {
            show(id, self.messages.get(id.0.into()).unwrap_or(&untouched), send.sent());
        }
        for (id, message) in self.messages.iter() {
            let id = MessageId(id as u32);
            if sends.get(id).is_none() {
                show(id, message, Sent::Never);
            }
        }
    }

    /// What a record does not explain is unknown: it need not hold all that there was to see. That
    /// no broker recorded a settle is known only where brokers record them.
    fn as_recorded(&self, cause: Cause) -> Cause {
        let is_unknown = match cause {
            Cause::Unexplained => true,
            Cause::SettleLost => !self.knows_settles(),
            _ => false,
        };
        if self.is_record && is_unknown { Cause::Unknown } else { cause }
    }
}
