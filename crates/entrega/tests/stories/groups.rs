//! What a group forgets, and what it learns too late.

use super::*;

/// One mailer and an order an hour; it is away for three hours after a crash, and its group keeps
/// its offsets for one.
const AWAY: &[(&str, &str)] = &[
    ("subscriptions.0.consumers", "1"),
    ("log.partitions", "1"),
    ("log.offsets_retention", "1h"),
    ("times.restart", "3h"),
    ("workload.messages", "8"),
    ("workload.arrivals", "{ distribution = \"burst\", burst_size = 1, every = \"1h\" }"),
];
const CRASHES: &str = "mailer.effect.before#3=crash";

fn away(more: &[(&str, &str)], expect: &[&str]) {
    check(Log, ProcessThenSettle, CRASHES, &[AWAY, more].concat(), expect);
}

/// An expired commit loses what a reset skips, repeats what it goes back over, and does nothing if
/// it is kept for long enough.
#[test]
fn an_expired_offset_is_named() {
    let young =
        [("log.auto_offset_reset", "by-duration"), ("log.auto_offset_reset_duration", "1min")];
    away(
        &young,
        &["mailer 1 crashes before the effect of m2 and then the committed offset of mailer has \
           expired (offsets_retention), and its reset (auto_offset_reset) skips m2; m2 is never \
           delivered again and is lost."],
    );
    away(
        &[],
        &["mailer 1 crashes before the effect of m2 and then the committed offset of mailer has \
           expired (offsets_retention), and its reset (auto_offset_reset) goes back over m0; m0 is \
           delivered again to mailer 1 and takes effect twice."],
    );
    away(&[("log.offsets_retention", "7d")], &[]);
}

/// One mailer that asks for metadata every six minutes; the topic gets a second partition after
/// ten, and the producer knows at once.
const GROWS: &[(&str, &str)] = &[
    ("subscriptions.0.consumers", "1"),
    ("log.partitions", "1"),
    ("log.partitions_added", "{ at = '10min', to = 2 }"),
    ("log.auto_offset_reset", "by-duration"),
    ("log.auto_offset_reset_duration", "1s"),
    ("producer.metadata_refresh", "1min"),
    ("consumer.metadata_refresh", "6min"),
    ("workload.messages", "110"),
    ("workload.keys", "20"),
    ("workload.arrivals", "{ distribution = \"burst\", burst_size = 1, every = \"7s\" }"),
];

/// What went to a new partition before the group had it is lost to a reset, and to nothing else.
#[test]
fn a_partition_that_was_added_is_named() {
    let grows = |more: &[(&str, &str)], expect: &[&str]| {
        check(Log, ProcessThenSettle, "", &[GROWS, more].concat(), expect);
    };
    grows(
        &[],
        &["the partition of m86 was added before the metadata refresh of mailer 1 \
           (metadata_refresh), which finds no committed offset there, and its reset \
           (auto_offset_reset) skips m86; m86 is never delivered and is lost."],
    );
    grows(&[("log.auto_offset_reset", "earliest")], &[]);
    grows(&[("log.auto_offset_reset_duration", "10min")], &[]);
    grows(&[("consumer.metadata_refresh", "1min")], &[]);
}

/// What was handed out and not committed comes again after an eager rebalance. In a cooperative one
/// that moves nothing, nothing does.
#[test]
fn a_cooperative_rebalance_repeats_nothing_that_stays() {
    let unsettled = [("consumer.drain_on_revoke", "false"), ("consumer.settle_interval", "1h")];
    let stories = |protocol| {
        let protocol = [("consumer.rebalance_protocol", protocol)];
        told(
            Log,
            SettleEveryN,
            "mailer.group.rebalance#2=after",
            &[&unsettled[..], &protocol].concat(),
        )
    };
    assert!(!stories("eager").is_empty());
    assert_eq!(stories("cooperative"), [""; 0]);
}
