//! Static membership: a restart in time is no rebalance, and a longer absence is a stall.

use super::*;

/// A and B joined, A with partitions 0 and 1, B with 2 and 3, under generation 2; or the same with
/// members that are not static.
fn members(static_membership: bool) -> Driver {
    let mut driver = Driver::new(LogSettings {
        partitions: 4,
        static_membership,
        retention_time: None,
        ..LogSettings::default()
    });
    driver.join(A);
    driver.join(B);
    driver.join(A);
    driver.answers.clear();
    driver
}

const NEXT_LIFE: ClientId = client(1, 1);

#[test]
fn a_restart_in_time_takes_its_partitions_back_without_a_rebalance() {
    let mut driver = members(true);
    driver.store(0, 0..3);
    assert_eq!(driver.commit(A, 2, 0, 1), Outcome::Ok);
    let position = PartitionOffset { partition: PartitionId(2), offset: 0 };
    assert_eq!(driver.ask(B, fetch_request(2, vec![position], Instant::NEVER)), None);
    driver.disconnect(A);
    driver.run_until(44);
    assert_eq!(driver.join(NEXT_LIFE), Some((2, vec![(0, Some(1)), (1, None)])));
    assert_eq!(driver.commit(A, 2, 0, 3), Outcome::Refused(Refusal::UnknownMember), "fenced");
    assert_eq!(driver.fetch(NEXT_LIFE, 2, 0, 1), Outcome::Records(vec![1, 2]));
    driver.run_until(1_000);
    assert!(driver.answers.is_empty(), "B hears nothing of it");
    assert_eq!(driver.broker.next_deadline(), None);
}

/// A longer absence: nobody has its partitions for the session timeout, and then the others do.
#[test]
fn a_longer_absence_is_a_stall_of_the_session_timeout() {
    let mut driver = members(true);
    driver.disconnect(A);
    driver.run_until(44);
    assert_eq!(driver.fetch(B, 2, 2, 0), Outcome::Parked);
    driver.run_until(45);
    let (_, response) = driver.answers.pop().unwrap();
    assert_eq!(outcome(Some(response)), Outcome::Refused(Refusal::RebalanceInProgress));
    assert_eq!(driver.join(B).unwrap().1.len(), 4);
}

/// And the opposite: without it the next life waits for the session of the one before.
#[test]
fn a_member_that_is_not_static_waits_for_its_own_session_to_expire() {
    let mut driver = members(false);
    driver.disconnect(A);
    assert_eq!(driver.join(NEXT_LIFE), None);
    assert_eq!(driver.join(B), None);
    driver.run_until(44);
    assert!(driver.answers.is_empty());
    driver.run_until(45);
    assert_eq!(driver.answers.len(), 2);
}

/// In a rebalance too the next life stands for the instance.
#[test]
fn a_life_that_ends_in_a_rebalance_is_replaced() {
    let mut driver = members(true);
    assert_eq!(driver.join(client(3, 0)), None);
    assert_eq!(driver.join(A), None);
    driver.disconnect(A);
    assert_eq!(driver.join(NEXT_LIFE), None);
    assert_eq!(driver.join(B).unwrap(), (3, vec![(2, None)]));
    assert_eq!(driver.answers.len(), 2);
    assert_eq!(driver.commit(A, 3, 0, 1), Outcome::Refused(Refusal::UnknownMember));
}

/// A Join of an earlier life that was long on its way waits when the next life joins. It is fenced:
/// offered again, the two would take the place from each other without end.
#[test]
fn a_waiting_join_of_an_earlier_life_is_refused_when_the_next_one_joins() {
    let mut driver = members(true);
    driver.disconnect(A);
    assert_eq!(driver.join(client(3, 0)), None);
    assert_eq!(driver.join(A), None, "it arrives after its sender has died");
    assert_eq!(driver.join(NEXT_LIFE), None);
    let (from, response) = driver.answers.pop().unwrap();
    assert_eq!((from, outcome(Some(response))), (A, Outcome::Refused(Refusal::UnknownMember)));
    assert_eq!(driver.join(B).unwrap(), (3, vec![(2, None)]));
    let joined: Vec<ClientId> = driver.answers.iter().map(|(from, _)| *from).collect();
    assert_eq!(joined, [client(3, 0), NEXT_LIFE]);
}
