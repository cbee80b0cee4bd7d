//! The rules of the tables `[log]` and `[queue]`.

use entrega_choice::Point;
use entrega_model::SubscriptionId;

use super::super::{
    AcquireMode, AtLimit, AutoOffsetReset, BrokerRestart, ConsumerSettings, DeadLetterStrategy,
    DelayKind, Forgotten, InFlightScope, LogSettings, Overflow, QueueSettings, RedeliveryDelay,
    Redrive, RedriveIds, RequeuePosition, Scenario, ScriptedFault, Span,
};
use super::{Checked, broken_with_help, distinct, not_zero, within};
use crate::points::{Act, Site, describe, table};

/// What the tables of the brokers may say.
pub(super) fn check(scenario: &Scenario) -> Checked {
    let (log, queue) = (&scenario.log, &scenario.queue);
    within("log.partitions", log.partitions)?;
    not_zero("log.session_timeout", log.session_timeout)?;
    not_zero("log.rebalance_timeout", log.rebalance_timeout)?;
    not_zero("log.retention_time", log.retention_time)?;
    within("log.segment_bytes", log.segment_bytes)?;
    not_zero("log.segment_time", log.segment_time)?;
    not_zero("log.producer_id_expiration", log.producer_id_expiration)?;
    not_zero("log.offsets_retention", log.offsets_retention)?;
    distinct("log.commit_checks", &log.commit_checks)?;
    reset(log)?;
    partitions_added(log)?;
    queue_rules(queue, &scenario.consumer)?;
    transfers(scenario)
}

fn queue_rules(queue: &QueueSettings, consumer: &ConsumerSettings) -> Checked {
    if let Some(window) = queue.dedup_window {
        not_zero("queue.dedup_window", window)?;
    }
    within("queue.dedup_entries", queue.dedup_entries.unwrap_or(1))?;
    not_zero("queue.visibility_timeout", queue.visibility_timeout)?;
    not_zero("queue.consumer_timeout", queue.consumer_timeout.unwrap_or(Span::MAX))?;
    within("queue.delivery_limit", queue.delivery_limit.unwrap_or(1))?;
    within("queue.max_length", queue.max_length.unwrap_or(1))?;
    if queue.consumer_timeout.is_some() && queue.visibility_timeout != Span::MAX {
        return broken_with_help(
            "queue.consumer_timeout",
            "a queue has a lease or a consumer timeout, not both",
            "write visibility_timeout = \"never\" beside it",
        );
    }
    if queue.consumer_timeout.is_some() && consumer.lease_renewal.is_some() {
        return broken_with_help(
            "consumer.lease_renewal",
            "no consumer can prolong a consumer timeout",
            "leave one of the two out",
        );
    }
    if queue.limit_counts.is_empty() && queue.delivery_limit.is_some() {
        return broken_with_help(
            "queue.limit_counts",
            "nothing counts towards the delivery limit",
            "list at least one of delivery, nack, reject, expiry, disconnect",
        );
    }
    if queue.dead_letter && queue.at_limit.is_some_and(|what| what != AtLimit::DeadLetter) {
        return broken_with_help(
            "queue.at_limit",
            "what the queue gives up goes to the dead letters, by dead_letter = true",
            "leave one of them out",
        );
    }
    queue.broker_restart.as_ref().map_or(Ok(()), restart)?;
    queue.redelivery_delay.as_ref().map_or(Ok(()), delay)?;
    queue.redrive.as_ref().map_or(Ok(()), |of| redrive(of, queue))?;
    features(queue)?;
    claims(queue, consumer)
}

/// What keeps a queue's messages or their order, against what would break it.
fn features(queue: &QueueSettings) -> Checked {
    within("queue.max_in_flight", queue.max_in_flight.unwrap_or(1))?;
    not_zero("queue.message_ttl", queue.message_ttl)?;
    not_zero("queue.retention_time", queue.retention_time)?;
    let is_of_a_window = queue.max_in_flight_scope == InFlightScope::Partition;
    if queue.acquire_mode == AcquireMode::BatchOptimized && !is_of_a_window {
        return broken_with_help(
            "queue.acquire_mode",
            "`batch-optimized` is about the cap of a partition",
            "write max_in_flight_scope = \"partition\" beside it, or leave it out",
        );
    }
    let breaks = [
        ("requeue_position = \"same\"", queue.requeue_position != RequeuePosition::Same),
        ("no max_length", queue.max_length.is_some()),
        ("message_ttl = \"never\"", queue.message_ttl != Span::MAX),
        ("no cap of a partition", is_of_a_window && queue.max_in_flight.is_some()),
    ];
    match breaks.iter().find(|(_, is_broken)| queue.group_lock && *is_broken) {
        Some((needed, _)) => broken_with_help(
            "queue.group_lock",
            format!("a queue that locks the keys of its messages has {needed}"),
            "the order of a key would not be what it promises; change one of them",
        ),
        None => Ok(()),
    }
}

/// A claim takes the place of a lease.
fn claims(queue: &QueueSettings, consumer: &ConsumerSettings) -> Checked {
    not_zero("consumer.claim_min_idle", consumer.claim_min_idle)?;
    if consumer.claim_min_idle == Span::MAX || queue.lease() == Span::MAX {
        return Ok(());
    }
    let help = match queue.consumer_timeout {
        Some(_) => "leave queue.consumer_timeout out, or claim_min_idle",
        None => "write visibility_timeout = \"never\" under [queue], or leave claim_min_idle out",
    };
    let why = "this queue brings back by itself what its consumers do not settle; nothing is left \
               to claim";
    broken_with_help("consumer.claim_min_idle", why, help)
}

fn restart(restart: &BrokerRestart) -> Checked {
    not_zero("queue.broker_restart.of_the_last", restart.of_the_last)?;
    distinct("queue.broker_restart.forgets", &restart.forgets)?;
    if restart.forgets.is_empty() {
        return broken_with_help(
            "queue.broker_restart.forgets",
            "the restart forgets nothing",
            "list at least one of messages, settles, counts; or remove `broker_restart`",
        );
    }
    Ok(())
}

fn delay(delay: &RedeliveryDelay) -> Checked {
    not_zero("queue.redelivery_delay.after", delay.after)?;
    if delay.most.is_none() && delay.kind == DelayKind::Linear {
        return broken_with_help(
            "queue.redelivery_delay.kind",
            "a delay that grows with each delivery has no longest one",
            "write most = \"10min\" beside it",
        );
    }
    if delay.most.is_some_and(|most| most < delay.after) {
        return broken_with_help(
            "queue.redelivery_delay.most",
            "the longest delay is shorter than the first one",
            "write a `most` of `after` or more",
        );
    }
    if delay.on.is_empty() {
        return broken_with_help(
            "queue.redelivery_delay.on",
            "the delay follows no end of a delivery",
            "list at least one of nack, reject, expiry, disconnect",
        );
    }
    Ok(())
}

/// What is kept until it is confirmed has a target and a place, and only that is sent again.
fn transfers(scenario: &Scenario) -> Checked {
    let queue = &scenario.queue;
    let is_kept = queue.dead_letter_strategy == DeadLetterStrategy::AtLeastOnce;
    if is_kept && !queue.has_dead_letters() {
        return broken_with_help(
            "queue.dead_letter_strategy",
            "this queue dead-letters nothing",
            "write dead_letter = true beside it, or remove `dead_letter_strategy`",
        );
    }
    let drops = matches!(queue.overflow, Overflow::DropHead | Overflow::DiscardOld);
    if is_kept && drops && queue.max_length.is_some() {
        return broken_with_help(
            "queue.dead_letter_strategy",
            "a queue that drops what it has no room for cannot keep what is not confirmed",
            "write overflow = \"reject-publish\", or leave max_length out",
        );
    }
    let mut named = scenario.named_faults().into_iter();
    let is_of_transfers = |(point, _): &(Point, u32)| describe(*point).0.site == Site::Transfer;
    let doubles = |(point, choice): &(Point, u32)| {
        let act = describe(*point).0.alternative(*choice).map(|one| one.act);
        act == Some(Act::Duplicated)
    };
    if !queue.has_dead_letters() {
        let Some((point, choice)) = named.find(is_of_transfers) else { return Ok(()) };
        return broken_with_help(
            place_of(scenario, point, choice),
            "no queue transfers a dead letter here, for none dead-letters anything",
            "write queue.dead_letter = true, or remove the fault",
        );
    }
    let doubled = named.find(|one| !is_kept && is_of_transfers(one) && doubles(one));
    let Some((point, choice)) = doubled else { return Ok(()) };
    broken_with_help(
        place_of(scenario, point, choice),
        "a dead letter that is transferred at most once is not sent twice",
        "write queue.dead_letter_strategy = \"at-least-once\"",
    )
}

/// Where a scenario names a fault of a subscription.
fn place_of(scenario: &Scenario, point: Point, choice: u32) -> String {
    let table = table(&scenario.subscription_names());
    let name = &table[usize::from(point.0)].name;
    let (info, subscription) = describe(point);
    let alternative = info.alternative_name(choice);
    let is_it =
        |one: &ScriptedFault| one.point == *name && Some(one.alternative.as_str()) == alternative;
    if let Some(at) = scenario.script.iter().position(is_it) {
        return format!("script.{at}.alternative");
    }
    let index = subscription.map_or(0, SubscriptionId::index);
    let own = scenario.subscriptions.get(index).and_then(|one| one.faults.as_ref());
    if own.is_some_and(|own| own.point(info.fault).is_some()) {
        return format!("subscriptions.{index}.faults.{}", info.name);
    }
    format!("faults.{}", info.name)
}

/// What is moved back was dead-lettered, no window takes it for a duplicate, and no restart puts it
/// back as if it were another.
fn redrive(redrive: &Redrive, queue: &QueueSettings) -> Checked {
    not_zero("queue.redrive.after", redrive.after)?;
    within("queue.redrive.times", redrive.times)?;
    if !queue.has_dead_letters() {
        return broken_with_help(
            "queue.redrive",
            "this queue dead-letters nothing that could be moved back",
            "write dead_letter = true beside it, or redrive = \"none\"",
        );
    }
    if queue.restart_forgets(Forgotten::Settles) {
        return broken_with_help(
            "queue.redrive",
            "a restart that forgets settles puts back what was moved back, and not how often it was",
            "write redrive = \"none\", or let broker_restart.forgets list only messages and counts",
        );
    }
    let window = queue.dedup_window.filter(|window| *window > redrive.after);
    match window.filter(|_| redrive.ids == RedriveIds::Same) {
        Some(window) => broken_with_help(
            "queue.redrive.after",
            format!(
                "under the same id a message is taken for a duplicate by the dedup window of \
                 {window}, and dropped"
            ),
            format!("write after = \"{window}\" or more, or ids = \"new\""),
        ),
        None => Ok(()),
    }
}

fn partitions_added(log: &LogSettings) -> Checked {
    let Some(added) = log.partitions_added else { return Ok(()) };
    not_zero("log.partitions_added.at", added.at)?;
    within("log.partitions_added.to", added.to)?;
    if added.to <= log.partitions {
        let message = format!("`to` is {}; a topic of {} only grows", added.to, log.partitions);
        let help = format!("write {} or more", log.partitions.saturating_add(1));
        return broken_with_help("log.partitions_added.to", message, help);
    }
    Ok(())
}

fn reset(log: &LogSettings) -> Checked {
    match log.auto_offset_reset_duration {
        Some(span) => not_zero("log.auto_offset_reset_duration", span),
        None if log.auto_offset_reset == AutoOffsetReset::ByDuration => broken_with_help(
            "log.auto_offset_reset",
            "`by-duration` does not say how far back",
            "add `auto_offset_reset_duration = \"1h\"`",
        ),
        None => Ok(()),
    }
}
