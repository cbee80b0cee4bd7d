//! The group's state machine on its own: who belongs to it, and when a rebalance ends.

use super::*;
use entrega_model::{Incarnation, ProcessId};

const A: ClientId = client(0);
const B: ClientId = client(1);
const C: ClientId = client(2);

const fn client(process: u16) -> ClientId {
    ClientId { process: ProcessId(process), incarnation: Incarnation(0) }
}

fn at(secs: u64) -> Instant {
    Instant::START + Duration::from_secs(secs)
}

fn group(initial_delay_secs: u64) -> Group {
    Group::new(&LogSettings {
        partitions: 4,
        initial_rebalance_delay: Duration::from_secs(initial_delay_secs),
        ..LogSettings::default()
    })
}

fn partitions(joining: Joining) -> Option<(u32, Vec<u16>)> {
    match joining {
        Joining::Done(generation, assigned) => Some((generation.0, assigned)),
        _ => None,
    }
}

/// Members A and B, stable under generation 2.
fn pair() -> Group {
    let mut group = group(0);
    assert_eq!(partitions(group.join(at(0), A, Generation(0), true)), Some((1, vec![0, 1, 2, 3])));
    assert_eq!(partitions(group.join(at(0), B, Generation(0), true)), None);
    assert_eq!(partitions(group.join(at(0), A, Generation(0), true)), Some((2, vec![0, 1])));
    assert_eq!(partitions(group.join(at(0), B, Generation(0), true)), Some((2, vec![2, 3])));
    group.take_changed();
    group
}

fn expire(group: &mut Group, now: Instant) -> Vec<u16> {
    let mut ground_truth = Vec::new();
    group.advance(now, SubscriptionId(0), &mut ground_truth);
    let consumer = |event: Event| match event.kind {
        Kind::SessionExpired { consumer, .. } => consumer.0,
        other => panic!("not the expiry of a session: {other:?}"),
    };
    ground_truth.into_iter().map(consumer).collect()
}

#[test]
fn a_duplicated_join_of_a_stable_group_changes_nothing() {
    let mut group = pair();
    assert_eq!(partitions(group.join(at(9), B, Generation(0), true)), Some((2, vec![2, 3])));
    assert!(!group.take_changed());
    assert_eq!(group.check_fetch(A, Generation(2)), Ok(()));
}

/// Time passes for all groups of a log at once.
#[test]
fn time_that_concerns_another_group_changes_nothing() {
    let mut group = pair();
    assert_eq!(expire(&mut group, at(9)), [0; 0]);
    assert!(!group.take_changed());
    assert_eq!(group.check_fetch(A, Generation(2)), Ok(()));
}

#[test]
fn a_rebalance_waits_for_every_known_member() {
    let mut group = pair();
    assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
    assert!(group.take_changed(), "parked fetches learn of it");
    assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
    assert_eq!(group.join(at(2), A, Generation(0), true), Joining::Waits);
    assert_eq!(partitions(group.join(at(3), B, Generation(0), true)), Some((3, vec![2])));
    assert_eq!(partitions(group.join(at(3), A, Generation(0), true)), Some((3, vec![0, 1])));
    assert_eq!(partitions(group.join(at(3), C, Generation(0), true)), Some((3, vec![3])));
}

#[test]
fn who_misses_the_rebalance_deadline_is_removed() {
    let mut group = pair();
    assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
    assert_eq!(group.join(at(2), A, Generation(0), true), Joining::Waits);
    assert_eq!(group.next_deadline(), Some(at(301)));
    assert_eq!(expire(&mut group, at(300)), [0; 0]);
    assert_eq!(group.join(at(300), A, Generation(0), true), Joining::Waits);
    assert_eq!(expire(&mut group, at(301)), [0; 0]);
    assert_eq!(partitions(group.join(at(301), A, Generation(0), true)), Some((3, vec![0, 1])));
    assert_eq!(group.check_commit(B, Generation(2)), Err(Refusal::UnknownMember));
    assert_eq!(group.next_deadline(), None);
}

#[test]
fn a_rebalance_that_nobody_joins_empties_the_group() {
    let mut group = pair();
    assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
    group.disconnected(at(2), C);
    expire(&mut group, at(47));
    expire(&mut group, at(301));
    assert_eq!((group.state, group.generation), (State::Empty, Generation(3)));
}

#[test]
fn a_session_runs_only_while_a_member_is_silent() {
    let mut group = pair();
    assert_eq!(group.next_deadline(), None);
    group.silent(at(10), A);
    group.silent(at(20), A);
    assert_eq!(group.next_deadline(), Some(at(55)), "counted from when it was first silent");
    group.heard(A);
    assert_eq!(group.next_deadline(), None);
    group.silent(at(30), A);
    assert_eq!(expire(&mut group, at(74)), [0; 0]);
    assert_eq!(expire(&mut group, at(75)), [0]);
    assert!(group.take_changed());
    group.heard(A);
    assert_eq!(group.check_fetch(A, Generation(2)), Err(Refusal::UnknownMember));
    assert_eq!(group.check_fetch(B, Generation(2)), Err(Refusal::RebalanceInProgress));
    assert_eq!(partitions(group.join(at(76), B, Generation(0), true)), Some((3, vec![0, 1, 2, 3])));
}

#[test]
fn the_expiry_of_a_silent_member_unblocks_a_rebalance() {
    let mut group = pair();
    group.silent(at(1), A);
    assert_eq!(group.join(at(2), C, Generation(0), true), Joining::Waits);
    assert_eq!(group.join(at(2), B, Generation(0), true), Joining::Waits);
    assert_eq!(expire(&mut group, at(46)), [0]);
    assert_eq!(partitions(group.join(at(46), B, Generation(0), true)), Some((3, vec![0, 1])));
}

#[test]
fn a_member_whose_join_waits_is_not_timed_out() {
    let mut group = pair();
    assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
    group.silent(at(2), C);
    assert_eq!(expire(&mut group, at(100)), [0; 0]);
    group.join(at(110), A, Generation(0), true);
    group.join(at(110), B, Generation(0), true);
    assert_eq!(group.next_deadline(), Some(at(155)), "its session begins with the assignment");
    assert_eq!(expire(&mut group, at(155)), [2]);
}

#[test]
fn a_join_whose_connection_ended_counts_no_longer() {
    let mut group = pair();
    assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
    group.disconnected(at(2), C);
    group.join(at(3), A, Generation(0), true);
    assert_eq!(group.join(at(3), B, Generation(0), true), Joining::Waits);
    assert_eq!(expire(&mut group, at(47)), [2]);
    assert_eq!(partitions(group.join(at(47), B, Generation(0), true)), Some((3, vec![2, 3])));
}

#[test]
fn a_join_that_arrives_after_its_sender_fell_silent_has_a_deadline() {
    let mut group = group(0);
    assert_eq!(partitions(group.join(at(1), A, Generation(0), false)), Some((1, vec![0, 1, 2, 3])));
    assert_eq!(expire(&mut group, at(46)), [0]);
    assert_eq!(group.state, State::Empty);
}

#[test]
fn leaving_cancels_a_waiting_join() {
    let mut group = pair();
    assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
    group.take_changed();
    assert_eq!(group.leave(at(2), C), Ok(()));
    assert!(group.take_changed(), "the waiting Join is to be offered again");
    assert_eq!(group.leave(at(2), C), Err(Refusal::UnknownMember));
    assert_eq!(group.join(at(2), C, Generation(0), true), Joining::Cancelled);
    group.join(at(3), A, Generation(0), true);
    assert_eq!(partitions(group.join(at(3), B, Generation(0), true)), Some((3, vec![2, 3])));
    assert_eq!(
        group.join(at(4), C, Generation(0), true),
        Joining::Waits,
        "a new Join is a new Join"
    );
}

#[test]
fn a_cancelled_join_is_forgotten_with_its_own_connection_and_no_other() {
    let check = |gone, expect| {
        let mut group = pair();
        assert_eq!(group.join(at(1), C, Generation(0), true), Joining::Waits);
        assert_eq!(group.leave(at(2), C), Ok(()));
        group.disconnected(at(2), gone);
        assert_eq!(group.join(at(3), C, Generation(0), true), expect);
    };
    check(A, Joining::Cancelled);
    check(C, Joining::Waits);
}

#[test]
fn the_initial_delay_collects_members() {
    let mut group = group(3);
    assert_eq!(group.join(at(0), A, Generation(0), true), Joining::Waits);
    assert_eq!(group.join(at(1), B, Generation(0), true), Joining::Waits);
    assert_eq!(group.next_deadline(), Some(at(3)));
    expire(&mut group, at(3));
    assert_eq!(partitions(group.join(at(3), A, Generation(0), true)), Some((1, vec![0, 1])));
    assert_eq!(partitions(group.join(at(3), B, Generation(0), true)), Some((1, vec![2, 3])));
}

#[test]
fn an_empty_group_takes_commits_without_membership() {
    let check = |group: &Group, generation, expect| {
        assert_eq!(group.check_commit(C, Generation(generation)), expect);
    };
    let mut empty = pair();
    check(&empty, 0, Err(Refusal::UnknownMember));
    empty.leave(at(1), A).unwrap();
    empty.leave(at(1), B).unwrap();
    check(&empty, 0, Ok(()));
    check(&empty, 2, Err(Refusal::UnknownMember));
}

/// Under no generation commits are for empty groups alone, and the first rebalance of all goes on
/// under none.
#[test]
fn a_member_that_waits_for_the_first_generation_commits_nothing() {
    let mut group = group(3);
    assert_eq!(group.join(at(0), A, Generation(0), true), Joining::Waits);
    assert_eq!(group.check_commit(A, Generation(0)), Err(Refusal::IllegalGeneration));
    assert_eq!(group.check_commit(B, Generation(0)), Err(Refusal::UnknownMember));
    expire(&mut group, at(3));
    assert_eq!(group.check_commit(A, Generation(1)), Ok(()));
}
