//! What a rebalance moves, by assignor.

use super::*;

const C: ClientId = client(3, 0);

/// Lets members join, one after the other, and says what each of them has then.
fn rebalance<const N: usize>(driver: &mut Driver, members: [ClientId; N]) -> [Vec<u16>; N] {
    driver.answers.clear();
    for member in members {
        if let Some(response) =
            driver.ask(member, Request::Join { group: GROUP, has: Generation(0) })
        {
            driver.answers.push((member, response));
        }
    }
    members.map(|member| {
        let answer = driver.answers.iter().find(|(from, _)| *from == member);
        let (_, response) = answer.expect("the rebalance has ended");
        assignment(response).1.into_iter().map(|(partition, _)| partition).collect()
    })
}

/// Of three members one leaves: whether the other two keep what they have.
fn keeps(assignor: Assignor) -> bool {
    let settings = LogSettings { partitions: 6, assignor, ..LogSettings::default() };
    let mut driver = Driver::new(LogSettings { retention_time: None, ..settings });
    let [alone] = rebalance(&mut driver, [A]);
    assert_eq!(alone.len(), 6);
    driver.join(C);
    rebalance(&mut driver, [C, A]);
    driver.join(B);
    let [_, a, b] = rebalance(&mut driver, [C, A, B]);
    assert_eq!([a.len(), b.len()], [2, 2]);
    driver.ask(C, Request::Leave { group: GROUP });
    let [later_a, later_b] = rebalance(&mut driver, [A, B]);
    assert_eq!([later_a.len(), later_b.len()], [3, 3], "{assignor:?}");
    a.iter().all(|one| later_a.contains(one)) && b.iter().all(|one| later_b.contains(one))
}

/// Sticky members keep what they have when another one goes; in ranges partitions move between
/// members that stay.
#[test]
fn only_a_sticky_assignor_leaves_members_what_they_have() {
    assert!(keeps(Assignor::Sticky));
    assert!(!keeps(Assignor::Range));
}
