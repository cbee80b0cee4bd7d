//! The settings of a queue broker.

use entrega_brokers::queue::{self, Features, LimitCounts, MaxInFlight, Rules, Scope};
use entrega_model::Duration;

use crate::file::{
    AcquireMode, AfterRestart, AtLimit, DEAD_LETTER_RETRY, DelayKind, DeliveryCount, DeliveryEnd,
    ErrorPolicy, Forgotten, InFlightScope, LateSettle, LimitChecked, LimitCount, OnConsumerTimeout,
    Overflow, QueueSettings, RedeliveryDelay, RedriveIds, RepeatedSettle, RequeuePosition,
    Scenario, Span, StoredForNobody,
};

/// The queue broker. When messages are due is no setting: see
/// [`held_by_broker`](super::held_by_broker()).
pub fn queue_settings(scenario: &Scenario) -> queue::QueueSettings {
    let from = &scenario.queue;
    queue::QueueSettings {
        queues: scenario.subscriptions.len() as u8,
        visibility_timeout: or_never(from.lease()),
        prefetch: scenario.consumer.prefetch,
        delivery_limit: from.delivery_limit.map(|n| u16::try_from(n).unwrap_or(u16::MAX)),
        dead_letter: from.has_dead_letters(),
        reports_transfers: false,
        requeue_on_disconnect: from.requeue_on_disconnect,
        max_length: from.max_length,
        overflow: match from.overflow {
            Overflow::DropHead => queue::Overflow::DropHead,
            Overflow::RejectPublish => queue::Overflow::RejectPublish,
            Overflow::DiscardOld => queue::Overflow::DiscardOld,
            Overflow::DiscardNew => queue::Overflow::DiscardNew,
        },
        dedup_window: from.dedup_window.map(Span::duration),
        dedup_entries: from.dedup_entries,
        forgets: from.broker_restart.as_ref().map(|restart| queue::Forgets {
            messages: restart.forgets.contains(&Forgotten::Messages),
            settles: restart.forgets.contains(&Forgotten::Settles),
            of_the_last: restart.of_the_last.duration(),
        }),
        atomic_publish: from.atomic_publish,
        not_before: None,
        rules: rules(from),
        features: features(scenario),
    }
}

fn features(scenario: &Scenario) -> Features {
    let (from, consumer) = (&scenario.queue, &scenario.consumer);
    let finite = |span: Span| (span != Span::MAX).then(|| span.duration());
    Features {
        claim_min_idle: finite(consumer.claim_min_idle),
        restart_reads_own: consumer.restart_reads_own,
        max_in_flight: from.max_in_flight.map(|most| MaxInFlight {
            most,
            scope: match from.max_in_flight_scope {
                InFlightScope::Consumer => Scope::Consumer,
                InFlightScope::Subscription | InFlightScope::Queue => Scope::Subscription,
                InFlightScope::Partition => Scope::Partition,
            },
            is_soft: from.acquire_mode == AcquireMode::BatchOptimized,
        }),
        keeps_settled: from.keeps_settled,
        in_flight_survives_restart: from.in_flight_after_restart == AfterRestart::Kept,
        counts_written_at_return: from.delivery_count == DeliveryCount::AtReturn,
        message_ttl: finite(from.message_ttl),
        retention_time: finite(from.retention_time),
        delivery_delay: Some(from.delivery_delay.duration()).filter(|delay| !delay.is_zero()),
        group_lock: from.group_lock,
        single_active_consumer: from.single_active_consumer,
        drops_for_nobody: from.stored_for_nobody == StoredForNobody::Dropped,
        redrive: from.redrive.as_ref().map(|redrive| queue::Redrive {
            after: redrive.after.duration(),
            new_ids: redrive.ids == RedriveIds::New,
            times: u16::try_from(redrive.times).unwrap_or(u16::MAX),
        }),
        dead_letter_retry: from.confirms_dead_letters().then(|| DEAD_LETTER_RETRY.duration()),
        takes_retries: consumer.on_error == ErrorPolicy::RetryTopic,
        remembers_ids: scenario.sink.asks_broker_ids(),
    }
}

fn rules(from: &QueueSettings) -> Rules {
    Rules {
        late_settle: match from.late_settle {
            LateSettle::Refused => queue::LateSettle::Refused,
            LateSettle::Ignored => queue::LateSettle::Ignored,
            LateSettle::Honoured => queue::LateSettle::Honoured,
        },
        repeated_settle: match from.repeated_settle {
            RepeatedSettle::Idempotent => queue::RepeatedSettle::Idempotent,
            RepeatedSettle::Refused => queue::RepeatedSettle::Refused,
            RepeatedSettle::ClosesChannel => queue::RepeatedSettle::ClosesChannel,
        },
        limit_counts: limit_counts(&from.limit_counts),
        limit_checked: match from.limit_checked {
            LimitChecked::AtReturn => queue::LimitChecked::AtReturn,
            LimitChecked::AtDelivery => queue::LimitChecked::AtDelivery,
        },
        keeps_at_limit: from.at_limit == Some(AtLimit::Keep),
        counts_survive_restart: from.delivery_count != DeliveryCount::Volatile
            && !from.restart_forgets(Forgotten::Counts),
        requeue_position: match from.requeue_position {
            RequeuePosition::Same => queue::RequeuePosition::Same,
            RequeuePosition::Front => queue::RequeuePosition::Front,
            RequeuePosition::End => queue::RequeuePosition::End,
        },
        at_lease_end: match from.on_consumer_timeout {
            _ if from.consumer_timeout.is_none() => queue::AtLeaseEnd::ReturnMessage,
            OnConsumerTimeout::CloseChannel => queue::AtLeaseEnd::CloseChannel,
            OnConsumerTimeout::CancelConsumer => queue::AtLeaseEnd::CancelConsumer,
            OnConsumerTimeout::ReturnMessage => queue::AtLeaseEnd::ReturnMessage,
        },
        redelivery_delay: from
            .redelivery_delay
            .as_ref()
            .map_or(queue::RedeliveryDelay::NONE, redelivery_delay),
    }
}

fn limit_counts(counted: &[LimitCount]) -> LimitCounts {
    LimitCounts {
        deliveries: counted.contains(&LimitCount::Delivery),
        nacks: counted.contains(&LimitCount::Nack),
        rejects: counted.contains(&LimitCount::Reject),
        expiries: counted.contains(&LimitCount::Expiry),
        disconnects: counted.contains(&LimitCount::Disconnect),
    }
}

fn redelivery_delay(from: &RedeliveryDelay) -> queue::RedeliveryDelay {
    queue::RedeliveryDelay {
        after: from.after.duration(),
        linear: from.kind == DelayKind::Linear,
        most: from.most.map_or(Duration::MAX, Span::duration),
        on_nack: from.on.contains(&DeliveryEnd::Nack),
        on_reject: from.on.contains(&DeliveryEnd::Reject),
        on_expiry: from.on.contains(&DeliveryEnd::Expiry),
        on_disconnect: from.on.contains(&DeliveryEnd::Disconnect),
    }
}

/// The longest span that a scenario can name stands for no limit.
fn or_never(span: Span) -> Duration {
    if span == Span::MAX { Duration::MAX } else { span.duration() }
}
