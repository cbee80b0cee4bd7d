//! How a message came to take effect after one of its key that was sent later.

use entrega_model::{Kind, MessageId, ProcessId};

use super::chronicle::Chronicle;
use super::faults;
use super::interruption::Interruption;
use crate::run::first;
use crate::words;

pub(super) fn tell(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    let Some(effect) = chronicle.effects().first().copied() else {
        return format!("{m} has no effect.");
    };
    let Some((later, other)) = overtaker(chronicle, effect.at) else {
        return format!("{m} takes effect in its turn.");
    };
    let later = words::name(later);
    let ending = format!("takes effect after {later}, which has the same key and was sent later");
    let deliveries = chronicle.deliveries();
    let last = deliveries.iter().find(|one| one.id == effect.delivery);
    let before = last.and_then(|last| deliveries.iter().rfind(|one| one.at < last.at));
    if let (Some(before), Some(last)) = (before, last) {
        let why = Interruption::of(before, last, None).clause(chronicle);
        let to = chronicle.name(last.consumer);
        return format!("{why}; {m} is delivered again to {to} and {ending}.");
    }
    let from = last.map_or(0, |one| one.at);
    let held_up = faults::concerning_or_delaying(chronicle, effect.consumer, from, effect.at);
    let why = faults::clauses(chronicle, &held_up).join(" and then ");
    if !why.is_empty() {
        return format!("{why}; {m} {ending}.");
    }
    let (who, faster) = (chronicle.name(effect.consumer), chronicle.name(other));
    let mut faults = faults::while_sending(chronicle, effect.at);
    faults.extend(faults::before_delivery(chronicle, from));
    let why = faults::clauses(chronicle, &faults).join(" and then ");
    let why = if why.is_empty() { why } else { format!("{why}; ") };
    if effect.consumer == other {
        return format!("{why}{who} processes {later} before {m}; {m} {ending}.");
    }
    format!("{why}{who} works on {m} while {faster} works on {later} and is faster; {m} {ending}.")
}

/// The first message of the same key that was sent later and took effect before `at`, and by whom.
fn overtaker(chronicle: &Chronicle<'_>, at: usize) -> Option<(MessageId, ProcessId)> {
    let Kind::Effect { key, .. } = *chronicle.kind(at) else { return None };
    let found = first(chronicle.run.effects(), 0, |other| {
        matches!(*chronicle.kind(other), Kind::Effect { message, key: of, subscription, .. }
            if subscription == chronicle.subscription && of == key && message > chronicle.id)
    });
    match *chronicle.kind(found.filter(|&found| found < at)?) {
        Kind::Effect { message, consumer, .. } => Some((message, consumer)),
        _ => None,
    }
}
