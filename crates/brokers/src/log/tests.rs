//! The behaviours that the strategies rely on, driven through the [`Broker`] trait by a driver that
//! parks and offers again as the crate documentation tells it to.

mod commits;
mod cooperative;
mod driver;
mod expiry;
mod growth;
mod memory;
mod replication;
mod static_members;
mod sticky;

use super::*;
use driver::{
    Assignment, Driver, Outcome, assignment, commit_request, fetch_request, outcome, record,
};
use entrega_model::event::{RemoveReason, SettleTrigger};
use entrega_model::log::{Acks, PartitionOffset, Refusal};
use entrega_model::{Duration, Incarnation, Key, MessageId, ProcessId, Record};

const GROUP: SubscriptionId = SubscriptionId(0);
const OTHER_GROUP: SubscriptionId = SubscriptionId(1);
const A: ClientId = client(1, 0);
const B: ClientId = client(2, 0);
const PRODUCER: ClientId = client(0, 0);

const fn client(process: u16, incarnation: u32) -> ClientId {
    ClientId { process: ProcessId(process), incarnation: Incarnation(incarnation) }
}

/// A and B joined: A owns partitions 0 and 1, B owns 2 and 3, under generation 2.
fn pair() -> Driver {
    let mut driver = Driver::plain();
    assert_eq!(driver.join(A).unwrap().0, 1);
    assert_eq!(driver.join(B), None);
    assert_eq!(driver.join(A).unwrap(), (2, vec![(0, None), (1, None)]));
    let (from, response) = driver.answers.pop().unwrap();
    assert_eq!((from, assignment(&response)), (B, (2, vec![(2, None), (3, None)])));
    driver
}

#[test]
fn a_retried_produce_stores_a_second_copy() {
    let mut driver = Driver::plain();
    driver.store(1, 0..2);
    driver.store(1, 1..2);
    let stored = |message, position, copy| Kind::Stored {
        message: MessageId(message),
        subscription: None,
        partition: PartitionId(1),
        position,
        copy,
    };
    assert_eq!(driver.kinds(), [stored(0, 0, 1), stored(1, 1, 1), stored(1, 2, 2)]);
}

#[test]
fn a_fetch_waits_for_a_record_or_its_deadline() {
    let mut driver = pair();
    assert_eq!(driver.fetch(A, 2, 0, 0), Outcome::Parked);
    driver.store(3, 0..1);
    assert_eq!(driver.answers.len(), 0, "another partition");
    driver.store(0, 1..2);
    let (_, response) = driver.answers.pop().unwrap();
    assert_eq!(outcome(Some(response)), Outcome::Records(vec![1]));

    let position = vec![PartitionOffset { partition: PartitionId(0), offset: 1 }];
    let mut request = fetch_request(2, position, driver.now + Duration::from_secs(1));
    assert_eq!(driver.broker.deadline_of(&request), driver.now + Duration::from_secs(1));
    assert_eq!(
        driver.broker.deadline_of(&Request::Join { group: GROUP, has: Generation(0) }),
        Instant::NEVER
    );
    let mut offer = |now| driver.broker.handle(now, A, &mut request, &mut Vec::new());
    assert_eq!(offer(driver.now), None);
    let late = driver.now + Duration::from_secs(1);
    assert_eq!(outcome(offer(late)), Outcome::Records(vec![]));

    let position = vec![PartitionOffset { partition: PartitionId(0), offset: 1 }];
    let mut past = fetch_request(2, position, Instant::START);
    let answer = driver.broker.handle(late, A, &mut past, &mut Vec::new());
    assert_eq!(outcome(answer), Outcome::Records(vec![]), "long past its deadline");
}

#[test]
fn partitions_take_turns_in_the_order_of_the_positions() {
    let mut driver = pair();
    driver.store(0, 0..7);
    driver.store(1, 10..17);
    let mut check = |positions: &[(u16, u64)], expect: &[u32]| {
        let position = |&(partition, offset): &(u16, u64)| PartitionOffset {
            partition: PartitionId(partition),
            offset,
        };
        let positions = positions.iter().map(position).collect();
        let answer = driver.ask(A, fetch_request(2, positions, Instant::NEVER));
        assert_eq!(outcome(answer), Outcome::Records(expect.to_vec()));
    };
    check(&[(0, 0), (1, 0)], &[0, 1, 2, 3, 4, 5, 6, 10, 11, 12]);
    check(&[(1, 2), (0, 0)], &[12, 13, 14, 15, 16, 0, 1, 2, 3, 4]);
    check(&[(0, 7), (1, 6)], &[16]);
}

#[test]
fn buffers_travel_with_the_request_and_come_back() {
    let mut driver = pair();
    let records = vec![record(0)];
    let sent = records.as_ptr();
    let produce =
        Request::Produce { partition: PartitionId(0), records, acks: Acks::None, sequence: None };
    let Some(Response::Produced { records, .. }) = driver.ask(PRODUCER, produce) else { panic!() };
    assert_eq!((records.as_ptr(), records.len()), (sent, 0));

    let positions = vec![PartitionOffset { partition: PartitionId(0), offset: 0 }];
    let sent = positions.as_ptr();
    let mut fetch = fetch_request(2, positions, Instant::NEVER);
    let Request::Fetch { buffer, .. } = &mut fetch else { unreachable!() };
    let empty = buffer.as_ptr();
    let Some(Response::Fetched { records, positions }) = driver.ask(A, fetch) else { panic!() };
    assert_eq!((records.as_ptr(), positions.as_ptr()), (empty, sent));

    let (sent, count) = (positions.as_ptr(), positions.len());
    let answer = driver.ask(A, commit_request(2, positions));
    let Some(Response::Committed { offsets }) = answer else { panic!() };
    assert_eq!((offsets.as_ptr(), offsets.len()), (sent, count));
}

#[test]
fn a_position_off_the_log_is_out_of_range() {
    let mut driver = pair();
    driver.store(0, 0..3);
    assert_eq!(driver.fetch(A, 2, 0, 4), Outcome::OutOfRange(0, 3));
    assert_eq!(driver.fetch(A, 2, 0, u64::MAX), Outcome::OutOfRange(0, 3));
    assert_eq!(driver.fetch(A, 2, 0, 3), Outcome::Parked);
}

#[test]
fn takeover_after_the_session_timeout_resumes_at_the_committed_offset() {
    let mut driver = Driver::plain();
    driver.store(0, 0..5);
    driver.join(A);
    assert_eq!(driver.fetch(A, 1, 0, 0), Outcome::Records(vec![0, 1, 2, 3, 4]));
    assert_eq!(driver.commit(A, 1, 0, 2), Outcome::Ok);
    driver.disconnect(A);
    let next_life = client(1, 1);
    assert_eq!(driver.join(next_life), None, "the dead life is still a member");
    driver.run_until(44);
    assert_eq!(driver.answers.len(), 0);
    driver.run_until(45);
    let (_, response) = driver.answers.pop().unwrap();
    let partitions = vec![(0, Some(2)), (1, None), (2, None), (3, None)];
    assert_eq!(assignment(&response), (2, partitions));
    assert!(
        driver.kinds().contains(&Kind::SessionExpired { subscription: GROUP, consumer: A.process })
    );
    assert_eq!(driver.fetch(next_life, 2, 0, 2), Outcome::Records(vec![2, 3, 4]));
    assert_eq!(driver.commit(A, 1, 0, 5), Outcome::Refused(Refusal::UnknownMember));
}

/// A Join that was still on its way when its sender died makes a member, which is timed out.
#[test]
fn a_late_join_of_a_dead_client_does_not_hold_partitions_for_ever() {
    let mut driver = Driver::plain();
    driver.disconnect(A);
    assert_eq!(driver.join(A).unwrap().0, 1);
    assert_eq!(driver.join(client(1, 1)), None);
    driver.run_until(45);
    assert_eq!(assignment(&driver.answers.pop().unwrap().1).1.len(), 4);
}

#[test]
fn an_orderly_leave_hands_over_at_once() {
    let mut driver = pair();
    assert_eq!(driver.fetch(B, 2, 2, 0), Outcome::Parked);
    assert_eq!(outcome(driver.ask(A, Request::Leave { group: GROUP })), Outcome::Ok);
    let (_, response) = driver.answers.pop().unwrap();
    assert_eq!(outcome(Some(response)), Outcome::Refused(Refusal::RebalanceInProgress));
    let (generation, partitions) = driver.join(B).unwrap();
    assert_eq!((generation, partitions.len()), (3, 4));
}

/// Everybody's fetch is interrupted, the newcomer's range is taken from both, and until then the
/// old generation may commit.
#[test]
fn an_eager_rebalance_revokes_everything() {
    let mut driver = pair();
    assert_eq!(driver.fetch(A, 2, 0, 0), Outcome::Parked);
    assert_eq!(driver.fetch(B, 2, 2, 0), Outcome::Parked);
    let newcomer = client(3, 0);
    assert_eq!(driver.join(newcomer), None);
    let refused: Vec<Outcome> = driver.answers.drain(..).map(|(_, r)| outcome(Some(r))).collect();
    let in_progress = || Outcome::Refused(Refusal::RebalanceInProgress);
    assert_eq!(refused, [in_progress(), in_progress()]);
    assert_eq!(driver.fetch(A, 1, 0, 0), Outcome::Refused(Refusal::IllegalGeneration));
    assert_eq!(driver.commit(A, 2, 0, 7), Outcome::Ok);
    assert_eq!(driver.join(A), None);
    assert_eq!(driver.join(B).unwrap(), (3, vec![(2, None)]));
    let others: Vec<Assignment> = driver.answers.iter().map(|(_, r)| assignment(r).1).collect();
    assert_eq!(others, [vec![(3, None)], vec![(0, Some(7)), (1, None)]]);
    assert_eq!(driver.commit(A, 2, 0, 9), Outcome::Refused(Refusal::IllegalGeneration));
}

#[test]
fn a_zombie_is_fenced() {
    let mut driver = pair();
    driver.broker.silent(driver.now, A);
    driver.run_until(45);
    assert_eq!(driver.join(B).unwrap().0, 3);
    driver.broker.heard(driver.now, A);
    assert_eq!(driver.commit(A, 2, 0, 1), Outcome::Refused(Refusal::UnknownMember));
    assert_eq!(driver.fetch(A, 2, 0, 0), Outcome::Refused(Refusal::UnknownMember));
    assert_eq!(driver.join(A), None, "it joins again as a new member");
    driver.join(B);
    assert_eq!(driver.commit(A, 2, 0, 1), Outcome::Refused(Refusal::IllegalGeneration));
    assert_eq!(driver.commit(A, 4, 0, 1), Outcome::Ok);
}

#[test]
fn a_client_heard_again_in_time_keeps_its_membership() {
    let mut driver = pair();
    driver.broker.silent(driver.now, A);
    driver.run_until(44);
    driver.broker.heard(driver.now, A);
    driver.run_until(1_000);
    assert_eq!(driver.commit(A, 2, 0, 1), Outcome::Ok);
    assert_eq!(driver.broker.next_deadline(), None);
}

#[test]
fn commits_do_not_wake_parked_requests() {
    let mut driver = pair();
    driver.commit(A, 2, 0, 9);
    assert!(!driver.broker.take_changed());
    driver.fetch(A, 2, 0, 0);
    assert!(!driver.broker.take_changed());
}

#[test]
fn a_restart_forgets_members_and_keeps_records_and_offsets() {
    let mut driver = pair();
    driver.store(0, 0..3);
    driver.commit(A, 2, 0, 1);
    assert_eq!(driver.fetch(A, 2, 0, 3), Outcome::Parked);
    driver.broker.restart(driver.now, &mut driver.ground_truth);
    driver.offer_again();
    assert_eq!(driver.kinds().last(), Some(&Kind::BrokerRestarted));
    let (_, response) = driver.answers.pop().unwrap();
    assert_eq!(outcome(Some(response)), Outcome::Refused(Refusal::UnknownMember));
    assert_eq!(driver.commit(A, 2, 0, 2), Outcome::Refused(Refusal::UnknownMember));
    let (generation, partitions) = driver.join(A).unwrap();
    assert_eq!((generation, partitions[0]), (3, (0, Some(1))), "the generation goes on");
    assert_eq!(driver.fetch(A, 3, 0, 1), Outcome::Records(vec![1, 2]));
}

#[test]
fn a_join_parked_across_a_restart_is_a_new_join() {
    let mut driver = pair();
    assert_eq!(driver.join(client(3, 0)), None);
    driver.broker.restart(driver.now, &mut driver.ground_truth);
    driver.offer_again();
    assert_eq!(assignment(&driver.answers.pop().unwrap().1).0, 3);
}

#[test]
fn the_audit_finds_what_each_group_has_not_committed() {
    let mut driver = pair();
    driver.store(0, 0..4);
    driver.store(2, 4..6);
    driver.commit(A, 2, 0, 3);
    driver.commit(B, 2, 2, u64::MAX);
    assert_eq!(driver.audited(GROUP), [3]);
    assert_eq!(driver.audited(OTHER_GROUP), [0, 1, 2, 3, 4, 5]);
}

/// Segments of two records; one record a minute from minute 0 to 4; a check every 5 minutes.
fn retained(settings: LogSettings) -> Driver {
    let mut driver = Driver::new(LogSettings { segment_bytes: 20, ..settings });
    for minute in 0..5 {
        driver.run_until(u64::from(minute) * 60);
        driver.store(0, minute..minute + 1);
    }
    driver
}

#[test]
fn retention_by_time_deletes_whole_segments_at_checks() {
    let mut driver = retained(LogSettings {
        retention_time: Some(Duration::from_secs(7 * 60)),
        ..LogSettings::default()
    });
    assert_eq!(driver.broker.next_housekeeping(), Some(Instant::START + Duration::from_secs(600)));
    driver.run_until(599);
    assert_eq!(driver.audited(GROUP), [0, 1, 2, 3, 4], "older than 7 minutes, and still there");
    driver.run_until(600);
    assert_eq!(driver.audited(GROUP), [2, 3, 4], "record 2 goes with record 3 or not at all");
    driver.run_until(10_000);
    assert_eq!(driver.audited(GROUP), [0; 0]);
    assert_eq!(driver.broker.next_housekeeping(), None, "nothing is left to delete");
    let removed = |id| Kind::Removed {
        message: MessageId(id),
        subscription: None,
        reason: RemoveReason::Retention,
    };
    assert_eq!(driver.kinds()[5..], [0, 1, 2, 3, 4].map(removed));
    driver.join(A);
    assert_eq!(driver.fetch(A, 1, 0, 2), Outcome::OutOfRange(5, 5));
}

#[test]
fn retention_by_bytes_keeps_at_least_the_limit() {
    let check = |bytes, expect: &[u32]| {
        let mut driver = retained(LogSettings {
            retention_time: None,
            retention_bytes: bytes,
            ..LogSettings::default()
        });
        driver.run_until(100_000);
        assert_eq!(driver.audited(GROUP), expect);
        assert_eq!(driver.broker.next_housekeeping(), None);
    };
    check(None, &[0, 1, 2, 3, 4]);
    check(Some(31), &[0, 1, 2, 3, 4]);
    check(Some(30), &[2, 3, 4]);
    check(Some(11), &[2, 3, 4]);
    check(Some(0), &[]);
}

/// The first record is due after 7 days; the next check notices that the partition is too large.
#[test]
fn too_many_bytes_are_due_before_old_age() {
    let mut driver = retained(LogSettings { retention_bytes: Some(30), ..LogSettings::default() });
    assert_eq!(driver.broker.next_housekeeping(), Some(Instant::START + Duration::from_secs(300)));
    driver.run_until(300);
    assert_eq!(driver.audited(GROUP), [2, 3, 4]);
}

/// A parked fetch whose position retention has passed is answered at once.
#[test]
fn retention_answers_a_parked_fetch_that_it_left_behind() {
    let mut driver = retained(LogSettings {
        retention_bytes: Some(0),
        retention_time: None,
        ..LogSettings::default()
    });
    driver.join(A);
    let positions = vec![PartitionOffset { partition: PartitionId(0), offset: 3 }];
    let mut request = fetch_request(1, positions, Instant::NEVER);
    let Request::Fetch { max_records, .. } = &mut request else { unreachable!() };
    *max_records = 0;
    assert_eq!(driver.ask(A, request), None);
    driver.run_until(300);
    let (_, response) = driver.answers.pop().unwrap();
    assert_eq!(outcome(Some(response)), Outcome::OutOfRange(5, 5));
}

#[test]
fn nonsense_is_refused_and_harmless() {
    let mut driver = pair();
    let nowhere = PartitionOffset { partition: PartitionId(4), offset: 0 };
    let (group, generation) = (SubscriptionId(2), Generation(2));
    let unknown = |driver: &mut Driver, request| {
        let answer = outcome(driver.ask(A, request));
        assert_eq!(answer, Outcome::Refused(Refusal::UnknownPartition));
    };
    unknown(&mut driver, Request::Join { group, has: Generation(0) });
    unknown(&mut driver, Request::Leave { group });
    unknown(&mut driver, fetch_request(2, vec![nowhere], Instant::NEVER));
    unknown(
        &mut driver,
        commit_request(2, vec![PartitionOffset { partition: PartitionId(0), offset: 5 }, nowhere]),
    );
    let (offsets, trigger) = (Vec::new(), SettleTrigger::Timer);
    unknown(&mut driver, Request::Commit { group, generation, offsets, trigger });
    let (partition, records, acks) = (PartitionId(u16::MAX), vec![record(0)], Acks::All);
    unknown(&mut driver, Request::Produce { partition, records, acks, sequence: None });
    assert_eq!(driver.kinds(), [], "a refused request changes nothing");
}

/// What is left for a group is what its next member would read, and that depends on its policy:
/// without a commit, and with one that retention has passed.
#[test]
fn the_audit_begins_where_the_reset_policy_does() {
    let check = |auto_offset_reset, unread: &[u32], left: &[u32]| {
        let bytes = LogSettings { retention_bytes: Some(30), ..LogSettings::default() };
        let mut driver = retained(LogSettings { auto_offset_reset, ..bytes });
        assert_eq!(driver.audited(GROUP), unread, "{auto_offset_reset:?}");
        driver.join(A);
        driver.commit(A, 1, 0, 1);
        assert_eq!(driver.audited(GROUP), [1, 2, 3, 4], "a valid commit decides");
        driver.run_until(300);
        assert_eq!(driver.audited(GROUP), left, "{auto_offset_reset:?}");
    };
    check(OffsetReset::Earliest, &[0, 1, 2, 3, 4], &[2, 3, 4]);
    check(OffsetReset::None, &[0, 1, 2, 3, 4], &[2, 3, 4]);
    check(OffsetReset::Latest, &[], &[]);
    let minutes = |minutes: u64| OffsetReset::ByDuration(Duration::from_secs(60 * minutes));
    check(minutes(2), &[2, 3, 4], &[3, 4]);
    check(minutes(60), &[0, 1, 2, 3, 4], &[2, 3, 4]);
}

/// Somebody from outside says so; a group that is not stable is left alone.
#[test]
fn a_rebalance_from_outside_makes_every_member_join_again() {
    let mut driver = pair();
    driver.broker.rebalance(driver.now, OTHER_GROUP);
    assert!(!driver.broker.take_changed(), "nobody is there");
    assert_eq!(driver.fetch(A, 2, 0, 0), Outcome::Parked);
    driver.broker.rebalance(driver.now, GROUP);
    driver.offer_again();
    let (_, response) = driver.answers.pop().unwrap();
    assert_eq!(outcome(Some(response)), Outcome::Refused(Refusal::RebalanceInProgress));
    assert_eq!(driver.join(A), None);
    assert_eq!(driver.join(B).unwrap(), (3, vec![(2, None), (3, None)]));
}

/// A parked Join may be offered again when the deadline has passed and time has not been told yet.
#[test]
fn a_join_that_is_offered_after_the_deadline_ends_the_rebalance() {
    for late in [300, 301] {
        let mut driver = Driver::plain();
        driver.join(A);
        assert_eq!(driver.join(B), None);
        driver.now += Duration::from_secs(late);
        let all = (0..4).map(|partition| (partition, None)).collect();
        assert_eq!(driver.join(B), Some((2, all)), "without A, which has not joined");
    }
}

#[test]
fn time_that_is_told_before_anything_is_due_changes_nothing() {
    let retention_time = Some(Duration::from_secs(7 * 60));
    let mut driver = retained(LogSettings { retention_time, ..LogSettings::default() });
    driver.now = Instant::START + Duration::from_secs(599);
    driver.broker.advance(driver.now, &mut driver.ground_truth);
    assert_eq!(driver.audited(GROUP), [0, 1, 2, 3, 4], "checks are at multiples of 5 minutes");
    driver.run_until(600);
    assert_eq!(driver.audited(GROUP), [2, 3, 4]);
}

#[test]
fn a_log_tells_generations_and_commits_and_gives_no_tags() {
    let mut driver = pair();
    assert_eq!(driver.commit(A, 2, 1, 5), Outcome::Ok);
    let (broker, nowhere) = (&driver.broker, SubscriptionId(9));
    assert!(broker.has_groups());
    assert_eq!([GROUP, nowhere].map(|of| broker.generation(of).0), [2, 0]);
    assert_eq!([GROUP, nowhere].map(|of| broker.next_tag(of)), [0, 0]);
    let committed = |group, partition| broker.committed(group, PartitionId(partition));
    assert_eq!([0, 1, 4].map(|partition| committed(GROUP, partition)), [None, Some(5), None]);
    assert_eq!([OTHER_GROUP, nowhere].map(|group| committed(group, 1)), [None, None]);
}
