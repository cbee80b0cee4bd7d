//! The lines of a timeline: the short form of each event, in the column where it happens.

use std::collections::BTreeSet;

use entrega_model::event::{
    EffectVerdict, ProcessingResult, RemoveReason, SendOutcome, SettleOutcome,
};
use entrega_model::{Event, Kind, MessageId, ProcessId, SubscriptionId};
use entrega_scenario::Cast;

use crate::injected::Injected;
use crate::lease;
use crate::run::Run;
use crate::words::{Language, Scene};

/// An event in a timeline.
pub(super) struct Line {
    pub(super) column: Column,
    pub(super) text: String,
    /// Something went wrong here.
    pub(super) fault: bool,
}

/// Where an event is shown.
pub(super) enum Column {
    /// In one column.
    At(usize),
    /// Across all of them.
    All,
}

const PRODUCER: usize = 0;
const BROKER: usize = 1;
const CONSUMER: usize = 2;
const SINK: usize = 3;

/// A line for every event; none for what the line before has said already.
pub(super) fn lines(events: &[Event], cast: &Cast) -> Vec<Option<Line>> {
    let run = Run::new(events, cast);
    let mut seen = Seen::default();
    let line = |at: usize| {
        let kind = &events[at].kind;
        if matches!(kind, Kind::Removed { reason: RemoveReason::Settled, .. }) {
            return None;
        }
        let scene = Scene { again: seen.is_again(kind), ..run.scene(at, None) };
        let fetched = lease::fetched(&run, at);
        let fetched = fetched.map_or_else(String::new, |at| format!(", fetched at {at}"));
        let text = Language::default().words(&scene).short + &fetched;
        Some(Line { column: column(&scene), text, fault: is_fault(&scene) })
    };
    (0..events.len()).map(line).collect()
}

/// What happened to messages so far.
#[derive(Default)]
struct Seen {
    delivered: BTreeSet<(SubscriptionId, MessageId)>,
    applied: BTreeSet<(SubscriptionId, MessageId)>,
}

impl Seen {
    /// Whether this has happened to the message before. Takes note of it.
    fn is_again(&mut self, kind: &Kind) -> bool {
        match *kind {
            Kind::Delivered { message, subscription, .. } => {
                !self.delivered.insert((subscription, message))
            }
            Kind::Effect { message, subscription, verdict: EffectVerdict::Applied, .. } => {
                !self.applied.insert((subscription, message))
            }
            _ => false,
        }
    }
}

/// Where an event is shown.
fn column(scene: &Scene<'_>) -> Column {
    let of_process = |process: ProcessId| {
        if scene.cast.is_producer(process) { PRODUCER } else { CONSUMER }
    };
    Column::At(match scene.kind {
        Kind::Entered { .. } => return Column::All,
        Kind::SendInvoked { .. } | Kind::SendEnded { .. } => PRODUCER,
        Kind::Stored { .. }
        | Kind::Removed { .. }
        | Kind::Retrievable { .. }
        | Kind::Kept { .. }
        | Kind::SettleForgotten { .. }
        | Kind::Redriven { .. }
        | Kind::Retried { .. }
        | Kind::Aborted { .. }
        | Kind::Settled { .. }
        | Kind::Committed { .. }
        | Kind::LeaseExpired { .. }
        | Kind::Requeued { .. }
        | Kind::SessionExpired { .. }
        | Kind::OffsetReset { .. }
        | Kind::BrokerRestarted => BROKER,
        Kind::Delivered { .. }
        | Kind::ProcessingStarted { .. }
        | Kind::EffectInvoked { .. }
        | Kind::ProcessingEnded { .. }
        | Kind::SettleInvoked { .. }
        | Kind::SettleEnded { .. }
        | Kind::Assigned { .. }
        | Kind::Revoked { .. }
        | Kind::Lost { .. }
        | Kind::Sought { .. }
        | Kind::MaxPollExceeded { .. } => CONSUMER,
        Kind::Effect { .. } | Kind::DeadLettered { .. } => SINK,
        Kind::Crashed { process, .. }
        | Kind::Exited { process, .. }
        | Kind::Started { process, .. }
        | Kind::Stalled { process }
        | Kind::Resumed { process } => of_process(process),
        Kind::Faulted { process, .. } => {
            let of_broker = scene.fault.as_ref().is_some_and(Injected::is_at_the_broker);
            if of_broker { BROKER } else { of_process(process) }
        }
    })
}

/// Whether something goes wrong.
fn is_fault(scene: &Scene<'_>) -> bool {
    match scene.kind {
        Kind::SendEnded { outcome, .. } => outcome != SendOutcome::Ok,
        Kind::ProcessingEnded { result, .. } => result != ProcessingResult::Ok,
        Kind::SettleEnded { outcome, .. } => outcome != SettleOutcome::Ok,
        Kind::Committed { upto, previous, .. } => upto < previous,
        Kind::Effect { .. } => scene.again,
        Kind::Removed { .. }
        | Kind::Kept { .. }
        | Kind::SettleForgotten { .. }
        | Kind::Aborted { .. }
        | Kind::LeaseExpired { .. }
        | Kind::SessionExpired { .. }
        | Kind::MaxPollExceeded { .. }
        | Kind::Lost { .. }
        | Kind::Crashed { .. }
        | Kind::Stalled { .. }
        | Kind::BrokerRestarted
        | Kind::Faulted { .. } => true,
        Kind::SendInvoked { .. }
        | Kind::Stored { .. }
        | Kind::Retrievable { .. }
        | Kind::Delivered { .. }
        | Kind::ProcessingStarted { .. }
        | Kind::EffectInvoked { .. }
        | Kind::SettleInvoked { .. }
        | Kind::Settled { .. }
        | Kind::DeadLettered { .. }
        | Kind::Redriven { .. }
        | Kind::Retried { .. }
        | Kind::Requeued { .. }
        | Kind::OffsetReset { .. }
        | Kind::Assigned { .. }
        | Kind::Revoked { .. }
        | Kind::Sought { .. }
        | Kind::Exited { .. }
        | Kind::Started { .. }
        | Kind::Resumed { .. }
        | Kind::Entered { .. } => false,
    }
}
