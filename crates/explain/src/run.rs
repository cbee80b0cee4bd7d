//! A run, read once: what stories and pictures look up in its events.
//!
//! > **The rule.** The events are read from beginning to end when a run is read, and not for a
//! > question. A question is answered from [`Possessions`], from the list of faults, or from the
//! > events of one message or one process.
//!
//! Places are indices of events.

use std::collections::BTreeMap;

use entrega_model::event::{EffectVerdict, Phase, ProcessingResult, SettleTrigger};
use entrega_model::{Event, Kind, MessageId, ProcessId, SubscriptionId};
use entrega_scenario::Cast;

use crate::injected::Injected;
use crate::possessions::Possessions;
use crate::story::{self, Subject, Tale};
use crate::victims::Victims;
use crate::words::{Language, Scene, Words};

/// A run with what is known of it.
pub struct Run<'a> {
    /// What happened.
    pub events: &'a [Event],
    /// Who took part in it.
    pub cast: &'a Cast,
    /// Who held which message.
    pub possessions: Possessions,
    /// What was injected.
    pub faults: Vec<Injected>,
    /// What a delivery limit took.
    pub victims: Victims,
    index: Index,
}

/// The places of events, by what is asked of them.
#[derive(Default)]
struct Index {
    of_message: BTreeMap<MessageId, Vec<usize>>,
    of_process: BTreeMap<ProcessId, Vec<usize>>,
    turns: Vec<usize>,
    deliveries: Vec<usize>,
    effects: Vec<usize>,
    failures: Vec<usize>,
    endings: Vec<usize>,
    settled_by_application: Vec<SubscriptionId>,
    comes_to_rest: bool,
}

impl<'a> Run<'a> {
    /// Reads a run.
    pub fn new(events: &'a [Event], cast: &'a Cast) -> Self {
        let possessions = Possessions::of_run(events);
        let faults = Injected::all(events);
        let victims = Victims::of_run(events);
        Self { events, cast, possessions, faults, victims, index: Index::of(events) }
    }

    /// Says how the run came to show a finding.
    pub fn tell(&self, subject: &Subject) -> Tale {
        story::tell(self, subject)
    }

    /// Whether a message of a subscription is tried again and again, so that the run never rests.
    pub fn is_stuck(&self, subscription: SubscriptionId) -> bool {
        story::is_stuck(self, subscription)
    }

    /// What happened at a place.
    pub(crate) fn kind(&self, at: usize) -> &'a Kind {
        &self.events[at].kind
    }

    /// The events that are about a message, in the order of the run.
    pub(crate) fn of_message(&self, message: MessageId) -> &[usize] {
        self.index.of_message.get(&message).map_or(&[], Vec::as_slice)
    }

    /// The events of a process, in the order of the run.
    pub(crate) fn of_process(&self, process: ProcessId) -> &[usize] {
        self.index.of_process.get(&process).map_or(&[], Vec::as_slice)
    }

    /// What happened to processes, leases, sessions, partitions and the broker, in the order of the
    /// run.
    pub(crate) fn turns(&self) -> &[usize] {
        &self.index.turns
    }

    /// The deliveries to applications, in the order of the run.
    pub(crate) fn deliveries(&self) -> &[usize] {
        &self.index.deliveries
    }

    /// The effects that were applied, in the order of the run.
    pub(crate) fn effects(&self) -> &[usize] {
        &self.index.effects
    }

    /// Where handlers failed, in the order of the run.
    pub(crate) fn failures(&self) -> &[usize] {
        &self.index.failures
    }

    /// Where messages took effect, became dead letters or were found by the audit, in the order of
    /// the run.
    pub(crate) fn endings(&self) -> &[usize] {
        &self.index.endings
    }

    /// Whether applications settle by themselves in a subscription, and not their client libraries.
    pub(crate) fn application_settles(&self, subscription: SubscriptionId) -> bool {
        self.index.settled_by_application.contains(&subscription)
    }

    /// Whether the run came to rest.
    pub(crate) fn comes_to_rest(&self) -> bool {
        self.index.comes_to_rest
    }

    /// The faults between two places.
    pub(crate) fn faults_between(&self, from: usize, until: usize) -> &[Injected] {
        let begin = self.faults.partition_point(|fault| fault.at < from);
        let end = self.faults.partition_point(|fault| fault.at < until);
        &self.faults[begin..end.max(begin)]
    }

    /// An event with all that its words depend on, in a story of a subscription.
    pub(crate) fn scene(&self, at: usize, subscription: Option<SubscriptionId>) -> Scene<'a> {
        Scene { subscription, ..Scene::of(self.events, self.cast, &self.faults, at) }
    }

    /// The words for an event, in a story of a subscription.
    pub(crate) fn words(&self, at: usize, subscription: Option<SubscriptionId>) -> Words {
        Language::default().words(&self.scene(at, subscription))
    }
}

impl Index {
    fn of(events: &[Event]) -> Self {
        let mut index = Self::default();
        for (at, event) in events.iter().enumerate() {
            index.add(at, &event.kind);
        }
        index
    }

    fn add(&mut self, at: usize, kind: &Kind) {
        if let Some(message) = kind.message() {
            self.of_message.entry(message).or_default().push(at);
        }
        if let Some(process) = kind.process() {
            self.of_process.entry(process).or_default().push(at);
        }
        if is_turn(kind) {
            self.turns.push(at);
        }
        match *kind {
            Kind::Delivered { .. } => self.deliveries.push(at),
            Kind::Effect { verdict: EffectVerdict::Applied, .. } => {
                self.effects.push(at);
                self.endings.push(at);
            }
            Kind::DeadLettered { .. } | Kind::Redriven { .. } | Kind::Retrievable { .. } => {
                self.endings.push(at);
            }
            Kind::ProcessingEnded { result, .. } if result != ProcessingResult::Ok => {
                self.failures.push(at);
            }
            Kind::SettleInvoked { subscription, trigger: SettleTrigger::Application, .. }
                if !self.settled_by_application.contains(&subscription) =>
            {
                self.settled_by_application.push(subscription);
            }
            Kind::Entered { phase: Phase::Quiescent } => self.comes_to_rest = true,
            _ => {}
        }
    }
}

const fn is_turn(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::LeaseExpired { .. }
            | Kind::SessionExpired { .. }
            | Kind::MaxPollExceeded { .. }
            | Kind::OffsetReset { .. }
            | Kind::Assigned { .. }
            | Kind::Sought { .. }
            | Kind::Crashed { .. }
            | Kind::Exited { .. }
            | Kind::Started { .. }
            | Kind::Resumed { .. }
            | Kind::BrokerRestarted
    )
}

/// The first of these places from `from` on that satisfies `is`.
pub(crate) fn first(places: &[usize], from: usize, is: impl Fn(usize) -> bool) -> Option<usize> {
    let begin = places.partition_point(|place| *place < from);
    places[begin..].iter().copied().find(|place| is(*place))
}

/// The last of these places before `until` that satisfies `is`.
pub(crate) fn last(places: &[usize], until: usize, is: impl Fn(usize) -> bool) -> Option<usize> {
    let end = places.partition_point(|place| *place < until);
    places[..end].iter().copied().rfind(|place| is(*place))
}
