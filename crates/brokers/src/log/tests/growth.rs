//! A topic that gets more partitions while its groups read.

use super::*;

/// Two partitions and from second 100 on four; A owns both at first.
fn growing(auto_offset_reset: OffsetReset) -> Driver {
    let added = PartitionsAdded { at: Duration::from_secs(100), to: 4 };
    let mut driver = Driver::new(LogSettings {
        partitions: 2,
        partitions_added: Some(added),
        retention_time: None,
        auto_offset_reset,
        ..LogSettings::default()
    });
    assert_eq!(driver.join(A), Some((1, vec![(0, None), (1, None)])));
    driver
}

fn produce(driver: &mut Driver, partition: u16) -> Outcome {
    let (partition, records) = (PartitionId(partition), vec![record(7)]);
    outcome(
        driver.ask(
            PRODUCER,
            Request::Produce { partition, records, acks: Acks::All, sequence: None },
        ),
    )
}

#[test]
fn partitions_exist_from_their_instant_on() {
    let mut driver = growing(OffsetReset::Earliest);
    assert_eq!(driver.broker.next_housekeeping(), Some(Instant::START + Duration::from_secs(100)));
    driver.run_until(99);
    assert_eq!(produce(&mut driver, 2), Outcome::Refused(Refusal::UnknownPartition));
    driver.run_until(100);
    assert_eq!(driver.broker.next_housekeeping(), None);
    assert_eq!(produce(&mut driver, 2), Outcome::Ok);
    assert_eq!(produce(&mut driver, 4), Outcome::Refused(Refusal::UnknownPartition));
}

/// Nobody is told; a member that joins because it has learnt of them makes the group rebalance, and
/// the others with it.
#[test]
fn the_next_join_shares_them_out() {
    let mut driver = growing(OffsetReset::Earliest);
    assert_eq!(driver.join(B), None);
    assert_eq!(driver.join(A), Some((2, vec![(0, None)])));
    driver.answers.clear();
    assert_eq!(driver.fetch(A, 2, 0, 0), Outcome::Parked);
    driver.run_until(100);
    assert!(driver.answers.is_empty(), "a fetch hears nothing of it");
    assert_eq!(driver.join(B), None);
    let (from, response) = driver.answers.pop().unwrap();
    assert_eq!(from, A);
    assert_eq!(outcome(Some(response)), Outcome::Refused(Refusal::RebalanceInProgress));
    assert_eq!(driver.join(A), Some((3, vec![(0, None), (1, None)])));
    assert_eq!(assignment(&driver.answers.pop().unwrap().1).1, [(2, None), (3, None)]);
    assert_eq!(driver.join(B).unwrap().0, 3, "a second Join changes nothing any more");
}

/// And before there are any, a Join of a member changes nothing.
#[test]
fn a_join_before_the_change_starts_no_rebalance() {
    let mut driver = growing(OffsetReset::Earliest);
    driver.run_until(99);
    assert_eq!(driver.join(A).unwrap().0, 1);
    driver.run_until(100);
    assert_eq!(driver.join(A).unwrap(), (2, vec![(0, None), (1, None), (2, None), (3, None)]));
}

/// What came before the group knew is where its policy begins, or behind it.
#[test]
fn the_reset_policy_decides_about_what_came_before_the_group_knew() {
    let check = |policy, expect: &[u32]| {
        let mut driver = growing(policy);
        driver.run_until(100);
        driver.store(3, 0..2);
        driver.run_until(160);
        driver.store(3, 2..3);
        assert_eq!(driver.audited(GROUP), expect, "{policy:?}");
    };
    check(OffsetReset::Earliest, &[0, 1, 2]);
    check(OffsetReset::Latest, &[]);
    check(OffsetReset::ByDuration(Duration::from_secs(60)), &[0, 1, 2]);
    check(OffsetReset::ByDuration(Duration::from_secs(59)), &[2]);
}

#[test]
fn a_cleared_log_has_its_first_partitions() {
    let mut driver = growing(OffsetReset::Earliest);
    driver.run_until(100);
    driver.broker.clear();
    driver.now = Instant::START;
    assert_eq!(produce(&mut driver, 2), Outcome::Refused(Refusal::UnknownPartition));
    assert_eq!(driver.join(A), Some((1, vec![(0, None), (1, None)])));
}
