//! The words for what only an exploration chooses: delays that end in a zone, and requests that
//! overtake each other.
//!
//! A zone is a plan (until the next deadline, until somebody could take over); the events say what
//! came of it: whose lease or session ended, and whether anybody took over.

use entrega_model::{Kind, ProcessId};
use entrega_scenario::points::{Act, Site, Zone};

use super::chronicle::Chronicle;
use super::faults::Injected;

/// Until when a fault delays: `until its lease has ended and somebody else has taken over`. None
/// for a fault that delays by a span or not at all.
pub(super) fn until(fault: &Injected, chronicle: &Chronicle<'_>) -> Option<String> {
    match fault.zone {
        Zone::Now | Zone::Span => return None,
        Zone::Calm => return Some("until everybody else is done".to_owned()),
        Zone::Expiry | Zone::Takeover => {}
    }
    let end = end(fault, chronicle);
    let Some((at, what)) = deadline(fault, chronicle, end) else {
        let gave_up = is_leg(fault) && fault.zone == Zone::Expiry;
        return Some(match gave_up {
            true => format!("until {} no longer waits", chronicle.name(fault.process)),
            false => "until nothing else is left to happen".to_owned(),
        });
    };
    Some(match (fault.zone, has_successor(fault.process, chronicle, (at, end))) {
        (Zone::Expiry, _) => format!("until {what} has ended"),
        (_, true) => format!("until {what} has ended and somebody else has taken over"),
        (_, false) => format!("until {what} has ended and all is calm again"),
    })
}

fn is_leg(fault: &Injected) -> bool {
    !fault.is_crash() && !fault.holds_up()
}

/// Where a delay ends at the latest.
fn end(fault: &Injected, chronicle: &Chronicle<'_>) -> usize {
    let ends = chronicle.first(fault.at + 1, |kind| match *kind {
        Kind::Resumed { process } | Kind::Crashed { process, .. } => process == fault.process,
        Kind::ProcessingEnded { consumer, .. } => {
            fault.act == Act::Slow && consumer == fault.process
        }
        _ => false,
    });
    ends.unwrap_or(chronicle.events.len())
}

/// The lease or session that ended during a delay: its own, if there is one.
fn deadline(fault: &Injected, chronicle: &Chronicle<'_>, end: usize) -> Option<(usize, String)> {
    let ended = |mine: bool| {
        let at = chronicle.first(fault.at + 1, |kind| match *kind {
            Kind::LeaseExpired { consumer, .. } | Kind::SessionExpired { consumer, .. } => {
                !mine || consumer == fault.process
            }
            _ => false,
        });
        at.filter(|&at| at < end)
    };
    let at = ended(true).or_else(|| ended(false))?;
    let (consumer, what) = match chronicle.events[at].kind {
        Kind::LeaseExpired { consumer, .. } => (consumer, "lease"),
        Kind::SessionExpired { consumer, .. } => (consumer, "session"),
        _ => return None,
    };
    let mine = consumer == fault.process && !is_leg(fault);
    Some(match mine {
        true => (at, format!("its {what}")),
        false => (at, format!("the {what} of {}", chronicle.name(consumer))),
    })
}

/// Whether somebody else of the subscription was given a message between two places.
fn has_successor(
    process: ProcessId,
    chronicle: &Chronicle<'_>,
    (from, until): (usize, usize),
) -> bool {
    let taken = chronicle.first(from, |kind| {
        matches!(*kind, Kind::Delivered { consumer, subscription, .. }
            if consumer != process && subscription == chronicle.subscription)
    });
    taken.is_some_and(|at| at < until)
}

/// The fault that made a process slow first and then crash at a place.
pub(super) fn behind_crash(chronicle: &Chronicle<'_>, crash: usize) -> Option<Injected> {
    let Kind::Crashed { process, .. } = chronicle.events[crash].kind else { return None };
    let begun = chronicle
        .last(crash, |kind| matches!(*kind, Kind::Started { process: of, .. } if of == process));
    let life = begun.unwrap_or(0)..crash;
    let mut faults = life.rev().filter_map(|at| Injected::at(chronicle.events, at));
    faults.find(|one| one.process == process && one.is_crash() && one.is_in_zone())
}

/// Whether a process is slow from this fault on and has not crashed until a place.
pub(super) fn outlasts(fault: &Injected, chronicle: &Chronicle<'_>, until: usize) -> bool {
    fault.is_in_zone() && end(fault, chronicle) > until
}

/// The requests of a run that were handled before their turn, each once.
pub(super) fn overtakings(chronicle: &Chronicle<'_>) -> Vec<String> {
    let faults = super::faults::all(chronicle);
    let orders: Vec<Injected> =
        faults.into_iter().filter(|fault| fault.site == Site::Arrivals).collect();
    super::faults::clauses(chronicle, &orders)
}

/// `the request of mailer 2 for the effect of m1 overtakes one that was sent before it`.
pub(super) fn overtaking(fault: &Injected, chronicle: &Chronicle<'_>) -> String {
    let who = chronicle.name(fault.process);
    let next = chronicle.events.get(fault.at + 1).map(|event| event.kind);
    let request = match next {
        Some(Kind::Effect { message, consumer, .. }) if consumer == fault.process => {
            format!("the request of {who} for the effect of {}", super::name(message))
        }
        Some(Kind::Settled { message, consumer, .. }) if consumer == fault.process => {
            format!("the request of {who} to settle {}", super::name(message))
        }
        Some(Kind::Committed { consumer, .. }) if consumer == fault.process => {
            format!("a commit of {who}")
        }
        Some(Kind::Stored { message, .. }) if chronicle.is_producer(fault.process) => {
            format!("the request to store {}", super::name(message))
        }
        _ => format!("a request of {who}"),
    };
    format!("{request} overtakes one that was sent before it")
}
