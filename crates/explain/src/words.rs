//! The word table: what every kind of event is called.
//!
//! > **The rule.** An event is put into words here and nowhere else. A language is one
//! > module, in which the forms of each kind of event stand beside each other. What they say
//! > follows from the event and from the names that the scenario gives.
//!
//! * `english`: the table.
//! * [`Scene`]: an event with all that its words depend on.

mod english;

use entrega_checker::{Cause, Finding};
use entrega_model::{Event, Kind, MessageId, SubscriptionId};
use entrega_scenario::Cast;
use entrega_scenario::points::FaultKind;

use crate::injected::Injected;

/// The language of the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
}

/// An event in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// A sentence without its full stop: `the producer sends m2`.
    pub prose: String,
    /// For a table with a column for each place, with signs: `→ m2`.
    pub short: String,
    clause: Option<String>,
}

/// An event, and what its words depend on besides.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What happened.
    pub kind: Kind,
    /// Who took part in the run.
    pub cast: &'a Cast,
    /// Whether it happened to the message before: it was delivered, or took effect.
    pub again: bool,
    /// The fault that the event records, or that made a broker forget, if there is one.
    pub fault: Option<Injected>,
    /// What happened next.
    pub next: Option<Kind>,
    /// Whether it is the death of a process that was asked to stop and was not gone in time.
    pub is_kill: bool,
    /// The subscription whose story this is, for an event that concerns all subscriptions.
    pub subscription: Option<SubscriptionId>,
    /// The message whose story this is, if it is not that of the event.
    pub also: Option<MessageId>,
}

impl<'a> Scene<'a> {
    /// The event at a place of a run; `faults` are all faults of the run, in its order.
    pub(crate) fn of(events: &'a [Event], cast: &'a Cast, faults: &[Injected], at: usize) -> Self {
        let is_restart = events[at].kind == Kind::BrokerRestarted;
        let of_fault = if is_restart { at.saturating_sub(1) } else { at };
        let fault = faults.binary_search_by_key(&of_fault, |fault| fault.at).ok();
        Self {
            kind: events[at].kind,
            cast,
            again: false,
            fault: fault.map(|found| faults[found]),
            next: events.get(at + 1).map(|event| event.kind),
            is_kill: Injected::behind_crash(events, faults, at)
                .is_some_and(|fault| fault.is_shutdown()),
            subscription: None,
            also: None,
        }
    }
}

impl Language {
    /// The words for an event.
    pub fn words(self, scene: &Scene<'_>) -> Words {
        match self {
            Self::English => english::words(scene),
        }
    }

    /// A fault as a clause of a story; `until` says until when it delays, if the story says so.
    pub(crate) fn fault(self, scene: &Scene<'_>, fault: &Injected, until: Option<&str>) -> String {
        match self {
            Self::English => english::faults::clause(scene, fault, until),
        }
    }

    /// What a kind of fault is called: what it has in common with others, and what sets it apart:
    /// `a request to settle that is`, `lost`.
    pub fn kind(self, kind: FaultKind) -> (String, &'static str) {
        match self {
            Self::English => english::kinds::words(kind),
        }
    }

    /// What a cause is called.
    pub fn cause(self, cause: Cause) -> String {
        match self {
            Self::English => english::findings::cause(cause),
        }
    }

    /// What a run shows, as the first half of a sentence. `message` is the first that shows it.
    pub fn finding(self, finding: Finding, message: Option<MessageId>) -> String {
        match self {
            Self::English => english::findings::finding(finding, message),
        }
    }
}

impl Words {
    /// As a clause of a story, which says more of the holder of a message than the prose does:
    /// `the lease of mailer 1 expires`.
    pub fn clause(&self) -> &str {
        self.clause.as_deref().unwrap_or(&self.prose)
    }

    fn new(prose: String, short: String) -> Self {
        Self { prose, short, clause: None }
    }

    /// One form for everything.
    fn alike(prose: String) -> Self {
        Self::new(prose.clone(), prose)
    }

    fn in_a_story(self, clause: String) -> Self {
        Self { clause: Some(clause), ..self }
    }
}

/// What a message is called: `m0` is the first.
pub fn name(message: MessageId) -> String {
    format!("m{message}")
}

#[cfg(test)]
mod tests;
