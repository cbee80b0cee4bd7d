//! Which messages of a record show what.

use std::collections::BTreeSet;

use entrega_model::{MessageId, SubscriptionId};

use super::RecordChecker;
use crate::{Cause, Class, End};

/// What messages can be listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listable {
    /// What became of them.
    Class(Class),
    /// Their first effect came after that of a message that was sent later.
    Reordered,
    /// They had an effect again after one of a message that was sent later.
    Replayed,
}

impl Listable {
    /// Everything that there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let classes = Class::ALL.iter().copied().map(Self::Class);
        classes.chain([Self::Reordered, Self::Replayed])
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class(class) => class.name(),
            Self::Reordered => "reordered",
            Self::Replayed => "replayed",
        }
    }
}

/// A message that shows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// To which subscription.
    pub subscription: SubscriptionId,
    /// What it shows.
    pub what: Listable,
    /// Why, if it is lost, duplicated or split.
    pub cause: Option<Cause>,
    /// Which message.
    pub message: MessageId,
    /// Of what is out of order, a message that came before it and was sent later.
    pub after: Option<MessageId>,
    /// Of a cause that is unknown: the message was sent more than once, and the record does not
    /// say what was stored of it.
    pub perhaps_stored_twice: bool,
}

impl RecordChecker {
    /// All messages that show one of these, by subscription, by what they show, and why.
    pub fn list(&self, end: End, of: &BTreeSet<Listable>) -> Vec<Listed> {
        let mut listed = Vec::new();
        let wants = |what: &Listable| of.contains(what);
        if of.is_empty() {
            return listed;
        }
        for (index, recorded) in self.subscriptions.iter().enumerate() {
            let subscription = SubscriptionId(index as u8);
            let fold = &self.checker.subscriptions[index];
            fold.each_classified(&self.checker.sends, end, |message, class, cause| {
                let what = Listable::Class(class);
                let twice = matches!(class, Class::Duplicated | Class::Split);
                let perhaps_stored_twice = twice
                    && cause == Some(Cause::Unknown)
                    && self.attempts.may_be_stored_twice(message)
                    && fold.copies(message) < 2;
                let one = Listed {
                    subscription,
                    what,
                    cause,
                    message,
                    after: None,
                    perhaps_stored_twice,
                };
                listed.extend(Some(one).filter(|one| wants(&one.what)));
            });
            let ordered = [Listable::Reordered, Listable::Replayed];
            let overtaken = if ordered.iter().any(wants) {
                recorded.overtaken(&self.sends, self.sorted_within)
            } else {
                Vec::new()
            };
            for (message, after, is_first) in overtaken {
                let what = if is_first { Listable::Reordered } else { Listable::Replayed };
                let (cause, after) = (None, Some(after));
                let one = Listed {
                    subscription,
                    what,
                    cause,
                    message,
                    after,
                    perhaps_stored_twice: false,
                };
                listed.extend(Some(one).filter(|one| wants(&one.what)));
            }
        }
        listed.sort_unstable();
        listed
    }
}
