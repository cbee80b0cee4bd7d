//! How a message came to take effect more than once.

use entrega_model::Kind;
use entrega_model::event::{ProcessingResult, SettleAct};
use entrega_scenario::points::Call;

use super::chronicle::{Applied, Chronicle, HandOver, times};
use super::faults::{self, Injected};
use super::leaving::{self, Rebalance};

pub(super) fn tell(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    let effects = chronicle.effects();
    let twice = format!("takes effect {}", times(effects.len()));
    let [first, second, ..] = effects.as_slice() else {
        return format!("{m} {twice}.");
    };
    if first.delivery == second.delivery {
        return within_one_delivery(chronicle, first, second, &twice);
    }
    let hand_over =
        |of: &Applied| chronicle.hand_overs().into_iter().find(|one| one.delivery == of.delivery);
    let (Some(one), Some(other)) = (hand_over(first), hand_over(second)) else {
        return format!("{m} {twice}.");
    };
    if are_two_copies(chronicle, &one, &other) {
        return stored_twice(chronicle);
    }
    let (holder, successor) = in_order_of_possession(chronicle, one, other);
    let effect = if holder == one { first } else { second };
    let why = interruption(chronicle, &holder, &successor, Some(effect.at));
    let to = chronicle.name(successor.consumer);
    if effect.at > successor.at && holder.consumer != successor.consumer {
        let zombie = chronicle.name(holder.consumer);
        return format!(
            "{why}; {m} is delivered again to {to}, {zombie} goes on as a zombie, and {m} {twice}."
        );
    }
    format!("{why}; {m} is delivered again to {to} and {twice}.")
}

fn within_one_delivery(
    chronicle: &Chronicle<'_>,
    first: &Applied,
    second: &Applied,
    twice: &str,
) -> String {
    let m = chronicle.message();
    let started = chronicle.hand_overs().into_iter().find(|one| one.delivery == first.delivery);
    let range = (started.map_or(0, |one| one.at), second.at);
    let faults = faults::concerning(chronicle, first.consumer, range, false);
    let what = faults::clauses(chronicle, &faults).join(" and then ");
    let doubled = |fault: &Injected| fault.doubles(Call::Effect);
    if faults.iter().any(doubled) {
        return format!("{what}, and {m} {twice}.");
    }
    let who = chronicle.name(first.consumer);
    if !what.is_empty() {
        return format!("{what}; {who} tries again and {m} {twice}.");
    }
    match failed_item(chronicle, first, second) {
        Some(item) => {
            format!("{item}; {who} writes the whole batch again, and {m} {twice}.")
        }
        None => format!("{who} has no answer from the sink; {who} tries again and {m} {twice}."),
    }
}

/// Another message on which the handler failed between two effects of one delivery: an item of the
/// same batch.
fn failed_item(chronicle: &Chronicle<'_>, first: &Applied, second: &Applied) -> Option<String> {
    let failure = chronicle.first(first.at, |kind| {
        matches!(*kind, Kind::ProcessingEnded { message, consumer, result, .. }
            if consumer == first.consumer
                && message != chronicle.id
                && matches!(result, ProcessingResult::Transient | ProcessingResult::Poison))
    });
    let failure = failure.filter(|at| *at < second.at)?;
    let Kind::ProcessingEnded { message, result, .. } = chronicle.events[failure].kind else {
        return None;
    };
    let (who, item) = (chronicle.name(first.consumer), super::name(message));
    let poison = if result == ProcessingResult::Poison { ", which is poison" } else { "" };
    Some(format!(
        "the handler of {who} fails on {item} of the same batch as {}{poison}",
        chronicle.message()
    ))
}

/// Whether the two hand-overs are of two stored copies: other offsets on a log; on a queue, neither
/// is a redelivery, or nothing took the message away from whoever had it first.
pub(super) fn are_two_copies(chronicle: &Chronicle<'_>, one: &HandOver, other: &HandOver) -> bool {
    if chronicle.stored().len() < 2 {
        return false;
    }
    match chronicle.partition() {
        Some(_) => one.position != other.position,
        None => {
            let (first, second) = if one.at < other.at { (one, other) } else { (other, one) };
            let taken = taken_away(chronicle, first, (first.at, second.at))
                .or_else(|| expired_in_buffer(chronicle, first));
            (!one.redelivered && !other.redelivered) || taken.is_none()
        }
    }
}

/// A message of which the broker has two copies.
pub(super) fn stored_twice(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    let twice = format!("takes effect {}", times(chronicle.effects().len()));
    format!("{}; both copies are processed, and {m} {twice}.", doubling(chronicle))
}

/// How the broker came to have two copies.
pub(super) fn doubling(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    let until = chronicle.stored().last().copied().unwrap_or(0);
    let faults = faults::while_sending(chronicle, until);
    let what = faults::clauses(chronicle, &faults).join(" and then ");
    let doubled = faults.iter().any(|one| one.doubles(Call::Send));
    match (what.is_empty(), doubled) {
        (true, _) => format!("{m} is stored twice"),
        (false, true) => format!("{what}, and {m} is stored twice"),
        (false, false) => format!("{what}; the producer sends {m} again, and it is stored twice"),
    }
}

/// Who had it first. A consumer may have had it in its buffer, lost it by the clock, and handed it
/// to its application only later.
pub(super) fn in_order_of_possession(
    chronicle: &Chronicle<'_>,
    one: HandOver,
    other: HandOver,
) -> (HandOver, HandOver) {
    let (first, second) = if one.at < other.at { (one, other) } else { (other, one) };
    let stored = chronicle.stored().first().copied().unwrap_or(0);
    let had_it_before = chronicle.first(stored, |kind| match *kind {
        Kind::LeaseExpired { message, subscription, consumer } => {
            (message, subscription) == (chronicle.id, chronicle.subscription)
                && consumer == second.consumer
        }
        Kind::SessionExpired { subscription, consumer } => {
            subscription == chronicle.subscription && consumer == second.consumer
        }
        _ => false,
    });
    let swap = first.consumer != second.consumer && had_it_before.is_some_and(|at| at < first.at);
    if swap { (second, first) } else { (first, second) }
}

/// Why the message came to a second consumer although the first had it: the faults that concern it,
/// and what took it away. `done` is where the first one's work on it took effect, if it did.
pub(super) fn interruption(
    chronicle: &Chronicle<'_>,
    holder: &HandOver,
    successor: &HandOver,
    done: Option<usize>,
) -> String {
    let stored = chronicle.stored().first().copied().unwrap_or(0);
    let from = if holder.at > successor.at { stored } else { holder.at };
    let taken = taken_away(chronicle, holder, (from, successor.at))
        .or_else(|| expired_in_buffer(chronicle, holder));
    let from = if taken.is_some_and(|at| at < from) { stored } else { from };
    let until = taken.unwrap_or(successor.at);
    let by_clock = taken.is_some_and(|at| is_by_clock(&chronicle.events[at].kind));
    let faults = faults::concerning(chronicle, holder.consumer, (from, until), by_clock);
    let mut clauses = match by_clock {
        true => faults::brief_clauses(chronicle, &faults),
        false => faults::clauses(chronicle, &faults),
    };
    let restarted = restarted(chronicle, until);
    match taken {
        Some(at) => {
            let restarted = restarted.map(|_| "the broker restarts".to_owned());
            clauses.extend(restarted);
            let taking = taking(chronicle, holder, at, done, !faults.is_empty());
            return with_taking(chronicle, holder, (at, taking), (clauses, faults.first()));
        }
        None => clauses.extend(restarted.map(|_| forgotten(chronicle, holder))),
    }
    match clauses.is_empty() {
        true => format!("{} does not settle it", chronicle.name(holder.consumer)),
        false => clauses.join(" and then "),
    }
}

/// The faults that concern a message, and what took it away at a place. If that was the clock or
/// the group, the fault behind it may be somebody else's.
fn with_taking(
    chronicle: &Chronicle<'_>,
    holder: &HandOver,
    (at, taking): (usize, String),
    (mut clauses, first): (Vec<String>, Option<&Injected>),
) -> String {
    clauses.retain(|clause| !taking.starts_with(clause.as_str()));
    let kind = &chronicle.events[at].kind;
    let moved = matches!(kind, Kind::Revoked { .. } | Kind::Lost { .. });
    let rebalance = moved.then(|| leaving::rebalance(chronicle, holder.consumer, at)).flatten();
    if let Some(Rebalance { at, fault, then }) = rebalance {
        let is_first = first.is_none_or(|one| at < one.at);
        clauses.insert(if is_first { 0 } else { clauses.len() }, fault);
        return format!("{}; {then}, {taking}", clauses.join(" and then "));
    }
    if clauses.is_empty() && (moved || is_by_clock(kind)) {
        let stored = chronicle.stored().first().copied().unwrap_or(0);
        let (whose, from) = if moved { (None, stored) } else { (Some(holder.consumer), holder.at) };
        let behind = faults::behind_the_clock(chronicle, whose, (from, at));
        clauses = faults::clauses(chronicle, &behind);
    }
    if clauses.is_empty() && is_forgotten(chronicle, holder, at) {
        let (who, m) = (chronicle.name(holder.consumer), chronicle.message());
        return format!("{who} has not settled {m} when its lease expires");
    }
    clauses.push(taking);
    clauses.join(" and then ")
}

/// Whether a lease ended although its holder was done with the message, and had not asked to settle
/// it.
fn is_forgotten(chronicle: &Chronicle<'_>, holder: &HandOver, at: usize) -> bool {
    let done = chronicle.first(holder.at, |kind| {
        matches!(*kind, Kind::ProcessingEnded { message, consumer, .. }
            if (message, consumer) == (chronicle.id, holder.consumer))
    });
    matches!(chronicle.events[at].kind, Kind::LeaseExpired { .. })
        && done.is_some_and(|done| done < at)
        && !chronicle.settle_invoked(holder.consumer, holder.at, at)
}

/// Where the broker restarted between the storing of the message and `until`.
fn restarted(chronicle: &Chronicle<'_>, until: usize) -> Option<usize> {
    let stored = chronicle.stored().first().copied()?;
    let restart = chronicle.first(stored, |kind| matches!(kind, Kind::BrokerRestarted));
    restart.filter(|at| *at < until)
}

fn forgotten(chronicle: &Chronicle<'_>, holder: &HandOver) -> String {
    let (who, m) = (chronicle.name(holder.consumer), chronicle.message());
    format!("the broker restarts and forgets that {who} has {m}")
}

fn is_by_clock(kind: &Kind) -> bool {
    matches!(kind, Kind::LeaseExpired { .. } | Kind::SessionExpired { .. } | Kind::Revoked { .. })
}

/// The first thing that ends the possession of `holder` between two places.
fn taken_away(
    chronicle: &Chronicle<'_>,
    holder: &HandOver,
    (from, until): (usize, usize),
) -> Option<usize> {
    let (id, subscription) = (chronicle.id, chronicle.subscription);
    let found = chronicle.first(from, |kind| match *kind {
        Kind::LeaseExpired { message, subscription: of, consumer } => {
            (message, of, consumer) == (id, subscription, holder.consumer)
        }
        Kind::Settled { message, subscription: of, act, .. } => {
            (message, of, act) == (id, subscription, SettleAct::Requeue)
        }
        Kind::SessionExpired { consumer, .. } => consumer == holder.consumer,
        Kind::Revoked { consumer, partition, .. } | Kind::Lost { consumer, partition, .. } => {
            consumer == holder.consumer && Some(partition) == chronicle.partition()
        }
        Kind::Sought { consumer, partition, to, .. } => {
            consumer == holder.consumer
                && Some(partition) == chronicle.partition()
                && to <= holder.position
        }
        Kind::Crashed { process, .. } | Kind::Exited { process, .. } => process == holder.consumer,
        Kind::BrokerRestarted => chronicle.partition().is_none(),
        _ => false,
    });
    found.filter(|at| *at < until)
}

/// Where the clock took the message out of the buffer of `holder`, which handed it to its
/// application all the same.
fn expired_in_buffer(chronicle: &Chronicle<'_>, holder: &HandOver) -> Option<usize> {
    chronicle.last(holder.at, |kind| match *kind {
        Kind::LeaseExpired { message, subscription, consumer } => {
            (message, subscription, consumer)
                == (chronicle.id, chronicle.subscription, holder.consumer)
        }
        Kind::SessionExpired { consumer, .. } => {
            chronicle.partition().is_some() && consumer == holder.consumer
        }
        _ => false,
    })
}

/// What took the message away, as a clause.
fn taking(
    chronicle: &Chronicle<'_>,
    holder: &HandOver,
    at: usize,
    done: Option<usize>,
    explained: bool,
) -> String {
    let (who, m) = (chronicle.name(holder.consumer), chronicle.message());
    match chronicle.events[at].kind {
        Kind::LeaseExpired { .. } => format!("the lease of {who} expires"),
        Kind::SessionExpired { .. } => format!("the session of {who} expires"),
        Kind::Settled { .. } => format!("{who} gives {m} back"),
        Kind::Revoked { .. } | Kind::Lost { .. } => format!("{who} loses the partition of {m}"),
        Kind::Sought { .. } => format!("{who} seeks back over {m}"),
        Kind::Exited { .. } => match leaving::reason(chronicle, at) {
            Some(reason) => format!("{reason}, and {who} leaves without settling {m}"),
            None => format!("{who} leaves without settling {m}"),
        },
        Kind::BrokerRestarted => forgotten(chronicle, holder),
        _ => crash(chronicle, holder, at, done, explained),
    }
}

/// `mailer 1 crashes after the effect of m2 and before settling it`.
fn crash(
    chronicle: &Chronicle<'_>,
    holder: &HandOver,
    at: usize,
    done: Option<usize>,
    explained: bool,
) -> String {
    let (who, m) = (chronicle.name(holder.consumer), chronicle.message());
    let fault = Injected::behind_crash(chronicle, at);
    let clause = fault.map_or_else(|| format!("{who} crashes"), |one| one.clause(chronicle));
    let fate = match done.map(|done| chronicle.events[done].kind) {
        Some(Kind::DeadLettered { .. }) => "is dead-lettered",
        _ => "has taken effect",
    };
    let m_is_hit = fault.is_some_and(|one| one.message == Some(chronicle.id));
    match done {
        Some(done) if done > at => {
            return format!("{clause} with its request for the effect of {m} on its way");
        }
        None if !m_is_hit => return format!("{clause} while it holds {m}"),
        None => return clause,
        Some(_) if explained => return clause,
        Some(_) => {}
    }
    let asked = chronicle.settle_invoked(holder.consumer, holder.at, at);
    match (asked, m_is_hit, chronicle.application_settles()) {
        (true, ..) => format!("{clause} while its settle of {m} is on its way"),
        (false, true, true) => format!("{clause} and before settling it"),
        (false, true, false) => format!("{clause} and before it is settled"),
        (false, false, true) => {
            format!("{clause} and before settling {m}, which {fate}")
        }
        (false, false, false) => {
            format!("{clause} and before {m}, which {fate}, is settled")
        }
    }
}
