//! A run in one sentence: what went wrong, and what came of it.
//!
//! > **The rule.** A sentence says nothing that the events do not say; so it agrees with the
//! > timeline of the same run. First comes what was injected, as far as it concerns the message;
//! > then what the broker made of it; at the end, the anomaly.
//!
//! * [`chronicle`]: looking things up in the events.
//! * [`faults`]: the words for faults; [`delays`]: until when they delay, and who overtakes whom.
//! * [`loss`], [`duplicate`], [`order`]: the sentences, by anomaly.

mod chronicle;
mod delays;
mod duplicate;
mod faults;
mod loss;
mod order;
mod split;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use entrega_checker::{Cause, Class};
use entrega_model::{Event, Kind, MessageId, SubscriptionId};
use entrega_sim::Cast;

use crate::lab::examples::Anomaly;
use chronicle::Chronicle;

pub(crate) use faults::Injected;

/// What a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Whose anomaly it is.
    pub(crate) subscription: SubscriptionId,
    /// What became of the message.
    pub(crate) anomaly: Anomaly,
    /// Why, as the checker sees it.
    pub(crate) cause: Option<Cause>,
    /// The message.
    pub(crate) message: MessageId,
}

/// How a message came to be lost, duplicated or whatever else became of it.
pub(crate) fn story(events: &[Event], cast: &Cast, subject: &Subject) -> String {
    let chronicle = Chronicle::new(events, cast, subject.subscription, subject.message);
    let overtakings = delays::overtakings(&chronicle);
    let story = match subject.anomaly {
        Anomaly::Class(Class::Pending, _) => return loss::pending(&chronicle),
        Anomaly::Reordered => order::tell(&chronicle),
        Anomaly::Class(class, _) => of_class(&chronicle, class, subject.cause),
    };
    if overtakings.is_empty() {
        story
    } else {
        format!("{}; {story}", overtakings.join(" and then "))
    }
}

fn of_class(chronicle: &Chronicle<'_>, class: Class, cause: Option<Cause>) -> String {
    let m = chronicle.message();
    match class {
        Class::Lost => loss::tell(chronicle),
        Class::Duplicated if cause == Some(Cause::StoredTwice) => {
            duplicate::stored_twice(chronicle)
        }
        Class::Duplicated => duplicate::tell(chronicle),
        Class::Split => split::tell(chronicle),
        Class::DeadLettered => split::dead_lettered(chronicle),
        Class::Pending => loss::pending(chronicle),
        Class::Phantom => format!("{m} takes effect, although it was refused or never sent."),
        Class::Exact => format!("{m} takes effect exactly once."),
        Class::Recovered => {
            format!("{m} takes effect, although its producer never learnt that it was stored.")
        }
        Class::Absent => format!("{m} has no effect, and its producer was promised nothing."),
        Class::Refused => format!("{m} is refused, and its producer knows it."),
    }
}

/// A run that does not come to rest, for whatever has gone wrong in it.
pub(crate) fn unfinished(events: &[Event], cast: &Cast) -> String {
    all_of_it(events, cast, "the run never comes to rest")
}

/// A run in which one message goes to the dead letters more than once.
pub(crate) fn dead_lettered_twice(events: &[Event], cast: &Cast) -> String {
    let mut seen = BTreeSet::new();
    let again = events.iter().find_map(|event| match event.kind {
        Kind::DeadLettered { message, .. } if !seen.insert(message) => Some(message),
        _ => None,
    });
    let who = again.map_or_else(|| "a message".to_owned(), name);
    all_of_it(events, cast, &format!("{who} goes to the dead letters again"))
}

/// Everything that has gone wrong in a run, and what came of it.
fn all_of_it(events: &[Event], cast: &Cast, ending: &str) -> String {
    let chronicle = Chronicle::new(events, cast, SubscriptionId(0), MessageId(0));
    let what = faults::clauses(&chronicle, &faults::all(&chronicle)).join(" and then ");
    if what.is_empty() { format!("{ending}.") } else { format!("{what}; {ending}.") }
}

/// What a message is called: `m0` is the first.
pub(crate) fn name(message: MessageId) -> String {
    format!("m{message}")
}
