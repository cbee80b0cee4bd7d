//! The words for what a broker does with messages, leases and partitions, in English.

use entrega_model::Kind;
use entrega_model::event::{AbortReason, NO_POSITION, RemoveReason};
use entrega_scenario::OnConsumerTimeout;

use crate::words::{Scene, Words, name};

pub(super) fn storage(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::Stored { message, subscription, partition, position, copy } => {
            let m = name(message);
            let place = match subscription {
                None => format!("at {partition}/{position}"),
                Some(_) => format!("for {}", scene.whose(subscription)),
            };
            let copy = if copy > 1 { format!(", copy {copy}") } else { String::new() };
            Words::new(format!("{m} is stored"), format!("{m} stored {place}{copy}"))
        }
        Kind::Removed { message, subscription, reason } => {
            let m = name(message);
            let of = subscription
                .map_or_else(String::new, |_| format!(" for {}", scene.whose(subscription)));
            let short = format!("! {m} removed{of}: {}", why(reason));
            let whose = scene.whose(subscription);
            let prose = if subscription.is_some() && reason == RemoveReason::Unroutable {
                format!("no consumer of {whose} has asked yet, and {m} is stored for nobody")
            } else {
                removal(&m, whose, reason)
            };
            Words::new(prose, short)
        }
        Kind::Kept { message, subscription } => {
            let (m, of) = (name(message), scene.whose(Some(subscription)));
            Words::new(
                format!("the queue of {of} keeps {m} and delivers it no more"),
                format!("! {m} delivered too often, kept"),
            )
        }
        Kind::SettleForgotten { message, subscription } => {
            let (m, of) = (name(message), scene.whose(Some(subscription)));
            Words::new(
                format!("the queue of {of} has forgotten that {m} was settled"),
                format!("! {m} there again, its settle forgotten"),
            )
        }
        Kind::Retried { message, consumer, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let prose = format!("{who} publishes a copy of {m} to be tried later");
            Words::new(prose, format!("→ {who}: copy of {m} for later"))
        }
        Kind::Redriven { message, subscription, .. } => {
            let (m, of) = (name(message), scene.whose(Some(subscription)));
            Words::new(
                format!("{m} is moved from the dead letters back to the queue of {of}"),
                format!("{m} back from the dead letters"),
            )
        }
        Kind::Retrievable { message, subscription } => {
            let (m, of) = (name(message), scene.whose(Some(subscription)));
            Words::new(format!("{m} is still at the broker"), format!("{m} still there for {of}"))
        }
        _ => Words::default(),
    }
}

/// The end of a transaction that was not to be.
pub(super) fn aborted(scene: &Scene<'_>) -> Words {
    let Kind::Aborted { message, consumer, seen, reason, .. } = scene.kind else {
        return Words::default();
    };
    let (m, of) = (name(message), scene.who(consumer));
    let why = match reason {
        AbortReason::Asked => "aborts the transaction with the effect of",
        AbortReason::Fenced => "begins anew, which aborts its open transaction with the effect of",
        AbortReason::Expired => "has its transaction open for too long; it is aborted, with",
    };
    let seen = if seen { ", which readers downstream have seen" } else { "" };
    Words::new(format!("{of} {why} {m}{seen}"), format!("! {m} aborted{seen}"))
}

/// Why a message is removed, in a word or two.
fn why(reason: RemoveReason) -> &'static str {
    match reason {
        RemoveReason::Settled => "settled",
        RemoveReason::Ttl => "time to live",
        RemoveReason::Overflow => "overflow",
        RemoveReason::Retention => "retention",
        RemoveReason::Compaction => "compaction",
        RemoveReason::DeliveryLimit => "delivery limit",
        RemoveReason::Truncation => "truncation",
        RemoveReason::Purge => "purge",
        RemoveReason::BrokerLoss => "broker loss",
        RemoveReason::Unroutable => "unroutable",
        RemoveReason::DeadLettering => "not among the dead letters",
    }
}

/// Why a message is removed before its effect.
fn removal(m: &str, of: &str, reason: RemoveReason) -> String {
    match reason {
        RemoveReason::Settled => format!("{m} is settled and forgotten"),
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
        RemoveReason::DeadLettering => {
            format!("the queue of {of} gives {m} up, and it does not reach the dead letters")
        }
    }
}

pub(super) fn lease(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::LeaseExpired { message, consumer, .. } if scene.cast.claims() => {
            let (who, m) = (scene.who(consumer), name(message));
            Words::new(format!("{m} is claimed from {who}"), format!("! {m} claimed from {who}"))
        }
        Kind::LeaseExpired { message, consumer, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            match scene.cast.at_consumer_timeout() {
                Some(then) => timed_out(&who, &m, then),
                None => Words::new(
                    format!("the lease of {m} ends"),
                    format!("! lease of {who} on {m} expires"),
                )
                .in_a_story(format!("the lease of {who} expires")),
            }
        }
        Kind::Requeued { message, consumer, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            Words::new(format!("{m} goes back to its queue"), format!("↻ {m} back from {who}"))
        }
        _ => Words::default(),
    }
}

/// A consumer has kept a message for longer than the consumer timeout.
fn timed_out(who: &str, m: &str, then: OnConsumerTimeout) -> Words {
    let so = match then {
        OnConsumerTimeout::CloseChannel => format!(", and the queue closes the channel of {who}"),
        OnConsumerTimeout::CancelConsumer => format!(", and the queue cancels {who}"),
        OnConsumerTimeout::ReturnMessage => format!(", and the queue takes {m} back"),
    };
    Words::new(
        format!("the consumer timeout for {m} is over{so}"),
        format!("! consumer timeout of {who} on {m}"),
    )
    .in_a_story(format!("the consumer timeout of {who} is over{so}"))
}

pub(super) fn partitions(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::SessionExpired { consumer, .. } => {
            let who = scene.who(consumer);
            Words::new(format!("the session of {who} ends"), format!("! session of {who} expires"))
                .in_a_story(format!("the session of {who} expires"))
        }
        Kind::MaxPollExceeded { consumer, .. } => {
            let who = scene.who(consumer);
            Words::new(
                format!("{who} has not polled for max_poll_interval and leaves its group"),
                format!("! {who} exceeds max_poll_interval"),
            )
            .in_a_story(format!(
                "{who} takes longer than max_poll_interval from one poll to the next and leaves \
                 its group"
            ))
        }
        Kind::OffsetReset { consumer, partition, to, .. } => {
            let who = scene.who(consumer);
            Words::new(
                format!("{who} has no valid offset of partition {partition} and begins at {to}"),
                format!("{who} resets to {partition}/{to}"),
            )
        }
        Kind::Assigned { consumer, partition, position, .. } => {
            let who = scene.who(consumer);
            let from = |word: &str| {
                let is_known = position != NO_POSITION;
                if is_known { format!(" {word} {position}") } else { String::new() }
            };
            Words::new(
                format!("{who} is assigned partition {partition}{}", from("from offset")),
                format!("{who} gets partition {partition}{}", from("at")),
            )
        }
        Kind::Revoked { consumer, partition, .. } => {
            Words::alike(format!("{} gives up partition {partition}", scene.who(consumer)))
        }
        Kind::Lost { consumer, partition, .. } => {
            let who = scene.who(consumer);
            Words::new(
                format!("{who} learns that it has lost partition {partition}"),
                format!("! {who} has lost partition {partition}"),
            )
        }
        Kind::Sought { consumer, partition, from, to, .. } => {
            let who = scene.who(consumer);
            Words::new(
                format!("{who} moves from offset {from} of partition {partition} to {to}"),
                format!("{who} seeks {partition}/{to} from {from}"),
            )
        }
        _ => Words::default(),
    }
}
