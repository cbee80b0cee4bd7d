//! Which choices are tried, and how many of them in one run.

use std::collections::BTreeSet;
use std::sync::Arc;

use entrega_choice::Point;
use entrega_scenario::Scenario;
use entrega_scenario::points::{self, FaultKind};

/// The maximum number of budgets in a space.
pub const MAX_BUDGETS: usize = 3;

/// How many choices of each budget a run has made.
pub type Used = [u8; MAX_BUDGETS];

/// How many of some choices a run may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many of them a run makes at most.
    pub most: u8,
    /// Whether only runs that made one of them are looked at.
    pub required: bool,
    /// The choices: where, and which alternative.
    pub choices: Vec<(Point, u32)>,
}

/// All runs within some budgets. A choice that is in several counts for the first in which
/// something is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    budgets: Vec<Budget>,
    /// The maximum number of choices in one run, over all budgets from `apart` on.
    together: u8,
    /// How many budgets at the beginning do not count towards it.
    apart: usize,
}

impl Space {
    /// The space of these budgets, [`MAX_BUDGETS`] at most; more are ignored.
    pub fn new(mut budgets: Vec<Budget>) -> Self {
        budgets.truncate(MAX_BUDGETS);
        for budget in &mut budgets {
            budget.choices.sort_unstable();
            budget.choices.dedup();
        }
        Self { budgets, together: u8::MAX, apart: 0 }
    }

    /// What a scenario names under `[faults]` or `[[script]]`, up to `faults` of it in one run, and
    /// up to `preemptions` changes of order.
    pub fn of(scenario: &Scenario, faults: u8, preemptions: u8) -> Self {
        let named = scenario.named_faults().into_iter().flat_map(|(point, chosen)| {
            let kind = points::kind_of(point, chosen).into_iter();
            let explored = kind.flat_map(|(fault, act)| points::info(fault).explored(act));
            explored.map(move |value| (point, value))
        });
        let faults = Budget { most: faults, required: false, choices: named.collect() };
        Self::new(vec![faults, Budget::preemptions(preemptions)])
    }

    /// Up to `faults` of these kinds in one run, and up to `preemptions` changes of order.
    pub fn of_kinds(kinds: &[FaultKind], faults: u8, preemptions: u8) -> Self {
        let choices = kinds.iter().flat_map(|&kind| points::chosen_in(kind)).collect();
        let faults = Budget { most: faults, required: false, choices };
        Self::new(vec![faults, Budget::preemptions(preemptions)])
    }

    /// The same, with at most this many choices in one run, whatever budgets they are of.
    #[must_use]
    pub fn together(self, most: u8) -> Self {
        Self { together: most, ..self }
    }

    /// The same, with a budget of which a choice is spent before any other. It does not count
    /// [together](Self::together) with the others.
    #[must_use]
    pub fn spending_first(self, budget: Budget) -> Self {
        let Self { budgets, together, apart } = self;
        Self { together, apart: apart + 1, ..Self::new([vec![budget], budgets].concat()) }
    }

    /// The budgets.
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// The points at which some budget has a choice.
    pub(super) fn open(&self) -> Arc<[Point]> {
        let budgets = self.budgets.iter().filter(|budget| budget.most > 0);
        let points = budgets.flat_map(|budget| budget.choices.iter().map(|&(point, _)| point));
        points.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What a run has used when it makes one choice more; none if it may not.
    pub(super) fn spend(&self, used: Used, point: Point, value: u32) -> Option<Used> {
        let wanted = |budget: &Budget| budget.choices.binary_search(&(point, value)).is_ok();
        let index = (0..self.budgets.len()).find(|&index| {
            used[index] < self.budgets[index].most && wanted(&self.budgets[index])
        })?;
        let mut used = used;
        used[index] += 1;
        let together: u32 = used.iter().skip(self.apart).copied().map(u32::from).sum();
        (index < self.apart || together <= u32::from(self.together)).then_some(used)
    }

    /// The alternatives of a point that some budget has.
    pub(super) fn alternatives(&self, point: Point, bound: u32) -> impl Iterator<Item = u32> {
        (1..bound).filter(move |&value| {
            self.budgets.iter().any(|budget| budget.choices.binary_search(&(point, value)).is_ok())
        })
    }

    /// Whether a run that has used this much is looked at.
    pub(super) fn counts(&self, used: Used) -> bool {
        self.budgets.iter().zip(used).all(|(budget, used)| !budget.required || used > 0)
    }
}

impl Budget {
    /// Up to `most` changes of order: requests and deadlines before their turn, handlers and
    /// the ends of polls after all others.
    pub fn preemptions(most: u8) -> Self {
        Self { most, required: false, choices: points::preemptions().collect() }
    }

    /// Of these changes of order only requests before their turn, up to `most`.
    pub fn overtakings(most: u8) -> Self {
        Self { most, required: false, choices: points::overtakings().collect() }
    }

    /// Up to `most` handlers that take until a deadline has passed.
    pub fn beyond_deadlines(most: u8) -> Self {
        Self { most, required: false, choices: points::beyond_deadlines().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(most: u8, point: u16) -> Budget {
        Budget { most, required: false, choices: vec![(Point(point), 1)] }
    }

    /// How often a run of this space may choose at each of these points in turn.
    fn spent(space: &Space, points: &[u16]) -> usize {
        let mut used = Used::default();
        let spend = |&&point: &&u16| match space.spend(used, Point(point), 1) {
            Some(more) => {
                used = more;
                true
            }
            None => false,
        };
        points.iter().filter(spend).count()
    }

    #[test]
    fn budgets_are_bounded_apart_and_together() {
        let space = Space::new(vec![budget(2, 0), budget(1, 1)]);
        assert_eq!(spent(&space, &[0, 0, 0, 1, 1]), 3);
        let together = space.together(2);
        assert_eq!(spent(&together, &[0, 0, 1]), 2);
        assert_eq!(spent(&together, &[1, 0, 0]), 2);
    }

    /// Whether it is added before or after, a budget that is spent first is its own.
    #[test]
    fn what_is_spent_first_does_not_count_together() {
        let space = || Space::new(vec![budget(2, 0), budget(1, 1)]);
        for space in [
            space().together(1).spending_first(budget(2, 2)),
            space().spending_first(budget(2, 2)).together(1),
        ] {
            assert_eq!(spent(&space, &[2, 2, 2, 0, 1]), 3);
            assert_eq!(spent(&space, &[0, 1, 2, 2]), 3);
        }
    }
}
