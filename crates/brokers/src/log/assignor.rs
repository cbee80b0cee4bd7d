//! Who reads which partition.
//!
//! > **The rule.** Members are put in the order of their [`ClientId`](entrega_model::ClientId) and
//! > the partitions are dealt in contiguous ranges whose lengths differ by at most one, the longer
//! > ones first. The same members get the same ranges, in whatever order they joined.
//!
//! This is Kafka's `RangeAssignor` for one topic [KAFKA-SRC]. A member beyond the number of
//! partitions gets none and waits as a spare.

use std::ops::Range;

/// The numbers of the partitions of the member at `index` among `members` members.
pub(super) fn range(partitions: u16, index: usize, members: usize) -> Range<u16> {
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
}
