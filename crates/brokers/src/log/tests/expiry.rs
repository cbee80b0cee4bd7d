//! How long a group without members keeps what it has committed.

use super::*;

const HOUR: u64 = 3_600;

/// A has committed 3 of five records of partition 0, and keeps its offsets for an hour.
fn reader() -> Driver {
    let mut driver = Driver::new(LogSettings {
        offsets_retention: Some(Duration::from_secs(HOUR)),
        retention_time: None,
        groups: 2,
        ..LogSettings::default()
    });
    driver.store(0, 0..5);
    driver.join(A);
    assert_eq!(driver.commit(A, 1, 0, 3), Outcome::Ok);
    driver
}

fn committed(driver: &Driver) -> Option<Offset> {
    driver.broker.committed(GROUP, PartitionId(0))
}

fn at(secs: u64) -> Option<Instant> {
    Some(Instant::START + Duration::from_secs(secs))
}

#[test]
fn offsets_expire_when_the_group_was_empty_for_long_enough() {
    let mut driver = reader();
    driver.run_until(100);
    driver.ask(A, Request::Leave { group: GROUP });
    assert_eq!(driver.broker.next_housekeeping(), at(100 + HOUR));
    assert_eq!(driver.broker.next_deadline(), None, "no drain waits for it");
    driver.run_until(99 + HOUR);
    assert_eq!((committed(&driver), driver.audited(GROUP)), (Some(3), vec![3, 4]));
    driver.run_until(100 + HOUR);
    assert_eq!((committed(&driver), driver.audited(GROUP)), (None, vec![0, 1, 2, 3, 4]));
    assert_eq!(driver.broker.next_housekeeping(), None);
    assert_eq!(driver.join(A), Some((3, vec![(0, None)])), "the generation goes on");
}

/// A crash is noticed by the session timeout, and the group is empty from then on.
#[test]
fn a_group_is_empty_when_its_last_session_has_expired() {
    let mut driver = reader();
    driver.run_until(100);
    driver.disconnect(A);
    driver.run_until(200);
    assert_eq!(driver.broker.next_housekeeping(), at(145 + HOUR));
}

/// And the opposite: nothing expires as long as there is a member, and a member that comes back in
/// time begins the span anew.
#[test]
fn a_group_with_a_member_forgets_nothing() {
    let mut driver = reader();
    driver.run_until(10 * HOUR);
    assert_eq!((committed(&driver), driver.broker.next_housekeeping()), (Some(3), None));
    driver.ask(A, Request::Leave { group: GROUP });
    driver.run_until(11 * HOUR - 1);
    assert_eq!(driver.join(A), Some((3, vec![(0, Some(3))])));
    assert_eq!(driver.broker.next_housekeeping(), None);
    driver.ask(A, Request::Leave { group: GROUP });
    driver.run_until(12 * HOUR - 2);
    assert_eq!(committed(&driver), Some(3));
    driver.run_until(12 * HOUR - 1);
    assert_eq!(committed(&driver), None);
}

/// A coordinator that restarts while the group is empty knows since when.
#[test]
fn a_restart_begins_the_span_only_for_a_group_with_members() {
    let check = |leaves: bool, expect| {
        let mut driver = reader();
        if leaves {
            driver.ask(A, Request::Leave { group: GROUP });
        }
        driver.run_until(100);
        driver.broker.restart(driver.now, &mut driver.ground_truth);
        assert_eq!(driver.broker.next_housekeeping(), expect);
    };
    check(true, at(HOUR));
    check(false, at(100 + HOUR));
}

/// A tool commits for a group that never had a member: the span begins with its first commit.
#[test]
fn offsets_of_a_tool_expire_too() {
    let mut driver = reader();
    for second in [60, 90] {
        driver.run_until(second);
        let offsets = vec![PartitionOffset { partition: PartitionId(0), offset: second }];
        let (group, generation) = (OTHER_GROUP, Generation(0));
        let trigger = SettleTrigger::Application;
        let answer = driver.ask(B, Request::Commit { group, generation, offsets, trigger });
        assert_eq!(outcome(answer), Outcome::Ok);
        assert_eq!(driver.broker.next_housekeeping(), at(60 + HOUR));
    }
    driver.run_until(60 + HOUR);
    assert_eq!(driver.broker.committed(OTHER_GROUP, PartitionId(0)), None);
    assert_eq!(committed(&driver), Some(3), "the other group has a member");
}

/// A tool commits for a group whose offsets have expired, or that had none: they are kept for the
/// whole span, however long the group has been empty.
#[test]
fn a_commit_to_a_forgotten_group_is_kept_for_the_whole_span() {
    for commits in [true, false] {
        let mut driver = Driver::new(LogSettings {
            offsets_retention: Some(Duration::from_secs(HOUR)),
            retention_time: None,
            ..LogSettings::default()
        });
        driver.join(A);
        if commits {
            assert_eq!(driver.commit(A, 1, 0, 3), Outcome::Ok);
        }
        driver.ask(A, Request::Leave { group: GROUP });
        driver.run_until(2 * HOUR);
        assert_eq!(committed(&driver), None);
        assert_eq!(driver.commit(B, 0, 0, 5), Outcome::Ok);
        assert_eq!(driver.broker.next_housekeeping(), at(3 * HOUR));
        driver.run_until(3 * HOUR - 1);
        assert_eq!(committed(&driver), Some(5));
        driver.run_until(3 * HOUR);
        assert_eq!(committed(&driver), None);
    }
}

#[test]
fn without_a_span_nothing_expires() {
    let settings = LogSettings { offsets_retention: None, ..LogSettings::default() };
    let mut driver = Driver::new(LogSettings { retention_time: None, ..settings });
    driver.join(A);
    driver.commit(A, 1, 0, 3);
    driver.ask(A, Request::Leave { group: GROUP });
    assert_eq!((driver.broker.next_housekeeping(), committed(&driver)), (None, Some(3)));
}
