//! Between what a number lies: one row a setting, for the rules and for the schema.
//!
//! > **The rule.** A bound stands here and nowhere else, so that an editor with the schema refuses
//! > what the program refuses.

use crate::points::MAX_SUBSCRIPTIONS;

/// The most messages that a run may have.
pub const MAX_MESSAGES: u32 = 100_000_000;
/// The most keys that a workload may have.
pub const MAX_KEYS: u32 = 1_000_000;

/// The most requests that an idempotent producer may have on their way.
pub(crate) const MOST_IDEMPOTENT: u32 = 5;

/// A setting by its path, and the least and the most that it may be. `*` stands for each item of a
/// list.
pub(crate) type Bound<T> = (&'static str, T, T);

/// The settings that are whole numbers.
pub(crate) const WHOLE: [Bound<u64>; 30] = [
    ("seeds", 1, 1_000_000),
    ("workload.messages", 1, MAX_MESSAGES as u64),
    ("workload.keys", 1, MAX_KEYS as u64),
    ("workload.bytes", 0, 1 << 30),
    ("workload.arrivals.burst_size", 1, MAX_MESSAGES as u64),
    ("subscriptions.*.consumers", 1, 1_000),
    ("subscriptions.*.changes.*.consumer", 1, 1_000),
    ("producer.retries", 0, 1_000),
    ("producer.max_in_flight", 1, 1_000_000),
    ("producer.batch_size", 1, 1 << 30),
    ("consumer.prefetch", 1, 1_000_000),
    ("consumer.settle_every", 1, 1_000_000),
    ("consumer.batch_size", 1, 1_000_000),
    ("consumer.workers", 1, 1_000),
    ("consumer.settle_retries", 0, 1_000),
    ("consumer.max_attempts", 1, 60_000),
    ("sink.dedup_entries", 1, u32::MAX as u64),
    ("log.partitions", 1, 10_000),
    ("log.partitions_added.to", 2, 10_000),
    ("log.segment_bytes", 1, u64::MAX),
    ("log.replicas", 1, 9),
    ("log.min_insync_replicas", 1, 9),
    ("log.transaction_version", 1, 2),
    ("queue.delivery_limit", 1, 60_000),
    ("queue.redrive.times", 1, 1_000),
    ("queue.max_length", 1, u32::MAX as u64),
    ("queue.max_in_flight", 1, 1_000_000),
    ("queue.dedup_entries", 1, u32::MAX as u64),
    ("limits.steps", 1, u64::MAX),
    ("script.*.nth", 1, u32::MAX as u64),
];

/// The settings that are numbers with a point.
pub(crate) const REAL: [Bound<f64>; 4] = [
    ("workload.arrivals.rate_per_second", 0.000_001, 1_000_000_000.0),
    ("workload.key_distribution.exponent", 0.0, 10.0),
    ("subscriptions.*.service_time.sigma", 0.0, 5.0),
    ("times.stall_distribution.sigma", 0.0, 5.0),
];

/// The durations that are longer than no time.
pub(crate) const NOT_ZERO: [&str; 37] = [
    "workload.arrivals.every",
    "workload.due_after",
    "producer.request_timeout",
    "producer.metadata_refresh",
    "producer.resend_after",
    "consumer.lease_renewal",
    "consumer.metadata_refresh",
    "log.partitions_added.at",
    "consumer.settle_interval",
    "consumer.request_timeout",
    "consumer.auto_commit_interval",
    "consumer.max_poll_interval",
    "consumer.transaction_timeout",
    "sink.dedup_window",
    "log.auto_offset_reset_duration",
    "log.offsets_retention",
    "log.session_timeout",
    "log.rebalance_timeout",
    "log.retention_time",
    "log.segment_time",
    "log.producer_id_expiration",
    "log.replica_lag_max",
    "queue.visibility_timeout",
    "queue.consumer_timeout",
    "queue.redelivery_delay.after",
    "queue.dedup_window",
    "queue.redrive.after",
    "queue.broker_restart.of_the_last",
    "queue.message_ttl",
    "queue.retention_time",
    "consumer.claim_min_idle",
    "limits.drain",
    "script.*.for",
    "times.outage",
    "subscriptions.*.changes.*.at",
    "subscriptions.*.rolling_restart.at",
    "subscriptions.*.mtbf",
];

/// How many items a list has.
pub(crate) const ITEMS: [Bound<usize>; 1] = [("subscriptions", 1, MAX_SUBSCRIPTIONS)];

/// The bounds of the setting at a path with numbers of items in it; none if it has none.
pub(crate) fn of<T: Copy>(bounds: &[Bound<T>], path: &str) -> Option<(T, T)> {
    let found = bounds.iter().find(|(setting, ..)| is_at(setting, path));
    found.map(|&(_, least, most)| (least, most))
}

/// Whether a path names this setting.
pub(crate) fn is_at(setting: &str, path: &str) -> bool {
    let (mut names, mut steps) = (setting.split('.'), path.split('.'));
    loop {
        match (names.next(), steps.next()) {
            (None, None) => return true,
            (Some("*"), Some(step)) if step.bytes().all(|byte| byte.is_ascii_digit()) => {}
            (Some(name), Some(step)) if name == step => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_an_item_is_found_by_its_number() {
        assert_eq!(of(&WHOLE, "subscriptions.11.consumers"), Some((1, 1_000)));
        assert_eq!(of(&WHOLE, "subscriptions.mailer.consumers"), None);
        assert_eq!(of(&WHOLE, "subscriptions.1"), None);
        assert_eq!(of(&WHOLE, "seeds"), Some((1, 1_000_000)));
        assert_eq!(of(&REAL, "seeds"), None);
    }
}
