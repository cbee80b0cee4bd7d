//! Mistakes in the settings of consumer groups.

use super::mistakes::{check, check_help};

#[test]
fn mistakes_in_settings_of_groups() {
    check(
        "[log]\nauto_offset_reset = 'by-duration'",
        "2:21: `by-duration` does not say how far back",
    );
    check(
        "[log]\nauto_offset_reset_duration = '0s'",
        "2:30: `auto_offset_reset_duration` is 0s; it is longer than no time",
    );
    check(
        "[log]\noffsets_retention = '0s'",
        "2:21: `offsets_retention` is 0s; it is longer than no time",
    );
    check("[log]\ncommit_checks = ['owner']", "2:18: unknown value `owner`");
    check(
        "[log]\ncommit_checks = 'forward'",
        "2:17: `commit_checks` must be a list, not \"forward\"",
    );
    check(
        "[log]\ncommit_checks = ['forward', 'ownership', 'forward']",
        "2:42: `forward` is listed twice",
    );
    check(
        "[log]\npartitions = 4\npartitions_added = { at = '1s', to = 4 }",
        "3:38: `to` is 4; a topic of 4 only grows",
    );
    check(
        "[log]\npartitions_added = { to = 4 }",
        "2:20: missing field `at` in [log.partitions_added]",
    );
    check(
        "[log]\npartitions_added = { at = '0s', to = 4 }",
        "2:27: `at` is 0s; it is longer than no time",
    );
    check(
        "[consumer]\ngroup_instance_id = true\nmax_poll_interval = '5min'",
        "2:21: a static member does not leave its group after `max_poll_interval`",
    );
    check(
        "[consumer]\nmetadata_refresh = '0s'",
        "2:20: `metadata_refresh` is 0s; it is longer than no time",
    );
}

#[test]
fn what_is_valid_in_settings_of_groups() {
    check_help(
        "[log]\nauto_offset_reset = 'by-duration'",
        "add `auto_offset_reset_duration = \"1h\"`",
    );
    check_help("[log]\ncommit_checks = ['owner']", "valid here: ownership, forward");
    check_help("[consumer]\nassignor = 'round-robin'", "valid here: range, sticky");
    check_help(
        "log = { partitions = 3, partitions_added = { at = '1s', to = 3 } }",
        "write 4 or more",
    );
}
