//! A run in one sentence: what went wrong, and what came of it.
//!
//! > **The rule.** A sentence says nothing that the events do not say; so it agrees with the
//! > timeline of the same run. First comes what was injected, as far as it concerns the message;
//! > then what the broker made of it; at the end, the anomaly.
//!
//! * [`chronicle`]: looking things up in the events.
//! * [`faults`]: the words for faults; [`delays`]: until when they delay, and who overtakes whom.
//! * [`leaving`]: why a process left, and why somebody lost a partition to it.
//! * [`loss`], [`duplicate`], [`order`], [`split`], [`stall`]: the sentences, by anomaly.

mod chronicle;
mod delays;
mod duplicate;
mod faults;
mod leaving;
mod loss;
mod order;
mod split;
mod stall;
#[cfg(test)]
mod tests;

use entrega::Finding;
use entrega_checker::{Cause, Class};
use entrega_model::{Event, MessageId, SubscriptionId};
use entrega_scenario::Cast;

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
        Anomaly::Class(Class::Pending, _) => return stall::tell(&chronicle),
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
        Class::Pending => stall::tell(chronicle),
        Class::Phantom => format!("{m} takes effect, although it was refused or never sent."),
        Class::Exact => format!("{m} takes effect exactly once."),
        Class::Recovered => {
            format!("{m} takes effect, although its producer never learnt that it was stored.")
        }
        Class::Absent => format!("{m} has no effect, and its producer was promised nothing."),
        Class::Refused => format!("{m} is refused, and its producer knows it."),
    }
}

/// What a run shows of a subscription, told.
pub(crate) struct Tale {
    /// The message that it is about; none for a run that never comes to rest although nothing
    /// waits.
    pub(crate) message: Option<MessageId>,
    pub(crate) sentence: String,
}

/// Tells a finding of any kind. `message` is the first that shows it, as far as the checker names
/// one.
pub(crate) fn of_finding(
    events: &[Event],
    cast: &Cast,
    subscription: SubscriptionId,
    (finding, message): (Finding, Option<MessageId>),
) -> Tale {
    let of = |message| Chronicle::new(events, cast, subscription, message);
    let nobody = of(message.unwrap_or(MessageId(0)));
    let (anomaly, cause) = match finding {
        Finding::Stalled => {
            let message = stall::stuck(&nobody).or(message);
            return Tale { message, sentence: stall::tell(&nobody) };
        }
        Finding::DeadLetteredTwice => {
            let message = split::twice_dead(&nobody).or(message);
            let sentence = split::dead_lettered_twice(&of(message.unwrap_or(MessageId(0))));
            return Tale { message, sentence };
        }
        Finding::Class(class, cause) => (Anomaly::Class(class, cause), cause),
        Finding::Reordered => (Anomaly::Reordered, None),
    };
    let about = message.unwrap_or(MessageId(0));
    let sentence = story(events, cast, &Subject { subscription, anomaly, cause, message: about });
    Tale { message, sentence }
}

/// What a message is called: `m0` is the first.
pub(crate) fn name(message: MessageId) -> String {
    format!("m{message}")
}
