//! Who reads which partition.
//!
//! > **The rule.** No two members have a partition, every partition has a member, and the numbers
//! > of partitions of two members differ by at most one.
//!
//! * **Range**, Kafka's default: members in the order of their
//!   [`ClientId`](entrega_model::ClientId), partitions in contiguous ranges, the longer ones first.
//!   The same members get the same ranges, in whatever order they joined; but one that comes or
//!   goes moves partitions between members that stay.
//! * **Sticky**: every member keeps as many of its partitions as it may have, and only the others
//!   are shared out. The members that have most are the ones that may have one more.
//!
//! These are Kafka's `RangeAssignor` and `StickyAssignor` for one topic [KAFKA-SRC]. A member
//! beyond the number of partitions gets none and waits as a spare.

use std::ops::Range;

use super::group::Member;

/// How the partitions are shared out (`partition.assignment.strategy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Assignor {
    /// In contiguous ranges, in the order of the members.
    #[default]
    Range,
    /// So that as few partitions as possible move.
    Sticky,
}

/// What members give up for a rebalance (`ConsumerPartitionAssignor.RebalanceProtocol`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RebalanceProtocol {
    /// Everything, before it begins.
    #[default]
    Eager,
    /// What moves, after a first rebalance (KIP-429).
    Cooperative,
}

impl Assignor {
    /// Shares `partitions` partitions out among `members`, which stand in order and have what they
    /// had before.
    pub(super) fn share_out(self, partitions: u16, members: &mut [Member]) {
        match self {
            Self::Range => {
                let count = members.len();
                for (index, member) in members.iter_mut().enumerate() {
                    member.assigned.clear();
                    member.assigned.extend(range(partitions, index, count));
                }
            }
            Self::Sticky => {
                let mut owned: Vec<&mut Vec<u16>> =
                    members.iter_mut().map(|member| &mut member.assigned).collect();
                stick(partitions, &mut owned);
            }
        }
    }
}

/// Takes from who has too much, and gives what is nobody's to who has too little.
fn stick(partitions: u16, members: &mut [&mut Vec<u16>]) {
    members.sort_by_key(|owned| std::cmp::Reverse(owned.len()));
    let count = members.len().max(1);
    let (least, more) = (usize::from(partitions) / count, usize::from(partitions) % count);
    let quota = |index: usize| least + usize::from(index < more);
    for (index, owned) in members.iter_mut().enumerate() {
        owned.truncate(quota(index));
    }
    let is_free = |partition: &u16| !members.iter().any(|owned| owned.contains(partition));
    let free: Vec<u16> = (0..partitions).filter(is_free).collect();
    let mut free = free.into_iter();
    for (index, owned) in members.iter_mut().enumerate() {
        let missing = quota(index) - owned.len();
        owned.extend(free.by_ref().take(missing));
        owned.sort_unstable();
    }
}

/// The numbers of the partitions of the member at `index` among `members` members.
fn range(partitions: u16, index: usize, members: usize) -> Range<u16> {
    boundary(partitions, index, members)..boundary(partitions, index + 1, members)
}

/// Where the range of the member at `index` begins.
fn boundary(partitions: u16, index: usize, members: usize) -> u16 {
    let (total, members) = (usize::from(partitions), members.max(1));
    let start = index * (total / members) + index.min(total % members);
    start.min(total) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_contiguous_and_even() {
        let check = |partitions, members: usize, expect: &[&[u16]]| {
            let dealt: Vec<Vec<u16>> =
                (0..members).map(|index| range(partitions, index, members).collect()).collect();
            assert_eq!(dealt, expect);
        };
        check(4, 1, &[&[0, 1, 2, 3]]);
        check(4, 2, &[&[0, 1], &[2, 3]]);
        check(5, 2, &[&[0, 1, 2], &[3, 4]]);
        check(7, 3, &[&[0, 1, 2], &[3, 4], &[5, 6]]);
        check(2, 3, &[&[0], &[1], &[]]);
        check(0, 2, &[&[], &[]]);
    }

    #[test]
    fn each_partition_has_one_owner_whatever_the_numbers() {
        for (partitions, members) in [(1, 1), (12, 5), (100, 7), (3, 100), (u16::MAX, 9)] {
            let dealt = (0..members).flat_map(|index| range(partitions, index, members));
            assert!(dealt.eq(0..partitions));
        }
    }

    #[test]
    fn sticky_moves_as_little_as_it_can() {
        let check = |partitions, before: &[&[u16]], expect: &[&[u16]]| {
            let mut members: Vec<Vec<u16>> = before.iter().map(|owned| owned.to_vec()).collect();
            stick(partitions, &mut members.iter_mut().collect::<Vec<_>>());
            assert_eq!(members, expect, "{partitions} after {before:?}");
        };
        check(4, &[&[]], &[&[0, 1, 2, 3]]);
        check(4, &[&[0, 1, 2, 3], &[]], &[&[0, 1], &[2, 3]]);
        check(4, &[&[0, 1], &[2, 3], &[]], &[&[0, 1], &[2], &[3]]);
        check(4, &[&[2], &[3]], &[&[0, 2], &[1, 3]]);
        check(5, &[&[0, 1], &[2, 3, 4]], &[&[0, 1], &[2, 3, 4]]);
        check(3, &[&[], &[0, 1, 2], &[]], &[&[1], &[0], &[2]]);
        check(6, &[&[0, 1], &[2, 3]], &[&[0, 1, 4], &[2, 3, 5]]);
        check(1, &[&[], &[0]], &[&[], &[0]]);
    }

    /// Whatever they had before, every partition has one owner and nobody has two more than
    /// another.
    #[test]
    fn sticky_is_even_whatever_was_before() {
        for count in 1..6_usize {
            let mut members: Vec<Vec<u16>> = vec![Vec::new(); count];
            for partitions in [7, 9, 12] {
                stick(partitions, &mut members.iter_mut().collect::<Vec<_>>());
                let mut all: Vec<u16> = members.concat();
                all.sort_unstable();
                assert!(all.iter().copied().eq(0..partitions), "{members:?}");
                let lengths = members.iter().map(Vec::len);
                assert!(lengths.clone().max() <= lengths.min().map(|least| least + 1));
                members.rotate_left(1);
                members[0].clear();
            }
        }
    }
}
