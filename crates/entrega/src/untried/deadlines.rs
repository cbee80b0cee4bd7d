//! Messages that take until a deadline, alone or because they wait for each other.

use entrega_model::{Duration, Model};
use entrega_scenario::points::Act;

use super::numbers::{Numbers, shown};

/// The longest service time against lease and `max_poll_interval`.
pub(super) fn service(of: &Numbers<'_>) -> Option<String> {
    let (deadline, limit) = deadlines(of).find(|&(_, limit)| of.handling() >= limit)?;
    Some(format!("{} reaches {deadline} ({})", of.service_in_words(), shown(limit)))
}

/// What the client has fetched, one after another, against the lease; and how long it waits for
/// more before it settles. If it waits for longer than a lease, messages that are all there at once
/// are tried as they are, but not those that come while it waits. If it waits for as long, it does
/// so from the end of its work on, and the lease ends first.
pub(super) fn waiting(of: &Numbers<'_>) -> Option<String> {
    let lease = in_time(of, of.lease()?)?;
    let collecting = of.collecting().filter(|&(_, span)| span <= lease || of.sends_over_time());
    let waits = queued(of, 1) + collecting.map_or(Duration::ZERO, |(_, span)| span + of.handling());
    let until = collecting.map_or_else(String::new, |(name, span)| {
        format!(", and {name} ({}) before they are settled", shown(span))
    });
    (waits >= lease).then(|| {
        format!(
            "messages whose lease ends while they wait in the client: {}{until}, take up to {}, \
             and {} is {}",
            fetched(of),
            shown(waits),
            of.lease_name(),
            shown(lease)
        )
    })
}

/// What the client has fetched, one after another, against the grace of a process that is asked to
/// stop: an exploration kills it when all is calm, and not in the middle of its work.
pub(super) fn grace(of: &Numbers<'_>) -> Option<String> {
    let grace = of.plan.scenario.times.grace.duration();
    let work = of.handling().saturating_mul(of.turns());
    (of.can_happen(Act::is_shutdown) && work >= grace).then(|| {
        format!(
            "a process that is killed in the middle of its work: {}, take up to {}, and times.grace \
             is {}",
            fetched(of),
            shown(work),
            shown(grace)
        )
    })
}

/// A batch against `max_poll_interval`: nothing is polled while it is written.
pub(super) fn batch(of: &Numbers<'_>) -> Option<String> {
    let limit = in_time(of, of.poll_limit()?)?;
    let takes = of.handling().saturating_mul(of.batch());
    (takes >= limit).then(|| {
        format!(
            "a batch during which max_poll_interval ({}) ends: {} messages with {} each take up to \
             {}",
            shown(limit),
            of.batch(),
            of.service_in_words(),
            shown(takes)
        )
    })
}

/// Attempts in one delivery against lease and `max_poll_interval`.
pub(super) fn attempts(of: &Numbers<'_>) -> Option<String> {
    let attempts = of.attempts();
    let backoff = of.plan.scenario.consumer.retry_backoff.duration();
    let pauses = backoff.saturating_mul(attempts.saturating_sub(1));
    let takes = queued(of, attempts) + pauses;
    let fits = |limit: Duration| queued(of, 1) < limit && pauses < limit;
    let (deadline, limit) =
        deadlines(of).find(|&(_, limit)| attempts > 1 && fits(limit) && takes >= limit)?;
    let handlings = handlings(of, attempts);
    let together = match handlings > attempts {
        true => format!(", with the others of its fetch or batch: {handlings} handlings"),
        false => String::new(),
    };
    Some(format!(
        "attempts after which {deadline} ({}) has ended: {attempts} attempts with {} each and a \
         backoff of {} take up to {}{together}",
        shown(limit),
        of.service_in_words(),
        shown(backoff),
        shown(takes)
    ))
}

/// What the client has fetched, one after another, against `rebalance_timeout`: it hears of a
/// rebalance when it fetches again, and who hears of it too late is no member any more.
pub(super) fn rebalance(of: &Numbers<'_>) -> Option<String> {
    let limit = of.plan.scenario.log.rebalance_timeout.duration();
    let alone = of.handling();
    let takes = alone.saturating_mul(of.batch().max(of.turns()));
    let rebalances = of.settings.consumers > 1 || of.plan.faults > 0;
    (of.plan.model == Model::Log && rebalances && takes >= limit).then(|| {
        let what = if alone >= limit {
            format!("a handler: {} reaches", of.service_in_words())
        } else {
            format!(
                "what a client has fetched: {}, take up to {}, and reach",
                fetched(of),
                shown(takes)
            )
        };
        format!("a rebalance that does not wait for {what} rebalance_timeout ({})", shown(limit))
    })
}

/// The deadlines that a message must meet, by their names.
fn deadlines(of: &Numbers<'_>) -> impl Iterator<Item = (&'static str, Duration)> {
    let lease = of.lease().map(|limit| (of.lease_name(), limit));
    lease.into_iter().chain(of.poll_limit().map(|limit| ("max_poll_interval", limit)))
}

/// A deadline that no message reaches alone: else handlers that outlast it are tried.
fn in_time(of: &Numbers<'_>, limit: Duration) -> Option<Duration> {
    (of.handling() < limit).then_some(limit)
}

/// How long the last of those takes that are fetched together, or of a batch, if one of them is
/// tried so many times. On a log nothing runs out while a message waits.
fn queued(of: &Numbers<'_>, attempts: u64) -> Duration {
    of.handling().saturating_mul(handlings(of, attempts))
}

/// How many handlings that is, one after another.
fn handlings(of: &Numbers<'_>, attempts: u64) -> u64 {
    let together = match of.plan.model {
        Model::Log => of.batch(),
        Model::Queue => of.turns(),
    };
    together.saturating_add(attempts.saturating_sub(1).saturating_mul(of.batch()))
}

/// `10 messages (prefetch), 2 at a time, with a service time of up to 3s each`.
fn fetched(of: &Numbers<'_>) -> String {
    let (count, turns, service) = (of.prefetched(), of.turns_in_words(), of.service_in_words());
    format!("{count} messages (prefetch), {turns}, with {service} each")
}
