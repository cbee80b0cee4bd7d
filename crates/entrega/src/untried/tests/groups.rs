//! What a group of a log forgets or learns of as time goes on.

use super::{LOG, PLAIN, QUEUE, check, of};

/// A reset by duration skips what is older, and in what is tried nothing grows old.
#[test]
fn records_grow_old_before_a_reset_by_duration() {
    let set = |policy, span| {
        [("log.auto_offset_reset", policy), ("log.auto_offset_reset_duration", span)]
    };
    let said = ["records that are older than 1min when a group without a commit begins"];
    check(&of(LOG, PLAIN, &set("by-duration", "1min")), &said);
    check(&of(QUEUE, PLAIN, &set("by-duration", "1min")), &[]);
    check(&of(LOG, PLAIN, &set("earliest", "1min")), &[]);
    check(&of(LOG, PLAIN, &set("by-duration", "2d")), &[]);
}

#[test]
fn no_partition_is_added_in_what_is_tried() {
    let added = [("log.partitions_added", "{ at = '1min', to = 9 }")];
    let said = ["partitions that are added while it runs (partitions_added at 1min)"];
    check(&of(LOG, PLAIN, &added), &said);
    check(&of(QUEUE, PLAIN, &added), &[]);
}
