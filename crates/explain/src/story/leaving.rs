//! Why a process left, and why somebody lost a partition: behind both stands a fault, often of
//! another process.

use entrega_choice::Point;
use entrega_model::event::{ProcessingResult, SettleOutcome};
use entrega_model::{Kind, MessageId, ProcessId};
use entrega_scenario::points::{self, Call, Site};

use super::chronicle::Chronicle;
use super::faults::Injected;

/// Why a process left at a place, as a main clause: `the handler of mailer 1 fails on m2`. None if
/// it left in order.
pub(super) fn reason(chronicle: &Chronicle<'_>, leaves: usize) -> Option<String> {
    let Kind::Exited { process, failed: true, .. } = chronicle.events[leaves].kind else {
        return None;
    };
    let at = chronicle.last(leaves, |kind| match *kind {
        Kind::ProcessingEnded { consumer, .. } | Kind::SettleEnded { consumer, .. } => {
            consumer == process
        }
        Kind::Started { process: of, .. } => of == process,
        _ => false,
    })?;
    match chronicle.events[at].kind {
        Kind::ProcessingEnded { message, result, .. } => {
            failure(chronicle, process, message, result)
        }
        Kind::SettleEnded { message, outcome, .. } if outcome != SettleOutcome::Ok => {
            let mut faults = (0..at).rev().filter_map(|at| Injected::at(chronicle.events, at));
            let behind = faults.find(|one| {
                one.process == process && matches!(one.site, Site::Leg(Call::Settle, _))
            });
            let (who, m) = (chronicle.name(process), super::name(message));
            let plain = || format!("{who} cannot settle {m}");
            Some(behind.map_or_else(plain, |fault| fault.clause(chronicle)))
        }
        _ => None,
    }
}

/// How a handler failed.
fn failure(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    message: MessageId,
    result: ProcessingResult,
) -> Option<String> {
    let (who, m) = (chronicle.name(process), super::name(message));
    match result {
        ProcessingResult::Ok => None,
        ProcessingResult::Poison => {
            Some(format!("the handler of {who} fails on {m}, which is poison"))
        }
        ProcessingResult::Transient => Some(format!("the handler of {who} fails on {m}")),
        ProcessingResult::Unknown => Some(format!("{who} has no answer about {m}")),
    }
}

/// What made a group rebalance when `holder` gave its partition up or lost it, if that was the
/// fault of somebody else.
pub(super) struct Rebalance {
    /// Where the fault is.
    pub(super) at: usize,
    /// The fault.
    pub(super) fault: String,
    /// What followed from it: `when mailer 1 starts again`.
    pub(super) then: String,
}

/// The same, for the place where the partition went.
pub(super) fn rebalance(
    chronicle: &Chronicle<'_>,
    holder: ProcessId,
    lost: usize,
) -> Option<Rebalance> {
    let other = |process: ProcessId| {
        process != holder && chronicle.subscription_of(process) == Some(chronicle.subscription)
    };
    let trigger = chronicle.last(lost, |kind| match *kind {
        Kind::Started { process, .. }
        | Kind::Resumed { process }
        | Kind::Crashed { process, .. }
        | Kind::Exited { process, .. } => other(process),
        Kind::SessionExpired { consumer, .. } => other(consumer),
        _ => false,
    })?;
    let since = chronicle.first(trigger, |kind| match *kind {
        Kind::Assigned { consumer, .. } => consumer == holder,
        Kind::Faulted { point, .. } => points::describe(Point(point)).0.site == Site::Group,
        _ => false,
    });
    if since.is_some_and(|since| since < lost) {
        return None;
    }
    match chronicle.events[trigger].kind {
        Kind::Started { process, incarnation } if incarnation.0 > 0 => {
            let end = chronicle.last(trigger, |kind| match *kind {
                Kind::Crashed { process: of, .. } | Kind::Exited { process: of, .. } => {
                    of == process
                }
                _ => false,
            })?;
            let then = format!("when {} starts again", chronicle.name(process));
            Some(Rebalance { at: end, fault: ending(chronicle, end)?, then })
        }
        Kind::Crashed { process, .. } | Kind::Exited { process, .. } => {
            let then = format!("when {} is gone", chronicle.name(process));
            Some(Rebalance { at: trigger, fault: ending(chronicle, trigger)?, then })
        }
        Kind::SessionExpired { consumer, .. } => {
            let then = format!("when the session of {} expires", chronicle.name(consumer));
            held_up(chronicle, consumer, trigger, then)
        }
        Kind::Resumed { process } => {
            let then = format!("when {} comes back", chronicle.name(process));
            held_up(chronicle, process, trigger, then)
        }
        _ => None,
    }
}

/// Why a process ended, with its end.
fn ending(chronicle: &Chronicle<'_>, end: usize) -> Option<String> {
    match chronicle.events[end].kind {
        Kind::Crashed { process, .. } => {
            let fault = Injected::behind_crash(chronicle, end);
            let plain = || format!("{} crashes", chronicle.name(process));
            Some(fault.map_or_else(plain, |fault| fault.clause(chronicle)))
        }
        Kind::Exited { process, .. } => {
            let who = chronicle.name(process);
            Some(format!("{}, and {who} leaves", reason(chronicle, end)?))
        }
        _ => None,
    }
}

/// The last stall of a process, or whatever else held it up.
fn held_up(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    until: usize,
    then: String,
) -> Option<Rebalance> {
    let mut faults = (0..until).rev().filter_map(|at| Injected::at(chronicle.events, at));
    let fault = faults.find(|one| one.process == process && one.holds_up())?;
    Some(Rebalance { at: fault.at, fault: fault.brief(chronicle), then })
}
