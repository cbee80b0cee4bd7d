//! Who gave a message up, and why: its handler failed, it had no answer, or the broker did.
//!
//! > **The rule.** The event of a dead letter does not name its writer. It is the consumer whose
//! > last attempt on the message failed or had no answer, which need not be the one that was handed
//! > it last.

use entrega_model::Kind;
use entrega_model::event::{DeadLetterReason, ProcessingResult};
use entrega_scenario::points::Call;

use super::chronicle::{Chronicle, Delivered, times};
use super::course::Course;
use super::faults;
use super::limit;
use crate::run::first;

/// How a message came to a dead letter.
pub(super) struct GivenUp<'a> {
    /// Where the dead letter is.
    pub(super) letter: usize,
    /// The delivery that ended in it, which may come later if the client held the message until
    /// then; the last one before it if that is not known.
    pub(super) delivery: Option<Delivered<'a>>,
    reason: Option<DeadLetterReason>,
}

/// The dead letters of a message, in the order of the run.
pub(super) fn all<'a>(chronicle: &Chronicle<'a>) -> Vec<GivenUp<'a>> {
    let mut all: Vec<GivenUp<'a>> = Vec::new();
    for letter in chronicle.dead_letters() {
        let reason = match *chronicle.kind(letter) {
            Kind::DeadLettered { reason, .. } => Some(reason),
            _ => None,
        };
        let of_client = reason == Some(DeadLetterReason::Client);
        let wrote = |one: &Delivered<'_>| {
            all.iter().any(|other| other.delivery.is_some_and(|of| of.id == one.id))
        };
        let writer = || {
            let failed = failed_deliveries(chronicle, letter);
            failed.into_iter().rfind(|one| !wrote(one)).or(all.last().and_then(|one| one.delivery))
        };
        let last = || chronicle.deliveries().into_iter().rfind(|one| one.at < letter);
        let by_limit = reason == Some(DeadLetterReason::DeliveryLimit);
        let returned = || returned_before(chronicle, letter);
        let delivery = of_client.then(writer).or_else(|| by_limit.then(returned)).flatten();
        let delivery = delivery.or_else(last);
        all.push(GivenUp { letter, delivery, reason });
    }
    all
}

/// The delivery with which the queue last took the message back before a place.
fn returned_before<'a>(chronicle: &Chronicle<'a>, letter: usize) -> Option<Delivered<'a>> {
    let returned = |one: &Delivered<'_>| {
        let mut ends = one.possession.ends.iter().filter(|end| end.how.returns());
        ends.find(|end| end.place.event < letter).map(|end| end.place.event)
    };
    let deliveries = chronicle.deliveries().into_iter();
    let all = deliveries.filter_map(|one| Some((returned(&one)?, one)));
    all.max_by_key(|(at, _)| *at).map(|(_, one)| one)
}

/// The deliveries whose last attempt ended before a place, and not with success; in the order in
/// which these attempts ended.
fn failed_deliveries<'a>(chronicle: &Chronicle<'a>, until: usize) -> Vec<Delivered<'a>> {
    let of_it = chronicle.run.of_message(chronicle.id);
    let failure = |of: &Delivered<'_>| {
        let is_work = |at: &usize| match *chronicle.kind(*at) {
            Kind::ProcessingStarted { delivery, .. } | Kind::ProcessingEnded { delivery, .. } => {
                delivery == of.id
            }
            _ => false,
        };
        let last = of_it.iter().copied().rfind(is_work).filter(|at| *at < until)?;
        matches!(*chronicle.kind(last), Kind::ProcessingEnded { result, .. }
            if result != ProcessingResult::Ok)
        .then_some(last)
    };
    let deliveries = chronicle.deliveries().into_iter();
    let mut failed: Vec<_> = deliveries.filter_map(|one| Some((failure(&one)?, one))).collect();
    failed.sort_by_key(|(at, _)| *at);
    failed.into_iter().map(|(_, one)| one).collect()
}

impl GivenUp<'_> {
    /// Whether no consumer wrote the dead letter.
    pub(super) fn is_by_broker(&self) -> bool {
        self.reason.is_some_and(|reason| reason != DeadLetterReason::Client)
    }

    /// Whether its consumer asked for it, by a reject or by a dead letter of its own.
    pub(super) fn is_asked_for(&self) -> bool {
        matches!(self.reason, Some(DeadLetterReason::Client | DeadLetterReason::Rejected))
    }

    /// Why the message was given up, and what `ending` says of it.
    pub(super) fn course(&self, chronicle: &Chronicle<'_>, ending: &str) -> Course {
        let m = chronicle.message();
        let clause = match self.reason {
            Some(DeadLetterReason::DeliveryLimit) => {
                let often = format!("{m} has been delivered too often and {ending}");
                return limit::innocence(chronicle, self.letter).then(often);
            }
            Some(DeadLetterReason::Ttl) => format!("the time to live of {m} ends and it {ending}"),
            Some(DeadLetterReason::Overflow) => format!("the queue is full and {m} {ending}"),
            Some(DeadLetterReason::Rejected) => format!("its consumer rejects {m} and it {ending}"),
            Some(DeadLetterReason::Client) => self.by_consumer(chronicle, ending),
            None => format!("{m} {ending}"),
        };
        Course::of(clause)
    }

    /// The faults that left the consumer without an answer from the sink.
    pub(super) fn without_answer(&self, chronicle: &Chronicle<'_>) -> Course {
        let Some(of) = self.delivery.filter(|_| self.is_asked_for()) else {
            return Course::default();
        };
        let mut found = faults::concerning(chronicle, of.consumer, of.at, self.letter);
        found.retain(|fault| fault.befalls(Call::Effect));
        faults::clauses(chronicle, &found)
    }

    /// What its consumer met before it gave up: a handler that failed, or no answer.
    fn by_consumer(&self, chronicle: &Chronicle<'_>, ending: &str) -> String {
        let m = chronicle.message();
        let Some(of) = self.delivery else { return format!("{m} {ending}") };
        let by = chronicle.name(of.consumer);
        if !chronicle.retries().is_empty() {
            let failed = |at: &&usize| {
                matches!(*chronicle.kind(**at), Kind::ProcessingEnded { subscription, result, .. }
                    if subscription == chronicle.subscription && result != ProcessingResult::Ok)
            };
            let until = |at: &&usize| **at < self.letter;
            let of_it = chronicle.run.of_message(chronicle.id).iter();
            let count = times(of_it.filter(until).filter(failed).count());
            return format!("handlers fail {count} on {m}, in copies of it too, and it {ending}");
        }
        match self.attempts(chronicle, &of) {
            (0, 0) => format!("{by} dead-letters {m}, which {ending}"),
            (0, 1) => format!("{by} has no answer about {m}, which {ending}"),
            (0, count) => format!("{} {by} has no answer about {m}, which {ending}", times(count)),
            (count, 0) => {
                format!("the handler of {by} fails {} on {m}, which {ending}", times(count))
            }
            (count, unanswered) => format!(
                "the handler of {by} fails {} on {m} and {} has no answer about it, and {m} \
                 {ending}",
                times(count),
                times(unanswered)
            ),
        }
    }

    /// How often its handler failed, and how often it had no answer.
    fn attempts(&self, chronicle: &Chronicle<'_>, of: &Delivered<'_>) -> (usize, usize) {
        let mut count = (0, 0);
        let mut from = of.at;
        let is_of_it = |at| {
            matches!(*chronicle.kind(at), Kind::ProcessingEnded { delivery, .. }
            if delivery == of.id)
        };
        while let Some(at) =
            first(chronicle.run.failures(), from, is_of_it).filter(|at| *at < self.letter)
        {
            match *chronicle.kind(at) {
                Kind::ProcessingEnded { result: ProcessingResult::Unknown, .. } => count.1 += 1,
                _ => count.0 += 1,
            }
            from = at + 1;
        }
        count
    }
}
