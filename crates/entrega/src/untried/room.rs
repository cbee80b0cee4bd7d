//! What a broker keeps, and for how long, against what is sent.

use entrega_explain::digits::thousands;
use entrega_model::Model;
use entrega_scenario::points::Act;
use entrega_scenario::{Forgotten, Scenario, Span, StoredForNobody};

use super::numbers::{Numbers, shown};

/// Messages against `max_length`: slow consumers let a queue grow.
pub(super) fn length(of: &Numbers<'_>) -> Option<String> {
    let most = u64::from(of.plan.scenario.queue.max_length?);
    let sent = of.plan.extent.messages;
    (of.plan.model == Model::Queue && sent > most).then(|| {
        format!(
            "a backlog that fills the queue: {} messages are sent, and max_length is {}",
            thousands(sent),
            thousands(most)
        )
    })
}

/// How long it takes to send everything and to work it off, against `retention_time` and
/// `message_ttl`.
pub(super) fn retention_time(of: &Numbers<'_>) -> Option<String> {
    let Scenario { log, queue, .. } = of.plan.scenario;
    let (name, kept) = match of.plan.model {
        Model::Log => ("retention_time", log.retention_time),
        Model::Queue if queue.message_ttl < queue.retention_time => {
            ("message_ttl", queue.message_ttl)
        }
        Model::Queue => ("retention_time", queue.retention_time),
    };
    let kept = kept.duration();
    let takes = of.plan.extent.span + of.handling().saturating_mul(of.plan.extent.messages);
    let what = if of.plan.model == Model::Log { "records" } else { "messages" };
    (takes >= kept).then(|| {
        format!(
            "{what} that are deleted before they are read: to send all and to work it off takes \
             up to {}, and {name} is {}",
            shown(takes),
            shown(kept)
        )
    })
}

/// Messages against `max_in_flight`: in the small version fewer are in flight than the cap allows,
/// unless all of them fit below it anyway.
pub(super) fn in_flight(of: &Numbers<'_>) -> Option<String> {
    let most = u64::from(of.plan.scenario.queue.max_in_flight?);
    let (sent, tried) = (of.plan.extent.messages, u64::from(of.plan.scope.messages));
    (of.plan.model == Model::Queue && sent > most && tried <= most).then(|| {
        format!(
            "so much in flight that the cap stops it: {} messages are sent, and max_in_flight is \
             {}",
            thousands(sent),
            thousands(most)
        )
    })
}

/// How much is sent against `retention_bytes`.
pub(super) fn retention_bytes(of: &Numbers<'_>) -> Option<String> {
    let kept = of.plan.scenario.log.retention_bytes?;
    let made_up = u64::from(of.plan.scenario.workload.most_bytes());
    let each = made_up.max(of.plan.extent.most_recorded_bytes);
    let sent = of.plan.extent.messages.saturating_mul(each);
    (of.plan.model == Model::Log && sent >= kept).then(|| {
        format!(
            "a partition that grows until records are deleted: up to {} bytes are sent, and \
             retention_bytes is {}",
            thousands(sent),
            thousands(kept)
        )
    })
}

/// How long it takes to send everything and to work it off, against the span of what a power loss
/// takes: in the small version nothing is old enough to have been flushed.
pub(super) fn flushed(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let forgets = scenario.queue.broker_restart.as_ref().filter(|_| {
        scenario.queue.restart_forgets(Forgotten::Messages)
            || scenario.queue.restart_forgets(Forgotten::Settles)
    });
    let (setting, span, can_happen) = match of.plan.model {
        Model::Queue => {
            let restarts = of.can_happen(|act| act == Act::Restart);
            ("queue.broker_restart.of_the_last", forgets?.of_the_last, restarts)
        }
        Model::Log => {
            let is_loss = |act| matches!(act, Act::LeaderPoweroff | Act::Blackout);
            ("log.flush_interval", scenario.log.flush_interval, of.can_happen(is_loss))
        }
    };
    let takes = of.plan.extent.span + of.handling().saturating_mul(of.plan.extent.messages);
    let is_tried = span == Span::default() || takes < span.duration();
    (can_happen && !is_tried).then(|| {
        format!(
            "a power loss that leaves what is old and takes what is young: to send all and to work \
             it off takes up to {}, and {setting} is {}",
            shown(takes),
            shown(span.duration())
        )
    })
}

/// Whether a message may be sent before any consumer has asked, where it is gone then.
pub(super) fn for_nobody(of: &Numbers<'_>) -> Option<String> {
    let is_dropped = of.plan.scenario.queue.stored_for_nobody == StoredForNobody::Dropped;
    (of.plan.model == Model::Queue && is_dropped && of.plan.preemptions == 0).then(|| {
        "messages that are sent before the first consumer has asked, which this queue drops \
         (stored_for_nobody)"
            .to_owned()
    })
}
