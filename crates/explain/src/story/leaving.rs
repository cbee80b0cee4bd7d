//! Why a process left, and why it lost a partition: behind both stands a fault, often of
//! another process.

use entrega_model::event::{ProcessingResult, SettleOutcome};
use entrega_model::{Kind, ProcessId};
use entrega_scenario::points::Call;

use super::chronicle::Chronicle;
use super::course::Course;
use super::death::Death;
use super::delays;
use crate::injected::Injected;
use crate::run::{first, last};
use crate::words;

/// Why a process left at a place, as a main clause: `the handler of mailer 1 fails on m2`, `mailer
/// 1 is asked to stop`. None if it shut down at the end of the run.
pub(super) fn reason(chronicle: &Chronicle<'_>, leaves: usize) -> Option<Course> {
    let Kind::Exited { process, failed, .. } = *chronicle.kind(leaves) else {
        return None;
    };
    if !failed {
        let asked = shutdown(chronicle, leaves)?;
        return Some(Course::of_fault(asked.at, asked.clause(chronicle)));
    }
    let at = last(chronicle.run.of_process(process), leaves, |at| {
        matches!(
            chronicle.kind(at),
            Kind::ProcessingEnded { .. } | Kind::SettleEnded { .. } | Kind::Started { .. }
        )
    })?;
    match *chronicle.kind(at) {
        Kind::ProcessingEnded { result, .. } if result != ProcessingResult::Ok => {
            let mut faults = chronicle.run.faults_between(at, leaves).iter();
            let letter =
                faults.rfind(|one| one.process == process && one.befalls(Call::DeadLetter));
            Some(match letter {
                Some(fault) => Course::of_fault(fault.at, fault.clause(chronicle)),
                None => Course::default().then_at(at, chronicle.words(at).clause()),
            })
        }
        Kind::SettleEnded { message, outcome, .. } if outcome != SettleOutcome::Ok => {
            let mut faults = chronicle.run.faults_between(0, at).iter();
            let behind = faults.rfind(|one| one.process == process && one.befalls(Call::Settle));
            let (who, m) = (chronicle.name(process), words::name(message));
            if let Some(fault) = behind {
                return Some(Course::of_fault(fault.at, fault.clause(chronicle)));
            }
            let restart = last_restart(chronicle, process, at);
            let restart = restart.map(|at| Course::of_fault(at, chronicle.words(at).prose));
            Some(restart.unwrap_or_default().then(format!("{who} cannot settle {m}")))
        }
        _ => shutdown(chronicle, leaves)
            .map(|asked| Course::of_fault(asked.at, asked.clause(chronicle))),
    }
}

/// Where the broker last restarted in the life of a process, before a place.
fn last_restart(chronicle: &Chronicle<'_>, process: ProcessId, until: usize) -> Option<usize> {
    let last = last(chronicle.run.turns(), until, |at| match *chronicle.kind(at) {
        Kind::BrokerRestarted => true,
        Kind::Started { process: of, .. } => of == process,
        _ => false,
    });
    last.filter(|at| matches!(chronicle.kind(*at), Kind::BrokerRestarted))
}

/// The shutdown that a process was asked for in the life that ends at a place.
pub(super) fn shutdown(chronicle: &Chronicle<'_>, end: usize) -> Option<Injected> {
    let process = chronicle.kind(end).process()?;
    let life = delays::in_life(chronicle, process, end);
    life.iter().rfind(|one| one.process == process && one.is_shutdown()).copied()
}

/// What made a group rebalance when `holder` gave its partition up or lost it, if that was the
/// fault of another process.
pub(super) struct Rebalance {
    /// Where the fault is.
    pub(super) at: usize,
    /// The fault.
    pub(super) fault: Course,
    /// What followed from it: `when mailer 1 starts again`.
    pub(super) then: String,
}

/// What made the group rebalance, if `holder` lost the partition at `lost` through the fault of
/// another process.
pub(super) fn rebalance(
    chronicle: &Chronicle<'_>,
    holder: ProcessId,
    lost: usize,
) -> Option<Rebalance> {
    let other = |process: ProcessId| {
        process != holder && chronicle.subscription_of(process) == Some(chronicle.subscription)
    };
    let trigger = last(chronicle.run.turns(), lost, |at| match *chronicle.kind(at) {
        Kind::Started { process, .. }
        | Kind::Resumed { process }
        | Kind::Crashed { process, .. }
        | Kind::Exited { process, .. } => other(process),
        Kind::SessionExpired { consumer, .. } | Kind::MaxPollExceeded { consumer, .. } => {
            other(consumer)
        }
        _ => false,
    })?;
    let assigned = first(
        chronicle.run.turns(),
        trigger,
        |at| matches!(*chronicle.kind(at), Kind::Assigned { consumer, .. } if consumer == holder),
    );
    let mut faults = chronicle.run.faults_between(trigger, lost).iter();
    if assigned.is_some_and(|at| at < lost) || faults.any(Injected::is_rebalance) {
        return None;
    }
    let when = |what: &str| format!("when {what}");
    match *chronicle.kind(trigger) {
        Kind::Started { process, incarnation } if incarnation.0 > 0 => {
            let end = last(chronicle.run.turns(), trigger, |at| is_end(chronicle, at, process))?;
            let then = when(&chronicle.words(trigger).prose);
            Some(Rebalance { at: end, fault: ending(chronicle, end)?, then })
        }
        Kind::Crashed { process, .. } | Kind::Exited { process, .. } => {
            let then = when(&format!("{} is gone", chronicle.name(process)));
            Some(Rebalance { at: trigger, fault: ending(chronicle, trigger)?, then })
        }
        Kind::MaxPollExceeded { consumer: process, .. } => {
            let then = when(&format!("{} is gone from the group", chronicle.name(process)));
            let fault = Course::default().then_at(trigger, chronicle.words(trigger).clause());
            Some(Rebalance { at: trigger, fault, then })
        }
        Kind::SessionExpired { consumer: process, .. } | Kind::Resumed { process } => {
            held_up(chronicle, process, trigger, when(chronicle.words(trigger).clause()))
        }
        _ => None,
    }
}

fn is_end(chronicle: &Chronicle<'_>, at: usize, process: ProcessId) -> bool {
    match *chronicle.kind(at) {
        Kind::Crashed { process: of, .. } | Kind::Exited { process: of, .. } => of == process,
        _ => false,
    }
}

/// Why a process ended, with its end.
fn ending(chronicle: &Chronicle<'_>, end: usize) -> Option<Course> {
    match *chronicle.kind(end) {
        Kind::Crashed { .. } => Some(Death::at(chronicle, end).told(chronicle)),
        Kind::Exited { .. } => {
            let leaves = chronicle.words(end);
            Some(reason(chronicle, end)?.and(leaves.clause()))
        }
        _ => None,
    }
}

/// The last fault that stalled a process or slowed its handler down.
fn held_up(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    until: usize,
    then: String,
) -> Option<Rebalance> {
    let mut faults = chronicle.run.faults_between(0, until).iter();
    let fault = faults.rfind(|one| one.process == process && one.is_hold_up())?;
    let told = Course::of_fault(fault.at, fault.brief(chronicle));
    Some(Rebalance { at: fault.at, fault: told, then })
}
