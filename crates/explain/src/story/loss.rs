//! How a message was lost.

use entrega_model::event::{ProcessingResult, RemoveReason, SettleTrigger};
use entrega_model::{Kind, ProcessId};

use super::chronicle::{Chronicle, Delivered};
use super::death::Death;
use super::faults;
use super::leaving;
use super::limit;
use super::settles::{all_the_same, already};
use crate::possessions::{Ending, Settle};
use crate::run::{first, last};
use crate::words;

/// What is always true of a lost message that was settled.
fn lost(chronicle: &Chronicle<'_>) -> String {
    format!("{} is never delivered again and is lost.", chronicle.message())
}

pub(super) fn tell(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    if chronicle.stored().is_empty() {
        return never_stored(chronicle);
    }
    let skipped = skip(chronicle);
    let removed = removal(chronicle);
    if let Some(reset) = skipped.filter(|at| removed.is_none_or(|removed| *at < removed)) {
        let again = if chronicle.deliveries().is_empty() { "" } else { " again" };
        let skipped = skipped_by(chronicle, reset);
        return format!("{skipped}; {m} is never delivered{again} and is lost.");
    }
    if let Some(clause) = removed.map(|at| chronicle.words(at).clause().to_owned()) {
        let mut own = chronicle.run.faults.clone();
        own.retain(|one| one.message == Some(chronicle.id));
        let mut clauses = faults::clauses(chronicle, &own);
        clauses.truncate(faults::MANY);
        clauses.extend(limit::innocence(chronicle));
        clauses.push(clause);
        return format!("{}; {m} is lost.", clauses.join(" and then "));
    }
    if let Some(settle) = chronicle.settle() {
        return settled_without_effect(chronicle, &settle);
    }
    if chronicle.partition().is_some() {
        return never_committed(chronicle);
    }
    format!("{m} has no effect, and nothing can bring it back; it is lost.")
}

fn never_stored(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    let faults = faults::while_sending(chronicle, chronicle.end());
    let what = faults::clauses(chronicle, &faults).join(" and then ");
    let what = if !what.is_empty() {
        what
    } else if let Some(restart) = chronicle.restart(0) {
        let restarts = chronicle.words(restart).prose;
        format!("{restarts} and is away; {m} never reaches it")
    } else {
        format!("{m} never reaches the broker")
    };
    format!(
        "{what}; the producer takes {m} for sent all the same; {m} is stored nowhere and is lost."
    )
}

/// Where the message was removed before it was settled.
fn removal(chronicle: &Chronicle<'_>) -> Option<usize> {
    let of_it = chronicle.run.of_message(chronicle.id);
    first(of_it, 0, |at| {
        matches!(*chronicle.kind(at), Kind::Removed { subscription, reason, .. }
            if subscription.is_none_or(|one| one == chronicle.subscription)
                && reason != RemoveReason::Settled)
    })
}

/// Where a reset skipped the message, unless a consumer went back to it or before it later.
fn skip(chronicle: &Chronicle<'_>) -> Option<usize> {
    let (partition, position) = chronicle.run.possessions.position(chronicle.id)?;
    let mut skip = None;
    for &at in chronicle.run.turns() {
        match *chronicle.kind(at) {
            Kind::OffsetReset { subscription, partition: of, from, to, .. }
                if subscription == chronicle.subscription && of == partition =>
            {
                let skips = from.is_none_or(|from| u64::from(from) <= position) && position < to;
                let earlier = skip.filter(|_| to > position);
                skip = earlier.or(skips.then_some(at));
            }
            Kind::Assigned { subscription, partition: of, position: to, .. }
            | Kind::Sought { subscription, partition: of, to, .. }
                if subscription == chronicle.subscription && of == partition && to <= position =>
            {
                skip = None;
            }
            _ => {}
        }
    }
    skip.filter(|at| *at > chronicle.first_stored())
}

/// What led to a reset, and that it skipped the message.
fn skipped_by(chronicle: &Chronicle<'_>, reset: usize) -> String {
    let Kind::OffsetReset { consumer, from, .. } = *chronicle.kind(reset) else {
        return chronicle.message();
    };
    let (who, m) = (chronicle.name(consumer), chronicle.message());
    let mut earlier = chronicle.run.faults_between(0, reset).to_vec();
    earlier.retain(|one| chronicle.subscription_of(one.process) == Some(chronicle.subscription));
    let mut clauses = faults::clauses(chronicle, &earlier);
    if clauses.len() > faults::MANY {
        clauses.clear();
    }
    let why = match from {
        None => format!("{who} has no committed offset"),
        Some(_) => format!("the log does not have the offset of {who} any more"),
    };
    clauses.push(format!("{why}, and its reset (auto_offset_reset) skips {m}"));
    clauses.join(" and then ")
}

/// No event ended it, but the audit, which begins where the next consumer would, does not find it.
fn never_committed(chronicle: &Chronicle<'_>) -> String {
    let (m, of) = (chronicle.message(), chronicle.subscription_name());
    let left = match chronicle.deliveries().last() {
        Some(last) => {
            let who = chronicle.name(last.consumer);
            let led = led_to(chronicle, last.consumer, chronicle.end());
            format!("{led}{who} goes on without an effect of {m} and without committing it")
        }
        None => format!("{m} is handed over to nobody"),
    };
    let reset =
        format!("the next consumer of {of} has no committed offset, and its reset skips it");
    format!("{left}; {reset}; {}", lost(chronicle))
}

/// The broker recorded that the message is done, and it never was.
fn settled_without_effect(chronicle: &Chronicle<'_>, settle: &Settle) -> String {
    match chronicle.deliveries().last() {
        Some(last) => settled_after_delivery(chronicle, settle, last),
        None => settled_without_delivery(chronicle, settle),
    }
}

fn settled_without_delivery(chronicle: &Chronicle<'_>, settle: &Settle) -> String {
    let (holder, at) = (settle.process, settle.place.event);
    let (who, m) = (chronicle.name(holder), chronicle.message());
    let why = |until: usize| {
        let fault = faults::before_delivery(chronicle, until);
        fault.map_or_else(String::new, |fault| format!("{}; ", fault.clause(chronicle)))
    };
    if settle.trigger != SettleTrigger::Delivery {
        if chronicle.asked_to_settle(settle) == Some(chronicle.id) {
            return settled_in_buffer(chronicle, settle);
        }
        let never = format!("{m} never reaches {who}, whose settle of a later message covers it");
        return format!("{}{never}; {}", why(at), lost(chronicle));
    }
    if let Some(failure) = final_failure(chronicle, holder, 0) {
        let clause = after_failure(chronicle, settle, failure);
        return format!("{clause}; {}", lost(chronicle));
    }
    match chronicle.crash_of(holder, at) {
        Some(crashed) => crashed_after(chronicle, settle, holder, at, crashed),
        None => {
            let left = left_because(chronicle, settle);
            format!(
                "{}handing {m} over acks it, and it never reaches {who}; {}",
                left.unwrap_or_else(|| why(chronicle.end())),
                lost(chronicle)
            )
        }
    }
}

fn settled_after_delivery(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    last: &Delivered<'_>,
) -> String {
    let holder = last.consumer;
    if let Some(failure) = final_failure(chronicle, holder, last.at) {
        let clause = after_failure(chronicle, settle, failure);
        return format!("{clause}; {}", lost(chronicle));
    }
    if let Some(crashed) = chronicle.crash_of(holder, last.at) {
        return crashed_after(chronicle, settle, holder, last.at, crashed);
    }
    let (who, m) = (chronicle.name(holder), chronicle.message());
    let already = already(chronicle, settle, holder, usize::MAX);
    let led = led_to(chronicle, holder, settle.place.event);
    let parted = last.possession.ends.iter().find_map(|end| match end.how {
        Ending::Revoked => Some(format!("{who} gives up the partition of {m}")),
        Ending::PartitionLost | Ending::NotRejoined => {
            Some(format!("{who} loses the partition of {m}"))
        }
        Ending::SessionExpired | Ending::MaxPollExceeded | Ending::LeaseExpired => {
            Some(chronicle.words(end.place.event).clause().to_owned())
        }
        Ending::Exited => {
            let reason = leaving::reason(chronicle, end.place.event)?;
            Some(format!("{reason}, and {who} leaves"))
        }
        Ending::Settled
        | Ending::GivenBack
        | Ending::Requeued
        | Ending::SoughtBack
        | Ending::Crashed
        | Ending::BrokerRestarted => None,
    });
    match parted {
        Some(parted) => {
            format!("{led}{parted} before the effect of {m}, {already}; {}", lost(chronicle))
        }
        None => {
            format!("{led}{who} goes on without the effect of {m}, {already}; {}", lost(chronicle))
        }
    }
}

/// What led a process to a settle before the effect, to stand before it.
fn led_to(chronicle: &Chronicle<'_>, process: ProcessId, settled: usize) -> String {
    let faults = faults::before_settle(chronicle, process, settled);
    match faults::clauses(chronicle, &faults).join(" and then ") {
        led if led.is_empty() => led,
        led => format!("{led}; "),
    }
}

/// The holder received the message at `received` and crashed before its effect.
fn crashed_after(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    holder: ProcessId,
    received: usize,
    crashed: usize,
) -> String {
    let death = Death::at(chronicle, crashed);
    let mut clauses = death.before(chronicle, holder, (received, crashed));
    clauses.push(dies(chronicle, settle, holder, (crashed, &death)));
    format!("{}; {}", clauses.join(" and then "), lost(chronicle))
}

/// The library settled what it had fetched and not delivered.
fn settled_in_buffer(chronicle: &Chronicle<'_>, settle: &Settle) -> String {
    let why = left_because(chronicle, settle).unwrap_or_default();
    let (who, m) = (chronicle.name(settle.process), chronicle.message());
    let settled = match settle.trigger {
        SettleTrigger::Application => format!("{who} settles it all the same"),
        other => all_the_same(other).to_owned(),
    };
    let parted = if why.is_empty() { parting(chronicle, settle) } else { None };
    let parted = parted.map_or_else(String::new, |parted| format!("; {parted}"));
    format!("{why}{m} is fetched and not handed over; {settled}{parted}; {}", lost(chronicle))
}

/// How the process that has settled what it had only fetched lost it before it was handed over.
fn parting(chronicle: &Chronicle<'_>, settle: &Settle) -> Option<String> {
    let process = settle.process;
    let partition = chronicle.partition();
    let of_process = chronicle.run.of_process(process);
    let at = first(of_process, settle.place.event, |at| match *chronicle.kind(at) {
        Kind::SessionExpired { .. } | Kind::MaxPollExceeded { .. } | Kind::Crashed { .. } => true,
        Kind::Revoked { partition: of, .. } | Kind::Lost { partition: of, .. } => {
            Some(of) == partition
        }
        _ => false,
    })?;
    let (who, m) = (chronicle.name(process), chronicle.message());
    let what = match chronicle.kind(at) {
        Kind::Crashed { .. } => return Some(Death::at(chronicle, at).told(chronicle)),
        Kind::Revoked { .. } | Kind::Lost { .. } => format!("{who} loses the partition of {m}"),
        _ => chronicle.words(at).clause().to_owned(),
    };
    let behind = faults::behind_the_clock(chronicle, Some(process), settle.place.event, at);
    let mut clauses = faults::brief_clauses(chronicle, &behind);
    clauses.push(what);
    Some(clauses.join(" and then "))
}

/// Why the process left that has settled, to stand before what came of it: `mailer 1 is asked to
/// stop, and mailer 1 leaves; `. None if it did not, or only at the end of the run.
fn left_because(chronicle: &Chronicle<'_>, settle: &Settle) -> Option<String> {
    let leaves = first(
        chronicle.run.turns(),
        settle.place.event,
        |at| matches!(*chronicle.kind(at), Kind::Exited { process, .. } if process == settle.process),
    )?;
    let reason = leaving::reason(chronicle, leaves)?;
    Some(format!("{reason}, and {} leaves; ", chronicle.name(settle.process)))
}

/// `mailer 1 crashes before the effect of m2, which it has already settled`.
fn dies(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    holder: ProcessId,
    (crashed, death): (usize, &Death),
) -> String {
    let m = chronicle.message();
    let already = already(chronicle, settle, holder, crashed);
    let clause = &death.clause;
    let Some(fault) = death.fault.filter(|_| death.has_moment()) else {
        return format!("{clause} before the effect of {m}, {already}");
    };
    if fault.message != Some(chronicle.id) {
        return format!("{clause} while it holds {m}, {already}");
    }
    if fault.is_crash_after_settling() {
        return format!("{clause} and before its effect");
    }
    format!("{clause}, {already}")
}

/// The last attempt of the handler, if it failed and nothing came after it.
fn final_failure(chronicle: &Chronicle<'_>, holder: ProcessId, from: usize) -> Option<usize> {
    let of_it = chronicle.run.of_message(chronicle.id);
    let last = last(of_it, chronicle.end(), |at| match *chronicle.kind(at) {
        Kind::ProcessingStarted { consumer, .. } | Kind::ProcessingEnded { consumer, .. } => {
            consumer == holder
        }
        _ => false,
    })?;
    let failed = matches!(
        *chronicle.kind(last),
        Kind::ProcessingEnded { result, .. } if result != ProcessingResult::Ok
    );
    (failed && last >= from).then_some(last)
}

/// The handler failed, and what settled the message all the same.
fn after_failure(chronicle: &Chronicle<'_>, settle: &Settle, failure: usize) -> String {
    let Kind::ProcessingEnded { result, consumer, .. } = *chronicle.kind(failure) else {
        return chronicle.message();
    };
    let (who, m) = (chronicle.name(consumer), chronicle.message());
    let unanswered = result == ProcessingResult::Unknown;
    let failure_clause = if unanswered {
        let faults = faults::concerning(chronicle, consumer, 0, failure);
        faults::clauses(chronicle, &faults).join(" and then ")
    } else {
        chronicle.words(failure).clause().to_owned()
    };
    let settled_before = settle.place.event < failure;
    if settled_before && unanswered {
        return format!("{failure_clause} after {m} was settled");
    }
    if settled_before {
        let and = if result == ProcessingResult::Poison { " and" } else { "," };
        let already = already(chronicle, settle, consumer, usize::MAX);
        return format!("{failure_clause}{and} {already}");
    }
    let asked = chronicle.asked_to_settle(settle);
    let settled = match settle.trigger {
        SettleTrigger::Application if asked == Some(chronicle.id) => {
            match chronicle.settle_noun(settle) {
                "reject" => format!("{who} rejects it, and the queue has no target for it"),
                _ => format!("{who} settles it all the same"),
            }
        }
        SettleTrigger::Application => {
            let other = asked.map_or_else(|| "a later message".to_owned(), words::name);
            let noun = chronicle.settle_noun(settle);
            format!("{who} goes on, and its {noun} of {other} covers {m}")
        }
        other => all_the_same(other).to_owned(),
    };
    format!("{failure_clause}; {settled}")
}
