//! The words for what only an exploration chooses: delays that end in a zone, and requests that
//! overtake each other.
//!
//! A zone is a plan (until the next deadline, until somebody could take over); the events say what
//! came of it: whose lease or session ended, and whether anybody took over.

use entrega_model::event::SettleAct;
use entrega_model::{Kind, ProcessId};
use entrega_scenario::points::{Site, Zone};

use super::chronicle::Chronicle;
use crate::injected::Injected;
use crate::possessions::Ending;
use crate::run::{first, last};

/// Until when a fault delays: `until its lease has ended and somebody else has taken over`. None
/// for a fault that delays by a span or not at all.
pub(super) fn until(fault: &Injected, chronicle: &Chronicle<'_>) -> Option<String> {
    if fault.is_shutdown() {
        return is_killed(fault, chronicle)
            .then(|| "and takes so long that it is killed".to_owned());
    }
    match fault.zone {
        Zone::Now | Zone::Span => return None,
        Zone::Calm if fault.point.site == Site::Handlers && is_cut_off(fault, chronicle) => {
            return None;
        }
        Zone::Calm if fault.is_late_end() => return None,
        Zone::Calm => return Some("until everybody else is done".to_owned()),
        Zone::Expiry | Zone::Takeover | Zone::Timer => {}
    }
    let end = end(fault, chronicle);
    let Some(deadline) = Deadline::during(fault, chronicle, end) else {
        let gave_up = is_leg(fault) && fault.zone == Zone::Expiry;
        return Some(if gave_up {
            format!("until {} no longer waits", chronicle.subject(fault.process))
        } else if is_renewed(fault, chronicle, end) {
            format!("until its {} would have ended", chronicle.run.cast.deadline())
        } else {
            "until nothing else is left to happen".to_owned()
        });
    };
    let what = deadline.what;
    Some(if fault.zone == Zone::Expiry {
        format!("until {what} has ended")
    } else if has_successor(fault.process, chronicle, deadline.at, end) {
        format!("until {what} has ended and somebody else has taken over")
    } else {
        format!("until {what} has ended and all is calm again")
    })
}

/// Whether a process dies before it goes on.
fn is_cut_off(fault: &Injected, chronicle: &Chronicle<'_>) -> bool {
    let next = first(chronicle.run.of_process(fault.process), fault.at + 1, |_| true);
    next.is_some_and(|at| matches!(chronicle.kind(at), Kind::Crashed { .. }))
}

/// Whether a process that is asked to stop is not gone in time.
fn is_killed(asked: &Injected, chronicle: &Chronicle<'_>) -> bool {
    let of_process = chronicle.run.of_process(asked.process);
    let is_end =
        |at: usize| matches!(chronicle.kind(at), Kind::Crashed { .. } | Kind::Exited { .. });
    let crash = first(of_process, asked.at + 1, is_end)
        .filter(|&at| matches!(chronicle.kind(at), Kind::Crashed { .. }));
    let run = chronicle.run;
    let by = crash.and_then(|at| Injected::behind_crash(run.events, &run.faults, at));
    by.is_some_and(|by| by.at == asked.at)
}

fn is_leg(fault: &Injected) -> bool {
    matches!(fault.point.site, Site::Leg(..))
}

/// Where a delay ends at the latest.
fn end(fault: &Injected, chronicle: &Chronicle<'_>) -> usize {
    let of_process = chronicle.run.of_process(fault.process);
    let ends = first(of_process, fault.at + 1, |at| match chronicle.kind(at) {
        Kind::Resumed { .. } | Kind::Crashed { .. } => true,
        Kind::ProcessingEnded { .. } => fault.holds_up_handler(),
        Kind::Faulted { message, .. } => fault.holds_up_handler() && *message == fault.message,
        _ => false,
    });
    ends.unwrap_or(chronicle.end())
}

/// Whether the delayed process has a lease extended during a delay.
fn is_renewed(fault: &Injected, chronicle: &Chronicle<'_>, end: usize) -> bool {
    let meanwhile = chronicle.run.events[..end].iter().skip(fault.at);
    meanwhile.map(|event| event.kind).any(|kind| {
        matches!(kind, Kind::Settled { consumer, act: SettleAct::Extend, .. }
            if consumer == fault.process)
    })
}

/// A lease, a session or another limit that ended during a delay.
struct Deadline {
    /// Where it ended.
    at: usize,
    /// `its lease`, `the session of mailer 2`, `its max_poll_interval`.
    what: String,
}

impl Deadline {
    /// The one of the delayed process, if there is one; else the first.
    fn during(fault: &Injected, chronicle: &Chronicle<'_>, end: usize) -> Option<Self> {
        let ended = |is: &dyn Fn(ProcessId) -> bool| {
            let at = first(chronicle.run.turns(), fault.at + 1, |at| match *chronicle.kind(at) {
                Kind::LeaseExpired { consumer, .. }
                | Kind::SessionExpired { consumer, .. }
                | Kind::MaxPollExceeded { consumer, .. } => is(consumer),
                _ => false,
            });
            at.filter(|&at| at < end)
        };
        let own = ended(&|of| of == fault.process);
        if let Some(at) = own.is_none().then(|| left_behind(fault, chronicle, end)).flatten() {
            return Some(Self { at, what: "the rebalance_timeout of its group".to_owned() });
        }
        let at = own.or_else(|| ended(&|_| true))?;
        let (consumer, what) = match *chronicle.kind(at) {
            Kind::LeaseExpired { consumer, .. } => (consumer, chronicle.run.cast.deadline()),
            Kind::SessionExpired { consumer, .. } => (consumer, "session"),
            Kind::MaxPollExceeded { consumer, .. } => (consumer, "max_poll_interval"),
            _ => return None,
        };
        let what = if consumer == fault.process && !is_leg(fault) {
            format!("its {what}")
        } else {
            format!("the {what} of {}", chronicle.name(consumer))
        };
        Some(Self { at, what })
    }
}

/// Where the group of a delayed process went on without it.
fn left_behind(fault: &Injected, chronicle: &Chronicle<'_>, end: usize) -> Option<usize> {
    let all = chronicle.run.possessions.all().iter();
    let ends = all.filter(|one| one.process == fault.process).flat_map(|one| &one.ends);
    let without = ends.filter(|one| one.how == Ending::NotRejoined).map(|one| one.place.event);
    without.filter(|at| (fault.at..end).contains(at)).min()
}

/// Whether another consumer of the subscription was given a message between two places.
fn has_successor(process: ProcessId, chronicle: &Chronicle<'_>, from: usize, until: usize) -> bool {
    let taken = first(chronicle.run.deliveries(), from, |at| {
        matches!(*chronicle.kind(at), Kind::Delivered { consumer, subscription, .. }
            if consumer != process && subscription == chronicle.subscription)
    });
    taken.is_some_and(|at| at < until)
}

/// The faults in the life of a process that ends at a place.
pub(super) fn in_life<'a>(
    chronicle: &Chronicle<'a>,
    process: ProcessId,
    end: usize,
) -> &'a [Injected] {
    let begun = last(
        chronicle.run.turns(),
        end,
        |at| matches!(*chronicle.kind(at), Kind::Started { process: of, .. } if of == process),
    );
    chronicle.run.faults_between(begun.unwrap_or(0), end)
}

/// Whether a process is slow from this fault on and has not crashed until a place.
pub(super) fn outlasts(fault: &Injected, chronicle: &Chronicle<'_>, until: usize) -> bool {
    fault.is_in_zone() && end(fault, chronicle) > until
}

/// The requests of a run that were handled before their turn, each once, and where.
pub(super) fn overtakings(chronicle: &Chronicle<'_>) -> Vec<(usize, String)> {
    let mut told: Vec<(usize, String)> = Vec::new();
    for fault in chronicle.run.faults.iter().filter(|fault| fault.is_overtaking()) {
        let clause = fault.clause(chronicle);
        if !told.iter().any(|(_, one)| *one == clause) {
            told.push((fault.at, clause));
        }
    }
    told
}
