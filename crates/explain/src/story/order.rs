//! How a message came to take effect after one of its key that was sent later.

use entrega_model::{Kind, MessageId, ProcessId};

use super::chronicle::Chronicle;
use super::course::Course;
use super::faults;
use super::interruption::Interruption;
use crate::run::first;
use crate::words;

pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let Some(effect) = chronicle.effects().first().copied() else {
        return Course::of(format!("{m} has no effect"));
    };
    let Some(overtaker) = overtaker(chronicle, effect.at) else {
        return Course::of(format!("{m} takes effect in its turn"));
    };
    let later = words::name(overtaker.message);
    let ending = format!("takes effect after {later}, which has the same key and was sent later");
    if let Some(again) = sent_again(chronicle, overtaker.message) {
        let m = chronicle.message();
        let why = faults::clauses(chronicle, &faults::while_sending(chronicle, again.stored));
        let noun = if again.is_by_application { "resend" } else { "retry" };
        let why = why.part(format!("the {noun} of {m} is overtaken by {later}"));
        return why.part(format!("{m} {ending}"));
    }
    let deliveries = chronicle.deliveries();
    let last = deliveries.iter().find(|one| one.id == effect.delivery);
    let before = last.and_then(|last| deliveries.iter().rfind(|one| one.at < last.at));
    if let (Some(before), Some(last)) = (before, last) {
        let why = Interruption::of(before, last, None).course(chronicle);
        let to = chronicle.name(last.consumer);
        return why.part(format!("{m} is delivered again to {to} and {ending}"));
    }
    let from = last.map_or(0, |one| one.at);
    let mut held_up = faults::concerning_or_delaying(chronicle, effect.consumer, from, effect.at);
    if !held_up.is_empty() {
        held_up.extend(faults::of_successor(chronicle, overtaker.by, from, overtaker.at));
        held_up.sort_by_key(|fault| fault.at);
    }
    let why = faults::clauses(chronicle, &held_up);
    let ending = format!("{m} {ending}");
    if !why.is_empty() {
        return why.part(ending);
    }
    let mut faults = faults::while_sending(chronicle, effect.at);
    faults.extend(faults::before_delivery(chronicle, from));
    faults.sort_by_key(|fault| fault.at);
    let why = match lost_in_buffer(chronicle, from) {
        Some(lost) => faults::brief_clauses(chronicle, &faults).then(lost),
        None => faults::clauses(chronicle, &faults),
    };
    let (who, faster) = (chronicle.name(effect.consumer), chronicle.name(overtaker.by));
    let meanwhile = if effect.consumer == overtaker.by {
        format!("{who} processes {later} before {m}")
    } else if from < overtaker.at && !works(chronicle, effect.consumer, from, overtaker.at) {
        format!("{m} waits at {who} while {faster} works on {later}")
    } else if from < overtaker.at {
        format!("{who} works on {m} while {faster} works on {later} and is faster")
    } else {
        format!("{faster} works on {later} before {m} is delivered to {who}")
    };
    why.part(meanwhile).part(ending)
}

/// A message of which only another attempt to send it was stored.
struct SentAgain {
    /// Where it was stored first.
    stored: usize,
    /// The attempts before had ended, or their producer's life, so that it is no retry of the
    /// client library.
    is_by_application: bool,
}

/// How it was sent again, if the broker had stored `later` when the message was stored first.
fn sent_again(chronicle: &Chronicle<'_>, later: MessageId) -> Option<SentAgain> {
    let stored = chronicle.stored().first().copied()?;
    let later = Chronicle::new(chronicle.run, chronicle.subscription, later);
    let is_overtaken = later.stored().first().is_some_and(|&at| at < stored);
    let sends = chronicle.run.of_message(chronicle.id);
    let is_again =
        |at| matches!(*chronicle.kind(at), Kind::SendInvoked { attempt, .. } if attempt > 1);
    let again = first(sends, 0, is_again).filter(|&at| is_overtaken && at < stored)?;
    let Kind::SendInvoked { producer, .. } = *chronicle.kind(again) else { return None };
    let begun = sends.first().copied()?;
    let is_the_end = |kind: &Kind| match *kind {
        Kind::SendEnded { message, .. } => message == chronicle.id,
        Kind::Crashed { process, .. } => process == producer,
        _ => false,
    };
    let is_by_application =
        chronicle.run.events[begun..again].iter().any(|event| is_the_end(&event.kind));
    Some(SentAgain { stored, is_by_application })
}

/// Whether a consumer began to work on the message between two places.
fn works(chronicle: &Chronicle<'_>, who: ProcessId, from: usize, until: usize) -> bool {
    let begun = first(
        chronicle.run.of_message(chronicle.id),
        from,
        |at| matches!(*chronicle.kind(at), Kind::ProcessingStarted { consumer, .. } if consumer == who),
    );
    begun.is_some_and(|at| at < until)
}

/// What took the message from a client that had it in its buffer, before a place.
fn lost_in_buffer(chronicle: &Chronicle<'_>, until: usize) -> Option<String> {
    let possessions = chronicle.run.possessions.of(chronicle.subscription, chronicle.id);
    let ends = possessions.flat_map(|one| &one.ends);
    let before = ends.filter(|end| end.how.returns() && end.place.event < until);
    let last = before.max_by_key(|end| end.place.event)?;
    Some(chronicle.words(last.place.event).clause().to_owned())
}

/// A message of the same key that was sent later and took effect earlier.
struct Overtaker {
    message: MessageId,
    by: ProcessId,
    /// Where it took effect.
    at: usize,
}

/// The first message of the same key that was sent later and took effect before `at`.
fn overtaker(chronicle: &Chronicle<'_>, at: usize) -> Option<Overtaker> {
    let Kind::Effect { key, .. } = *chronicle.kind(at) else { return None };
    let found = first(chronicle.run.effects(), 0, |other| {
        matches!(*chronicle.kind(other), Kind::Effect { message, key: of, subscription, .. }
            if subscription == chronicle.subscription && of == key && message > chronicle.id)
    });
    let at = found.filter(|&found| found < at)?;
    match *chronicle.kind(at) {
        Kind::Effect { message, consumer: by, .. } => Some(Overtaker { message, by, at }),
        _ => None,
    }
}
