//! How a message came to take effect after one of its key that was sent later.

use entrega_model::event::EffectVerdict;
use entrega_model::{Kind, MessageId, ProcessId};

use super::chronicle::Chronicle;
use super::duplicate::interruption;
use super::faults;

pub(super) fn tell(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    let Some(effect) = chronicle.effects().first().copied() else {
        return format!("{m} has no effect.");
    };
    let Some((later, other)) = overtaker(chronicle, effect.at) else {
        return format!("{m} takes effect in its turn.");
    };
    let later = super::name(later);
    let ending = format!("takes effect after {later}, which has the same key and was sent later");
    let hand_overs = chronicle.hand_overs();
    let last = hand_overs.iter().find(|one| one.delivery == effect.delivery);
    let before = last.and_then(|last| hand_overs.iter().rfind(|one| one.at < last.at));
    if let (Some(before), Some(last)) = (before, last) {
        let why = interruption(chronicle, before, last, None);
        let to = chronicle.name(last.consumer);
        return format!("{why}; {m} is delivered again to {to} and {ending}.");
    }
    let from = last.map_or(0, |one| one.at);
    let held_up = faults::concerning(chronicle, effect.consumer, (from, effect.at), true);
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
    let Kind::Effect { key, .. } = chronicle.events[at].kind else { return None };
    chronicle.events[..at].iter().find_map(|event| match event.kind {
        Kind::Effect { message, key: of, subscription, consumer, verdict, .. }
            if subscription == chronicle.subscription
                && of == key
                && message > chronicle.id
                && verdict == EffectVerdict::Applied =>
        {
            Some((message, consumer))
        }
        _ => None,
    })
}
