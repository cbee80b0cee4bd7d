//! How a message was lost.

use entrega_model::event::{ProcessingResult, RemoveReason, SettleTrigger};
use entrega_model::{Kind, ProcessId};
use entrega_scenario::points::{Moment, Site};

use super::chronicle::{Chronicle, Settle};
use super::faults::{self, Injected};
use super::leaving;

/// What is always true of a lost message that was settled.
fn lost(chronicle: &Chronicle<'_>) -> String {
    format!("{} is never delivered again and is lost.", chronicle.message())
}

pub(super) fn tell(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    if chronicle.stored().is_empty() {
        return never_stored(chronicle);
    }
    if let Some(clause) = removed(chronicle) {
        let mut own = faults::all(chronicle);
        own.retain(|one| one.message == Some(chronicle.id));
        let mut clauses = faults::clauses(chronicle, &own);
        clauses.truncate(faults::MANY);
        clauses.push(clause);
        return format!("{}; {m} is lost.", clauses.join(" and then "));
    }
    if chronicle.hand_overs().is_empty()
        && let Some(clause) = skipped(chronicle)
    {
        return format!("{clause}; {}", lost(chronicle));
    }
    if let Some(settle) = chronicle.settle() {
        return settled_without_effect(chronicle, &settle);
    }
    format!("{m} has no effect, and nothing can bring it back; it is lost.")
}

fn never_stored(chronicle: &Chronicle<'_>) -> String {
    let m = chronicle.message();
    let until = chronicle.events.len();
    let faults = faults::while_sending(chronicle, until);
    let what = faults::clauses(chronicle, &faults).join(" and then ");
    let what = match what.is_empty() {
        true => {
            let restarted = chronicle.first(0, |kind| matches!(kind, Kind::BrokerRestarted));
            let why = restarted.map_or("", |_| "the broker restarts and is away; ");
            let it = if why.is_empty() { "the broker" } else { "it" };
            format!("{why}{m} never reaches {it}")
        }
        false => what,
    };
    format!(
        "{what}; the producer takes {m} for sent all the same; {m} is stored nowhere and is lost."
    )
}

fn removed(chronicle: &Chronicle<'_>) -> Option<String> {
    let m = chronicle.message();
    let of = chronicle.subscription_name();
    chronicle.events.iter().find_map(|event| match event.kind {
        Kind::Removed { message, subscription, reason }
            if message == chronicle.id
                && subscription.is_none_or(|one| one == chronicle.subscription) =>
        {
            Some(match reason {
                RemoveReason::Settled => return None,
                RemoveReason::Ttl => format!("the time to live of {m} ends before its effect"),
                RemoveReason::Overflow => {
                    format!("the queue of {of} is full and drops {m} before its effect")
                }
                RemoveReason::Retention => {
                    format!("{of} lags, and retention removes {m} before its effect")
                }
                RemoveReason::Compaction => format!("a newer value of its key replaces {m}"),
                RemoveReason::DeliveryLimit => {
                    format!("{m} is delivered too often, and the queue of {of} drops it")
                }
                RemoveReason::Truncation => format!("a failover cuts {m} off the log"),
                RemoveReason::Purge => format!("somebody empties the queue with {m} in it"),
                RemoveReason::BrokerLoss => format!("the broker loses {m} with its storage"),
                RemoveReason::Unroutable => format!("no queue is bound that would take {m}"),
            })
        }
        _ => None,
    })
}

fn skipped(chronicle: &Chronicle<'_>) -> Option<String> {
    let reset = chronicle.first(0, |kind| {
        matches!(*kind, Kind::OffsetReset { subscription, partition, to, .. }
            if subscription == chronicle.subscription && chronicle.is_before(partition, to))
    })?;
    let Kind::OffsetReset { consumer, .. } = chronicle.events[reset].kind else { return None };
    let (who, m) = (chronicle.name(consumer), chronicle.message());
    let mut earlier = faults::all(chronicle);
    earlier.retain(|one| {
        one.at < reset && chronicle.subscription_of(one.process) == Some(chronicle.subscription)
    });
    let mut clauses = faults::clauses(chronicle, &earlier);
    if clauses.len() > faults::MANY {
        clauses.clear();
    }
    clauses.push(format!("{who} has no valid committed offset and begins behind {m}"));
    Some(clauses.join(" and then "))
}

/// The broker was told that the message is done, and it never was.
fn settled_without_effect(chronicle: &Chronicle<'_>, settle: &Settle) -> String {
    let last = chronicle.hand_overs().pop();
    if last.is_none() && settle.trigger != SettleTrigger::Delivery {
        let (who, m) = (chronicle.name(settle.consumer), chronicle.message());
        if chronicle.asked_to_settle(settle) == Some(chronicle.id) {
            return settled_in_buffer(chronicle, settle);
        }
        let why = faults::before_delivery(chronicle, settle.at)
            .map_or_else(String::new, |fault| format!("{}; ", fault.clause(chronicle)));
        return format!(
            "{why}{m} never reaches {who}, whose settle of a later message covers it; {}",
            lost(chronicle)
        );
    }
    let (holder, from) = last.map_or((settle.consumer, 0), |last| (last.consumer, last.at));
    if let Some(failure) = final_failure(chronicle, holder, from) {
        let clause = after_failure(chronicle, settle, failure);
        return format!("{clause}; {}", lost(chronicle));
    }
    let received = if last.is_some() { from } else { settle.at };
    let crashed = chronicle.first(
        received,
        |kind| matches!(*kind, Kind::Crashed { process, .. } if process == holder),
    );
    let Some(crashed) = crashed else {
        let (who, m) = (chronicle.name(holder), chronicle.message());
        if last.is_none() {
            let until = chronicle.events.len();
            let why = faults::before_delivery(chronicle, until)
                .map_or_else(String::new, |fault| format!("{}; ", fault.clause(chronicle)));
            return format!(
                "{why}handing {m} over acks it, and it never reaches {who}; {}",
                lost(chronicle)
            );
        }
        let already = already(chronicle, settle, holder, usize::MAX);
        return format!("{who} leaves before the effect of {m}, {already}; {}", lost(chronicle));
    };
    let earlier = faults::concerning(chronicle, holder, (received, crashed), false);
    let mut clauses = faults::clauses(chronicle, &earlier);
    clauses.push(crash(chronicle, settle, holder, crashed));
    format!("{}; {}", clauses.join(" and then "), lost(chronicle))
}

/// The library settled what it had fetched and not handed over.
fn settled_in_buffer(chronicle: &Chronicle<'_>, settle: &Settle) -> String {
    let (who, m) = (chronicle.name(settle.consumer), chronicle.message());
    let leaves = chronicle.first(settle.at, |kind| {
        matches!(*kind, Kind::Exited { process, failed: true, .. } if process == settle.consumer)
    });
    let why = leaves
        .and_then(|at| leaving::reason(chronicle, at))
        .map_or_else(String::new, |reason| format!("{reason}, and {who} leaves; "));
    let settled = all_the_same(settle.trigger);
    format!("{why}{m} is fetched and not handed over; {settled}; {}", lost(chronicle))
}

/// What settles a message that has no effect, unless it is the application.
fn all_the_same(trigger: SettleTrigger) -> &'static str {
    match trigger {
        SettleTrigger::Application => "it is settled all the same",
        SettleTrigger::Timer => "the auto-commit timer commits its offset all the same",
        SettleTrigger::Delivery => "handing it over acks it all the same",
        SettleTrigger::NextReceive => "asking for the next message settles it all the same",
        SettleTrigger::Close => "closing settles it all the same",
        SettleTrigger::Revoke => "giving up its partition settles it all the same",
    }
}

/// `mailer 1 crashes before the effect of m2, which it has already settled`.
fn crash(chronicle: &Chronicle<'_>, settle: &Settle, holder: ProcessId, crashed: usize) -> String {
    let (who, m) = (chronicle.name(holder), chronicle.message());
    let already = already(chronicle, settle, holder, crashed);
    let Some(fault) = Injected::behind_crash(chronicle, crashed) else {
        return format!("{who} crashes before the effect of {m}, {already}");
    };
    let clause = fault.clause(chronicle);
    if fault.message != Some(chronicle.id) {
        return format!("{clause} while it holds {m}, {already}");
    }
    if fault.site == Site::Crash(Moment::AfterSettle) {
        return format!("{clause} and before its effect");
    }
    format!("{clause}, {already}")
}

/// A relative clause that says what has settled the message, in view of a crash.
fn already(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    holder: ProcessId,
    crashed: usize,
) -> String {
    if settle.at > crashed {
        return match settle.trigger {
            SettleTrigger::Timer => {
                "while the auto-commit timer's commit of its offset is on its way".to_owned()
            }
            _ => "while its settle is on its way".to_owned(),
        };
    }
    let asked = chronicle.asked_to_settle(settle);
    let who = match settle.consumer == holder {
        true => "it".to_owned(),
        false => chronicle.name(settle.consumer),
    };
    match settle.trigger {
        SettleTrigger::Application if asked == Some(chronicle.id) || asked.is_none() => {
            format!("which {who} has already settled")
        }
        SettleTrigger::Application => {
            let other = asked.map_or_else(String::new, super::name);
            format!("which the {} of {other} already covers", chronicle.settle_noun(settle))
        }
        SettleTrigger::Timer => {
            "whose offset the auto-commit timer has already committed".to_owned()
        }
        SettleTrigger::Delivery => "which handing it over has already acked".to_owned(),
        SettleTrigger::NextReceive => {
            "which asking for the next message has already settled".to_owned()
        }
        SettleTrigger::Close => "which closing has already settled".to_owned(),
        SettleTrigger::Revoke => "which giving up its partition has already settled".to_owned(),
    }
}

/// The last attempt of the handler, if it failed and nothing came after it.
fn final_failure(chronicle: &Chronicle<'_>, holder: ProcessId, from: usize) -> Option<usize> {
    let last = chronicle.last(chronicle.events.len(), |kind| match *kind {
        Kind::ProcessingStarted { message, consumer, .. }
        | Kind::ProcessingEnded { message, consumer, .. } => {
            (message, consumer) == (chronicle.id, holder)
        }
        _ => false,
    })?;
    let failed = matches!(
        chronicle.events[last].kind,
        Kind::ProcessingEnded { result, .. } if result != ProcessingResult::Ok
    );
    (failed && last >= from).then_some(last)
}

/// The handler failed, and what settled the message all the same.
fn after_failure(chronicle: &Chronicle<'_>, settle: &Settle, failure: usize) -> String {
    let Kind::ProcessingEnded { result, consumer, .. } = chronicle.events[failure].kind else {
        return chronicle.message();
    };
    let (who, m) = (chronicle.name(consumer), chronicle.message());
    let failure_clause = match result {
        ProcessingResult::Unknown => {
            let faults = faults::concerning(chronicle, consumer, (0, failure), false);
            faults::clauses(chronicle, &faults).join(" and then ")
        }
        ProcessingResult::Poison => format!("the handler of {who} fails on {m}, which is poison"),
        _ => format!("the handler of {who} fails on {m}"),
    };
    if settle.at < failure && result == ProcessingResult::Unknown {
        return format!("{failure_clause} after {m} was settled");
    }
    if settle.at < failure {
        return format!("{failure_clause}, {}", already(chronicle, settle, consumer, usize::MAX));
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
            let other = asked.map_or_else(|| "a later message".to_owned(), super::name);
            let noun = chronicle.settle_noun(settle);
            format!("{who} goes on, and its {noun} of {other} covers {m}")
        }
        other => all_the_same(other).to_owned(),
    };
    format!("{failure_clause}; {settled}")
}
