//! One answer that was not harmless, and when a list of them is simpler than another.

use std::cmp::Ordering;

use crate::Point;

/// A non-zero answer: at the `occurrence`-th pick of `point`, the answer is `value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    /// Where.
    pub point: Point,
    /// Which pick of that point; the first is 1.
    pub occurrence: u32,
    /// The answer. A 0 says nothing, because that is the answer anyway.
    pub value: u32,
}

/// Shortlex: fewer choices are simpler; of equally many, the lower ones are. Choices compare by
/// occurrence (earlier in the run), then by point and value. The order within a list does not
/// matter, so lowering one part of one choice always makes a list simpler.
pub fn simplicity(a: &[Choice], b: &[Choice]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| ranks(a).cmp(&ranks(b)))
}

fn ranks(choices: &[Choice]) -> Vec<(u32, Point, u32)> {
    let mut ranks: Vec<_> = choices.iter().map(|c| (c.occurrence, c.point, c.value)).collect();
    ranks.sort_unstable();
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(rows: &[(u16, u32, u32)]) -> Vec<Choice> {
        let choice =
            |&(point, occurrence, value)| Choice { point: Point(point), occurrence, value };
        rows.iter().map(choice).collect()
    }

    #[test]
    fn fewer_then_lower() {
        let check = |a: &[(u16, u32, u32)], b: &[(u16, u32, u32)], expect| {
            assert_eq!(simplicity(&list(a), &list(b)), expect, "{a:?} {b:?}");
        };
        check(&[], &[(0, 1, 1)], Ordering::Less);
        check(&[(9, 9, 9)], &[(0, 1, 1), (0, 2, 1)], Ordering::Less);
        check(&[(3, 1, 1)], &[(0, 5, 1)], Ordering::Less);
        check(&[(0, 1, 2)], &[(1, 1, 1)], Ordering::Less);
        check(&[(0, 1, 2)], &[(0, 1, 1)], Ordering::Greater);
        check(&[(0, 1, 1), (1, 4, 1)], &[(1, 4, 1), (0, 1, 1)], Ordering::Equal);
    }

    proptest! {
        #[test]
        fn lowering_any_part_is_simpler(
            parts in prop::collection::vec((0..5_u16, 1..9_u32, 1..4_u32), 1..6),
            victim: prop::sample::Index,
            part in 0..3,
        ) {
            let list = list(&parts);
            let mut lower = list.clone();
            let victim = victim.get_mut(&mut lower);
            match part {
                0 => victim.point.0 = victim.point.0.saturating_sub(1),
                1 => victim.occurrence -= 1,
                _ => victim.value -= 1,
            }
            let expect = if lower == list { Ordering::Equal } else { Ordering::Less };
            prop_assert_eq!(simplicity(&lower, &list), expect);
            prop_assert_eq!(simplicity(&list, &lower), expect.reverse());
        }
    }
}
