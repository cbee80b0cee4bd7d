//! Cooperative rebalances: members keep what does not move, and what moves has no owner in between.

use super::*;

const C: ClientId = client(3, 0);

fn settings(rebalance_protocol: RebalanceProtocol) -> LogSettings {
    LogSettings {
        partitions: 4,
        assignor: Assignor::Sticky,
        rebalance_protocol,
        retention_time: None,
        ..LogSettings::default()
    }
}

fn join(driver: &mut Driver, from: ClientId, has: u32) -> Option<(u32, Vec<u16>)> {
    let request = Request::Join { group: GROUP, has: Generation(has) };
    driver.ask(from, request).as_ref().map(partitions)
}

fn partitions(response: &Response) -> (u32, Vec<u16>) {
    let (generation, assigned) = assignment(response);
    (generation, assigned.into_iter().map(|(partition, _)| partition).collect())
}

/// The answer that a parked Join of a member has got meanwhile.
fn answered(driver: &mut Driver, to: ClientId) -> (u32, Vec<u16>) {
    let at = driver.answers.iter().position(|(from, _)| *from == to).expect("an answer");
    partitions(&driver.answers.remove(at).1)
}

/// A had everything; B has come, and A has learnt what it is to give up.
fn first_round(driver: &mut Driver) {
    assert_eq!(join(driver, A, 0), Some((1, vec![0, 1, 2, 3])));
    assert_eq!(join(driver, B, 0), None);
    assert_eq!(join(driver, A, 1), Some((2, vec![0, 1])));
    assert_eq!(answered(driver, B), (2, vec![]), "what moves is still A's");
}

#[test]
fn what_moves_is_revoked_in_one_round_and_assigned_in_the_next() {
    let mut driver = Driver::new(settings(RebalanceProtocol::Cooperative));
    first_round(&mut driver);
    assert_eq!(driver.fetch(A, 2, 0, 0), Outcome::Parked, "the others go on");
    assert_eq!(join(&mut driver, A, 2), None, "it has given them up");
    let (_, fetch) = driver.answers.pop().unwrap();
    assert_eq!(outcome(Some(fetch)), Outcome::Refused(Refusal::RebalanceInProgress));
    assert_eq!(join(&mut driver, B, 2), Some((3, vec![2, 3])));
    assert_eq!(answered(&mut driver, A).1, [0, 1]);
}

/// A Join that names an older assignment, as a duplicate does, gives nothing up.
#[test]
fn only_who_has_taken_over_the_assignment_gives_up() {
    let mut driver = Driver::new(settings(RebalanceProtocol::Cooperative));
    first_round(&mut driver);
    assert_eq!(join(&mut driver, A, 1), Some((2, vec![0, 1])));
    assert_eq!(join(&mut driver, C, 0), None, "another rebalance");
    assert_eq!(join(&mut driver, A, 1), None);
    let (generation, of_b) = join(&mut driver, B, 2).unwrap();
    assert_eq!((generation, of_b), (3, vec![]), "A may still act on what it had");
    assert_eq!(answered(&mut driver, C), (3, vec![]));
}

/// A member that has given up says so with the next Join that arrives, also if another rebalance
/// has ended meanwhile: what it gave up is not withheld for ever.
#[test]
fn giving_up_is_not_lost_in_another_rebalance() {
    let mut driver = Driver::new(settings(RebalanceProtocol::Cooperative));
    first_round(&mut driver);
    assert_eq!(join(&mut driver, C, 0), None);
    assert_eq!(join(&mut driver, A, 1), None, "a duplicate");
    join(&mut driver, B, 2);
    assert_eq!(driver.broker.generation(GROUP).0, 3);
    driver.answers.clear();
    assert_eq!(join(&mut driver, A, 2), None, "its own Join, under the assignment before");
    join(&mut driver, B, 3);
    join(&mut driver, C, 3);
    let mut all: Vec<u16> = driver.answers.iter().flat_map(|(_, one)| partitions(one).1).collect();
    all.extend(join(&mut driver, C, 4).unwrap().1);
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
}

/// The owner of what moves may commit until it has given it up, also where ownership is checked.
#[test]
fn a_commit_before_giving_up_counts() {
    for ownership in [false, true] {
        let mut driver = Driver::new(settings(RebalanceProtocol::Cooperative));
        driver.broker.commit_checks = CommitChecks { ownership, forward: false };
        first_round(&mut driver);
        assert_eq!(driver.commit(A, 2, 3, 7), Outcome::Ok);
        join(&mut driver, A, 2);
        let late = driver.commit(A, 2, 3, 8);
        let refused = Outcome::Refused(Refusal::NotOwner);
        assert_eq!(late, if ownership { refused } else { Outcome::Ok }, "the hole");
        join(&mut driver, B, 2);
        let committed = driver.broker.committed(GROUP, PartitionId(3));
        assert_eq!(committed, Some(if ownership { 7 } else { 8 }));
    }
}

/// What a member had that is gone is free at once.
#[test]
fn what_a_lost_member_had_is_assigned_in_one_round() {
    let mut driver = Driver::new(settings(RebalanceProtocol::Cooperative));
    first_round(&mut driver);
    driver.disconnect(A);
    driver.run_until(45);
    assert_eq!(join(&mut driver, B, 2), Some((3, vec![0, 1, 2, 3])));
}

/// Who was removed and does not know it is told so; it cannot bring back what it had.
#[test]
fn a_member_that_was_removed_joins_with_nothing() {
    let mut driver = Driver::new(settings(RebalanceProtocol::Cooperative));
    first_round(&mut driver);
    driver.broker.restart(driver.now, &mut driver.ground_truth);
    let request = Request::Join { group: GROUP, has: Generation(2) };
    assert_eq!(outcome(driver.ask(A, request)), Outcome::Refused(Refusal::UnknownMember));
    assert_eq!(join(&mut driver, A, 0), Some((3, vec![0, 1, 2, 3])));
}

/// And the opposite: an eager rebalance moves in one round.
#[test]
fn an_eager_rebalance_has_one_round() {
    let mut driver = Driver::new(settings(RebalanceProtocol::Eager));
    join(&mut driver, A, 0);
    join(&mut driver, B, 0);
    assert_eq!(join(&mut driver, A, 0), Some((2, vec![0, 1])));
    assert_eq!(answered(&mut driver, B), (2, vec![2, 3]));
}
