//! A run in one sentence: what went wrong, and what came of it.
//!
//! > **The rule.** A sentence says nothing that the events do not say; so it agrees with the
//! > timeline of the same run. First comes what was injected, as far as it concerns the message;
//! > then what the broker made of it; at the end, the anomaly.
//!
//! * `chronicle`: what is known of one message; `course`: a story before it is a sentence.
//! * `faults`: which faults concern it; `delays`: until when they delay, and which requests
//!   overtake others.
//! * `interruption`: why it came to another delivery.
//! * `expiry`: when a group has forgotten its commits.
//! * `death`: how a process died; `leaving`: why one left, and why it lost a partition;
//!   `settles`: what settled a message too early.
//! * `giving_up`: who wrote a dead letter, and why; `limit`: what a delivery limit takes along.
//! * `prepared`: what becomes of a prepared transaction that expires.
//! * `redrive`: what comes of a dead letter that is moved back; `retry`: of a copy to be tried
//!   later.
//! * `forgetting`: why a sink that recognises what it has had did not.
//! * `loss`, `duplicate`, `order`, `split`, `stall`: the sentences, by anomaly.

mod chronicle;
mod course;
mod death;
mod delays;
mod duplicate;
mod expiry;
mod faults;
mod forgetting;
mod giving_up;
mod interruption;
mod leaving;
mod limit;
mod loss;
mod order;
mod prepared;
mod redrive;
mod retry;
mod settles;
mod split;
mod stall;

use entrega_checker::{Cause, Class, Finding};
use entrega_model::{MessageId, SubscriptionId};

use chronicle::Chronicle;
use course::Course;

use crate::run::Run;
use crate::words;

/// What a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The subscription that shows it.
    pub subscription: SubscriptionId,
    /// What the run shows.
    pub finding: Finding,
    /// The first message that shows it, as far as the checker names one.
    pub message: Option<MessageId>,
}

/// A finding in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tale {
    /// The message that it is about; none for a run that never comes to rest although nothing
    /// waits.
    pub message: Option<MessageId>,
    /// How it came to that.
    pub sentence: String,
}

/// Whether a message of a subscription keeps a run from its rest.
pub(crate) fn is_stuck(run: &Run<'_>, subscription: SubscriptionId) -> bool {
    stall::stuck(&Chronicle::new(run, subscription, MessageId(0))).is_some()
}

/// Says how a run came to show a finding.
pub(crate) fn tell(run: &Run<'_>, subject: &Subject) -> Tale {
    let Subject { subscription, finding, message } = *subject;
    let about = |message: Option<MessageId>| {
        Chronicle::new(run, subscription, message.unwrap_or(MessageId(0)))
    };
    let chronicle = about(message);
    let (message, course) = match finding {
        Finding::Stalled => (stall::stuck(&chronicle).or(message), stall::tell(&chronicle)),
        Finding::DeadLetteredTwice => {
            let message = split::twice_dead(&chronicle).or(message);
            let chronicle = about(message);
            (message, with_overtakings(&chronicle, split::dead_lettered_twice(&chronicle)))
        }
        Finding::Reordered => (message, with_overtakings(&chronicle, order::tell(&chronicle))),
        Finding::Class(Class::Pending, _) => (message, stall::tell(&chronicle)),
        Finding::Class(class, cause) => {
            (message, with_overtakings(&chronicle, of_class(&chronicle, class, cause)))
        }
    };
    let others = match finding {
        Finding::Class(_, _) => limit::taken_along(&chronicle),
        Finding::Stalled | Finding::DeadLetteredTwice | Finding::Reordered => None,
    };
    let others = others.map_or_else(String::new, |others| format!(" {others}"));
    Tale { message, sentence: course.sentence() + &others }
}

/// The story with the requests and deadlines that overtook others on the way to it: each after the
/// faults that the story tells of and that came before it, in most cases at the beginning.
fn with_overtakings(chronicle: &Chronicle<'_>, story: Course) -> Course {
    story.with_overtakings(delays::overtakings(chronicle))
}

/// `m1`, `m1 and m2`, `m1, m2, m3 and 5 more`.
pub(crate) fn listed(messages: &[MessageId]) -> String {
    let shown = messages.iter().take(faults::MANY).map(|one| words::name(*one));
    let mut names: Vec<String> = shown.collect();
    if messages.len() > faults::MANY {
        names.push(format!("{} more", messages.len() - faults::MANY));
    }
    join(&names)
}

fn join(names: &[String]) -> String {
    match names {
        [] => "somebody".to_owned(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

fn of_class(chronicle: &Chronicle<'_>, class: Class, cause: Option<Cause>) -> Course {
    let m = chronicle.message();
    match class {
        Class::Lost if cause == Some(Cause::TransactionExpired) => prepared::tell(chronicle),
        Class::Lost => loss::tell(chronicle),
        Class::Duplicated if cause == Some(Cause::StoredTwice) => {
            forgetting::told_after(duplicate::stored_twice(chronicle), chronicle)
        }
        Class::Duplicated if cause == Some(Cause::Redriven) => {
            forgetting::told_after(redrive::tell(chronicle), chronicle)
        }
        Class::Duplicated if cause == Some(Cause::RetryCopy) => {
            forgetting::told_after(retry::tell(chronicle), chronicle)
        }
        Class::Duplicated => forgetting::told_after(duplicate::tell(chronicle), chronicle),
        Class::Split if cause == Some(Cause::RetryCopy) => retry::split(chronicle),
        Class::Split => split::tell(chronicle),
        Class::DeadLettered => split::dead_lettered(chronicle),
        Class::Pending => stall::tell(chronicle),
        Class::Phantom => {
            Course::of(format!("{m} takes effect, although it was refused or never sent"))
        }
        Class::Exact => Course::of(format!("{m} takes effect exactly once")),
        Class::Recovered => Course::of(format!(
            "{m} takes effect, although its producer never learnt that it was stored"
        )),
        Class::Absent => {
            Course::of(format!("{m} has no effect, and its producer was promised nothing"))
        }
        Class::Refused => Course::of(format!("{m} is refused, and its producer knows it")),
    }
}
