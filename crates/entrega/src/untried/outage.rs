//! Outages against everything that does not wait so long.
//!
//! What is tried of an outage ends when all has been done that can be done without waiting. One of
//! a scenario lasts for a span, so a message may be tried several times in it although something
//! pauses between two attempts, and a lease or a session may end. An outage to which the scenario
//! gives no place has no span either: it is a moment.

use entrega_model::{Duration, Model};
use entrega_scenario::points::{self, Act, FaultInfo};
use entrega_scenario::{ErrorPolicy, LimitCount, Span};

use super::numbers::{Numbers, shown};

/// An outage of a sink against the deadline of a delivery.
pub(super) fn of_sink(of: &Numbers<'_>) -> Option<String> {
    let span = longest(of, FaultInfo::is_sink_outage)?;
    let lease = of.lease().map(|limit| (of.lease_name(), limit));
    let limits = lease.into_iter().chain(of.poll_limit().map(|limit| ("max_poll_interval", limit)));
    let (name, limit) =
        limits.filter(|&(_, limit)| span > limit).min_by_key(|&(_, limit)| limit)?;
    Some(format!("an outage of the sink ({}) beyond {name} ({})", shown(span), shown(limit)))
}

/// An outage of a sink against the deliveries or attempts that a message has, if something pauses
/// between them: without a pause they are used up in what is tried, too.
pub(super) fn of_sink_and_limit(of: &Numbers<'_>) -> Option<String> {
    let span = longest(of, FaultInfo::is_sink_outage)?;
    let (times, what, pause) = deliveries(of).or_else(|| attempts(of))?;
    let lasts = pause.saturating_mul(times.saturating_sub(1));
    (!pause.is_zero() && lasts <= span).then(|| {
        format!(
            "a message that uses up its {times} {what} in an outage of the sink: with {} between two \
             of them they last {}, and the outage {}",
            shown(pause),
            shown(lasts),
            shown(span)
        )
    })
}

/// An outage of the broker against the end of leases and sessions.
pub(super) fn of_broker(of: &Numbers<'_>) -> Option<String> {
    let span = longest(of, FaultInfo::is_broker_outage)?;
    let session = of.plan.scenario.log.session_timeout.duration();
    let session = (of.plan.model == Model::Log).then_some(("session_timeout", session));
    let lease = of.lease().map(|limit| (of.lease_name(), limit));
    let (name, limit) = session.or(lease).filter(|&(_, limit)| span > limit)?;
    Some(format!("an outage of the broker ({}) beyond {name} ({})", shown(span), shown(limit)))
}

/// The longest outage of this kind that the scenario names, if one is tried.
fn longest(of: &Numbers<'_>, is_it: fn(&FaultInfo) -> bool) -> Option<Duration> {
    let scenario = of.plan.scenario;
    let is_tried = of.can_happen(Act::is_outage)
        && of.plan.kinds.iter().any(|&(kind, act)| is_it(points::info(kind)) && act.is_outage());
    let names = |point| is_it(points::describe(point).0);
    let is_named = scenario.named_faults().iter().any(|&(point, _)| names(point));
    if !is_tried || !is_named {
        return None;
    }
    let put = scenario.outages().filter(|&(point, ..)| names(point));
    let put = put.map(|(_, _, span)| span);
    let by_chance = scenario.odds().iter().any(|odds| names(odds.point));
    let chance = by_chance.then_some(scenario.times.outage);
    put.chain(chance).max_by_key(|span| span.nanos()).map(Span::duration)
}

/// How often a queue delivers a message that is given back, and what is between two deliveries.
fn deliveries(of: &Numbers<'_>) -> Option<(u64, &'static str, Duration)> {
    let scenario = of.plan.scenario;
    let limit = scenario.queue.delivery_limit.filter(|_| of.plan.model == Model::Queue)?;
    let delay = scenario
        .queue
        .redelivery_delay
        .as_ref()
        .map_or(Duration::ZERO, |delay| delay.after.duration());
    let backoff = scenario.consumer.retry_backoff.duration();
    let counts = |word| {
        let counted = &scenario.queue.limit_counts;
        counted.contains(&LimitCount::Delivery) || counted.contains(&word)
    };
    let is_counted = match scenario.consumer.on_error {
        ErrorPolicy::Requeue => counts(LimitCount::Nack),
        ErrorPolicy::Reject => counts(LimitCount::Reject),
        _ => false,
    };
    is_counted.then_some((limit.into(), "deliveries", delay + backoff))
}

/// How often a consumer tries a message before it gives it up.
fn attempts(of: &Numbers<'_>) -> Option<(u64, &'static str, Duration)> {
    let consumer = &of.plan.scenario.consumer;
    let counts = of.reads("max_attempts") || consumer.on_error.may_dead_letter();
    let most = u64::from(consumer.max_attempts);
    counts.then_some((most, "attempts", consumer.retry_backoff.duration()))
}
