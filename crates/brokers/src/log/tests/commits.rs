//! What a commit is checked for: Kafka's two holes, and the checks that close them.

use super::*;

/// The two holes: no check of ownership, none of monotonicity.
#[test]
fn a_live_member_commits_what_it_does_not_own_and_backwards() {
    let mut driver = pair();
    assert_eq!(driver.commit(B, 2, 0, 9), Outcome::Ok);
    assert_eq!(driver.commit(A, 2, 0, 4), Outcome::Ok);
    let committed = |consumer: ClientId, upto, previous| Kind::Committed {
        subscription: GROUP,
        consumer: consumer.process,
        partition: PartitionId(0),
        upto,
        previous,
        trigger: SettleTrigger::Application,
    };
    assert_eq!(driver.kinds(), [committed(B, 9, 0), committed(A, 4, 9)]);
}

/// A and B as [`pair`] has them, with checks.
fn checked(ownership: bool, forward: bool) -> Driver {
    let mut driver = pair();
    driver.broker.commit_checks = CommitChecks { ownership, forward };
    driver
}

/// And each check closes its own hole, for the whole request; what passes is recorded as ever.
#[test]
fn hardened_commits_refuse_what_is_not_owned_and_what_goes_back() {
    let (not_owner, backward) =
        (Outcome::Refused(Refusal::NotOwner), Outcome::Refused(Refusal::BackwardCommit));
    let mut driver = checked(true, false);
    assert_eq!(driver.commit(B, 2, 0, 9), not_owner);
    assert_eq!((driver.commit(A, 2, 0, 9), driver.commit(A, 2, 0, 4)), (Outcome::Ok, Outcome::Ok));
    let mut driver = checked(false, true);
    assert_eq!((driver.commit(B, 2, 0, 9), driver.commit(A, 2, 0, 4)), (Outcome::Ok, backward));
    assert_eq!((driver.commit(A, 2, 0, 9), driver.commit(A, 2, 0, 10)), (Outcome::Ok, Outcome::Ok));
    let before = driver.kinds();
    let at = |partition, offset| PartitionOffset { partition: PartitionId(partition), offset };
    let both = outcome(driver.ask(A, commit_request(2, vec![at(1, 3), at(0, 8)])));
    assert_eq!(both, Outcome::Refused(Refusal::BackwardCommit));
    assert_eq!(driver.broker.committed(GROUP, PartitionId(1)), None);
    assert_eq!(driver.kinds(), before, "a refused commit changes nothing");
}

/// A member owns its partitions until the rebalance that takes them away has ended.
#[test]
fn ownership_ends_with_the_rebalance() {
    let mut driver = checked(true, true);
    assert_eq!(driver.join(client(3, 0)), None);
    assert_eq!(driver.commit(A, 2, 1, 5), Outcome::Ok, "before it joins again");
    assert_eq!(driver.commit(B, 2, 1, 6), Outcome::Refused(Refusal::NotOwner));
    driver.join(A);
    driver.join(B);
    assert_eq!(driver.commit(A, 3, 3, 1), Outcome::Refused(Refusal::NotOwner));
    assert_eq!(driver.commit(A, 2, 1, 6), Outcome::Refused(Refusal::IllegalGeneration));
}

/// An operator resets a group without members, backwards too.
#[test]
fn checks_are_for_members() {
    let mut driver = checked(true, true);
    driver.commit(A, 2, 0, 9);
    assert_eq!(driver.commit(client(9, 0), 0, 0, 2), Outcome::Refused(Refusal::UnknownMember));
    driver.ask(A, Request::Leave { group: GROUP });
    driver.ask(B, Request::Leave { group: GROUP });
    assert_eq!(driver.commit(client(9, 0), 0, 0, 2), Outcome::Ok);
    assert_eq!(driver.broker.committed(GROUP, PartitionId(0)), Some(2));
}
