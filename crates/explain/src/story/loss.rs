//! How a message was lost.

use entrega_model::event::{ProcessingResult, RemoveReason, SettleTrigger};
use entrega_model::{Kind, ProcessId};
use entrega_scenario::points::{Call, Site};

use super::chronicle::{Chronicle, Delivered};
use super::course::Course;
use super::death::Death;
use super::expiry;
use super::faults;
use super::leaving;
use super::limit;
use super::settles::{all_the_same, already};
use crate::possessions::{Ending, Settle};
use crate::run::{first, last};
use crate::words;

/// What is always true of a lost message that was settled.
pub(super) fn lost(chronicle: &Chronicle<'_>) -> String {
    format!("{} is never delivered again and is lost", chronicle.message())
}

pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    if chronicle.stored().is_empty() {
        return never_stored(chronicle);
    }
    let skipped = skip(chronicle);
    let removed = removal(chronicle);
    if let Some(reset) = skipped.filter(|at| removed.is_none_or(|removed| *at < removed)) {
        let again = if chronicle.deliveries().is_empty() { "" } else { " again" };
        let skipped = skipped_by(chronicle, reset);
        return skipped.part(format!("{m} is never delivered{again} and is lost"));
    }
    if let Some(at) = removed.filter(|at| is_lost_by_the_broker(chronicle.kind(*at))) {
        let clause = chronicle.words(at).clause().to_owned();
        let told = failures(chronicle, at).then(clause);
        return told.part(format!("{m} is lost"));
    }
    if let Some(at) = removed {
        let clause = chronicle.words(at).clause().to_owned();
        let told = limit::killed(chronicle).unwrap_or_else(|| {
            let mut own = chronicle.run.faults.clone();
            own.retain(|one| one.message == Some(chronicle.id));
            faults::clauses(chronicle, &own).at_most_many()
        });
        let told = told.then_of(limit::innocence(chronicle, at)).then(clause);
        return told.part(format!("{m} is lost"));
    }
    if let Some(settle) = chronicle.settle() {
        return settled_without_effect(chronicle, &settle);
    }
    if chronicle.partition().is_some() {
        return never_committed(chronicle);
    }
    Course::of(format!("{m} has no effect, and nothing can bring it back")).part("it is lost")
}

fn never_stored(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let faults = faults::while_sending(chronicle, chronicle.end());
    let what = faults::clauses(chronicle, &faults);
    let what = if !what.is_empty() {
        what
    } else if let Some(restart) = chronicle.restart(0) {
        let restarts = chronicle.words(restart).prose;
        let away = Course::of_fault(restart, format!("{restarts} and is away"));
        away.part(format!("{m} never reaches it"))
    } else if is_thrown_away(chronicle) {
        Course::of(format!("the producer ends with {m} in its buffer, and does not flush it"))
    } else {
        Course::of(format!("{m} never reaches the broker"))
    };
    let taken = what.part(format!("the producer takes {m} for sent all the same"));
    taken.part(format!("{m} is stored nowhere and is lost"))
}

/// Whether the producer ended with the message in its buffer: it throws that away, and nothing that
/// it sent since has met with a fault.
fn is_thrown_away(chronicle: &Chronicle<'_>) -> bool {
    let invoked = |at| matches!(chronicle.kind(at), Kind::SendInvoked { .. });
    let sent = first(chronicle.run.of_message(chronicle.id), 0, invoked).unwrap_or(0);
    let since = chronicle.run.faults_between(sent, chronicle.end());
    chronicle.run.cast.throws_buffer_away() && !since.iter().any(|one| one.befalls(Call::Send))
}

/// Where the message was removed before it was settled, and not stored again if it was the broker
/// that lost it.
fn removal(chronicle: &Chronicle<'_>) -> Option<usize> {
    let of_it = chronicle.run.of_message(chronicle.id);
    let is_stored = |at| matches!(chronicle.kind(at), Kind::Stored { .. });
    let last_stored = last(of_it, usize::MAX, is_stored).unwrap_or(0);
    first(of_it, 0, |at| {
        matches!(*chronicle.kind(at), Kind::Removed { subscription, reason, .. }
            if subscription.is_none_or(|one| one == chronicle.subscription)
                && reason != RemoveReason::Settled)
            && (at > last_stored || !is_lost_by_the_broker(chronicle.kind(at)))
    })
}

/// Whether the broker lost what it had stored.
fn is_lost_by_the_broker(kind: &Kind) -> bool {
    let reason = if let Kind::Removed { reason, .. } = kind { Some(reason) } else { None };
    matches!(reason, Some(RemoveReason::Truncation | RemoveReason::BrokerLoss))
}

/// What befell the broker and its replicas until it lost something.
pub(super) fn failures(chronicle: &Chronicle<'_>, until: usize) -> Course {
    let mut failures = chronicle.run.faults_between(0, until).to_vec();
    failures.retain(|one| matches!(one.point.site, Site::Broker | Site::Leader | Site::Followers));
    let many = failures.len().saturating_sub(faults::MANY);
    faults::clauses(chronicle, &failures[many..])
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
fn skipped_by(chronicle: &Chronicle<'_>, reset: usize) -> Course {
    let Kind::OffsetReset { consumer, from, .. } = *chronicle.kind(reset) else {
        return Course::of(chronicle.message());
    };
    let (who, m) = (chronicle.name(consumer), chronicle.message());
    let mut earlier = chronicle.run.faults_between(0, reset).to_vec();
    earlier.retain(|one| {
        let of = chronicle.subscription_of(one.process);
        of == Some(chronicle.subscription) && !one.is_overtaking()
    });
    let told = faults::clauses_until(chronicle, &earlier, reset).unless_many();
    let why = match from {
        None if expiry::had_committed(chronicle, reset) => expiry::clause(chronicle, reset),
        None if is_new(chronicle) => format!(
            "the partition of {m} was added before the metadata refresh of {who} (metadata_refresh), \
             which finds no committed offset there"
        ),
        None => format!("{who} has no committed offset"),
        Some(_) => format!("the log does not have the offset of {who} any more"),
    };
    told.then(why).and(format!("its reset (auto_offset_reset) skips {m}"))
}

/// Whether the message went to a partition that was added while the group ran.
fn is_new(chronicle: &Chronicle<'_>) -> bool {
    chronicle.partition().is_some_and(|partition| chronicle.run.cast.is_added(partition))
}

/// No event ended it, but the audit, which begins where the next consumer would, does not find it.
fn never_committed(chronicle: &Chronicle<'_>) -> Course {
    let (m, of) = (chronicle.message(), chronicle.subscription_name());
    let left = match chronicle.deliveries().last() {
        Some(last) => {
            let who = chronicle.name(last.consumer);
            let led = led_to(chronicle, last.consumer, chronicle.end());
            led.part(format!("{who} goes on without an effect of {m} and without committing it"))
        }
        None => Course::of(format!("{m} is handed over to nobody")),
    };
    let reset =
        format!("the next consumer of {of} has no committed offset, and its reset skips it");
    left.part(reset).part(lost(chronicle))
}

/// The broker recorded that the message is done, and it never was.
fn settled_without_effect(chronicle: &Chronicle<'_>, settle: &Settle) -> Course {
    match chronicle.deliveries().last() {
        Some(last) => settled_after_delivery(chronicle, settle, last),
        None => settled_without_delivery(chronicle, settle),
    }
}

fn settled_without_delivery(chronicle: &Chronicle<'_>, settle: &Settle) -> Course {
    let (holder, at) = (settle.process, settle.place.event);
    let (who, m) = (chronicle.name(holder), chronicle.message());
    let why = |until: usize| {
        let fault = faults::before_delivery(chronicle, until);
        faults::clauses(chronicle, fault.as_slice())
    };
    if settle.trigger != SettleTrigger::Delivery {
        if chronicle.asked_to_settle(settle) == Some(chronicle.id) {
            return settled_in_buffer(chronicle, settle);
        }
        let never = format!("{m} never reaches {who}, whose settle of a later message covers it");
        return why(at).part(never).part(lost(chronicle));
    }
    if let Some(failure) = final_failure(chronicle, holder, 0) {
        return after_failure(chronicle, settle, failure).part(lost(chronicle));
    }
    match chronicle.crash_of(holder, at) {
        Some(crashed) => crashed_after(chronicle, settle, holder, at, crashed),
        None => {
            let left = left_because(chronicle, settle);
            let left = left.unwrap_or_else(|| why(chronicle.end()));
            let acked = left.part(format!("handing {m} over acks it"));
            acked.and(format!("it never reaches {who}")).part(lost(chronicle))
        }
    }
}

fn settled_after_delivery(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    last: &Delivered<'_>,
) -> Course {
    let holder = last.consumer;
    if let Some(failure) = final_failure(chronicle, holder, last.at) {
        return after_failure(chronicle, settle, failure).part(lost(chronicle));
    }
    if let Some(crashed) = chronicle.crash_of(holder, last.at) {
        return crashed_after(chronicle, settle, holder, last.at, crashed);
    }
    let (who, m) = (chronicle.name(holder), chronicle.message());
    let already = already(chronicle, settle, holder, usize::MAX);
    let led = led_to(chronicle, holder, settle.place.event);
    let parted = last.possession.ends.iter().find_map(|end| match end.how {
        Ending::Revoked => Some(Course::of(format!("{who} gives up the partition of {m}"))),
        Ending::PartitionLost | Ending::NotRejoined => {
            Some(Course::of(format!("{who} loses the partition of {m}")))
        }
        Ending::SessionExpired | Ending::MaxPollExceeded | Ending::LeaseExpired => {
            Some(Course::of(chronicle.words(end.place.event).clause()))
        }
        Ending::Exited => {
            let reason = leaving::reason(chronicle, end.place.event)?;
            Some(reason.and(format!("{who} leaves")))
        }
        Ending::Settled
        | Ending::GivenBack
        | Ending::Requeued
        | Ending::SoughtBack
        | Ending::Crashed
        | Ending::BrokerRestarted => None,
    });
    let how = match parted {
        Some(parted) => parted.ended(&format!(" before the effect of {m}, {already}")),
        None => Course::of(format!("{who} goes on without the effect of {m}, {already}")),
    };
    led.part_of(how).part(lost(chronicle))
}

/// What led a process to a settle before the effect, to stand before it.
fn led_to(chronicle: &Chronicle<'_>, process: ProcessId, settled: usize) -> Course {
    faults::clauses(chronicle, &faults::before_settle(chronicle, process, settled))
}

/// The holder received the message at `received` and crashed before its effect.
fn crashed_after(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    holder: ProcessId,
    received: usize,
    crashed: usize,
) -> Course {
    let death = Death::at(chronicle, crashed);
    let before = death.before(chronicle, holder, (received, crashed));
    let end = unsettled_by(chronicle, settle, holder, (crashed, &death));
    before.then_of(death.course(&end)).part(lost(chronicle))
}

/// The library settled what it had fetched and not delivered.
fn settled_in_buffer(chronicle: &Chronicle<'_>, settle: &Settle) -> Course {
    let why = left_because(chronicle, settle).unwrap_or_default();
    let (who, m) = (chronicle.name(settle.process), chronicle.message());
    let settled = match settle.trigger {
        SettleTrigger::Application => format!("{who} settles it all the same"),
        other => all_the_same(other).to_owned(),
    };
    let parted = if why.is_empty() { parting(chronicle, settle) } else { None };
    let held = why.part(format!("{m} is fetched and not handed over")).part(settled);
    held.part_of(parted.unwrap_or_default()).part(lost(chronicle))
}

/// How the process that has settled what it had only fetched lost it before it was handed over.
fn parting(chronicle: &Chronicle<'_>, settle: &Settle) -> Option<Course> {
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
    Some(faults::brief_clauses(chronicle, &behind).then(what))
}

/// Why the process left that has settled, to stand before what came of it: `mailer 1 is asked to
/// stop, and mailer 1 leaves`. None if it did not, or only at the end of the run.
fn left_because(chronicle: &Chronicle<'_>, settle: &Settle) -> Option<Course> {
    let leaves = first(
        chronicle.run.turns(),
        settle.place.event,
        |at| matches!(*chronicle.kind(at), Kind::Exited { process, .. } if process == settle.process),
    )?;
    let reason = leaving::reason(chronicle, leaves)?;
    Some(reason.and(format!("{} leaves", chronicle.name(settle.process))))
}

/// What a death left undone, behind its clause: `mailer 1 crashes before the effect of m2`, and
/// then `, which it has already settled`.
fn unsettled_by(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    holder: ProcessId,
    (crashed, death): (usize, &Death),
) -> String {
    let m = chronicle.message();
    let already = already(chronicle, settle, holder, crashed);
    let Some(fault) = death.fault.filter(|_| death.has_moment()) else {
        return format!(" before the effect of {m}, {already}");
    };
    if fault.message != Some(chronicle.id) {
        return format!(" while it holds {m}, {already}");
    }
    if fault.is_crash_after_settling() {
        return " and before its effect".to_owned();
    }
    if fault.is_by_time() {
        return format!(" before the effect of {m}, {already}");
    }
    format!(", {already}")
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
fn after_failure(chronicle: &Chronicle<'_>, settle: &Settle, failure: usize) -> Course {
    let Kind::ProcessingEnded { result, consumer, .. } = *chronicle.kind(failure) else {
        return Course::of(chronicle.message());
    };
    let (who, m) = (chronicle.name(consumer), chronicle.message());
    let unanswered = result == ProcessingResult::Unknown;
    let lost_worker = result == ProcessingResult::WorkerLost;
    let of_faults =
        || faults::clauses(chronicle, &faults::concerning(chronicle, consumer, 0, failure));
    let failed = if unanswered || lost_worker { of_faults() } else { Course::default() };
    let failed = if failed.is_empty() && !unanswered {
        Course::of(chronicle.words(failure).clause())
    } else {
        failed
    };
    let settled_before = settle.place.event < failure;
    if settled_before && unanswered {
        return failed.ended(&format!(" after {m} was settled"));
    }
    if settled_before {
        let and = if result == ProcessingResult::Poison { " and" } else { "," };
        let already = already(chronicle, settle, consumer, usize::MAX);
        return failed.ended(&format!("{and} {already}"));
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
        SettleTrigger::WorkerLost => format!("{who} lives on and settles {m} for its worker"),
        other => all_the_same(other).to_owned(),
    };
    failed.part(settled)
}
