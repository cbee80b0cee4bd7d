//! A run in prose, one sentence an event.
//!
//! > **The rule.** What the network and the client library do is left out, except where it changes
//! > what becomes of a message.

use entrega_model::event::{Phase, ProcessingResult, RemoveReason, SettleOutcome};
use entrega_model::{Event, Kind};
use entrega_scenario::Cast;

use crate::injected::Injected;
use crate::words::{Language, Scene};

/// The most lines that help to understand a run.
const LINES: usize = 60;

/// The sentences of a run, with the virtual time of each.
pub fn lines(events: &[Event], cast: &Cast) -> Vec<String> {
    let faults = Injected::all(events);
    let prose = |at| Language::default().words(&Scene::of(events, cast, &faults, at)).prose;
    let shown = (0..events.len()).filter(|&at| matters(&events[at].kind, cast));
    let sentences = shown.map(|at| format!("{}  {}", events[at].at, prose(at)));
    let mut lines: Vec<String> = sentences.take(LINES + 1).collect();
    if lines.is_empty() {
        lines.push("nothing happens: no message is stored and none is delivered".to_owned());
    }
    if lines.len() > LINES {
        lines[LINES] = "and so on".to_owned();
    }
    lines
}

/// Whether an event matters to the one who wrote the consumer.
fn matters(kind: &Kind, cast: &Cast) -> bool {
    match *kind {
        Kind::Stored { .. }
        | Kind::Delivered { .. }
        | Kind::Effect { .. }
        | Kind::SettleInvoked { .. }
        | Kind::Settled { .. }
        | Kind::Committed { .. }
        | Kind::DeadLettered { .. }
        | Kind::LeaseExpired { .. }
        | Kind::Requeued { .. }
        | Kind::Retrievable { .. }
        | Kind::Kept { .. }
        | Kind::SettleForgotten { .. }
        | Kind::Redriven { .. }
        | Kind::Retried { .. }
        | Kind::Aborted { .. }
        | Kind::Crashed { .. }
        | Kind::Stalled { .. }
        | Kind::Resumed { .. }
        | Kind::SessionExpired { .. }
        | Kind::MaxPollExceeded { .. }
        | Kind::BrokerRestarted
        | Kind::OffsetReset { .. }
        | Kind::Assigned { .. }
        | Kind::Revoked { .. }
        | Kind::Lost { .. }
        | Kind::Sought { .. }
        | Kind::Faulted { .. } => true,
        Kind::Removed { reason, .. } => reason != RemoveReason::Settled,
        Kind::ProcessingEnded { result, .. } => result != ProcessingResult::Ok,
        Kind::SettleEnded { outcome, .. } => outcome != SettleOutcome::Ok,
        Kind::Started { incarnation, .. } => incarnation.0 > 0,
        Kind::Exited { process, .. } => !cast.is_producer(process),
        Kind::Entered { phase } => phase == Phase::Quiescent,
        Kind::SendInvoked { .. }
        | Kind::SendEnded { .. }
        | Kind::ProcessingStarted { .. }
        | Kind::EffectInvoked { .. } => false,
    }
}
