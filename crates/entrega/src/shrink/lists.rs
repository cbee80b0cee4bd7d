//! Shrinking a list of choices in its own scope: dropping many, and lowering one.

use std::cmp::Ordering;

use entrega_checker::Finding;
use entrega_choice::{Choice, simplicity};
use entrega_scenario::points;

use super::{Shrinker, Small, Story};

impl Shrinker<'_> {
    /// Drops choices, half of them at a time, then fewer, as long as what is wanted stays. Choices
    /// that a run does not come to go too. `None` if the story does not show what is wanted.
    pub(super) fn reduce(&self, story: &Story, wanted: &dyn Fn(&Finding) -> bool) -> Option<Story> {
        let small = self.small(story.scope);
        let mut choices = self.attempt(&small, story, wanted)?;
        let mut size = choices.len().div_ceil(2);
        while size > 0 {
            let before = choices.len();
            choices = self.drop_runs(&small, Story { choices, ..*story }, size, wanted);
            let again = size == 1 && choices.len() < before;
            size = if again { 1 } else { size / 2 };
        }
        Some(Story { choices, ..*story })
    }

    /// Drops `size` neighbours at a time wherever that works.
    fn drop_runs(
        &self,
        small: &Small,
        story: Story,
        size: usize,
        wanted: &dyn Fn(&Finding) -> bool,
    ) -> Vec<Choice> {
        let Story { scope, mut choices } = story;
        let mut start = 0;
        while start < choices.len() {
            let mut fewer = choices.clone();
            fewer.drain(start..(start + size).min(choices.len()));
            match self.attempt(small, &Story { scope, choices: fewer }, wanted) {
                Some(made) => choices = made,
                None => start += size,
            }
        }
        choices
    }

    /// Makes single choices simpler until none can be made simpler.
    pub(super) fn lower(&self, story: Story, wanted: &dyn Fn(&Finding) -> bool) -> Story {
        let small = self.small(story.scope);
        let mut lowest = story;
        while let Some(choices) = candidates(&lowest.choices).into_iter().find_map(|choices| {
            let story = Story { choices, ..lowest };
            let made = self.attempt(&small, &story, wanted)?;
            (simplicity(&made, &lowest.choices) == Ordering::Less).then_some(made)
        }) {
            lowest.choices = choices;
        }
        lowest
    }
}

/// The lists in which one choice is dropped, comes earlier, or delays until a simpler zone.
fn candidates(choices: &[Choice]) -> Vec<Vec<Choice>> {
    let without = |index: usize| {
        let mut fewer = choices.to_vec();
        fewer.remove(index);
        fewer
    };
    let mut candidates: Vec<_> = (0..choices.len()).map(without).collect();
    for (index, choice) in choices.iter().enumerate() {
        for simpler in simpler(choice) {
            let mut lower = choices.to_vec();
            lower[index] = simpler;
            candidates.push(lower);
        }
    }
    candidates
}

/// The same choice at an earlier occurrence, or with a simpler zone.
fn simpler(choice: &Choice) -> impl Iterator<Item = Choice> {
    let choice = *choice;
    let earlier = (1..choice.occurrence).map(move |occurrence| Choice { occurrence, ..choice });
    let kind = points::kind_of(choice.point, choice.value);
    let same = kind.into_iter().flat_map(|(fault, act)| points::info(fault).explored(act));
    let lower = same.filter(move |&value| value < choice.value);
    earlier.chain(lower.map(move |value| Choice { value, ..choice }))
}

#[cfg(test)]
mod tests {
    use entrega_model::SubscriptionId;
    use entrega_scenario::points::{Fault, own_point};

    use super::*;

    fn choice(fault: Fault, occurrence: u32, value: u32) -> Choice {
        Choice { point: own_point(fault, SubscriptionId(0)), occurrence, value }
    }

    #[test]
    fn a_choice_is_lowered_in_its_own_kind() {
        let check = |one: Choice, expect: &[(u32, u32)]| {
            let found: Vec<_> = simpler(&one).map(|one| (one.occurrence, one.value)).collect();
            assert_eq!(found, expect, "{one:?}");
        };
        check(choice(Fault::EffectAfter, 1, 1), &[]);
        check(choice(Fault::EffectAfter, 3, 3), &[(1, 3), (2, 3), (3, 1), (3, 2)]);
        check(choice(Fault::SettleRequest, 1, 3), &[]);
        check(choice(Fault::SettleRequest, 1, 6), &[(1, 4), (1, 5)]);
        check(choice(Fault::ProcessStall, 1, 6), &[(1, 5)]);
    }

    #[test]
    fn every_candidate_is_simpler() {
        let list = [choice(Fault::EffectAfter, 2, 4), choice(Fault::SettleRequest, 3, 1)];
        let candidates = candidates(&list);
        assert_eq!(candidates.len(), 2 + 4 + 2);
        assert!(candidates.iter().all(|one| simplicity(one, &list) == Ordering::Less));
    }
}
