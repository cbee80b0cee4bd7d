//! Which lines of a timeline decide: the faults, what befell the message, and what came of it.
//!
//! Every line has a rank. The lowest ranks are shown, as many as fit, in the order of the run; of
//! lines that say the same, only the first two.

use std::collections::BTreeMap;

use entrega_model::event::RemoveReason;
use entrega_model::{Event, Kind};

use super::Timeline;
use super::lines::Line;

/// The most lines that an excerpt has.
const LINES: usize = 12;
/// The most lines that say the same.
const SAME: usize = 2;

/// For every event whether its line is part of the excerpt.
pub(super) fn chosen(timeline: &Timeline<'_>, lines: &[Option<Line>]) -> Vec<bool> {
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ranked: Vec<(u8, usize)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(line) = line else { continue };
        let event = &timeline.events[at];
        let same = said.entry(line.text.as_str()).or_insert(0);
        *same += 1;
        let Some(rank) = rank(timeline, event, line) else { continue };
        if *same <= SAME && !timeline.is_bystander(&event.kind) {
            ranked.push((rank, at));
        }
    }
    ranked.sort_unstable();
    let mut chosen = vec![false; lines.len()];
    ranked.iter().take(LINES).for_each(|&(_, at)| chosen[at] = true);
    chosen
}

/// How little a line matters; none if it does not matter at all.
fn rank(timeline: &Timeline<'_>, event: &Event, line: &Line) -> Option<u8> {
    let in_focus = timeline.focus.is_empty() || timeline.is_in_focus(&event.kind);
    let or_else = |rank: u8, other: u8| Some(if in_focus { rank } else { other });
    match event.kind {
        Kind::Faulted { .. } => Some(0),
        Kind::Effect { .. } | Kind::DeadLettered { .. } | Kind::Retrievable { .. } => or_else(1, 3),
        Kind::Removed { reason: RemoveReason::Settled, .. } => None,
        Kind::Crashed { .. }
        | Kind::LeaseExpired { .. }
        | Kind::SessionExpired { .. }
        | Kind::MaxPollExceeded { .. }
        | Kind::BrokerRestarted
        | Kind::Kept { .. }
        | Kind::SettleForgotten { .. }
        | Kind::Redriven { .. }
        | Kind::Retried { .. }
        | Kind::Aborted { .. }
        | Kind::Removed { .. } => or_else(1, 2),
        Kind::Committed { .. } | Kind::Lost { .. } | Kind::Exited { failed: true, .. } => Some(2),
        Kind::Settled { .. } => or_else(2, 4),
        _ if line.fault => or_else(2, 3),
        Kind::Delivered { .. } | Kind::Requeued { .. } => or_else(3, 5),
        Kind::Resumed { .. } | Kind::Revoked { .. } => Some(3),
        Kind::Started { incarnation, .. } if incarnation.0 > 0 => Some(3),
        Kind::Stored { .. } | Kind::SettleInvoked { .. } => or_else(4, 5),
        Kind::Entered { .. } | Kind::Started { .. } | Kind::Exited { .. } => None,
        _ => in_focus.then_some(5),
    }
}
