//! Answers by list: at the n-th pick of a point, this value.

use crate::choices::NEVER;
use crate::{Choice, Point};

/// A list of choices to make, sorted by point and occurrence, and which of them have been made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    choices: Vec<Choice>,
    made: Vec<bool>,
}

impl Plan {
    /// Adds choices. Of two for the same occurrence, the one added first stands.
    pub(crate) fn extend(&mut self, choices: impl IntoIterator<Item = Choice>) {
        self.choices.extend(choices);
        self.choices.sort_by_key(|choice| (choice.point, choice.occurrence));
        self.made = vec![false; self.choices.len()];
    }

    /// How many choices there are.
    pub(crate) fn len(&self) -> usize {
        self.choices.len()
    }

    /// Forgets what has been made.
    pub(crate) fn rewind(&mut self) {
        let Self { choices: _, made } = self;
        made.fill(false);
    }

    /// The first planned occurrence of this point after `occurrence`.
    pub(crate) fn next(&self, point: Point, occurrence: u32) -> u32 {
        let index =
            self.choices.partition_point(|c| (c.point, c.occurrence) <= (point, occurrence));
        self.choices.get(index).filter(|c| c.point == point).map_or(NEVER, |c| c.occurrence)
    }

    /// Calls `note` with every point and occurrence that is planned.
    pub(crate) fn for_each(&self, mut note: impl FnMut(Point, u32)) {
        let planned = self.choices.iter().filter(|choice| choice.occurrence > 0);
        planned.for_each(|choice| note(choice.point, choice.occurrence));
    }

    /// The value planned for this occurrence.
    pub(crate) fn answer(&self, point: Point, occurrence: u32) -> Option<u32> {
        self.find(point, occurrence).map(|index| self.choices[index].value)
    }

    /// Notes that this occurrence was answered with `value`, which may not be what was planned.
    pub(crate) fn confirm(&mut self, point: Point, occurrence: u32, value: u32) {
        if let Some(index) = self.find(point, occurrence) {
            self.made[index] = self.choices[index].value == value;
        }
    }

    /// The choices that have not been made, by point and occurrence.
    pub(crate) fn unused(&self) -> impl Iterator<Item = Choice> {
        self.choices.iter().zip(&self.made).filter(|(_, made)| !**made).map(|(choice, _)| *choice)
    }

    fn find(&self, point: Point, occurrence: u32) -> Option<usize> {
        let index = self.choices.partition_point(|c| (c.point, c.occurrence) < (point, occurrence));
        let choice = self.choices.get(index)?;
        ((choice.point, choice.occurrence) == (point, occurrence)).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn choice(point: u16, occurrence: u32, value: u32) -> Choice {
        Choice { point: Point(point), occurrence, value }
    }

    #[test]
    fn the_next_occurrence_is_of_the_same_point() {
        let mut plan = Plan::default();
        plan.extend([choice(1, 7, 1), choice(1, 2, 1), choice(0, 3, 1)]);
        let check = |point, after, expect| assert_eq!(plan.next(Point(point), after), expect);
        check(0, 0, 3);
        check(0, 3, NEVER);
        check(1, 0, 2);
        check(1, 2, 7);
        check(1, 7, NEVER);
        check(2, 0, NEVER);
    }

    #[test]
    fn the_first_of_two_for_one_occurrence_stands() {
        let mut plan = Plan::default();
        plan.extend([choice(0, 1, 2)]);
        plan.extend([choice(0, 1, 1)]);
        assert_eq!(plan.answer(Point(0), 1), Some(2));
        plan.confirm(Point(0), 1, 2);
        assert_eq!(plan.unused().collect::<Vec<_>>(), [choice(0, 1, 1)]);
    }

    #[test]
    fn only_the_planned_answer_uses_a_choice() {
        let mut plan = Plan::default();
        plan.extend([choice(0, 1, 2)]);
        plan.confirm(Point(0), 1, 0);
        plan.confirm(Point(0), 2, 2);
        assert_eq!(plan.unused().count(), 1);
        plan.confirm(Point(0), 1, 2);
        assert_eq!(plan.unused().count(), 0);
        plan.rewind();
        assert_eq!(plan.unused().count(), 1);
    }
}
