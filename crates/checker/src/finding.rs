//! What a run can show: the one vocabulary for what went wrong.
//!
//! > **The rule.** Everything that speaks of what went wrong is a grouping of [`Finding`]: the
//! > columns and letters of tables, the properties of an exploration, the assertions of a test.
//! > only this file makes findings from a report: [`findings`] what went wrong, and [`shown`]
//! > everything that there may be an example of.
//!
//! A [`Class`] says what became of a message, a [`Cause`] why; a finding names one of these pairs,
//! or something about the run that no single message shows. A [`Reason`](crate::Reason) is not a
//! finding: it says which promise a finding breaks.

use std::collections::BTreeMap;

use entrega_model::MessageId;

use crate::{Cause, Class, End, SubscriptionReport};

/// Something that a run can show of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A message ended in a class, for this cause; without a cause: for any cause or none.
    Class(Class, Option<Cause>),
    /// The first effects of one key came in another order than its messages.
    Reordered,
    /// A message has two dead letters.
    DeadLetteredTwice,
    /// The run did not come to rest, or left unprocessed messages behind.
    Stalled,
}

impl Finding {
    /// The stable name of what is found, whatever its cause.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class(class, _) => class.name(),
            Self::Reordered => "reordered",
            Self::DeadLetteredTwice => "dead_lettered_twice",
            Self::Stalled => "stalled",
        }
    }

    /// The same without its cause: what sums up all findings of its kind.
    #[must_use]
    pub const fn without_cause(self) -> Self {
        match self {
            Self::Class(class, _) => Self::Class(class, None),
            other => other,
        }
    }

    /// Why, as far as the finding says.
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Class(_, cause) => cause,
            Self::Reordered | Self::DeadLetteredTwice | Self::Stalled => None,
        }
    }

    /// The first message of a subscription that shows this, with what exactly it shows: a class
    /// that was asked for without a cause comes with the cause of its message, if it has one.
    pub fn first_in(self, report: &SubscriptionReport) -> Option<(Self, MessageId)> {
        let message = match self {
            Self::Class(class, None) => {
                let mut examples = report.examples.iter();
                let caused = examples.find(|((found, _), _)| *found == class);
                if let Some((&(_, cause), &message)) = caused {
                    return Some((Self::Class(class, Some(cause)), message));
                }
                report.firsts.get(&class).copied()
            }
            Self::Class(class, Some(cause)) => report.examples.get(&(class, cause)).copied(),
            Self::Reordered => report.order.reordered_example,
            Self::DeadLetteredTwice if report.dlq_excess > 0 => {
                report.firsts.get(&Class::DeadLettered).copied()
            }
            Self::DeadLetteredTwice => None,
            Self::Stalled => report.firsts.get(&Class::Pending).copied(),
        };
        message.map(|message| (self, message))
    }
}

/// What the messages of a subscription show and their order, harmless or not: every class, and
/// every cause of one. A message that is pending has stalled.
pub fn shown(report: &SubscriptionReport) -> impl Iterator<Item = Finding> {
    let classes = report.firsts.keys().map(|&class| Finding::Class(class, None));
    let causes = report.examples.keys();
    let causes = causes.map(|&(class, cause)| Finding::Class(class, Some(cause)));
    let order = (report.order.reordered > 0).then_some(Finding::Reordered);
    let stalled = report.firsts.contains_key(&Class::Pending).then_some(Finding::Stalled);
    classes.chain(causes).chain(order).chain(stalled)
}

/// What one run shows of a subscription, with the message that shows it first. A message that is
/// lost, duplicated or split is found with its cause and once more without.
pub fn findings(report: &SubscriptionReport, end: End) -> BTreeMap<Finding, Option<MessageId>> {
    let mut found = BTreeMap::new();
    for (&(class, cause), &message) in &report.examples {
        found.insert(Finding::Class(class, Some(cause)), Some(message));
    }
    for class in [Class::Lost, Class::Duplicated, Class::Split, Class::DeadLettered, Class::Phantom]
    {
        if let Some(&message) = report.firsts.get(&class) {
            found.entry(Finding::Class(class, None)).or_insert(Some(message));
        }
    }
    if report.dlq_excess > 0 {
        found.insert(Finding::DeadLetteredTwice, report.firsts.get(&Class::DeadLettered).copied());
    }
    if report.order.reordered > 0 {
        found.insert(Finding::Reordered, report.order.reordered_example);
    }
    let pending = report.firsts.get(&Class::Pending).copied();
    if end == End::Unfinished || pending.is_some() {
        found.insert(Finding::Stalled, pending);
    }
    found
}
