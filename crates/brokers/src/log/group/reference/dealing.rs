//! Sharing the partitions out, naively.
//!
//! Who has which partition is a list of the numbers of members, one for each partition. Sticky does
//! not work out what to move: it searches all lists for one that moves nothing, then for one that
//! moves one partition, and so on.

use std::cmp::Reverse;

use crate::log::Assignor;

/// The owner of each of `partitions` partitions among `members` members; `before` says what each of
/// these had.
pub(super) fn dealt(assignor: Assignor, partitions: u16, before: &[Vec<u16>]) -> Vec<usize> {
    match assignor {
        Assignor::Range => in_ranges(partitions, before.len()),
        Assignor::Sticky => stuck(partitions, before),
    }
}

/// The first members have one more if the numbers do not divide.
pub(super) fn in_ranges(partitions: u16, members: usize) -> Vec<usize> {
    let count = usize::from(partitions);
    let size = |member| count / members + usize::from(member < count % members);
    (0..members).flat_map(|member| vec![member; size(member)]).collect()
}

/// Of the lists in which every member has as many as is fair, the first of those that move least.
/// Earlier is a list that leaves the first partition where it was, else one that gives it to the
/// member that had most.
fn stuck(partitions: u16, before: &[Vec<u16>]) -> Vec<usize> {
    let sizes = fair(usize::from(partitions), before);
    let mut found = (0..).map(|moves| first_list(&[], before, &sizes, moves));
    found.find_map(|list| list).expect("some list is fair")
}

/// How many each member gets: those that had most may have one more.
fn fair(partitions: usize, before: &[Vec<u16>]) -> Vec<usize> {
    let (members, ranks) = (before.len(), by_most(before));
    let rank = |member| ranks.iter().position(|one| *one == member).expect("all are there");
    let size = |member| partitions / members + usize::from(rank(member) < partitions % members);
    (0..members).map(size).collect()
}

/// The members, those that had most first.
fn by_most(before: &[Vec<u16>]) -> Vec<usize> {
    let mut members: Vec<usize> = (0..before.len()).collect();
    members.sort_by_key(|member| Reverse(before[*member].len()));
    members
}

/// The first list that begins like this, gives no member more than its size, and moves at most
/// `moves` partitions.
fn first_list(
    begin: &[usize],
    before: &[Vec<u16>],
    sizes: &[usize],
    moves: usize,
) -> Option<Vec<usize>> {
    if begin.len() == sizes.iter().sum::<usize>() {
        return Some(begin.to_vec());
    }
    let partition = begin.len() as u16;
    let had = before.iter().position(|owned| owned.contains(&partition));
    let has_room = |owner: &usize| begin.iter().filter(|one| *one == owner).count() < sizes[*owner];
    let others = by_most(before).into_iter().filter(|owner| Some(*owner) != had);
    let mut owners = had.into_iter().chain(others).filter(has_room);
    owners.find_map(|owner| {
        let moves = moves.checked_sub(usize::from(had.is_some_and(|had| had != owner)))?;
        first_list(&[begin, &[owner]].concat(), before, sizes, moves)
    })
}
