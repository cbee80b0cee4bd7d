//! How a message was lost whose effect was in a prepared transaction.
//!
//! Its effect has not happened: readers downstream would have seen it at the commit. So a fault
//! that strikes after the effect is told by what it keeps the process from.

use entrega_model::Kind;
use entrega_model::event::AbortReason;

use super::chronicle::Chronicle;
use super::course::Course;
use super::death::Death;
use super::faults;
use super::loss::lost;
use crate::run::last;

/// The sentence for a message whose last transaction has expired.
pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let expired = last(chronicle.run.of_message(chronicle.id), chronicle.end(), |at| {
        matches!(chronicle.kind(at), Kind::Aborted { reason: AbortReason::Expired, .. })
    });
    let kept = expired.map(|at| kept_from_committing(chronicle, at)).unwrap_or_default();
    kept.part("the transaction is open for longer than transaction_timeout, and the log aborts it")
        .part(format!("the checkpoint that names it stands behind {m}"))
        .part(lost(chronicle))
}

/// What kept the process until its transaction expired.
fn kept_from_committing(chronicle: &Chronicle<'_>, expired: usize) -> Course {
    let &Kind::Aborted { delivery, consumer, .. } = chronicle.kind(expired) else {
        return Course::default();
    };
    let (who, m) = (chronicle.name(consumer), chronicle.message());
    let uncommitted = format!("before it has committed the transaction with the effect of {m}");
    let deliveries = chronicle.deliveries();
    let from = deliveries.iter().find(|one| one.id == delivery).map_or(0, |one| one.at);
    if let Some(crashed) = chronicle.crash_of(consumer, from).filter(|at| *at < expired) {
        let death = Death::at(chronicle, crashed);
        let fault = death.fault.filter(|_| death.has_moment());
        return match fault {
            Some(fault) => Course::of_fault(fault.at, format!("{who} crashes {uncommitted}")),
            None => death.course(&format!(" {uncommitted}")),
        };
    }
    let befell = faults::concerning(chronicle, consumer, from, expired);
    if let Some(hold_up) = befell.iter().find(|one| one.is_hold_up() || one.is_crash()) {
        return Course::of_fault(hold_up.at, format!("{who} is held up {uncommitted}"));
    }
    let late = format!("{who} has not committed the transaction with the effect of {m} in time");
    faults::clauses(chronicle, &befell).part(late)
}
