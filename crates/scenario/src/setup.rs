//! Translates the settings of a scenario for brokers, client library and sinks. The simulator and
//! live runs share this translation.

use std::sync::Arc;

use entrega_brokers::log;
use entrega_clients::application::{BatchFailure, BatchRules, BatchSink};
use entrega_clients::consumers::Settles;
use entrega_clients::producers::{Buffering, Retries};
use entrega_clients::sinks::{CheckpointStore, ChosenSink, Dedup, DedupRules, Retention};
use entrega_clients::{
    AutoSettle, ClientConfig, ErrorPolicy, Library, MetadataRefresh, OffsetReset, Strategy,
    StrategyConfig, TransactionConfig, TransactionOffsets, WorkerLost,
};
use entrega_model::log::{Acks, IsolationLevel};
use entrega_model::{Instant, Model, SubscriptionId};

use crate::file::{
    self, Assignor, AutoOffsetReset, BelowMinIsr, CommitCheck, ConsumerSettings, LogClient,
    PartitionsAdded, ProducerSettings, ProducerStrategy, RebalanceProtocol, Scenario,
};
use crate::workload::Workload;

mod queue;

pub use queue::queue_settings;

/// The log broker.
pub fn log_settings(scenario: &Scenario) -> log::LogSettings {
    let from = &scenario.log;
    log::LogSettings {
        partitions: from.partitions,
        partitions_added: from
            .partitions_added
            .map(|added| log::PartitionsAdded { at: added.at.duration(), to: added.to }),
        groups: scenario.subscriptions.len() as u8,
        assignor: match scenario.consumer.assignor {
            Assignor::Range => log::Assignor::Range,
            Assignor::Sticky => log::Assignor::Sticky,
        },
        rebalance_protocol: match scenario.consumer.rebalance_protocol {
            RebalanceProtocol::Eager => log::RebalanceProtocol::Eager,
            RebalanceProtocol::Cooperative => log::RebalanceProtocol::Cooperative,
        },
        static_membership: scenario.consumer.group_instance_id,
        session_timeout: from.session_timeout.duration(),
        rebalance_timeout: from.rebalance_timeout.duration(),
        retention_time: (from.retention_time != file::Span::MAX)
            .then(|| from.retention_time.duration()),
        retention_bytes: from.retention_bytes,
        segment_bytes: from.segment_bytes,
        segment_time: from.segment_time.duration(),
        producer_id_expiration: from.producer_id_expiration.duration(),
        auto_offset_reset: offset_reset(from),
        offsets_retention: (from.offsets_retention != file::Span::MAX)
            .then(|| from.offsets_retention.duration()),
        isolation_level: match scenario.consumer.isolation_level {
            file::IsolationLevel::ReadCommitted => IsolationLevel::ReadCommitted,
            file::IsolationLevel::ReadUncommitted => IsolationLevel::ReadUncommitted,
        },
        transaction_version: match from.transaction_version {
            1 => log::TransactionVersion::One,
            _ => log::TransactionVersion::Two,
        },
        commit_checks: log::CommitChecks {
            ownership: from.commit_checks.contains(&CommitCheck::Ownership),
            forward: from.commit_checks.contains(&CommitCheck::Forward),
        },
        replication: replication(scenario),
        ..log::LogSettings::default()
    }
}

fn replication(scenario: &Scenario) -> log::ReplicationSettings {
    let from = &scenario.log;
    log::ReplicationSettings {
        replicas: from.replicas,
        min_insync: from.min_insync_replicas,
        lag_max: from.replica_lag_max.duration(),
        delay: from.replica_delay.duration(),
        unclean_election: from.unclean_leader_election,
        stands_still: from.high_watermark_below_min_isr == BelowMinIsr::StandsStill,
        flush_interval: from.flush_interval.duration(),
        produce_timeout: scenario.producer.request_timeout.duration(),
    }
}

/// Which acknowledgements a producer waits for, where it waits for any.
pub fn acks(producer: &ProducerSettings) -> Acks {
    match producer.acks {
        Some(file::Acks::Leader) => Acks::Leader,
        Some(file::Acks::None | file::Acks::All) | None => Acks::All,
    }
}

fn offset_reset(log: &file::LogSettings) -> OffsetReset {
    match log.auto_offset_reset {
        AutoOffsetReset::Latest => OffsetReset::Latest,
        AutoOffsetReset::Earliest => OffsetReset::Earliest,
        AutoOffsetReset::None => OffsetReset::None,
        AutoOffsetReset::ByDuration => {
            let span = log.auto_offset_reset_duration.unwrap_or_default();
            OffsetReset::ByDuration(span.duration())
        }
    }
}

/// The settings of a strategy of the catalogue.
pub fn strategy_config(consumer: &ConsumerSettings) -> StrategyConfig {
    StrategyConfig {
        settle_every: consumer.settle_every,
        settle_interval: consumer.settle_interval.duration(),
        batch_size: consumer.batch_size,
        batch_interval: consumer.batch_interval.duration(),
        workers: consumer.workers,
        key_ordered: consumer.key_ordered,
        transaction_offsets: match consumer.transaction_offsets {
            file::TransactionOffsets::InTransaction => TransactionOffsets::InTransaction,
            file::TransactionOffsets::AfterCommit => TransactionOffsets::AfterCommit,
            file::TransactionOffsets::BeforeCommit => TransactionOffsets::BeforeCommit,
            file::TransactionOffsets::Checkpoint => TransactionOffsets::Checkpoint,
        },
    }
}

/// The producer of a consumer that works in transactions.
pub fn transaction_config(scenario: &Scenario, subscription: SubscriptionId) -> TransactionConfig {
    let consumer = &scenario.consumer;
    TransactionConfig {
        subscription,
        timeout: consumer.transaction_timeout.duration(),
        group_metadata: consumer.group_metadata,
        retries: consumer.settle_retries,
        writes_output: consumer.output == file::EffectPlace::Topic,
    }
}

/// Whether the consumers of a strategy commit what an earlier life of theirs has prepared.
pub fn resumes_transactions(scenario: &Scenario, strategy: Strategy, model: Model) -> bool {
    let offsets = scenario.consumer.transaction_offsets;
    let has_checkpoints = offsets == file::TransactionOffsets::Checkpoint;
    has_checkpoints && model == Model::Log && strategy.spec().sink.is_broker()
}

/// A sink of simulated consumers, with room for the ids below `messages`.
pub fn sink(scenario: &Scenario, strategy: Strategy, model: Model, messages: usize) -> ChosenSink {
    if resumes_transactions(scenario, strategy, model) {
        return ChosenSink::Checkpointed(CheckpointStore::default());
    }
    ChosenSink::recognising(strategy, model, dedup_rules(scenario), messages)
}

/// When each message is due, if the broker of this model holds it until then.
pub fn held_by_broker(
    scenario: &Scenario,
    workload: &Workload,
    model: Model,
) -> Option<Arc<[Instant]>> {
    let holds = model == Model::Queue && scenario.queue.due_time == file::DueTime::Broker;
    workload.not_before.clone().filter(|_| holds)
}

/// The same, if the consumers hold it.
pub fn held_by_worker(
    scenario: &Scenario,
    workload: &Workload,
    model: Model,
) -> Option<Arc<[Instant]>> {
    let holds = held_by_broker(scenario, workload, model).is_none();
    workload.not_before.clone().filter(|_| holds)
}

/// How the sinks recognise what has had its effect.
pub fn dedup_rules(scenario: &Scenario) -> DedupRules {
    let file::SinkSettings { dedup, dedup_window, dedup_entries, dedup_key: _ } = &scenario.sink;
    DedupRules {
        dedup: match dedup {
            file::Dedup::None => Dedup::None,
            file::Dedup::Atomic => Dedup::Atomic,
            file::Dedup::CheckThenWrite => Dedup::CheckThenWrite,
            file::Dedup::ProcessMemory => Dedup::ProcessMemory,
        },
        retention: Retention {
            window: dedup_window.map(file::Span::duration),
            entries: *dedup_entries,
        },
    }
}

/// How often a producer retries.
pub fn retries(producer: &ProducerSettings) -> Retries {
    Retries { limit: producer.retries, backoff: producer.retry_backoff.duration() }
}

/// How a producer buffers, if it does.
pub fn buffering(producer: &ProducerSettings) -> Option<Buffering> {
    producer.is_buffered().then(|| Buffering {
        linger: producer.linger.duration(),
        batch_bytes: producer.batch_size,
        flushes: producer.flush_on_close,
        confirms: producer.strategy == ProducerStrategy::Confirmed,
        retries: retries(producer),
        max_in_flight: producer.max_in_flight,
    })
}

/// The client library of a consumer that runs a strategy.
pub fn client_config(
    scenario: &Scenario,
    strategy: Strategy,
    subscription: SubscriptionId,
) -> ClientConfig {
    let consumer = &scenario.consumer;
    let Library { auto_settle, offset_store } = library(strategy, consumer);
    ClientConfig {
        subscription,
        prefetch: consumer.prefetch,
        receive_ahead: consumer.receive_ahead,
        lease_renewal: consumer.lease_renewal.map(file::Span::duration),
        worker_lost: consumer.worker_lost.map(|what| match what {
            file::WorkerLost::Settle => WorkerLost::Settle,
            file::WorkerLost::Requeue => WorkerLost::Requeue,
        }),
        auto_settle,
        offset_store,
        auto_commit_interval: consumer.auto_commit_interval.duration(),
        settle_scope: strategy.spec().settle_scope,
        settle_confirmed: consumer.settle_confirmed,
        settle_retries: consumer.settle_retries,
        auto_offset_reset: offset_reset(&scenario.log),
        drain_on_revoke: consumer.drain_on_revoke,
        max_poll_interval: consumer.max_poll_interval.map(file::Span::duration),
        cooperative: consumer.rebalance_protocol == RebalanceProtocol::Cooperative,
        leaves_on_close: !consumer.group_instance_id,
        metadata: scenario
            .log
            .partitions_added
            .map(|added| metadata_refresh(added, consumer.metadata_refresh)),
    }
}

/// When a client that asks so often learns of partitions that are added.
pub fn metadata_refresh(added: PartitionsAdded, every: file::Span) -> MetadataRefresh {
    MetadataRefresh { changes_at: Instant::START + added.at.duration(), every: every.duration() }
}

/// What the client library does by itself, as configured for a strategy that leaves it open.
fn library(strategy: Strategy, consumer: &ConsumerSettings) -> Library {
    let spec = strategy.spec();
    if spec.settles != Settles::AsConfigured {
        return spec.library();
    }
    let library = Library::settling(match consumer.client {
        LogClient::Librdkafka => AutoSettle::AtDelivery,
        LogClient::Java => AutoSettle::AtNextReceive,
    });
    if consumer.enable_auto_commit { library } else { library.without_auto_settle() }
}

/// What to do after an error of the handler.
pub fn error_policy(policy: file::ErrorPolicy) -> ErrorPolicy {
    match policy {
        file::ErrorPolicy::Retry => ErrorPolicy::Retry,
        file::ErrorPolicy::Skip => ErrorPolicy::Skip,
        file::ErrorPolicy::SkipAndSettle => ErrorPolicy::SkipAndSettle,
        file::ErrorPolicy::Requeue => ErrorPolicy::Requeue,
        file::ErrorPolicy::Reject => ErrorPolicy::Reject,
        file::ErrorPolicy::Crash => ErrorPolicy::Crash,
        file::ErrorPolicy::DeadLetter => ErrorPolicy::DeadLetter,
        file::ErrorPolicy::RetryTopic => ErrorPolicy::RetryTopic,
    }
}

/// How a batch is written, and what to do when that fails.
pub fn batch_rules(consumer: &ConsumerSettings) -> BatchRules {
    BatchRules {
        sink: match consumer.batch_sink {
            file::BatchSink::Atomic => BatchSink::Atomic,
            file::BatchSink::ItemByItem => BatchSink::ItemByItem,
        },
        on_failure: match consumer.batch_on_failure {
            file::BatchFailure::RetryWhole => BatchFailure::RetryWhole,
            file::BatchFailure::Bisect => BatchFailure::Bisect,
            file::BatchFailure::PerItem => BatchFailure::PerItem,
            file::BatchFailure::DeadLetterItem => BatchFailure::DeadLetterItem,
            file::BatchFailure::Abandon => BatchFailure::Abandon,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Live consumers take these without a scenario.
    #[test]
    fn a_strategy_has_the_same_defaults_with_and_without_a_scenario() {
        assert_eq!(strategy_config(&ConsumerSettings::default()), StrategyConfig::default());
    }
}
